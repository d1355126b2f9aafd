//! Services on demand.

/// Placeholder until measured.
pub(super) fn start_on_demand() {}
