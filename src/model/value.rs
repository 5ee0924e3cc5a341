//! Numbers and times as nginx reads them (`ngx_atoi`, `ngx_parse_time`).

/// A number: digits only.
pub fn parse_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().filter(|number| *number <= i64::MAX as u64) } else { None }
}

/// The units of a time in milliseconds, in the order in which they must come.
const UNITS: [(&str, u64); 6] =
    [("w", 7 * 24 * 3_600_000), ("d", 24 * 3_600_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A time of a directive that takes milliseconds, in milliseconds: numbers
/// with units in descending order; a last number without one is in seconds.
pub fn parse_milliseconds(text: &str) -> Option<u64> {
    let mut rest = text.trim_matches(' ');
    let mut units = UNITS.iter();
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
        total = total.checked_add(number.checked_mul(*scale)?)?;
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
}
