//! Requests that `limit_req` turned away.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Directive, Model, Seen};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-requests-limited",
    group: Group::Log,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_limit_req_module.html#limit_req"],
    equivalents: &[],
    page: include_str!("log_requests_limited.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for seen in model.seen(&[Signature::RequestsLimited]) {
        say(model, &seen, findings);
    }
}

fn say(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let limit = limit_of(model, seen);
    let zone = limit.and_then(|limit| declaration_of(model, zone_of(limit)?));
    let rate = zone.and_then(|zone| zone.parameter("rate")).map(|(_, rate)| rate);
    let burst = limit.and_then(|limit| limit.parameter("burst")).map(|(_, burst)| burst);
    let place = limit.map_or_else(|| seen.place_of_block(), |limit| limit.place());
    let of_zone = seen.detail.map_or_else(String::new, |zone| format!(" of zone \"{zone}\""));
    let rate = rate.map_or_else(|| "its rate".to_owned(), str::to_owned);
    let finding = findings.add(
        place,
        match burst {
            _ if limit.is_none() => format!("requests above the rate{of_zone} are turned away"),
            Some(burst) => format!("requests above {rate}{of_zone} and {burst} more at once are turned away"),
            None => format!("requests above {rate}{of_zone} are turned away at once: the limit has no burst"),
        },
    );
    let status = limit.and_then(|limit| limit.parent().effective("limit_req_status").directive());
    let status = status.and_then(|status| status.argument(0)).unwrap_or("503");
    finding.note(format!("they get {status}, and nothing is passed on; the log has \"limiting requests, excess\""));
    if burst.is_some() || limit.is_none() {
        finding.severity(Severity::Info);
        finding.help("that is what the limit is for; if these were ordinary visitors, raise burst or the rate");
    } else {
        finding.help("a page with its files is many requests at once: add burst=20 nodelay to limit_req");
    }
    if let Some(zone) = zone {
        finding.label(zone.place(), "the rate is set here");
    }
    finding.seen(seen);
}

/// The line that limits: one of this zone that is in force where the requests
/// came, else the first one of the zone in their server, else any.
fn limit_of<'m>(model: &'m Model<'_>, seen: &Seen<'m>) -> Option<Directive<'m>> {
    let is_of_zone = |limit: &Directive<'_>| seen.detail.is_some() && zone_of(*limit) == seen.detail;
    let in_force = seen.came_to().map(|block| block.effective_list("limit_req").directives).unwrap_or_default();
    let all: Vec<Directive<'m>> = model.directives_named(&["limit_req"]).filter(is_of_zone).collect();
    let in_server = |limit: &&Directive<'m>| {
        seen.server.is_some_and(|server| limit.parent().outwards().any(|block| block == server))
    };
    let in_force = in_force.into_iter().find(is_of_zone);
    in_force.or_else(|| all.iter().find(in_server).copied()).or_else(|| all.first().copied())
}

fn zone_of(limit: Directive<'_>) -> Option<&str> {
    limit.parameter("zone").map(|(_, zone)| zone)
}

fn declaration_of<'m>(model: &'m Model<'_>, zone: &str) -> Option<Directive<'m>> {
    let declares = |directive: &Directive<'_>| {
        zone_of(*directive).and_then(|own| own.split_once(':')).is_some_and(|(own, _)| own == zone)
    };
    model.directives_named(&["limit_req_zone"]).find(declares)
}
