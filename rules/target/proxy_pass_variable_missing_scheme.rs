//! A target with variables that does not begin with http:// or https://.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Protocol, Target, Values};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-variable-missing-scheme",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("proxy_pass_variable_missing_scheme.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

const SCHEMES: [&str; 2] = ["http://", "https://"];

/// Where a rewrite may have put a whole address, scheme and all.
const REWRITTEN: [&str; 4] = ["$uri", "${uri}", "$document_uri", "${document_uri}"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive) else { return };
    let is_checked_late = target.has_variables() && !target.is_template() && directive.definition().is_some();
    let is_rewritten = REWRITTEN.iter().any(|variable| target.text.starts_with(variable));
    if target.protocol != Protocol::Proxy || !is_checked_late || is_rewritten {
        return;
    }
    let values = directive.model().values_at(target.block(), target.text);
    let Some(wrong) = values.iter().find(|text| lacks_scheme(text)) else { return };
    let shown = Values::known_start(wrong);
    let more = if shown == wrong { "" } else { "…" };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("this target comes out as \"{shown}{more}\", which does not begin with http:// or https://"),
    );
    finding.note(format!(
        "with variables in it nginx looks at the target when a request comes, and answers 500: invalid URL prefix in \"{shown}{more}\""
    ));
    let is_plain = |text: &str| lacks_scheme(text) && !text.contains("://");
    let all_are_plain = !values.incomplete && values.iter().all(is_plain);
    if !all_are_plain {
        finding.help("begin every value of it with http:// or https://");
        return;
    }
    let scheme = if values.iter().all(is_https) { "https://" } else { "http://" };
    finding.help(format!("write proxy_pass {scheme}{};", target.text));
    if let Some(location) = directive.editable_argument(0) {
        finding.fix(
            true,
            format!("begin it with {scheme}"),
            vec![Edit::replace(location, format!("{scheme}{}", target.text))],
        );
    }
}

/// Whether a value is there and certainly begins with something else. That it
/// may be empty is another mistake.
fn lacks_scheme(text: &str) -> bool {
    let start = Values::known_start(text);
    let begins = |scheme: &str| match start.get(..scheme.len()) {
        Some(head) => head.eq_ignore_ascii_case(scheme),
        // What is not known may go on as a scheme does.
        None => start != text && scheme.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
    };
    !start.is_empty() && !SCHEMES.iter().any(|scheme| begins(scheme))
}

/// Whether a value names a port that is for TLS.
fn is_https(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default();
    address.ends_with(":443") || address.ends_with(":8443")
}
