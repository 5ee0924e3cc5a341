//! An address that nginx cannot read.

use std::ops::Range;

use crate::catalog::{Context, Family, Origin};
use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Address, AddressError, AddressForm, Block, Directive, Effective, HostAddress, Kind, Place, Protocol, Target,
    family_of_server, has_placeholder, listen_form, parse_address, parse_cidr, parse_flag, parse_ipv6,
    parse_local_address,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-address",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#listen",
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server",
    ],
    equivalents: &[],
    page: include_str!("invalid_address.md"),
    check: Check::Directives(
        &[
            "listen",
            "server",
            "proxy_pass",
            "fastcgi_pass",
            "uwsgi_pass",
            "scgi_pass",
            "grpc_pass",
            "memcached_pass",
            "pass",
            "resolver",
            "allow",
            "deny",
            "set_real_ip_from",
            "debug_connection",
            "proxy_bind",
            "fastcgi_bind",
            "uwsgi_bind",
            "scgi_bind",
            "grpc_bind",
            "memcached_bind",
            "access_log",
            "error_log",
            "auth_http",
            "ssl_ocsp_responder",
        ],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0) else { return };
    // Other modules have directives of these names with a grammar of their own.
    let is_own = directive.definition().is_some_and(|definition| definition.module.origin == Origin::OpenSource);
    if !is_own || !directive.is_read() || directive.has_block() {
        return;
    }
    match directive.name() {
        "resolver" => check_resolver(directive, findings),
        _ if has_placeholder(text) => (),
        _ if has_placeholder(text) => {}
        "listen" => check_listen(directive, text, findings),
        "server" => check_server(directive, text, findings),
        "pass" => check_stream_pass(directive, text, findings),
        "allow" | "deny" => check_network(directive, text, findings),
        "set_real_ip_from" | "debug_connection" => check_network_or_host(directive, text, findings),
        "access_log" | "error_log" => check_syslog(directive, text, findings),
        "auth_http" => check_auth_http(directive, text, findings),
        "ssl_ocsp_responder" => check_ocsp_responder(directive, text, findings),
        name if name.ends_with("_bind") => check_bind(directive, text, findings),
        _ => check_target(directive, findings),
    }
}

/// Part of an argument in which an address stands.
struct Part<'m> {
    directive: Directive<'m>,
    argument: usize,
    range: Range<usize>,
    text: &'m str,
}

impl<'m> Part<'m> {
    fn whole(directive: Directive<'m>, argument: usize, text: &'m str) -> Part<'m> {
        Part { directive, argument, range: 0..text.len(), text }
    }

    /// What follows the first bytes of it.
    fn behind(directive: Directive<'m>, text: &'m str, skip: usize) -> Part<'m> {
        Part { directive, argument: 0, range: skip..text.len(), text: &text[skip..] }
    }
}

/// Reads an address and says what is wrong with it; `place` is where nginx
/// says it stands.
fn read<'m>(part: &Part<'m>, form: AddressForm, place: &str, findings: &mut Findings) -> Option<Address<'m>> {
    match parse_address(part.text, form) {
        Ok(address) => {
            if let HostAddress::Name(name) = &address.kind
                && name.contains('$')
            {
                report_variable(part, place, findings);
            }
            Some(address)
        }
        Err(error) => {
            report(part, error, form, place, findings).nginx_names(part.directive.terminator());
            None
        }
    }
}

fn report<'f>(
    part: &Part<'_>,
    error: AddressError,
    form: AddressForm,
    place: &str,
    findings: &'f mut Findings,
) -> &'f mut Finding {
    let text = part.text;
    let message = match error {
        AddressError::NoHost => format!("\"{text}\" has no host"),
        AddressError::InvalidHost if text.starts_with('[') => {
            format!("\"{text}\" is not an IPv6 address in brackets with a port behind it")
        }
        AddressError::InvalidHost => format!("\"{text}\" has a path, and none may stand here"),
        AddressError::InvalidPort if is_bare_ipv6(text) => format!("the IPv6 address \"{text}\" needs brackets"),
        AddressError::InvalidPort => format!("the port of \"{text}\" is not a number from 1 to 65535"),
        AddressError::InvalidPortRange => format!("the ports of \"{text}\" begin with the higher one"),
        AddressError::InvalidIpv6 => format!("\"{text}\" has no IPv6 address between its brackets"),
        AddressError::NoUnixPath => format!("\"{text}\" has no path of a socket"),
        AddressError::TooLongUnixPath => format!("\"{text}\" is longer than the path of a socket may be"),
    };
    let finding = findings.add(place_of(part), message);
    finding.nginx_says(format!("{error} in {place}"));
    if let Some(help) = help(text, error, form) {
        finding.help(help);
    }
    finding
}

