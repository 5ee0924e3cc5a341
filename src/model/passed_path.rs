//! The path that a `proxy_pass` sends: what stands for it in the target, and
//! what the location around it says.

use std::ops::Range;

use crate::catalog::Context;

use super::capture::{Capture, captures_of};
use super::template::{Part, Template};
use super::{Block, Directive, LocationHead, Target};

/// Variables that hold a path, so that a path begins with them.
const PATHS: [&str; 3] = ["request_uri", "uri", "document_uri"];

impl<'m> Target<'m> {
    /// The location that it answers the requests of; none outside of one.
    pub fn location(self) -> Option<Block<'m>> {
        self.block().outwards().find(|block| block.is(Context::Location))
    }

    /// Where the path to pass on begins and ends in its text: behind host and
    /// port, or at a variable that holds a path.
    pub fn written_path(self) -> Option<Range<usize>> {
        let parts = self.parts();
        let glued = start_of_path_variable(&self.text[parts.address.clone()]);
        let glued = glued.map(|start| parts.address.start + start..self.text.len());
        glued.or(parts.uri)
    }

    /// What the variable of this name can have captured, when it is a group of
    /// the regular expression of its location and nothing else matches there.
    pub fn captured(self, name: &str) -> Option<Capture> {
        let location = self.location()?;
        let head = LocationHead::of_block(location).filter(LocationHead::is_regex)?;
        let mut groups = captures_of(head.pattern);
        if let Ok(number) = name.parse::<usize>() {
            let others = ["rewrite", "if"].iter().any(|name| location.directive(name).is_some());
            let is_certain = !others && !location.is_unseen() && number > 0 && number < groups.len();
            return is_certain.then(|| groups.swap_remove(number));
        }
        groups.into_iter().skip(1).find(|group| group.name.as_deref() == Some(name))
    }

    /// The `rewrite … break` directives of its location, those in an `if`
    /// included.
    pub fn breaking_rewrites(self) -> Vec<Directive<'m>> {
        let Some(location) = self.location() else { return Vec::new() };
        let branches = location.directives("if").filter_map(Directive::block);
        let rewrites = std::iter::once(location).chain(branches).flat_map(|scope| scope.directives("rewrite"));
        rewrites.filter(|rewrite| rewrite.argument(2) == Some("break")).collect()
    }

    /// Whether only nginx itself sends requests there, by `internal`; none when
    /// that is not known.
    pub fn is_internal(self) -> Option<bool> {
        let location = self.location()?;
        let mut unseen = false;
        for block in location.outwards().take_while(|block| block.is(Context::Location)) {
            if block.directive("internal").is_some() {
                return Some(true);
            }
            unseen |= block.is_unseen_for("internal");
        }
        (!unseen).then_some(false)
    }
}

fn start_of_path_variable(text: &str) -> Option<usize> {
    let mut at = 0;
    for part in Template::parse(text).parts {
        match part {
            Part::Text(text) => at += text.len(),
            Part::Variable(name) if PATHS.iter().any(|path| name.eq_ignore_ascii_case(path)) => return Some(at),
            Part::Variable(name) => {
                let has_braces = text[at..].starts_with("${");
                at += name.len() + if has_braces { 3 } else { 1 };
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::catalog::Context;
    use crate::model::{Model, Profile};
    use crate::tree::{self, Memory, Places};

    #[test]
    fn the_path_of_a_target_is_found() {
        let table = [
            ("http://app/x", Some("/x")),
            ("http://app", None),
            ("http://$b", None),
            ("http://$b/x$1", Some("/x$1")),
            ("http://app$request_uri", Some("$request_uri")),
            ("http://${b}:80${URI}", Some("${URI}")),
            ("http://unix:/a.sock:/x", Some("/x")),
            ("http://unix:/a.sock:$uri", Some("$uri")),
            ("$b/x", Some("/x")),
            ("$b", None),
        ];
        for (text, expected) in table {
            let path = Path::new("nginx.conf");
            let whole = format!("http {{ server {{ location / {{ proxy_pass {text}; }} }} }}");
            let memory: Memory = [(path, whole.as_bytes())].into_iter().collect();
            let tree = tree::load(&memory, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("a tree");
            let model = Model::new(&tree, Context::Main, Profile::default());
            let target = model.targets().next().expect("a target");
            assert_eq!(target.written_path().map(|range| &target.text[range]), expected, "{text}");
        }
    }
}
