//! A proxy_redirect or proxy_cookie_… that nginx cannot use.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-proxy-redirect",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_redirect",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_cookie_path",
    ],
    equivalents: &[],
    page: include_str!("invalid_proxy_redirect.md"),
    check: Check::Directives(
        &["proxy_redirect", "proxy_cookie_domain", "proxy_cookie_path", "proxy_cookie_flags"],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let name = directive.name();
    // All of a block are looked at together, when the first one comes.
    let block = directive.parent();
    if block.directives(name).next() != Some(directive) {
        return;
    }
    let pass = block.directives("proxy_pass").find(|pass| pass.taken_as().is_some());
    let all = block.directives(name).filter(|directive| directive.taken_as().is_some());
    let mut earlier: Option<Directive<'_>> = None;
    let mut off: Option<Directive<'_>> = None;
    for directive in all {
        let lone = directive.argument(0).filter(|_| directive.argument_count() == 1);
        match (off, lone, earlier) {
            (Some(off), ..) => beside_off(directive, off, findings),
            (None, Some("off"), Some(other)) => beside_off(directive, other, findings),
            (None, Some("off"), None) => off = Some(directive),
            (None, Some("default"), _) if name == "proxy_redirect" => check_default(directive, pass, findings),
            (None, Some(word), _) if !directive.is_template(0) => lone_word(directive, word, findings),
            _ => {}
        }
        earlier.get_or_insert(directive);
    }
}

fn beside_off(directive: Directive<'_>, other: Directive<'_>, findings: &mut Findings) {
    let name = directive.name();
    findings
        .add(directive.place(), format!("\"{name} off\" and another {name} stand in one block"))
        .nginx_says(format!("\"{name}\" directive is duplicate"))
        .nginx_names(directive.terminator())
        .label(other.place(), "the other one")
        .help("keep \"off\", or the others");
}

fn lone_word(directive: Directive<'_>, word: &str, findings: &mut Findings) {
    let name = directive.name();
    let (message, help) = match name {
        "proxy_redirect" => (
            format!("proxy_redirect has \"{word}\" alone, which is neither \"default\" nor \"off\""),
            "write what to replace and by what, as in proxy_redirect http://127.0.0.1:8080/ /, or default or off",
        ),
        "proxy_cookie_flags" => (
            format!("proxy_cookie_flags has \"{word}\" alone, which is not \"off\""),
            "write a cookie and its flags, as in proxy_cookie_flags ~ secure, or off",
        ),
        _ => {
            (format!("{name} has \"{word}\" alone, which is not \"off\""), "write what to replace and by what, or off")
        }
    };
    findings
        .add(directive.place_of_argument(0), message)
        .nginx_says(format!("invalid parameter \"{word}\""))
        .nginx_names(directive.terminator())
        .help(help);
}

/// The default is taken from a proxy_pass further up in the same block.
fn check_default(directive: Directive<'_>, pass: Option<Directive<'_>>, findings: &mut Findings) {
    let Some(pass) = pass.filter(|pass| pass.id() < directive.id()) else {
        if directive.parent().is_unseen_for("proxy_pass") {
            return;
        }
        let message = match pass {
            Some(_) => "\"proxy_redirect default\" stands in front of the proxy_pass it is for",
            None => "\"proxy_redirect default\" stands in a block without a proxy_pass",
        };
        let finding = findings.add(directive.place(), message);
        finding
            .nginx_says("\"proxy_redirect default\" should be placed after the \"proxy_pass\" directive")
            .nginx_names(directive.terminator());
        match pass {
            Some(pass) => finding.label(pass.place(), "the proxy_pass").help("move it behind the proxy_pass"),
            None => finding.help("remove it: without any proxy_redirect the default is in force"),
        };
        return;
    };
    let has_variables = Target::of(pass).is_some_and(|target| target.has_variables()) && !pass.is_template(0);
    if !has_variables {
        return;
    }
    findings
        .add(directive.place(), "\"proxy_redirect default\" cannot be made of a proxy_pass with variables")
        .nginx_says("\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables")
        .nginx_names(directive.terminator())
        .label(pass.place(), "its target is not known in advance")
        .help("write what to replace and by what, as in proxy_redirect http://127.0.0.1:8080/ /, or off");
}
