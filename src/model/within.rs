//! Where requests are passed on from inside a block, and which of these places
//! a list of the block is in force for.

use super::{Block, PASS_NAMES, Target};

/// The directives with blocks that requests go through.
const INNER: [&str; 4] = ["server", "location", "if", "limit_except"];

impl<'m> Block<'m> {
    /// The targets in this block and in those inside of it.
    pub fn targets_within(self) -> Vec<Target<'m>> {
        self.targets_of_blocks(|_| true)
    }

    /// The targets for which a list of this name right in this block is in
    /// force: blocks inside that have one of their own, or may have, are left
    /// out.
    pub fn targets_governed_by(self, list: &str) -> Vec<Target<'m>> {
        self.targets_of_blocks(|inner| inner.directive(list).is_none() && !inner.is_unseen_for(list))
    }

    fn targets_of_blocks(self, enters: impl Fn(Block<'m>) -> bool) -> Vec<Target<'m>> {
        let mut targets = Vec::new();
        let mut open = vec![self];
        while let Some(block) = open.pop() {
            let passes = PASS_NAMES.iter().flat_map(|name| block.directives(name));
            targets.extend(passes.filter_map(Target::of));
            let inner = INNER.iter().flat_map(|name| block.directives(name)).filter_map(|head| head.block());
            open.extend(inner.filter(|inner| enters(*inner)));
        }
        targets.sort_unstable_by_key(|target| target.directive.id());
        targets
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::catalog::Context;
    use crate::model::{Model, Profile};
    use crate::tree::{self, Memory, Places};

    #[test]
    fn a_list_is_in_force_down_to_the_next_one() {
        let path = Path::new("nginx.conf");
        let text = "http { proxy_set_header A 1;
            server { location /a { proxy_pass http://a; if ($arg_x) { proxy_pass http://b; } } }
            server {
                proxy_set_header B 1;
                location /c { proxy_pass http://c; }
                location /d { proxy_set_header D 1; proxy_pass http://d; location /d/e { proxy_pass http://e; } }
            }
        }";
        let files: Memory = [(path, text)].into_iter().collect();
        let places = Places::of_entry(path, Path::new("/nginx.conf"));
        let tree = tree::load(&files, path, &places).expect("the file is there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let table = [("A", "ab"), ("B", "c"), ("D", "de")];
        for (header, expected) in table {
            let mut lists = model.directives_named(&["proxy_set_header"]);
            let list = lists.find(|list| list.has_flag(header)).expect("it is there");
            let targets = list.parent().targets_governed_by("proxy_set_header");
            let found: String = targets.iter().filter_map(|target| target.text.strip_prefix("http://")).collect();
            assert_eq!(found, expected, "{header}");
        }
        let http = model.directives_named(&["http"]).next().and_then(|http| http.block()).expect("it is there");
        assert_eq!(http.targets_within().len(), 5);
    }
}
