//! `--health-*` and `--no-healthcheck`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use spec::api::Healthcheck;

use super::time;
use crate::cli::settings::HealthFlags;

/// What the flags ask for; what they leave open is the image's.
pub fn parse(flags: &HealthFlags) -> Result<Option<Healthcheck>> {
    let times = [
        ("--health-interval", &flags.health_interval),
        ("--health-timeout", &flags.health_timeout),
        ("--health-start-period", &flags.health_start_period),
        ("--health-start-interval", &flags.health_start_interval),
    ];
    let asked = flags.health_cmd.is_some()
        || flags.health_retries.is_some()
        || times.iter().any(|(_, text)| text.is_some());
    if flags.no_healthcheck {
        if asked {
            bail!("--no-healthcheck conflicts with --health-* options");
        }
        return Ok(Some(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() }));
    }
    if !asked {
        return Ok(None);
    }
    let [interval, timeout, start_period, start_interval] =
        times.map(|(flag, text)| nanos(flag, text.as_ref()));
    let retries = flags.health_retries.unwrap_or(0);
    if retries < 0 {
        bail!("--health-retries cannot be negative");
    }
    let test = flags.health_cmd.iter().filter(|command| !command.is_empty());
    Ok(Some(Healthcheck {
        test: test.flat_map(|command| ["CMD-SHELL".to_owned(), command.clone()]).collect(),
        interval: interval?,
        timeout: timeout?,
        start_period: start_period?,
        start_interval: start_interval?,
        retries,
    }))
}

fn nanos(flag: &str, text: Option<&String>) -> Result<i64> {
    let Some(text) = text else { return Ok(0) };
    let zero = (text == "0").then_some(Duration::ZERO);
    let wrong = || {
        format!("invalid value of {flag}: \"{text}\": a duration such as 30s or 1m30s is wanted")
    };
    let duration = zero.or_else(|| time::duration(text)).with_context(wrong)?;
    i64::try_from(duration.as_nanos()).with_context(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_runs_in_the_shell_and_nothing_asked_is_the_images() {
        let flags = HealthFlags {
            health_cmd: Some("exit 1".to_owned()),
            health_interval: Some("1m30s".to_owned()),
            health_retries: Some(2),
            ..HealthFlags::default()
        };
        let health = parse(&flags).unwrap().unwrap();
        assert_eq!(health.test, ["CMD-SHELL", "exit 1"]);
        assert_eq!((health.interval, health.retries), (90_000_000_000, 2));
        assert_eq!(parse(&HealthFlags::default()).unwrap(), None);
    }

    #[test]
    fn none_stands_alone_and_times_have_units() {
        let none = HealthFlags { no_healthcheck: true, ..HealthFlags::default() };
        assert_eq!(parse(&none).unwrap().unwrap().test, ["NONE"]);
        let both = HealthFlags { health_retries: Some(1), ..none };
        assert!(parse(&both).is_err());
        let text = HealthFlags { health_timeout: Some("10".to_owned()), ..HealthFlags::default() };
        assert!(parse(&text).is_err());
    }
}
