//! `vmcompute.dll`, the test double: layers, and the older interface to compute systems.

#![cfg(windows)]

#[path = "vmcompute/compute.rs"]
mod compute;
#[path = "vmcompute/layers.rs"]
mod layers;
