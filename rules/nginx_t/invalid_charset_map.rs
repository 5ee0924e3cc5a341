//! Conversions between character sets that nginx does not take, or that are missing.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Context, Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, Model, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-charset-map",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_charset_module.html#charset_map"],
    equivalents: &[],
    page: include_str!("invalid_charset_map.md"),
    check: Check::Configuration(check),
};

/// The first release that wants UTF-8 as the second of the two.
const SECOND_COLUMN: Version = Version::new(1, 31, 5);

/// Two character sets in lower case, in the order of the alphabet.
type Pair = (String, String);

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut maps: HashMap<Pair, Directive<'_>> = HashMap::new();
    let http = model.blocks().filter(|block| block.is(Context::Http));
    for map in http.flat_map(|http| http.directives("charset_map")).filter(|map| map.taken_as().is_some()) {
        check_map(map, &mut maps, findings);
    }
    if model.is_whole(Family::Http) {
        check_conversions(model, &maps, findings);
    }
}

fn pair(one: &str, other: &str) -> Pair {
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    if one < other { (one, other) } else { (other, one) }
}

/// The first release that was seen to count the bytes of a code in UTF-8;
/// 1.22.1 wrote them all behind its table.
const COUNTS_BYTES: Version = Version::new(1, 28, 3);

fn is_utf8(name: &str) -> bool {
    name.eq_ignore_ascii_case("utf-8")
}

fn check_map<'m>(map: Directive<'m>, maps: &mut HashMap<Pair, Directive<'m>>, findings: &mut Findings) {
    let (Some(from), Some(to)) = (map.argument(0), map.argument(1)) else { return };
    if map.is_template(0) || map.is_template(1) {
        return;
    }
    let pair = pair(from, to);
    if pair.0 == pair.1 {
        findings
            .add(map.place(), format!("this charset_map is between \"{from}\" and itself"))
            .nginx_says(format!("\"charset_map\" between the same charsets \"{from}\" and \"{to}\""))
            .nginx_names(map.terminator())
            .help("write two different character sets");
        return;
    }
    if is_utf8(from) {
        findings
            .add(map.place_of_argument(0), "this charset_map has utf-8 as the first of the two")
            .nginx_says("\"charset_map\" with \"utf-8\" charset should be given in the second column")
            .nginx_names(map.terminator())
            .since(SECOND_COLUMN)
            .help(format!("write charset_map {to} {from}, and swap the columns"));
    }
    if let Some(first) = maps.get(&pair) {
        findings
            .add(map.place(), format!("there are two charset_map between \"{from}\" and \"{to}\""))
            .nginx_says(format!("duplicate \"charset_map\" between \"{from}\" and \"{to}\""))
            .nginx_names(map.terminator())
            .label(first.place(), "the first one")
            .help("keep one of them: it serves both directions");
    } else {
        maps.insert(pair, map);
    }
    let lines = map.block().map(|block| block.lines()).unwrap_or_default();
    lines.into_iter().for_each(|line| check_line(line, is_utf8(to), findings));
}

fn check_line(line: Directive<'_>, to_utf8: bool, findings: &mut Findings) {
    let Some(code) = line.argument(0).filter(|_| line.argument_count() == 1) else {
        let message = format!("this line has {} codes instead of two", 1 + line.argument_count());
        let finding = findings.add(line.place(), message);
        finding.nginx_says("invalid parameters number").nginx_names(line.terminator());
        finding.help(match line.goes_on_in_another_line() {
            true => "end each line with \";\"",
            false => "write the code in the first set and the code in the second, as in C0 FE;",
        });
        return;
    };
    let help = "write a hexadecimal number from 00 to FF";
    let (place, text, help) = if !is_byte(line.name()) {
        (line.place_of_name(), line.name(), help)
    } else if to_utf8 && !is_utf8_code(code) {
        (line.place_of_argument(0), code, "write the two or three bytes of the character in UTF-8, as in D18E")
    } else if !to_utf8 && !is_byte(code) {
        (line.place_of_argument(0), code, help)
    } else {
        return;
    };
    let finding = findings.add(place, format!("\"{text}\" is no code of a character"));
    finding.nginx_says(format!("invalid value \"{text}\"")).nginx_names(line.terminator()).help(help);
    if to_utf8 && is_byte(line.name()) && begins_with_a_character(code) {
        finding.since(COUNTS_BYTES);
    }
}

fn is_byte(text: &str) -> bool {
    hexadecimal(text).is_some_and(|value| value <= 0xff)
}

fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { u64::from_str_radix(text, 16).ok() } else { None }
}

/// One character of at most three bytes.
fn is_utf8_code(text: &str) -> bool {
    text.len() / 2 <= 3 && begins_with_a_character(text)
}

/// Bytes that begin with a character of more than one byte; nginx looks no
/// further, and not closely.
fn begins_with_a_character(text: &str) -> bool {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2));
    let bytes: Option<Vec<u64>> = pairs.map(|pair| hexadecimal(pair?)).collect();
    let Some([first, rest @ ..]) = bytes.as_deref() else { return false };
    // More than three bytes would be needed from F0 on.
    let (mut value, needed, smallest) = match first {
        0xc2..=0xdf => (first & 0x1f, 1, 0x80),
        0xe0..=0xef => (first & 0x0f, 2, 0x800),
        _ => return false,
    };
    let Some(following) = rest.get(..needed) else { return false };
    for byte in following {
        if *byte < 0x80 {
            return false;
        }
        value = value << 6 | byte & 0x3f;
    }
    value >= smallest
}

/// Responses are converted where the two directives differ.
fn check_conversions(model: &Model<'_>, maps: &HashMap<Pair, Directive<'_>>, findings: &mut Findings) {
    let mut said: HashSet<Pair> = HashSet::new();
    for block in model.blocks().filter(|block| is_place_of_requests(*block)) {
        // Elsewhere it is as in the block around it, where that serves requests.
        let own = ["charset", "source_charset"].into_iter().any(|name| block.directive(name).is_some());
        if !own && !block.is(Context::Server) {
            continue;
        }
        let Effective::Set(source) = block.effective("source_charset") else { continue };
        let Effective::Set(charset) = block.effective("charset") else { continue };
        let Some((from, to)) = source.argument(0).zip(charset.argument(0)) else { continue };
        let is_known = |name: &str| !name.starts_with('$') && !has_placeholder(name);
        let pair = pair(from, to);
        if to == "off" || pair.0 == pair.1 || !is_known(from) || !is_known(to) || maps.contains_key(&pair) {
            continue;
        }
        if source.taken_as().is_none() || charset.taken_as().is_none() || !said.insert(pair) {
            continue;
        }
        findings
            .add(charset.place(), format!("nothing says how to convert \"{from}\" to \"{to}\""))
            .nginx_says(format!("no \"charset_map\" between the charsets \"{from}\" and \"{to}\""))
            .label(source.place(), format!("responses come in \"{from}\""))
            .help(format!("add a charset_map {from} {to}, such as conf/koi-win brings one, or remove source_charset"));
    }
}

fn is_place_of_requests(block: Block<'_>) -> bool {
    [Context::Server, Context::Location, Context::IfInLocation].into_iter().any(|context| block.is(context))
}
