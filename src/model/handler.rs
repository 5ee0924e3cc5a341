//! What answers the requests of a location: a handler, a `return`, or files.

use std::sync::LazyLock;

use crate::catalog::{self, Context, Origin};

use super::{Block, Directive};

/// Directives that answer in the place of files. Each makes itself the handler
/// of its block: of several the last one counts.
pub const HANDLERS: [&str; 16] = [
    "proxy_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "grpc_pass",
    "memcached_pass",
    "tunnel_pass",
    "stub_status",
    "empty_gif",
    "flv",
    "mp4",
    "perl",
    "js_content",
    "content_by_lua_block",
    "content_by_lua_file",
    "content_by_lua",
];

/// Directives that answer, or lead elsewhere, or say which files are meant, or
/// who may have them: a location with one of these was thought about.
const ANSWERS_OR_FILES: [&str; 22] = [
    "return",
    "rewrite",
    "if",
    "break",
    "try_files",
    "root",
    "alias",
    "index",
    "autoindex",
    "random_index",
    "dav_methods",
    "error_page",
    "internal",
    "deny",
    "location",
    "limit_except",
    "gzip_static",
    "image_filter",
    "xslt_stylesheet",
    "open_file_cache",
    "disable_symlinks",
    "post_action",
];

/// For each name of the catalog, whether it is that of a handler.
fn handler_names() -> &'static [bool] {
    static NAMES: LazyLock<Vec<bool>> = LazyLock::new(|| {
        let mut names = vec![false; catalog::name_count()];
        HANDLERS.iter().filter_map(|name| catalog::name_index(name)).for_each(|name| names[usize::from(name)] = true);
        names
    });
    &NAMES
}

/// Regular expressions that every path matches.
const EVERY_PATH: [&str; 12] =
    ["^", "^/", "/", ".*", "^.*", "^.*$", "(.*)", "^(.*)", "^(.*)$", "^/(.*)", "^/(.*)$", "^/.*$"];

impl<'m> Block<'m> {
    /// The handlers right in this block, in order: the last one counts.
    pub fn handlers(self) -> Vec<Directive<'m>> {
        let mut found: Vec<Directive<'m>> = Vec::new();
        for directive in self.directives_by_name().filter(|directive| directive.is_named_among(handler_names())) {
            // Of the same one twice, which nginx refuses, the last.
            found.retain(|known| known.name() != directive.name());
            found.push(directive);
        }
        found.sort_unstable_by_key(|directive| directive.id());
        found
    }

    /// Whether a location says nothing at all about how its requests are
    /// answered, so that nginx looks for a file.
    pub fn is_left_to_files(self) -> bool {
        let is_silent = |directive: Directive<'_>| {
            let is_known = directive.definition().is_some_and(|it| it.module.origin == Origin::OpenSource);
            let name = directive.name();
            is_known && !HANDLERS.contains(&name) && !ANSWERS_OR_FILES.contains(&name)
        };
        self.is(Context::Location)
            && !HANDLERS.iter().chain(&ANSWERS_OR_FILES).any(|name| self.is_unseen_for(name))
            && self.directives_by_name().all(|directive| directive.include().is_some() || is_silent(directive))
    }

    /// Whether some `error_page` in force is about files that are not there.
    pub fn catches_missing_files(self) -> bool {
        let pages = self.effective_list("error_page");
        !pages.complete || pages.directives.iter().any(|page| page.has_flag("404") || page.has_flag("403"))
    }
}

