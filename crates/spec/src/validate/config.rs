//! The portable half: working directory, stop signal, environment, health check.

use super::Invalid;
use crate::api::{Config, Healthcheck};
use crate::{env, signal, winpath};

/// Checks `config` and cleans its working directory.
pub fn config(config: &mut Config) -> Result<(), Invalid> {
    config.working_dir = working_dir(&config.working_dir)?;
    if !config.stop_signal.is_empty() {
        signal::parse(&config.stop_signal)?;
    }
    if let Some(entry) = config.env.iter().find(|entry| env::key(entry).is_empty()) {
        return Err(Invalid::Env(entry.clone()));
    }
    config.healthcheck.as_ref().map_or(Ok(()), healthcheck)
}

/// Absolute, or rooted without a drive; `C:x` depends on a current directory that nobody has.
fn working_dir(asked: &str) -> Result<String, Invalid> {
    if asked.is_empty() {
        return Ok(String::new());
    }
    let path = winpath::from_slash(asked);
    if !winpath::is_absolute(&path) && !path.starts_with('\\') {
        return Err(Invalid::WorkingDir(asked.to_owned()));
    }
    Ok(winpath::clean(&path))
}

fn healthcheck(health: &Healthcheck) -> Result<(), Invalid> {
    duration("Interval", health.interval)?;
    duration("Timeout", health.timeout)?;
    if health.retries < 0 {
        return Err(Invalid::HealthRetries);
    }
    duration("StartPeriod", health.start_period)?;
    duration("StartInterval", health.start_interval)
}

/// 0 means the default; less than a millisecond was meant to be something else.
fn duration(member: &'static str, nanos: i64) -> Result<(), Invalid> {
    const MINIMUM: i64 = 1_000_000;
    if nanos != 0 && nanos < MINIMUM { Err(Invalid::HealthDuration { member }) } else { Ok(()) }
}