fn help(text: &str, error: AddressError, form: AddressForm) -> Option<String> {
    let host = text.split([':', '/', '?']).next().unwrap_or_default();
    match error {
        AddressError::NoHost if form.listen => Some(format!("write *{text} for every address of the machine")),
        AddressError::InvalidHost if !text.starts_with('[') => {
            let end = text.find(['/', '?']).unwrap_or(text.len());
            Some(format!("write {}", &text[..end]))
        }
        AddressError::InvalidPort if is_bare_ipv6(text) => Some(format!("write [{text}]")),
        AddressError::InvalidPort => Some(format!("write {host}:8080, say, or leave out the colon and the port")),
        AddressError::TooLongUnixPath => Some("nginx has room for 107 bytes: use a shorter path".to_owned()),
        AddressError::NoUnixPath => {
            Some("write unix: and the path of the socket, such as unix:/run/app.sock".to_owned())
        }
        _ => None,
    }
}

fn is_bare_ipv6(text: &str) -> bool {
    parse_ipv6(text).is_some()
}

fn place_of(part: &Part<'_>) -> Place {
    if part.range.is_empty() {
        return part.directive.place_of_argument(part.argument);
    }
    part.directive.place_in_argument(part.argument, part.range.clone())
}

/// A variable where nginx takes none: it looks for a host of that name.
fn report_variable(part: &Part<'_>, place: &str, findings: &mut Findings) {
    // `$PORT` is for a tool that fills it in.
    let names_of_tools = part.text.split('$').skip(1).all(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        !name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_lowercase())
    });
    if names_of_tools {
        return;
    }
    let name = part.directive.name();
    findings
        .add(place_of(part), format!("\"{}\" has a variable, and {name} takes none", part.text))
        // No host is called that; the recorded cases have the answer of nginx.
        .note(format!(
            "nginx asks DNS for a host of this name, and does not start without it: host not found in {place}"
        ))
        .help("write the address itself");
}

fn check_listen(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    let Some(family) = family_of_server(directive.parent()) else { return };
    let part = Part::whole(directive, 0, text);
    read(&part, listen_form(family), &format!("\"{text}\" of the \"listen\" directive"), findings);
}

fn check_server(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    let in_stream = directive.parent().is(Context::StreamUpstream);
    let form = AddressForm { default_port: if in_stream { 0 } else { 80 }, ..AddressForm::default() };
    let part = Part::whole(directive, 0, text);
    let place = format!("upstream \"{text}\"");
    let Some(address) = read(&part, form, &place, findings) else {
        return;
    };
    let has_service = directive.parameter("service").is_some();
    if in_stream && lacks_port(&address) && !has_service {
        findings
            .add(directive.place_of_argument(0), format!("\"{text}\" has no port"))
            .nginx_says(format!("no port in upstream \"{text}\""))
            .nginx_names(directive.terminator())
            .help(format!("write the port behind the host, such as {text}:5432"));
    }
}

/// Whether nothing says which port; a socket has none.
fn lacks_port(address: &Address<'_>) -> bool {
    !address.has_port && !matches!(address.kind, HostAddress::Unix(_))
}

fn check_target(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.is_in_place()) else { return };
    // memcached_pass alone evaluates no variables.
    if target.has_variables() && target.protocol != Protocol::Memcached {
        return;
    }
    let skip = target.parts().scheme.end;
    let part = Part::behind(directive, target.text, skip);
    let place = format!("upstream \"{}\"", part.text);
    let address = match target.address() {
        Ok(address) => address,
        Err(error) => {
            let form = AddressForm { uri: target.protocol == Protocol::Proxy, ..AddressForm::default() };
            report(&part, error, form, &place, findings).nginx_names(directive.terminator());
            return;
        }
    };
    if !lacks_port(&address) || address.port > 0 || !is_known_to_be_no_group(target, &address) {
        return;
    }
    if directive.model().has_port_from_earlier(target, address.host) {
        return;
    }
    let (host, port) = (address.host, example_port(target.protocol));
    findings
        .add(directive.place_of_argument(0), format!("\"{}\" has no port, and is no upstream group", target.text))
        .nginx_says(format!("no port in upstream \"{host}\""))
        .nginx_names(directive.terminator())
        .help(format!("write the port behind the host, such as {host}:{port}"));
}

