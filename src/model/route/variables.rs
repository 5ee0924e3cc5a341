//! The values of variables while a request is on its way.

use rustc_hash::FxHashMap;

use crate::catalog::{self, Context, Family};
use crate::tree::NodeId;

use super::super::{Directive, Kind, LocationHead, LocationKind, Model, NameKind, Regex, compile_regex, kind_of_name};
use super::server::NameTable;
use super::text::{Text, bytes_of};
use super::uri::{Escape, argument, escape};
use super::walk::Walk;

/// Where a variable that the configuration defines gets its value.
#[derive(Clone, Copy, Debug)]
enum Definition {
    /// `set`, or a name that no value was captured for yet.
    Set,
    Map(NodeId),
    /// `geo`, `split_clients`, and what other modules compute.
    Computed,
}

/// The definitions of `http {}` by name in lower case.
#[derive(Debug, Default)]
pub(in super::super) struct Definitions {
    of: FxHashMap<String, Definition>,
}

impl Definitions {
    fn of(model: &Model<'_>) -> Definitions {
        let mut definitions = Definitions::default();
        for index in 0..model.directive_count() {
            let directive = model.directive(NodeId(index as u32));
            let Kind::Directives(context) = directive.parent().kind() else { continue };
            if context.family() == Family::Http {
                definitions.add(directive, context);
            }
        }
        definitions
    }

    fn add(&mut self, directive: Directive<'_>, context: Context) {
        let name = |argument: Option<&str>| argument?.strip_prefix('$').map(str::to_ascii_lowercase);
        match directive.name() {
            "set" => {
                // Setting a variable of nginx's own leaves its meaning as it is.
                let is_own = |name: &String| catalog::variable(name, Family::Http).is_some_and(|own| !own.prefix);
                if let Some(name) = name(directive.argument(0)).filter(|name| !is_own(name)) {
                    self.of.entry(name).or_insert(Definition::Set);
                }
            }
            "map" if context == Context::Http => {
                if let Some(name) = name(directive.argument(1)) {
                    self.of.insert(name, Definition::Map(directive.id()));
                }
            }
            "geo" | "split_clients" => {
                if let Some(name) = name(directive.arguments().last()) {
                    self.of.insert(name, Definition::Computed);
                }
            }
            other if other.contains("set") || other.ends_with("_var") => {
                if let Some(name) = name(directive.argument(0)) {
                    self.of.insert(name, Definition::Computed);
                }
            }
            _ => {}
        }
    }
}

/// A part of a text with variables (`ngx_http_script_compile`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
    Capture(usize),
}

