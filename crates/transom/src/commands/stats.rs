//! `stats`

use std::time::Duration;

use anyhow::Result;
use containerd_shim_protos::windows::stats::{Statistics, WindowsContainerStatistics};
use serde_json::{Value, json};

use super::exec;
use crate::cli::container::Stats;
use crate::format::Format;
use crate::host::{Host, silo};
use crate::settings::size;
use crate::store::Found;

const TABLE: &str =
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";
const HEADINGS: &[(&str, &str)] = &[
    ("ID", "CONTAINER ID"),
    ("Container", "CONTAINER"),
    ("Name", "NAME"),
    ("CPUPerc", "CPU %"),
    ("MemUsage", "PRIV WORKING SET"),
    ("MemPerc", "MEM %"),
    ("NetIO", "NET I/O"),
    ("BlockIO", "BLOCK I/O"),
    ("PIDs", "PIDS"),
];
/// Between two samples.
const INTERVAL: Duration = Duration::from_secs(1);

/// `stats`
pub(super) async fn command(host: &Host, args: Stats) -> Result<()> {
    let format = Format::parse(args.format.as_deref(), TABLE)?;
    let mut before = samples(host, &args).await?;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = samples(host, &args).await?;
        let rows: Vec<Value> = now.iter().map(|sample| row(sample, &before, &args)).collect();
        if !args.no_stream && matches!(format, Format::Table(_)) {
            // Back to the top of a cleared screen, as docker does.
            print!("\x1b[2J\x1b[H");
        }
        print!("{}", format.list(&rows, HEADINGS)?);
        if args.no_stream {
            return Ok(());
        }
        before = now;
    }
}

/// What a container had used at some moment.
struct Sample {
    found: Found,
    used: Option<Used>,
}

struct Used {
    at: std::time::Instant,
    windows: WindowsContainerStatistics,
    processes: usize,
    /// Bytes received and sent, where that can be seen.
    traffic: Option<(u64, u64)>,
}

async fn samples(host: &Host, args: &Stats) -> Result<Vec<Sample>> {
    let mut all = Vec::new();
    let found = if args.containers.is_empty() {
        let mut found = host.list().await?;
        found.retain(|found| args.all || found.state.status.is_running());
        found
    } else {
        let mut named = Vec::new();
        for name in &args.containers {
            named.push(host.find(name).await?);
        }
        named
    };
    for found in found {
        // One that ends while it is asked has used nothing.
        let used =
            if found.state.status.is_running() { sample(host, &found).await.ok() } else { None };
        all.push(Sample { found, used });
    }
    Ok(all)
}

async fn sample(host: &Host, found: &Found) -> Result<Used> {
    let client = exec::connect(found).await?;
    let statistics: Statistics = client.stats(&found.record.id).await?;
    let windows = statistics.windows().clone();
    let processes = client.pids(&found.record.id).await?.len();
    let silos = host.dirs.state.join("silos");
    let first = silo::first_process(&silos, &found.record.id);
    let traffic = first.and_then(silo::traffic).ok();
    Ok(Used { at: std::time::Instant::now(), windows, processes, traffic })
}

fn row(sample: &Sample, before: &[Sample], args: &Stats) -> Value {
    let record = &sample.found.record;
    let id = if args.no_trunc { &record.id } else { record.short_id() };
    let mut row = json!({
        "ID": id, "Container": id, "Name": record.name,
        "CPUPerc": "--", "MemUsage": "--", "MemPerc": "--", "NetIO": "--",
        "BlockIO": "--", "PIDs": "--",
    });
    // `MemPerc` stays so: docker tells no share of memory on Windows either.
    let Some(used) = &sample.used else { return row };
    let old = before.iter().find(|old| old.found.record.id == record.id);
    let old = old.and_then(|old| old.used.as_ref());
    let storage = used.windows.storage.as_ref();
    let (read, written) = storage.map_or((0, 0), |s| (s.read_size_bytes, s.write_size_bytes));
    let memory = used.windows.memory.as_ref();
    let memory = memory.map_or(0, |memory| memory.memory_usage_private_working_set_bytes);
    row["CPUPerc"] = format!("{:.2}%", old.map_or(0.0, |old| processor_share(old, used))).into();
    row["MemUsage"] = size::binary(memory).into();
    if let Some((received, sent)) = used.traffic {
        row["NetIO"] = pair(received, sent).into();
    }
    row["BlockIO"] = pair(read, written).into();
    row["PIDs"] = used.processes.to_string().into();
    row
}

fn pair(first: u64, second: u64) -> String {
    format!("{} / {}", size::decimal(first), size::decimal(second))
}

/// Percent of all processors of this host, as docker counts for Windows.
fn processor_share(old: &Used, new: &Used) -> f64 {
    let total = |used: &Used| used.windows.processor.as_ref().map_or(0, |p| p.total_runtime_ns);
    let used = Duration::from_nanos(total(new).saturating_sub(total(old)));
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let processors = u32::try_from(processors).unwrap_or(u32::MAX);
    let possible = (new.at - old.at) * processors;
    if possible.is_zero() { 0.0 } else { used.div_duration_f64(possible) * 100.0 }
}
