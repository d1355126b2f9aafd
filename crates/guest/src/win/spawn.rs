//! Starting a process.

use std::sync::{Mutex, PoisonError};

use schema::guest::{Failure, Spawn};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Environment::{SetCurrentDirectoryW, SetEnvironmentVariableW};
use windows_sys::Win32::System::Threading::{
    CREATE_UNICODE_ENVIRONMENT, CreateProcessW, DeleteProcThreadAttributeList,
    EXTENDED_STARTUPINFO_PRESENT, InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST,
    PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROCESS_INFORMATION, STARTF_USESTDHANDLES, STARTUPINFOEXW,
    UpdateProcThreadAttribute,
};

use super::handle::{Direction, Handle, null_device};
use super::linux::Fd;
use super::stream::{Stream, Streams};
use super::text::wide;
use super::{account, environment, error, user_name};
use crate::stillborn;

/// Where the search for a program starts when a request names no directory.
const ROOT: &str = r"C:\";

/// A process that was started.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: u32,
    pub(super) process: Handle,
    pub(super) streams: Streams,
}

/// The three standard handles of a process.
struct Standard([End; 3]);

/// One of them.
enum End {
    Stream(Stream),
    Null(Handle),
}

impl End {
    fn raw(&self) -> HANDLE {
        match self {
            Self::Stream(stream) => stream.handle(),
            Self::Null(handle) => handle.raw(),
        }
    }
}

/// Starts what `spawn` describes with the descriptors that it names.
///
/// One after the other: a program is looked for in this process' directory and `PATH`, which are
/// set to the new process' own first, and so is the user's name.
pub(super) fn spawn(spawn: &Spawn, fds: Vec<Fd>) -> Result<Child, Failure> {
    static TURN: Mutex<()> = Mutex::new(());
    let standard = Standard::take(spawn, fds)?;
    let account = account::to_run_as(&spawn.user)?;
    let variables = environment::of(spawn, account)?;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let directory =
        if spawn.working_directory.is_empty() { ROOT } else { &spawn.working_directory };
    enter(directory)?;
    search_along(variables.get("PATH").unwrap_or_default());
    let created = user_name::during(account.name, || {
        let block = variables.block();
        stillborn::started(|| create(&spawn.command_line, directory, &block, standard.as_ref()))
    });
    // A directory that is entered cannot be removed.
    let left = enter(ROOT);
    let mut child = created.and_then(|child| left.map(|()| child))?;
    child.streams = carry(standard)?;
    Ok(child)
}

fn carry(standard: Option<Standard>) -> Result<Streams, Failure> {
    let ends = standard.into_iter().flat_map(|Standard(ends)| ends);
    let streams = ends
        .filter_map(|end| match end {
            End::Stream(stream) => Some(stream),
            End::Null(_) => None,
        })
        .collect();
    Streams::carry(streams).map_err(|error| Failure {
        code: 1450,
        message: format!("carrying a process' streams: {error}"),
    })
}

impl Standard {
    /// Of the descriptors that `spawn` says came along; the others are `NUL`. `None` for a process
    /// on the guest's own console.
    fn take(spawn: &Spawn, fds: Vec<Fd>) -> Result<Option<Self>, Failure> {
        let named = [spawn.stdin, spawn.stdout, spawn.stderr];
        let expected = named.iter().filter(|&&named| named).count();
        if fds.len() != expected || (spawn.console && expected != 0) {
            let came = fds.len();
            return Err(Failure {
                code: 87,
                message: format!("a request names {expected} descriptors, {came} came along"),
            });
        }
        if spawn.console {
            return Ok(None);
        }
        let mut fds = fds.into_iter();
        let mut one = |named: bool, direction| match fds.next_if(named) {
            Some(fd) => Stream::new(fd, direction).map(End::Stream),
            None => null_device(direction).map(End::Null),
        };
        Ok(Some(Self([
            one(spawn.stdin, Direction::In)?,
            one(spawn.stdout, Direction::Out)?,
            one(spawn.stderr, Direction::Out)?,
        ])))
    }
}

/// Taking the next item only on a condition.
trait NextIf: Iterator {
    fn next_if(&mut self, condition: bool) -> Option<Self::Item> {
        if condition { self.next() } else { None }
    }
}

impl<I: Iterator> NextIf for I {}

fn enter(directory: &str) -> Result<(), Failure> {
    const ERROR_DIRECTORY: u32 = 267;
    let path = wide(directory);
    // SAFETY: the path is zero-terminated.
    if !directory.contains('\0') && unsafe { SetCurrentDirectoryW(path.as_ptr()) } != 0 {
        return Ok(());
    }
    Err(error::failure(ERROR_DIRECTORY, &format!("entering the working directory `{directory}`")))
}

