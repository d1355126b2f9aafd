//! The calls, by their names.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use windows_sys::Win32::Foundation::HANDLE;

use super::link::{Link, Object};
use super::system::{Ending, State, System};
use super::{Service, guards, launch, locked, network, properties};
use crate::codes;
use crate::document::{self, Shape};
use crate::wire::{Answer, Request};

/// What went wrong: a result, and an error document that may be empty.
pub(super) struct Refused(pub(super) u32, pub(super) String);

impl From<u32> for Refused {
    fn from(result: u32) -> Self {
        Self(result, String::new())
    }
}

pub(super) type Outcome = Result<Answer, Refused>;

/// Does what is asked.
pub(super) fn carry_out(service: &Service, link: &Arc<Link>, request: &Request) -> Answer {
    match answer(service, link, request) {
        Ok(answer) => answer,
        Err(Refused(result, document)) => {
            let document = if document.is_empty() { document::error(result, "") } else { document };
            Answer { result, document, ..Answer::default() }
        }
    }
}

fn answer(service: &Service, link: &Arc<Link>, request: &Request) -> Outcome {
    if let Some(outcome) = network::carry_out(service, link, request) {
        return outcome;
    }
    match request.call.as_str() {
        "HcsCreateComputeSystem" => create(service, link, request),
        "HcsOpenComputeSystem" => open(service, link, request),
        "HcsEnumerateComputeSystems" => enumerate(service, request),
        "HcsGetServiceProperties" => properties::of_service(service, request),
        "HcsModifyServiceSettings" => guards::modify(service, request),
        "HcsOpenProcess" => open_process(service, link, request),
        "HcsTerminateProcess"
        | "HcsSignalProcess"
        | "HcsGetProcessInfo"
        | "HcsGetProcessProperties"
        | "HcsWaitForProcessExit"
        | "HcsModifyProcess" => on_process(service, link, request),
        _ => {
            let owner = service.link_of(link, request.handle);
            let system = owner.system(request.handle).ok_or(codes::INVALID_HANDLE)?;
            on_system(service, link, &system, request)
        }
    }
}

pub(super) fn done() -> Answer {
    Answer::default()
}

pub(super) fn with(document: &Value) -> Answer {
    Answer { document: document.to_string(), ..Answer::default() }
}

pub(super) fn text(request: &Request, place: usize) -> &str {
    request.texts.get(place).map_or("", String::as_str)
}

pub(super) fn read(text: &str, shape: &Shape) -> Result<Value, Refused> {
    let text = if text.is_empty() { "{}" } else { text };
    document::check(text, shape).map_err(|document| Refused(codes::INVALID_JSON, document))
}

fn create(service: &Service, link: &Arc<Link>, request: &Request) -> Outcome {
    let (id, text) = (text(request, 0), text(request, 1));
    let first = if text.contains("\"SystemType\"") {
        read(text, &document::CONTAINER_V1)?
    } else {
        let first = read(text, &document::COMPUTE_SYSTEM)?;
        if first["Container"].is_null() {
            let why = "The document has neither `Container` nor a supported `VirtualMachine`.";
            return Err(Refused(codes::INVALID_JSON, document::error(codes::INVALID_JSON, why)));
        }
        first
    };
    let mut systems = service.systems();
    if systems.contains_key(id) {
        return Err(codes::SYSTEM_EXISTS.into());
    }
    let system = System::new(id, &first).map_err(|error| codes::of_io(&error))?;
    let system = Arc::new(system);
    systems.insert(id.to_owned(), Arc::clone(&system));
    drop(systems);
    link.open(request.new_handle, Object::System(system));
    Ok(done())
}

fn open(service: &Service, link: &Arc<Link>, request: &Request) -> Outcome {
    let system = service.systems().get(text(request, 0)).cloned();
    let system = system.ok_or(codes::SYSTEM_NOT_FOUND)?;
    link.open(request.new_handle, Object::System(system));
    Ok(done())
}

fn enumerate(service: &Service, request: &Request) -> Outcome {
    let query = read(text(request, 0), &document::SYSTEM_QUERY)?;
    let wanted = |field: &str, value: &str| match query[field].as_array() {
        Some(list) if !list.is_empty() => list.iter().any(|one| one == value),
        _ => true,
    };
    let systems = service.systems();
    let found = systems.values().filter(|system| {
        wanted("Ids", &system.id) && wanted("Owners", &system.owner) && wanted("Types", "Container")
    });
    Ok(with(&found.map(|system| properties::basic(system)).collect()))
}