/// Takes a text apart. `$10` is the first capture and a zero.
pub(super) fn parts_of(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        if dollar > 0 {
            parts.push(Part::Text(&rest[..dollar]));
        }
        let behind = &rest[dollar + 1..];
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if let Some(digit @ b'1'..=b'9') = behind.bytes().next() {
            parts.push(Part::Capture(usize::from(digit - b'0')));
            rest = &behind[1..];
        } else if let Some((name, after)) = behind.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            parts.push(Part::Variable(name));
            rest = after;
        } else {
            let end = behind.find(|c| !is_name(c)).unwrap_or(behind.len());
            if end == 0 {
                parts.push(Part::Text(&rest[dollar..=dollar]));
            } else {
                parts.push(Part::Variable(&behind[..end]));
            }
            rest = &behind[end..];
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// What the last regular expression that matched has captured.
#[derive(Clone, Debug, Default)]
pub(super) struct Captures {
    subject: Vec<u8>,
    groups: Vec<Option<(usize, usize)>>,
}

impl<'m> Walk<'m> {
    /// A text with its variables evaluated.
    pub(super) fn evaluate(&mut self, text: &str) -> Text {
        self.evaluate_quoted(text, false)
    }

    /// The same; with `quote`, captures are escaped when something in the path
    /// was.
    pub(super) fn evaluate_quoted(&mut self, text: &str, quote: bool) -> Text {
        let parts = parts_of(text);
        self.touch(&parts);
        self.join(&parts, quote)
    }

    /// nginx evaluates all variables once for the length of the text, which
    /// may change what is captured, before it puts the text together.
    pub(super) fn touch(&mut self, parts: &[Part<'_>]) {
        for part in parts {
            if let Part::Variable(name) = part {
                self.variable(name);
            }
        }
    }

    pub(super) fn join(&mut self, parts: &[Part<'_>], quote: bool) -> Text {
        let mut text = Text::default();
        for part in parts {
            text.append(&self.value_of_part(*part, quote));
        }
        text
    }

    pub(super) fn value_of_part(&mut self, part: Part<'_>, quote: bool) -> Text {
        match part {
            Part::Text(text) => Text::of_value(text),
            Part::Variable(name) => self.variable(name).unwrap_or_default(),
            Part::Capture(number) => {
                let Some(Some((start, end))) = self.captures.groups.get(number) else { return Text::default() };
                let bytes = &self.captures.subject[*start..*end];
                if quote && (self.quoted || self.plus) {
                    Text::known(escape(bytes, Escape::Args))
                } else {
                    Text::known(bytes)
                }
            }
        }
    }

    /// Whether a regular expression matches; what it captures is then known.
    pub(super) fn matches(&mut self, regex: &Regex, subject: &[u8]) -> bool {
        let Some(groups) = regex.captures(subject) else { return false };
        for (number, name) in regex.numbered_names() {
            let (start, end) = groups.get(number).copied().flatten().unwrap_or((0, 0));
            self.values.insert(name.to_ascii_lowercase(), Some(Text::known(&subject[start..end])));
        }
        self.captures = Captures { subject: subject.to_vec(), groups };
        true
    }

    /// After a regular expression of the rewrite module that does not match.
    pub(super) fn forget_captures(&mut self) {
        self.captures = Captures::default();
    }

    /// The value of a variable; none for one that is not found.
    pub(super) fn variable(&mut self, name: &str) -> Option<Text> {
        let name = name.to_ascii_lowercase();
        if let Some(value) = self.values.get(&name) {
            return value.clone();
        }
        let (value, keep) = match self.definitions.of.get(&name).copied() {
            Some(Definition::Set) => (None, true),
            Some(Definition::Computed) => (Some(Text::unknown(&name)), true),
            // A map that leads to itself.
            Some(Definition::Map(_)) if self.evaluating.contains(&name) => (Some(Text::unknown(&name)), false),
            Some(Definition::Map(map)) => {
                self.evaluating.push(name.clone());
                let value = self.map(self.model.directive(map), &name);
                self.evaluating.pop();
                value
            }
            None => {
                let known = catalog::variable(&name, Family::Http);
                (self.built_in(&name, known.is_some()), known.is_some_and(|known| !known.volatile))
            }
        };
        if keep {
            self.values.insert(name, value.clone());
        }
        value
    }

    fn built_in(&mut self, name: &str, in_catalog: bool) -> Option<Text> {
        let flag = |is: bool, text: &str| Some(Text::known(if is { text } else { "" }));
        match name {
            "uri" | "document_uri" => Some(self.uri.clone()),
            "args" | "query_string" => Some(self.args.clone()),
            "is_args" => flag(!self.args.is_empty(), "?"),
            "request_uri" => Some(Text::known(self.unparsed.clone())),
            "request_method" => Some(Text::known(self.method.clone())),
            "request" => {
                let target = &self.request.target;
                let mut line = Text::known(self.request.method.clone());
                line.push(b" ");
                line.push(target);
                line.push(b" HTTP/1.1");
                Some(line)
            }
            "scheme" => Some(Text::known(if self.request.secure { "https" } else { "http" })),
            "https" => flag(self.request.secure, "on"),
            "server_protocol" => Some(Text::known("HTTP/1.1")),
            "server_name" => Some(self.server_name()),
            "server_port" => self.listener.map(|listener| Text::known(listener.socket().port.to_string())),
            "server_addr" => Some(self.server_address()),
            "host" => Some(if self.host.is_empty() { self.server_name() } else { Text::known(self.host.clone()) }),
            "document_root" => Some(self.document_root()),
            "request_filename" => Some(self.file_path(&self.uri.clone()).unwrap_or_default()),
            "content_length" => self.header_value("content_length"),
            "content_type" => self.header_value("content_type"),
            "proxy_host" => Some(self.proxy_host.clone().unwrap_or_default()),
            "proxy_port" => Some(self.proxy_port.clone().unwrap_or_default()),
            "proxy_internal_body_length" => self.header_value("content_length"),
            "proxy_internal_chunked" => None,
            "proxy_add_x_forwarded_for" => {
                let mut value = self.header_value("x_forwarded_for").unwrap_or_default();
                if !value.is_empty() {
                    value.push(b", ");
                }
                value.append(&Text::unknown("remote_addr"));
                Some(value)
            }
            "fastcgi_script_name" => Some(self.fastcgi_split().0),
            "fastcgi_path_info" => Some(self.fastcgi_split().1),
            "nginx_version" => match self.model.version() {
                Some(version) => Some(Text::known(version.to_string())),
                None => Some(Text::unknown(name)),
            },
            _ => self.by_prefix(name, in_catalog),
        }
    }

    fn by_prefix(&mut self, name: &str, in_catalog: bool) -> Option<Text> {
        if let Some(header) = name.strip_prefix("http_") {
            return self.header_value(header);
        }
        if let Some(name) = name.strip_prefix("arg_") {
            return match self.args.bytes() {
                Some(args) => argument(args, name.as_bytes()).map(Text::known),
                None => Some(Text::unknown(&format!("arg_{name}"))),
            };
        }
        if let Some(cookie) = name.strip_prefix("cookie_") {
            return self.cookie(cookie);
        }
        // A variable of no module is one that would have been captured.
        let is_captured = !in_catalog && self.model.is_whole(Family::Http);
        if is_captured { None } else { Some(Text::unknown(name)) }
    }

    /// The value of a header, named as in a variable.
    fn header_value(&self, name: &str) -> Option<Text> {
        let is_it = |header: &str| header.to_ascii_lowercase().replace('-', "_") == name;
        let mut values = self.request.headers.iter().filter(|(header, _)| is_it(header)).map(|(_, value)| value.trim());
        let first = values.next()?;
        let separator = if name == "cookie" { "; " } else { ", " };
        Some(Text::of_value(&values.fold(first.to_owned(), |all, value| format!("{all}{separator}{value}"))))
    }

    fn cookie(&self, name: &str) -> Option<Text> {
        let headers = self.request.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case("cookie"));
        for (_, line) in headers {
            let mut rest = line.as_str();
            while !rest.is_empty() {
                if let Some((own, behind)) = rest.split_at_checked(name.len())
                    && own.eq_ignore_ascii_case(name)
                    && let Some(value) = behind.trim_start_matches(' ').strip_prefix('=')
                {
                    let value = value.trim_start_matches(' ');
                    return Some(Text::of_value(value.split(';').next().unwrap_or_default()));
                }
                let next = rest.find([';', ',']).map_or("", |end| &rest[end + 1..]);
                rest = next.trim_start_matches(' ');
            }
        }
        None
    }

    /// The first name of the server.
    pub(super) fn server_name(&self) -> Text {
        let first = self.server.directives("server_name").next().and_then(|directive| directive.argument(0));
        let Some(name) = first else { return Text::default() };
        if name.starts_with('~') {
            return Text::of_value(name);
        }
        if name.eq_ignore_ascii_case("$hostname") {
            return Text::unknown("hostname");
        }
        Text::of_value(&name.strip_prefix('.').unwrap_or(name).to_ascii_lowercase())
    }

    /// What a `map` gives, and whether nginx keeps it.
    fn map(&mut self, map: Directive<'m>, name: &str) -> (Option<Text>, bool) {
        let lines = map.block().map(|block| block.statements()).unwrap_or_default();
        let is_flag = |flag: &str| lines.iter().any(|line| line.argument_count() == 0 && line.name() == flag);
        let (hostnames, volatile) = (is_flag("hostnames"), is_flag("volatile"));
        let source = self.evaluate(map.argument(0).unwrap_or_default());
        let unseen = map.block().is_none_or(|block| block.is_unseen());
        let value = match source.bytes() {
            Some(source) if !unseen => {
                let line = self.line_of_map(&lines, hostnames, source);
                Some(line.map(|text| self.evaluate(text)).unwrap_or_default())
            }
            _ => Some(Text::unknown(name)),
        };
        (value, !volatile)
    }

    fn line_of_map(&mut self, lines: &[Directive<'m>], hostnames: bool, source: &[u8]) -> Option<&'m str> {
        let source = if hostnames { source.strip_suffix(b".").unwrap_or(source) } else { source };
        let mut table = NameTable::default();
        let mut regexes = Vec::new();
        let mut default = None;
        for line in lines.iter().filter(|line| line.argument_count() == 1 && line.include().is_none()) {
            let value = line.argument(0).unwrap_or_default();
            let key = line.name();
            if key == "default" {
                default = Some(value);
            } else if let Some(pattern) = key.strip_prefix('~') {
                let (caseless, pattern) = pattern.strip_prefix('*').map_or((false, pattern), |rest| (true, rest));
                regexes.push((pattern, caseless, value));
            } else {
                let key = key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase();
                let kind = if hostnames { kind_of_name(&key) } else { NameKind::Exact };
                let key = match kind {
                    NameKind::Suffix => &key[1..],
                    NameKind::Leading => &key[2..],
                    NameKind::Trailing => &key[..key.len() - 1],
                    NameKind::Exact | NameKind::Regex | NameKind::Misplaced => &key,
                };
                table.add(kind, bytes_of(key), value);
            }
        }
        if let Some((_, value)) = table.find(&source.to_ascii_lowercase()) {
            return Some(value);
        }
        for (pattern, caseless, value) in regexes.into_iter().filter(|_| !source.is_empty()) {
            if compile_regex(pattern, caseless).is_ok_and(|regex| self.matches(&regex, source)) {
                return Some(value);
            }
        }
        default
    }

    /// Script and path behind it (`fastcgi_split_path_info`).
    fn fastcgi_split(&mut self) -> (Text, Text) {
        let (mut script, mut info) = (self.uri.clone(), Text::default());
        let split = self.conf.effective("fastcgi_split_path_info").directive();
        if let Some(regex) = split.and_then(|split| compile_regex(split.argument(0)?, false).ok())
            && let Some(uri) = self.uri.bytes()
            && let Some(groups) = regex.captures(uri)
        {
            let group = |number: usize| {
                let (start, end) = groups.get(number).copied().flatten().unwrap_or((0, 0));
                Text::known(&uri[start..end])
            };
            (script, info) = (group(1), group(2));
        }
        if script.ends_with(b'/') == Some(true)
            && let Some(index) = self.conf.effective("fastcgi_index").directive()
        {
            script.append(&Text::of_value(index.argument(0).unwrap_or_default()));
        }
        (script, info)
    }

    /// The bytes at the start of the path that `alias` takes the place of;
    /// none for the pattern of a regular expression, which it replaces whole.
    pub(super) fn alias_length(directive: Directive<'m>) -> Option<usize> {
        let mut blocks = directive.parent().outwards();
        let head = blocks.find_map(LocationHead::of_block);
        let direct = directive.parent().is(Context::Location);
        match head {
            Some(head) if direct && matches!(head.kind, LocationKind::Regex { .. }) => None,
            Some(head) => Some(bytes_of(head.pattern).len()),
            None => Some(0),
        }
    }

    /// `root` or `alias` in force: they share one place.
    pub(super) fn root_directive(&self) -> Option<Directive<'m>> {
        self.conf.outwards().find_map(|block| {
            let both = ["root", "alias"].into_iter().filter_map(|name| block.directive(name));
            both.max_by_key(|directive| directive.id())
        })
    }

    fn document_root(&mut self) -> Text {
        let directive = self.root_directive();
        let text = directive.and_then(|directive| directive.argument(0)).unwrap_or("html");
        let is_root = directive.is_none_or(|directive| directive.name() == "root");
        let text = if is_root { text.strip_suffix('/').unwrap_or(text) } else { text };
        self.evaluate(text)
    }

    /// The file of a path; none where `alias` cannot tell.
    pub(super) fn file_path(&mut self, uri: &Text) -> Option<Text> {
        let alias = self.root_directive().filter(|directive| directive.name() == "alias");
        let mut path = self.document_root();
        let Some(alias) = alias else {
            path.append(uri);
            return Some(path);
        };
        if !self.valid_location {
            return None;
        }
        match Self::alias_length(alias) {
            Some(length) => path.append(&uri.skip(length)),
            None if self.add_uri_to_alias => path.append(uri),
            None => {}
        }
        Some(path)
    }

    pub(super) fn definitions_of(model: &'m Model<'m>) -> &'m Definitions {
        model.route_variables.get_or_init(|| Definitions::of(model))
    }
}

#[cfg(test)]
mod tests {
    use super::Part::{Capture, Text, Variable};
    use super::parts_of;

    #[test]
    fn texts_are_taken_apart_as_nginx_does() {
        let table = [
            ("/a$1b", vec![Text("/a"), Capture(1), Text("b")]),
            ("$10", vec![Capture(1), Text("0")]),
            ("${1a}$b-c", vec![Variable("1a"), Variable("b"), Text("-c")]),
            ("$", vec![Text("$")]),
        ];
        for (text, parts) in table {
            assert_eq!(parts_of(text), parts, "{text}");
        }
    }
}
