//! A server that is told the name of the group in the place of its own.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Protocol, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-name-as-host-header",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"],
    equivalents: &[],
    page: include_str!("upstream_name_as_host_header.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let name = upstream.name();
    // With a dot it is most likely meant to be sent.
    if name.contains('.') {
        return;
    }
    let users: Vec<Target<'_>> = block.model().targets_of(upstream).filter(|target| sends_the_name(*target)).collect();
    let Some(first) = users.first() else { return };
    let header = header_of(*first);
    let finding = findings.add(
        first.directive.place(),
        format!("the servers of upstream \"{name}\" get its name as the host: {}", sent(*first, name)),
    );
    let is_invalid = !is_host_name(name) && users.iter().any(|target| target.protocol == Protocol::Proxy);
    if is_invalid {
        finding.note(format!("\"{name}\" is no valid name of a host: some servers answer 400, others pick the wrong site or send redirects to it"));
    } else {
        finding.note("a server with several sites picks the wrong one, and redirects and links may lead to it");
    }
    // The manual's own examples have names with "_"; who is refused for it
    // sees that on the first request.
    if !is_invalid || is_host_name(&name.replace('_', "-")) {
        finding.severity(Severity::Info);
    }
    finding.help(format!("pass on what the client asked for: {header} Host $host;"));
    for target in users.iter().skip(1).take(3) {
        finding.label(target.directive.place(), "here too");
    }
    let edits: Option<Vec<Edit>> = users.iter().map(|target| edit(*target)).collect();
    if let Some(edits) = edits {
        finding.fix(false, "pass the host on", edits);
    }
}

/// The directive that sets headers of its requests.
fn header_of(target: Target<'_>) -> &'static str {
    if target.protocol == Protocol::Grpc { "grpc_set_header" } else { "proxy_set_header" }
}

fn sent(target: Target<'_>, name: &str) -> String {
    let header = if target.protocol == Protocol::Grpc { ":authority" } else { "Host" };
    format!("{header}: {name}")
}

/// Whether nothing sets the header; FastCGI and its kin pass that of the
/// client on.
fn sends_the_name(target: Target<'_>) -> bool {
    if !matches!(target.protocol, Protocol::Proxy | Protocol::Grpc) || !target.is_in_place() {
        return false;
    }
    let header = header_of(target);
    let headers = target.block().effective_list(header);
    // Where an outer level sets it, another level cuts it off: that is said there.
    let is_host =
        |directive: Directive<'_>| directive.argument(0).is_some_and(|name| name.eq_ignore_ascii_case("host"));
    let is_cut_off = || target.block().outwards().any(|block| block.directives(header).any(is_host));
    headers.complete && headers.named("host").next().is_none() && !is_cut_off()
}

/// Whether a name keeps to the rules for names of hosts: letters, digits, and
/// `-` between them.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_letter) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.split('.').all(is_label)
}

/// None where the directive is not allowed, or would cut off those around it.
fn edit(target: Target<'_>) -> Option<Edit> {
    let header = header_of(target);
    let directive: Directive<'_> = target.directive;
    let possible = target.block().is(Context::Location) && target.block().can_take_more(header);
    possible.then(|| Edit::add_line_behind(directive, &format!("{header} Host $host;")))
}
