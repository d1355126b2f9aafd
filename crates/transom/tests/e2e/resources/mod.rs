//! Each kind of mount and resource, seen from inside by a Windows program.

mod devices;
mod pipes;
mod planned;
mod registry;
