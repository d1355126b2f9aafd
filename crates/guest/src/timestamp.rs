//! A Windows `FILETIME` as RFC 3339 text.

/// 100 ns steps from 1601 to 1970.
const UNIX_EPOCH: u64 = 116_444_736_000_000_000;
const STEPS_PER_SECOND: u64 = 10_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// 100 ns steps since 1601 as `2024-02-29T23:59:59.1234567Z`; empty for a time before 1970, which
/// Windows means as "unknown".
pub(crate) fn rfc3339(filetime: u64) -> String {
    let Some(since) = filetime.checked_sub(UNIX_EPOCH) else { return String::new() };
    let (seconds, fraction) = (since / STEPS_PER_SECOND, since % STEPS_PER_SECOND);
    let (days, second) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}Z")
}

/// Year, month and day of a day counted from 1970-01-01, by walking eras of 400 years that begin
/// on the first of March, so that a leap day is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unix_epoch_is_written_in_full() {
        assert_eq!(rfc3339(UNIX_EPOCH), "1970-01-01T00:00:00.0000000Z");
    }

    #[test]
    fn a_leap_day_keeps_its_date_and_fraction() {
        let seconds = 1_709_251_199; // 2024-02-29T23:59:59Z
        let time = UNIX_EPOCH + seconds * STEPS_PER_SECOND + 1_234_567;
        assert_eq!(rfc3339(time), "2024-02-29T23:59:59.1234567Z");
    }

    #[test]
    fn an_unknown_time_is_empty() {
        assert_eq!(rfc3339(0), "");
    }
}
