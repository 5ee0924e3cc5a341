//! The way of a request as text: numbered steps, what ended it, and what goes
//! upstream.

use std::io::{self, Write};

use crate::catalog::Family;
use crate::model::route::{End, Fate, Header, Pass, Request, Route, Setting, Unknown, What};
use crate::model::{Block, Directive, Model, SocketAddress};

use super::words;

/// Locations that did not win are shown up to this number.
const MOST_CANDIDATES: usize = 8;

/// Forks inside of forks are shown up to this depth.
const DEEPEST: usize = 4;

/// Where the remarks behind values begin.
const REMARKS: usize = 48;

pub fn write(request: &Request, routes: &[(&Model<'_>, Route<'_>)], out: &mut impl Write) -> io::Result<()> {
    let target = String::from_utf8_lossy(&request.target);
    let host = request.header("Host").unwrap_or_default();
    writeln!(out, "{} {target} for the host {host}", request.method)?;
    for (model, route) in routes {
        if routes.len() > 1 {
            writeln!(out, "\n{}", super::entry(model).display())?;
        }
        writeln!(out)?;
        if let End::Unknown(Unknown::NoListener) = route.end {
            no_listener(request, model, out)?;
        } else {
            write_route(route, "", 0, &mut Vec::new(), out)?;
        }
    }
    Ok(())
}

fn no_listener(request: &Request, model: &Model<'_>, out: &mut impl Write) -> io::Result<()> {
    let asked = match (&request.address, request.port) {
        (Some(address), _) => address.to_string(),
        (None, Some(port)) => format!("port {port}"),
        (None, None) => "any port".to_owned(),
    };
    let mut known: Vec<String> = model.listeners(Family::Http).map(|listener| listener.socket().to_string()).collect();
    known.dedup();
    let known = if known.is_empty() {
        "there is no listener at all".to_owned()
    } else {
        format!("there is {}", known.join(", "))
    };
    writeln!(out, "Nothing listens on {asked}; {known}.")
}

/// `shown` are the targets whose servers and settings stand further up.
fn write_route<'m>(
    route: &Route<'m>,
    indent: &str,
    depth: usize,
    shown: &mut Vec<Option<Block<'m>>>,
    out: &mut impl Write,
) -> io::Result<()> {
    for (index, step) in route.steps.iter().enumerate() {
        let number = format!("{}.", index + 1);
        writeln!(out, "{indent}{number:<3} {}{}", words::step(step), at(step.directive))?;
        let inner = format!("{indent}    ");
        match &step.what {
            What::Listener { others, .. } => {
                let others: Vec<&SocketAddress> = others.iter().map(|listener| listener.socket()).collect();
                for other in others.iter().take(MOST_CANDIDATES) {
                    writeln!(out, "{inner}{other} would take connections to that address; --listen chooses it")?;
                }
            }
            What::Location { candidates, uncertain, .. } => {
                let lost = candidates.iter().filter(|candidate| candidate.fate != Fate::Taken);
                let lost: Vec<_> = lost.collect();
                for candidate in lost.iter().take(MOST_CANDIDATES) {
                    let head = candidate.block.head();
                    let text = head.map(words::written).unwrap_or_default();
                    writeln!(out, "{inner}{text} {}{}", words::fate(candidate), at(head))?;
                }
                if lost.len() > MOST_CANDIDATES {
                    writeln!(out, "{inner}and {} more", lost.len() - MOST_CANDIDATES)?;
                }
                if *uncertain {
                    writeln!(out, "{inner}some files were not seen; a location in them may win")?;
                }
            }
            _ => {}
        }
    }
    writeln!(out, "{indent}=>  {}{}", words::end(&route.end), at(words::directive_of_end(&route.end)))?;
    let inner = format!("{indent}    ");
    if let Some(location) = &route.location {
        writeln!(out, "{inner}Location: {location}")?;
    }
    match &route.end {
        End::Pass(pass) => {
            write_request(pass, &inner, out)?;
            if shown.contains(&route.block) {
                return writeln!(out, "\n{inner}servers, timeouts and retries as above");
            }
            shown.push(route.block);
            write_settings(pass, &inner, out)
        }
        End::Answer(answer) => match answer.body.as_ref().filter(|body| !body.is_empty()) {
            Some(body) => writeln!(out, "{inner}with the body {body}"),
            None => Ok(()),
        },
        End::Fork(ways) if depth < DEEPEST => ways.iter().try_for_each(|way| {
            writeln!(out, "\n{inner}{}:", words::assumption(&way.assumption))?;
            write_route(&way.route, &inner, depth + 1, shown, out)
        }),
        End::Fork(_) => writeln!(out, "{inner}and so on"),
        _ => Ok(()),
    }
}

fn write_request(pass: &Pass<'_>, indent: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    if let (Some(method), Some(uri), Some(version)) = (&pass.method, &pass.uri, &pass.version) {
        writeln!(out, "{indent}{method} {uri} HTTP/{version}")?;
    } else if let Some(key) = &pass.uri {
        writeln!(out, "{indent}the key {key}")?;
    }
    write_headers(&pass.headers, ": ", indent, out)?;
    write_headers(&pass.parameters, "=", indent, out)?;
    match pass.status {
        Some(status) => writeln!(out, "\n{indent}whatever the answer, its status becomes {status}"),
        None => Ok(()),
    }
}

fn write_settings(pass: &Pass<'_>, indent: &str, out: &mut impl Write) -> io::Result<()> {
    if let Some(group) = pass.group {
        writeln!(out, "\n{indent}the group \"{}\":{}", group.name(), at(group.block.head()))?;
        for server in group.servers() {
            let text = server.directive.arguments().collect::<Vec<_>>().join(" ");
            remark(out, indent, &text, &place(server.directive))?;
        }
        for directive in [group.method(), group.keepalive(), group.zone()].into_iter().flatten() {
            let words = [directive.name()].into_iter().chain(directive.arguments());
            remark(out, indent, &words.collect::<Vec<_>>().join(" "), &place(directive))?;
        }
    }
    if !pass.settings.is_empty() {
        writeln!(out, "\n{indent}in force:")?;
        for Setting { name, value, directive } in &pass.settings {
            let origin = directive.map_or_else(|| "by default".to_owned(), place);
            remark(out, indent, &format!("{name} {value}"), &origin)?;
        }
    }
    Ok(())
}

fn write_headers(headers: &[Header<'_>], separator: &str, indent: &str, out: &mut impl Write) -> io::Result<()> {
    headers.iter().try_for_each(|header| {
        let origin = match header.directive {
            Some(directive) => place(directive),
            None if header.from_client => "from the client".to_owned(),
            None => "by default".to_owned(),
        };
        remark(out, indent, &format!("{}{separator}{}", header.name, header.value), &origin)
    })
}

fn remark(out: &mut impl Write, indent: &str, text: &str, remark: &str) -> io::Result<()> {
    let text = crate::source::one_line(text);
    writeln!(out, "{indent}{text:<REMARKS$} {remark}")
}

fn place(directive: Directive<'_>) -> String {
    let (path, line) = words::place(directive);
    format!("{path}:{line}")
}

fn at(directive: Option<Directive<'_>>) -> String {
    directive.map(|directive| format!(" ({})", place(directive))).unwrap_or_default()
}