fn on_system(
    service: &Service,
    link: &Arc<Link>,
    system: &Arc<System>,
    request: &Request,
) -> Outcome {
    match request.call.as_str() {
        "HcsStartComputeSystem" => system.go(State::Created, State::Running)?,
        "HcsShutDownComputeSystem" => end(service, system, Ending::Graceful)?,
        "HcsTerminateComputeSystem" => end(service, system, Ending::Forced)?,
        "HcsPauseComputeSystem" => {
            system.go(State::Running, State::Paused)?;
            freeze(system, true);
        }
        "HcsResumeComputeSystem" => {
            system.go(State::Paused, State::Running)?;
            freeze(system, false);
        }
        "HcsModifyComputeSystem" => modify(system, request)?,
        "HcsWaitForComputeSystemExit" => {
            let told = system.wait(limit(request)).ok_or(codes::OPERATION_TIMEOUT)?;
            return Ok(Answer { document: told, ..Answer::default() });
        }
        "HcsGetComputeSystemProperties" => {
            if system.state() == State::Stopped {
                return Err(codes::ALREADY_STOPPED.into());
            }
            let query = read(text(request, 0), &document::PROPERTY_QUERY)?;
            return Ok(with(&properties::answer(system, &query).ok_or(codes::NOT_SUPPORTED)?));
        }
        "HcsCreateProcess" => {
            let parameters = read(text(request, 0), &document::PROCESS)?;
            return Ok(launch::launch(system, link, request.new_handle, &parameters)?);
        }
        _ => return Err(codes::NOT_SUPPORTED.into()),
    }
    Ok(done())
}

/// How long a wait may take; Windows' word for ever is as long as anything here lives.
fn limit(request: &Request) -> Duration {
    Duration::from_millis(request.number)
}

fn end(service: &Service, system: &System, how: Ending) -> Result<(), Refused> {
    if system.end(service, how) { Ok(()) } else { Err(codes::ALREADY_STOPPED.into()) }
}

/// Suspends or resumes every process; their children go with the job's processes only.
fn freeze(system: &System, still: bool) {
    #[link(name = "ntdll")]
    unsafe extern "system" {
        fn NtSuspendProcess(process: HANDLE) -> i32;
        fn NtResumeProcess(process: HANDLE) -> i32;
    }
    for process in locked(&system.processes).values() {
        // SAFETY: the handle is open; one that has ended meanwhile is none the worse.
        unsafe {
            if still {
                NtSuspendProcess(process.raw())
            } else {
                NtResumeProcess(process.raw())
            };
        }
    }
}

fn modify(system: &System, request: &Request) -> Result<(), Refused> {
    let change = read(text(request, 0), &document::MODIFY)?;
    let path = change["ResourcePath"].as_str().unwrap_or_default();
    let shape = document::settings(path).ok_or(codes::NOT_SUPPORTED)?;
    read(&change["Settings"].to_string(), shape)?;
    match system.state() {
        State::Running | State::Paused => {}
        State::Created => return Err(codes::INVALID_STATE.into()),
        State::Stopped => return Err(codes::ALREADY_STOPPED.into()),
    }
    locked(&system.settings).insert(path.to_owned(), change["Settings"].clone());
    Ok(())
}

fn open_process(service: &Service, link: &Arc<Link>, request: &Request) -> Outcome {
    let owner = service.link_of(link, request.handle);
    let system = owner.system(request.handle).ok_or(codes::INVALID_HANDLE)?;
    let pid = u32::try_from(request.number).map_err(|_| codes::INVALID_ARGUMENT)?;
    let process = locked(&system.processes).get(&pid).cloned().ok_or(codes::NOT_FOUND)?;
    link.open(request.new_handle, Object::Process(process));
    Ok(Answer { pid, ..Answer::default() })
}

fn on_process(service: &Service, link: &Arc<Link>, request: &Request) -> Outcome {
    let owner = service.link_of(link, request.handle);
    let process = owner.process(request.handle).ok_or(codes::INVALID_HANDLE)?;
    match request.call.as_str() {
        "HcsTerminateProcess" => process.terminate()?,
        "HcsSignalProcess" => {
            let options = read(text(request, 0), &document::SIGNAL)?;
            match options["Signal"].as_str() {
                None => process.terminate()?,
                Some(name) => process.signal(event(name))?,
            }
        }
        "HcsWaitForProcessExit" => {
            if !process.wait(limit(request)) {
                return Err(codes::OPERATION_TIMEOUT.into());
            }
            return Ok(Answer { document: process.status(), ..Answer::default() });
        }
        "HcsGetProcessInfo" => return Ok(Answer { pid: process.pid, ..Answer::default() }),
        "HcsGetProcessProperties" => {
            return Ok(Answer { document: process.status(), ..Answer::default() });
        }
        _ => {
            let settings = read(text(request, 0), &document::PROCESS_MODIFY)?;
            if settings["Operation"] == json!("ConsoleSize") {
                let size = &settings["ConsoleSize"];
                let part = |name: &str| {
                    size[name].as_i64().and_then(|size| i16::try_from(size).ok()).unwrap_or(1)
                };
                let console = locked(&process.console);
                let console = console.as_ref().ok_or(codes::NOT_SUPPORTED)?;
                console.resize([part("Height"), part("Width")])?;
            }
        }
    }
    Ok(done())
}

/// `CTRL_*_EVENT`.
fn event(name: &str) -> u32 {
    match name {
        "CtrlC" => 0,
        "CtrlBreak" => 1,
        "CtrlClose" => 2,
        "CtrlLogOff" => 5,
        _ => 6,
    }
}
