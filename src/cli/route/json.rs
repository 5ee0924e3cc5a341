//! The way of a request as one JSON document, version 1 of its schema:
//!
//! ```text
//! {"schema": 1, "tool": {"name", "version"},
//!  "request": {"method", "target", "headers": [{"name", "value"}], "secure"},
//!  "routes": [ROUTE with "configuration": its main file]}
//!
//! ROUTE = {"steps": [STEP], "end": END, "location": the header of nginx's own, or null}
//! PLACE = {"path", "line", "text"}: a directive and where it stands; lines count from 1
//! STEP  = {"step": a kind, "text": a sentence, "at": PLACE or null, and facts of the kind}
//!   listener  "address", "others": [addresses with the same port]
//!   server    "host", "rule": only|exact|leading-wildcard|trailing-wildcard|regex|
//!             marked-default|first-default, "name" or null
//!   path      "sent", "path"
//!   location  "rule": exact|longest-prefix|prefix-without-regex|regex|missing-slash|none,
//!             "candidates": [{"at", "fate": taken|fits|does-not-match|not-tried}], "uncertain"
//!   set       "variable", "value"
//!   if        "value", "holds"
//!   rewrite   "matches", "uri", "args"
//!   try_files, error_page, index   "to"; error_page has "status", too
//!   gates     "gates": [PLACE]
//!   limit_except, break, search-again have no facts
//! END   = {"end": a kind, "text": a sentence, "at": PLACE or null, and facts of the kind}
//!   answer    "status", "body" or null, "reason"
//!   pass      "protocol", "scheme", "address", "group": {"name", "at", "servers": [PLACE],
//!             "method", "keepalive", "zone": PLACE or null} or null,
//!             "resolved_each_time", "method", "uri", "version" (null where the protocol has none),
//!             "headers", "parameters": [{"name", "value", "origin": directive|default|client, "at"}],
//!             "settings": [{"name", "value", "at": PLACE, or null for the default}],
//!             "status": the status that replaces the upstream's, or null
//!   file      "file", "status" or null
//!   listing   "file"
//!   fork      "ways": [{"assumption": {"kind": is-file|is-directory|exists|is-executable|holds|
//!             otherwise, "of": text or null}, "steps", "end", "location"}]; the first that holds is the one
//!   closed, handler, unknown have no facts
//! ```
//!
//! Values that are not known stand in texts as the names of their variables,
//! such as `$remote_addr`. Bytes that are no text are written as `\xFF`.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::model::route::{
    Assumption, End, Fate, Header, LocationRule, Pass, Reason, Request, Route, ServerRule, Setting, Step, Text, What,
};
use crate::model::{Directive, Model};

use super::words;

