//! `HEALTHCHECK`

use std::time::Duration;

use super::flags::Flags;
use super::words;

/// How health is found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Healthcheck {
    /// `NONE`, `CMD` and words, or `CMD-SHELL` and a line.
    pub test: Vec<String>,
    /// Between two checks.
    pub interval: Option<Duration>,
    /// Until a check has failed.
    pub timeout: Option<Duration>,
    /// While failures do not count.
    pub start_period: Option<Duration>,
    /// Between two checks in that time.
    pub start_interval: Option<Duration>,
    /// How many failures in a row mean unhealthy.
    pub retries: u32,
}

pub(super) fn read(flags: &Flags, text: &str) -> Result<Healthcheck, String> {
    flags.check(&["interval", "timeout", "start-period", "start-interval", "retries"], &[])?;
    let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match kind.to_ascii_uppercase().as_str() {
        "NONE" if rest.trim().is_empty() => {
            flags.check(&[], &[])?;
            Ok(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() })
        }
        "NONE" => Err("HEALTHCHECK NONE takes no arguments".to_owned()),
        "CMD" => Ok(Healthcheck {
            test: test(rest.trim())?,
            interval: time(flags, "interval")?,
            timeout: time(flags, "timeout")?,
            start_period: time(flags, "start-period")?,
            start_interval: time(flags, "start-interval")?,
            retries: retries(flags)?,
        }),
        _ => Err(format!("unknown type \"{kind}\" in HEALTHCHECK (try CMD)")),
    }
}

fn test(text: &str) -> Result<Vec<String>, String> {
    let (kind, words) = match words::json(text) {
        Some(words) => ("CMD", words?),
        None => ("CMD-SHELL", vec![text.to_owned()]),
    };
    if words.iter().all(String::is_empty) {
        return Err("missing command after HEALTHCHECK CMD".to_owned());
    }
    Ok(std::iter::once(kind.to_owned()).chain(words).collect())
}

fn time(flags: &Flags, name: &str) -> Result<Option<Duration>, String> {
    let Some(text) = flags.value(name)? else { return Ok(None) };
    let time = duration(&text)
        .ok_or_else(|| format!("--{name}={text}: a time such as 1m30s or 500ms is wanted"))?;
    if !time.is_zero() && time < Duration::from_millis(1) {
        return Err(format!("interval \"{name}\" cannot be less than 1ms"));
    }
    Ok(Some(time).filter(|time| !time.is_zero()))
}

fn retries(flags: &Flags) -> Result<u32, String> {
    match flags.value("retries")? {
        None => Ok(0),
        Some(text) => {
            text.parse().map_err(|_| format!("--retries={text}: must be a number, 0 or more"))
        }
    }
}

/// `1h2m3.5s`, as Go writes times.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let unit = match &after[..end] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
        rest = &after[end..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(total).ok()).flatten()
}