/// The directive of the rewrite module right in this block that answers every
/// request which gets there, before any handler is asked: a `return`, or a
/// `rewrite` of every path that redirects.
pub fn find_answer(block: Block<'_>) -> Option<Directive<'_>> {
    if (block.directive("return").is_none() && block.directive("rewrite").is_none()) || block.is_unseen_for("break") {
        return None;
    }
    let names = ["return", "rewrite", "break", "if"];
    let mut steps: Vec<Directive<'_>> = names.iter().flat_map(|name| block.directives(name)).collect();
    steps.sort_unstable_by_key(|directive| directive.id());
    for step in steps.into_iter().filter(|step| step.is_read()) {
        let redirects = step.name() == "rewrite" && redirects(step);
        let is_for_all = step.argument(0).is_some_and(|pattern| EVERY_PATH.contains(&pattern));
        if step.name() == "return" || (redirects && is_for_all) {
            return Some(step);
        }
        if !redirects && may_stop(step) {
            return None;
        }
    }
    None
}

/// Whether what follows a step may not be carried out any more.
fn may_stop(step: Directive<'_>) -> bool {
    match step.name() {
        "break" => true,
        "rewrite" => matches!(step.argument(2), Some("last" | "break")),
        _ => step.block().is_none_or(|block| {
            block.is_unseen_for("break")
                || ["break", "rewrite", "if"].iter().any(|name| block.directives(name).any(may_stop))
        }),
    }
}

/// Whether a `rewrite` that matches sends a redirect.
fn redirects(rewrite: Directive<'_>) -> bool {
    let flag = rewrite.argument(2);
    let to = rewrite.argument(1).unwrap_or_default();
    matches!(flag, Some("permanent" | "redirect"))
        || ["http://", "https://", "$scheme"].iter().any(|start| to.starts_with(start))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Model, Profile};
    use super::*;
    use crate::tree::{self, Memory, Places};

    /// What is found for the first location of a server with this text in it.
    fn with_location<T>(text: &str, ask: impl Fn(Block<'_>) -> T) -> T {
        let entry = Path::new("/etc/nginx/nginx.conf");
        let text = format!("http {{ server {{ location / {{ {text} }} }} }}");
        let files: Memory = [(entry, text.into_bytes())].into_iter().collect();
        let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let location = model.blocks().find(|block| block.is(Context::Location));
        ask(location.expect("a location"))
    }

    #[test]
    fn what_answers_every_request_is_found() {
        let table = [
            ("return 404;", Some("return")),
            ("set $a b; proxy_pass http://a; return 404;", Some("return")),
            ("if ($a) { return 403; } return 404;", Some("return")),
            ("if ($a) { return 403; }", None),
            ("if ($a) { break; } return 404;", None),
            ("if ($a) { rewrite ^ /b last; } return 404;", None),
            ("if ($a) { rewrite ^ https://b/ permanent; } return 404;", Some("return")),
            ("break; return 404;", None),
            ("rewrite ^/a /b break; return 404;", None),
            ("rewrite ^/a /b; return 404;", Some("return")),
            ("rewrite ^/a /b redirect; return 404;", Some("return")),
            ("rewrite ^ https://b$request_uri;", Some("rewrite")),
            ("rewrite ^/(.*)$ /b/$1 permanent;", Some("rewrite")),
            ("rewrite ^/(.*)$ /b/$1 last;", None),
            ("rewrite ^/a$ /b permanent;", None),
            ("", None),
        ];
        for (text, expected) in table {
            let found = with_location(text, |block| find_answer(block).map(|answer| answer.name().to_owned()));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_last_handler_counts() {
        let text = "proxy_pass http://a; empty_gif; fastcgi_pass b;";
        let names =
            with_location(text, |block| block.handlers().iter().map(|it| it.name().to_owned()).collect::<Vec<_>>());
        assert_eq!(names, ["proxy_pass", "empty_gif", "fastcgi_pass"]);
        let table = [
            ("expires 1d; proxy_read_timeout 5s;", true),
            ("", true),
            ("root /a;", false),
            ("empty_gif;", false),
            ("some_module on;", false),
            ("echo a;", false),
        ];
        for (text, expected) in table {
            assert_eq!(with_location(text, |block| block.is_left_to_files()), expected, "{text}");
        }
    }
}
