//! Times as logs have them, all brought to one form: `2026-11-21 23:46:01`, in
//! local time. In that form they compare as bytes do.

use chrono::{Local, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// `2026-11-21 23:46:01`.
pub(super) type Time = [u8; LENGTH];

/// Its length, and that of `2026/11/21 23:46:01`.
pub(super) const LENGTH: usize = 19;

/// The form of a time for [`since_text`].
const FORM: &str = "%Y-%m-%d %H:%M:%S";

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// A time at the beginning of `bytes` that is written like `shape`, in which
/// `Y`, `M`, `D`, `h`, `m` and `s` are digits and `bbb` is the name of a month.
fn written(bytes: &[u8], shape: &[u8]) -> Option<Time> {
    let bytes = bytes.get(..shape.len())?;
    let mut time = *b"0000-00-00 00:00:00";
    let mut next = [0, 5, 8, 11, 14, 17];
    for (byte, kind) in bytes.iter().zip(shape) {
        let field = match kind {
            b'Y' => 0,
            b'M' => 1,
            b'D' => 2,
            b'h' => 3,
            b'm' => 4,
            b's' => 5,
            b'b' => continue,
            other if other == byte => continue,
            _ => return None,
        };
        if !byte.is_ascii_digit() {
            return None;
        }
        time[next[field]] = *byte;
        next[field] += 1;
    }
    if let Some(at) = memchr::memchr(b'b', shape) {
        let month = MONTHS.iter().position(|name| bytes[at..].starts_with(*name))? + 1;
        time[5] = b'0' + (month / 10) as u8;
        time[6] = b'0' + (month % 10) as u8;
    }
    Some(time)
}

/// `2026/11/21 23:46:01`, in the error log.
pub(super) fn of_error_log(bytes: &[u8]) -> Option<Time> {
    written(bytes, b"YYYY/MM/DD hh:mm:ss")
}

/// `21-Nov-2026 23:46:01`, in the log of php-fpm.
pub(super) fn of_php_fpm(bytes: &[u8]) -> Option<Time> {
    written(bytes, b"DD-bbb-YYYY hh:mm:ss")
}

/// `21/Nov/2026:23:46:01 +0000`, which is `$time_local`.
pub(super) fn of_time_local(bytes: &[u8]) -> Option<Time> {
    written(bytes, b"DD/bbb/YYYY:hh:mm:ss")
}

/// `2026-11-21T23:46:01+00:00`, which is `$time_iso8601`.
pub(super) fn of_time_iso8601(bytes: &[u8]) -> Option<Time> {
    written(bytes, b"YYYY-MM-DDThh:mm:ss")
}

/// A time in this form itself.
pub(super) fn of_text(text: &str) -> Option<Time> {
    written(text.as_bytes(), b"YYYY-MM-DD hh:mm:ss")
}

pub(super) fn to_text(time: &Time) -> String {
    String::from_utf8_lossy(time).into_owned()
}

/// So many minutes lie between two times in the form of
/// [`crate::facts::Evidence::first`]; none if one of them is in another form.
pub fn minutes_between(earlier: &str, later: &str) -> Option<i64> {
    let read = |text: &str| NaiveDateTime::parse_from_str(text, FORM).ok();
    Some((read(later)? - read(earlier)?).num_minutes())
}

/// The time that somebody means who says how far to look back: `30m`, `2h` or
/// `1d` ago, or a time as it is written, of which the day or the seconds may
/// be left out. In local time, as logs are: `2026-11-21 23:46:01`.
///
/// # Errors
///
/// In words, when it is neither.
pub fn since_text(text: &str) -> Result<String, String> {
    let now = Local::now().naive_local();
    let time = ago(text, now).or_else(|| at(text, now));
    let time = time.ok_or_else(|| {
        format!(
            "\"{text}\" is no time: write how long ago, such as 30m, 2h or 1d, or when, such as \"2026-11-21 23:46\""
        )
    })?;
    Ok(time.format(FORM).to_string())
}

fn ago(text: &str, now: NaiveDateTime) -> Option<NaiveDateTime> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = if digits { number.parse().ok()? } else { return None };
    now.checked_sub_signed(TimeDelta::try_seconds(number.checked_mul(seconds)?)?).filter(|time| is_writable(*time))
}

