//! The crate from outside, with real files, archives and registries.

mod archives;
mod common;
mod hostile;
mod images;
mod interrupted;
mod layers;
mod registry;
