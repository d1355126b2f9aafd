//! What a compute system tells of itself.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Threading::GetProcessTimes;

use super::calls::{Outcome, read, text, with};
use super::process::Process;
use super::system::{State, System};
use super::{Service, guards, locked};
use crate::codes;
use crate::document;
use crate::wire::Request;

/// The answer to a query of the service itself.
pub(super) fn of_service(service: &Service, request: &Request) -> Outcome {
    let query = read(text(request, 0), &document::PROPERTY_QUERY)?;
    let asked = query["PropertyTypes"].as_array().into_iter().flatten();
    let told = asked.map(|asked| match asked.as_str().unwrap_or_default() {
        "Basic" => Ok(json!({ "SupportedSchemaVersions": [
            { "Major": 1, "Minor": 0 }, { "Major": 2, "Minor": 1 },
        ] })),
        "ProcessorTopology" => Ok(topology()),
        "CpuGroup" => Ok(json!({ "CpuGroups": [] })),
        "ContainerCredentialGuard" => Ok(guards::told(service)),
        _ => Err(codes::NOT_SUPPORTED),
    });
    let told = told.collect::<Result<Vec<Value>, u32>>()?;
    Ok(with(&json!({ "Properties": told })))
}

/// One package and one node, with a core for each logical processor.
fn topology() -> Value {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let one = |place: usize| {
        json!({
            "LpIndex": place, "NodeNumber": 0, "PackageId": 0, "CoreId": place, "RootVpIndex": place,
        })
    };
    json!({
        "LogicalProcessorCount": count,
        "LogicalProcessors": (0..count).map(one).collect::<Vec<Value>>(),
    })
}

pub(super) fn basic(system: &System) -> Value {
    json!({
        "Id": system.id,
        "SystemType": "Container",
        "RuntimeOsType": "Windows",
        "Name": system.id,
        "Owner": system.owner,
        "RuntimeId": system.runtime_id,
        "State": state(system.state()),
    })
}

fn state(state: State) -> &'static str {
    match state {
        State::Created => "Created",
        State::Running => "Running",
        State::Paused => "Paused",
        State::Stopped => "Stopped",
    }
}

/// The answer to a query, or `None` for a type that containers do not have.
pub(super) fn answer(system: &System, query: &Value) -> Option<Value> {
    let mut answer = basic(system);
    for asked in query["PropertyTypes"].as_array().into_iter().flatten() {
        match asked.as_str().unwrap_or_default() {
            "Statistics" => answer["Statistics"] = statistics(system),
            "ProcessList" => answer["ProcessList"] = processes(system),
            "SystemGUID" => answer["SystemGUID"] = json!(system.runtime_id),
            _ => return None,
        }
    }
    Some(answer)
}

fn statistics(system: &System) -> Value {
    let (user, kernel) = system.job.times();
    json!({
        "Timestamp": timestamp(SystemTime::now()),
        "ContainerStartTime": timestamp(system.begun_at),
        "Uptime100ns": u64::try_from(system.begun.elapsed().as_nanos() / 100).unwrap_or(u64::MAX),
        "Processor": {
            "TotalRuntime100ns": user + kernel,
            "RuntimeUser100ns": user,
            "RuntimeKernel100ns": kernel,
        },
        "Memory": {
            "MemoryUsageCommitBytes": 0,
            "MemoryUsageCommitPeakBytes": 0,
            "MemoryUsagePrivateWorkingSetBytes": 0,
        },
        "Storage": {
            "ReadCountNormalized": 0, "ReadSizeBytes": 0,
            "WriteCountNormalized": 0, "WriteSizeBytes": 0,
        },
    })
}

fn processes(system: &System) -> Value {
    let list: Vec<Arc<Process>> = locked(&system.processes).values().cloned().collect();
    list.iter().filter(|process| !process.has_ended()).map(|process| details(process)).collect()
}

fn details(process: &Process) -> Value {
    let (mut created, mut exited, mut kernel, mut user) =
        (FILETIME::default(), FILETIME::default(), FILETIME::default(), FILETIME::default());
    // SAFETY: the handle is open and every time has a place.
    unsafe {
        GetProcessTimes(
            process.raw(),
            &raw mut created,
            &raw mut exited,
            &raw mut kernel,
            &raw mut user,
        );
    }
    let ticks =
        |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    json!({
        "ProcessId": process.pid,
        "ImageName": process.image,
        "CreateTimestamp": timestamp_of(ticks(created)),
        "UserTime100ns": ticks(user),
        "KernelTime100ns": ticks(kernel),
        "MemoryCommitBytes": 0,
        "MemoryWorkingSetPrivateBytes": 0,
        "MemoryWorkingSetSharedBytes": 0,
    })
}

/// From 1601 to 1970, in seconds.
const EPOCH: u64 = 11_644_473_600;

fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    timestamp_of((since.as_secs() + EPOCH) * 10_000_000 + u64::from(since.subsec_nanos()) / 100)
}

/// RFC 3339 of a count of 100 ns since 1601.
fn timestamp_of(ticks: u64) -> String {
    let seconds = (ticks / 10_000_000).saturating_sub(EPOCH);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1970 to a date, by the civil calendar's 400-year cycle that begins in March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:07}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60,
        ticks % 10_000_000
    )
}
