//! The crate from outside, with real files, archives and registries.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod archives;
mod common;
mod export;
mod folding;
mod hostile;
mod images;
mod interrupted;
mod layers;
mod registry;
