//! Redirects of a program behind nginx that reach the browser as they are,
//! because the target has variables.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-redirect-lost",
    group: Group::Target,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_redirect"],
    equivalents: &[],
    page: include_str!("proxy_redirect_lost.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

/// The host that was asked for: a redirect to it is right.
const ASKED_FOR: [&str; 4] = ["$host", "${host}", "$http_host", "${http_host}"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    let address = &target.text[target.parts().address];
    let is_other = !ASKED_FOR.iter().any(|host| address.starts_with(host));
    let is_http = target.protocol == Protocol::Proxy && directive.definition().is_some();
    if !is_http || !is_other || target.is_internal() != Some(false) {
        return;
    }
    let redirects = directive.parent().effective_list("proxy_redirect");
    let headers = directive.parent().effective_list("proxy_set_header");
    let says_host = headers.named("host").next().is_some();
    if !redirects.complete || !redirects.directives.is_empty() || !headers.complete || says_host {
        return;
    }
    let finding = findings.add(
        directive.place(),
        "redirects of the program behind are not rewritten: the target has variables, and proxy_redirect is not set",
    );
    finding.note("the program is asked for the host of the target and answers with it: a Location such as http://127.0.0.1:3000/login reaches the browser");
    finding.help("add proxy_set_header Host $host; or proxy_redirect ~^https?://[^/]+(/.*)$ $1;");
    if directive.parent().is(Context::Location) {
        let edit = Edit::add_line_behind(directive, "proxy_redirect ~^https?://[^/]+(/.*)$ $1;");
        finding.fix(false, "take the host out of redirects", vec![edit]);
    }
}
