//! A group of servers that nginx cannot use as it is written.

use crate::catalog::{Context, Family, Origin, Version, nearest};
use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    AddressForm, Balancer, Block, Directive, Effective, Model, Place, Upstream, has_placeholder, parse_address,
    parse_number, parse_seconds, parse_size,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-upstream",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("invalid_upstream.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

/// From it on open source nginx resolves the names of servers again.
const RESOLVES: Version = Version::new(1, 27, 3);

/// From it on it has `sticky`, `route=` and `drain`.
const STICKY: Version = Version::new(1, 29, 6);

/// From it on it has `least_time`.
const LEAST_TIME: Version = Version::new(1, 31, 0);

/// From it on `keepalive` may be 0 and have a second word.
const KEEPALIVE_OFF: Version = Version::new(1, 29, 7);

/// Eight pages of memory.
const SMALLEST_ZONE: u64 = 8 * 4096;

fn check(block: Block<'_>, findings: &mut Findings) {
    let Some(head) = block.head().filter(|head| head.definition().is_some()) else { return };
    let upstream = Upstream { block };
    let balancers = upstream.balancers();
    for directive in block.statements() {
        if !directive.is_read() && directive.definition().is_some() {
            continue;
        }
        match directive.name() {
            "server" => check_server(directive, upstream, &balancers, findings),
            "zone" => check_zone(directive, findings),
            "keepalive" => check_keepalive(directive, findings),
            "hash" | "random" | "least_time" if !is_foreign(directive) => check_method(directive, findings),
            _ => {}
        }
    }
    check_ports(upstream, head, findings);
    if !block.is_unseen() {
        check_servers(upstream, head, findings);
    }
}

/// The method above a server, if it knows no backup servers: nginx looks at
/// what it has read so far. Another module may have changed what servers can
/// have.
fn method_without_backup<'m>(server: Directive<'m>, balancers: &[Balancer<'m>]) -> Option<Directive<'m>> {
    let above = balancers.iter().take_while(|balancer| balancer.directive().id() < server.id());
    let mut method = None;
    for balancer in above {
        match balancer {
            Balancer::Method(directive) => method = Some(*directive),
            Balancer::Foreign(_) => return None,
            Balancer::Keepalive(_) => {}
        }
    }
    method.filter(|method| matches!(method.name(), "ip_hash" | "hash" | "random"))
}

/// Whether it is a directive that open source nginx does not have here.
fn is_foreign(directive: Directive<'_>) -> bool {
    directive.definition().is_none_or(|definition| definition.module.origin != Origin::OpenSource)
}

fn check_method(directive: Directive<'_>, findings: &mut Findings) {
    let arguments: Vec<&str> = directive.arguments().collect();
    let allowed: &[&[&str]] = match (directive.name(), directive.parent().kind()) {
        ("hash", _) => &[&[], &["consistent"]],
        ("random", _) => {
            check_least_time(directive, findings);
            &[&["two"], &["least_conn", "least_time=header", "least_time=last_byte"]]
        }
        ("least_time", _) => &[&[], &["inflight"]],
        _ => return,
    };
    if arguments.len() > allowed.len() {
        return;
    }
    for (index, (argument, allowed)) in arguments.iter().zip(allowed).enumerate() {
        let known = allowed.is_empty() || allowed.contains(argument) || has_placeholder(argument);
        if known || argument.starts_with("least_time=") {
            continue;
        }
        let finding = findings.add(
            directive.place_of_argument(index),
            format!("\"{}\" has the unknown parameter \"{argument}\"", directive.name()),
        );
        finding.nginx_says(format!("invalid parameter \"{argument}\"")).nginx_names(directive.terminator());
        finding.help(format!("write \"{}\", or leave it out", allowed[0]));
        return;
    }
}

/// `random two least_time=`, which NGINX Plus has, and no other nginx before
/// `least_time` came.
fn check_least_time(random: Directive<'_>, findings: &mut Findings) {
    let model = random.model();
    let Some(text) = random.argument(1).filter(|text| text.starts_with("least_time=")) else { return };
    if model.version().is_some_and(|version| version < LEAST_TIME) && !model.is_for_plus() {
        findings
            .add(random.place_of_argument(1), format!("before nginx {LEAST_TIME} only NGINX Plus has \"{text}\""))
            .nginx_says(format!("invalid parameter \"{text}\""))
            .nginx_names(random.terminator())
            .help("write least_conn, or leave it out");
    }
}

fn check_keepalive(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|text| !has_placeholder(text)) else { return };
    let says = format!("invalid value \"{text}\" in \"keepalive\" directive");
    match parse_number(text) {
        Some(0) => {
            let finding = findings.add(directive.place_of_argument(0), "\"keepalive\" is for 1 connection or more");
            finding.nginx_says(says).before(KEEPALIVE_OFF).nginx_names(directive.terminator());
            finding.help("remove the directive: without it those releases keep no connections");
        }
        Some(_) => {}
        None => {
            findings
                .add(directive.place_of_argument(0), format!("\"{text}\" in \"keepalive\" is not a number"))
                .nginx_says(says)
                .nginx_names(directive.terminator())
                .help("write how many idle connections each worker keeps, such as keepalive 16;");
        }
    }
    let Some(second) = directive.argument(1).filter(|text| *text != "local" && !has_placeholder(text)) else { return };
    if directive.argument_count() == 2 && directive.model().version().is_none_or(|version| version >= KEEPALIVE_OFF) {
        findings
            .add(directive.place_of_argument(1), format!("\"keepalive\" has the unknown parameter \"{second}\""))
            .nginx_says(format!("invalid parameter \"{second}\""))
            .since(KEEPALIVE_OFF)
            .nginx_names(directive.terminator())
            .help("the only parameter here is local");
    }
}