/// Whether a host is not the name of a group, as far as all groups are known.
fn is_known_to_be_no_group(target: Target<'_>, address: &Address<'_>) -> bool {
    let model = target.directive.model();
    let family = target.protocol.family();
    model.upstream(family, address.host).is_none() && (!address.is_name() || model.is_whole(family))
}

fn example_port(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Fastcgi => "9000",
        Protocol::Memcached => "11211",
        Protocol::Grpc => "50051",
        Protocol::Stream => "5432",
        Protocol::Proxy | Protocol::Uwsgi | Protocol::Scgi => "8000",
    }
}

/// `pass` of stream hands a connection to a `listen` of this nginx.
fn check_stream_pass(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    if text.contains('$') {
        return;
    }
    let part = Part::whole(directive, 0, text);
    let place = format!("\"{text}\" of the \"pass\" directive");
    let Some(address) = read(&part, AddressForm::default(), &place, findings) else { return };
    let (message, says, help) = if address.is_name() {
        ("is a name, and pass takes the address of a listen", "has no addresses", "write the address, such as")
    } else if lacks_port(&address) {
        ("has no port", "has no port", "write the port behind the address, such as")
    } else {
        return;
    };
    let example = if address.is_name() { "127.0.0.1" } else { address.host };
    findings
        .add(directive.place_of_argument(0), format!("\"{text}\" {message}"))
        .nginx_says(format!("\"pass\" directive {says}"))
        .nginx_names(directive.terminator())
        .help(format!("{help} {example}:8000"));
}

fn check_resolver(directive: Directive<'_>, findings: &mut Findings) {
    let is_parameter =
        |text: &str| ["valid=", "ipv4=", "ipv6=", "status_zone="].iter().any(|start| text.starts_with(start));
    for (index, text) in directive.arguments().enumerate() {
        if is_parameter(text) || has_placeholder(text) {
            continue;
        }
        let form = AddressForm { default_port: 53, ..AddressForm::default() };
        read(&Part::whole(directive, index, text), form, &format!("resolver \"{text}\""), findings);
    }
}

fn check_network(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    if text == "all" || text == "unix:" {
        return;
    }
    match parse_cidr(text) {
        Some(cidr) if cidr.has_low_bits => report_low_bits(directive, text, findings),
        Some(_) => {}
        None => {
            findings
                .add(directive.place_of_argument(0), format!("\"{text}\" is not an address or network"))
                .nginx_says(format!("invalid parameter \"{text}\""))
                .nginx_names(directive.terminator())
                .help(help_for_network(text));
        }
    }
}

