//! Places of a configuration where directives may stand.

use std::fmt;

/// The kinds of modules. Each has its own blocks, and http and stream each their own variables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// nginx itself: what stands outside of all blocks.
    Core,
    /// `events {}`.
    Events,
    /// `http {}` and all below.
    Http,
    /// `stream {}` and all below.
    Stream,
    /// `mail {}` and all below.
    Mail,
    /// A family that a module brings itself, such as rtmp.
    Foreign,
}

/// A place where a directive may stand: the kind of block around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Context {
    /// Outside of all blocks.
    Main,
    /// `events {}`.
    Events,
    /// `http {}`.
    Http,
    /// `server {}` in `http {}`.
    Server,
    /// `location {}`, nested or not.
    Location,
    /// `if {}` in a server.
    IfInServer,
    /// `if {}` in a location.
    IfInLocation,
    /// `limit_except {}`.
    LimitExcept,
    /// `upstream {}` in `http {}`.
    Upstream,
    /// `stream {}`.
    Stream,
    /// `server {}` in `stream {}`.
    StreamServer,
    /// `upstream {}` in `stream {}`.
    StreamUpstream,
    /// `mail {}`.
    Mail,
    /// `server {}` in `mail {}`.
    MailServer,
    /// A block that only a module outside of nginx knows, such as `mgmt {}`, `oidc_provider {}` or
    /// `rtmp {}`. They are few and rare, so all of them are one context.
    Foreign,
}

impl Context {
    /// All contexts.
    pub const ALL: [Self; 15] = [
        Self::Main,
        Self::Events,
        Self::Http,
        Self::Server,
        Self::Location,
        Self::IfInServer,
        Self::IfInLocation,
        Self::LimitExcept,
        Self::Upstream,
        Self::Stream,
        Self::StreamServer,
        Self::StreamUpstream,
        Self::Mail,
        Self::MailServer,
        Self::Foreign,
    ];

    /// What messages call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Events => "events",
            Self::Http => "http",
            Self::Server => "server",
            Self::Location => "location",
            Self::IfInServer => "if in server",
            Self::IfInLocation => "if in location",
            Self::LimitExcept => "limit_except",
            Self::Upstream => "upstream",
            Self::Stream => "stream",
            Self::StreamServer => "stream server",
            Self::StreamUpstream => "stream upstream",
            Self::Mail => "mail",
            Self::MailServer => "mail server",
            Self::Foreign => "a block of another module",
        }
    }

    /// The family whose directives stand here.
    pub const fn family(self) -> Family {
        match self {
            Self::Main => Family::Core,
            Self::Events => Family::Events,
            Self::Http
            | Self::Server
            | Self::Location
            | Self::IfInServer
            | Self::IfInLocation
            | Self::LimitExcept
            | Self::Upstream => Family::Http,
            Self::Stream | Self::StreamServer | Self::StreamUpstream => Family::Stream,
            Self::Mail | Self::MailServer => Family::Mail,
            Self::Foreign => Family::Foreign,
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A set of contexts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Contexts(u16);

impl Contexts {
    /// No context.
    pub const NONE: Self = Self(0);

    /// Every context.
    pub const ALL: Self = Self::of(&Context::ALL);

    /// The set of these contexts.
    pub const fn of(contexts: &[Context]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        // `for` does not exist in a const fn.
        while at < contexts.len() {
            bits |= 1 << contexts[at] as u16;
            at += 1;
        }
        Self(bits)
    }

    /// Whether the context is one of them.
    pub const fn contains(self, context: Context) -> bool {
        self.0 & 1 << context as u16 != 0
    }

    /// The contexts of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The contexts that both sets have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The contexts, from the outer to the inner ones.
    pub fn iter(self) -> impl Iterator<Item = Context> {
        Context::ALL.into_iter().filter(move |context| self.contains(*context))
    }
}

impl FromIterator<Context> for Contexts {
    fn from_iter<I: IntoIterator<Item = Context>>(contexts: I) -> Self {
        contexts.into_iter().fold(Self::NONE, |all, context| all.union(Self::of(&[context])))
    }
}

impl fmt::Display for Contexts {
    /// `http, server, location`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, context) in self.iter().enumerate() {
            if position > 0 {
                formatter.write_str(", ")?;
            }
            formatter.write_str(context.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Contexts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}
