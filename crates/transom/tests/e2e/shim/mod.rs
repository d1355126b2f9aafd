//! The shim under a real containerd, driven with `ctr` and exact Windows specs.

mod flat;
mod frozen;
mod killed;
mod model;
mod paging;
mod pods;
mod random;
mod restart;

pub(crate) use pods::{Pod, Spec, run_to_end};
