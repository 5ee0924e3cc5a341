//! Lines of a geo block that nginx does not take, or takes twice.

use crate::catalog::{Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Cidr, Directive, GeoNetworks, GeoRanges, HostAddress, Ipv4Range, Overlap, has_placeholder, parse_cidr, parse_range,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-geo",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_geo_module.html#geo"],
    equivalents: &[],
    page: include_str!("invalid_geo.md"),
    check: Check::Directives(&["geo"], check),
};

/// The first release in which a geo can be volatile.
const VOLATILE: Version = Version::new(1, 29, 3);

fn check(geo: Directive<'_>, findings: &mut Findings) {
    let Some(block) = geo.block() else { return };
    let Some(family @ (Family::Http | Family::Stream)) = geo.taken_in() else { return };
    let mut body = Body { family, is_unseen: block.is_unseen(), ..Body::default() };
    for line in block.lines() {
        check_line(line, &mut body, findings);
    }
}

/// What the lines so far have said.
struct Body<'m> {
    family: Family,
    /// A line that is not at hand may say `ranges`.
    is_unseen: bool,
    has_ranges: bool,
    /// The first line with a network.
    network: Option<Directive<'m>>,
    default: Option<&'m str>,
    ranges: GeoRanges<'m>,
    /// A range was not taken: what the others amount to is not known.
    has_overlap: bool,
    networks: GeoNetworks<'m>,
}

impl Default for Body<'_> {
    fn default() -> Self {
        Body {
            family: Family::Http,
            is_unseen: false,
            has_ranges: false,
            network: None,
            default: None,
            ranges: GeoRanges::default(),
            has_overlap: false,
            networks: GeoNetworks::default(),
        }
    }
}

fn check_line<'m>(line: Directive<'m>, body: &mut Body<'m>, findings: &mut Findings) {
    let is_http = body.family == Family::Http;
    match (line.argument_count(), line.name()) {
        (0, "ranges") => match body.network {
            Some(first) => late_ranges(line, first, findings),
            None => body.has_ranges = true,
        },
        (0, "proxy_recursive") if is_http => {}
        (0, "volatile") => wrong_number(line, findings, Some(VOLATILE)),
        (1, "include") => {}
        (1, name) if has_placeholder(name) || line.is_template(0) => {}
        (1, "proxy") if is_http => {
            network(line, line.argument(0).unwrap_or_default(), body, findings);
        }
        (1, _) if body.has_ranges => range_line(line, body, findings),
        (1, _) => network_line(line, body, findings),
        _ => wrong_number(line, findings, None),
    }
}

fn late_ranges(line: Directive<'_>, first: Directive<'_>, findings: &mut Findings) {
    findings
        .add(line.place(), "\"ranges\" stands behind the first network of this geo")
        .nginx_says("the \"ranges\" directive must be the first directive inside \"geo\" block")
        .nginx_names(line.terminator())
        .label(first.place(), "the first network")
        .help("write \"ranges;\" in the first line, and each network as first-last");
}

fn wrong_number(line: Directive<'_>, findings: &mut Findings, before: Option<Version>) {
    if (0..line.argument_count()).any(|index| line.is_template(index)) {
        return;
    }
    let name = line.name();
    let (message, help) = match (line.argument_count(), name) {
        (0, "proxy_recursive") => (
            "\"proxy_recursive\" is for http, and this geo stands in stream".to_owned(),
            "remove it, or set the address with set_real_ip_from",
        ),
        (0, "volatile") => ("a geo cannot be volatile here".to_owned(), "remove it"),
        (0, _) => (format!("\"{name}\" has no value in this geo"), "write the value behind it"),
        (more, _) => (
            format!("\"{name}\" has {more} values in this geo instead of one"),
            if line.goes_on_in_another_line() {
                "end each line with \";\""
            } else {
                "put quotes around a value with blanks in it"
            },
        ),
    };
    let finding = findings.add(line.place(), message);
    finding.nginx_says("invalid number of the geo parameters").nginx_names(line.terminator()).help(help);
    if let Some(before) = before {
        finding.before(before);
    }
}

/// The network of a line, or of the one to delete; none if it is none.
fn network<'m>(line: Directive<'m>, text: &'m str, body: &Body<'m>, findings: &mut Findings) -> Option<Cidr> {
    // nginx has no address of this value, and makes one here.
    let known =
        if text == "255.255.255.255" { parse_cidr("255.255.255.254/32").map(highest) } else { parse_cidr(text) };
    let place = if line.name() == text { line.place_of_name() } else { line.place_of_argument(0) };
    match &known {
        None if body.is_unseen && text.contains('-') => {}
        None => {
            let help = if parse_range(text).is_some() {
                "write \"ranges;\" in the first line of this geo to use ranges"
            } else {
                "write an address such as 10.0.0.1, or a network such as 10.0.0.0/8 or 2001:db8::/32"
            };
            findings
                .add(place, format!("\"{text}\" is no address and no network"))
                .nginx_says(format!("invalid network \"{text}\""))
                .nginx_names(line.terminator())
                .help(help);
        }
        Some(network) if network.has_low_bits => {
            findings
                .add(place, format!("\"{text}\" has bits behind its first {}", network.prefix))
                .nginx_says(format!("low address bits of {text} are meaningless"))
                .nginx_names(line.terminator())
                .severity(Severity::Warning)
                .not_refused()
                .help(format!("write the whole network, as {}, or the address alone", whole(network)));
        }
        Some(_) => {}
    }
    known
}

