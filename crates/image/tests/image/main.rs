//! The crate from outside, with real files, archives and registries.

mod common;
mod layers;
