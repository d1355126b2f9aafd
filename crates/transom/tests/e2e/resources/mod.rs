//! Each kind of mount and resource, seen from inside by a Windows program.

mod credentials;
mod devices;
mod disks;
mod pipes;
mod planned;
mod pods;
mod reached;
mod registry;
