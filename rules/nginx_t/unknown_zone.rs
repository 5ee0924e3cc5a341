//! A zone that is used and that nothing declares.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Context, Family, nearest};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Model, Purpose, ZoneUse};

/// See the page.
pub const RULE: Rule = Rule {
    name: "unknown-zone",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_limit_req_module.html#limit_req_zone"],
    equivalents: &[],
    page: include_str!("unknown_zone.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let declared: Vec<ZoneUse<'_>> = model.zones().filter(ZoneUse::declares).collect();
    let names: HashSet<&str> = declared.iter().map(|zone| zone.name).collect();
    let open: HashSet<Purpose> = model.purposes_of_unnamed_zones().into_iter().collect();
    let mut uses: HashMap<(Purpose, &str), usize> = HashMap::new();
    let unknown: Vec<ZoneUse<'_>> = model
        .zones()
        .filter(|zone| !zone.declares() && !zone.is_template())
        // An upstream's zone without a name is refused at once.
        .filter(|zone| !(zone.name.is_empty() && matches!(zone.purpose, Purpose::Upstream(_))))
        .filter(|zone| !names.contains(zone.name) && !open.contains(&zone.purpose))
        .filter(|zone| zone.directive.is_read() && model.is_whole(family(zone.purpose)))
        .collect();
    for zone in &unknown {
        *uses.entry((zone.purpose, zone.name)).or_default() += 1;
    }
    for zone in unknown {
        // Only the first use of each: the others have the same cause.
        if let Some(count) = uses.remove(&(zone.purpose, zone.name)) {
            let alike = declared.iter().filter(|other| other.purpose == zone.purpose).map(|other| other.name);
            report(&zone, count, nearest(zone.name, alike), findings);
        }
    }
}

fn family(purpose: Purpose) -> Family {
    match purpose {
        Purpose::Connections(family) | Purpose::Upstream(family) | Purpose::Sessions(family) => family,
        Purpose::Ocsp(family) => family,
        Purpose::Requests | Purpose::Cache(_) => Family::Http,
    }
}

fn report(zone: &ZoneUse<'_>, count: usize, near: Option<&str>, findings: &mut Findings) {
    let ZoneUse { directive, name, .. } = zone;
    let user = directive.name();
    let declares = match zone.purpose {
        Purpose::Requests => "limit_req_zone".to_owned(),
        Purpose::Connections(_) => "limit_conn_zone".to_owned(),
        Purpose::Cache(protocol) => format!("{}_cache_path", protocol.prefix()),
        _ => "zone with a size".to_owned(),
    };
    let message = match count {
        1 => format!("{user} names the zone \"{name}\", which no {declares} declares"),
        _ => format!("{user} names the zone \"{name}\", which no {declares} declares; so do {} more", count - 1),
    };
    let place = directive.place_in_argument(zone.argument, zone.range.clone());
    let finding = findings.add(place, message);
    finding.about(*directive);
    match zone.purpose {
        Purpose::Cache(_) if is_merged(directive.parent(), user) => {
            finding.nginx_says(format!("\"{user}\" zone \"{name}\" is unknown"));
            if let Some(brace) = directive.parent().end_of_family() {
                finding.nginx_names(brace);
            }
        }
        _ => {
            finding.nginx_says(format!("zero size shared memory zone \"{name}\""));
        }
    }
    if let Some(near) = near {
        finding.help(format!("write \"{near}\", which is declared"));
        return;
    }
    finding.help(match zone.purpose {
        Purpose::Requests => {
            format!("add \"limit_req_zone $binary_remote_addr zone={name}:10m rate=10r/s;\" to http, or name a zone that is declared")
        }
        Purpose::Connections(_) => {
            format!("add \"limit_conn_zone $binary_remote_addr zone={name}:10m;\" next to the servers, or name a zone that is declared")
        }
        Purpose::Cache(_) => {
            format!("add \"{declares} /var/cache/nginx/{name} keys_zone={name}:10m;\" to http, or name a zone that is declared")
        }
        _ => format!("write a size behind the name in one of the upstreams: \"zone {name} 64k;\""),
    });
}

/// Whether a directive of this name takes part in the values of some server or
/// location: in http it does when a server does not have its own.
fn is_merged(block: Block<'_>, name: &str) -> bool {
    if !block.is(Context::Http) {
        return true;
    }
    let own = |server: Block<'_>| server.directive(name).is_some();
    block.directives("server").filter_map(|server| server.block()).any(|server| !own(server))
}
