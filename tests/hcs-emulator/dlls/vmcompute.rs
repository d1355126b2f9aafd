//! `vmcompute.dll`, the test double: layers, and the older interfaces to compute systems and networks.

#![cfg(windows)]

#[path = "vmcompute/compute.rs"]
mod compute;
#[path = "vmcompute/hns.rs"]
mod hns;
#[path = "vmcompute/layers.rs"]
mod layers;
