//! Settings for TLS where nothing is passed on over TLS.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, Protocol, TLS_PASS_NAMES, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-ssl-directives-without-tls",
    group: Group::Tls,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_verify"],
    equivalents: &[],
    page: include_str!("proxy_ssl_directives_without_tls.md"),
    check: Check::Directives(&TLS_PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive) else { return };
    let block = target.block();
    let is_plain = !target.is_template() && target.is_in_place() && target.uses_tls() == Some(false);
    if !is_plain || !is_alone(block, target.protocol) {
        return;
    }
    let prefix = format!("{}_ssl_", target.protocol.prefix());
    let settings = block.directives_by_name().filter(|own| own.name().starts_with(&prefix));
    let Some(first) = settings.min_by_key(|own| own.id()) else { return };
    let finding = findings.add(first.place(), format!("{} does nothing: no TLS is spoken here", first.name()));
    finding.label(directive.place(), "passed on without TLS");
    if target.protocol == Protocol::Stream {
        finding.note("without \"proxy_ssl on\" nginx passes the bytes on as they are; the other proxy_ssl directives say only how TLS would be spoken");
        finding.help("add: proxy_ssl on; or leave the other proxy_ssl directives out");
    } else {
        finding.note(
            "the scheme of the target decides whether TLS is spoken, and here the request goes out in plain text",
        );
        finding.help(format!("write {}, or leave the directive out", tls_scheme(target.protocol)));
    }
}

fn tls_scheme(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "grpcs://",
        Protocol::Uwsgi => "suwsgi://",
        _ => "https://",
    }
}

/// Whether the settings of a block are for its one target and no other: blocks
/// inside would inherit them, and who writes `proxy_ssl off` has switched it
/// off.
fn is_alone(block: Block<'_>, protocol: Protocol) -> bool {
    if protocol == Protocol::Stream {
        return block.effective("proxy_ssl") == Effective::Default;
    }
    let has_inner = ["location", "if", "limit_except"].into_iter().any(|name| block.directive(name).is_some());
    block.is(Context::Location) && !has_inner && !block.is_unseen()
}