fn highest(mut network: Cidr) -> Cidr {
    network.first = HostAddress::Ipv4([255; 4]);
    network
}

fn whole(network: &Cidr) -> String {
    match &network.first {
        HostAddress::Ipv4([a, b, c, d]) => format!("{a}.{b}.{c}.{d}/{}", network.prefix),
        _ => format!("its first address and /{}", network.prefix),
    }
}

fn network_line<'m>(line: Directive<'m>, body: &mut Body<'m>, findings: &mut Findings) {
    body.network.get_or_insert(line);
    let (name, value) = (line.name(), line.argument(0).unwrap_or_default());
    if name == "default" {
        let old = ["0.0.0.0/0", "::/0"].map(|all| parse_cidr(all).and_then(|all| body.networks.add(&all, value)));
        if let Some(old) = old.into_iter().flatten().next() {
            repeated(line, "network", name, value, old, findings);
        }
        return;
    }
    let is_delete = name == "delete";
    let text = if is_delete { value } else { name };
    let Some(network) = network(line, text, body, findings) else { return };
    if !is_delete {
        if let Some(old) = body.networks.add(&network, value) {
            repeated(line, "network", text, value, old, findings);
        }
    } else if !body.networks.delete(&network) && !body.is_unseen {
        nothing_to_delete(line, "network", text, findings);
    }
}

fn range_line<'m>(line: Directive<'m>, body: &mut Body<'m>, findings: &mut Findings) {
    let (name, value) = (line.name(), line.argument(0).unwrap_or_default());
    if name == "default" {
        if let Some(old) = body.default.replace(value) {
            findings
                .add(line.place(), "this geo has two lines for \"default\"")
                .nginx_says(format!("duplicate default geo range value: \"{value}\", old value: \"{old}\""))
                .nginx_names(line.terminator())
                .severity(Severity::Warning)
                .not_refused()
                .help("keep one of them; the later one is in force");
        }
        return;
    }
    let is_delete = name == "delete";
    let text = if is_delete { value } else { name };
    let Some(range) = parse_range(text) else {
        let place = if is_delete { line.place_of_argument(0) } else { line.place_of_name() };
        findings
            .add(place, format!("\"{text}\" is no range of addresses"))
            .nginx_says(format!("invalid range \"{text}\""))
            .nginx_names(line.terminator())
            .help("behind \"ranges\", write the first and the last IPv4 address, as 10.0.0.0-10.255.255.255");
        return;
    };
    if body.has_overlap {
        return;
    }
    if is_delete {
        if !body.ranges.delete(range) && !body.is_unseen {
            nothing_to_delete(line, "address range", text, findings);
        }
        return;
    }
    match body.ranges.add(range, value) {
        Ok(None) => {}
        Ok(Some(old)) => repeated(line, "range", text, value, old, findings),
        Err(Overlap(other)) => {
            body.has_overlap = true;
            overlaps(line, text, other, findings);
        }
    }
}

fn overlaps(line: Directive<'_>, text: &str, other: Ipv4Range, findings: &mut Findings) {
    let [first, last] = [other.0, other.1].map(|address| {
        let [a, b, c, d] = address.to_be_bytes();
        format!("{a}.{b}.{c}.{d}")
    });
    findings
        .add(line.place_of_name(), format!("the range \"{text}\" cuts {first}-{last}, which stands above"))
        .nginx_says(format!("range \"{text}\" overlaps \"{first}-{last}\""))
        .nginx_names(line.terminator())
        .help("a range may lie inside one that stands above it, or outside of it");
}

fn repeated(line: Directive<'_>, what: &str, text: &str, value: &str, old: &str, findings: &mut Findings) {
    findings
        .add(line.place_of_name(), format!("\"{text}\" comes twice in this geo"))
        .nginx_says(format!("duplicate {what} \"{text}\", value: \"{value}\", old value: \"{old}\""))
        .nginx_names(line.terminator())
        .severity(Severity::Warning)
        .not_refused()
        .help("keep one of them; the later one is in force");
}

fn nothing_to_delete(line: Directive<'_>, what: &str, text: &str, findings: &mut Findings) {
    findings
        .add(line.place_of_argument(0), format!("\"{text}\" is deleted and was not there"))
        .nginx_says(format!("no {what} \"{text}\" to delete"))
        .nginx_names(line.terminator())
        .severity(Severity::Warning)
        .not_refused()
        .help("write it as it stands above, or remove this line");
}
