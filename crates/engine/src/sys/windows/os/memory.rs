//! What this process holds in memory and could do without.

/// Nothing: Windows takes what a process does not use from its working set by itself, and counts pages
/// of a program as nobody's own.
pub fn let_go() {}
