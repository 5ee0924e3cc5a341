//! The way of a request in words: one sentence for each thing that happened.

use crate::model::Directive;
use crate::model::route::{
    Answer, Assumption, Candidate, End, Fate, LocationRule, Pass, Reason, ServerRule, Step, Text, Unknown, What,
};
use crate::source::one_line;

/// A directive as it is written, on one line.
pub fn written(directive: Directive<'_>) -> String {
    let place = directive.place().location;
    let text = directive.model().source(place.file).slice(place.span);
    one_line(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// File and line of a directive.
pub fn place(directive: Directive<'_>) -> (String, u32) {
    let place = directive.place().location;
    let source = directive.model().source(place.file);
    (source.to_string(), source.line(place.span.start))
}

/// A path, where an empty one has to be seen.
fn quoted(text: &Text) -> String {
    if text.is_empty() { "\"\"".to_owned() } else { text.to_string() }
}

/// What a step is called in JSON.
pub fn kind_of_step(what: &What<'_>) -> &'static str {
    match what {
        What::Listener { .. } => "listener",
        What::Server { .. } => "server",
        What::Path { .. } => "path",
        What::Location { .. } => "location",
        What::LimitExcept => "limit_except",
        What::Set { .. } => "set",
        What::If { .. } => "if",
        What::NoRewrite { .. } | What::Rewrite { .. } => "rewrite",
        What::Break => "break",
        What::SearchAgain => "search-again",
        What::TryFiles { .. } => "try_files",
        What::ErrorPage { .. } => "error_page",
        What::Index { .. } => "index",
        What::Gates(_) => "gates",
    }
}

/// What happened.
pub fn step(step: &Step<'_>) -> String {
    let directive = step.directive.map(written).unwrap_or_default();
    match &step.what {
        What::Listener { listener, .. } => format!("{} takes the connection", listener.socket()),
        What::Server { host, rule, count, .. } => server(&quoted(host), rule, *count),
        What::Path { sent, path } => format!("the path of {} is {}", quoted(sent), quoted(path)),
        What::Location { rule, .. } => location(&directive, *rule),
        What::LimitExcept => format!("{directive} does not list the method: its block is in force"),
        What::Set { variable, value } => format!("${variable} is {}", quoted(value)),
        What::If { value, holds } => {
            let verdict = if *holds { "holds" } else { "does not hold" };
            format!("{directive} {verdict}: the value is {}", quoted(value))
        }
        What::NoRewrite { path } => format!("{directive} does not match {}", quoted(path)),
        What::Rewrite { path, args } if args.is_empty() => format!("{directive} makes the path {}", quoted(path)),
        What::Rewrite { path, args } => {
            format!("{directive} makes the path {} with the arguments {args}", quoted(path))
        }
        What::Break => "break ends the rewriting in this block".to_owned(),
        What::SearchAgain => "the path has changed: the search for a location starts again".to_owned(),
        What::TryFiles { to } => format!("try_files leads to {}", quoted(to)),
        What::ErrorPage { status, to } => format!("error_page takes the {status} to {}", quoted(to)),
        What::Index { to } => format!("the index leads to {}", quoted(to)),
        What::Gates(gates) => {
            let all: Vec<String> = gates.iter().map(|gate| written(*gate)).collect();
            format!("it goes on unless one of these stops it: {}", all.join("; "))
        }
    }
}

fn server(host: &str, rule: &ServerRule, count: usize) -> String {
    match rule {
        ServerRule::Only => "the server is the only one there: its names are not looked at".to_owned(),
        ServerRule::Exact(name) => format!("the server has the host {host} as a name: \"{name}\""),
        ServerRule::Leading(name) => format!("the server has the longest name that ends like {host}: \"{name}\""),
        ServerRule::Trailing(name) => format!("the server has the longest name that begins like {host}: \"{name}\""),
        ServerRule::Regex(name) => {
            format!("the server has the first regular expression that matches {host}: \"~{name}\"")
        }
        ServerRule::MarkedDefault => {
            format!("none of the {count} servers has a name for {host}: this one is the default_server")
        }
        ServerRule::FirstDefault => {
            format!("none of the {count} servers has a name for {host}: this one is the first on the address")
        }
    }
}

fn location(head: &str, rule: LocationRule) -> String {
    match rule {
        LocationRule::Exact => format!("{head} is exactly the path"),
        LocationRule::LongestPrefix => {
            format!("{head} is the longest prefix of the path, and no regular expression matches")
        }
        LocationRule::PrefixWithoutRegex => {
            format!("{head} is the longest prefix of the path, and keeps regular expressions from being tried")
        }
        LocationRule::Regex => format!("{head} is the first regular expression that matches the path"),
        LocationRule::MissingSlash => format!("{head} passes requests on, and the path lacks its slash at the end"),
        LocationRule::None => "no location fits the path: the directives of the server are in force".to_owned(),
    }
}

/// What became of a location that does not win.
pub fn fate(candidate: &Candidate<'_>) -> &'static str {
    match candidate.fate {
        Fate::Taken => "is taken",
        Fate::Fits => "fits, and does not win",
        Fate::DoesNotMatch => "does not match",
        Fate::NotTried => "is not tried any more",
    }
}

/// What a way takes to be the one.
pub fn assumption(assumption: &Assumption) -> String {
    match assumption {
        Assumption::IsFile(path) => format!("if {path} is a file"),
        Assumption::IsDirectory(path) => format!("if {path} is a directory"),
        Assumption::Exists(path) => format!("if {path} exists"),
        Assumption::IsExecutable(path) => format!("if {path} may be executed"),
        Assumption::Holds(condition) => format!("if {} holds", one_line(condition)),
        Assumption::Otherwise => "otherwise".to_owned(),
    }
}

/// What an end is called in JSON.
pub fn kind_of_end(end: &End<'_>) -> &'static str {
    match end {
        End::Answer(_) => "answer",
        End::Closed(_) => "closed",
        End::Pass(_) => "pass",
        End::File { .. } => "file",
        End::Listing { .. } => "listing",
        End::Handler(_) => "handler",
        End::Fork(_) => "fork",
        End::Unknown(_) => "unknown",
    }
}

/// The directive that made the end.
pub fn directive_of_end<'m>(end: &End<'m>) -> Option<Directive<'m>> {
    match end {
        End::Answer(answer) => answer.directive,
        End::Closed(directive) | End::File { directive, .. } | End::Listing { directive, .. } => *directive,
        End::Pass(pass) => Some(pass.directive),
        End::Handler(directive) => Some(*directive),
        End::Fork(_) | End::Unknown(_) => None,
    }
}

/// The end.
pub fn end(end: &End<'_>) -> String {
    match end {
        End::Answer(answer) => self::answer(answer),
        End::Closed(_) => "nginx closes the connection without an answer".to_owned(),
        End::Pass(pass) => self::pass(pass),
        End::File { path, status, .. } => {
            let status = status.map(|status| format!(" with the status {status}")).unwrap_or_default();
            format!("nginx sends the file {path}{status}, or answers 404 when it is not there")
        }
        End::Listing { path, .. } => format!("nginx lists the directory {path}"),
        End::Handler(directive) => format!("{} answers", written(*directive)),
        End::Fork(ways) => {
            let values = ways.iter().any(|way| matches!(way.assumption, Assumption::Holds(_)));
            let what = if values { "something that the request does not tell" } else { "files" };
            format!("what happens now depends on {what}")
        }
        End::Unknown(unknown) => self::unknown(unknown),
    }
}

fn pass(pass: &Pass<'_>) -> String {
    let to = match &pass.group {
        Some(group) => format!("a server of the group \"{}\"", one_line(group.name())),
        None if pass.resolved_each_time => format!("{}, whose name is looked up each time", pass.address),
        None => pass.address.to_string(),
    };
    format!("{} sends it to {to}", written(pass.directive))
}

fn answer(answer: &Answer<'_>) -> String {
    format!("nginx answers {}{}", answer.status, reason(answer.reason))
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Directive => "",
        Reason::InvalidPath => ": the path is not valid",
        Reason::InvalidHost => ": the host is missing or not valid",
        Reason::Method => ": the method is not allowed",
        Reason::PlainHttp => ": this is plain HTTP at a port for TLS",
        Reason::Internal => ": the location is internal",
        Reason::MissingSlash => ": the slash at the end is missing",
        Reason::Cycle => ": the path has changed more than 10 times",
        Reason::NoNamedLocation => ": there is no such named location",
        Reason::EmptyPath => ": the path has become empty",
        Reason::Alias => ": alias does not work with a path that was rewritten",
        Reason::Denied => ": nobody may have it",
        Reason::NotFound => ": there is no such file",
        Reason::Directory => ": the directory has no index",
        Reason::NotDirectory => ": there is a file where a directory should be",
        Reason::InvalidTarget => ": the target cannot be read",
        Reason::NoResolver => ": the name has to be looked up each time, and there is no resolver",
    }
}

fn unknown(unknown: &Unknown) -> String {
    match unknown {
        Unknown::NoListener => "nothing listens there".to_owned(),
        Unknown::NoTls => "the port does not speak TLS: the handshake fails".to_owned(),
        Unknown::Path(path) => format!("it cannot be told where {path} leads: not all of its values are known"),
        Unknown::Target(target) => format!("it cannot be told where {target} is: not all of its values are known"),
        Unknown::TooManyForks => "too much depends on files to follow every way".to_owned(),
        Unknown::Unreadable => "a directive on the way cannot be read".to_owned(),
    }
}
