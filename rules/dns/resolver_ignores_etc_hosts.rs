//! A name of the hosts file that a resolver is asked for.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, Host, HostNameKind, NameServerKind, PASS_NAMES, Resolver, Target, is_of_hosts_file, is_private,
    kind_of_host_name,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "resolver-ignores-etc-hosts",
    group: Group::Dns,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"],
    equivalents: &[],
    page: include_str!("resolver_ignores_etc_hosts.md"),
    check: Check::Directives(&PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    let Some(resolver) = Resolver::in_force(directive.parent()).filter(|_| directive.definition().is_some()) else {
        return;
    };
    let hosts = target.run_time_hosts();
    let Some(name) = hosts.asked.iter().find(|name| is_of_hosts_file(name)) else { return };
    // systemd-resolved reads the hosts file.
    if resolver.name_servers().all(|server| server.kind == NameServerKind::Resolved) {
        return;
    }
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("\"{name}\" is asked of the resolver, which does not read /etc/hosts"),
    );
    finding.note(format!(
        "unless the name server has the name itself, nginx {}: {name} could not be resolved (3: Host not found)",
        target.protocol.failure()
    ));
    finding.label(resolver.directive.place(), "asked here");
    // Name servers near by may know it all the same, and so does nginx when
    // another target has it without variables.
    let is_whole = directive.model().is_whole(target.protocol.family());
    let is_certain = is_whole && resolver.name_servers().all(|server| !is_near(server.host));
    if !is_certain {
        finding.severity(Severity::Warning);
    }
    if kind_of_host_name(name) != HostNameKind::Localhost {
        finding.help(format!(
            "write the name without variables, as {name} then comes from /etc/hosts when nginx starts, or its address"
        ));
        return;
    }
    finding.help("write 127.0.0.1 in its place: an address is not looked up");
    let host = target.editable_host(name).filter(|_| hosts.is_written_out && name.eq_ignore_ascii_case("localhost"));
    if let Some(host) = host {
        finding.fix(is_certain, "write 127.0.0.1", vec![Edit::replace(host, "127.0.0.1")]);
    }
}

fn is_near(server: Host<'_>) -> bool {
    matches!(server, Host::Name(_)) || is_private(server)
}
