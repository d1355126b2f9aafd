//! The harness: a Transom of the tests' own, and what is needed to judge it from outside.

pub(crate) mod archive;
pub(crate) mod cgroup;
pub(crate) mod chance;
pub(crate) mod command;
pub(crate) mod container;
pub(crate) mod containerd;
pub(crate) mod fetch;
pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod layers;
pub(crate) mod leaks;
pub(crate) mod name_server;
pub(crate) mod probe;
pub(crate) mod proc;
pub(crate) mod programs;
pub(crate) mod registry;
pub(crate) mod schema;
pub(crate) mod shim;
pub(crate) mod terminal;
pub(crate) mod ticket_daemon;
pub(crate) mod wait;
