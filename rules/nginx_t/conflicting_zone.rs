//! One name or one path for two things that cannot share it.

use std::collections::{HashMap, HashSet};

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{BlockId, Directive, Model, Purpose, ZoneSize, ZoneUse, has_placeholder, parse_number};
use crate::source::Location;

/// See the page.
pub const RULE: Rule = Rule {
    name: "conflicting-zone",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_limit_req_module.html#limit_req_zone"],
    equivalents: &[],
    page: include_str!("conflicting_zone.md"),
    check: Check::Configuration(check),
};

/// Directives with the path of a cache.
const CACHES: [&str; 4] = ["proxy_cache_path", "fastcgi_cache_path", "uwsgi_cache_path", "scgi_cache_path"];

/// Directives with a path for temporary files, and the lengths of the
/// directories below it.
const TEMPORARY: [&str; 5] =
    ["client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    let blamed = check_paths(model, findings);
    check_names(model, &blamed, findings);
    check_twice_in_a_block(model, findings);
}

/// What is known of a name so far.
struct Zone<'m> {
    first: ZoneUse<'m>,
    sized: Option<(u64, Directive<'m>)>,
    /// The directive that says what the zone holds; there can be one.
    bound: Option<Directive<'m>>,
}

fn check_names(model: &Model<'_>, blamed: &HashSet<Location>, findings: &mut Findings) {
    let mut zones: HashMap<&str, Zone<'_>> = HashMap::new();
    for zone in model.zones().filter(|zone| !zone.is_template() && zone.directive.is_read()) {
        let directive = zone.directive;
        let known = zones.entry(zone.name).or_insert_with(|| Zone { first: zone.clone(), sized: None, bound: None });
        if known.first.purpose != zone.purpose {
            report_purpose(&zone, &known.first, findings);
            continue;
        }
        if let ZoneSize::Bytes(size) = zone.size {
            match known.sized {
                None => known.sized = Some((size, directive)),
                Some((earlier, by)) if earlier != size => {
                    report_size(&zone, size, earlier, by, findings);
                    continue;
                }
                Some(_) => {}
            }
        }
        let binds = matches!(zone.purpose, Purpose::Requests | Purpose::Connections(_) | Purpose::Cache(_));
        if !binds || !zone.declares() {
            continue;
        }
        match known.bound {
            Some(first) if !blamed.contains(&directive.whole()) => report_bound(&zone, first, findings),
            Some(_) => {}
            None => known.bound = Some(directive),
        }
    }
}

fn report_purpose(zone: &ZoneUse<'_>, first: &ZoneUse<'_>, findings: &mut Findings) {
    let (name, own, other) = (zone.name, zone.purpose.describe(), first.purpose.describe());
    let place = zone.directive.place_in_argument(zone.argument, zone.range.clone());
    findings
        .add(place, format!("the zone \"{name}\" is for {other} already: it cannot be for {own} too"))
        .nginx_says(format!("the shared memory zone \"{name}\" is already declared for a different use"))
        .nginx_names(zone.directive.terminator())
        .note("all zones share one list of names, whatever block they stand in")
        .label(first.directive.place(), format!("here it is for {other}"))
        .help(format!(
            "give one of the two another name, such as \"{name}_{}\", wherever it is used",
            suffix(zone.purpose)
        ));
}

fn suffix(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Requests => "req",
        Purpose::Connections(_) => "conn",
        Purpose::Cache(_) => "cache",
        Purpose::Upstream(_) => "upstream",
        Purpose::Sessions(_) => "ssl",
        Purpose::Ocsp(_) => "ocsp",
    }
}

fn report_size(zone: &ZoneUse<'_>, size: u64, earlier: u64, by: Directive<'_>, findings: &mut Findings) {
    let name = zone.name;
    let place = zone.directive.place_of_argument(zone.argument);
    let mut message = format!("the zone \"{name}\" is given {size} bytes here and {earlier} bytes before");
    let same_place = by.whole() == zone.directive.whole();
    if same_place {
        message = format!("the zone \"{name}\" is given another size each time this file is included");
    }
    let finding = findings.add(place, message);
    finding
        .nginx_says(format!(
            "the size {size} of shared memory zone \"{name}\" conflicts with already declared size {earlier}"
        ))
        .nginx_names(zone.directive.terminator())
        .help("write the same size in both places, or give one of them another name");
    if !same_place {
        finding.label(by.place(), format!("{earlier} bytes here"));
    }
}

