//! The log of php-fpm: `[21-Nov-2026 10:00:00] WARNING: [pool www] server
//! reached pm.max_children setting (5), consider raising it`.

use super::time::{self, Time};

/// Something in front of a line, such as what the journal writes.
const PREFIX: usize = 120;

/// The time of a line, and the pool that has no process left, if it says so.
pub(super) fn parse(line: &[u8]) -> Option<(Time, Option<&[u8]>)> {
    let brackets = memchr::memchr_iter(b'[', &line[..line.len().min(PREFIX)]);
    let (time, rest) = brackets.into_iter().find_map(|at| {
        let rest = &line[at + 1..];
        let time = time::of_php_fpm(rest)?;
        // Its log has microseconds when it is asked for debugging.
        let end = memchr::memchr(b']', &rest[..rest.len().min(PREFIX)])?;
        Some((time, &rest[end + 1..]))
    })?;
    Some((time, exhausted_pool(rest)))
}

fn exhausted_pool(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b" WARNING: ")?;
    // Debugging names the function: "pid 7, fpm_pctl_perform_idle(), line 1: ".
    let rest = if rest.starts_with(b"pid ") { &rest[memchr::memmem::find(rest, b"[pool ")?..] } else { rest };
    let name = rest.strip_prefix(b"[pool ")?;
    let end = memchr::memchr(b']', name)?;
    let (name, rest) = name.split_at(end);
    rest.starts_with(b"] server reached pm.max_children setting (").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_without_a_free_process_is_told_by_its_name() {
        let table = [
            (
                "[21-Nov-2026 10:00:00] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it",
                Some("www"),
            ),
            (
                "web php-fpm[7]: [21-Nov-2026 10:00:00] WARNING: [pool a] server reached pm.max_children setting (1), consider",
                Some("a"),
            ),
            (
                "[21-Nov-2026 10:00:00.123456] WARNING: pid 7, fpm_pctl_perform_idle_server_maintenance(), line 400: [pool www] server reached pm.max_children setting (5), consider raising it",
                Some("www"),
            ),
            // What a script writes.
            (
                "[21-Nov-2026 10:00:00] WARNING: [pool www] child 9 said into stderr: \"[pool x] server reached pm.max_children setting (5)\"",
                None,
            ),
            ("[21-Nov-2026 10:00:00] NOTICE: ready to handle connections", None),
        ];
        for (line, pool) in table {
            let (time, found) = parse(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(time, *b"2026-11-21 10:00:00");
            assert_eq!(found, pool.map(str::as_bytes), "{line}");
        }
        assert_eq!(parse(b"[pool www] server reached pm.max_children setting (5)"), None);
    }
}
