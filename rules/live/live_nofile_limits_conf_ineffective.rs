//! Limits for logins, where a service is started without one.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Effective, KnownFrom, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-nofile-limits-conf-ineffective",
    group: Group::Live,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_nofile"],
    equivalents: &[],
    page: include_str!("live_nofile_limits_conf_ineffective.md"),
    check: Check::Configuration(check),
};

/// Lines of root and of everybody are meant for nginx as well.
const FOR_ALL: [&str; 2] = ["*", "root"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    let Some(unit) = &facts.nginx.unit else { return };
    // Where the limit is said in a way that works, nothing is missing.
    let is_set = unit.limit_nofile.is_some_and(|limit| limit > 0);
    if is_set || model.main().effective("worker_rlimit_nofile") != Effective::Default {
        return;
    }
    let Some(limit) = model.worker_files().filter(|files| files.known_from == KnownFrom::Workers) else { return };
    let Some(connections) = model.worker_connections() else { return };
    let user = facts.nginx.user.as_ref().map(|user| user.name.as_str());
    let lines = facts.machine.limits_conf.iter().filter_map(|line| Line::parse(line));
    let meant = lines.filter(|line| FOR_ALL.contains(&line.domain) || Some(line.domain) == user);
    let Some(line) = meant.max_by_key(|line| line.files).filter(|line| line.files > limit.limit) else { return };
    if limit.limit >= connections.count.saturating_mul(2) {
        return;
    }
    let unit = &unit.name;
    let message = format!(
        "{} allows {} open files, which does not reach {unit}: workers may open {}",
        line.place, line.files, limit.limit
    );
    let finding = findings.add(connections.place(), message);
    finding.note(
        "limits.conf is for logins; systemd gives a service the limit of its unit, 1024 unless something else is said",
    );
    finding.help(format!(
        "write worker_rlimit_nofile {}; or LimitNOFILE={} with systemctl edit {unit}",
        line.files, line.files
    ));
}

/// A line of limits.conf about open files.
struct Line<'l> {
    /// File and number.
    place: &'l str,
    domain: &'l str,
    files: u64,
}

impl<'l> Line<'l> {
    /// Reads `FILE:LINE: DOMAIN TYPE nofile NUMBER`.
    fn parse(text: &'l str) -> Option<Line<'l>> {
        let (place, rest) = text.split_once(": ")?;
        let mut words = rest.split_whitespace();
        let (domain, kind, item, files) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let files = files.parse().ok().filter(|_| item == "nofile" && kind != "hard")?;
        Some(Line { place, domain, files })
    }
}
