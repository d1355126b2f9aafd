//! `bindfltapi.dll`: what is bound in a silo, and what is refused.

#![expect(unsafe_code, reason = "the DLLs are called as C calls them")]

use std::path::Path;
use std::ptr::{null, null_mut};

use hcs_emulator::client::text::wide;
use hcs_emulator::codes;
use windows_sys::Win32::Foundation::{CloseHandle, ERROR_BAD_LENGTH, GetLastError, HANDLE};
use windows_sys::Win32::System::JobObjects::{
    CreateJobObjectW, JobObjectCreateSilo, SetInformationJobObject, TerminateJobObject,
};

use crate::dll::{Text, call, find};

fn bind(job: HANDLE, flags: u32, at: &str, target: &str) -> u32 {
    let (at, target) = (wide(at), wide(target));
    call!("bindfltapi.dll", c"BfSetupFilter"(job => HANDLE, flags => u32, at.as_ptr() => Text,
        target.as_ptr() => Text, null() => *const Text, 0 => u32))
}

fn job(name: &str) -> HANDLE {
    let name = wide(&format!(r"Global\{name}-{}", std::process::id()));
    // SAFETY: the name ends with a zero.
    unsafe { CreateJobObjectW(null(), name.as_ptr()) }
}

/// The Windows error of a promotion; zero when it was done.
fn promote(job: HANDLE, size: u32) -> u32 {
    // SAFETY: the class has no value.
    unsafe {
        match SetInformationJobObject(job, JobObjectCreateSilo, null(), size) {
            0 => GetLastError(),
            _ => 0,
        }
    }
}

#[test]
fn a_path_is_bound_in_a_silo_until_that_ends() {
    find("bindfltapi.dll", c"BfSetupFilter");
    let place = std::env::temp_dir().join(format!("doubles-bound-{}", std::process::id()));
    let (target, at) = (place.join("target"), place.join("at"));
    std::fs::create_dir_all(&target).expect("a folder");
    std::fs::write(target.join("file"), "").expect("a file");
    std::fs::create_dir(&at).expect("a folder");
    let text = |path: &Path| path.display().to_string();
    let (at_text, target_text) = (text(&at), text(&target));
    let silo = job("silo");
    assert_eq!(bind(silo, 4, &at_text, &target_text), codes::INVALID_ARGUMENT, "it is none yet");
    assert_eq!(promote(silo, 4), ERROR_BAD_LENGTH);
    assert_eq!(promote(silo, 0), 0);
    assert_ne!(promote(silo, 0), 0, "it is one");

    for (flags, at, target, refused) in [
        (0, &*at_text, &*target_text, codes::INVALID_ARGUMENT),
        (6, &at_text, &target_text, codes::INVALID_ARGUMENT),
        (4, "at", &target_text, codes::INVALID_ARGUMENT),
        (4, r"C:\", &target_text, codes::INVALID_ARGUMENT),
        (4, r"C:\a\..\b", &target_text, codes::INVALID_ARGUMENT),
        (4, r"C:\there\is\no\such", &target_text, codes::NO_PATH),
        (4, &at_text, r"C:\there\is\no\such", codes::NO_FILE),
        (4, &at_text, r"\\?\Volume{0}", codes::INVALID_ARGUMENT),
    ] {
        assert_eq!(bind(silo, flags, at, target), refused, "{flags} {at} {target}");
    }
    assert!(!at.join("file").exists(), "nothing was bound");
    assert_eq!(bind(silo, 5, &format!(r"{at_text}\"), &target_text), codes::OK);
    assert!(at.join("file").exists(), "it is shown");
    // SAFETY: the handle is open, and closed once.
    unsafe {
        TerminateJobObject(silo, 1);
        CloseHandle(silo);
    }
    assert!(at.is_dir() && !at.join("file").exists(), "it has gone with its silo");
    assert!(target.join("file").exists());
    std::fs::remove_dir_all(&place).expect("it can be removed");
    assert_eq!(bind(null_mut(), 4, &at_text, &target_text), codes::INVALID_HANDLE);
}
