//! A server behind nginx that takes no connections.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{ListeningSocket, Outcome, Signature};
use crate::model::{Host, Model, Reached, Seen, Server, is_loopback};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-upstream-refused",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("live_upstream_refused.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let seen = model.seen(&[Signature::UpstreamRefused]);
    let refusing: Vec<Reached<'_>> =
        model.reached().into_iter().filter(|reached| is_refusing(model, reached)).collect();
    for reached in &refusing {
        say_now(model, reached, &seen, findings);
    }
    let is_said = |seen: &Seen<'_>| refusing.iter().any(|reached| seen.is_about(reached.endpoint.directive));
    seen.iter().filter(|seen| !is_said(seen)).for_each(|seen| say_then(seen, findings));
}

/// Whether connections are refused now, and this rule is the one to say so.
fn is_refusing(model: &Model<'_>, reached: &Reached<'_>) -> bool {
    let refused = !reached.with(Outcome::Refused).is_empty();
    let host = reached.endpoint.host;
    let is_own_program = matches!(host, Host::Unix(_));
    // That of two addresses of localhost one does not answer is another rule's,
    // and so is what a container's own loopback means.
    let is_half_of_localhost = host.is_localhost() && !reached.all_are(Outcome::Refused);
    let is_of_container = is_loopback(host) && model.is_in_container();
    refused && !is_own_program && !is_half_of_localhost && !is_of_container
}

fn say_now(model: &Model<'_>, reached: &Reached<'_>, seen: &[Seen<'_>], findings: &mut Findings) {
    let directive = reached.endpoint.directive;
    let addresses = reached.with(Outcome::Refused);
    let is_all = reached.all_are(Outcome::Refused);
    let of = match reached.endpoint.host {
        Host::Name(name) if is_all => format!(", the address of \"{name}\""),
        Host::Name(name) => format!(", of the {} addresses of \"{name}\"", reached.connections.len()),
        _ => String::new(),
    };
    let instead = model.listening_instead(reached.endpoint);
    let message = format!("nothing listens on {}{of}{}", addresses.join(" and "), in_words(&instead));
    let finding = findings.add(directive.place_of_argument(0), message);
    if (Server { directive }).is_backup() || !is_all {
        finding.severity(Severity::Warning);
    }
    finding.note("the connection is refused: requests passed there get 502, with \"connect() failed (111: Connection refused)\" in the error log");
    finding.help(match instead.first() {
        Some(socket) => format!(
            "start the program, or write the port it listens on; if {} is the one, that is {}",
            program(socket),
            port(socket)
        ),
        None => "start the program that should listen there, or write where it does listen".to_owned(),
    });
    seen.iter().filter(|seen| seen.is_about(directive)).for_each(|seen| {
        finding.seen(seen);
    });
}

/// Of what the log has and what is not so now, or was not looked at.
fn say_then(seen: &Seen<'_>, findings: &mut Findings) {
    let peer = seen.peer.unwrap_or("the server behind nginx");
    let finding =
        findings.add(seen.place(), format!("{peer} refused connections: nothing listened there, or too little"));
    finding.severity(Severity::Warning);
    finding.note("each such request got 502 unless another server of the group answered it; it may be a restart of the program, or a time at which it was down");
    finding.help("look at the program's own log for these times; it should go on taking connections while it restarts");
    finding.seen(seen);
}

fn in_words(instead: &[&ListeningSocket]) -> String {
    let each = instead.iter().map(|socket| format!("{} listens on {}", program(socket), socket.address));
    let each: Vec<String> = each.collect();
    if each.is_empty() { String::new() } else { format!("; {}", each.join(", ")) }
}

fn program(socket: &ListeningSocket) -> &str {
    socket.process.as_deref().unwrap_or("something")
}

fn port(socket: &ListeningSocket) -> &str {
    socket.address.rsplit_once(':').map_or("", |(_, port)| port)
}
