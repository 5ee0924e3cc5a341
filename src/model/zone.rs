//! Zones of shared memory: every directive that declares one or uses one.
//!
//! All of them share one list of names, whatever block they stand in. It knows
//! how the directives name their zones, and judges nothing.

use std::ops::Range;

use crate::catalog::Family;
use crate::tree::NodeId;

use super::target::Protocol;
use super::value::parse_size;
use super::{Directive, Model, has_placeholder};

/// The size of a page of memory that nginx is judged for.
const PAGE: u64 = 4_096;

/// The smallest zone that nginx takes, but for caches: eight pages.
pub const SMALLEST_ZONE: u64 = 8 * PAGE;

/// The smallest zone for the keys of a cache: two pages.
pub const SMALLEST_KEYS_ZONE: u64 = 2 * PAGE;

/// What a zone is for. A name is for one purpose only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// `limit_req`.
    Requests,
    /// `limit_conn`, of http and of stream.
    Connections(Family),
    /// The keys of a cache.
    Cache(Protocol),
    /// The servers of an upstream, of http and of stream.
    Upstream(Family),
    /// Sessions of TLS, of http, stream and mail.
    Sessions(Family),
    /// Answers about certificates.
    Ocsp(Family),
}

impl Purpose {
    /// What the zone keeps, as words in a sentence.
    pub fn describe(self) -> String {
        match self {
            Purpose::Requests => "limit_req".to_owned(),
            Purpose::Connections(family) => format!("limit_conn{}", of(family)),
            Purpose::Cache(protocol) => format!("{}_cache", protocol.prefix()),
            Purpose::Upstream(family) => format!("the servers of an upstream{}", of(family)),
            Purpose::Sessions(family) => format!("ssl_session_cache{}", of(family)),
            Purpose::Ocsp(family) => format!("ssl_ocsp_cache{}", of(family)),
        }
    }
}

fn of(family: Family) -> &'static str {
    match family {
        Family::Stream => " of stream",
        Family::Mail => " of mail",
        _ => "",
    }
}

/// The size that a directive gives a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ZoneSize {
    /// So many bytes.
    Bytes(u64),
    /// None: another directive has to.
    None,
    /// One that nginx cannot read, or that is not known.
    Unknown,
}

/// A directive that declares a zone, or uses one.
#[derive(Clone, Debug)]
pub struct ZoneUse<'m> {
    /// The directive.
    pub directive: Directive<'m>,
    /// The argument that names the zone.
    pub argument: usize,
    /// Where the name is in it.
    pub range: Range<usize>,
    /// The name.
    pub name: &'m str,
    /// The size that it gives.
    pub size: ZoneSize,
    /// What for.
    pub purpose: Purpose,
}

impl ZoneUse<'_> {
    /// Whether it declares the zone, instead of using it.
    pub fn declares(&self) -> bool {
        self.size != ZoneSize::None
    }

    /// Whether the name is filled in before nginx sees it.
    pub fn is_template(&self) -> bool {
        has_placeholder(self.name)
    }
}

/// A use of a zone without the handles.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    node: NodeId,
    argument: usize,
    range: Range<usize>,
    size: ZoneSize,
    purpose: Purpose,
}

/// The directives that name a zone.
const NAMES: [&str; 15] = [
    "limit_req_zone",
    "limit_req",
    "limit_conn_zone",
    "limit_conn",
    "proxy_cache_path",
    "proxy_cache",
    "fastcgi_cache_path",
    "fastcgi_cache",
    "uwsgi_cache_path",
    "uwsgi_cache",
    "scgi_cache_path",
    "scgi_cache",
    "zone",
    "ssl_session_cache",
    "ssl_ocsp_cache",
];

/// Takes `NAME:SIZE` apart: the length of the name, and the size if nginx can
/// read it. None without a colon.
pub fn split_zone(text: &str) -> Option<(usize, Option<u64>)> {
    let colon = text.find(':')?;
    Some((colon, parse_size(&text[colon + 1..])))
}

/// Directives that declare a zone, and always name one.
const DECLARATIONS: [&str; 6] = [
    "limit_req_zone",
    "limit_conn_zone",
    "proxy_cache_path",
    "fastcgi_cache_path",
    "uwsgi_cache_path",
    "scgi_cache_path",
];

impl<'t> Model<'t> {
    /// What some zone is declared for whose name is not known: it is left out,
    /// or filled in before nginx sees it.
    pub fn purposes_of_unnamed_zones(&self) -> Vec<Purpose> {
        let is_unnamed = |directive: &Directive<'_>| {
            let named = entry(*directive).is_some() && directive.is_read() && !directive.has_block();
            !named || directive.arguments().any(has_placeholder)
        };
        self.directives_named(&DECLARATIONS).filter(is_unnamed).filter_map(purpose_of_declaration).collect()
    }

    /// Whether some directive names a zone like this.
    pub fn has_zone(&self, name: &str) -> bool {
        let names = || self.zones().map(|zone| zone.name.to_owned()).collect();
        self.zone_names.get_or_init(names).contains(name)
    }

    /// Every directive that declares or uses a zone, in the order of the
    /// configuration.
    pub fn zones(&self) -> impl Iterator<Item = ZoneUse<'_>> {
        let entries = self.zones.get_or_init(|| self.directives_named(&NAMES).filter_map(entry).collect());
        entries.iter().map(|entry| {
            let directive = self.directive(entry.node);
            let text = directive.argument(entry.argument).unwrap_or_default();
            ZoneUse {
                directive,
                argument: entry.argument,
                range: entry.range.clone(),
                name: text.get(entry.range.clone()).unwrap_or_default(),
                size: entry.size,
                purpose: entry.purpose,
            }
        })
    }
}

