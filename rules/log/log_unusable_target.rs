//! Targets that came out as something nginx cannot pass requests to.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Resolver, Seen};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-unusable-target",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver",
    ],
    equivalents: &[],
    page: include_str!("log_unusable_target.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 4] =
    [Signature::NoResolver, Signature::NoPortInUpstream, Signature::InvalidUrlPrefix, Signature::GroupWithPort];

fn check(model: &Model<'_>, findings: &mut Findings) {
    for seen in model.seen(&SIGNATURES) {
        say(model, &seen, findings);
    }
}

fn say(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let value = seen.detail.unwrap_or_default();
    let failure = seen.target.map_or("answers 502", |target| target.protocol.failure());
    // Without a request it was said when the configuration was read.
    let is_of_start = seen.requests.is_empty() && seen.server.is_none();
    let (message, note, help) = match seen.signature {
        Signature::NoResolver if is_of_start => (
            "nginx found no resolver for names of a group that it is to look up again and again".to_owned(),
            "nginx does not start, and does not take over the configuration by a reload: \"no resolver defined to resolve names at run time\"".to_owned(),
            "write a resolver into http { }, such as: resolver 127.0.0.53;".to_owned(),
        ),
        Signature::NoResolver => (
            format!("the target comes out as the host \"{value}\", and no resolver is there to look it up"),
            format!("nginx {failure}: \"no resolver defined to resolve {value}\""),
            help_without_resolver(model, value),
        ),
        Signature::NoPortInUpstream if is_of_start => (
            format!("nginx found no port in \"{value}\""),
            format!("nginx does not start, and does not take over the configuration by a reload: \"no port in upstream \"{value}\"\""),
            format!("write the port: {value}:9000"),
        ),
        Signature::NoPortInUpstream => (
            format!("the target comes out as \"{value}\", which has no port"),
            format!("the client gets 500, and the log has \"no port in upstream \"{value}\"\""),
            format!("write the port into the target or into the value of the variable: {value}:9000"),
        ),
        Signature::InvalidUrlPrefix => (
            match value {
                "" => "the target comes out empty".to_owned(),
                value => format!("the target comes out as \"{value}\", which does not begin with http:// or https://"),
            },
            format!("the client gets 500, and the log has \"invalid URL prefix in \"{value}\"\""),
            match value {
                "" => "give the map that makes the variable a default; or return 404 where it is empty".to_owned(),
                _ => "write the scheme into the target: proxy_pass http://$…;".to_owned(),
            },
        ),
        _ => (
            format!("a target named the group \"{value}\" with a port"),
            format!("nginx does not start, and does not take over the configuration by a reload: \"upstream \"{value}\" may not have port\""),
            format!("write the name alone, such as http://{value}; the ports stand at the servers of the group"),
        ),
    };
    let place = place_of_group(model, seen).unwrap_or_else(|| seen.place());
    let finding = findings.add(place, message);
    finding.note(note).help(help);
    let has_resolver = seen.signature == Signature::NoResolver && seen.block().and_then(Resolver::in_force).is_some();
    if has_resolver || (is_of_start && seen.target.is_none() && !is_here(model, seen)) {
        finding.severity(Severity::Warning);
        finding.help(
            "the configuration has been changed since: see whether nginx runs with it (nginx -t, then nginx -s reload)",
        );
    }
    finding.seen(seen);
}

/// The target that names the group with a port.
fn place_of_group(model: &Model<'_>, seen: &Seen<'_>) -> Option<crate::model::Place> {
    let group = seen.detail.filter(|_| seen.signature == Signature::GroupWithPort)?;
    let mut targets = model.targets();
    let with_port = format!("{}:", group.to_ascii_lowercase());
    let found = targets.find(|target| target.text[target.parts().address].to_ascii_lowercase().starts_with(&with_port));
    found.map(|target| target.directive.place_of_argument(0))
}

/// Whether the configuration still has what nginx did not take.
fn is_here(model: &Model<'_>, seen: &Seen<'_>) -> bool {
    let value = seen.detail.unwrap_or_default();
    match seen.signature {
        Signature::GroupWithPort => place_of_group(model, seen).is_some(),
        Signature::NoPortInUpstream => model.targets().any(|target| target.text[target.parts().address] == *value),
        _ => false,
    }
}

fn help_without_resolver(model: &Model<'_>, value: &str) -> String {
    let is_group = |name: &str| {
        let families = [crate::catalog::Family::Http, crate::catalog::Family::Stream];
        families.into_iter().any(|family| model.upstream(family, name).is_some())
    };
    match value {
        name if is_group(name) => format!("the group \"{name}\" takes no port behind its name: write it alone"),
        _ => "write a resolver into this server, such as: resolver 127.0.0.53; or, where the host never changes, the target without variables".to_owned(),
    }
}
