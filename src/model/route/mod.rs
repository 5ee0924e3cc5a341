//! The way of one request through the configuration: which listener, server
//! and location answer it, what the rewrite module makes of it, and what goes
//! upstream.
//!
//! Follows nginx step by step and never guesses: where files or values that
//! only the running server knows decide, the way forks. It opens nothing and
//! prints nothing. Nothing of it is computed unless somebody asks.

mod condition;
mod content;
mod facts;
mod location;
mod pass;
mod rewrite;
mod server;
mod text;
mod uri;
mod variables;
mod walk;

pub use condition::Condition;
pub use location::{Candidate, Fate, LocationRule};
pub use pass::{Header, Pass, Setting};
pub use server::ServerRule;
pub(super) use server::ServerTable;
pub use text::Text;
pub use uri::{Escape, Uri, escape, parse_host, parse_target};
pub(super) use variables::Definitions;

use super::{Block, Directive, Listener, Model, SocketAddress};

/// A request as it arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// What stands behind it in the request line.
    pub target: Vec<u8>,
    /// Names and values, `Host` included.
    pub headers: Vec<(String, String)>,
    /// It arrives over TLS.
    pub secure: bool,
    /// The address and port of nginx at which it arrives, if that is known.
    pub address: Option<SocketAddress>,
    /// Else the port alone.
    pub port: Option<u16>,
}

impl Request {
    /// The value of a header, named in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The way of a request: what happened in which order, and the end.
#[derive(Clone, Debug)]
pub struct Route<'m> {
    /// In order.
    pub steps: Vec<Step<'m>>,
    /// What the client, or the upstream, gets.
    pub end: End<'m>,
    /// The block whose directives are in force at the end; none when the
    /// request did not come so far.
    pub block: Option<Block<'m>>,
    /// The header `Location` as the client gets it, of nginx's own. It stays
    /// even when an error page makes another answer of a redirect.
    pub location: Option<Text>,
}

