//! Names that nginx needs when it starts, and that cannot be looked up.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{Resolution, Signature};
use crate::model::{Directive, Endpoint, Host, Model, PASS_AND_SERVER_NAMES, Seen, Server, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-dns-unresolvable",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("live_dns_unresolvable.md"),
    check: Check::Configuration(check),
};

/// So many other places with the name are shown.
const PLACES: usize = 3;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    let seen = model.seen(&[Signature::HostNotFoundAtStart]);
    let needed: Vec<(&str, Endpoint<'_>)> = model
        .directives_named(&PASS_AND_SERVER_NAMES)
        .filter_map(needed_at_start)
        .filter_map(|endpoint| if let Host::Name(name) = endpoint.host { Some((name, endpoint)) } else { None })
        .collect();
    let mut said: Vec<&str> = Vec::new();
    for (name, _) in &needed {
        let error = facts.names.get(&name.to_ascii_lowercase()).and_then(error_of);
        if let Some(error) = error.filter(|_| !said.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            said.push(name);
            let places: Vec<Endpoint<'_>> = places_of(&needed, name);
            say_now(name, error, &places, &seen, findings);
        }
    }
    for seen in &seen {
        let name = host(seen);
        if !said.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            let is_known = facts.names.contains_key(&name.to_ascii_lowercase());
            say_then(model, seen, places_of(&needed, name).first().copied(), is_known, findings);
        }
    }
}

/// Where a name is looked up by the system when nginx starts; servers that
/// are down are no exception.
fn needed_at_start(directive: Directive<'_>) -> Option<Endpoint<'_>> {
    match Target::of(directive) {
        Some(target) => target.own_endpoint(),
        None => {
            let server = Server { directive };
            server.endpoint().filter(|_| server.is_in_group() && !server.is_resolved_again())
        }
    }
}

fn error_of(resolution: &Resolution) -> Option<&str> {
    resolution.error.as_deref().filter(|_| resolution.addresses.is_empty())
}

fn places_of<'m>(needed: &[(&str, Endpoint<'m>)], name: &str) -> Vec<Endpoint<'m>> {
    needed.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, endpoint)| *endpoint).collect()
}

/// The name in the message, which may have a port behind it.
fn host<'m>(seen: &Seen<'m>) -> &'m str {
    let detail = seen.detail.unwrap_or_default();
    match detail.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => detail,
    }
}

fn note(name: &str) -> String {
    format!(
        "nginx does not start, with none of its sites: \"[emerg] host not found in upstream \"{name}\"\"; a reload changes nothing, and the old configuration stays in force until the next restart"
    )
}

fn help(name: &str) -> String {
    format!(
        "write a name or address that this machine can look up (getent ahosts {name}); to start without it, put the target into a variable and write a resolver"
    )
}

fn say_now(name: &str, error: &str, places: &[Endpoint<'_>], seen: &[Seen<'_>], findings: &mut Findings) {
    let [first, others @ ..] = places else { return };
    let place = first.directive.place_of_argument(0);
    let finding = findings.add(place, format!("this machine cannot look up \"{name}\": {error}"));
    finding.note(note(name));
    finding.help(help(name));
    for other in others.iter().take(PLACES) {
        finding.label(other.directive.place_of_argument(0), "and here");
    }
    seen.iter().filter(|seen| host(seen).eq_ignore_ascii_case(name)).for_each(|seen| {
        finding.seen(seen);
    });
}

/// Of what the log has and is not so now, or was not looked at.
fn say_then(model: &Model<'_>, seen: &Seen<'_>, place: Option<Endpoint<'_>>, is_known: bool, findings: &mut Findings) {
    let name = host(seen);
    let message = match (place, is_known) {
        (Some(_), true) => {
            format!("nginx did not find the host \"{name}\" when it read its configuration; now it can be looked up")
        }
        (Some(_), false) => format!("nginx did not find the host \"{name}\" when it read its configuration"),
        (None, _) => format!(
            "nginx did not find the host \"{name}\" when it read its configuration, which does not have it any more"
        ),
    };
    let at = place.map_or_else(|| model.place_of_configuration(), |endpoint| endpoint.directive.place_of_argument(0));
    let finding = findings.add(at, message);
    finding.note(format!("nginx did not start then, or went on with the configuration from before: \"[emerg] host not found in upstream \"{name}\"\""));
    finding.help(match place {
        Some(_) => "see whether names can be looked up when the machine starts: a unit of systemd wants After=network-online.target nss-lookup.target (systemctl edit nginx)".to_owned(),
        None => "see whether the configuration that nginx runs with is this one: nginx -t, then nginx -s reload".to_owned(),
    });
    finding.severity(if place.is_some() { Severity::Warning } else { Severity::Info });
    finding.seen(seen);
}