fn report_bound(zone: &ZoneUse<'_>, first: Directive<'_>, findings: &mut Findings) {
    let ZoneUse { directive, name, .. } = zone;
    let declares = directive.name();
    let same_place = first.whole() == directive.whole();
    let message = if same_place {
        format!("{declares} declares the zone \"{name}\" each time this file is included")
    } else {
        format!("{declares} declares the zone \"{name}\" a second time")
    };
    let finding = findings.add(directive.place_in_argument(zone.argument, zone.range.clone()), message);
    finding.nginx_says(match zone.purpose {
        Purpose::Cache(_) => format!("duplicate zone \"{name}\""),
        _ => {
            let key = first.argument(0).unwrap_or_default();
            format!("{declares} \"{name}\" is already bound to key \"{key}\"")
        }
    });
    finding.nginx_names(directive.terminator()).help("remove one of the two, or give it another name");
    if !same_place {
        finding.label(first.place(), "first declared here");
    }
}

/// `limit_req` and `limit_conn` take a zone once in a block.
fn check_twice_in_a_block(model: &Model<'_>, findings: &mut Findings) {
    let mut first: HashMap<(BlockId, Purpose, &str), Directive<'_>> = HashMap::new();
    let limits = model.zones().filter(|zone| {
        let is_limit = matches!(zone.purpose, Purpose::Requests | Purpose::Connections(_));
        is_limit && !zone.declares() && !zone.is_template() && zone.directive.is_read()
    });
    for zone in limits {
        let (name, directive) = (zone.name, zone.directive);
        let Some(earlier) = first.insert((directive.parent().id(), zone.purpose, name), directive) else { continue };
        let limit = directive.name();
        let finding = findings.add(
            directive.place_in_argument(zone.argument, zone.range.clone()),
            format!("this block has a {limit} with the zone \"{name}\" already"),
        );
        finding
            .nginx_says(format!("\"{limit}\" directive is duplicate"))
            .nginx_names(directive.terminator())
            .help("keep one of the two; a second limit needs a zone of its own");
        if earlier.whole() != directive.whole() {
            finding.label(earlier.place(), "the other one");
        }
    }
}

/// A directory that something keeps its files in.
struct Directory<'m> {
    directive: Directive<'m>,
    /// None for the directory of a cache.
    levels: Option<[u64; 3]>,
}

/// The statements that are to blame for a path.
fn check_paths(model: &Model<'_>, findings: &mut Findings) -> HashSet<Location> {
    let names: Vec<&str> = CACHES.into_iter().chain(TEMPORARY).collect();
    let mut first: HashMap<&str, Directory<'_>> = HashMap::new();
    let mut blamed = HashSet::new();
    for directive in model.directives_named(&names).filter(|directive| directive.is_read()) {
        let Some(path) = directive.argument(0).filter(|path| !has_placeholder(path)) else { continue };
        // nginx makes nothing of a slash at the end of a relative path, and takes
        // "/a/" and "/a" for two paths.
        let path = if path.starts_with('/') { path } else { path.strip_suffix('/').unwrap_or(path) };
        let is_cache = CACHES.contains(&directive.name());
        let levels = if is_cache { None } else { Some(levels(directive)) };
        let Some(earlier) = first.get(path) else {
            first.insert(path, Directory { directive, levels });
            continue;
        };
        let place = directive.place_of_argument(0);
        let other = earlier.directive;
        let place_of_other = named(model, other);
        let name = path.strip_suffix('/').unwrap_or(path);
        let finding = match (levels, earlier.levels) {
            (Some(own), Some(levels)) if own == levels => continue,
            (Some(_), Some(_)) => findings
                .add(
                    place,
                    format!("\"{path}\" has other levels of directories here than in the other {}", other.name()),
                )
                .nginx_says(format!("the same path name \"{name}\" in {place_of_other} has the different levels than"))
                .help("write the same levels in both places, or another path"),
            _ => findings
                .add(place, format!("{} keeps its files in \"{path}\" already", other.name()))
                .nginx_says(format!("the same path name \"{name}\" used in {place_of_other} and"))
                .help("give each cache a directory of its own"),
        };
        finding.nginx_names(directive.terminator());
        blamed.insert(directive.whole());
        if other.whole() != directive.whole() {
            finding.label(other.place(), "here");
        }
    }
    blamed
}

/// File and line as nginx writes them.
fn named(model: &Model<'_>, directive: Directive<'_>) -> String {
    let Location { file, span } = directive.terminator();
    let source = model.source(file);
    format!("{}:{}", source.path().display(), source.line(span.start))
}

fn levels(directive: Directive<'_>) -> [u64; 3] {
    let mut levels = [0; 3];
    for (level, text) in levels.iter_mut().zip(directive.arguments().skip(1)) {
        *level = parse_number(text).unwrap_or_default();
    }
    levels
}
