//! A location in a proxied one that does not say how it answers.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Effective, LocationHead, PASS_NAMES, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "pass-not-inherited-by-nested-location",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#location",
    ],
    equivalents: &[],
    page: include_str!("pass_not_inherited_by_nested_location.md"),
    check: Check::Blocks(&[Context::Location], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let Some(outer) = block.parent().filter(|outer| outer.is(Context::Location)) else { return };
    let Some(pass) = outer.handlers().pop().filter(|handler| PASS_NAMES.contains(&handler.name())) else { return };
    let (Some(target), Some(head), Some(location)) = (Target::of(pass), block.head(), LocationHead::of_block(block))
    else {
        return;
    };
    if !block.is_left_to_files() || block.catches_missing_files() {
        return;
    }
    // Where a root is given, files may well be meant, unless something else is
    // said about how requests are passed on.
    let prefix = format!("{}_", target.protocol.prefix());
    let setting = block.directives_by_name().find(|directive| directive.name().starts_with(&prefix));
    if setting.is_none() && block.effective("root") != Effective::Default
        || outer.effective("alias").directive().is_some()
    {
        return;
    }
    let finding = findings.add(
        head.place(),
        format!(
            "location {} looks for files: {} of the location around it does not hold in it",
            location.pattern,
            pass.name()
        ),
    );
    finding.note("nginx answers its requests with 404: open() failed (2: No such file or directory)");
    finding.help(match target.parts().uri {
        None => format!("repeat it in there: {} {};", pass.name(), target.text),
        Some(_) => format!("add a {} to it, with the path that is meant there", pass.name()),
    });
    finding.label(pass.place(), "not inherited");
    if let Some(setting) = setting {
        finding.label(setting.place(), "without effect");
    }
    if let Some(edit) = edit(block, target) {
        finding.fix(false, format!("repeat {}", pass.name()), vec![edit]);
    }
}

/// Repeats the target behind the last directive; not where its path would mean
/// another one.
fn edit(block: Block<'_>, target: Target<'_>) -> Option<Edit> {
    let last = block.last_in_its_file()?;
    let whole = target.parts().uri.is_none() && target.directive.editable_argument(0).is_some();
    whole.then(|| Edit::add_line_behind(last, &format!("{} {};", target.directive.name(), target.text)))
}
