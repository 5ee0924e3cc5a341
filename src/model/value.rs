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

/// A unit of time: its name, its place in the order in which units must come,
/// and what it is worth.
struct Unit {
    name: &'static str,
    step: u8,
    worth: u64,
}

const fn unit(name: &'static str, step: u8, worth: u64) -> Unit {
    Unit { name, step, worth }
}

const UNITS_OF_MILLISECONDS: [Unit; 6] = [
    // Of two names, the longer is tried first.
    unit("ms", 8, 1),
    unit("w", 3, 7 * 24 * 3_600_000),
    unit("d", 4, 24 * 3_600_000),
    unit("h", 5, 3_600_000),
    unit("m", 6, 60_000),
    unit("s", SECONDS, 1_000),
];

const UNITS_OF_SECONDS: [Unit; 8] = [
    // Known, and at no step allowed.
    unit("ms", 0, 1),
    unit("y", 1, 365 * 24 * 3_600),
    unit("M", 2, 30 * 24 * 3_600),
    unit("w", 3, 7 * 24 * 3_600),
    unit("d", 4, 24 * 3_600),
    unit("h", 5, 3_600),
    unit("m", 6, 60),
    unit("s", SECONDS, 1),
];

/// The step of seconds; a blank is a unit of seconds too, behind which no
/// other unit may come.
const SECONDS: u8 = 7;
const BLANK: u8 = 9;

/// A time of a directive that takes milliseconds, in milliseconds: numbers
/// with units in descending order; a last number without one is in seconds.
pub fn parse_milliseconds(text: &str) -> Option<u64> {
    parse_time(text, &UNITS_OF_MILLISECONDS, 1_000)
}

/// A time of a directive that takes seconds, in seconds.
pub fn parse_seconds(text: &str) -> Option<u64> {
    parse_time(text, &UNITS_OF_SECONDS, 1)
}

/// nginx asks for one digit somewhere: `h1` is one second, and `60dm` is 60
/// days.
fn parse_time(text: &str, units: &[Unit], second: u64) -> Option<u64> {
    let mut rest = text;
    let mut total = 0;
    let mut step = 0;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = if digits == 0 { 0 } else { parse_number(&rest[..digits])? };
        rest = &rest[digits..];
        if rest.is_empty() {
            let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
            return add_time(total, number, second).filter(|_| has_digit);
        }
        let worth = if rest.starts_with(' ') {
            (step < SECONDS).then_some(())?;
            step = BLANK;
            second
        } else {
            let unit = units.iter().find(|unit| rest.starts_with(unit.name))?;
            (step < unit.step).then_some(())?;
            step = unit.step;
            rest = &rest[unit.name.len()..];
            unit.worth
        };
        total = add_time(total, number, worth)?;
        rest = rest.trim_start_matches(' ');
    }
}

fn add_time(total: u64, number: u64, worth: u64) -> Option<u64> {
    total.checked_add(number.checked_mul(worth)?).filter(|total| *total <= i64::MAX as u64)
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
            // Odd, and taken.
            ("h1", Some(1_000)),
            ("60dm", Some(60 * 24 * 3_600_000)),
            ("1s500ms", Some(1_500)),
            ("1000s5", Some(1_005_000)),
            ("10 ", Some(10_000)),
            (" 10", Some(10_000)),
            ("10 5", Some(15_000)),
            (" 1s", None),
            ("10 5s", None),
            ("1s ", Some(1_000)),
            ("1s 5", Some(6_000)),
            ("9223372036854775", Some(9_223_372_036_854_775_000)),
            ("9223372036854776", None),
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
            ("M1", Some(1)),
            ("0yd1000", Some(1_000)),
            ("1y1y", None),
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
