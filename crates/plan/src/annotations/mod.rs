//! Annotations: their names, how their values are read, and what happens to them before planning.

mod expand;
mod misread;
pub mod names;
mod options;
pub mod values;

pub use expand::expand;
pub use misread::misread;
pub use options::{Isolation, ShimOptions};
