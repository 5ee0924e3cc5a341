//! Words of the GeoIP module that nginx does not take.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_cidr};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-geoip",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_geoip_module.html#geoip_country"],
    equivalents: &[],
    page: include_str!("invalid_geoip.md"),
    check: Check::Directives(&["geoip_country", "geoip_city", "geoip_org", "geoip_proxy"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    match directive.name() {
        "geoip_proxy" => check_proxy(directive, findings),
        name => check_database(directive, name, findings),
    }
}

fn check_database(directive: Directive<'_>, name: &str, findings: &mut Findings) {
    let Some(word) = directive.argument(1).filter(|word| *word != "utf8" && !directive.is_template(1)) else { return };
    findings
        .add(directive.place_of_argument(1), format!("{name} has \"{word}\" behind its file"))
        .nginx_says(format!("invalid parameter \"{word}\""))
        .nginx_names(directive.terminator())
        .help("write utf8, or nothing");
}

fn check_proxy(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|_| !directive.is_template(0)) else { return };
    match parse_cidr(text) {
        // nginx has no address of this value, and makes one here.
        None if text != "255.255.255.255" => {
            findings
                .add(directive.place_of_argument(0), format!("\"{text}\" is no address and no network"))
                .nginx_says(format!("invalid network \"{text}\""))
                .nginx_names(directive.terminator())
                .help("write an address such as 10.0.0.1, or a network such as 10.0.0.0/8");
        }
        Some(network) if network.has_low_bits => {
            findings
                .add(directive.place_of_argument(0), format!("\"{text}\" has bits behind its first {}", network.prefix))
                .nginx_says(format!("low address bits of {text} are meaningless"))
                .nginx_names(directive.terminator())
                .severity(Severity::Warning)
                .not_refused()
                .help("write the first address of the network, or the address alone");
        }
        _ => {}
    }
}
