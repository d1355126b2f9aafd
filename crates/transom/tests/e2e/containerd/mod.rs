//! Transom under Debian's containerd: its own images, its own specs, its CRI plugin with CNI.
//!
//! Every test has a containerd of its own, in folders of its own, set up by `transom containerd
//! setup`. What the shim does for a containerd that hands it exact Windows specs is tested where
//! the shim is.

mod cri;
mod ctr;
mod daemon;
mod images;
mod kubelet;
mod pod_cgroup;
mod pods;
mod setup;