fn at(text: &str, now: NaiveDateTime) -> Option<NaiveDateTime> {
    let text = text.trim().replace('/', "-").replacen('T', " ", 1);
    let time = |text: &str| ["%H:%M:%S", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok());
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let found = match text.split_once(' ') {
        Some((date, clock)) => day(date)?.and_time(time(clock.trim())?),
        None => day(&text)
            .map(|date| date.and_time(NaiveTime::MIN))
            .or_else(|| time(&text).map(|clock| now.date().and_time(clock)))?,
    };
    Some(found).filter(|time| is_writable(*time))
}

/// Whether it has a year of four digits, as times in logs do.
fn is_writable(time: NaiveDateTime) -> bool {
    time.format(FORM).to_string().len() == LENGTH
}

/// A moment of the system's clock in local time.
pub(super) fn of_system(moment: std::time::SystemTime) -> Option<Time> {
    let text = chrono::DateTime::<Local>::from(moment).naive_local().format(FORM).to_string();
    of_text(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_logs_come_to_one_form() {
        let expected = Some(*b"2026-11-21 23:46:01");
        assert_eq!(of_error_log(b"2026/11/21 23:46:01 [error]"), expected);
        assert_eq!(of_php_fpm(b"21-Nov-2026 23:46:01] WARNING"), expected);
        assert_eq!(of_time_local(b"21/Nov/2026:23:46:01 +0000"), expected);
        assert_eq!(of_time_iso8601(b"2026-11-21T23:46:01+00:00"), expected);
        for text in ["", "2026", "2026/11/21 23:46:0", "2026-11-21 23:46:01", "2026/1x/21 23:46:01"] {
            assert_eq!(of_error_log(text.as_bytes()), None, "{text}");
        }
        assert_eq!(of_php_fpm(b"21-Xxx-2026 23:46:01"), None);
    }

    #[test]
    fn how_far_to_look_back_can_be_said_in_words() {
        let now = NaiveDate::from_ymd_opt(2026, 3, 1).and_then(|day| day.and_hms_opt(10, 20, 30)).expect("a time");
        let table = [
            ("30s", "2026-03-01 10:20:00"),
            ("30m", "2026-03-01 09:50:30"),
            ("2h", "2026-03-01 08:20:30"),
            ("1d", "2026-02-28 10:20:30"),
            ("1w", "2026-02-22 10:20:30"),
            ("2026-02-03 04:05:06", "2026-02-03 04:05:06"),
            ("2026/02/03 04:05:06", "2026-02-03 04:05:06"),
            ("2026-02-03T04:05", "2026-02-03 04:05:00"),
            ("2026-02-03", "2026-02-03 00:00:00"),
            ("04:05", "2026-03-01 04:05:00"),
        ];
        for (text, expected) in table {
            let time = ago(text, now).or_else(|| at(text, now));
            assert_eq!(time.map(|time| time.format(FORM).to_string()).as_deref(), Some(expected), "{text}");
        }
        let refused =
            ["", "m", "1", "1x", "-1h", "+1h", "yesterday", "2026-13-01", "25:00", "99999999999999999999d", "ä"];
        for text in refused.into_iter().chain(["9999999999999d", "999999999d", "12026-01-01"]) {
            let said = since_text(text).expect_err(text);
            assert!(said.starts_with(&format!("\"{text}\" is no time")), "{said}");
        }
        assert_eq!(since_text("2026-02-03 04:05").as_deref(), Ok("2026-02-03 04:05:00"));
    }
}
