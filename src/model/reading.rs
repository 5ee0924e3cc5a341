//! Where nginx reads variables and regular expressions: which words of which
//! directives, and what it takes them for.
//!
//! Knows the readers one by one, as far as they differ from what the catalog
//! says of a directive. Judges nothing.

use std::ops::Range;

use crate::catalog::{self, Context, Expansion, Family, Origin, ValueKind, Version};

use super::Directive;

/// What nginx takes a part of a word for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// A text with variables.
    Template,
    /// A text with variables that nginx reads up to its zero.
    FileName,
    /// A text of a `log_format`.
    LogFormat,
    /// `$` and the name of a variable, whatever its bytes are.
    Variable,
    /// The same, and the variable is defined here.
    Definition,
    /// A regular expression; the names of its groups become variables.
    Pattern { caseless: bool },
    /// A regular expression whose names mean nothing.
    PlainPattern { caseless: bool },
    /// A text that a module reads which is not known well enough: it may
    /// define the variables in it.
    Foreign,
    /// The name of the directive, which reads this variable unasked.
    Implied(&'static str),
    /// The path of a `root` with a variable that is made of the root.
    OwnRoot(&'static str),
}

/// A part of a word; word 0 is the directive's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    pub word: usize,
    pub range: Range<usize>,
    pub part: Part,
}

/// What is to be looked at in the directives of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Interest {
    /// Nothing.
    None,
    /// Words with a `$` or a `~`.
    Marked,
    /// All.
    Always,
    /// Whatever looks like a variable.
    Foreign,
}

/// Directives that are read in a way of their own if a word of them has a `$`
/// or a `~`.
const SPECIAL: [&str; 27] = [
    "http2_push",
    "access_log",
    "aio",
    "alias",
    "charset",
    "disable_symlinks",
    "error_page",
    "expires",
    "if",
    "image_filter",
    "location",
    "log_format",
    "proxy_cookie_domain",
    "proxy_cookie_flags",
    "proxy_cookie_path",
    "proxy_redirect",
    "return",
    "root",
    "server_name",
    "source_charset",
    "ssl_certificate",
    "ssl_certificate_key",
    "sticky",
    "try_files",
    "valid_referers",
    "xslt_param",
    "xslt_stylesheet",
];

/// Directives that define a variable or have a regular expression whatever is
/// written in them.
const ALWAYS: [&str; 15] = [
    "auth_request_set",
    "fastcgi_split_path_info",
    "geo",
    "gzip_disable",
    "js_set",
    "js_var",
    "map",
    "memcached_pass",
    "perl_set",
    "rewrite",
    "set",
    "set_by_lua",
    "set_by_lua_block",
    "set_by_lua_file",
    "split_clients",
];

/// Since this release nginx pushes nothing.
const PUSH_GIVEN_UP: Version = Version::new(1, 25, 1);

/// Whether directives of this name are worth a look.
pub(super) fn interest(name: u16) -> Interest {
    let directives = catalog::directives_of(name);
    let has_variables = |family| matches!(family, Family::Http | Family::Stream);
    if ALWAYS.contains(&catalog::name_of(name)) {
        return Interest::Always;
    }
    if SPECIAL.contains(&catalog::name_of(name)) {
        return Interest::Marked;
    }
    if !directives.iter().any(|directive| directive.contexts.iter().any(|context| has_variables(context.family()))) {
        return Interest::None;
    }
    let known = |directive: &&catalog::Directive| directive.module.origin == Origin::OpenSource;
    if !directives.iter().any(|directive| known(&directive)) {
        return Interest::Foreign;
    }
    let expands = |directive: &catalog::Directive| directive.variables != Expansion::Never;
    if directives.iter().filter(known).any(expands) { Interest::Marked } else { Interest::None }
}

/// Calls `emit` for all that nginx reads in a directive.
pub(super) fn read_directive(directive: Directive<'_>, context: Context, emit: &mut dyn FnMut(Piece)) {
    let mut reader = Reader { directive, emit };
    let known = directive.definition().filter(|known| known.arguments.accept(directive.argument_count()));
    let Some(known) = known else { return reader.foreign() };
    if reader.read_special(context) {
        return;
    }
    match known.module.origin {
        Origin::OpenSource => reader.read_as_catalogued(known),
        Origin::Plus | Origin::Package(_) => reader.foreign(),
    }
}

