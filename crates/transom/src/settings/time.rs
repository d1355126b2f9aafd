//! Points in time as docker's flags write them.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Reads RFC 3339, a date and time without zone (this host's), seconds since 1970, or a while ago
/// (`10m`, `1h30m`).
pub fn parse(text: &str) -> Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Some(ago) = duration(text) {
        return Ok(Timestamp::now() - SignedDuration::try_from(ago)?);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return Timestamp::from_duration(SignedDuration::try_from_secs_f64(seconds)?)
            .with_context(|| format!("invalid time \"{text}\""));
    }
    let civil: DateTime = match text.parse() {
        Ok(civil) => civil,
        Err(_) => {
            bail!("invalid time \"{text}\": use 2026-01-02T15:04:05Z, or 10m for a while ago")
        }
    };
    Ok(civil.to_zoned(TimeZone::system())?.timestamp())
}

/// Reads Go's durations: `1h30m`, `1.5s`, `100ms`.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        total += number
            * match &rest[..end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "\u{b5}s" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[end..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(total).ok()).flatten()
}

/// Docker's rough words for a while: `5 minutes`, `About an hour`.
pub fn roughly(while_: Duration) -> String {
    let seconds = while_.as_secs();
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        120..3600 => format!("{minutes} minutes"),
        3600..5400 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        _ if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

/// A moment as docker's lists show it, in this host's time.
pub fn shown(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string()
}

/// How long ago that is.
pub fn since(at: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read() {
        let at = parse("2026-01-02T03:04:05Z").unwrap();
        assert_eq!(parse(&at.as_second().to_string()).unwrap(), at);
        assert!(parse("10m").unwrap() < Timestamp::now());
        assert!(parse("2026-01-02T03:04:05").is_ok());
        assert!(parse("soon").is_err());
    }

    #[test]
    fn durations_are_gos() {
        assert_eq!(duration("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(duration("100ms"), Some(Duration::from_millis(100)));
        for text in ["", "10", "m", "1x"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_while_is_rough() {
        let words = |seconds| roughly(Duration::from_secs(seconds));
        assert_eq!(words(0), "Less than a second");
        assert_eq!(words(61), "About a minute");
        assert_eq!(words(4000), "About an hour");
        assert_eq!(words(3600 * 50), "2 days");
    }
}