fn check_zone(directive: Directive<'_>, findings: &mut Findings) {
    let Some(name) = directive.argument(0).filter(|_| directive.argument_count() <= 2) else { return };
    if name.is_empty() {
        findings
            .add(directive.place_of_argument(0), "the zone has no name")
            .nginx_says("invalid zone name \"\"")
            .nginx_names(directive.terminator())
            .help("write a name that no other zone has");
        return;
    }
    let Some(text) = directive.argument(1).filter(|text| !has_placeholder(text)) else { return };
    match parse_size(text) {
        Some(size) if size < SMALLEST_ZONE => {
            findings
                .add(directive.place_of_argument(1), format!("the zone \"{name}\" has {text}, and needs 32k or more"))
                .nginx_says(format!("zone \"{name}\" is too small"))
                .nginx_names(directive.terminator())
                .help(format!("write zone {name} 64k;"));
        }
        Some(_) => {}
        None => {
            findings
                .add(directive.place_of_argument(1), format!("the size \"{text}\" of the zone \"{name}\" is no size"))
                .nginx_says(format!("invalid zone size \"{text}\""))
                .nginx_names(directive.terminator())
                .help("write bytes, or k or m behind the number, such as 64k");
        }
    }
}

/// What can stand behind the address of a server.
enum Parameter {
    /// Always fine.
    Fine,
    /// Only from this release on; NGINX Plus has it too.
    From(Version),
    /// `route=`, and how long the route is.
    Route(usize),
    /// Only in NGINX Plus.
    Plus,
    /// Not as it is written: what a right one looks like.
    Wrong(&'static str),
    Unknown,
}

fn parameter(text: &str, in_stream: bool) -> Parameter {
    let wrong_unless = |right: bool, example| if right { Parameter::Fine } else { Parameter::Wrong(example) };
    match text.split_once('=') {
        Some(("weight", value)) => wrong_unless(
            parse_number(value).is_some_and(|weight| weight > 0),
            "a whole number from 1 on, such as weight=2",
        ),
        Some(("max_conns", value)) => wrong_unless(parse_number(value).is_some(), "a number, such as max_conns=100"),
        Some(("max_fails", value)) => wrong_unless(parse_number(value).is_some(), "a number, such as max_fails=3"),
        Some(("fail_timeout", value)) => {
            wrong_unless(parse_seconds(value).is_some(), "a time in whole seconds, such as fail_timeout=10s")
        }
        None if text == "backup" || text == "down" => Parameter::Fine,
        None if text == "resolve" => Parameter::From(RESOLVES),
        Some(("service", _)) => Parameter::From(RESOLVES),
        None if text == "drain" && !in_stream => Parameter::From(STICKY),
        Some(("route", route)) if !in_stream => Parameter::Route(route.len()),
        Some(("slow_start", value)) if parse_seconds(value).is_some() => Parameter::Plus,
        _ => Parameter::Unknown,
    }
}

const NAMES: [&str; 11] = [
    "weight",
    "max_conns",
    "max_fails",
    "fail_timeout",
    "backup",
    "down",
    "resolve",
    "service",
    "route",
    "drain",
    "slow_start",
];

fn check_server<'m>(
    server: Directive<'m>,
    upstream: Upstream<'m>,
    balancers: &[Balancer<'m>],
    findings: &mut Findings,
) {
    let in_stream = upstream.block.is(Context::StreamUpstream);
    for (index, text) in server.arguments().enumerate().skip(1) {
        if has_placeholder(text) {
            continue;
        }
        match parameter(text, in_stream) {
            Parameter::Fine => {}
            Parameter::From(since) => check_release(server, index, (text, since), findings),
            Parameter::Route(length) => check_route(server, index, (text, length), findings),
            Parameter::Plus => warn_of_plus(server, index, text, findings),
            Parameter::Wrong(example) => {
                report_parameter(server, index, text, findings).help(format!("write {example}"));
            }
            Parameter::Unknown => {
                let name = text.split('=').next().unwrap_or_default();
                let finding = report_parameter(server, index, text, findings);
                if let Some(near) = nearest(name, NAMES).or_else(|| NAMES.into_iter().find(|known| *known == name)) {
                    let is_flag = matches!(near, "backup" | "down" | "resolve" | "drain");
                    finding.help(format!("the parameter is {near}{}", if is_flag { ", without a value" } else { "=" }));
                } else if text.contains([':', '.']) {
                    finding.help("one server takes one address: write another server for this one");
                }
            }
        }
        if text == "backup"
            && let Some(method) = method_without_backup(server, balancers)
        {
            let finding =
                findings.add(server.place_of_argument(index), format!("\"{}\" knows no backup servers", method.name()));
            finding.nginx_says("balancing method does not support parameter \"backup\"");
            finding.nginx_names(server.terminator()).label(method.place(), "the method");
            finding.help("leave \"backup\" out, or use least_conn or no method at all");
        }
    }
    check_resolution(server, upstream, in_stream, findings);
}

fn report_parameter<'f>(
    server: Directive<'_>,
    index: usize,
    text: &str,
    findings: &'f mut Findings,
) -> &'f mut Finding {
    let finding = findings.add(server.place_of_argument(index), format!("\"server\" does not take \"{text}\""));
    finding.nginx_says(format!("invalid parameter \"{text}\"")).nginx_names(server.terminator())
}

