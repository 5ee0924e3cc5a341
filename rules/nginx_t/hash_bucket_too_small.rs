//! Names that are too long for the table nginx keeps them in.

use std::collections::HashSet;

use crate::catalog::{Context, Family};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Block, Directive, Effective, Kind, Model, NameKind, Place, has_placeholder, kind_of_name, parse_number,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "hash-bucket-too-small",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/hash.html"],
    equivalents: &[],
    page: include_str!("hash_bucket_too_small.md"),
    check: Check::Configuration(check),
};

/// Names up to this length fit into a bucket of the usual size.
const ALWAYS_FITS: usize = 46;

/// The size of a bucket by default, and what others are rounded up to.
const CACHE_LINE: u64 = 64;

/// The largest bucket.
const LARGEST: u64 = 65_536 - CACHE_LINE;

fn check(model: &Model<'_>, findings: &mut Findings) {
    check_listed(model, findings);
    check_maps(model, findings);
    check_types(model, findings);
    check_variables(model, findings);
    for family in [Family::Http, Family::Stream] {
        check_server_names(model, family, findings);
    }
    check_sizes(model, findings);
}

/// Whether a name of this length fits into a bucket: with a pointer and its
/// length before it, rounded up, and a pointer behind the last name.
fn fits(length: usize, bucket: u64) -> bool {
    needed(length) <= bucket
}

fn needed(length: usize) -> u64 {
    8 + (length as u64 + 2).next_multiple_of(8) + 8
}

/// The size of the buckets of a table in a block, and the directive that says
/// it. None when that is not known.
fn bucket<'m>(block: Block<'m>, table: &str) -> Option<(u64, Option<Directive<'m>>)> {
    match block.effective(&format!("{table}_bucket_size")) {
        Effective::Set(directive) => {
            let size = parse_number(directive.argument(0)?).filter(|size| *size <= u64::from(u32::MAX))?;
            Some((size.next_multiple_of(CACHE_LINE), Some(directive)))
        }
        Effective::Default => Some((CACHE_LINE, None)),
        Effective::Unseen => None,
    }
}

/// A name that is too long.
struct Name<'a> {
    place: Place,
    /// What it is, and the name itself.
    what: String,
    /// The part that nginx files by itself: of a wildcard, one label.
    part: &'a str,
}

fn report(
    name: &Name<'_>,
    table: &str,
    size: u64,
    directive: Option<Directive<'_>>,
    help: String,
    findings: &mut Findings,
) {
    let length = name.part.len();
    let finding = findings.add(
        name.place,
        format!("{} is {length} bytes long: too long for a {table} with buckets of {size} bytes", name.what),
    );
    finding.nginx_says(format!("could not build {table}, you should increase {table}_bucket_size: {size}")).help(help);
    if let Some(directive) = directive {
        finding.label(directive.place(), "the size is given here");
    }
}

/// Reports a name of a table whose size can be set in a block of `within`.
fn report_in(block: Block<'_>, name: &Name<'_>, table: &str, within: &str, findings: &mut Findings) {
    let Some((size, directive)) = bucket(block, table) else { return };
    if fits(name.part.len(), size) {
        return;
    }
    let enough = needed(name.part.len()).next_power_of_two();
    let help = match directive {
        Some(_) => format!("write \"{table}_bucket_size {enough};\""),
        None => format!("add \"{table}_bucket_size {enough};\" to {within}"),
    };
    report(name, table, size, directive, help, findings);
}

/// The longest part of a name that nginx files by itself when wildcards are
/// allowed: of a name with one, the labels are filed one by one.
fn longest_part(name: &str) -> &str {
    match kind_of_name(name) {
        NameKind::Regex | NameKind::Misplaced => "",
        NameKind::Exact => name,
        NameKind::Suffix | NameKind::Leading | NameKind::Trailing => {
            name.split('.').max_by_key(|label| label.len()).unwrap_or_default()
        }
    }
}

/// A directive with names for a table.
struct Listed {
    directive: &'static str,
    table: &'static str,
    /// Whether there is a directive for the size.
    can_grow: bool,
    /// All arguments, not just the first.
    all: bool,
}

