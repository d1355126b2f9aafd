//! Sizes with units.

use anyhow::{Context, Result, bail};

/// Reads `512`, `512b`, `64k`, `2g`, `1.5GiB`: units of 1024, as docker's.
pub fn parse(text: &str) -> Result<u64> {
    let wrong = || format!("invalid size: \"{text}\"");
    let lower = text.trim().to_ascii_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(end);
    let shift = match unit.trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        "p" | "pb" | "pib" => 50,
        _ => bail!(wrong()),
    };
    if let Ok(whole) = number.parse::<u64>() {
        let bytes = whole.checked_mul(1 << shift);
        return bytes.with_context(|| format!("{}: it is too large", wrong()));
    }
    let number: f64 = number.parse().with_context(wrong)?;
    #[expect(clippy::cast_precision_loss, reason = "a power of two up to 2^50 is exact")]
    let bytes = number * (1_u64 << shift) as f64;
    #[expect(clippy::cast_precision_loss, reason = "only the order of magnitude matters here")]
    let fits = bytes.is_finite() && bytes >= 0.0 && bytes < i64::MAX as f64;
    if !fits {
        bail!("{}: it is too large", wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just checked")]
    Ok(bytes as u64)
}

/// Writes bytes with three digits and a decimal unit, as docker does: `1.23MB`.
pub fn decimal(bytes: u64) -> String {
    human(bytes, 1000.0, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// Writes bytes with four digits and a binary unit, as docker's `stats`: `1.234MiB`.
pub fn binary(bytes: u64) -> String {
    human4(bytes, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

fn human(bytes: u64, base: f64, units: &[&str]) -> String {
    let (value, unit) = scaled(bytes, base, units);
    format!("{}{unit}", significant(value, 3))
}

fn human4(bytes: u64, units: &[&str]) -> String {
    let (value, unit) = scaled(bytes, 1024.0, units);
    format!("{}{unit}", significant(value, 4))
}

fn scaled<'a>(bytes: u64, base: f64, units: &[&'a str]) -> (f64, &'a str) {
    #[expect(clippy::cast_precision_loss, reason = "four digits are shown")]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= base && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    (value, units[unit])
}

/// As C's `%.Ng`, without an exponent.
fn significant(value: f64, digits: usize) -> String {
    let whole = match value {
        v if v < 10.0 => 1,
        v if v < 100.0 => 2,
        v if v < 1000.0 => 3,
        _ => 4,
    };
    let text = format!("{value:.*}", digits.saturating_sub(whole));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("64k", 65536),
            ("1.5g", 3 << 29),
            ("2GiB", 2 << 30),
            ("1 mb", 1 << 20),
        ] {
            assert_eq!(parse(text).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "g", "-1", "1x", "1.2.3", "99999999999g", "20000p"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_as_docker_does() {
        assert_eq!(decimal(0), "0B");
        assert_eq!(decimal(1_234_567), "1.23MB");
        assert_eq!(decimal(693_000_000), "693MB");
        assert_eq!(binary(3 << 29), "1.5GiB");
        assert_eq!(binary(1000), "1000B");
    }
}
