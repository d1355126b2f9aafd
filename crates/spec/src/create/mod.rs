//! From a request to settings that can be stored: decoding, completing, merging with the image.

mod decode;
mod folded;
mod merge;
mod prepare;
mod refused;

pub use decode::{CreateRequest, decode, from_json};
pub use merge::{NoCommand, merge};
pub use prepare::{Prepared, prepare};
pub use refused::{Refused, refuse_impossible};