fn check_release(server: Directive<'_>, index: usize, (text, since): (&str, Version), findings: &mut Findings) {
    let model = server.model();
    if model.version().is_some_and(|version| version < since) && !model.is_for_plus() {
        let finding = report_parameter(server, index, text, findings);
        finding.message = came_with(text, since, model);
        finding.help(format!("leave it out, or use nginx {since} or later; NGINX Plus has it for longer"));
    }
}

fn came_with(text: &str, since: Version, model: &Model<'_>) -> String {
    let target = model.version().map(|version| format!(", this configuration is for {version}")).unwrap_or_default();
    format!("\"{text}\" came with nginx {since}{target}")
}

/// The longest route that nginx takes.
const LONGEST_ROUTE: usize = 32;

fn check_route(server: Directive<'_>, index: usize, (text, length): (&str, usize), findings: &mut Findings) {
    let (message, says) = match length {
        0 => ("\"route=\" has no name of a route", "route is empty".to_owned()),
        1..=LONGEST_ROUTE => return check_release(server, index, (text, STICKY), findings),
        _ => ("the route is longer than 32 bytes", format!("route is longer than {LONGEST_ROUTE}")),
    };
    if server.model().version().is_some_and(|version| version < STICKY) {
        return check_release(server, index, (text, STICKY), findings);
    }
    let finding = findings.add(server.place_of_argument(index), message);
    finding.nginx_says(says).since(STICKY).nginx_names(server.terminator()).help("write a short name, such as route=a");
}

fn warn_of_plus(server: Directive<'_>, index: usize, text: &str, findings: &mut Findings) {
    let model = server.model();
    if model.is_for_plus() {
        return;
    }
    if model.version().is_some() || model.profile().is_without_plus() {
        let finding = report_parameter(server, index, text, findings);
        finding.message = format!("only NGINX Plus has the parameter \"{text}\"");
        finding.help("leave it out: open source nginx gives a server that is back its full share at once");
        return;
    }
    let finding =
        findings.add(server.place_of_argument(index), format!("only NGINX Plus has the parameter \"{text}\""));
    finding.severity(Severity::Warning).not_refused();
    finding.note(format!("open source nginx refuses to start or reload: invalid parameter \"{text}\""));
    finding.help("leave it out, unless this is for NGINX Plus");
}

