//! Numbers and times as nginx reads them (`ngx_atoi`, `ngx_parse_time`).

/// A number: digits only.
pub fn parse_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().filter(|number| *number <= i64::MAX as u64) } else { None }
}

/// `on` or `off`, in any case (`ngx_conf_set_flag_slot`).
pub fn parse_flag(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("on") {
        Some(true)
    } else if text.eq_ignore_ascii_case("off") {
        Some(false)
    } else {
        None
    }
}

/// A size in bytes, with `k` or `m` in any case (`ngx_parse_size`).
pub fn parse_size(text: &str) -> Option<u64> {
    parse_scaled(text, &[('k', 10), ('m', 20)])
}

/// An offset in a file in bytes, with `k`, `m` or `g` in any case
/// (`ngx_parse_offset`).
pub fn parse_offset(text: &str) -> Option<u64> {
    parse_scaled(text, &[('k', 10), ('m', 20), ('g', 30)])
}

fn parse_scaled(text: &str, units: &[(char, u32)]) -> Option<u64> {
    let last = text.chars().next_back()?.to_ascii_lowercase();
    let (digits, shift) = match units.iter().find(|(letter, _)| *letter == last) {
        Some((_, shift)) => (&text[..text.len() - 1], *shift),
        None => (text, 0),
    };
    parse_number(digits)?.checked_mul(1 << shift).filter(|size| *size <= i64::MAX as u64)
}

/// A unit of time, and what it is worth.
type Unit = (&'static str, u64);

/// The units of a time in milliseconds, in the order in which they must come.
const UNITS_OF_MILLISECONDS: [Unit; 6] =
    [("w", 7 * 24 * 3_600_000), ("d", 24 * 3_600_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The units of a time in seconds, in the order in which they must come.
const UNITS_OF_SECONDS: [Unit; 7] = [
    ("y", 365 * 24 * 3_600),
    ("M", 30 * 24 * 3_600),
    ("w", 7 * 24 * 3_600),
    ("d", 24 * 3_600),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

/// A time of a directive that takes milliseconds, in milliseconds: numbers
/// with units in descending order; a last number without one is in seconds.
pub fn parse_milliseconds(text: &str) -> Option<u64> {
    parse_time(text, &UNITS_OF_MILLISECONDS)
}

/// A time of a directive that takes seconds, in seconds.
pub fn parse_seconds(text: &str) -> Option<u64> {
    parse_time(text, &UNITS_OF_SECONDS)
}

fn parse_time(text: &str, units: &[Unit]) -> Option<u64> {
    let mut rest = text.trim_matches(' ');
    let mut units = units.iter();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = parse_number(&rest[..digits])?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = if letters == 0 && rest.trim_start().is_empty() { "s" } else { &rest[..letters] };
        let (_, scale) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*scale)?).filter(|total| *total <= i64::MAX as u64)?;
        rest = rest[letters..].trim_start_matches(' ');
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_nginx_reads_them() {
        let table = [
            ("60", Some(60_000)),
            ("60s", Some(60_000)),
            ("1m30s", Some(90_000)),
            ("1m 30s", Some(90_000)),
            ("500ms", Some(500)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1h1h", None),
            ("30s1m", None),
            ("1y", None),
            ("1.5s", None),
            ("10S", None),
            ("s", None),
            ("", None),
            ("-1", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_milliseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn seconds_take_other_units() {
        let table = [
            ("1y", Some(31_536_000)),
            ("1M1d", Some(2_678_400)),
            ("10", Some(10)),
            ("1m 30", Some(90)),
            ("500ms", None),
            ("1d1M", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_and_offsets_are_read_as_nginx_reads_them() {
        let table = [
            ("16", Some(16), Some(16)),
            ("16k", Some(16_384), Some(16_384)),
            ("1M", Some(1 << 20), Some(1 << 20)),
            ("1g", None, Some(1 << 30)),
            ("0", Some(0), Some(0)),
            ("", None, None),
            ("k", None, None),
            ("1.5m", None, None),
            ("-1", None, None),
            ("1kb", None, None),
            ("9223372036854775807", Some(i64::MAX as u64), Some(i64::MAX as u64)),
            ("9223372036854775808", None, None),
            ("9007199254740992k", None, None),
        ];
        for (text, size, offset) in table {
            assert_eq!((parse_size(text), parse_offset(text)), (size, offset), "{text}");
        }
    }
}
