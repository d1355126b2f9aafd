//! Starting a process: its streams, environment and folder, inside its system's job.

use std::collections::BTreeMap;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CREATE_SUSPENDED, CREATE_UNICODE_ENVIRONMENT, CreateProcessW,
    DeleteProcThreadAttributeList, EXTENDED_STARTUPINFO_PRESENT, InitializeProcThreadAttributeList,
    PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, PROCESS_INFORMATION, ResumeThread, STARTF_USESTDHANDLES,
    STARTUPINFOEXW, TerminateProcess, UpdateProcThreadAttribute,
};

use super::console::Console;
use super::link::{Link, Object};
use super::locked;
use super::pipes::{self, Pair, Way, wide};
use super::process::Process;
use super::system::{State, System};
use crate::codes;
use crate::wire::Answer;

/// While a child's handles can be inherited, no other child is made: neither a process nor a console,
/// which is one too.
static INHERITING: Mutex<()> = Mutex::new(());

/// Starts one and gives its streams to the caller.
pub(super) fn launch(
    system: &Arc<System>,
    link: &Arc<Link>,
    handle: u64,
    parameters: &Value,
) -> Result<Answer, u32> {
    let state = locked(&system.state);
    match *state {
        State::Running => {}
        State::Stopped => return Err(codes::ALREADY_STOPPED),
        State::Created | State::Paused => return Err(codes::INVALID_STATE),
    }
    let alone = locked(&INHERITING);
    let streams = Streams::new(parameters).map_err(|error| codes::of_io(&error))?;
    let started = start(system, parameters, &streams)?;
    // The child has its ends; the service's would keep a reader waiting, and reach the next child.
    drop(streams.near);
    drop(alone);
    let process = Process::new(started.pid, started.handle, system, streams.console);
    let mut given = [0; 3];
    for (place, far) in given.iter_mut().zip(&streams.far) {
        if let Some(far) = far {
            *place = pipes::give(link.pid, far).map_err(|error| codes::of_io(&error))?;
        }
    }
    locked(&system.processes).insert(process.pid, Arc::clone(&process));
    // SAFETY: the thread's handle is open: it was made with the process.
    unsafe { ResumeThread(started.thread.as_raw_handle()) };
    process.watch();
    let pid = process.pid;
    link.open(handle, Object::Process(process));
    drop(state);
    Ok(Answer { pid, streams: given, ..Answer::default() })
}

/// The ends of its streams.
struct Streams {
    far: [Option<OwnedHandle>; 3],
    near: [Option<OwnedHandle>; 3],
    console: Option<Console>,
}

impl Streams {
    fn new(parameters: &Value) -> io::Result<Self> {
        let wanted = |name: &str| parameters[name] == Value::Bool(true);
        let mut streams = Self { far: [None, None, None], near: [None, None, None], console: None };
        if wanted("EmulateConsole") {
            return streams.on_console(parameters);
        }
        let names = ["CreateStdInPipe", "CreateStdOutPipe", "CreateStdErrPipe"];
        for (place, name) in names.iter().enumerate() {
            let way = if place == 0 { Way::In } else { Way::Out };
            if wanted(name) {
                let Pair { far, near } = Pair::new(way)?;
                (streams.far[place], streams.near[place]) = (Some(far), Some(near));
            } else {
                streams.near[place] = Some(pipes::nul(way)?);
            }
        }
        Ok(streams)
    }

    /// With a console there is one stream each way.
    fn on_console(mut self, parameters: &Value) -> io::Result<Self> {
        let (input, output) = (Pair::new(Way::In)?, Pair::new(Way::Out)?);
        let console = Console::new(size_of_console(parameters), &input.near, &output.near);
        self.console =
            Some(console.map_err(|code| io::Error::from_raw_os_error(code.cast_signed()))?);
        self.far = [Some(input.far), Some(output.far), None];
        Ok(self)
    }
}

fn size_of_console(parameters: &Value) -> [i16; 2] {
    let part = |place: usize, usual: i16| {
        let asked = parameters["ConsoleSize"][place].as_i64().filter(|size| *size > 0);
        asked.and_then(|size| i16::try_from(size).ok()).unwrap_or(usual)
    };
    [part(0, 25), part(1, 80)]
}

