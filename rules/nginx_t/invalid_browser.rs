//! A modern_browser with a name or version that nginx does not know.

use crate::catalog;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-browser",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_browser_module.html#modern_browser"],
    equivalents: &[],
    page: include_str!("invalid_browser.md"),
    check: Check::Directives(&["modern_browser"], check),
};

/// In any case.
const BROWSERS: [&str; 5] = ["msie", "gecko", "opera", "safari", "konqueror"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(name) = directive.argument(0).filter(|_| directive.taken_as().is_some()) else { return };
    if directive.is_template(0) || directive.is_template(1) {
        return;
    }
    let is_known = BROWSERS.iter().any(|known| known.eq_ignore_ascii_case(name));
    let Some(version) = directive.argument(1) else {
        if name != "unlisted" {
            findings
                .add(directive.place(), format!("modern_browser names \"{name}\" without a version"))
                .note("nginx refuses to start or reload, and does not say why")
                .help(if is_known {
                    format!("write {name} 1.0, or any other version")
                } else {
                    "write unlisted".to_owned()
                });
        }
        return;
    };
    if !is_known {
        let finding = findings
            .add(directive.place_of_argument(0), format!("modern_browser does not know the browser \"{name}\""));
        finding.nginx_says(format!("unknown browser name \"{name}\"")).nginx_names(directive.terminator());
        match catalog::nearest(name, BROWSERS) {
            Some(known) => finding.help(format!("write {known}")),
            None => finding.help(format!("write one of {}, or unlisted alone", BROWSERS.join(", "))),
        };
    } else if !version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        findings
            .add(directive.place_of_argument(1), format!("\"{version}\" is no version of a browser"))
            .nginx_says(format!("invalid browser version \"{version}\""))
            .nginx_names(directive.terminator())
            .help("write numbers with dots between them, such as 5.0");
    }
}