pub fn write(request: &Request, routes: &[(&Model<'_>, Route<'_>)], out: &mut impl Write) -> io::Result<()> {
    let headers = request.headers.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let routes = routes.iter().map(|(model, way)| {
        let mut value = route(way);
        value.insert("configuration".to_owned(), json!(super::entry(model).display().to_string()));
        Value::Object(value)
    });
    let document = json!({
        "schema": 1,
        "tool": {"name": "nginx-lint", "version": env!("CARGO_PKG_VERSION")},
        "request": {
            "method": request.method,
            "target": String::from_utf8_lossy(&request.target),
            "headers": headers.collect::<Vec<_>>(),
            "secure": request.secure,
        },
        "routes": routes.collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn route(route: &Route<'_>) -> Map<String, Value> {
    let steps: Vec<Value> = route.steps.iter().map(step).collect();
    let mut object = Map::new();
    object.insert("steps".to_owned(), Value::Array(steps));
    object.insert("end".to_owned(), end(&route.end));
    object.insert("location".to_owned(), texts(route.location.as_ref()));
    object
}

fn place(directive: Directive<'_>) -> Value {
    let (path, line) = words::place(directive);
    json!({"path": path, "line": line, "text": words::written(directive)})
}

fn at(directive: Option<Directive<'_>>) -> Value {
    directive.map_or(Value::Null, place)
}

fn texts(text: Option<&Text>) -> Value {
    text.map_or(Value::Null, |text| json!(text.to_string()))
}

/// Kind, sentence, place, and the facts.
fn with_facts(kind: (&str, &str), text: String, at: Value, facts: Value) -> Value {
    let mut object = Map::new();
    object.insert(kind.0.to_owned(), json!(kind.1));
    object.insert("text".to_owned(), json!(text));
    object.insert("at".to_owned(), at);
    if let Value::Object(facts) = facts {
        object.extend(facts);
    }
    Value::Object(object)
}

fn step(step: &Step<'_>) -> Value {
    let facts = match &step.what {
        What::Listener { listener, others } => {
            let others: Vec<String> = others.iter().map(|other| other.socket().to_string()).collect();
            json!({"address": listener.socket().to_string(), "others": others})
        }
        What::Server { host, rule, .. } => {
            let (rule, name) = server_rule(rule);
            json!({"host": host.to_string(), "rule": rule, "name": name})
        }
        What::Path { sent, path } => json!({"sent": sent.to_string(), "path": path.to_string()}),
        What::Location { rule, candidates, uncertain, .. } => {
            let candidates = candidates
                .iter()
                .map(|candidate| json!({"at": at(candidate.block.head()), "fate": fate(candidate.fate)}));
            let candidates: Vec<Value> = candidates.collect();
            json!({"rule": location_rule(*rule), "candidates": candidates, "uncertain": uncertain})
        }
        What::Set { variable, value } => json!({"variable": variable, "value": value.to_string()}),
        What::If { value, holds } => json!({"value": value.to_string(), "holds": holds}),
        What::NoRewrite { path } => json!({"matches": false, "uri": path.to_string(), "args": null}),
        What::Rewrite { path, args } => {
            json!({"matches": true, "uri": path.to_string(), "args": args.to_string()})
        }
        What::TryFiles { to } | What::Index { to } => json!({"to": to.to_string()}),
        What::ErrorPage { status, to } => json!({"status": status, "to": to.to_string()}),
        What::Gates(gates) => json!({"gates": gates.iter().map(|gate| place(*gate)).collect::<Vec<_>>()}),
        What::LimitExcept | What::Break | What::SearchAgain => Value::Null,
    };
    with_facts(("step", words::kind_of_step(&step.what)), words::step(step), at(step.directive), facts)
}

fn server_rule(rule: &ServerRule) -> (&'static str, Option<&str>) {
    match rule {
        ServerRule::Only => ("only", None),
        ServerRule::Exact(name) => ("exact", Some(name)),
        ServerRule::Leading(name) => ("leading-wildcard", Some(name)),
        ServerRule::Trailing(name) => ("trailing-wildcard", Some(name)),
        ServerRule::Regex(name) => ("regex", Some(name)),
        ServerRule::MarkedDefault => ("marked-default", None),
        ServerRule::FirstDefault => ("first-default", None),
    }
}

fn location_rule(rule: LocationRule) -> &'static str {
    match rule {
        LocationRule::Exact => "exact",
        LocationRule::LongestPrefix => "longest-prefix",
        LocationRule::PrefixWithoutRegex => "prefix-without-regex",
        LocationRule::Regex => "regex",
        LocationRule::MissingSlash => "missing-slash",
        LocationRule::None => "none",
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Taken => "taken",
        Fate::Fits => "fits",
        Fate::DoesNotMatch => "does-not-match",
        Fate::NotTried => "not-tried",
    }
}

fn end(end: &End<'_>) -> Value {
    let facts = match end {
        End::Answer(answer) => json!({
            "status": answer.status,
            "body": texts(answer.body.as_ref()),
            "reason": reason(answer.reason),
        }),
        End::Pass(pass) => self::pass(pass),
        End::File { path, status, .. } => json!({"file": path.to_string(), "status": status}),
        End::Listing { path, .. } => json!({"file": path.to_string()}),
        End::Fork(ways) => {
            let ways = ways.iter().map(|way| {
                let mut value = route(&way.route);
                value.insert("assumption".to_owned(), assumption(&way.assumption));
                Value::Object(value)
            });
            json!({"ways": ways.collect::<Vec<_>>()})
        }
        End::Closed(_) | End::Handler(_) | End::Unknown(_) => Value::Null,
    };
    with_facts(("end", words::kind_of_end(end)), words::end(end), at(words::directive_of_end(end)), facts)
}

fn assumption(assumption: &Assumption) -> Value {
    let (kind, of) = match assumption {
        Assumption::IsFile(path) => ("is-file", Some(path.to_string())),
        Assumption::IsDirectory(path) => ("is-directory", Some(path.to_string())),
        Assumption::Exists(path) => ("exists", Some(path.to_string())),
        Assumption::IsExecutable(path) => ("is-executable", Some(path.to_string())),
        Assumption::Holds(condition) => ("holds", Some(condition.clone())),
        Assumption::Otherwise => ("otherwise", None),
    };
    json!({"kind": kind, "of": of})
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Directive => "directive",
        Reason::InvalidPath => "invalid-path",
        Reason::InvalidHost => "invalid-host",
        Reason::Method => "method",
        Reason::PlainHttp => "plain-http",
        Reason::Internal => "internal",
        Reason::MissingSlash => "missing-slash",
        Reason::Cycle => "cycle",
        Reason::NoNamedLocation => "no-named-location",
        Reason::EmptyPath => "empty-path",
        Reason::Alias => "alias",
        Reason::Denied => "denied",
        Reason::NotFound => "not-found",
        Reason::Directory => "directory",
        Reason::NotDirectory => "not-directory",
        Reason::InvalidTarget => "invalid-target",
        Reason::NoResolver => "no-resolver",
    }
}

fn pass(pass: &Pass<'_>) -> Value {
    let group = pass.group.map(|group| {
        let servers: Vec<Value> = group.servers().map(|server| place(server.directive)).collect();
        json!({
            "name": group.name(),
            "at": at(group.block.head()),
            "servers": servers,
            "method": at(group.method()),
            "keepalive": at(group.keepalive()),
            "zone": at(group.zone()),
        })
    });
    let settings = pass
        .settings
        .iter()
        .map(|Setting { name, value, directive }| json!({"name": name, "value": value, "at": at(*directive)}));
    json!({
        "protocol": pass.protocol.prefix(),
        "scheme": pass.scheme,
        "address": pass.address.to_string(),
        "group": group,
        "resolved_each_time": pass.resolved_each_time,
        "method": texts(pass.method.as_ref()),
        "uri": texts(pass.uri.as_ref()),
        "version": pass.version,
        "headers": headers(&pass.headers),
        "parameters": headers(&pass.parameters),
        "settings": settings.collect::<Vec<_>>(),
        "status": pass.status,
    })
}

fn headers(headers: &[Header<'_>]) -> Vec<Value> {
    let value = |header: &Header<'_>| {
        let origin = match header.directive {
            Some(_) => "directive",
            None if header.from_client => "client",
            None => "default",
        };
        json!({"name": header.name, "value": header.value.to_string(), "origin": origin, "at": at(header.directive)})
    };
    headers.iter().map(value).collect()
}
