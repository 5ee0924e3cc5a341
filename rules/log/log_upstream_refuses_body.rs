//! Servers behind nginx that end the connection while a body is being sent.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Effective, Model, Seen, Together, parse_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-upstream-refuses-body",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size"],
    equivalents: &[],
    page: include_str!("log_upstream_refuses_body.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for together in model.seen_together(&[Signature::SendBroken], Seen::place_of_group) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let servers = together.servers_in_words();
    let first = together.first();
    let message = format!("{servers} ended the connection while the body of a request was being sent");
    let finding = findings.add(first.place(), message);
    let unless = match together.is_sometimes_tried_elsewhere("error") {
        true => " unless another server took them",
        false => "",
    };
    finding.note(format!("these requests get 502{unless}, whatever the server wanted to answer; the log has \"writev() failed (104: Connection reset by peer) while sending request to upstream\", or the same of sendfile() or with (32: Broken pipe)"));
    let limit = first.block().map_or(Effective::Unseen, |block| block.effective("client_max_body_size"));
    let size = limit.directive().and_then(|directive| directive.argument(0));
    let here = match (limit, size) {
        (Effective::Default, _) => "nginx takes bodies up to 1m here, the default".to_owned(),
        (_, Some(size)) if parse_size(size) == Some(0) => "nginx takes bodies of any size here".to_owned(),
        (_, Some(size)) => format!("nginx takes bodies up to {size} here"),
        (_, None) => "nginx has a limit of its own".to_owned(),
    };
    finding.help(format!("compare with the limit for bodies of the server itself: {here}; raise the server's, or write it as client_max_body_size, so that clients get 413"));
    if let Some(directive) = limit.directive() {
        finding.label(directive.place(), "so much nginx takes");
    }
    finding.seen_together(together);
}
