//! Where Transom keeps its things on a Windows host: below `%ProgramData%`.
//!
//! Windows is asked for the folder, and not the environment: the service and whoever types a command
//! must find the same one.

use std::path::{Path, PathBuf};

use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};

use super::text::{read, wide};

const FOLDERS: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";

pub(crate) fn root() -> PathBuf {
    program_data().unwrap_or_else(|| r"C:\ProgramData".into()).join("Transom")
}

fn program_data() -> Option<PathBuf> {
    let (key, value) = (wide(FOLDERS), wide("ProgramData"));
    let mut text = [0_u16; 260];
    let mut size = u32::try_from(size_of_val(&text)).expect("a path");
    // SAFETY: the names end with zeros, and the text has the place that it is said to have.
    let code = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_SZ,
            std::ptr::null_mut(),
            text.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    // SAFETY: what Windows gives ends with a zero.
    let folder = PathBuf::from(unsafe { read(text.as_ptr()) });
    (code == 0 && folder.is_absolute()).then_some(folder)
}

pub(crate) fn state() -> PathBuf {
    root().join("state")
}

/// Beside the running program.
pub(crate) fn libexec() -> PathBuf {
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    beside.unwrap_or_else(|| root().join("libexec"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_one_that_windows_knows() {
        let folder = program_data().unwrap();
        assert!(folder.is_dir() && folder.ends_with("ProgramData"), "{}", folder.display());
    }
}
