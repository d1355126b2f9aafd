//! What a compute system tells of itself.

use std::time::SystemTime;

use serde_json::{Value, json};
use windows_sys::Win32::System::ProcessStatus::PROCESS_MEMORY_COUNTERS_EX;
use windows_sys::Win32::System::Threading::IO_COUNTERS;

use super::calls::{Outcome, read, text, with};
use super::census::{self, Running};
use super::system::{State, System};
use super::{Service, guards};
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
    let all = census::of(&system.job);
    let sum = |part: &dyn Fn(&Running) -> u64| all.iter().map(part).sum::<u64>();
    let bytes = |part: fn(&PROCESS_MEMORY_COUNTERS_EX) -> usize| {
        sum(&|running| u64::try_from(part(&running.memory())).unwrap_or_default())
    };
    let disk = |part: fn(&IO_COUNTERS) -> u64| sum(&|running| part(&running.disk()));
    // Not every Windows counts for a job.
    let user = user.max(sum(&|running| running.times().user));
    let kernel = kernel.max(sum(&|running| running.times().kernel));
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
            "MemoryUsageCommitBytes": bytes(|memory| memory.PagefileUsage),
            "MemoryUsageCommitPeakBytes": bytes(|memory| memory.PeakPagefileUsage),
            "MemoryUsagePrivateWorkingSetBytes": bytes(|memory| memory.WorkingSetSize),
        },
        "Storage": {
            "ReadCountNormalized": disk(|disk| disk.ReadOperationCount),
            "ReadSizeBytes": disk(|disk| disk.ReadTransferCount),
            "WriteCountNormalized": disk(|disk| disk.WriteOperationCount),
            "WriteSizeBytes": disk(|disk| disk.WriteTransferCount),
        },
    })
}

fn processes(system: &System) -> Value {
    census::of(&system.job).iter().map(details).collect()
}

fn details(running: &Running) -> Value {
    let (times, memory) = (running.times(), running.memory());
    json!({
        "ProcessId": running.pid,
        "ImageName": running.image(),
        "CreateTimestamp": timestamp_of(times.began),
        "UserTime100ns": times.user,
        "KernelTime100ns": times.kernel,
        "MemoryCommitBytes": memory.PagefileUsage,
        "MemoryWorkingSetPrivateBytes": memory.WorkingSetSize,
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
