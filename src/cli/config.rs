//! `nginx-lint config`: the project's file, written, shown, described.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::config::{FILE_NAME, Level, schema};
use crate::report;

use super::arguments::{ConfigArguments, ConfigCommand, InputArguments};
use super::project::{Project, with_names};
use super::{Failure, Outcome};

/// A file to begin with: everything in it is a comment.
const TEMPLATE: &str = "\
# What nginx-lint cannot read in the configuration itself. `nginx-lint config show` says what is in force.

# Another file that says what this one does not.
# extends = \"../nginx-lint.toml\"

[nginx]
# The release that reads the configuration, and the modules it has beyond those it is built with by default.
# version = \"1.22.1\"
# modules = [\"ngx_http_lua_module\"]

[surroundings]
# The programs behind nginx: when they close idle connections, how many requests one works on at a time,
# the largest body they take.
# backend-idle-timeout = \"5s\"
# backend-workers = 8
# backend-max-body = \"10m\"
# What stands in front of nginx.
# behind-proxy = true
# load-balancer-idle-timeout = \"60s\"
# The machine.
# container = true
# unprivileged = true
# memory = \"512m\"

[paths]
# Where absolute paths lead in this checkout.
# root = \"rootfs\"
# map = { \"/etc/nginx\" = \".\" }

[rules]
# off, on, info, warning or error, for a rule, a group, a severity, or all.
# proxy-pass-localhost = \"off\"

# [[overrides]]
# paths = [\"legacy/**\"]
# rules = { timeout = \"info\" }
";

pub fn run(arguments: &ConfigArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        ConfigCommand::Init { directory } => init(directory),
        ConfigCommand::Show { input } => show(input),
        ConfigCommand::Schema => {
            let mut out = BufWriter::new(io::stdout().lock());
            report::write_value(&complete_schema(), &mut out)?;
            out.flush()?;
            Ok(Outcome::Clean)
        }
    }
}

fn init(directory: &Path) -> Result<Outcome, Failure> {
    let path = directory.join(FILE_NAME);
    let fail = |error: io::Error| Failure::Message(format!("cannot write {}: {error}", path.display()));
    // Nothing that is there is written over.
    let mut file = std::fs::File::create_new(&path).map_err(fail)?;
    file.write_all(TEMPLATE.as_bytes()).map_err(fail)?;
    eprintln!("note: wrote {}", path.display());
    Ok(Outcome::Clean)
}

/// What holds, as one JSON document.
fn show(arguments: &InputArguments) -> Result<Outcome, Failure> {
    let project = Project::of(arguments)?;
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    let surroundings = &project.profile.surroundings;
    let document = json!({
        "files": project.files.iter().map(path).collect::<Vec<_>>(),
        "nginx": {
            "version": project.profile.version.map(|version| version.to_string()),
            "modules": project.profile.modules,
        },
        "surroundings": {
            "backend-idle-timeout": surroundings.backend_idle_timeout.map(milliseconds),
            "backend-workers": surroundings.backend_workers,
            "backend-max-body": surroundings.backend_max_body,
            "behind-proxy": surroundings.behind_proxy,
            "load-balancer-idle-timeout": surroundings.load_balancer_idle_timeout.map(milliseconds),
            "container": surroundings.container,
            "unprivileged": surroundings.unprivileged,
            "memory": surroundings.memory,
        },
        "paths": {
            "root": project.root.as_ref().map(path),
            "map": project.map.iter().map(|(from, to)| (path(from), Value::from(path(to)))).collect::<serde_json::Map<_, _>>(),
        },
        "baseline": project.baseline.as_ref().map(path),
        "min-severity": project.min_severity.map(|severity| severity.name()),
        "fail-on": project.fail_on.map(|severity| severity.name()),
        "rules": project.selection.levels.everywhere().map(|(name, level)| (name.to_owned(), Value::from(level.name()))).collect::<serde_json::Map<_, _>>(),
    });
    let mut out = BufWriter::new(io::stdout().lock());
    report::write_value(&document, &mut out)?;
    out.flush()?;
    Ok(Outcome::Clean)
}

fn milliseconds(time: u64) -> String {
    format!("{time}ms")
}

/// The schema of the file, with the names that rules can be set by.
pub fn complete_schema() -> Value {
    let mut schema = schema();
    let levels: Vec<&str> = Level::ALL.iter().map(|level| level.name()).collect();
    let names = with_names(|names| {
        names.all().map(|name| (name.to_owned(), json!({ "enum": levels }))).collect::<serde_json::Map<_, _>>()
    });
    let rules = json!({
        "type": "object",
        "description": "What rules are set to: by name, group, severity, or all.",
        "properties": names,
        "additionalProperties": false,
    });
    for place in ["/properties/rules", "/$defs/Override/properties/rules"] {
        if let Some(own) = schema.pointer_mut(place) {
            *own = rules.clone();
        }
    }
    schema
}
