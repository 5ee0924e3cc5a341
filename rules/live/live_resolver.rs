//! Name servers of a `resolver` that give no addresses.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{Facts, Question, QuestionFailure, Signature, with_port};
use crate::model::{Directive, Host, InScope, Model, Resolver, Seen, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-resolver",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"],
    equivalents: &[],
    page: include_str!("live_resolver.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 4] = [
    Signature::NameNotFound,
    Signature::NameServerFailure,
    Signature::NameServerTimedOut,
    Signature::NameServerRefused,
];

/// The port of name servers.
const PORT: u16 = 53;

/// A name server of a `resolver`: which argument it is, and what it was asked.
struct Asked<'m> {
    index: usize,
    questions: Vec<&'m Question>,
}

/// A finding in the making: what it says of which names.
struct Said<'m> {
    names: Vec<String>,
    signature: Signature,
    /// The `resolver`.
    resolver: Directive<'m>,
}

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    let seen = model.seen(&SIGNATURES);
    let mut said: Vec<Said<'_>> = Vec::new();
    for (resolver, scope) in model.scopes_of_resolvers() {
        let asked = name_servers(facts, resolver);
        if asked.iter().any(|asked| !asked.questions.is_empty()) {
            check_servers(resolver, &scope, &asked, &seen, &mut said, findings);
            check_names(facts, resolver, &scope, &asked, &seen, &mut said, findings);
        }
    }
    let is_said = |seen: &Seen<'_>| said.iter().any(|said| said.is_about(seen));
    for seen in seen.iter().filter(|seen| !is_said(seen)) {
        say_then(facts, seen, findings);
    }
}

impl Said<'_> {
    fn is_about(&self, seen: &Seen<'_>) -> bool {
        let name = seen.detail.unwrap_or_default();
        let own = seen.block().and_then(Resolver::in_force);
        seen.signature == self.signature
            && self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
            && own.is_none_or(|own| own.directive.id() == self.resolver.id())
    }
}

fn name_servers<'m>(facts: &'m Facts, resolver: Resolver<'m>) -> Vec<Asked<'m>> {
    let servers = resolver.name_servers().map(|server| {
        let written = resolver.directive.argument(server.index).unwrap_or_default();
        let addresses = addresses_of(facts, server.host, written);
        let questions = facts.questions.iter().filter(|question| addresses.contains(&question.name_server)).collect();
        Asked { index: server.index, questions }
    });
    servers.collect()
}

fn addresses_of(facts: &Facts, host: Host<'_>, written: &str) -> Vec<String> {
    let (Host::Address(text) | Host::Name(text)) = host else { return Vec::new() };
    let port = written.strip_prefix(text).and_then(|rest| rest.strip_prefix(':')).and_then(|port| port.parse().ok());
    let port = port.unwrap_or(PORT);
    // Without brackets an address of IPv6 is none of [`Facts::addresses_of`].
    match text.starts_with('[') || !text.contains(':') {
        true => facts.addresses_of(text, port).unwrap_or_default(),
        false => vec![with_port(text, port)],
    }
}

/// Whether the name server, and not the name, is what is wrong.
fn is_of_server(failure: QuestionFailure) -> bool {
    matches!(failure, QuestionFailure::TimedOut | QuestionFailure::Unreachable | QuestionFailure::Refused)
}

/// How a name server fails all that it is asked.
fn failure_of(asked: &Asked<'_>) -> Option<QuestionFailure> {
    let first = asked.questions.first()?.failure.filter(|failure| is_of_server(*failure))?;
    asked.questions.iter().all(|question| question.failure.is_some_and(is_of_server)).then_some(first)
}

/// What nginx says of it.
fn signature(failure: QuestionFailure) -> Signature {
    match failure {
        QuestionFailure::NoSuchName | QuestionFailure::NoAddress => Signature::NameNotFound,
        QuestionFailure::ServerFailure | QuestionFailure::Other => Signature::NameServerFailure,
        QuestionFailure::Refused => Signature::NameServerRefused,
        QuestionFailure::TimedOut | QuestionFailure::Unreachable => Signature::NameServerTimedOut,
    }
}

fn line(signature: Signature, name: &str) -> String {
    let reason = match signature {
        Signature::NameNotFound => "3: Host not found",
        Signature::NameServerFailure => "2: Server failure",
        Signature::NameServerRefused => "5: Operation refused",
        _ => "110: Operation timed out",
    };
    format!("\"{name} could not be resolved ({reason})\"")
}

fn note(signature: Signature, name: &str) -> String {
    let line = line(signature, name);
    match signature {
        Signature::NameServerTimedOut => {
            format!("the client gets 502 after resolver_timeout, which is 30s by default, and the log has {line}")
        }
        _ => format!("the client gets 502, and the log has {line}"),
    }
}

