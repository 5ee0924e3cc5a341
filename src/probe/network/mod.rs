//! The network: names, addresses, and what speaks there.
//!
//! What to ask stands in the configuration ([`plan`]); each is asked once, and
//! all at the same time. A server behind nginx gets one connection for each
//! kind of greeting, and after it nothing more.

mod ask;
mod certificate;
mod connect;
mod converse;
mod hello;
mod names;
mod plan;
mod pool;
mod socket;
mod tls;
mod trust;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::facts::{Connection, Conversation, Facts, NotExamined, Question, with_port};
use crate::model::Model;

use self::plan::{Check, Greeting, Plan, To, Way};
use self::socket::Place;
use super::{Options, Progress};

/// So many conversations are held with one address.
const CONVERSATIONS: usize = 8;

/// An address, and all that is to be found out there.
struct Destination {
    /// As the key of [`Facts::connections`].
    address: String,
    place: Place,
    timeout: Duration,
    greetings: Vec<(Greeting, Vec<Check>)>,
    /// Conversations that would have been too many.
    left_out: usize,
}

/// What was found out at an address.
struct Met {
    address: String,
    connection: Option<Connection>,
    conversations: Vec<Conversation>,
    not_examined: Vec<NotExamined>,
}

/// Adds what is seen of the network.
pub(super) fn look(models: &[&Model<'_>], options: &Options, progress: Progress<'_>, facts: &mut Facts) {
    let plan = Plan::of(models, options, facts);
    resolve(&plan, options, progress, facts);
    let destinations = destinations(&plan.ways, facts);
    facts.not_examined.extend(plan.skipped);
    for met in meet(destinations, progress) {
        if let Some(connection) = met.connection {
            facts.connections.insert(met.address, connection);
        }
        facts.conversations.extend(met.conversations);
        facts.not_examined.extend(met.not_examined);
    }
}

/// Asks the system and the name servers of resolvers, both at the same time.
fn resolve(plan: &Plan, options: &Options, progress: Progress<'_>, facts: &mut Facts) {
    let deadline = options.connect_cap * 2;
    let total = plan.names.len() + plan.questions.len();
    let done = AtomicUsize::new(0);
    // A name server that is a name may be several.
    let step = || progress("resolving names", (done.fetch_add(1, Ordering::Relaxed) + 1).min(total), total);
    // Name servers that are names have to be resolved first.
    let named = plan.questions.iter().any(|question| !question.server.is_address());
    let numbers = || ask::ask(plan.questions.iter().filter(|question| question.server.is_address()), options, &step);
    let (names, mut answers) = thread::scope(|scope| {
        let asking = scope.spawn(numbers);
        let names = names::resolve(&plan.names, deadline, &step);
        (names, asking.join().unwrap_or_default())
    });
    facts.names.extend(names.resolved);
    facts.not_examined.extend(names.not_examined);
    if named {
        let questions = plan.questions.iter().filter(|question| !question.server.is_address());
        let questions: Vec<_> = questions.flat_map(|question| question.resolved(facts)).collect();
        answers.extend(ask::ask(questions.iter(), options, &step));
    }
    answers.sort_by(|one, other| (&one.name_server, &one.name).cmp(&(&other.name_server, &other.name)));
    facts.questions.extend(answers);
}

/// The addresses that the ways lead to, each once.
fn destinations(ways: &[Way], facts: &Facts) -> Vec<Destination> {
    let mut all: BTreeMap<String, Destination> = BTreeMap::new();
    for way in ways {
        for (address, place) in places(&way.to, facts) {
            let greetings = Vec::new();
            let new = || Destination { address: address.clone(), place, timeout: way.timeout, greetings, left_out: 0 };
            all.entry(address.clone()).or_insert_with(new).add(way);
        }
    }
    all.into_values().collect()
}

impl Destination {
    fn add(&mut self, way: &Way) {
        self.timeout = self.timeout.min(way.timeout);
        let Some(greeting) = &way.greeting else { return };
        let same = self.greetings.iter().position(|(known, _)| known.is_same(greeting));
        let index = match same {
            Some(index) => index,
            None if self.greetings.len() >= CONVERSATIONS => {
                self.left_out += 1;
                return;
            }
            None => {
                self.greetings.push((greeting.clone(), Vec::new()));
                self.greetings.len() - 1
            }
        };
        let checks = &mut self.greetings[index].1;
        checks.extend(way.check.iter().filter(|check| !checks.contains(check)).cloned().collect::<Vec<_>>());
    }
}

/// Where a host and port lead, with the keys of [`Facts::connections`].
fn places(to: &To, facts: &Facts) -> Vec<(String, Place)> {
    let tcp = |key: String| Some((key.clone(), Place::Tcp(key.parse::<SocketAddr>().ok()?)));
    match to {
        To::Unix(path) => vec![(format!("unix:{path}"), Place::Unix(path.into()))],
        To::Host(host, port) => facts.addresses_of(host, *port).into_iter().flatten().filter_map(tcp).collect(),
        To::Asked(name, port) => {
            let is_it = |question: &&Question| question.name.eq_ignore_ascii_case(name);
            let addresses = facts.questions.iter().filter(is_it).flat_map(|question| &question.addresses);
            addresses.filter_map(|address| tcp(with_port(address, *port))).collect()
        }
    }
}

/// Connects to all of them, and talks to those that take the connection.
fn meet(destinations: Vec<Destination>, progress: Progress<'_>) -> Vec<Met> {
    let total = destinations.len();
    let done = AtomicUsize::new(0);
    let threads = pool::threads_for(total);
    let trusted = trust::Trusted::default();
    let met = pool::run(destinations, threads, |destination| {
        let met = meet_one(&destination, &trusted);
        progress("connecting", done.fetch_add(1, Ordering::Relaxed) + 1, total);
        met
    });
    let mut met: Vec<Met> = met;
    met.sort_by(|one, other| one.address.cmp(&other.address));
    met
}

fn meet_one(destination: &Destination, trusted: &trust::Trusted) -> Met {
    let address = destination.address.clone();
    let mut met = Met { address, connection: None, conversations: Vec::new(), not_examined: Vec::new() };
    let (connection, socket) = connect::connect(&destination.place, destination.timeout);
    let Some(connection) = connection else {
        met.note("", "no file descriptor was left to connect with");
        return met;
    };
    met.connection = Some(connection);
    let Some(socket) = socket else { return met };
    let mut first = Some(socket);
    let mut talk = |greeting: &Greeting, checks: &[Check], met: &mut Met| -> bool {
        let socket = first.take().or_else(|| connect::connect(&destination.place, destination.timeout).1);
        let Some(socket) = socket else {
            met.note("what speaks at ", "a second connection was not accepted");
            return false;
        };
        let again = || connect::connect(&destination.place, destination.timeout).1;
        let talk = converse::converse(socket, greeting, checks, trusted, &again);
        let goes_on = talk.conversations.iter().all(|conversation| !converse::is_mute(conversation));
        for reason in &talk.not_examined {
            met.note("TLS with ", reason);
        }
        let address = met.address.clone();
        met.conversations.extend(talk.conversations.into_iter().map(|mut conversation| {
            conversation.address.clone_from(&address);
            conversation
        }));
        goes_on
    };
    for (index, (greeting, checks)) in destination.greetings.iter().enumerate() {
        let before = met.conversations.len();
        if !talk(greeting, checks, &mut met) {
            if index + 1 < destination.greetings.len() {
                met.note("every greeting to ", "it did not answer the first of them");
            }
            break;
        }
        // An answer of 400, or none in HTTP, is most likely one of a server
        // that speaks TLS.
        let instead = greeting.instead_of_request();
        if let Some(instead) = instead.filter(|_| met.conversations[before..].iter().any(converse::is_refused_request))
        {
            talk(&instead, &[], &mut met);
        }
    }
    if destination.left_out > 0 {
        met.note("every server name at ", "too many names lead there; the first ones were given");
    }
    met
}

impl Met {
    fn note(&mut self, what: &str, why: &str) {
        let what = format!("{what}{}", self.address);
        self.not_examined.push(NotExamined { what, why: why.to_owned() });
    }
}
