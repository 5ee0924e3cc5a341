//! `http2_push` given twice, once as `off`.

use crate::catalog::{Context, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive};

/// See the page.
pub const RULE: Rule = Rule {
    name: "conflicting-push",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::before(GIVEN_UP),
    references: &["https://nginx.org/en/docs/http/ngx_http_v2_module.html#http2_push"],
    equivalents: &[],
    page: include_str!("conflicting_push.md"),
    check: Check::Blocks(&[Context::Http, Context::Server, Context::Location], check),
};

/// Since this release nginx does not look at the directive.
const GIVEN_UP: Version = Version::new(1, 25, 1);

fn check(block: Block<'_>, findings: &mut Findings) {
    let mut first: Option<Directive<'_>> = None;
    for push in block.directives("http2_push").filter(|push| push.is_read()) {
        let Some(earlier) = first else {
            first = Some(push);
            continue;
        };
        let says = match (is_off(earlier), is_off(push)) {
            (false, false) => continue,
            (true, true) => "is duplicate",
            (true, false) => "URI cannot be used with \"off\" parameter",
            (false, true) => "\"off\" parameter cannot be used with URI",
        };
        findings
            .add(push.place(), "http2_push is both off and on here, or off twice")
            .nginx_says(format!("\"http2_push\" directive {says}"))
            .nginx_names(push.terminator())
            .before(GIVEN_UP)
            .label(earlier.place(), "the first one")
            .help("keep one of them; nginx 1.25.1 and later ignore both");
    }
}

fn is_off(push: Directive<'_>) -> bool {
    push.argument(0) == Some("off")
}
