//! The answer for programs: one document with fixed names.
//!
//! ```text
//! {"schema": 1, "tool": {"name": "nginx-lint", "version": "0.1.0"},
//!  "directive": "proxy_set_header",
//!  "slot": ["proxy_set_header"],        all names that share its place: root and alias
//!  "inheritance": "replace-all",        override, replace-all, not-inherited, in-sequence,
//!                                       into-if, into-unnamed, one-level or unknown
//!  "nginx_version": "1.22.1",           null when it may be any
//!  "configurations": [
//!    {"path": "nginx.conf",             where the configuration begins
//!     "places": [
//!       {"context": "location",         the kind of block
//!        "label": "location /app/",     what a person calls it
//!        "within": ["http", "server example.org on 80"],    the blocks around it
//!        "path": "nginx.conf", "line": 12,    where the block begins; null outside of all
//!        "values": [                    what is in force, in the order of nginx
//!          {"text": "Host $host", "directive": "proxy_set_header", "origin": "line",
//!           "path": "nginx.conf", "line": 4, "column": 9},
//!          {"text": "Connection close", "directive": "proxy_set_header", "origin": "default",
//!           "path": null, "line": null, "column": null}],
//!        "discarded": [ … ],            as in "values": what counts around it and not here
//!        "switched_off_by": null,       as in "values": the line of another directive
//!        "complete": true}]}]}          false when more may be said where it was not seen
//! ```

use std::io::{self, Write};

use serde::Serialize;

use crate::catalog::Inheritance;
use crate::model::{Directive, Kind, Profile, Slot};

use super::place::{Place, Places, inheritance, label, path, records, written};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: Tool,
    directive: &'a str,
    slot: &'a [&'static str],
    inheritance: &'static str,
    nginx_version: Option<String>,
    configurations: Vec<Configuration<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Configuration<'a> {
    path: &'a str,
    places: Vec<ListedPlace>,
}

#[derive(Serialize)]
struct ListedPlace {
    context: String,
    label: String,
    within: Vec<String>,
    path: Option<String>,
    line: Option<u32>,
    values: Vec<Value>,
    discarded: Vec<Value>,
    switched_off_by: Option<Value>,
    complete: bool,
}

#[derive(Serialize)]
struct Value {
    text: String,
    directive: String,
    origin: &'static str,
    path: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

pub fn write(slot: &Slot, profile: &Profile, answers: &[Places<'_>], out: &mut impl Write) -> io::Result<()> {
    let configurations = answers.iter().map(|places| Configuration {
        path: &places.entry,
        places: places.chosen().map(|place| listed(slot, place)).collect(),
    });
    let document = Document {
        schema: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        directive: slot.name,
        slot: &slot.names,
        inheritance: name_of(inheritance(&records(slot, answers))),
        nginx_version: profile.version.map(|version| version.to_string()),
        configurations: configurations.collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn listed(slot: &Slot, place: &Place<'_>) -> ListedPlace {
    let in_force = &place.in_force;
    let defaults = in_force.defaults.iter().map(|text| Value {
        text: (*text).to_owned(),
        directive: slot.name.to_owned(),
        origin: "default",
        path: None,
        line: None,
        column: None,
    });
    let head = place.block.head().map(line);
    let context = match place.block.kind() {
        Kind::Directives(context) => context.name().to_owned(),
        Kind::Data | Kind::Unknown => String::new(),
    };
    ListedPlace {
        context,
        label: label(place.block),
        within: path(place.block).into_iter().map(label).collect(),
        path: head.as_ref().and_then(|head| head.path.clone()),
        line: head.as_ref().and_then(|head| head.line),
        values: in_force.directives.iter().copied().map(line).chain(defaults).collect(),
        discarded: in_force.discarded.iter().copied().map(line).collect(),
        switched_off_by: in_force.switched_off_by.map(line),
        complete: !in_force.unseen,
    }
}

fn line(directive: Directive<'_>) -> Value {
    let source = directive.model().source(directive.file());
    let position = source.position(directive.place().location.span.start);
    Value {
        text: if directive.argument_count() == 0 { String::new() } else { written(directive, false).into_owned() },
        directive: directive.name().to_owned(),
        origin: "line",
        path: Some(source.to_string()),
        line: Some(position.line),
        column: Some(position.column),
    }
}

fn name_of(inheritance: Inheritance) -> &'static str {
    match inheritance {
        Inheritance::Unknown => "unknown",
        Inheritance::Override => "override",
        Inheritance::ReplaceAll => "replace-all",
        Inheritance::None => "not-inherited",
        Inheritance::Sequence => "in-sequence",
        Inheritance::IntoIf => "into-if",
        Inheritance::IntoUnnamed => "into-unnamed",
        Inheritance::NotApplicable => "one-level",
    }
}
