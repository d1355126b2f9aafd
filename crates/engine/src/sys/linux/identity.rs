//! Who a container's accounts are on the host.

/// The host id of a container's root: far above the ids of people and services.
pub(crate) const FIRST_ID: u32 = 1_000_000_000;

/// How many ids a container has.
pub(crate) const ID_COUNT: u32 = 65_536;
