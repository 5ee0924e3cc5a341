//! A proxy_pass without http:// or https://.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-missing-scheme",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("proxy_pass_missing_scheme.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.protocol == Protocol::Proxy) else { return };
    if target.has_variables() || !target.parts().scheme.is_empty() || directive.definition().is_none() {
        return;
    }
    let text = target.text;
    let finding =
        findings.add(directive.place_of_argument(0), format!("\"{text}\" does not begin with http:// or https://"));
    finding.note("nginx refuses to start or reload: invalid URL prefix");
    if let Some((scheme, _)) = text.split_once("://") {
        finding.help(other_scheme(scheme));
        return;
    }
    finding.help(format!("write http://{text}, or https:// if the server there speaks TLS"));
    if let Some(location) = directive.editable_argument(0) {
        let edit = Edit::replace(location, format!("http://{text}"));
        finding.fix(false, "put http:// in front", vec![edit]);
    }
}

fn other_scheme(scheme: &str) -> String {
    match scheme.to_ascii_lowercase().as_str() {
        "grpc" | "grpcs" => "for a gRPC server write grpc_pass instead of proxy_pass".to_owned(),
        "fastcgi" | "uwsgi" | "scgi" => {
            format!(
                "for such a server write {}_pass instead of proxy_pass, without a scheme",
                scheme.to_ascii_lowercase()
            )
        }
        "ws" => "websockets are HTTP to nginx: write http://".to_owned(),
        "wss" => "websockets are HTTP to nginx: write https://".to_owned(),
        "tcp" | "udp" => "bytes that are not HTTP are passed on in a stream {} block".to_owned(),
        _ => "write http:// or https://".to_owned(),
    }
}