/// Calls `emit` for all that may be a variable in a statement that is not known.
pub(super) fn read_foreign(statement: Directive<'_>, emit: &mut dyn FnMut(Piece)) {
    Reader { directive: statement, emit }.foreign();
}

/// Calls `emit` for what nginx reads in a line of a `map`.
pub(super) fn read_map_line(line: Directive<'_>, emit: &mut dyn FnMut(Piece)) {
    if line.argument_count() != 1 || line.name() == "include" {
        return;
    }
    let mut reader = Reader { directive: line, emit };
    reader.template(1);
    reader.marked_pattern(0, true);
}

struct Reader<'d, 'e> {
    directive: Directive<'d>,
    emit: &'e mut dyn FnMut(Piece),
}

impl<'d> Reader<'d, '_> {
    /// A word; 0 is the directive's name.
    fn word(&self, word: usize) -> &'d str {
        self.directive.word(word).unwrap_or_default()
    }

    fn last(&self) -> usize {
        self.directive.argument_count()
    }

    fn emit(&mut self, word: usize, range: Range<usize>, part: Part) {
        (self.emit)(Piece { word, range, part });
    }

    fn whole(&mut self, word: usize, part: Part) {
        let length = self.word(word).len();
        self.emit(word, 0..length, part);
    }

    fn template(&mut self, word: usize) {
        self.template_from(word, 0);
    }

    fn template_from(&mut self, word: usize, start: usize) {
        let text = self.word(word);
        if text.get(start..).is_some_and(|text| text.contains('$')) {
            self.emit(word, start..text.len(), Part::Template);
        }
    }

    fn templates(&mut self, first: usize) {
        for word in first..=self.last() {
            self.template(word);
        }
    }

    /// The value of a parameter such as `if=…`.
    fn parameter(&mut self, word: usize, name: &str) {
        if self.word(word).starts_with(name) {
            self.template_from(word, name.len());
        }
    }

    fn foreign(&mut self) {
        for word in 0..=self.last() {
            if self.word(word).contains('$') {
                self.whole(word, Part::Foreign);
            }
        }
    }

    /// A word that is a regular expression if it begins with `~`, or with `~*`
    /// where that makes it blind to case. False if it is none.
    fn marked_pattern(&mut self, word: usize, star: bool) -> bool {
        let text = self.word(word);
        if !text.starts_with('~') {
            return false;
        }
        let caseless = star && text[1..].starts_with('*');
        self.emit(word, 1 + usize::from(caseless)..text.len(), Part::Pattern { caseless });
        true
    }

    /// The same where case never matters.
    fn caseless_pattern(&mut self, word: usize) -> bool {
        let text = self.word(word);
        if text.starts_with('~') {
            self.emit(word, 1..text.len(), Part::Pattern { caseless: true });
        }
        text.starts_with('~')
    }

    fn read_as_catalogued(&mut self, known: &catalog::Directive) {
        match (known.variables, known.value) {
            (Expansion::Never, _) => {}
            (Expansion::Everywhere, ValueKind::KeyValue) | (Expansion::Only("value"), _) => self.template(2),
            (Expansion::Everywhere, ValueKind::BindAddress) | (Expansion::Only("key"), _) => self.template(1),
            (Expansion::Everywhere, _) => self.templates(1),
            (Expansion::Only(_), _) => {}
        }
    }

    /// Whether it was one with a reader of its own.
    fn read_special(&mut self, context: Context) -> bool {
        let http = context.family() == Family::Http;
        match self.directive.name() {
            "access_log" => self.read_access_log(),
            "log_format" => self.read_log_format(),
            "set" | "auth_request_set" => {
                self.whole(1, Part::Definition);
                self.template(2);
            }
            "perl_set" | "js_set" | "js_var" | "set_by_lua" | "set_by_lua_block" | "set_by_lua_file" => {
                self.whole(1, Part::Definition);
            }
            "map" | "split_clients" => {
                self.template(1);
                self.whole(2, Part::Definition);
            }
            "geo" if self.last() == 2 => {
                self.whole(1, Part::Variable);
                self.whole(2, Part::Definition);
            }
            "geo" => self.whole(1, Part::Definition),
            "if" if http => self.read_condition(),
            "location" if http => self.read_location(),
            "server_name" => self.read_server_names(),
            "rewrite" if http => self.read_rewrite(),
            "return" if http => self.read_return(),
            "root" | "alias" if http => self.read_root(),
            // Newer releases do not look at it.
            "http2_push" if self.directive.model().version().is_some_and(|version| version < PUSH_GIVEN_UP) => {
                self.template(1);
            }
            "try_files" if http => self.read_try_files(),
            "error_page" | "expires" if http => self.template(self.last()),
            "proxy_redirect" | "proxy_cookie_path" | "proxy_cookie_domain" | "proxy_cookie_flags" if http => {
                self.read_replacement();
            }
            "valid_referers" if http => {
                for word in 1..=self.last() {
                    let text = self.word(word);
                    if text.starts_with('~') && text.len() > 1 {
                        self.emit(word, 1..text.len(), Part::PlainPattern { caseless: true });
                    }
                }
            }
            "gzip_disable" if http => {
                for word in 1..=self.last() {
                    if !matches!(self.word(word), "msie6" | "degradation") {
                        self.whole(word, Part::PlainPattern { caseless: true });
                    }
                }
            }
            "fastcgi_split_path_info" if http => self.whole(1, Part::PlainPattern { caseless: false }),
            "charset" | "source_charset" if http => {
                if self.word(1).starts_with('$') {
                    self.whole(1, Part::Variable);
                }
            }
            "aio" if http => self.parameter(1, "threads="),
            "disable_symlinks" if http => (1..=self.last()).for_each(|word| self.parameter(word, "from=")),
            "image_filter" if http => match (self.word(1), self.last()) {
                ("rotate", 2) | ("resize" | "crop", 3) => self.templates(2),
                _ => {}
            },
            "xslt_stylesheet" if http => self.templates(2),
            "sticky" if http => self.read_sticky(),
            "memcached_pass" if http => self.whole(0, Part::Implied("memcached_key")),
            "ssl_certificate" => self.template(1),
            // Read together with the certificate that it belongs to.
            "ssl_certificate_key" => {
                // Their number is known without going over them.
                let count = |name: &str| self.directive.parent().directives(name).size_hint().0;
                if count("ssl_certificate") >= count("ssl_certificate_key") {
                    self.template(1);
                }
            }
            _ => return false,
        }
        true
    }

    fn read_access_log(&mut self) {
        let path = self.word(1);
        if path == "off" {
            return;
        }
        if !path.starts_with("syslog:") {
            self.template(1);
        }
        for word in 3..=self.last() {
            self.parameter(word, "if=");
        }
    }

    fn read_log_format(&mut self) {
        let first = if self.word(2).starts_with("escape=") { 3 } else { 2 };
        for word in first..=self.last() {
            if self.word(word).contains('$') {
                self.whole(word, Part::LogFormat);
            }
        }
    }

    fn read_location(&mut self) {
        match (self.word(1), self.last()) {
            ("~", 2) => self.whole(2, Part::Pattern { caseless: false }),
            ("~*", 2) => self.whole(2, Part::Pattern { caseless: true }),
            (_, 1) => {
                self.marked_pattern(1, true);
            }
            _ => {}
        }
    }

    fn read_server_names(&mut self) {
        for word in 1..=self.last() {
            let name = self.word(word);
            if name.starts_with('~') && name.len() > 1 {
                let caseless = name.bytes().any(|byte| byte.is_ascii_uppercase());
                self.emit(word, 1..name.len(), Part::Pattern { caseless });
            }
        }
    }

    fn read_rewrite(&mut self) {
        let replacement = self.word(2);
        if replacement.is_empty() {
            return;
        }
        self.whole(1, Part::Pattern { caseless: false });
        // A question mark at the end drops the arguments.
        let end = replacement.len() - usize::from(replacement.ends_with('?'));
        if replacement.contains('$') {
            self.emit(2, 0..end, Part::Template);
        }
    }

    fn read_return(&mut self) {
        let first = self.word(1);
        let is_code = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        if is_code && self.last() == 2 {
            self.template(2);
        } else if self.last() == 1 && ["http://", "https://", "$scheme"].iter().any(|start| first.starts_with(start)) {
            self.template(1);
        }
    }

    fn read_root(&mut self) {
        let path = self.word(1);
        let own = |name: &str| path.contains(&format!("${name}")) || path.contains(&format!("${{{name}}}"));
        let found = path.contains('$').then(|| ["document_root", "realpath_root"].into_iter().find(|name| own(name)));
        match found.flatten() {
            Some(name) => self.whole(1, Part::OwnRoot(name)),
            None => self.template(1),
        }
    }

    fn read_try_files(&mut self) {
        for word in 1..=self.last() {
            let path = self.word(word);
            // The slash of a directory is cut off first.
            let end = path.len() - usize::from(word < self.last() && path.ends_with('/'));
            if path.contains('$') {
                self.emit(word, 0..end, Part::Template);
            }
        }
    }

    /// What is replaced in headers of answers, and by what.
    fn read_replacement(&mut self) {
        if self.last() < 2 {
            return;
        }
        let name = self.directive.name();
        let is_pattern = match name {
            "proxy_cookie_domain" | "proxy_cookie_flags" => self.caseless_pattern(1),
            _ => self.marked_pattern(1, true),
        };
        if !is_pattern {
            self.template(1);
        }
        self.templates(2);
    }

    fn read_sticky(&mut self) {
        for word in 2..=self.last() {
            let text = self.word(word);
            let start =
                ["create=", "lookup="].iter().find(|name| text.starts_with(**name)).map_or(0, |name| name.len());
            if text[start..].len() > 1 && text[start..].starts_with('$') {
                self.emit(word, start..text.len(), Part::Variable);
            }
        }
    }

    /// `if (…)`, unless it is no condition at all (`ngx_http_rewrite_if_condition`).
    fn read_condition(&mut self) {
        let mut words: Vec<(usize, Range<usize>)> =
            (1..=self.last()).map(|word| (word, 0..self.word(word).len())).collect();
        let Some((_, first)) = words.first_mut().filter(|(word, _)| self.word(*word).starts_with('(')) else { return };
        first.start = 1;
        if first.start == first.end {
            words.remove(0);
        }
        let Some((_, last)) = words.last_mut().filter(|(word, _)| self.word(*word).ends_with(')')) else { return };
        last.end = last.end.saturating_sub(1).max(last.start);
        if last.start == last.end && words.len() > 1 {
            words.pop();
        }
        let text = |(word, range): &(usize, Range<usize>)| self.word(*word).get(range.clone()).unwrap_or_default();
        let (Some(first), Some(last)) = (words.first().cloned(), words.last().cloned()) else { return };
        let subject = text(&first);
        let operator = if words.len() == 3 { text(&words[1]) } else { "" };
        let is_variable = subject.len() > 1 && subject.starts_with('$');
        let template = text(&last).contains('$');
        match (is_variable, subject, words.len()) {
            (true, _, 1) => self.emit(first.0, first.1, Part::Variable),
            (true, _, 3) => {
                self.emit(first.0, first.1, Part::Variable);
                match operator {
                    "=" | "!=" if template => self.emit(last.0, last.1, Part::Template),
                    "~" | "!~" => self.emit(last.0, last.1, Part::Pattern { caseless: false }),
                    "~*" | "!~*" => self.emit(last.0, last.1, Part::Pattern { caseless: true }),
                    _ => {}
                }
            }
            (false, "-f" | "-d" | "-e" | "-x" | "!-f" | "!-d" | "!-e" | "!-x", 2) if template => {
                self.emit(last.0, last.1, Part::FileName);
            }
            _ => {}
        }
    }
}

