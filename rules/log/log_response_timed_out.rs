//! Servers behind nginx that take too long to answer.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Protocol, Seen, Target, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-response-timed-out",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"],
    equivalents: &[],
    page: include_str!("log_response_timed_out.md"),
    check: Check::Configuration(check),
};

/// Less than this, in milliseconds, is not proposed as a longer time.
const LEAST: u64 = 120_000;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let place = |seen: &Seen<'_>| seen.place_of_setting("read_timeout");
    for together in model.seen_together(&[Signature::ReadHeaderTimedOut], place) {
        say(model, &together, findings);
    }
}

fn say(model: &Model<'_>, together: &Together<'_>, findings: &mut Findings) {
    let timeout = together.target().map(|target| target.timeout("read_timeout"));
    let servers = together.servers_in_words();
    let in_force = timeout.as_ref().map_or_else(|| "the read timeout".to_owned(), |timeout| timeout.in_words());
    let finding = findings.add(together.place, format!("{servers} did not answer in time: {in_force}"));
    let elsewhere = match together.is_sometimes_tried_elsewhere("timeout") {
        true => " unless another server answered in time",
        false => "",
    };
    finding.note(format!("these requests get 504{elsewhere}; the log has \"upstream timed out (110: Connection timed out) while reading response header from upstream\""));
    let Some(timeout) = timeout else {
        finding.help("find out what the application did at these times: its own log, its database, whether all of its workers were busy");
        finding.seen_together(together);
        return;
    };
    let longer = timeout.longer(LEAST);
    if together.is_tried_elsewhere("timeout") {
        finding.severity(Severity::Warning);
    }
    let waits = match together.targets().iter().any(|target| target.passes_upgrade()) {
        true => "; clients that poll, where WebSockets do not work, wait that long on purpose, and need it",
        false => "",
    };
    finding.help(format!("find out first what the application does for so long: its own log, its database, whether all of its workers are busy; where it has to take longer, {} {longer}; in that location alone{waits}", timeout.name));
    if is_waiting_for_php(model, together) {
        finding.severity(Severity::Info);
        finding.help("php-fpm had no process free: that comes first");
    }
    if let Some(mistaken) = timeout.mistaken {
        let name = mistaken.name();
        finding.label(
            mistaken.place(),
            format!("{name} does not count for what is passed on with {}", pass_name(together)),
        );
    }
    finding.seen_together(together);
}

/// Whether php-fpm had no process free: then that is the cause, and another
/// rule says so.
fn is_waiting_for_php(model: &Model<'_>, together: &Together<'_>) -> bool {
    let is_php = |target: Target<'_>| target.protocol == Protocol::Fastcgi;
    together.target().is_some_and(is_php)
        && model.only_way_to_fastcgi().is_some()
        && !model.seen(&[Signature::PhpFpmPoolExhausted]).is_empty()
}

fn pass_name<'m>(together: &Together<'m>) -> &'m str {
    together.target().map_or("", |target| target.directive.name())
}
