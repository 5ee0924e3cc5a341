//! What stands behind the word `location`: how it is compared, and with what.
//!
//! Reads the head of one block; which location a request gets is not decided
//! here.

use super::{Block, Directive};
use crate::catalog::Context;

/// How a location is compared with the path of a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LocationKind {
    /// `=`: the path is this text.
    Exact,
    /// The path begins with this text.
    Prefix,
    /// `^~`: as [`LocationKind::Prefix`], and regular expressions are not tried any more.
    PrefixWithoutRegex,
    /// `~`, or `~*` in any case: the path matches this regular expression.
    Regex {
        /// Upper and lower case are the same.
        caseless: bool,
    },
    /// `@name`: only nginx itself goes there.
    Named,
}

/// The head of a location.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocationHead<'m> {
    /// How it is compared.
    pub kind: LocationKind,
    /// What with, without the modifier; of a named one the name with its `@`.
    pub pattern: &'m str,
    /// The argument in which the pattern stands.
    pub argument: usize,
    /// The byte of that argument at which the pattern begins: a modifier may
    /// be glued to it.
    pub start: usize,
}

/// Why a location has no head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocationError<'m> {
    /// A first word that is no modifier.
    Modifier(&'m str),
    /// Not one or two words behind the name.
    Arguments,
}

/// The modifiers, a longer one before what it begins with.
const MODIFIERS: [(&str, LocationKind); 4] = [
    ("=", LocationKind::Exact),
    ("^~", LocationKind::PrefixWithoutRegex),
    ("~*", LocationKind::Regex { caseless: true }),
    ("~", LocationKind::Regex { caseless: false }),
];

impl<'m> LocationHead<'m> {
    /// The head of this location.
    ///
    /// # Errors
    ///
    /// It has none that nginx takes.
    pub fn of(directive: Directive<'m>) -> Result<LocationHead<'m>, LocationError<'m>> {
        match (directive.argument_count(), directive.argument(0), directive.argument(1)) {
            (1, Some(word), _) => Ok(LocationHead::of_one_word(word)),
            (2, Some(modifier), Some(pattern)) => LocationHead::of_two_words(modifier, pattern),
            _ => Err(LocationError::Arguments),
        }
    }

    /// The head of the location whose block this is; none for other blocks,
    /// and for one that cannot be read.
    pub fn of_block(block: Block<'m>) -> Option<LocationHead<'m>> {
        let head = block.head().filter(|_| block.is(Context::Location))?;
        LocationHead::of(head).ok()
    }

    /// Whether it is given by a regular expression.
    pub fn is_regex(&self) -> bool {
        matches!(self.kind, LocationKind::Regex { .. })
    }

    /// A modifier that is glued to its pattern, or none. A name needs its `@`
    /// in front.
    fn of_one_word(word: &'m str) -> LocationHead<'m> {
        let glued = MODIFIERS.iter().find(|(modifier, _)| word.starts_with(modifier));
        let (kind, start) = match glued {
            Some((modifier, kind)) => (*kind, modifier.len()),
            None if word.starts_with('@') => (LocationKind::Named, 0),
            None => (LocationKind::Prefix, 0),
        };
        LocationHead { kind, pattern: &word[start..], argument: 0, start }
    }

    /// Behind a modifier an `@` is nothing special.
    fn of_two_words(modifier: &'m str, pattern: &'m str) -> Result<LocationHead<'m>, LocationError<'m>> {
        let known = MODIFIERS.iter().find(|(known, _)| *known == modifier);
        let (_, kind) = known.ok_or(LocationError::Modifier(modifier))?;
        Ok(LocationHead { kind: *kind, pattern, argument: 1, start: 0 })
    }
}

impl<'m> Block<'m> {
    /// The names of the named locations right in this server, with their `@`.
    pub fn named_locations(self) -> impl Iterator<Item = &'m str> {
        let heads = self.directives("location").filter_map(|location| LocationHead::of(location).ok());
        heads.filter(|head| head.kind == LocationKind::Named).map(|head| head.pattern)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LocationError, LocationHead, LocationKind};
    use crate::catalog::{Context, Family};
    use crate::model::{Model, Profile};
    use crate::tree::{self, Memory, Places};

    #[test]
    fn heads_are_read_as_nginx_reads_them() {
        use LocationKind::{Exact, Named, Prefix, PrefixWithoutRegex, Regex};
        let table = [
            ("/a", Prefix, "/a"),
            ("", Prefix, ""),
            ("a", Prefix, "a"),
            ("=/a", Exact, "/a"),
            ("=", Exact, ""),
            ("^~/a", PrefixWithoutRegex, "/a"),
            ("~a$", Regex { caseless: false }, "a$"),
            ("~*a$", Regex { caseless: true }, "a$"),
            ("~", Regex { caseless: false }, ""),
            ("=~a", Exact, "~a"),
            ("@a", Named, "@a"),
            ("!/a", Prefix, "!/a"),
        ];
        for (word, kind, pattern) in table {
            let head = LocationHead::of_one_word(word);
            assert_eq!((head.kind, head.pattern), (kind, pattern), "{word}");
        }
        let table = [
            ("=", Ok(Exact)),
            ("^~", Ok(PrefixWithoutRegex)),
            ("~", Ok(Regex { caseless: false })),
            ("~*", Ok(Regex { caseless: true })),
            ("=~", Err(LocationError::Modifier("=~"))),
            ("", Err(LocationError::Modifier(""))),
            ("/a", Err(LocationError::Modifier("/a"))),
        ];
        for (modifier, expected) in table {
            let kind = LocationHead::of_two_words(modifier, "@a").map(|head| head.kind);
            assert_eq!(kind, expected, "{modifier}");
        }
    }

    #[test]
    fn paths_lead_to_locations_and_names_to_those_of_their_server() {
        let path = Path::new("nginx.conf");
        let text = "http { server {
            location / { proxy_pass http://a; location /in/ { } }
            location = /exact { }
            location ~ [.]php$ { }
            location /slash/ { proxy_pass http://a; }
            location @one { }
            location @two { }
        } }";
        let files: Memory = [(path, text)].into_iter().collect();
        let places = Places::of_entry(path, Path::new("/nginx.conf"));
        let tree = tree::load(&files, path, &places).expect("the file is there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let server = model.servers(Family::Http).next().expect("it is there");
        assert_eq!(server.named_locations().collect::<Vec<_>>(), ["@one", "@two"]);
        let table = [
            ("/", Some("/")),
            ("/50x.html", Some("/")),
            ("/in/x", Some("/in/")),
            ("/exact", Some("/exact")),
            ("/exact/a.php", Some("[.]php$")),
            ("none", None),
            // A redirect.
            ("/slash", None),
        ];
        for (path, expected) in table {
            let found = server.location_of_path(path).and_then(LocationHead::of_block);
            assert_eq!(found.map(|head| head.pattern), expected, "{path}");
        }
    }
}
