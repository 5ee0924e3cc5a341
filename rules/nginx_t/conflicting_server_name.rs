//! A name that two servers on one address have.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Context, Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Listener, Model, NameKind, Place, ServerName};

/// See the page.
pub const RULE: Rule = Rule {
    name: "conflicting-server-name",
    group: Group::NginxT,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/request_processing.html"],
    equivalents: &[],
    page: include_str!("conflicting_server_name.md"),
    check: Check::Configuration(check),
};

/// From it on, servers of stream can share an address.
const VIRTUAL_STREAM: Version = Version::new(1, 25, 5);

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut reported = HashSet::new();
    for family in [Family::Http, Family::Stream] {
        // Before, an address of stream was for one server.
        if family == Family::Stream && model.version().is_some_and(|version| version < VIRTUAL_STREAM) {
            continue;
        }
        let mut before: Vec<Block<'_>> = Vec::new();
        for listener in model.listeners_by_port(family) {
            let servers = listener.servers();
            let looks = servers.len() > 1 || servers.first().is_some_and(|server| server.has_capturing_name());
            // A range of ports has the same servers again and again.
            if looks && servers != before {
                check_names(listener, &servers, &mut reported, findings);
                before = servers;
            }
        }
    }
}

/// A name that is taken, and by whom.
type Taken<'m> = HashMap<(Table, String), (Block<'m>, Place)>;

/// nginx files exact names, those with an asterisk in front and those with one
/// behind apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Table {
    Exact,
    Leading,
    Trailing,
}

fn check_names<'m>(
    listener: Listener<'m>,
    servers: &[Block<'m>],
    reported: &mut HashSet<Place>,
    findings: &mut Findings,
) {
    let mut taken: Taken<'m> = HashMap::new();
    for server in servers {
        for name in server.server_names() {
            let Some(place) = place_of(*server, &name) else { continue };
            let Some((owner, first)) = take(&mut taken, &name, *server, place) else { continue };
            if reported.insert(place) {
                report(listener, *server, &name, (place, owner, first), findings);
            }
        }
    }
}

/// Where a name stands; none for a missing one that may be out of sight.
fn place_of(server: Block<'_>, name: &ServerName<'_>) -> Option<Place> {
    match name.directive {
        Some((directive, index)) => Some(directive.place_of_argument(index)),
        None if server.is_unseen_for("server_name") => None,
        // Older releases refuse that, which is said of the address.
        None if server.is(Context::StreamServer) && server.model().version().is_none() => None,
        None => server.head().map(|head| head.place_of_name()),
    }
}

/// Files a name. What has it already, if something does.
fn take<'m>(
    taken: &mut Taken<'m>,
    name: &ServerName<'m>,
    server: Block<'m>,
    place: Place,
) -> Option<(Block<'m>, Place)> {
    let tables: &[Table] = match name.kind {
        NameKind::Exact => &[Table::Exact],
        NameKind::Suffix => &[Table::Exact, Table::Leading],
        NameKind::Leading => &[Table::Leading],
        NameKind::Trailing => &[Table::Trailing],
        NameKind::Regex | NameKind::Misplaced => &[],
    };
    for table in tables {
        let key = (*table, name.key().to_owned());
        if let Some(owner) = taken.get(&key) {
            return Some(*owner);
        }
        taken.insert(key, (server, place));
    }
    None
}

fn report(
    listener: Listener<'_>,
    server: Block<'_>,
    name: &ServerName<'_>,
    (place, owner, first): (Place, Block<'_>, Place),
    findings: &mut Findings,
) {
    let socket = listener.socket();
    let text = &name.text;
    let who = if owner == server { "this server" } else { "another server" };
    let message = match name.directive {
        None => format!("this server has no name, as {who} on {socket}"),
        Some(_) if text.is_empty() => format!("{who} on {socket} already has the empty name"),
        Some(_) => format!("{who} on {socket} already has the name \"{text}\""),
    };
    let finding = findings.add(place, message);
    finding.nginx_says(format!("conflicting server name \"{text}\" on {socket}, ignored"));
    if first.location != place.location {
        finding.label(first, "the server that has it");
    }
    if owner == server {
        finding.help("remove one of them");
        return;
    }
    finding.note(if text.is_empty() {
        "requests that fit no name never reach this server"
    } else {
        "requests for this name never reach this server"
    });
    finding.help(match name.directive {
        None => "give it a server_name, or merge the two servers",
        Some(_) => "remove the name from one of them, or merge the two servers",
    });
}
