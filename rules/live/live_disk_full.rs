//! File systems without room for what nginx writes.

use std::collections::BTreeMap;

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directory, DirectoryPurpose, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-disk-full",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_temp_path"],
    equivalents: &[],
    page: include_str!("live_disk_full.md"),
    check: Check::Configuration(check),
};

const MEGABYTE: u64 = 1 << 20;
const GIGABYTE: u64 = 1 << 30;

/// So many directories are named.
const NAMED: usize = 3;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let directories = model.directories();
    let mut systems: BTreeMap<(u64, u64), Vec<&Directory<'_>>> = BTreeMap::new();
    for directory in &directories {
        let fact = directory.fact;
        let (Some(free), Some(total)) = (fact.free_bytes, fact.total_bytes.filter(|total| *total > 0)) else {
            continue;
        };
        systems.entry((total, free)).or_default().push(directory);
    }
    for ((total, free), on_it) in systems {
        let has_no_files_left = on_it.iter().any(|directory| directory.fact.free_files == Some(0));
        if let Some(severity) = severity(total, free, has_no_files_left) {
            say(total, free, has_no_files_left, &on_it, severity, findings);
        }
    }
}

/// A share says little of very large and very small file systems.
fn severity(total: u64, free: u64, has_no_files_left: bool) -> Option<Severity> {
    let share = |parts: u64| free < total / parts;
    let is_full = (share(100) && free < GIGABYTE) || (free < 64 * MEGABYTE && share(10));
    match () {
        () if has_no_files_left || is_full => Some(Severity::Error),
        () if share(20) && free < 10 * GIGABYTE => Some(Severity::Warning),
        () => None,
    }
}

fn say(
    total: u64,
    free: u64,
    has_no_files_left: bool,
    on_it: &[&Directory<'_>],
    severity: Severity,
    findings: &mut Findings,
) {
    let mut sorted = on_it.to_vec();
    sorted.sort_by_key(|directory| (directory.purpose, directory.place.location));
    let Some(first) = sorted.first() else { return };
    let mut paths: Vec<&str> = Vec::new();
    for directory in &sorted {
        if !paths.contains(&directory.path) {
            paths.push(directory.path);
        }
    }
    let verb = if paths.len() == 1 { "is" } else { "are" };
    let more = if paths.len() > NAMED { format!(" and {} more", paths.len() - NAMED) } else { String::new() };
    paths.truncate(NAMED);
    let only_logs = first.purpose == DirectoryPurpose::Logs;
    let left = if has_no_files_left {
        "no file can be made any more".to_owned()
    } else {
        format!("{} of {} are free", size(free), size(total))
    };
    let finding = findings.add(first.place, format!("{left} where {}{more} {verb}", paths.join(" and ")));
    // Answers do not need the log.
    finding.severity(if only_logs { severity.min(Severity::Warning) } else { severity });
    finding.note(if only_logs {
        "lines of the log are lost when the disk is full: \"failed (28: No space left on device)\""
    } else {
        "when the disk is full, requests with large bodies get 500, and large or cached answers are cut off with status 200: \"failed (28: No space left on device)\", or \"has written only 32768 of 36864\""
    });
    finding.help(if has_no_files_left {
        "df -i shows it: remove the many small files, such as those of a cache that is not used"
    } else {
        "make room there; limit a cache with max_size of its ..._cache_path, and see what is large with du -x"
    });
    for other in sorted.iter().skip(1).filter(|other| other.directive.is_some()).take(NAMED) {
        finding.label(other.place, "on the same file system");
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        GIGABYTE.. => format!("{}.{} GB", bytes / GIGABYTE, bytes % GIGABYTE * 10 / GIGABYTE),
        _ => format!("{} MB", bytes / MEGABYTE),
    }
}