fn search_along(path: &str) {
    // SAFETY: both texts are zero-terminated. It cannot fail for these arguments in a way that
    // matters: the search then runs along the previous value and the program is not found.
    unsafe { SetEnvironmentVariableW(wide("PATH").as_ptr(), wide(path).as_ptr()) };
}

fn create(
    command_line: &str,
    directory: &str,
    block: &[u16],
    standard: Option<&Standard>,
) -> Result<Child, Failure> {
    let program = program_of(command_line)?;
    let mut text = wide(command_line);
    let directory = wide(directory);
    let mut inherited: Vec<HANDLE> = Vec::new();
    let mut attributes = Attributes::new()?;
    // SAFETY: all of its fields may be zero.
    let mut startup: STARTUPINFOEXW = unsafe { std::mem::zeroed() };
    startup.StartupInfo.cb = u32::try_from(size_of::<STARTUPINFOEXW>()).expect("it is 112");
    if let Some(Standard(handles)) = standard {
        inherited.extend(handles.iter().map(End::raw));
        startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
        [
            startup.StartupInfo.hStdInput,
            startup.StartupInfo.hStdOutput,
            startup.StartupInfo.hStdError,
        ] = [inherited[0], inherited[1], inherited[2]];
        attributes.inherit_only(&inherited)?;
        startup.lpAttributeList = attributes.raw();
    }
    // SAFETY: all of its fields may be zero.
    let mut created: PROCESS_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: every text is zero-terminated, the command line writable, the block ended by two
    // zeros; handles and attributes outlive the call.
    let ok = unsafe {
        CreateProcessW(
            std::ptr::null(),
            text.as_mut_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            1,
            CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
            block.as_ptr().cast(),
            directory.as_ptr(),
            (&raw const startup).cast(),
            &raw mut created,
        )
    };
    if ok == 0 {
        return Err(error::last(&format!("starting `{program}`")));
    }
    drop(Handle::own(created.hThread));
    let process = Handle::own(created.hProcess).expect("a started process has a handle");
    Ok(Child { pid: created.dwProcessId, process, streams: Streams::default() })
}

/// The program's name as the command line writes it, for messages.
fn program_of(command_line: &str) -> Result<&str, Failure> {
    let text = command_line.trim_start();
    let program = match text.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
        None => text.split([' ', '\t']).next().unwrap_or(text),
    };
    let rule = if program.is_empty() {
        "the command line is empty"
    } else if command_line.contains('\0') {
        "the command line holds a zero character"
    } else if command_line.encode_utf16().count() > 32_766 {
        "the command line is longer than 32,766 UTF-16 units"
    } else {
        return Ok(program);
    };
    Err(Failure { code: 87, message: rule.into() })
}

/// A one-entry attribute list: only the named handles are inherited, not whatever else this
/// process happens to hold for another child.
struct Attributes(Vec<usize>);

impl Attributes {
    fn new() -> Result<Self, Failure> {
        let mut size = 0;
        // SAFETY: asks for the size only.
        unsafe { InitializeProcThreadAttributeList(std::ptr::null_mut(), 1, 0, &raw mut size) };
        let mut list = vec![0_usize; size.div_ceil(size_of::<usize>())];
        let raw = list.as_mut_ptr().cast();
        // SAFETY: the list has the size that was asked for.
        if unsafe { InitializeProcThreadAttributeList(raw, 1, 0, &raw mut size) } == 0 {
            return Err(error::last("preparing a process' attributes"));
        }
        Ok(Self(list))
    }

    fn raw(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.0.as_mut_ptr().cast()
    }

    /// `handles` must outlive the list's use.
    fn inherit_only(&mut self, handles: &[HANDLE]) -> Result<(), Failure> {
        // SAFETY: the list is initialised; the handles are readable for their size, and the
        // caller keeps them until the process is created.
        let ok = unsafe {
            UpdateProcThreadAttribute(
                self.raw(),
                0,
                PROC_THREAD_ATTRIBUTE_HANDLE_LIST as usize,
                handles.as_ptr().cast(),
                size_of_val(handles),
                std::ptr::null_mut(),
                std::ptr::null(),
            )
        };
        if ok == 0 { Err(error::last("choosing a process' handles")) } else { Ok(()) }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: it was initialised.
        unsafe { DeleteProcThreadAttributeList(self.raw()) };
    }
}