fn check_servers<'m>(
    resolver: Resolver<'m>,
    scope: &InScope<'m>,
    asked: &[Asked<'m>],
    seen: &[Seen<'_>],
    said: &mut Vec<Said<'m>>,
    findings: &mut Findings,
) {
    let directive = resolver.directive;
    let working = asked.iter().any(|asked| !asked.questions.is_empty() && failure_of(asked).is_none());
    for own in asked {
        let (Some(failure), Some(question)) = (failure_of(own), own.questions.first()) else { continue };
        let server = &question.name_server;
        let (message, help) = match failure {
            QuestionFailure::Refused => (
                format!(
                    "the name server {server} refuses to answer this machine (REFUSED), asked for \"{}\"",
                    question.name
                ),
                "let that name server answer questions of this machine, or write one that does",
            ),
            QuestionFailure::Unreachable => (
                format!("nothing answers at the name server {server}{}", because(question)),
                "write the address of a name server that is there; /etc/resolv.conf has those of this machine",
            ),
            _ => (
                format!("the name server {server} does not answer, asked for \"{}\"", question.name),
                "write the address of a name server that answers; /etc/resolv.conf has those of this machine, and a firewall has to let UDP to port 53 through",
            ),
        };
        let finding = findings.add(directive.place_of_argument(own.index), message);
        let name = question.name.as_str();
        finding.help(help);
        for user in scope.users.iter().take(1) {
            finding.label(user.place_of_argument(0), "names are looked up for this");
        }
        let own = Said {
            names: own.questions.iter().map(|question| question.name.clone()).collect(),
            signature: signature(failure),
            resolver: directive,
        };
        if working {
            finding.note(beside_others(failure, own.signature, name));
            finding.severity(Severity::Warning);
        } else {
            finding.note(note(own.signature, name));
        }
        seen.iter().filter(|seen| own.is_about(seen) && !said.iter().any(|said| said.is_about(seen))).for_each(
            |seen| {
                finding.seen(seen);
            },
        );
        said.push(own);
    }
}

/// What one name server of several does to requests.
fn beside_others(failure: QuestionFailure, signature: Signature, name: &str) -> String {
    match failure {
        QuestionFailure::Refused => format!(
            "nginx asks its name servers in turn, and after a refusal no other one: some requests get 502, with {}",
            line(signature, name)
        ),
        QuestionFailure::Unreachable => {
            "nginx asks its name servers in turn, and goes on from this one to the next, at once or after 5 seconds: \"send() failed (111: Connection refused) while resolving\"".to_owned()
        }
        _ => "nginx asks its name servers in turn: where this one comes first, it takes 5 seconds until the next is asked, and the client waits".to_owned(),
    }
}

fn because(question: &Question) -> String {
    question.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default()
}

fn check_names<'m>(
    facts: &Facts,
    resolver: Resolver<'m>,
    scope: &InScope<'m>,
    asked: &[Asked<'m>],
    seen: &[Seen<'_>],
    said: &mut Vec<Said<'m>>,
    findings: &mut Findings,
) {
    let mut names: Vec<(String, Vec<Directive<'m>>)> = Vec::new();
    for user in &scope.users {
        for name in user.names_looked_up() {
            match names.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                Some((_, users)) => users.push(*user),
                None => names.push((name, vec![*user])),
            }
        }
    }
    for (name, users) in &names {
        let working = asked.iter().filter(|asked| failure_of(asked).is_none());
        let answers: Vec<&Question> = working
            .flat_map(|asked| asked.questions.iter().copied())
            .filter(|question| question.name.eq_ignore_ascii_case(name))
            .collect();
        let Some((question, failure)) = answers.iter().find_map(|question| Some((question, question.failure?))) else {
            continue;
        };
        let own = Said { names: vec![name.clone()], signature: signature(failure), resolver: resolver.directive };
        let server = &question.name_server;
        let message = match failure {
            QuestionFailure::NoSuchName => format!("the name server {server} knows no \"{name}\" (NXDOMAIN)"),
            QuestionFailure::NoAddress => format!("the name server {server} knows \"{name}\", and no address of it"),
            QuestionFailure::ServerFailure => {
                format!("the name server {server} fails to look up \"{name}\" (SERVFAIL)")
            }
            QuestionFailure::Other => format!("the name server {server} gives no address of \"{name}\""),
            QuestionFailure::Refused => format!("the name server {server} refuses to look up \"{name}\" (REFUSED)"),
            QuestionFailure::TimedOut | QuestionFailure::Unreachable => {
                format!("the name server {server} gave no answer for \"{name}\"")
            }
        };
        let finding = findings.add(users[0].place_of_argument(0), message);
        let hosts = facts.names.get(&name.to_ascii_lowercase()).filter(|known| !known.addresses.is_empty());
        let knows = answers.iter().find(|question| !question.addresses.is_empty());
        let outcome = note(own.signature, name);
        finding.note(match (knows, hosts) {
            (Some(other), _) => format!(
                "{} does know it, and nginx asks now one, now the other: some requests get 502, with {}",
                other.name_server,
                line(own.signature, name)
            ),
            (None, Some(known)) => format!(
                "this machine finds {} by itself, in its hosts file, by a search domain or at another name server, and nginx uses none of these here: {outcome}",
                known.addresses[0]
            ),
            (None, None) => outcome,
        });
        finding.help(match (failure, hosts) {
            (QuestionFailure::NoSuchName | QuestionFailure::NoAddress, Some(known)) => format!(
                "write the full name, with its domain; or a name server that knows it; or, where the address stays the same, {} instead of the name",
                known.addresses[0]
            ),
            (QuestionFailure::NoSuchName | QuestionFailure::NoAddress, None) => {
                "write the full name, with its domain, as the name server has it, or the address of a name server that knows it".to_owned()
            }
            _ => format!("ask that name server by hand and look at its own log: dig @{} {name}", server.rsplit_once(':').map_or(server.as_str(), |(host, _)| host)),
        });
        finding.label(resolver.directive.place(), "the name server");
        for other in users.iter().skip(1).take(2) {
            finding.label(other.place_of_argument(0), "and here");
        }
        if knows.is_some() {
            finding.severity(Severity::Warning);
        }
        seen.iter().filter(|seen| own.is_about(seen) && !said.iter().any(|said| said.is_about(seen))).for_each(
            |seen| {
                finding.seen(seen);
            },
        );
        said.push(own);
    }
}

/// Of what the log has and is not so now, or was not looked at.
fn say_then(facts: &Facts, seen: &Seen<'_>, findings: &mut Findings) {
    let name = seen.detail.unwrap_or_default();
    let resolver = seen.block().and_then(Resolver::in_force);
    // What clients write into their requests is no fault of the configuration.
    let is_of_client = seen.target.is_some_and(|target| is_named_by_request(target, name));
    let message = match seen.signature {
        Signature::NameNotFound if is_of_client => {
            format!("requests name a server that the resolver does not know: \"{name}\"")
        }
        Signature::NameNotFound => format!("the resolver does not know the name \"{name}\""),
        Signature::NameServerFailure => format!("the resolver failed to look up \"{name}\" (SERVFAIL)"),
        Signature::NameServerRefused => format!("the resolver refused to look up \"{name}\" (REFUSED)"),
        _ => format!("the resolver gave no answer for \"{name}\" in time"),
    };
    let is_name = seen.signature == Signature::NameNotFound;
    let of_resolver = resolver.map(|resolver| resolver.directive.place()).filter(|_| !is_name);
    let place = of_resolver.unwrap_or_else(|| seen.place());
    let finding = findings.add(place, message);
    finding.note(note(seen.signature, name));
    finding.help(match seen.signature {
        Signature::NameNotFound if is_of_client => "take names from clients only out of a map of those that may be asked for; or leave it so, if the names are nobody's",
        Signature::NameNotFound => "write the full name, with its domain: a resolver reads neither the hosts file nor search domains",
        Signature::NameServerRefused => "let that name server answer questions of this machine, or write one that does",
        _ => "write a second name server beside it, and look at the log of the first for these times",
    });
    match (of_resolver.is_some(), resolver) {
        (true, _) => {
            finding.label(seen.place(), "names are looked up for this");
        }
        (false, Some(resolver)) => {
            finding.label(resolver.directive.place(), "the name server");
        }
        (false, None) => {}
    }
    let is_fine_now = facts
        .questions
        .iter()
        .any(|question| question.name.eq_ignore_ascii_case(name) && !question.addresses.is_empty());
    let is_passing = matches!(seen.signature, Signature::NameServerFailure | Signature::NameServerTimedOut);
    if is_fine_now || is_passing || is_of_client {
        finding.severity(if is_of_client && is_name { Severity::Info } else { Severity::Warning });
    }
    finding.seen(seen);
}

/// Whether the name is none of those that the configuration lists for a
/// target with variables.
fn is_named_by_request(target: Target<'_>, name: &str) -> bool {
    let hosts = target.run_time_hosts();
    hosts.has_unknown && !hosts.asked.iter().any(|known| known.eq_ignore_ascii_case(name))
}
