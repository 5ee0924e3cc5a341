//! Connections that this machine does not allow.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{Selinux, Signature};
use crate::model::{Endpoint, Failure, FailureKind, Host, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-selinux-connect",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("live_selinux_connect.md"),
    check: Check::Configuration(check),
};

/// The ports of `http_port_t` as the policy comes, for where those of this
/// machine are not known.
const HTTP_PORTS: [u16; 8] = [80, 81, 443, 488, 8008, 8009, 8443, 9000];

/// So many other lines are labelled.
const LINES: usize = 3;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let denied = model.failures().into_iter().filter(|failure| failure.kind == FailureKind::Denied);
    let (now, then): (Vec<Failure<'_>>, Vec<Failure<'_>>) = denied.partition(|failure| !failure.now.is_empty());
    // Whoever looked is not confined as nginx is: what is denied to everybody
    // is not the work of SELinux.
    now.iter().for_each(|failure| say_denied(model, failure, findings));
    match confining(model) {
        Some(_) if !then.is_empty() => say_confined(&then, findings),
        Some(selinux) if now.is_empty() => foretell(model, selinux, findings),
        _ => then.iter().for_each(|failure| say_denied(model, failure, findings)),
    }
}

/// SELinux, where it certainly lets nginx connect to few ports.
fn confining<'m>(model: &'m Model<'_>) -> Option<&'m Selinux> {
    let selinux = model.facts()?.machine.selinux.as_ref()?;
    let is_confined = selinux.domain.as_ref().is_none_or(|domain| domain.contains("httpd"));
    (selinux.enforcing && selinux.network_connect == Some(false) && is_confined).then_some(selinux)
}

/// One cause, and one finding for all that it hits.
fn say_confined(denied: &[Failure<'_>], findings: &mut Findings) {
    let Some(first) = denied.first() else { return };
    let mut addresses: Vec<&str> = denied.iter().flat_map(Failure::addresses).collect();
    addresses.dedup();
    let others = match addresses.len() {
        0 | 1 => String::new(),
        2 => ", and to 1 other server".to_owned(),
        count => format!(", and to {} other servers", count - 1),
    };
    let address = addresses.first().copied().unwrap_or("the server behind nginx");
    let finding = findings.add(
        first.place(),
        format!("SELinux does not let nginx connect to {address}{others}: httpd_can_network_connect is off"),
    );
    finding.note("requests passed there get 502, \"connect() to ADDRESS failed (13: Permission denied)\"; a shell on the same machine connects without trouble, as it is not confined");
    finding.help(commands(port_of(address)));
    for failure in denied.iter().skip(1).take(LINES) {
        finding.label(failure.place(), "not allowed either");
    }
    denied.iter().flat_map(|failure| &failure.seen).for_each(|seen| {
        finding.seen(seen);
    });
}

/// Of what nginx will not be allowed.
fn foretell(model: &Model<'_>, selinux: &Selinux, findings: &mut Findings) {
    // Another message about such a server shows that nginx gets there.
    if has_connected(model) {
        return;
    }
    let is_open = |port: u16| selinux.http_ports.as_ref().map_or(HTTP_PORTS.contains(&port), |own| own.contains(&port));
    let is_closed = |endpoint: &Endpoint<'_>| {
        !matches!(endpoint.host, Host::Unix(_)) && endpoint.port.is_some_and(|port| !is_open(port))
    };
    let closed: Vec<Endpoint<'_>> = model.passed_to().filter(is_closed).collect();
    let Some(first) = closed.first() else { return };
    let others = match closed.len() {
        1 => String::new(),
        2 => " and 1 other server".to_owned(),
        count => format!(" and {} other servers", count - 1),
    };
    let finding = findings.add(
        first.directive.place_of_argument(0),
        format!("SELinux will not let nginx connect to {}{others}: httpd_can_network_connect is off", first.text),
    );
    finding.severity(Severity::Warning);
    finding.note("requests passed there get 502, \"connect() to ADDRESS failed (13: Permission denied)\", as SELinux is enforcing; a shell on the same machine connects without trouble, as it is not confined");
    finding.help(commands(first.port));
    for other in closed.iter().skip(1).take(LINES) {
        finding.label(other.directive.place_of_argument(0), "nor there");
    }
}

fn has_connected(model: &Model<'_>) -> bool {
    let seen = model.seen(&[
        Signature::UpstreamRefused,
        Signature::ConnectTimedOut,
        Signature::ReadHeaderTimedOut,
        Signature::ReadBodyTimedOut,
        Signature::PrematureCloseHeader,
        Signature::ReadReset,
        Signature::TooBigHeader,
    ]);
    seen.iter().any(|seen| seen.peer.is_some_and(|peer| !peer.starts_with("unix:")))
}

/// Of a denial that SELinux's booleans do not explain.
fn say_denied(model: &Model<'_>, failure: &Failure<'_>, findings: &mut Findings) {
    let is_now = !failure.now.is_empty();
    let addresses = match failure.addresses()[..] {
        [] => "the server behind nginx".to_owned(),
        ref addresses => addresses.join(" and "),
    };
    let is_enforcing =
        model.facts().and_then(|facts| facts.machine.selinux.as_ref()).is_some_and(|selinux| selinux.enforcing);
    let message = match is_now {
        true => format!("this machine does not allow connections to {addresses}"),
        false => format!("this machine did not let nginx connect to {addresses}"),
    };
    let finding = findings.add(failure.place(), message);
    if !is_now || failure.is_spared {
        finding.severity(Severity::Warning);
    }
    let outcome =
        if failure.is_of_stream() { "connections passed there are closed" } else { "requests passed there get 502" };
    finding.note(format!("the system itself says no, before a packet is sent: {outcome}, \"connect() to {addresses} failed (13: Permission denied)\""));
    finding.help(if is_enforcing && !is_now {
        "ausearch -m avc -ts recent shows what SELinux, which is enforcing, denied; setsebool -P httpd_can_network_connect 1 allows nginx all connections".to_owned()
    } else {
        let host = addresses.rsplit_once(':').map_or(addresses.as_str(), |(host, _)| host);
        format!("look for a route that prohibits it (ip route get {host}), for SELinux and AppArmor (dmesg), and for limits in the unit of nginx (systemctl cat nginx)")
    });
    for line in failure.lines.iter().skip(1).take(LINES) {
        finding.label(line.place_of_argument(0), "leads there, too");
    }
    failure.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}

fn port_of(address: &str) -> Option<u16> {
    address.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
}

fn commands(port: Option<u16>) -> String {
    let port = port.map_or_else(|| "PORT".to_owned(), |port| port.to_string());
    format!(
        "run setsebool -P httpd_can_network_connect 1, or, for this port alone, semanage port -a -t http_port_t -p tcp {port}"
    )
}