const fn header(directive: &'static str, table: &'static str, can_grow: bool) -> Listed {
    Listed { directive, table, can_grow, all: false }
}

const fn types(directive: &'static str) -> Listed {
    Listed { directive, table: "test_types_hash", can_grow: false, all: true }
}

const LISTED: [Listed; 15] = [
    header("proxy_set_header", "proxy_headers_hash", true),
    header("proxy_hide_header", "proxy_headers_hash", true),
    header("grpc_set_header", "grpc_headers_hash", false),
    header("grpc_hide_header", "grpc_headers_hash", false),
    header("fastcgi_hide_header", "fastcgi_hide_headers_hash", false),
    header("uwsgi_hide_header", "uwsgi_hide_headers_hash", false),
    header("scgi_hide_header", "scgi_hide_headers_hash", false),
    types("gzip_types"),
    types("ssi_types"),
    types("sub_filter_types"),
    types("charset_types"),
    types("addition_types"),
    types("xslt_types"),
    types("brotli_types"),
    Listed { directive: "valid_referers", table: "referer_hash", can_grow: true, all: true },
];

fn check_listed(model: &Model<'_>, findings: &mut Findings) {
    let names: Vec<&str> = LISTED.iter().map(|listed| listed.directive).collect();
    for directive in model.directives_named(&names).filter(|directive| directive.is_read()) {
        let Some(listed) = LISTED.iter().find(|listed| listed.directive == directive.name()) else { continue };
        let count = if listed.all { directive.argument_count() } else { 1 };
        let too_long = directive.arguments().enumerate().take(count).find_map(|(index, text)| {
            let part = part_of_listed(listed, text);
            (part.len() > ALWAYS_FITS && !has_placeholder(text)).then_some((index, text, part))
        });
        if let Some((index, text, part)) = too_long {
            report_listed(directive, listed, index, text, part, findings);
        }
    }
}

fn part_of_listed<'a>(listed: &Listed, text: &'a str) -> &'a str {
    match listed.directive {
        "valid_referers" if text.starts_with('~') => "",
        "valid_referers" => longest_part(text.split('/').next().unwrap_or_default()),
        _ => text,
    }
}

fn report_listed(
    directive: Directive<'_>,
    listed: &Listed,
    index: usize,
    text: &str,
    part: &str,
    findings: &mut Findings,
) {
    let block = directive.parent();
    // One asterisk stands for all types: there is no table then.
    let all_types = |other: Directive<'_>| other.has_flag("*");
    if listed.table == "test_types_hash" && block.directives(listed.directive).any(all_types) {
        return;
    }
    let Some(merged) = merged(block, listed.directive) else { return };
    let name = Name { place: directive.place_of_argument(index), what: format!("\"{text}\""), part };
    if listed.can_grow {
        report_in(merged, &name, listed.table, "the same block or http", findings);
        return;
    }
    let help = if listed.table == "test_types_hash" {
        "leave it out: this table cannot be made larger, and documents of that kind are mostly compressed already"
    } else {
        "leave it out, or choose a shorter name: this table cannot be made larger"
    };
    report(&name, listed.table, CACHE_LINE, None, help.to_owned(), findings);
}

/// A block in which what this one says is put to use: itself, or, for http, a
/// server that has no such directive of its own.
fn merged<'m>(block: Block<'m>, name: &str) -> Option<Block<'m>> {
    if !block.is(Context::Http) {
        return Some(block);
    }
    let own = |server: &Block<'m>| server.directive(name).is_some();
    block.directives("server").filter_map(|server| server.block()).find(|server| !own(server))
}

/// The keys of a map, without those that are regular expressions.
fn keys_of<'m>(map: Block<'m>) -> impl Iterator<Item = (Directive<'m>, &'m str)> {
    let lines = map.statements().into_iter().filter(|line| line.argument_count() == 1);
    lines.filter_map(|line| {
        let name = line.name();
        let is_key = !matches!(name, "default" | "include") && !name.starts_with('~') && !has_placeholder(name);
        is_key.then(|| (line, name.strip_prefix('\\').unwrap_or(name)))
    })
}

