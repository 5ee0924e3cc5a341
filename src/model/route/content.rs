//! Who answers in the end: another server, files, or the last word of
//! `try_files` and `index`.

use super::super::{Directive, PASS_NAMES};
use super::text::Text;
use super::uri::{Escape, escape};
use super::variables::{Part, parts_of};
use super::walk::{Start, Stop, Walk};
use super::{Assumption, End, Reason, What};

/// So many files of one `try_files` or `index` get a way of their own.
const MOST_FILES: usize = 6;

impl<'m> Walk<'m> {
    /// `try_files` (`ngx_http_try_files_handler`): the files are forks.
    pub(super) fn try_files(&mut self) -> Result<(), Stop<'m>> {
        let Some(directive) = self.conf.directive("try_files") else { return Ok(()) };
        let words: Vec<&'m str> = directive.arguments().collect();
        let Some((last, files)) = words.split_last() else { return Ok(()) };
        let mut ways: Vec<(Assumption, Start<'m>)> = Vec::new();
        for word in files.iter().take(MOST_FILES) {
            let (word, is_directory) = match word.strip_suffix('/') {
                Some(word) => (word, true),
                None => (*word, false),
            };
            let Some((path, uri)) = self.tried_file(word) else {
                return self.special(500, Reason::Alias, self.root_directive(), None);
            };
            let of_regex = self.alias().is_some_and(|alias| Walk::alias_length(alias).is_none());
            let start = move |walk: &mut Walk<'m>| {
                walk.step(Some(directive), What::TryFiles { to: uri.clone() });
                if !of_regex {
                    walk.uri = uri;
                } else if !is_directory {
                    walk.uri = uri;
                    walk.add_uri_to_alias = true;
                }
                Ok(())
            };
            let assumption = if is_directory { Assumption::IsDirectory(path) } else { Assumption::IsFile(path) };
            ways.push((assumption, Box::new(start)));
        }
        let fallback = self.fallback(directive, last)?;
        ways.push((Assumption::Otherwise, fallback));
        self.fork(ways)
    }

    fn alias(&self) -> Option<Directive<'m>> {
        self.root_directive().filter(|directive| directive.name() == "alias")
    }

    /// The path of a file that is tried, and the path of the request when it
    /// is there; none where `alias` cannot tell.
    fn tried_file(&mut self, word: &str) -> Option<(Text, Text)> {
        let name = self.tried_name(word);
        let mut path = self.file_path(&Text::default())?;
        let mut uri = name.clone();
        if let Some(length) = self.alias().and_then(Walk::alias_length) {
            let own = self.uri.clone();
            let mut whole = Text::known(own.bytes().map(|bytes| &bytes[..length.min(bytes.len())]).unwrap_or_default());
            whole.append(&name);
            uri = whole;
        }
        path.append(&name);
        Some((path, uri))
    }

    /// A word evaluated; behind `alias` the location is taken off its front.
    fn tried_name(&mut self, word: &str) -> Text {
        let name = self.evaluate(word);
        let has_variables = parts_of(word).iter().any(|part| !matches!(part, Part::Text(_)));
        let Some(length) = self.alias().and_then(Walk::alias_length).filter(|_| has_variables) else { return name };
        let (Some(bytes), Some(uri)) = (name.bytes(), self.uri.bytes()) else { return name };
        let same = uri.len() >= length && bytes.starts_with(&uri[..length]);
        if same { name.skip(length) } else { name }
    }

    fn fallback(&mut self, directive: Directive<'m>, last: &'m str) -> Result<Start<'m>, Stop<'m>> {
        if let Some(code) = last.strip_prefix('=') {
            let status = super::super::parse_number(code).unwrap_or(404) as u16;
            let to = Text::of_value(last);
            return Ok(Box::new(move |walk| {
                walk.step(Some(directive), What::TryFiles { to });
                walk.special(status, Reason::Directive, Some(directive), None)
            }));
        }
        let to = self.tried_name(last);
        Ok(Box::new(move |walk| {
            walk.step(Some(directive), What::TryFiles { to: to.clone() });
            if to.starts_with(b'@') == Some(true) {
                return walk.go_to_named(&to, Some(directive));
            }
            let (path, args) = to.split_once(b'?').unwrap_or((to, Text::default()));
            walk.internal_redirect(path, args)
        }))
    }

    /// The content handler, or the modules that serve files.
    pub(super) fn content(&mut self) -> Result<(), Stop<'m>> {
        if let Some(handler) = self.handler {
            if PASS_NAMES.contains(&handler.name()) {
                return self.pass(handler.name());
            }
            return Err(Stop::End(End::Handler(handler)));
        }
        let reads = matches!(self.method.as_str(), "GET" | "HEAD" | "POST");
        if self.uri.ends_with(b'/') == Some(true) {
            if reads {
                return self.index();
            }
            // What is for other methods looks at the method first.
            return self.special(405, Reason::Method, None, None);
        }
        if !reads {
            return self.special(405, Reason::Method, None, None);
        }
        let uri = self.uri.clone();
        let Some(path) = self.file_path(&uri) else {
            return self.special(500, Reason::Alias, self.root_directive(), None);
        };
        let directory = self.with_slash();
        let absolute = self.absolute(directory.clone());
        let directive = self.root_directive();
        let status = Some(self.status).filter(|status| *status != 0);
        let file = End::File { path: path.clone(), directive, status, directory: absolute };
        let posts = self.method == "POST";
        if !posts && ![301, 404].iter().any(|status| self.has_error_page(*status)) {
            return Err(Stop::End(file));
        }
        let redirect: Start<'m> =
            Box::new(move |walk| walk.special(301, Reason::MissingSlash, directive, Some(directory)));
        let there: Start<'m> = match posts {
            // Files are not posted to.
            true => Box::new(move |walk| walk.special(405, Reason::Method, directive, None)),
            false => Box::new(move |_| Err(Stop::End(file))),
        };
        let missing: Start<'m> = Box::new(move |walk| walk.special(404, Reason::NotFound, directive, None));
        self.fork(vec![
            (Assumption::IsFile(path.clone()), there),
            (Assumption::IsDirectory(path), redirect),
            (Assumption::Otherwise, missing),
        ])
    }

    /// The path with a slash, as a redirect.
    fn with_slash(&mut self) -> Text {
        let mut location = self.uri.map(|bytes| escape(bytes, Escape::Uri));
        location.push(b"/");
        if !self.args.is_empty() {
            location.push(b"?");
            location.append(&self.args.clone());
        }
        location
    }

    /// The index of a directory (`ngx_http_index_handler`).
    fn index(&mut self) -> Result<(), Stop<'m>> {
        let in_force = self.conf.effective_list("index").directives;
        let mut names: Vec<(Option<Directive<'m>>, &'m str)> = Vec::new();
        for directive in &in_force {
            names.extend(directive.arguments().map(|name| (Some(*directive), name)));
        }
        if names.is_empty() {
            names.push((None, "index.html"));
        }
        let uri = self.uri.clone();
        let Some(directory) = self.file_path(&uri) else {
            return self.special(500, Reason::Alias, self.root_directive(), None);
        };
        let args = self.args.clone();
        let mut ways: Vec<(Assumption, Start<'m>)> = Vec::new();
        for (directive, name) in names.into_iter().take(MOST_FILES) {
            let name = self.evaluate(name);
            let absolute = name.starts_with(b'/') == Some(true);
            let mut to = if absolute { Text::default() } else { uri.clone() };
            to.append(&name);
            let args = args.clone();
            let start: Start<'m> = Box::new(move |walk| {
                walk.step(directive, What::Index { to: to.clone() });
                walk.internal_redirect(to, args)
            });
            if absolute {
                // It is not looked for.
                ways.push((Assumption::Otherwise, start));
                return self.fork(ways);
            }
            let mut path = directory.clone();
            path.append(&name);
            ways.push((Assumption::IsFile(path), start));
        }
        let listing = self.conf.effective("autoindex").directive().filter(|directive| directive.has_flag("on"));
        let root = self.root_directive();
        let path = directory.clone();
        let nothing: Start<'m> = Box::new(move |walk| match listing {
            Some(_) => Err(Stop::End(End::Listing { path, directive: listing })),
            None => walk.special(403, Reason::Directory, root, None),
        });
        if directory.ends_with(b'/') != Some(true) {
            // An alias without a slash at its end: nginx expects a directory.
            let file: Start<'m> = Box::new(move |walk| walk.special(500, Reason::NotDirectory, root, None));
            ways.push((Assumption::IsFile(directory.clone()), file));
        }
        ways.push((Assumption::IsDirectory(directory), nothing));
        let missing: Start<'m> = Box::new(move |walk| walk.special(404, Reason::NotFound, root, None));
        ways.push((Assumption::Otherwise, missing));
        self.fork(ways)
    }
}