struct Started {
    pid: u32,
    handle: OwnedHandle,
    thread: OwnedHandle,
}

/// Starts it suspended, in its job.
fn start(system: &System, parameters: &Value, streams: &Streams) -> Result<Started, u32> {
    let mut startup = STARTUPINFOEXW::default();
    startup.StartupInfo.cb = u32::try_from(size_of::<STARTUPINFOEXW>()).expect("a small structure");
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    let raw = |place: usize| {
        streams.near[place]
            .as_ref()
            .map_or(std::ptr::null_mut(), std::os::windows::io::AsRawHandle::as_raw_handle)
    };
    startup.StartupInfo.hStdInput = raw(0);
    startup.StartupInfo.hStdOutput = raw(1);
    startup.StartupInfo.hStdError = raw(2);
    for near in streams.near.iter().flatten() {
        pipes::inheritable(near).map_err(|error| codes::of_io(&error))?;
    }
    let mut list = vec![0usize; 64];
    let mut flags = CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
    attach(&mut startup, &mut list, streams.console.as_ref())
        .map_err(|error| codes::of_io(&error))?;
    if streams.console.is_none() {
        flags |= CREATE_NO_WINDOW;
    }
    let mut line = wide(parameters["CommandLine"].as_str().unwrap_or_default());
    let folder = parameters["WorkingDirectory"].as_str().filter(|folder| !folder.is_empty());
    let folder = wide(folder.unwrap_or("C:\\"));
    let environment = environment(parameters);
    let mut made = PROCESS_INFORMATION::default();
    // SAFETY: all texts end with a zero, the line is writable, and the structures are whole.
    let done = unsafe {
        CreateProcessW(
            std::ptr::null(),
            line.as_mut_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            1,
            flags,
            environment.as_ptr().cast(),
            folder.as_ptr(),
            (&raw const startup).cast(),
            &raw mut made,
        )
    };
    let error = io::Error::last_os_error();
    // SAFETY: the list was initialised.
    unsafe { DeleteProcThreadAttributeList(startup.lpAttributeList) };
    if done == 0 {
        return Err(codes::of_io(&error));
    }
    // SAFETY: both handles are new and nobody else's.
    let (handle, thread) = unsafe {
        (OwnedHandle::from_raw_handle(made.hProcess), OwnedHandle::from_raw_handle(made.hThread))
    };
    if let Err(error) = system.job.add(made.hProcess) {
        // SAFETY: the handle is open.
        unsafe { TerminateProcess(made.hProcess, codes::PROCESS_ABORTED) };
        return Err(codes::of_io(&error));
    }
    Ok(Started { pid: made.dwProcessId, handle, thread })
}

/// Puts a console into the attributes, if there is one.
fn attach(
    startup: &mut STARTUPINFOEXW,
    list: &mut [usize],
    console: Option<&Console>,
) -> io::Result<()> {
    let mut size = size_of_val(list);
    // SAFETY: the list has this many bytes, and outlives the structure's use.
    let done = unsafe {
        startup.lpAttributeList = list.as_mut_ptr().cast();
        InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &raw mut size)
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let Some(console) = console else { return Ok(()) };
    // SAFETY: a console's attribute is its handle itself.
    let done = unsafe {
        UpdateProcThreadAttribute(
            startup.lpAttributeList,
            0,
            PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE as usize,
            std::ptr::without_provenance(console.raw().cast_unsigned()),
            size_of::<HANDLE>(),
            std::ptr::null_mut(),
            std::ptr::null(),
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The service's own variables with the document's over them; names compare without case.
fn environment(parameters: &Value) -> Vec<u16> {
    let mut variables = BTreeMap::new();
    for (name, value) in std::env::vars() {
        variables.insert(name.to_uppercase(), format!("{name}={value}"));
    }
    for (name, value) in parameters["Environment"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        variables.insert(name.to_uppercase(), format!("{name}={value}"));
    }
    let mut block: Vec<u16> = variables.values().flat_map(|variable| wide(variable)).collect();
    block.push(0);
    block
}
