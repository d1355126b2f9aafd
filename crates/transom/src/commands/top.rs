//! `top`

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;

use super::exec;
use crate::cli::container::Top;
use crate::format::Format;
use crate::host::Host;
use crate::settings::size;

const TABLE: &str = "{{.Name}}\t{{.PID}}\t{{.CPU}}\t{{.Memory}}";
const HEADINGS: &[(&str, &str)] =
    &[("Name", "Name"), ("PID", "PID"), ("CPU", "CPU"), ("Memory", "Private Working Set")];

/// `top`
pub(super) async fn command(host: &Host, args: Top) -> Result<()> {
    if !args.options.is_empty() {
        bail!("Windows does not support arguments to top");
    }
    let found = host.find(&args.container).await?;
    let client = exec::connect(&found).await?;
    let processes = client.pids(&found.record.id).await?;
    let rows: Vec<_> = processes
        .iter()
        .map(|process| {
            json!({
                "Name": process.image_name,
                "PID": process.pid.to_string(),
                "CPU": clock(process.kernel_time + process.user_time),
                "Memory": size::decimal(process.working_set_private),
            })
        })
        .collect();
    print!("{}", Format::parse(None, TABLE)?.list(&rows, HEADINGS)?);
    Ok(())
}

/// `HH:MM:SS.mmm`
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", seconds % 60, time.subsec_millis())
}
