//! A target named localhost, which is two addresses.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Host, Kind, Server, Target, split_address};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-localhost",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("proxy_pass_localhost.md"),
    check: Check::Directives(
        &["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "server"],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(start) = start_of_localhost(directive) else { return };
    if directive.model().is_told_of_localhost(directive) {
        return;
    }
    let end = start + "localhost".len();
    let finding = findings.add(
        directive.place_in_argument(0, start..end),
        "\"localhost\" is two servers to nginx: 127.0.0.1 and ::1, where mostly nothing listens",
    );
    let stream = matches!(directive.parent().kind(), Kind::Directives(Context::StreamServer | Context::StreamUpstream));
    let outcome = if stream { "connections are closed" } else { "requests get 502" };
    finding.note(format!("nginx takes them in turn; when the program restarts both count as failed, and {outcome} until fail_timeout is over, though it is back long since"));
    finding.help("write 127.0.0.1, or [::1] if that is where it listens");
    if let Some(mut location) = directive.editable_argument(0) {
        location.span.end = location.span.start + end as u32;
        location.span.start += start as u32;
        finding.fix(false, "write 127.0.0.1", vec![Edit::replace(location, "127.0.0.1")]);
    }
}

/// Where `localhost` begins in the argument, if that is the host.
fn start_of_localhost(directive: Directive<'_>) -> Option<usize> {
    if directive.name() == "server" {
        let in_group = directive.parent().is(Context::Upstream) || directive.parent().is(Context::StreamUpstream);
        // One that never counts as failed is never left out.
        let is_left_out = directive.parameter("max_fails").is_none_or(|(_, count)| count != "0");
        let may_fail = is_left_out && !(Server { directive }).is_down();
        return (in_group && may_fail && is_localhost(directive.argument(0)?)).then_some(0);
    }
    let target = Target::of(directive).filter(|target| !target.has_variables())?;
    let address = target.parts().address;
    // A group may have this name.
    (is_localhost(&target.text[address.clone()]) && target.upstream().is_none()).then_some(address.start)
}

fn is_localhost(address: &str) -> bool {
    matches!(split_address(address).0, Host::Name(name) if name.eq_ignore_ascii_case("localhost"))
}