/// One thing that happened, and the directive that made it happen.
#[derive(Clone, Debug)]
pub struct Step<'m> {
    /// None where the request alone decided.
    pub directive: Option<Directive<'m>>,
    /// What happened.
    pub what: What<'m>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What<'m> {
    /// A listener took the connection.
    Listener {
        /// It.
        listener: Listener<'m>,
        /// Others with the same port, which another local address would lead
        /// to.
        others: Vec<Listener<'m>>,
    },
    /// A server was chosen.
    Server {
        /// It.
        server: Block<'m>,
        /// The host as servers are looked for.
        host: Text,
        /// Why.
        rule: ServerRule,
        /// How many servers share the listener.
        count: usize,
    },
    /// The path was decoded and normalised.
    Path {
        /// As sent.
        sent: Text,
        /// What locations are compared with.
        path: Text,
    },
    /// A location was looked for.
    Location {
        /// The location; the server when none fits.
        block: Block<'m>,
        /// Why.
        rule: LocationRule,
        /// What was looked at.
        candidates: Vec<Candidate<'m>>,
        /// Some files with locations were not seen.
        uncertain: bool,
    },
    /// `limit_except` is in force for this method.
    LimitExcept,
    /// `set`
    Set {
        /// Without `$`.
        variable: String,
        /// Its value from here on.
        value: Text,
    },
    /// `if`
    If {
        /// What was compared.
        value: Text,
        /// Whether the block is in force.
        holds: bool,
    },
    /// `rewrite` whose regular expression does not match.
    NoRewrite {
        /// What was compared.
        path: Text,
    },
    /// `rewrite`
    Rewrite {
        /// The path from here on.
        path: Text,
        /// The arguments from here on.
        args: Text,
    },
    /// `break`
    Break,
    /// The search for a location starts again with the new path.
    SearchAgain,
    /// `try_files` came to its last argument, or found a file.
    TryFiles {
        /// What it leads to.
        to: Text,
    },
    /// `error_page` handles a status.
    ErrorPage {
        /// The status.
        status: u16,
        /// Where it leads.
        to: Text,
    },
    /// A file of `index` is there.
    Index {
        /// The new path.
        to: Text,
    },
    /// Directives that may stop the request for reasons that the request
    /// itself does not tell.
    Gates(Vec<Directive<'m>>),
}

/// The end of a way.
#[derive(Clone, Debug)]
pub enum End<'m> {
    /// nginx answers by itself.
    Answer(Answer<'m>),
    /// nginx closes the connection without an answer.
    Closed(Option<Directive<'m>>),
    /// The request goes to another server.
    Pass(Box<Pass<'m>>),
    /// A file is sent; 404 when it is not there, a redirect to the path with a
    /// slash when it is a directory.
    File {
        /// Its path.
        path: Text,
        /// `root` or `alias`; none for the default.
        directive: Option<Directive<'m>>,
        /// The status of an error page, which a file gets instead of 200.
        status: Option<u16>,
        /// The value of `Location` if it is a directory.
        directory: Text,
    },
    /// The listing of a directory.
    Listing {
        /// Its path.
        path: Text,
        /// `autoindex`
        directive: Option<Directive<'m>>,
    },
    /// Another handler makes the answer: `stub_status`, Lua.
    Handler(Directive<'m>),
    /// What happens depends on something that is not known: the first way
    /// whose assumption holds.
    Fork(Vec<Way<'m>>),
    /// It cannot be told.
    Unknown(Unknown),
}

/// An answer of nginx's own.
#[derive(Clone, Debug)]
pub struct Answer<'m> {
    /// Its status.
    pub status: u16,
    /// The body, where the configuration gives it.
    pub body: Option<Text>,
    /// Why.
    pub reason: Reason,
    /// The directive that decided.
    pub directive: Option<Directive<'m>>,
}

/// Why nginx answers by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A directive says so.
    Directive,
    /// The path is not valid.
    InvalidPath,
    /// The header `Host` is missing, twice there or not valid.
    InvalidHost,
    /// The method is not for nginx.
    Method,
    /// Plain HTTP at a port for TLS.
    PlainHttp,
    /// The location is for internal redirects alone.
    Internal,
    /// The location ends in a slash and the path does not.
    MissingSlash,
    /// Too many rewrites and internal redirects.
    Cycle,
    /// A named location that is not there.
    NoNamedLocation,
    /// A path that became empty.
    EmptyPath,
    /// `alias` in a location that the rewritten path did not lead to.
    Alias,
    /// `deny all`
    Denied,
    /// No file is there.
    NotFound,
    /// A directory without index.
    Directory,
    /// A file where the directory of an index should be.
    NotDirectory,
    /// A target that cannot be read.
    InvalidTarget,
    /// A name that has to be looked up for each request, without `resolver`.
    NoResolver,
}

/// One of several ways.
#[derive(Clone, Debug)]
pub struct Way<'m> {
    /// What it takes.
    pub assumption: Assumption,
    /// What happens then.
    pub route: Route<'m>,
}

/// What a way takes to be the one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Assumption {
    /// This is a file.
    IsFile(Text),
    /// This is a directory.
    IsDirectory(Text),
    /// This is a file or a directory.
    Exists(Text),
    /// This may be executed.
    IsExecutable(Text),
    /// The condition of an `if` holds: the one written there.
    Holds(String),
    /// None of the others.
    Otherwise,
}

/// Says whether an assumption holds; none where it does not know.
pub type KnownFiles<'k> = dyn Fn(&Assumption) -> Option<bool> + 'k;

/// Why it cannot be told what happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unknown {
    /// Nothing listens there, as far as can be seen.
    NoListener,
    /// TLS at a port that speaks plain HTTP.
    NoTls,
    /// The path has a value that is not known.
    Path(Text),
    /// The target has a value that is not known where it matters.
    Target(Text),
    /// Too many forks.
    TooManyForks,
    /// A regular expression or a condition that cannot be read.
    Unreadable,
}

impl<'m> Block<'m> {
    /// The location of this server that a path leads to, the server itself
    /// where none fits; none when that cannot be told.
    pub fn location_of_path(self, path: &str) -> Option<Block<'m>> {
        let found = location::find(self, path.as_bytes(), &mut |_, _| {});
        let is_certain = !found.uncertain && found.rule != LocationRule::MissingSlash;
        is_certain.then_some(found.block)
    }
}

impl<'t> Model<'t> {
    /// The way of a request.
    pub fn route(&self, request: &Request) -> Route<'_> {
        walk::walk(self, request, None)
    }

    /// The same where something is known of the files that forks are about.
    pub fn route_with_files<'m>(&'m self, request: &Request, known: &'m KnownFiles<'m>) -> Route<'m> {
        walk::walk(self, request, Some(known))
    }
}
