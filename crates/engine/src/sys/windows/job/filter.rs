//! The bind filter (`bindfltapi.dll`): a path leads elsewhere, for what runs in one silo.
//!
//! What is bound is nowhere on disk: it goes with its silo, however that ends.

use std::io;

use windows_sys::Win32::Foundation::HANDLE;

use super::super::codes::{Refusal, failed};
use super::super::library::{Library, function};
use super::super::text::wide;
use super::object::Job;
use crate::error::ErrorKind;

static BIND_FILTER: Library = Library::new("bindfltapi.dll");

/// What is bound cannot be written to.
const READ_ONLY: u32 = 1;
/// It is bound for the job's silo and not for everybody.
const OF_THE_SILO: u32 = 4;

/// The job, the flags, where, what, and below it what is not: texts, and how many.
type SetupFilter =
    unsafe extern "system" fn(HANDLE, u32, *const u16, *const u16, *const *const u16, u32) -> u32;

/// The filter, loaded.
#[derive(Clone, Copy)]
pub(super) struct Filter(SetupFilter);

impl Filter {
    pub(super) fn load() -> Result<Self, ErrorKind> {
        Ok(Self(function!(BIND_FILTER, c"BfSetupFilter" as SetupFilter)))
    }

    /// Has `at` lead to `target` in a job's silo. The folder that `at` is in must be there.
    pub(super) fn bind(
        self,
        job: &Job,
        at: &str,
        target: &str,
        read_only: bool,
    ) -> Result<(), ErrorKind> {
        let flags = OF_THE_SILO | if read_only { READ_ONLY } else { 0 };
        let (from, to) = (wide(at), wide(target));
        // SAFETY: the handle is open, both texts end with zeros, and there are no exceptions.
        let result =
            unsafe { (self.0)(job.raw(), flags, from.as_ptr(), to.as_ptr(), std::ptr::null(), 0) };
        if failed(result) {
            let refusal = Refusal::new("BfSetupFilter", result, String::new());
            return Err(ErrorKind::io(format!("bind `{at}` to `{target}`"), reason(&refusal)));
        }
        Ok(())
    }
}

fn reason(refusal: &Refusal) -> io::Error {
    match refusal.win32() {
        Some(code) => io::Error::from_raw_os_error(code.cast_signed()),
        None => io::Error::other(format!("{} returned {:#010x}", refusal.call, refusal.result)),
    }
}
