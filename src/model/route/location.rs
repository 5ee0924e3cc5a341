//! Which location a path leads to (`ngx_http_core_find_location`).

use super::super::{Block, LocationHead, LocationKind, Regex, compile_regex};
use super::text::bytes_of;

/// What became of a location that was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The request goes there.
    Taken,
    /// It fits, and a longer one does, too; or a regular expression wins.
    Fits,
    /// Its regular expression does not match.
    DoesNotMatch,
    /// Its regular expression is not tried any more.
    NotTried,
}

/// A location that was looked at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Candidate<'m> {
    /// Its block.
    pub block: Block<'m>,
    /// What became of it.
    pub fate: Fate,
}

/// Why a location was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocationRule {
    /// `=`: nothing else is looked at.
    Exact,
    /// The longest prefix, and no regular expression matches.
    LongestPrefix,
    /// The longest prefix has `^~`: no regular expression is tried.
    PrefixWithoutRegex,
    /// The first regular expression that matches.
    Regex,
    /// The path lacks the slash at the end of a location that passes requests
    /// on.
    MissingSlash,
    /// No location fits.
    None,
}

/// What the search found.
#[derive(Clone, PartialEq, Debug)]
pub struct Found<'m> {
    /// The block of the location; of the server when none fits.
    pub block: Block<'m>,
    /// Why.
    pub rule: LocationRule,
    /// What was looked at, in this order.
    pub candidates: Vec<Candidate<'m>>,
    /// A regular expression could not be compiled, or a location could not be
    /// read: the result may be wrong.
    pub uncertain: bool,
}

/// What one level of the search came to.
enum Outcome {
    Declined,
    /// A prefix; nested locations may follow.
    Prefix,
    /// Final.
    Final,
    /// The slash at the end is missing.
    Redirect,
}

/// So deep locations are looked for in locations. Nobody nests them so, and
/// the stack has an end.
const DEEPEST: usize = 200;

/// Looks for the location of a path below a server. `on_match` is told of
/// every regular expression that matches.
pub(super) fn find<'m>(server: Block<'m>, path: &[u8], on_match: &mut dyn FnMut(&Regex, &[u8])) -> Found<'m> {
    let mut search = Search {
        found: Found { block: server, rule: LocationRule::None, candidates: Vec::new(), uncertain: false },
        path,
        depth: 0,
        on_match,
    };
    let outcome = search.level(server);
    if matches!(outcome, Outcome::Redirect) {
        search.found.rule = LocationRule::MissingSlash;
    }
    let mut found = search.found;
    for candidate in &mut found.candidates {
        if candidate.block == found.block {
            candidate.fate = Fate::Taken;
        }
    }
    found
}

struct Search<'m, 'p> {
    found: Found<'m>,
    path: &'p [u8],
    depth: usize,
    on_match: &'p mut dyn FnMut(&Regex, &[u8]),
}

