//! As whom a process knows itself: what `GetUserName` answers.
//!
//! Wine answers it from the Linux variable `USER`, which a process gets of whoever starts it, and
//! which no Windows call reaches. So this program's own is rewritten in place, where Linux put it,
//! while a process is started. What that one starts is named as it is.

use std::sync::OnceLock;

use super::linux;

/// The variable's value.
#[derive(Debug)]
struct Slot {
    address: usize,
    room: usize,
}

/// Does something while `USER` is this name. Called by one thread at a time.
pub(super) fn during<T>(name: &str, act: impl FnOnce() -> T) -> T {
    static SLOT: OnceLock<Option<Slot>> = OnceLock::new();
    // A name that does not fit, or a Wine without the variable, changes nothing.
    let slot = SLOT.get_or_init(Slot::find).as_ref().filter(|slot| name.len() <= slot.room);
    let Some(slot) = slot else { return act() };
    let before = slot.read();
    slot.write(name.as_bytes());
    let done = act();
    slot.write(&before);
    done
}

impl Slot {
    fn find() -> Option<Self> {
        let (start, end) = linux::environment()?;
        // SAFETY: Linux keeps a process' first variables there, readable, for as long as it lives.
        let all =
            unsafe { std::slice::from_raw_parts(start as *const u8, end.checked_sub(start)?) };
        let mut at = start;
        for variable in all.split(|byte| *byte == 0) {
            if let Some(value) = variable.strip_prefix(b"USER=") {
                return Some(Self { address: at + "USER=".len(), room: value.len() });
            }
            at += variable.len() + 1;
        }
        None
    }

    fn read(&self) -> Vec<u8> {
        // SAFETY: `find` saw as many bytes there, and nobody takes them away.
        unsafe { std::slice::from_raw_parts(self.address as *const u8, self.room) }.to_vec()
    }

    /// Zeros follow a shorter value: the first one ends it.
    fn write(&self, value: &[u8]) {
        for index in 0..self.room {
            let byte = value.get(index).copied().unwrap_or(0);
            // SAFETY: within what `find` saw, in memory that is this process' to write; a reader
            // of the C library's sees one name or the other, or a beginning of one.
            unsafe { ((self.address + index) as *mut u8).write_volatile(byte) };
        }
    }
}
