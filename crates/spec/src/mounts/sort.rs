//! The order in which mounts are made: a folder before what is mounted below it.

use super::Binding;
use crate::winpath;

/// Sorts by depth of the destination; what is equally deep keeps its order.
pub fn sort(bindings: &mut [Binding]) {
    bindings.sort_by_key(|binding| depth(&binding.destination));
}

/// The backslashes in the cleaned path.
pub(super) fn depth(destination: &str) -> usize {
    winpath::clean(destination).matches('\\').count()
}