/// `resolve` and `service=`, which nginx takes together or not at all.
fn check_resolution(server: Directive<'_>, upstream: Upstream<'_>, in_stream: bool, findings: &mut Findings) {
    let model = server.model();
    let Some(text) = server.argument(0).filter(|text| !has_placeholder(text)) else { return };
    if model.version().is_some_and(|version| version < RESOLVES) && !model.is_for_plus() {
        return;
    }
    let resolves = server.arguments().skip(1).any(|argument| argument == "resolve");
    let service = server.parameter("service").filter(|(index, _)| *index > 0);
    let mut report = |place: Place, message: String, says: String, help: &str| {
        findings.add(place, message).nginx_says(says).since(RESOLVES).nginx_names(server.terminator()).help(help);
    };
    if let Some((index, "")) = service {
        let message = "\"service=\" has no name of a service".to_owned();
        let help = "write the name of an SRV record, such as service=_http._tcp, or leave it out";
        return report(server.place_of_argument(index), message, "service is empty".to_owned(), help);
    }
    if let Some((index, _)) = service.filter(|_| !resolves) {
        let message = "a server with \"service\" needs the parameter \"resolve\"".to_owned();
        let says = format!("service upstream \"{text}\" requires \"resolve\" parameter");
        return report(server.place_of_argument(index), message, says, "add \"resolve\"");
    }
    let form = AddressForm { default_port: if in_stream { 0 } else { 80 }, ..AddressForm::default() };
    let Ok(address) = parse_address(text, form) else { return };
    if let Some((index, _)) = service {
        let problem = if address.has_port {
            Some(("may not have port", "cannot have a port: the SRV record has it", "remove the port"))
        } else if !address.is_name() {
            Some(("requires domain name", "needs a name, not an address", "write the domain of the SRV record"))
        } else {
            None
        };
        if let Some((says, message, help)) = problem {
            let says = format!("service upstream \"{text}\" {says}");
            return report(server.place_of_argument(index), format!("a server with \"service\" {message}"), says, help);
        }
    }
    if resolves && address.is_name() {
        check_prerequisites(server, upstream, findings);
    }
}

/// Names are resolved again only in shared memory and with a resolver; nginx
/// looks once `http {}` or `stream {}` is complete.
fn check_prerequisites(server: Directive<'_>, upstream: Upstream<'_>, findings: &mut Findings) {
    let block = upstream.block;
    let Some(head) = block.head().filter(|_| !block.is_unseen()) else { return };
    // One finding a group: nginx names the group.
    let resolves = |other: &Directive<'_>| other.arguments().skip(1).any(|argument| argument == "resolve");
    if block.directives("server").find(resolves) != Some(server) {
        return;
    }
    let name = upstream.name();
    let at = server.arguments().position(|argument| argument == "resolve").unwrap_or_default();
    let place = server.place_of_argument(at);
    if block.directive("zone").is_none() {
        findings
            .add(place, format!("\"resolve\" needs a zone in upstream \"{name}\""))
            .nginx_says(format!("resolving names at run time requires upstream \"{name}\" to be in shared memory"))
            .since(RESOLVES)
            .nginx_names(head.terminator())
            .help(format!("add to the group: zone {name} 64k;"));
    } else if block.directive("resolver").is_none()
        && block.parent().is_some_and(|outer| outer.effective("resolver") == Effective::Default)
    {
        findings
            .add(place, format!("\"resolve\" needs a resolver for upstream \"{name}\""))
            .nginx_says(format!("no resolver defined to resolve names at run time in upstream \"{name}\""))
            .since(RESOLVES)
            .nginx_names(head.terminator())
            .help("add the address of a name server, to the group or around it, such as resolver 127.0.0.53;");
    }
}

/// A group has no port: targets that name one with it are not for the group.
fn check_ports(upstream: Upstream<'_>, head: Directive<'_>, findings: &mut Findings) {
    let family = if upstream.block.is(Context::StreamUpstream) { Family::Stream } else { Family::Http };
    let model = upstream.block.model();
    let name = upstream.name();
    if name.is_empty() || model.upstream(family, name).is_none_or(|first| first.block != upstream.block) {
        return;
    }
    for target in model.targets_with_port(family, name) {
        let Ok(address) = target.address() else { continue };
        let port = address.port;
        findings
            .add(
                target.directive.place_of_argument(0),
                format!("\"{}\" is an upstream group, and has no port {port}", address.host),
            )
            .nginx_says(format!("upstream \"{}\" may not have port {port}", address.host))
            .nginx_names(target.directive.terminator())
            .label(head.place(), "the group")
            .help(format!("leave out \":{port}\": the servers of the group have ports of their own"));
    }
}

/// Backup servers alone are no group.
fn check_servers(upstream: Upstream<'_>, head: Directive<'_>, findings: &mut Findings) {
    let mut servers = upstream.servers().peekable();
    let last = upstream.servers().last();
    let all_are_backup = servers.peek().is_some()
        && servers.all(|server| server.is_backup() && !server.directive.arguments().any(has_placeholder));
    let is_foreign = upstream.block.statements().into_iter().any(is_foreign);
    let Some(last) = last.filter(|_| all_are_backup && !is_foreign) else { return };
    let name = upstream.name();
    findings
        .add(head.place(), format!("upstream \"{name}\" has nothing but backup servers"))
        .nginx_says(format!("no servers in upstream \"{name}\""))
        .nginx_names(head.terminator())
        .label(last.directive.place(), "a backup server")
        .help("leave out \"backup\" in one of them");
}
