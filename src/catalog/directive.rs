//! What is known about a directive.

use std::fmt;

use super::context::{Context, Contexts};
use super::module::Module;
use super::value::{Expansion, ValueKind};
use super::version::Version;

/// A directive as one module defines it. Several modules may share a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Directive {
    /// Its name.
    pub name: &'static str,
    /// The module that defines it.
    pub module: &'static Module,
    /// Where it may stand.
    pub contexts: Contexts,
    /// How many arguments it takes.
    pub arguments: Arguments,
    /// What stands between its braces.
    pub body: Body,
    /// What its arguments are.
    pub value: ValueKind,
    /// Where variables are evaluated in them.
    pub variables: Expansion,
    /// What happens when it stands twice in one block.
    pub duplicate: Duplicate,
    /// What an inner block makes of it.
    pub inheritance: Inheritance,
    /// What it shares its place in nginx's memory with: of all directives of one slot, those of the
    /// innermost level that has any count. Its own name if it shares with none.
    pub slot: &'static str,
    /// The documented default: the arguments of each directive that nginx acts as if it were
    /// written. Empty if there is none. A few are prose, such as `IP address of the server`.
    pub defaults: &'static [&'static str],
    /// What the defaults were in earlier releases, the newest first.
    pub earlier_defaults: &'static [EarlierDefaults],
    /// The page that documents it; `None` if none does.
    pub page: Option<&'static str>,
    /// The feature of the build without which its module does not have it.
    pub requires: Option<&'static str>,
    /// The first release with it; `None` for 1.0.0 or earlier, and where it is not known.
    pub since: Option<Version>,
    /// What it was in earlier releases, from the oldest on.
    pub changes: &'static [Change],
    /// If it was removed, the last release that had it. Between this and `removed` can lie
    /// releases of another branch.
    pub last_in: Option<Version>,
    /// If it was removed, the first release without it.
    pub removed: Option<Version>,
    /// Set if nginx warns about every use.
    pub deprecated: Option<Deprecation>,
}

impl Directive {
    /// Whether it opens a block.
    pub fn is_block(&self) -> bool {
        self.body != Body::None
    }

    /// The context inside its block when it stands in `outer`; `None` if no directives stand there.
    pub fn opens(&self, outer: Context) -> Option<Context> {
        match self.body {
            Body::Directives(context) => Some(context),
            Body::If if outer == Context::Server => Some(Context::IfInServer),
            Body::If => Some(Context::IfInLocation),
            Body::None | Body::Data | Body::Lua => None,
        }
    }

    /// Where its documentation is.
    pub fn url(&self) -> Option<String> {
        self.page.map(|page| format!("{page}#{}", self.name))
    }

    /// Whether this release has it, as far as the release decides.
    pub fn exists_in(&self, version: Version) -> bool {
        self.since.is_none_or(|since| since <= version) && self.removed.is_none_or(|removed| version < removed)
    }

    /// The defaults in this release.
    pub fn default_in(&self, version: Version) -> &'static [&'static str] {
        let earlier = self.earlier_defaults.iter().rev().find(|earlier| version < earlier.before);
        earlier.map_or(self.defaults, |earlier| earlier.values)
    }

    /// What it is in the newest release.
    pub fn form(&self) -> Form {
        Form { contexts: self.contexts, arguments: self.arguments, flag: self.value == ValueKind::Flag }
    }

    /// What it was in this release.
    pub fn form_in(&self, version: Version) -> Form {
        self.changes.iter().find(|change| version < change.before).map_or_else(|| self.form(), |change| change.form)
    }
}

/// The parts of a directive that changed from release to release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    /// Where it may stand.
    pub contexts: Contexts,
    /// How many arguments it takes.
    pub arguments: Arguments,
    /// Whether its one argument must be `on` or `off`.
    pub flag: bool,
}

/// What a directive was before a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// The first release that no longer has this form.
    pub before: Version,
    /// The form until then.
    pub form: Form,
}

/// The defaults of a directive before a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EarlierDefaults {
    /// The first release that no longer has them.
    pub before: Version,
    /// As in [`Directive::defaults`].
    pub values: &'static [&'static str],
}

/// nginx takes the directive, and warns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deprecation {
    /// The first release that warns, if it is known.
    pub since: Option<Version>,
    /// The directive to write instead, if there is one.
    pub instead: Option<&'static str>,
}

/// What stands between the braces of a directive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// It has no braces.
    None,
    /// The directives of this context.
    Directives(Context),
    /// The directives of [`Context::IfInServer`] or [`Context::IfInLocation`], as it stands itself.
    If,
    /// Lines that look like directives and are not: `map`, `geo`, `types` ...
    Data,
    /// Lua, up to the brace that matches; not tokens of nginx.
    Lua,
}

/// What nginx does when a directive stands twice in one block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Duplicate {
    /// Not known.
    Unknown,
    /// It refuses the configuration.
    Error,
    /// It refuses the configuration if both name the same zone, else both count.
    ErrorSameZone,
    /// Both count.
    Accumulate,
    /// Both count; it warns about words that both have.
    WarnPerValue,
    /// It warns; the last one counts.
    Warn,
    /// The last one counts.
    LastWins,
    /// The second one changes nothing.
    Ignored,
}

/// What an inner block makes of a directive of an outer one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Inheritance {
    /// Not known.
    Unknown,
    /// It is in force unless the inner block has its own.
    Override,
    /// All the directives of the outer block are in force, unless the inner block has a single one.
    ReplaceAll,
    /// It acts only where it stands.
    None,
    /// It is carried out where it stands; what outer blocks say was carried out before.
    Sequence,
    /// It answers requests for the location it stands in; of what stands inside, only an `if` keeps
    /// it.
    IntoIf,
    /// The same, but a `limit_except` keeps it too: both are locations without a name.
    IntoUnnamed,
    /// There is no inner block that could inherit it.
    NotApplicable,
}

/// How many arguments a directive takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arguments(u16);

impl Arguments {
    /// nginx counts up to seven; beyond, a directive takes any number or none.
    const COUNTED: usize = 7;
    const MORE: u16 = 1 << 15;

    /// Bit n: it takes n arguments; the highest bit: it takes any number above seven.
    pub(super) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Whether it takes this many.
    pub const fn accept(self, count: usize) -> bool {
        if count > Self::COUNTED { self.0 & Self::MORE != 0 } else { self.0 & 1 << count != 0 }
    }

    /// The fewest it takes.
    pub const fn min(self) -> usize {
        self.0.trailing_zeros() as usize
    }

    /// The most it takes; `None` if there is no limit.
    pub const fn max(self) -> Option<usize> {
        if self.0 & Self::MORE != 0 { None } else { Some(self.0.ilog2() as usize) }
    }
}

impl fmt::Display for Arguments {
    /// `2`, `1-3`, `1,3` or `1+`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(max) = self.max() else {
            return write!(formatter, "{}+", self.min());
        };
        let counts: Vec<usize> = (self.min()..=max).filter(|n| self.accept(*n)).collect();
        for (position, run) in counts.chunk_by(|a, b| a + 1 == *b).enumerate() {
            let comma = if position > 0 { "," } else { "" };
            match run {
                [first, .., last] => write!(formatter, "{comma}{first}-{last}")?,
                _ => write!(formatter, "{comma}{}", run[0])?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Arguments({self})")
    }
}
