//! The limits of the machine, and what its kernel is set to.

use std::fs;

use nix::ifaddrs::getifaddrs;

use crate::facts::{Facts, Machine};

use super::super::Sources;
use super::missed::Missed;
use super::{cgroup, read};

/// The limits that people set for the users that log in.
const LIMITS: &str = "/etc/security/limits.conf";
const MORE_LIMITS: &str = "/etc/security/limits.d";

/// Adds what is seen of the machine as a whole.
pub(super) fn look(sources: &Sources, facts: &mut Facts, missed: &mut Missed) {
    // What holds for the nginx that runs, or else for us.
    let process = facts.nginx.master.as_ref().map_or("/proc/self".to_owned(), |master| format!("/proc/{}", master.pid));
    let group = cgroup::limits(sources, &process);
    let kept = std::mem::take(&mut facts.machine);
    let number = |path: &str, missed: &mut Missed| read::number(sources, path, missed);
    facts.machine = Machine {
        cpus: read::text(sources, "/sys/devices/system/cpu/online").ok().and_then(|text| count_of_list(&text)),
        usable_cpus: usable_cpus(sources, &process),
        cpu_quota_thousandths: group.cpu_thousandths,
        memory: memory(sources),
        memory_limit: group.memory,
        file_max: number("/proc/sys/fs/file-max", missed),
        files_open: number("/proc/sys/fs/file-nr", missed),
        nr_open: number("/proc/sys/fs/nr_open", missed),
        local_ports: local_ports(sources, missed),
        somaxconn: number("/proc/sys/net/core/somaxconn", missed),
        nonlocal_bind: number("/proc/sys/net/ipv4/ip_nonlocal_bind", missed).map(|value| value != 0),
        ipv6: has_ipv6(sources),
        addresses: addresses(sources),
        limits_conf: limits_conf(sources, missed),
        ..kept
    };
}

/// How many there are in a list such as `0-3,5`.
fn count_of_list(text: &str) -> Option<u64> {
    let count_of = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    text.trim().split(',').map(count_of).try_fold(0_u64, |sum, count| sum.checked_add(count?))
}

fn usable_cpus(sources: &Sources, process: &str) -> Option<u64> {
    let status = read::text(sources, format!("{process}/status")).ok()?;
    count_of_list(read::field(&status, "Cpus_allowed_list")?)
}

fn memory(sources: &Sources) -> Option<u64> {
    let text = read::text(sources, "/proc/meminfo").ok()?;
    let kilobytes: u64 = read::field(&text, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

fn local_ports(sources: &Sources, missed: &mut Missed) -> Option<(u16, u16)> {
    let range = read::numbers(sources, "/proc/sys/net/ipv4/ip_local_port_range", missed)?;
    let [first, last] = range[..] else { return None };
    Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?))
}

/// Without IPv6 the kernel has no list of its addresses; where it is only
/// switched off, the list is empty.
fn has_ipv6(sources: &Sources) -> Option<bool> {
    fs::metadata(sources.at("/proc/net")).ok()?;
    Some(fs::metadata(sources.at("/proc/net/if_inet6")).is_ok())
}

fn addresses(sources: &Sources) -> Option<Vec<String>> {
    if !sources.are_this_machine() {
        return None;
    }
    let mut addresses: Vec<String> = getifaddrs().ok()?.filter_map(|interface| text_of(&interface)).collect();
    addresses.sort();
    addresses.dedup();
    Some(addresses)
}

fn text_of(interface: &nix::ifaddrs::InterfaceAddress) -> Option<String> {
    let address = interface.address.as_ref()?;
    let ipv4 = address.as_sockaddr_in().map(|address| address.ip().to_string());
    ipv4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().to_string()))
}

fn limits_conf(sources: &Sources, missed: &mut Missed) -> Vec<String> {
    let mut files = vec![LIMITS.to_owned()];
    match fs::read_dir(sources.at(MORE_LIMITS)) {
        Ok(entries) => {
            let names = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok());
            let mut names: Vec<String> = names.filter(|name| name.ends_with(".conf")).collect();
            names.sort();
            files.extend(names.into_iter().map(|name| format!("{MORE_LIMITS}/{name}")));
        }
        Err(error) => missed.add_unless_missing(MORE_LIMITS, &error),
    }
    let mut lines = Vec::new();
    for file in files {
        let Some(text) = read::text_or_missed(sources, &file, missed) else { continue };
        let about_files = (1..).zip(text.lines()).filter(|(_, line)| is_about_open_files(line));
        lines.extend(about_files.map(|(number, line)| format!("{file}:{number}: {}", line.trim())));
    }
    lines
}

/// `DOMAIN TYPE nofile VALUE`, and no comment.
fn is_about_open_files(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    line.split_whitespace().nth(2) == Some("nofile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_counted() {
        let table =
            [("0-3,5\n", Some(5)), ("0", Some(1)), ("", None), ("3-1", None), ("a", None), ("0-7,16-23", Some(16))];
        for (text, expected) in table {
            assert_eq!(count_of_list(text), expected, "{text}");
        }
    }
}