fn entry(directive: Directive<'_>) -> Option<Entry> {
    let family = match directive.parent().kind() {
        super::Kind::Directives(context) => context.family(),
        super::Kind::Data | super::Kind::Unknown => return None,
    };
    match directive.name() {
        "limit_req_zone" => parameter(directive, 1, "zone=", Purpose::Requests),
        "limit_req" => use_in_parameter(directive, "zone=", Purpose::Requests),
        "limit_conn_zone" => parameter(directive, 1, "zone=", Purpose::Connections(family)),
        "limit_conn" => first_argument(directive, Purpose::Connections(family)),
        "zone" => {
            let mut entry = first_argument(directive, Purpose::Upstream(family))?;
            if let Some(size) = directive.argument(1) {
                entry.size = size_of(parse_size(size));
            }
            Some(entry)
        }
        "ssl_session_cache" => parameter(directive, 0, "shared:", Purpose::Sessions(family)),
        "ssl_ocsp_cache" => parameter(directive, 0, "shared:", Purpose::Ocsp(family)),
        name => cache(directive, name),
    }
}

fn purpose_of_declaration(directive: Directive<'_>) -> Option<Purpose> {
    let super::Kind::Directives(context) = directive.parent().kind() else { return None };
    Some(match directive.name() {
        "limit_req_zone" => Purpose::Requests,
        "limit_conn_zone" => Purpose::Connections(context.family()),
        "proxy_cache_path" => Purpose::Cache(Protocol::Proxy),
        "fastcgi_cache_path" => Purpose::Cache(Protocol::Fastcgi),
        "uwsgi_cache_path" => Purpose::Cache(Protocol::Uwsgi),
        "scgi_cache_path" => Purpose::Cache(Protocol::Scgi),
        _ => return None,
    })
}

fn cache(directive: Directive<'_>, name: &str) -> Option<Entry> {
    let (protocol, declares) = match name {
        "proxy_cache_path" => (Protocol::Proxy, true),
        "proxy_cache" => (Protocol::Proxy, false),
        "fastcgi_cache_path" => (Protocol::Fastcgi, true),
        "fastcgi_cache" => (Protocol::Fastcgi, false),
        "uwsgi_cache_path" => (Protocol::Uwsgi, true),
        "uwsgi_cache" => (Protocol::Uwsgi, false),
        "scgi_cache_path" => (Protocol::Scgi, true),
        "scgi_cache" => (Protocol::Scgi, false),
        _ => return None,
    };
    if declares {
        return parameter(directive, 1, "keys_zone=", Purpose::Cache(protocol));
    }
    let text = directive.argument(0)?;
    // A variable may name any cache.
    if text == "off" || (text.contains('$') && !has_placeholder(text)) {
        return None;
    }
    first_argument(directive, Purpose::Cache(protocol))
}

/// The last argument from `first` on that begins with `prefix` and says
/// `NAME:SIZE`.
fn parameter(directive: Directive<'_>, first: usize, prefix: &str, purpose: Purpose) -> Option<Entry> {
    let arguments = directive.arguments().enumerate().skip(first);
    let (argument, text) = arguments.filter_map(|(index, text)| Some((index, text.strip_prefix(prefix)?))).last()?;
    let (length, size) = match split_zone(text) {
        Some((length, size)) => (length, size_of(size)),
        None => (text.len(), ZoneSize::Unknown),
    };
    Some(Entry { node: directive.id(), argument, range: prefix.len()..prefix.len() + length, size, purpose })
}

fn use_in_parameter(directive: Directive<'_>, prefix: &str, purpose: Purpose) -> Option<Entry> {
    let arguments = directive.arguments().enumerate();
    let (argument, text) = arguments.filter(|(_, text)| text.starts_with(prefix)).last()?;
    Some(Entry { node: directive.id(), argument, range: prefix.len()..text.len(), size: ZoneSize::None, purpose })
}

fn first_argument(directive: Directive<'_>, purpose: Purpose) -> Option<Entry> {
    let text = directive.argument(0)?;
    Some(Entry { node: directive.id(), argument: 0, range: 0..text.len(), size: ZoneSize::None, purpose })
}

fn size_of(size: Option<u64>) -> ZoneSize {
    // nginx takes no zone of no size: it stands for one that is not given.
    size.filter(|size| *size > 0).map_or(ZoneSize::Unknown, ZoneSize::Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes_of_zones_are_taken_apart() {
        let table = [
            ("one:10m", Some((3, Some(10 << 20)))),
            ("one:", Some((3, None))),
            (":10m", Some((0, Some(10 << 20)))),
            ("one:two:10m", Some((3, None))),
            ("one:1g", Some((3, None))),
            ("one", None),
        ];
        for (text, expected) in table {
            assert_eq!(split_zone(text), expected, "{text}");
        }
    }
}
