//! A target that is the very server and location it stands in.

use crate::catalog::{Context, Family};
use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::route::{Assumption, End, KnownFiles, Pass, Request, Route, ServerRule, What};
use crate::model::{
    Block, Directive, Endpoint, Host, Listener, LocationHead, LocationKind, NameKind, Protocol, Target, split_address,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-self-loop",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("proxy_pass_self_loop.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

/// So often a request has to come back before it is called a loop: the path
/// may change on the way, and lead elsewhere the next time.
const ROUNDS: usize = 3;

/// What may stop a request and does not stop one that nginx sends to itself
/// before it has come round many times.
const HARMLESS_GATES: [&str; 4] = ["limit_req", "limit_conn", "auth_basic", "auth_request"];

/// No file is there.
const NO_FILES: &KnownFiles<'static> = &|assumption| match assumption {
    Assumption::Holds(_) | Assumption::Otherwise => None,
    _ => Some(false),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive) else { return };
    let context = if target.protocol == Protocol::Stream { Context::StreamServer } else { Context::Server };
    let Some(server) = directive.parent().outwards().find(|block| block.is(context)) else { return };
    let endpoints = target.endpoints();
    if endpoints.iter().all(|endpoint| endpoint.own_listeners().is_empty()) {
        return;
    }
    let Some(own) = directive.model().listeners_of_server(server) else { return };
    // Beside other servers the loop mostly comes to an end at one of them.
    let is_only = endpoints.len() == 1;
    for endpoint in endpoints {
        let is_own = |listener: &Listener<'_>| own.iter().any(|own| own.socket() == listener.socket());
        let Some(listener) = endpoint.own_listeners().into_iter().find(is_own) else { continue };
        let loops = match target.protocol {
            Protocol::Stream => listener.family() == Family::Stream && listener.servers().len() == 1,
            _ => comes_back(target, server, listener),
        };
        if loops {
            let finding = report(target, endpoint, listener, server, findings);
            if !is_only {
                finding.severity(Severity::Info);
            }
            return;
        }
    }
}

fn report<'f>(
    target: Target<'_>,
    endpoint: Endpoint<'_>,
    listener: Listener<'_>,
    server: Block<'_>,
    findings: &'f mut Findings,
) -> &'f mut Finding {
    let directive = target.directive;
    let what = if target.protocol == Protocol::Stream { "connections" } else { "requests" };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("{what} are passed to {}, where this very server takes them and passes them on again", endpoint.text),
    );
    finding.note(match target.protocol {
        Protocol::Stream => "each connection opens another one until there are none left: worker_connections are not enough, and clients are cut off",
        _ => "each request comes back as a new one until there are no connections left: worker_connections are not enough, and the client gets 502",
    });
    finding.help("write the address of the program that is to answer; nginx and the program need different ports");
    let listen = listener.listenings().find(|listening| listening.server == server);
    if let Some(listen) = listen.and_then(|listening| listening.directive) {
        finding.label(listen.place(), "this server listens there");
    }
    if endpoint.directive != directive {
        finding.label(endpoint.directive.place(), "the server of the group");
    }
    finding
}

