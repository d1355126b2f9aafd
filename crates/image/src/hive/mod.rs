//! Registry hives: one tree of keys, in Windows' binary form and in Wine's text form.
//!
//! A Windows layer carries what it changes of the registry as delta hives (`Hives/*_Delta`) in the
//! `regf` format; Wine keeps its registry as text. [`regf`] and [`wine`] read and write those;
//! [`merge`] lays a delta over a tree; [`chain`] does so for an image, giving the files that a
//! container's registry starts from.

pub mod chain;
pub mod merge;
pub mod regf;
mod tree;
pub mod wine;

pub use tree::{Key, Layering, Value, fold};
