//! How much one layer may unpack to: what the settings allow, and what the disk had room for when its
//! unpacking began. A few bytes can unpack to more than a disk has.

use crate::settings::Settings;

/// What was taken of what is allowed.
pub(super) struct Budget {
    max_entries: u64,
    max_bytes: u64,
    /// None where the disk does not tell.
    room: Option<u64>,
    entries: u64,
    size: u64,
}

impl Budget {
    pub(super) fn new(limits: &Settings, room: Option<u64>) -> Self {
        let Settings { max_entries, max_unpacked_bytes: max_bytes, .. } = *limits;
        Self { max_entries, max_bytes, room, entries: 0, size: 0 }
    }

    /// Counts an entry, before anything of it is written; gives the rule that it breaks.
    pub(super) fn take(&mut self, bytes: u64) -> Result<(), String> {
        self.entries += 1;
        self.size = self.size.saturating_add(bytes);
        let Self { max_entries, max_bytes, size, .. } = *self;
        if self.entries > max_entries {
            return Err(format!("the layer has more than {max_entries} entries (max_entries)"));
        }
        if size > max_bytes {
            return Err(format!("the layer is larger than {max_bytes} bytes (max_unpacked_bytes)"));
        }
        match self.room {
            Some(room) if size > room => {
                Err(format!("with it the layer has {size} bytes, and the disk has room for {room}"))
            }
            _ => Ok(()),
        }
    }

    /// The bytes of all entries.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_only_together_are_too_much_are_refused_at_the_first_that_is() {
        let limits = Settings { max_entries: 3, max_unpacked_bytes: 100, ..Settings::default() };
        for (room, takes, rule) in [
            (None, [50, 50, 1], Some("max_unpacked_bytes")),
            (Some(200), [50, 50, 1], Some("max_unpacked_bytes")),
            (Some(99), [50, 49, 1], Some("the disk has room for 99")),
            (Some(99), [50, 49, u64::MAX], Some("max_unpacked_bytes")),
            (Some(99), [50, 49, 0], None),
        ] {
            let mut budget = Budget::new(&limits, room);
            assert_eq!(takes[..2].iter().try_for_each(|bytes| budget.take(*bytes)), Ok(()));
            match (budget.take(takes[2]), rule) {
                (Err(told), Some(rule)) => assert!(told.contains(rule), "{told}"),
                (told, rule) => assert_eq!((told, rule), (Ok(()), None)),
            }
        }
        let mut many = Budget::new(&limits, None);
        assert_eq!((0..3).try_for_each(|_| many.take(0)), Ok(()));
        assert!(many.take(0).unwrap_err().contains("max_entries"));
    }
}