/// Whether a request that the directive passes on comes to the same directive
/// again, and again.
fn comes_back<'m>(target: Target<'m>, server: Block<'m>, listener: Listener<'m>) -> bool {
    let directive = target.directive;
    let model = directive.model();
    let Some(secure) = target.uses_tls() else { return false };
    // Where more may be said of the listener out of sight, it would break
    // requests as well.
    let takes_it = listener.speaks_tls().unwrap_or(false) == secure && listener.wants_proxy_protocol() != Some(true);
    if listener.family() != Family::Http || !takes_it {
        return false;
    }
    // What is set out of sight would go with the request.
    let headers = directive.parent().effective_list("proxy_set_header");
    if !headers.complete {
        return false;
    }
    // Looking for a server is cheap, and mostly decides.
    let address = &target.text[target.parts().address];
    let leads_elsewhere =
        headers.named("host").next().is_none() && listener.server_for(host_in(address)) != Some(server);
    if leads_elsewhere {
        return false;
    }
    let (Some(host), Some(path)) = (sample_host(server), sample_path(directive)) else { return false };
    let mut request = Request {
        method: "GET".to_owned(),
        target: path.into_bytes(),
        headers: vec![("Host".to_owned(), host)],
        secure,
        address: Some(listener.socket().clone()),
        port: None,
    };
    for round in 0..ROUNDS {
        let route = model.route_with_files(&request, NO_FILES);
        let is_certain = round == 0 || (leads_to_it_for_certain(&route) && !may_be_stopped(&route));
        let Some(next) = passed_on(&route, directive).and_then(|pass| request_of(pass, &request)) else { return false };
        if !is_certain {
            return false;
        }
        request = next;
    }
    true
}

/// The host of an address as servers are looked for.
fn host_in(address: &str) -> &str {
    match split_address(address).0 {
        Host::Unix(_) => "localhost",
        Host::Address(host) | Host::Name(host) => host,
    }
}

/// The request as it is passed on by this directive.
fn passed_on<'r, 'm>(route: &'r Route<'m>, directive: Directive<'m>) -> Option<&'r Pass<'m>> {
    match &route.end {
        End::Pass(pass) if pass.directive == directive && pass.status.is_none() => Some(pass),
        _ => None,
    }
}

fn request_of(pass: &Pass<'_>, before: &Request) -> Option<Request> {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let mut headers = Vec::new();
    for header in &pass.headers {
        let value = text(header.value.bytes());
        // Which server is chosen depends on this one.
        if value.is_none() && header.name.eq_ignore_ascii_case("host") {
            return None;
        }
        headers.push((header.name.clone(), value.unwrap_or_else(|| "1".to_owned())));
    }
    Some(Request {
        method: text(pass.method.as_ref()?.bytes())?,
        target: pass.uri.as_ref()?.bytes()?.to_vec(),
        headers,
        ..before.clone()
    })
}

/// Whether no server out of sight could have been chosen.
fn leads_to_it_for_certain(route: &Route<'_>) -> bool {
    route.steps.iter().any(|step| match &step.what {
        What::Server { server, rule, .. } => {
            matches!(rule, ServerRule::Exact(_) | ServerRule::MarkedDefault) || server.model().is_whole(Family::Http)
        }
        _ => false,
    }) && !route.steps.iter().any(|step| matches!(step.what, What::Location { uncertain: true, .. }))
}

fn may_be_stopped(route: &Route<'_>) -> bool {
    route.steps.iter().any(|step| match &step.what {
        What::Gates(gates) => gates.iter().any(|gate| !HARMLESS_GATES.contains(&gate.name())),
        _ => false,
    })
}

/// A name that leads to this server.
fn sample_host(server: Block<'_>) -> Option<String> {
    server.server_names().iter().find_map(|name| match name.kind {
        NameKind::Exact if name.text.is_empty() => Some("static.example".to_owned()),
        NameKind::Exact | NameKind::Suffix => Some(name.key().to_owned()),
        NameKind::Leading => Some(format!("www.{}", name.key())),
        NameKind::Trailing => Some(format!("{}example", name.key())),
        NameKind::Regex | NameKind::Misplaced => None,
    })
}

/// A path that leads to the location around a directive.
fn sample_path(directive: Directive<'_>) -> Option<String> {
    let location = directive.parent().outwards().find(|block| block.is(Context::Location))?;
    let head = LocationHead::of_block(location)?;
    let path = match head.kind {
        LocationKind::Named => "/no/such/file".to_owned(),
        LocationKind::Regex { .. } => {
            let pattern = head.pattern.strip_prefix('^')?;
            let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
            pattern.chars().take_while(is_plain).collect()
        }
        _ => head.pattern.to_owned(),
    };
    path.starts_with('/').then_some(path)
}
