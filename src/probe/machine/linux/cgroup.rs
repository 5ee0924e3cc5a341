//! What the control groups of a process allow it.

use super::super::Sources;
use super::read;

/// Where they are.
const MOUNT: &str = "/sys/fs/cgroup";

/// More bytes than this are no limit: version 1 writes the largest number of
/// pages.
const NO_LIMIT: u64 = 1 << 60;

/// What is allowed; none where nothing is limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Limits {
    /// In thousandths of a CPU.
    pub cpu_thousandths: Option<u64>,
    /// In bytes.
    pub memory: Option<u64>,
}

impl Limits {
    /// What both allow.
    fn and(self, other: Limits) -> Limits {
        let lower = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        Limits {
            cpu_thousandths: lower(self.cpu_thousandths, other.cpu_thousandths),
            memory: lower(self.memory, other.memory),
        }
    }
}

/// What the groups of a process, given as `/proc/1`, allow it: each group is
/// also bound by those around it.
pub(super) fn limits(sources: &Sources, process: &str) -> Limits {
    let groups = read::text(sources, format!("{process}/cgroup")).unwrap_or_default();
    groups.lines().filter_map(|line| limits_of(sources, line)).fold(Limits::default(), Limits::and)
}

/// A line is `NUMBER:CONTROLLERS:PATH`; version 2 names no controllers.
fn limits_of(sources: &Sources, line: &str) -> Option<Limits> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    if controllers.is_empty() {
        let levels = levels(MOUNT, path).into_iter().chain(levels(&format!("{MOUNT}/unified"), path));
        return Some(levels.map(|level| of_version_2(sources, &level)).fold(Limits::default(), Limits::and));
    }
    let mut limits = Limits::default();
    for controller in controllers.split(',').filter(|name| ["cpu", "memory"].contains(name)) {
        for name in [controllers, controller] {
            let levels = levels(&format!("{MOUNT}/{name}"), path).into_iter();
            limits = levels.map(|level| of_version_1(sources, &level)).fold(limits, Limits::and);
        }
    }
    Some(limits)
}

/// The directory of a group and those of the groups around it. In a container
/// the path may be one of outside, and only the outermost directory is there.
fn levels(mount: &str, path: &str) -> Vec<String> {
    let mut levels = vec![mount.to_owned()];
    if !path.split('/').any(|part| part == "..") {
        for part in path.split('/').filter(|part| !part.is_empty()) {
            levels.push(format!("{}/{part}", levels[levels.len() - 1]));
        }
    }
    levels
}

fn of_version_2(sources: &Sources, level: &str) -> Limits {
    let quota = read::text(sources, format!("{level}/cpu.max")).ok();
    let cpu_thousandths = quota.and_then(|text| {
        let (quota, period) = text.trim().split_once(' ')?;
        thousandths(quota, period)
    });
    Limits { cpu_thousandths, memory: bytes(sources, &format!("{level}/memory.max")) }
}

fn of_version_1(sources: &Sources, level: &str) -> Limits {
    let quota = read::text(sources, format!("{level}/cpu.cfs_quota_us")).ok();
    let period = read::text(sources, format!("{level}/cpu.cfs_period_us")).ok();
    let cpu_thousandths = quota.zip(period).and_then(|(quota, period)| thousandths(&quota, &period));
    Limits { cpu_thousandths, memory: bytes(sources, &format!("{level}/memory.limit_in_bytes")) }
}

/// None for `max` and `-1`.
fn thousandths(quota: &str, period: &str) -> Option<u64> {
    let (quota, period): (u64, u64) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
    quota.checked_mul(1000)?.checked_div(period)
}

fn bytes(sources: &Sources, path: &str) -> Option<u64> {
    let bytes: u64 = read::text(sources, path).ok()?.trim().parse().ok()?;
    (bytes < NO_LIMIT).then_some(bytes)
}
