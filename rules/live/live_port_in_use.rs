//! An address that another program listens on.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, Taken};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-port-in-use",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#listen"],
    equivalents: &[],
    page: include_str!("live_port_in_use.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for taken in model.taken_listeners() {
        say(model, &taken, findings);
    }
}

fn say(model: &Model<'_>, taken: &Taken<'_>, findings: &mut Findings) {
    let Taken { listener, socket } = taken;
    let Some(listening) = listener.listenings().next() else { return };
    let directive = listening.directive.map(|directive| directive.place_of_argument(0));
    let head = listening.server.head().map(|head| head.place());
    let Some(place) = directive.or(head) else { return };
    let runs = model.facts().is_some_and(|facts| facts.nginx.runs == Some(true));
    let program = socket.process.as_deref().unwrap_or("something");
    let pid = socket.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    let own = listener.socket().to_string();
    let at = if own == socket.address { String::new() } else { format!(", which is in the way of {own}") };
    let kind = if socket.udp { "udp " } else { "" };
    // Sockets for datagrams can be shared, when both programs ask for it.
    let cannot = if socket.udp { "may not be able to" } else { "cannot" };
    let verb = if runs { "reload" } else { "start" };
    let message = format!("{program}{pid} listens on {kind}{}{at}: nginx {cannot} {verb}", socket.address);
    let finding = findings.add(place, message);
    if socket.udp {
        finding.severity(Severity::Warning);
    }
    let goes_on = if runs { "; what runs goes on with the configuration it has" } else { "" };
    finding.note(format!("\"bind() to {own} failed (98: Address already in use)\", five times, then \"still could not bind()\"; nginx -t says nothing of it{goes_on}"));
    finding.help(match socket.process.as_deref() {
        Some(program) => format!("stop {program} or let it listen elsewhere, or write another port here"),
        None => "see whose it is with ss -ltnup as root; stop that, or write another port here".to_owned(),
    });
}