impl<'m> Search<'m, '_> {
    fn level(&mut self, parent: Block<'m>) -> Outcome {
        if self.depth == DEEPEST {
            self.found.uncertain = true;
            return Outcome::Declined;
        }
        self.depth += 1;
        let outcome = self.level_below(parent);
        self.depth -= 1;
        outcome
    }

    fn level_below(&mut self, parent: Block<'m>) -> Outcome {
        let locations = self.locations(parent);
        let mut outcome = self.static_locations(&locations);
        let mut without_regex = false;
        if matches!(outcome, Outcome::Prefix) {
            without_regex = self.found.rule == LocationRule::PrefixWithoutRegex;
            outcome = self.level(self.found.block);
        }
        if matches!(outcome, Outcome::Final | Outcome::Redirect) {
            return outcome;
        }
        let mut regexes = locations.iter().filter(|(_, head)| head.is_regex());
        if !without_regex {
            for (block, head) in regexes.by_ref() {
                if !self.matches(head) {
                    self.found.candidates.push(Candidate { block: *block, fate: Fate::DoesNotMatch });
                    continue;
                }
                self.take(*block, LocationRule::Regex);
                // A slash that is missing in there makes no redirect.
                self.level(*block);
                outcome = Outcome::Final;
                break;
            }
        }
        let rest = regexes.map(|(block, _)| Candidate { block: *block, fate: Fate::NotTried });
        self.found.candidates.extend(rest);
        outcome
    }

    fn locations(&mut self, parent: Block<'m>) -> Vec<(Block<'m>, LocationHead<'m>)> {
        let mut locations = Vec::new();
        for directive in parent.directives("location") {
            let Some(block) = directive.block() else { continue };
            match LocationHead::of(directive) {
                Ok(head) => locations.push((block, head)),
                Err(_) => self.found.uncertain = true,
            }
        }
        self.found.uncertain |= parent.is_unseen_for("location");
        locations
    }

    fn static_locations(&mut self, locations: &[(Block<'m>, LocationHead<'m>)]) -> Outcome {
        let is_prefix = |kind: LocationKind| matches!(kind, LocationKind::Prefix | LocationKind::PrefixWithoutRegex);
        let is_path = |head: &LocationHead<'_>| bytes_of(head.pattern) == self.path;
        let exact = locations.iter().find(|(_, head)| head.kind == LocationKind::Exact && is_path(head));
        if let Some((block, _)) = exact {
            self.take(*block, LocationRule::Exact);
            return Outcome::Final;
        }
        let mut prefixes: Vec<_> = locations
            .iter()
            .filter(|(_, head)| is_prefix(head.kind) && self.path.starts_with(&bytes_of(head.pattern)))
            .collect();
        prefixes.sort_by_key(|(_, head)| head.pattern.len());
        let longest = prefixes.pop();
        self.found.candidates.extend(prefixes.iter().map(|(block, _)| Candidate { block: *block, fate: Fate::Fits }));
        let whole = longest.is_some_and(|(_, head)| is_path(head));
        if !whole && let Some(block) = self.missing_slash(locations) {
            if let Some((block, _)) = longest {
                self.found.candidates.push(Candidate { block: *block, fate: Fate::Fits });
            }
            self.take(block, LocationRule::LongestPrefix);
            return Outcome::Redirect;
        }
        let Some((block, head)) = longest else { return Outcome::Declined };
        let rule = match head.kind {
            LocationKind::PrefixWithoutRegex => LocationRule::PrefixWithoutRegex,
            _ => LocationRule::LongestPrefix,
        };
        self.take(*block, rule);
        Outcome::Prefix
    }

    /// The location that is this path and a slash, if it, or one of the same
    /// text, passes requests on.
    fn missing_slash(&self, locations: &[(Block<'m>, LocationHead<'m>)]) -> Option<Block<'m>> {
        let is_it = |head: &LocationHead<'_>| {
            let pattern = bytes_of(head.pattern);
            pattern.strip_suffix(b"/") == Some(self.path) && !head.is_regex() && head.kind != LocationKind::Named
        };
        let same: Vec<_> = locations.iter().filter(|(_, head)| is_it(head)).collect();
        if !same.iter().any(|(block, _)| passes_on(*block)) {
            return None;
        }
        let exact = same.iter().find(|(_, head)| head.kind == LocationKind::Exact);
        exact.or(same.first()).map(|(block, _)| *block)
    }

    fn take(&mut self, block: Block<'m>, rule: LocationRule) {
        self.found.block = block;
        self.found.rule = rule;
        self.found.candidates.push(Candidate { block, fate: Fate::Fits });
    }

    fn matches(&mut self, head: &LocationHead<'_>) -> bool {
        let caseless = head.kind == LocationKind::Regex { caseless: true };
        let Ok(regex) = compile_regex(head.pattern, caseless) else {
            self.found.uncertain = true;
            return false;
        };
        let matches = regex.captures(self.path).is_some();
        if matches {
            (self.on_match)(&regex, self.path);
        }
        matches
    }
}

/// Whether a directive right in this block makes nginx ask for the slash.
fn passes_on(block: Block<'_>) -> bool {
    super::super::PASS_NAMES.iter().any(|name| block.directive(name).is_some())
}

/// The named location of a server.
pub(super) fn find_named<'m>(server: Block<'m>, name: &[u8]) -> Option<Block<'m>> {
    let mut locations = server.directives("location").filter_map(|directive| {
        let head = LocationHead::of(directive).ok()?;
        (head.kind == LocationKind::Named && bytes_of(head.pattern) == name).then(|| directive.block())?
    });
    locations.next()
}
