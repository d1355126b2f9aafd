//! `vmcompute.dll`, the test double: layers, and the older interface to compute systems.

#![cfg(windows)]

#[path = "vmcompute/layers.rs"]
mod layers;
