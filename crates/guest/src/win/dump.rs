//! Dumps of programs that break, where the registry asks for them: what Windows Error Reporting
//! does on Windows, by its own settings.
//!
//! Wine starts the debugger that the registry names when nobody handles an exception, and waits
//! for it. [`arm`] names this program, in containers that ask for dumps and in no others.

use std::fs::{self, DirEntry, File};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};

use schema::guest::Failure;
use windows_sys::Win32::Foundation::{HANDLE, MAX_PATH};
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, RRF_RT_REG_DWORD, RRF_RT_REG_SZ, RegGetValueW,
};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_ALL_ACCESS, QueryFullProcessImageNameW,
};

use super::handle::Handle;
use super::registry::{Data, Key, Root};
use super::text::{narrow, wide};

const SETTINGS: &str = r"Software\Microsoft\Windows\Windows Error Reporting\LocalDumps";
const DEBUGGER: &str = r"Software\Microsoft\Windows NT\CurrentVersion\AeDebug";

/// Windows' own defaults.
const USUAL_COUNT: u32 = 10;
const FULL: u32 = 2;

/// `MiniDumpWriteDump`. Its library is loaded here only: this program starts in every container.
type WriteDump = unsafe extern "system" fn(
    HANDLE,
    u32,
    HANDLE,
    i32,
    *const core::ffi::c_void,
    *const core::ffi::c_void,
    *const core::ffi::c_void,
) -> i32;

/// Has this program called for what breaks, if dumps are asked for.
pub(super) fn arm() -> Result<(), Failure> {
    if folder().is_none() {
        return Ok(());
    }
    let key = Key::create(Root::Machine, DEBUGGER, false)?;
    let line = r"C:\windows\system32\transom-guest.exe dump %ld %ld";
    key.set("Debugger", &Data::text(line))?;
    key.set("Auto", &Data::text("1"))
}

/// Writes the dump of a process that waits for it.
pub(super) fn write(pid: u32) -> io::Result<()> {
    let Some(folder) = folder() else { return Ok(()) };
    let count = dword("DumpCount").unwrap_or(USUAL_COUNT);
    let kind = i32::from(dword("DumpType") == Some(FULL)) * MINI_DUMP_WITH_FULL_MEMORY;
    // SAFETY: a plain call.
    let process = Handle::own(unsafe { OpenProcess(PROCESS_ALL_ACCESS, 0, pid) });
    let process = process.ok_or_else(io::Error::last_os_error)?;
    fs::create_dir_all(&folder)?;
    make_room(&folder, count as usize)?;
    let file = File::create(folder.join(format!("{}.{pid}.dmp", name_of(&process))))?;
    let none = std::ptr::null();
    let raw = file.as_raw_handle();
    // SAFETY: both handles are open, and the last three may be null.
    match unsafe { writer()?(process.raw(), pid, raw, kind, none, none, none) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

const MINI_DUMP_WITH_FULL_MEMORY: i32 = 2;

fn writer() -> io::Result<WriteDump> {
    // SAFETY: both names are zero-terminated; the library stays loaded.
    let found = unsafe {
        GetProcAddress(
            LoadLibraryW(wide("dbghelp.dll").as_ptr()),
            c"MiniDumpWriteDump".as_ptr().cast(),
        )
    };
    let found = found.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the function of that name has these parameters.
    Ok(unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, WriteDump>(found) })
}

/// The oldest go, so that with one more there are no more than `count`.
fn make_room(folder: &Path, count: usize) -> io::Result<()> {
    let is_dump = |entry: &DirEntry| entry.path().extension().is_some_and(|kind| kind == "dmp");
    let age = |entry: &DirEntry| entry.metadata().and_then(|about| about.modified()).ok();
    let mut dumps: Vec<DirEntry> = fs::read_dir(folder)?.flatten().filter(is_dump).collect();
    dumps.sort_by_key(age);
    let surplus = (dumps.len() + 1).saturating_sub(count.max(1));
    dumps.iter().take(surplus).try_for_each(|dump| fs::remove_file(dump.path()))
}

/// The file name of a process' program.
fn name_of(process: &Handle) -> String {
    let mut path = [0_u16; MAX_PATH as usize];
    let mut length = MAX_PATH;
    // SAFETY: the buffer goes with its length.
    unsafe { QueryFullProcessImageNameW(process.raw(), 0, path.as_mut_ptr(), &raw mut length) };
    let path = narrow(&path);
    path.rsplit('\\').next().unwrap_or_default().to_owned()
}

fn folder() -> Option<PathBuf> {
    let mut text = [0_u16; MAX_PATH as usize];
    let bytes = get("DumpFolder", RRF_RT_REG_SZ, text.as_mut_ptr().cast(), size_of_val(&text));
    bytes.then(|| narrow(&text)).filter(|text| !text.is_empty()).map(PathBuf::from)
}

fn dword(name: &str) -> Option<u32> {
    let mut value = 0_u32;
    get(name, RRF_RT_REG_DWORD, (&raw mut value).cast(), size_of::<u32>()).then_some(value)
}

/// Reads a setting into a buffer of this many bytes; whether it is there.
fn get(name: &str, kind: u32, into: *mut core::ffi::c_void, bytes: usize) -> bool {
    let mut size = u32::try_from(bytes).expect("buffers are small");
    let (key, name) = (wide(SETTINGS), wide(name));
    // SAFETY: the names are zero-terminated, the buffer is the caller's and goes with its size.
    unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            name.as_ptr(),
            kind,
            std::ptr::null_mut(),
            into,
            &raw mut size,
        ) == 0
    }
}
