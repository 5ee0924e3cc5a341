//! A module that is loaded behind the blocks it could have a part in, or a
//! second time.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "load-module-too-late",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#load_module"],
    equivalents: &[],
    page: include_str!("load_module_too_late.md"),
    check: Check::Configuration(check),
};

/// The blocks that settle the list of modules (`ngx_count_modules`).
const SETTLING: [&str; 4] = ["events", "http", "stream", "mail"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    let main = model.main();
    let first_block = SETTLING.iter().filter_map(|name| main.directives(name).next()).min_by_key(|block| block.id());
    let mut loaded: Vec<Directive<'_>> = Vec::new();
    for load in main.directives("load_module") {
        let earlier = loaded.iter().find(|earlier| earlier.argument(0) == load.argument(0));
        if let Some(block) = first_block.filter(|block| block.id() < load.id()) {
            report_too_late(load, block, findings);
        } else if let Some(earlier) = earlier {
            report_twice(load, *earlier, findings);
        }
        loaded.push(load);
    }
}

fn report_too_late(load: Directive<'_>, block: Directive<'_>, findings: &mut Findings) {
    let finding = findings.add(load.place(), format!("\"load_module\" stands behind \"{}\"", block.name()));
    finding.nginx_says("\"load_module\" directive is specified too late").nginx_names(load.terminator());
    finding.label(block.place_of_name(), "modules have to be loaded before this block");
    finding.help("move it to the top of the main file");
}

fn report_twice(load: Directive<'_>, earlier: Directive<'_>, findings: &mut Findings) {
    let path = load.argument(0).unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or(path);
    let module = file.strip_suffix(".so").unwrap_or(file);
    let finding = findings.add(load.place(), format!("\"{path}\" is loaded twice"));
    finding.nginx_says(format!("module \"{module}\" is already loaded")).nginx_names(load.terminator());
    finding.label(earlier.place(), "first loaded here").help("remove one of them");
}