fn help_for_network(text: &str) -> String {
    let host = text.split('/').next().unwrap_or_default();
    if let Some((address, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && parse_ipv6(address).is_some()
    {
        return format!("write {address}, without brackets and port");
    }
    match parse_cidr(host) {
        Some(cidr) => {
            let bits = if matches!(cidr.first, HostAddress::Ipv4(_)) { 32 } else { 128 };
            format!("write {host}, or {host}/N with the number of fixed bits, at most {bits}")
        }
        None => "write an address, a network such as 192.0.2.0/24, or all; names are not looked up".to_owned(),
    }
}

fn report_low_bits(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("\"{text}\" is a network, and the address before the slash is not its first"),
    );
    finding.severity(Severity::Warning).not_refused();
    finding.nginx_says(format!("low address bits of {text} are meaningless")).nginx_names(directive.terminator());
    finding.note("nginx takes the whole network, not the one address").help(match network(text) {
        Some(network) => format!("write {network} for the network, or the address alone"),
        None => "write the first address of the network, or the address alone".to_owned(),
    });
}

/// The network as it should be written.
fn network(text: &str) -> Option<String> {
    let cidr = parse_cidr(text)?;
    match cidr.first {
        HostAddress::Ipv4([a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}/{}", cidr.prefix)),
        _ => None,
    }
}

/// A network, or a host whose addresses nginx asks for.
fn check_network_or_host(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    if text == "unix:" {
        return;
    }
    match parse_cidr(text) {
        Some(cidr) if cidr.has_low_bits => report_low_bits(directive, text, findings),
        // No host has a slash in its name.
        None if text.contains('/') => {
            findings
                .add(directive.place_of_argument(0), format!("\"{text}\" is not an address or network"))
                .nginx_says(format!("host not found in {} \"{text}\"", directive.name()))
                .nginx_names(directive.terminator())
                .help(help_for_network(text));
        }
        _ => {}
    }
}

fn check_bind(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    if directive.argument_count() == 1 && text == "off" || directive.argument_count() > 2 {
        return;
    }
    if !text.contains('$') && parse_local_address(text).is_none() {
        findings
            .add(directive.place_of_argument(0), format!("\"{text}\" is not an address of this machine"))
            .nginx_says(format!("invalid address \"{text}\""))
            .nginx_names(directive.terminator())
            .help("write an IPv4 or IPv6 address, with a port if need be; names are not looked up");
        return;
    }
    let Some(parameter) = directive.argument(1).filter(|text| *text != "transparent" && !has_placeholder(text)) else {
        return;
    };
    findings
        .add(
            directive.place_of_argument(1),
            format!("\"{}\" has the unknown parameter \"{parameter}\"", directive.name()),
        )
        .nginx_says(format!("invalid parameter \"{parameter}\""))
        .nginx_names(directive.terminator())
        .help("the only parameter here is transparent");
}

fn check_syslog(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    let Some(parameters) = text.strip_prefix("syslog:") else { return };
    let mut start = "syslog:".len();
    for parameter in parameters.split(',') {
        if let Some(server) = parameter.strip_prefix("server=") {
            let begin = start + "server=".len();
            let part = Part { directive, argument: 0, range: begin..begin + server.len(), text: server };
            let form = AddressForm { default_port: 514, ..AddressForm::default() };
            read(&part, form, &format!("syslog server \"{server}\""), findings);
            return;
        }
        start += parameter.len() + 1;
    }
}

fn check_auth_http(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    let skip = if text.starts_with("http://") { "http://".len() } else { 0 };
    let part = Part::behind(directive, text, skip);
    let form = AddressForm { uri: true, default_port: 80, ..AddressForm::default() };
    read(&part, form, &format!("auth_http \"{}\"", part.text), findings);
}

/// nginx looks at it once the certificates of a server are there.
fn check_ocsp_responder(directive: Directive<'_>, text: &str, findings: &mut Findings) {
    if text.is_empty() || !is_asked_for(directive) {
        return;
    }
    let prefix = "http://";
    let has_prefix =
        text.len() > prefix.len() && text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    if !has_prefix {
        findings
            .add(directive.place_of_argument(0), format!("\"{text}\" does not begin with http://"))
            .nginx_says(format!("invalid URL prefix in OCSP responder \"{text}\" in \"ssl_ocsp_responder\""))
            .help("write http:// and the address of the responder; https:// is not possible");
        return;
    }
    let part = Part::behind(directive, text, prefix.len());
    let form = AddressForm { uri: true, default_port: 80, ..AddressForm::default() };
    let place = format!("OCSP responder \"{}\" in \"ssl_ocsp_responder\"", part.text);
    if let Err(error) = parse_address(part.text, form) {
        report(&part, error, form, &place, findings);
    }
}

/// Whether some server with certificates checks those of its clients with
/// this responder.
fn is_asked_for(directive: Directive<'_>) -> bool {
    if directive.parent().directive("ssl_ocsp_responder") != Some(directive) {
        return false;
    }
    let family = match directive.parent().kind() {
        Kind::Directives(context) => context.family(),
        _ => Family::Http,
    };
    let uses = |server: Block<'_>| {
        let checks = |ocsp: Directive<'_>| {
            ocsp.argument(0).is_some_and(|value| value == "leaf" || parse_flag(value) == Some(true))
        };
        server.effective("ssl_ocsp_responder") == Effective::Set(directive)
            && server.effective("ssl_ocsp").directive().is_some_and(checks)
            && !server.effective_list("ssl_certificate").directives.is_empty()
    };
    directive.model().servers(family).any(uses)
}
