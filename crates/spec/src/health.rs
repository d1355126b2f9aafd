//! Health checks: what runs, how often, and after how many failures a container is unhealthy.

use std::time::Duration;

use crate::api::{Config, Healthcheck};

/// A health check with every open value decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Between two checks.
    pub interval: Duration,
    /// After this a check failed.
    pub timeout: Duration,
    /// How long failures do not count.
    pub start_period: Duration,
    /// Between two checks during the start period.
    pub start_interval: Duration,
    /// That many failures in a row make it unhealthy.
    pub retries: u32,
}

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_secs(5);
const RETRIES: u32 = 3;
/// Of a check's output that is kept.
pub const OUTPUT_LIMIT: usize = 4096;
/// Results that are kept.
pub const RESULTS_KEPT: usize = 5;

/// The check that `config` asks for; `None` when it asks for none, or for `NONE`.
pub fn probe(config: &Config) -> Option<Probe> {
    let health = config.healthcheck.as_ref()?;
    Some(Probe {
        command: command(health, &config.shell)?,
        interval: or_default(health.interval, INTERVAL),
        timeout: or_default(health.timeout, TIMEOUT),
        start_period: or_default(health.start_period, Duration::ZERO),
        start_interval: or_default(health.start_interval, START_INTERVAL),
        retries: u32::try_from(health.retries).ok().filter(|n| *n > 0).unwrap_or(RETRIES),
    })
}

/// The shell that a check in shell form runs in.
pub fn shell(configured: &[String]) -> Vec<String> {
    if configured.is_empty() {
        return ["cmd", "/S", "/C"].map(str::to_owned).to_vec();
    }
    configured.to_vec()
}

fn command(health: &Healthcheck, configured_shell: &[String]) -> Option<Vec<String>> {
    let (form, rest) = health.test.split_first()?;
    match form.as_str() {
        "CMD" if !rest.is_empty() => Some(rest.to_vec()),
        "CMD-SHELL" => {
            let mut words = shell(configured_shell);
            words.extend(rest.first().cloned());
            Some(words)
        }
        _ => None,
    }
}

fn or_default(nanos: i64, default: Duration) -> Duration {
    u64::try_from(nanos).ok().filter(|n| *n > 0).map_or(default, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_form_check_runs_in_the_images_shell() {
        let health = Healthcheck {
            test: vec!["CMD-SHELL".to_owned(), "exit 1".to_owned()],
            retries: 5,
            ..Healthcheck::default()
        };
        let mut config = Config { healthcheck: Some(health), ..Config::default() };
        let asked = probe(&config).unwrap();
        assert_eq!(asked.command, ["cmd", "/S", "/C", "exit 1"]);
        assert_eq!((asked.retries, asked.timeout), (5, TIMEOUT));
        config.shell = vec!["pwsh".to_owned()];
        assert_eq!(probe(&config).unwrap().command, ["pwsh", "exit 1"]);
    }

    #[test]
    fn none_is_no_check() {
        let health = Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() };
        assert_eq!(probe(&Config { healthcheck: Some(health), ..Config::default() }), None);
    }
}
