//! Websockets that get only part of what they need.

use crate::catalog::{Context, Version};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, Protocol, Target, Values};

/// See the page.
pub const RULE: Rule = Rule {
    name: "websocket-upgrade-incomplete",
    group: Group::Header,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/websocket.html",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version",
    ],
    equivalents: &[],
    page: include_str!("websocket_upgrade_incomplete.md"),
    check: Check::Blocks(&[Context::Http, Context::Server, Context::Location], check),
};

const LIST: &str = "proxy_set_header";

/// From this release on HTTP/1.1 is spoken unless told otherwise.
const SPEAKS_1_1: Version = Version::new(1, 29, 7);

fn check(level: Block<'_>, findings: &mut Findings) {
    if level.directive(LIST).is_none() || level.is_unseen_for(LIST) {
        return;
    }
    let (upgrade, connection) = (first_named(level, "upgrade"), first_named(level, "connection"));
    if upgrade.is_none() && connection.is_none() {
        return;
    }
    let mut targets = level.targets_governed_by(LIST);
    targets.retain(|target| target.protocol == Protocol::Proxy && target.is_in_place());
    if targets.is_empty() {
        return;
    }
    match (upgrade, connection) {
        (Some(upgrade), _) => check_upgrade(upgrade, connection, &targets, findings),
        (None, Some(connection)) if says_upgrade(connection) == Some(true) => upgrade_is_missing(connection, findings),
        _ => {}
    }
}

fn first_named<'m>(level: Block<'m>, name: &str) -> Option<Directive<'m>> {
    level.directives(LIST).find(|header| header.argument(0).is_some_and(|own| own.eq_ignore_ascii_case(name)))
}

/// Whether a header can be "upgrade", as far as its values are listed.
fn says_upgrade(header: Directive<'_>) -> Option<bool> {
    let values = header.model().values_at(header.parent(), header.argument(1)?);
    let is_upgrade = |value: &str| value.to_ascii_lowercase().contains("upgrade");
    if values.iter().any(|value| Values::is_known(value) && is_upgrade(value)) {
        return Some(true);
    }
    let is_complete = !values.incomplete && values.iter().all(Values::is_known) && !header.is_template(1);
    is_complete.then_some(false)
}

fn check_upgrade(
    upgrade: Directive<'_>,
    connection: Option<Directive<'_>>,
    targets: &[Target<'_>],
    findings: &mut Findings,
) {
    if upgrade.argument(1).is_none_or(str::is_empty) {
        return;
    }
    let is_right = connection.is_some_and(|connection| says_upgrade(connection) != Some(false));
    // On an outer level the headers may be meant for some locations alone.
    let is_old = targets.iter().all(|target| speaks_http_1_0(*target));
    if !is_right {
        connection_is_wrong(upgrade, connection, is_old, findings);
    } else if is_old {
        version_is_old(upgrade, targets, findings);
    }
}

fn speaks_http_1_0(target: Target<'_>) -> bool {
    match target.effective("http_version") {
        Effective::Set(version) => version.argument(0) == Some("1.0"),
        Effective::Default => target.directive.model().may_be_before(SPEAKS_1_1),
        Effective::Unseen => false,
    }
}

fn connection_is_wrong(
    upgrade: Directive<'_>,
    connection: Option<Directive<'_>>,
    is_old: bool,
    findings: &mut Findings,
) {
    let message = match connection.and_then(|connection| connection.argument(1)) {
        Some(value) => format!("websockets need \"Connection: upgrade\" beside Upgrade, and Connection is \"{value}\""),
        None => "websockets need the header Connection beside Upgrade, and it is not set on this level".to_owned(),
    };
    let finding = findings.add(upgrade.place(), message);
    finding.note("without \"Connection: upgrade\" the header Upgrade does not count: the server takes the request for a usual one, and websockets fail, mostly with 400 or 426");
    if let Some(connection) = connection {
        finding.label(connection.place(), "this is sent instead");
    } else if let Some(lost) = cut_off(upgrade.parent(), "connection") {
        finding.label(lost.place(), "cut off: headers of an outer level do not count beside others");
    }
    let has_map = has_map(upgrade);
    let value = if has_map { "$connection_upgrade" } else { "\"upgrade\"" };
    let version = if is_old { " proxy_http_version 1.1;" } else { "" };
    finding.help(format!("write: proxy_set_header Connection {value};{version}"));
    if connection.is_none() {
        let second = format!("\n{}proxy_http_version 1.1;", upgrade.indentation());
        let version = if is_old && can_set_version(upgrade.parent()) { second.as_str() } else { "" };
        let line = Edit::add_line_behind(upgrade, &format!("proxy_set_header Connection {value};{version}"));
        finding.fix(has_map, "send Connection, too", vec![line]);
    }
}

/// Whether there is the usual map, which says "upgrade" only when the client
/// asks for it.
fn has_map(directive: Directive<'_>) -> bool {
    let values = directive.model().values(Protocol::Proxy.family(), "$connection_upgrade");
    values.iter().any(|value| value.eq_ignore_ascii_case("upgrade"))
}

fn can_set_version(level: Block<'_>) -> bool {
    level.effective("proxy_http_version") == Effective::Default
}

/// The header of this name that is in force around a level.
fn cut_off<'m>(level: Block<'m>, name: &str) -> Option<Directive<'m>> {
    level.parent()?.effective_list(LIST).named(name).next()
}

fn version_is_old(upgrade: Directive<'_>, targets: &[Target<'_>], findings: &mut Findings) {
    let set = targets.iter().find_map(|target| target.effective("http_version").directive());
    let finding = findings.add(upgrade.place(), "websockets need HTTP/1.1, and requests go out as HTTP/1.0");
    finding.note("before nginx 1.29.7 proxy_http_version is 1.0 unless set: the server takes no upgrade over HTTP/1.0, and websockets fail, mostly with 400 or 426");
    finding.help("add: proxy_http_version 1.1;");
    match set {
        Some(set) => finding.label(set.place(), "this version"),
        None => finding.label(targets[0].directive.place(), "passed on as HTTP/1.0"),
    };
    if set.is_none() {
        if upgrade.model().version().is_none() {
            finding.severity(Severity::Warning);
        }
        if can_set_version(upgrade.parent()) {
            let line = Edit::add_line_behind(upgrade, "proxy_http_version 1.1;");
            finding.fix(true, "speak HTTP/1.1", vec![line]);
        }
    }
}

fn upgrade_is_missing(connection: Directive<'_>, findings: &mut Findings) {
    let finding = findings.add(
        connection.place(),
        "websockets need the header Upgrade beside Connection, and it is not set on this level",
    );
    finding.note("nginx does not pass the client's Upgrade on by itself: the server takes the request for a usual one, and websockets fail, mostly with 400 or 426");
    finding.help("add: proxy_set_header Upgrade $http_upgrade;");
    finding.severity(Severity::Warning);
    if let Some(lost) = cut_off(connection.parent(), "upgrade") {
        finding.label(lost.place(), "cut off: headers of an outer level do not count beside others");
    }
    let line = Edit::add_line_behind(connection, "proxy_set_header Upgrade $http_upgrade;");
    finding.fix(true, "pass Upgrade on", vec![line]);
}
