//! Parameters of directives about TLS.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{CacheWords, Directive, SMALLEST_ZONE, parse_number, split_zone};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-ssl",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_session_cache"],
    equivalents: &[],
    page: include_str!("invalid_ssl.md"),
    check: Check::Directives(
        &[
            "ssl_session_cache",
            "ssl_ocsp_cache",
            "ssl_certificate_cache",
            "proxy_ssl_certificate_cache",
            "grpc_ssl_certificate_cache",
            "uwsgi_ssl_certificate_cache",
            "ssl_alpn",
        ],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if !directive.is_read() {
        return;
    }
    match directive.name() {
        "ssl_session_cache" => check_sessions(directive, findings),
        "ssl_ocsp_cache" => check_ocsp_cache(directive, findings),
        "ssl_alpn" => check_protocols(directive, findings),
        _ => check_certificate_cache(directive, findings),
    }
}

fn report(directive: Directive<'_>, argument: usize, says: String, what: String, help: &str, findings: &mut Findings) {
    findings
        .add(directive.place_of_argument(argument), what)
        .nginx_says(says)
        .nginx_names(directive.terminator())
        .help(help);
}

/// How a `shared:NAME:SIZE` is.
enum Shared {
    Valid,
    TooSmall,
    Invalid,
}

fn shared(value: &str) -> Shared {
    match split_zone(value) {
        None | Some((0, _)) | Some((_, None)) => Shared::Invalid,
        Some((_, Some(size))) if size < SMALLEST_ZONE => Shared::TooSmall,
        Some(_) => Shared::Valid,
    }
}

const HELP_FOR_SHARED: &str = "write the name and the size, 32k or more: \"shared:SSL:10m\"";

fn check_sessions(directive: Directive<'_>, findings: &mut Findings) {
    for (index, text) in directive.arguments().enumerate() {
        if directive.is_template(index) {
            continue;
        }
        let state = match text.split_once(':') {
            None if matches!(text, "off" | "none" | "builtin") => Shared::Valid,
            Some(("builtin", number)) if parse_number(number).is_some() => Shared::Valid,
            Some(("shared", value)) => shared(value),
            _ => Shared::Invalid,
        };
        let (says, what, help) = match state {
            Shared::Valid => continue,
            Shared::TooSmall => (
                format!("session cache \"{text}\" is too small"),
                format!("\"{text}\" gives the sessions less than {SMALLEST_ZONE} bytes"),
                "write 32k or more; 1m holds about 4 thousand sessions",
            ),
            Shared::Invalid => (
                format!("invalid session cache \"{text}\""),
                format!("ssl_session_cache does not take \"{text}\""),
                if text.starts_with("shared") {
                    HELP_FOR_SHARED
                } else {
                    "it takes off, none, builtin, builtin:NUMBER and shared:NAME:SIZE"
                },
            ),
        };
        report(directive, index, says, what, help, findings);
        return;
    }
}

fn check_ocsp_cache(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|text| *text != "off" && !directive.is_template(0)) else { return };
    match text.strip_prefix("shared:").map_or(Shared::Invalid, shared) {
        Shared::Valid => {}
        Shared::TooSmall => {
            let what = format!("\"{text}\" gives the answers less than {SMALLEST_ZONE} bytes");
            let says = format!("OCSP cache \"{text}\" is too small");
            report(directive, 0, says, what, "write 32k or more: \"shared:OCSP:10m\"", findings);
        }
        Shared::Invalid => {
            let says = format!("invalid OCSP cache \"{text}\"");
            let what = format!("ssl_ocsp_cache does not take \"{text}\"");
            report(directive, 0, says, what, "write off, or the name and the size: \"shared:OCSP:10m\"", findings);
        }
    }
}

fn check_certificate_cache(directive: Directive<'_>, findings: &mut Findings) {
    let name = directive.name();
    let words = CacheWords::of(directive, &["inactive", "valid"]);
    if let Some(index) = words.wrong {
        let text = directive.argument(index).unwrap_or_default();
        let what = format!("{name} does not take \"{text}\"");
        let help = "write \"max=NUMBER\", and perhaps \"inactive=TIME\" and \"valid=TIME\", or off";
        report(directive, index, format!("invalid parameter \"{text}\""), what, help, findings);
    } else if !words.is_complete {
        findings
            .add(directive.place(), format!("{name} does not say how many certificates"))
            .nginx_says(format!("\"{name}\" must have the \"max\" parameter"))
            .nginx_names(directive.terminator())
            .help("add \"max=1000\", or write off");
    }
}

fn check_protocols(directive: Directive<'_>, findings: &mut Findings) {
    let Some((index, text)) = directive.arguments().enumerate().find(|(_, text)| text.len() > 255) else { return };
    let what = format!("the name of this protocol is {} bytes long; 255 are the most", text.len());
    let says = format!("\"{}\" directive protocol too long", directive.name());
    report(directive, index, says, what, "write names such as h2 or http/1.1, each by itself", findings);
}