/// The first release that evaluates variables in this directive, where older
/// ones that have it take them for plain text.
pub fn evaluated_since(directive: Directive<'_>) -> Option<Version> {
    let name = directive.name();
    let table = [
        (Version::new(1, 21, 0), &["_ssl_certificate", "_ssl_certificate_key"][..]),
        (Version::new(1, 27, 0), &["proxy_limit_rate", "fastcgi_limit_rate", "scgi_limit_rate", "uwsgi_limit_rate"]),
    ];
    let found = table.into_iter().find(|(_, ends)| ends.iter().any(|end| name.ends_with(end)));
    found.map(|(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_in_a_special_way_is_in_the_catalog() {
        for name in SPECIAL.iter().chain(&ALWAYS) {
            let index = catalog::name_index(name).unwrap_or_else(|| panic!("{name} is not in the catalog"));
            assert_ne!(interest(index), Interest::None, "{name}");
        }
        let table = [
            ("add_header", Interest::Marked),
            ("worker_processes", Interest::None),
            ("default_type", Interest::None),
            ("more_set_headers", Interest::Foreign),
        ];
        for (name, expected) in table {
            let index = catalog::name_index(name).unwrap_or_else(|| panic!("{name} is not in the catalog"));
            assert_eq!(interest(index), expected, "{name}");
        }
    }
}