fn check_maps(model: &Model<'_>, findings: &mut Findings) {
    for map in model.directives_named(&["map"]).filter(|map| map.is_read()) {
        let Some(block) = map.block() else { continue };
        let mut hostnames = None;
        let too_long = keys_of(block).find_map(|(line, key)| {
            if key.len() <= ALWAYS_FITS {
                return None;
            }
            let has_flag = |line: &Directive<'_>| line.name() == "hostnames" && line.argument_count() == 0;
            let hostnames = *hostnames
                .get_or_insert_with(|| block.statements().iter().find(|line| has_flag(line)).map(|line| line.id()));
            let by_labels = hostnames.is_some_and(|flag| flag < line.id());
            let part = if by_labels { longest_part(key) } else { key };
            (part.len() > ALWAYS_FITS).then_some((line, key, part))
        });
        let Some((line, key, part)) = too_long else { continue };
        let name = Name { place: line.place_of_name(), what: format!("the key \"{key}\""), part };
        report_in(map.parent(), &name, "map_hash", "the beginning of the block that the map stands in", findings);
    }
}

fn check_types(model: &Model<'_>, findings: &mut Findings) {
    for types in model.directives_named(&["types"]).filter(|types| types.is_read()) {
        let Some(lines) = types.block() else { continue };
        let too_long = lines.statements().into_iter().filter(|line| line.name() != "include").find_map(|line| {
            let long = |(_, text): &(usize, &str)| text.len() > ALWAYS_FITS && !has_placeholder(text);
            line.arguments().enumerate().find(long).map(|(index, text)| (line, index, text))
        });
        let Some((line, index, text)) = too_long else { continue };
        let Some(block) = merged(types.parent(), "types") else { continue };
        let name = Name { place: line.place_of_argument(index), what: format!("the extension \"{text}\""), part: text };
        report_in(block, &name, "types_hash", "http", findings);
    }
}

/// Directives that define a variable, and which argument names it; the last
/// one for those with a block.
const DEFINITIONS: [&str; 6] = ["set", "map", "geo", "split_clients", "auth_request_set", "perl_set"];

fn check_variables(model: &Model<'_>, findings: &mut Findings) {
    let mut reported = HashSet::new();
    for directive in model.directives_named(&DEFINITIONS).filter(|directive| directive.is_read()) {
        let index = match directive.name() {
            "map" | "geo" | "split_clients" => directive.argument_count() - 1,
            _ => 0,
        };
        let name = directive.argument(index).and_then(|name| name.strip_prefix('$')).unwrap_or_default();
        if name.len() <= ALWAYS_FITS || directive.is_template(index) {
            continue;
        }
        let Some(outermost) = outermost(directive.parent()) else { continue };
        if !reported.insert((outermost.id(), name.to_ascii_lowercase())) {
            continue;
        }
        let long = Name { place: directive.place_of_argument(index), what: format!("the name \"{name}\""), part: name };
        report_in(outermost, &long, "variables_hash", "the block around all servers", findings);
    }
}

