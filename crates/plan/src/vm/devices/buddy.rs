//! Regions of a persistent memory device: an allocator that splits a region in four, and joins four
//! that are free.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;
/// Classes of regions: 1 MiB, 4 MiB, ... 4 GiB.
const CLASSES: usize = 7;

/// The free regions of a device, by class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Regions {
    free: Vec<BTreeSet<u64>>,
}

impl Default for Regions {
    fn default() -> Self {
        let mut free = vec![BTreeSet::new(); CLASSES];
        free[CLASSES - 1].insert(0);
        Self { free }
    }
}

/// The size of a class.
fn size_of(class: usize) -> u64 {
    MIB << (2 * class)
}

/// The smallest class that holds `size`.
fn class_of(size: u64) -> Option<usize> {
    (0..CLASSES).find(|class| size_of(*class) >= size)
}

impl Regions {
    /// Takes a region that holds `size`, the one with the lowest offset of the smallest class.
    pub(super) fn take(&mut self, size: u64) -> Option<u64> {
        let class = class_of(size)?;
        let from = (class..CLASSES).find(|class| !self.free[*class].is_empty())?;
        for larger in (class + 1..=from).rev() {
            let offset = self.free[larger].pop_first()?;
            let part = size_of(larger - 1);
            self.free[larger - 1].extend((0..4).map(|at| offset + at * part));
        }
        self.free[class].pop_first()
    }

    /// Gives a region back.
    pub(super) fn give_back(&mut self, offset: u64, size: u64) {
        let Some(class) = class_of(size) else { return };
        self.free[class].insert(offset);
        self.join(class, offset);
    }

    fn join(&mut self, class: usize, offset: u64) {
        if class + 1 >= CLASSES {
            return;
        }
        let larger = size_of(class + 1);
        let start = offset - offset % larger;
        let parts: Vec<u64> = (0..4).map(|at| start + at * size_of(class)).collect();
        if parts.iter().all(|part| self.free[class].contains(part)) {
            for part in &parts {
                self.free[class].remove(part);
            }
            self.free[class + 1].insert(start);
            self.join(class + 1, start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_do_not_overlap_and_all_come_back() {
        let mut regions = Regions::default();
        let sizes = [5 * MIB, MIB, 3 * MIB, 17 * MIB, MIB];
        let mut taken: Vec<(u64, u64)> =
            sizes.iter().map(|size| (regions.take(*size).unwrap(), *size)).collect();
        taken.sort_unstable();
        for pair in taken.windows(2) {
            assert!(pair[0].0 + pair[0].1 <= pair[1].0, "{pair:?} overlap");
        }
        for (offset, size) in taken {
            regions.give_back(offset, size);
        }
        assert_eq!(regions, Regions::default());
    }

    #[test]
    fn the_whole_device_is_one_region_at_most_once() {
        let mut regions = Regions::default();
        assert_eq!(regions.take(4 << 30), Some(0));
        assert_eq!(regions.take(1), None);
    }
}
