//! Pools of threads: their parameters, and pools that nothing declares.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Context, Family, nearest};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model, has_placeholder, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-thread-pool",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#thread_pool"],
    equivalents: &[],
    page: include_str!("invalid_thread_pool.md"),
    check: Check::Configuration(check),
};

/// The pool that need not be declared.
const DEFAULT: &str = "default";

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut declared: HashMap<&str, Directive<'_>> = HashMap::new();
    for directive in model.directives_named(&["thread_pool"]).filter(|directive| directive.is_read()) {
        check_parameters(directive, findings);
        let Some(name) = directive.argument(0) else { continue };
        if let Some(first) = declared.get(name).filter(|_| !has_placeholder(name)) {
            report_duplicate(directive, *first, name, findings);
        } else {
            declared.insert(name, directive);
        }
    }
    check_uses(model, &declared, findings);
}

fn check_parameters(directive: Directive<'_>, findings: &mut Findings) {
    let mut has_threads = false;
    for (index, text) in directive.arguments().enumerate().skip(1) {
        if directive.is_template(index) {
            has_threads = true;
            continue;
        }
        // nginx does not look at what is neither of these.
        let (name, valid) = match text.split_once('=') {
            Some(("threads", value)) => {
                has_threads = true;
                ("threads", parse_number(value).is_some_and(|number| number > 0))
            }
            Some(("max_queue", value)) => ("max_queue", parse_number(value).is_some()),
            _ => continue,
        };
        if !valid {
            findings
                .add(
                    directive.place_of_argument(index),
                    format!("\"{text}\" is no number of {}", if name == "threads" { "threads" } else { "tasks" }),
                )
                .nginx_says(format!("invalid {name} value \"{text}\""))
                .nginx_names(directive.terminator())
                .help(if name == "threads" {
                    "write a whole number above 0: \"threads=32\""
                } else {
                    "write a whole number: \"max_queue=65536\""
                });
            return;
        }
    }
    if !has_threads {
        findings
            .add(directive.place(), "thread_pool does not say how many threads")
            .nginx_says("\"thread_pool\" must have \"threads\" parameter")
            .nginx_names(directive.terminator())
            .help("add \"threads=32\"");
    }
}

fn report_duplicate(directive: Directive<'_>, first: Directive<'_>, name: &str, findings: &mut Findings) {
    let same_place = first.whole() == directive.whole();
    let message = if same_place {
        format!("the thread pool \"{name}\" is declared each time this file is included")
    } else {
        format!("the thread pool \"{name}\" is declared twice")
    };
    let finding = findings.add(directive.place_of_argument(0), message);
    finding
        .nginx_says(format!("duplicate thread pool \"{name}\""))
        .nginx_names(directive.terminator())
        .help("remove one of the two, or give it another name");
    if !same_place {
        finding.label(first.place(), "first declared here");
    }
}

/// `aio threads=NAME`, with a pool that is not declared before the end.
fn check_uses(model: &Model<'_>, declared: &HashMap<&str, Directive<'_>>, findings: &mut Findings) {
    // A pool that is declared wrongly may be the one that is meant.
    let mut pools = model.directives_named(&["thread_pool"]);
    let unknown = pools.any(|pool| !pool.is_read() || pool.has_block() || pool.is_template(0));
    if !model.is_whole(Family::Core) || unknown {
        return;
    }
    let mut reported = HashSet::new();
    for directive in model.directives_named(&["aio"]).filter(|directive| directive.is_read()) {
        let is_of_nginx = [Context::Http, Context::Server, Context::Location]
            .into_iter()
            .any(|context| directive.parent().is(context));
        let Some(name) = directive.argument(0).and_then(|text| text.strip_prefix("threads=")) else { continue };
        if !is_of_nginx || name.contains('$') || name == DEFAULT || declared.contains_key(name) {
            continue;
        }
        // nginx names the first place only.
        if !reported.insert(name) {
            continue;
        }
        let finding = findings.add(
            directive.place_in_argument(0, "threads=".len().."threads=".len() + name.len()),
            format!("no thread_pool declares \"{name}\""),
        );
        finding.nginx_says(format!("unknown thread pool \"{name}\"")).nginx_names(directive.terminator());
        finding.help(match nearest(name, declared.keys().copied().chain([DEFAULT])) {
            Some(near) => format!("write \"threads={near}\""),
            None => format!("add \"thread_pool {name} threads=32;\" outside of http, or write threads without a name"),
        });
    }
}