/// The `http {}` or `stream {}` around a block.
fn outermost(block: Block<'_>) -> Option<Block<'_>> {
    let is_outermost = |block: &Block<'_>| matches!(block.kind(), Kind::Directives(Context::Http | Context::Stream));
    block.outwards().find(is_outermost)
}

/// Names of servers are looked at where two servers share an address.
fn check_server_names(model: &Model<'_>, family: Family, findings: &mut Findings) {
    let too_long = |directive: Directive<'_>| directive.arguments().any(|name| name.len() > ALWAYS_FITS);
    if !model.directives_named(&["server_name"]).any(too_long) {
        return;
    }
    let mut reported = HashSet::new();
    for listener in model.listeners(family) {
        let servers = listener.servers();
        if servers.len() < 2 {
            continue;
        }
        let fresh: Vec<Block<'_>> = servers.into_iter().filter(|server| reported.insert(server.id())).collect();
        for server in fresh {
            check_names_of(server, findings);
        }
    }
}

fn check_names_of(server: Block<'_>, findings: &mut Findings) {
    let Some(outermost) = outermost(server) else { return };
    for name in server.server_names() {
        let Some((directive, index)) = name.directive else { continue };
        let Some(text) = directive.argument(index).filter(|text| !has_placeholder(text)) else { continue };
        let part = longest_part(text);
        if part.len() > ALWAYS_FITS {
            let long = Name { place: directive.place_of_argument(index), what: format!("the name \"{text}\""), part };
            report_in(outermost, &long, "server_names_hash", "http", findings);
        }
    }
}

/// The directives for the sizes of tables.
const SIZES: [&str; 12] = [
    "server_names_hash_max_size",
    "server_names_hash_bucket_size",
    "map_hash_max_size",
    "map_hash_bucket_size",
    "variables_hash_max_size",
    "variables_hash_bucket_size",
    "types_hash_max_size",
    "types_hash_bucket_size",
    "proxy_headers_hash_max_size",
    "proxy_headers_hash_bucket_size",
    "referer_hash_max_size",
    "referer_hash_bucket_size",
];

/// Sizes that are wrong for every name.
fn check_sizes(model: &Model<'_>, findings: &mut Findings) {
    for directive in model.directives_named(&SIZES).filter(|directive| directive.is_read()) {
        let Some(size) = directive.argument(0).and_then(parse_number) else { continue };
        let name = directive.name();
        let (table, says) = match (name.strip_suffix("_max_size"), name.strip_suffix("_bucket_size")) {
            (Some(table), _) if size == 0 => {
                (table, format!("could not build {table}, you should increase {table}_max_size: 0"))
            }
            (_, Some(table)) if size == 0 => {
                (table, format!("could not build {table}, you should increase {table}_bucket_size: 0"))
            }
            (_, Some(table)) if size.next_multiple_of(CACHE_LINE) > LARGEST => {
                // nginx prints what is beyond its numbers as a negative one.
                let size = size.next_multiple_of(CACHE_LINE) as i64;
                (table, format!("could not build {table}, too large {table}_bucket_size: {size}"))
            }
            _ => continue,
        };
        if is_used(model, directive, table) {
            findings
                .add(directive.place_of_argument(0), format!("{name} cannot be {size}"))
                .nginx_says(says)
                .help("leave it out, or write a size such as 128 for a bucket and 1024 for a table");
        }
    }
}

fn first_server<'m>(http: Block<'m>) -> Option<Block<'m>> {
    http.directives("server").next().and_then(|server| server.block())
}

/// Whether a table is built where this size is in force: where a block has
/// names of its own, and in the first server. All others take what was built
/// outside, or in that server.
fn is_built_in(directive: Directive<'_>, names: &[&str]) -> bool {
    let block = directive.parent();
    let http = if block.is(Context::Http) { Some(block) } else { block.parent() };
    let is_first = match http.filter(|http| http.is(Context::Http)).and_then(first_server) {
        Some(first) if block.is(Context::Http) => first.directive(directive.name()).is_none(),
        Some(first) => first == block,
        None => false,
    };
    is_first || (!block.is(Context::Http) && names.iter().any(|name| block.directive(name).is_some()))
}

/// Whether the table is built with this size and has something in it.
fn is_used(model: &Model<'_>, directive: Directive<'_>, table: &str) -> bool {
    let block = directive.parent();
    match table {
        "variables_hash" => true,
        "types_hash" => is_built_in(directive, &["types"]),
        "proxy_headers_hash" => is_built_in(directive, &["proxy_set_header", "proxy_hide_header", "proxy_pass_header"]),
        "map_hash" => {
            let maps = block.directives("map").filter(|map| map.id() > directive.id());
            maps.filter_map(|map| map.block()).any(|map| keys_of(map).next().is_some())
        }
        "server_names_hash" => {
            let family = if block.is(Context::Stream) { Family::Stream } else { Family::Http };
            let is_filed = |server: Block<'_>| server.server_names().iter().any(|name| name.kind != NameKind::Regex);
            model.listeners(family).any(|listener| {
                let servers = listener.servers();
                servers.len() > 1 && servers.into_iter().any(is_filed)
            })
        }
        _ => model.directives_named(&["valid_referers"]).any(|list| {
            let is_word = |text: &str| matches!(text, "none" | "blocked" | "server_names") || text.starts_with('~');
            list.parent().effective(directive.name()) == Effective::Set(directive)
                && list.arguments().any(|text| !is_word(text))
        }),
    }
}
