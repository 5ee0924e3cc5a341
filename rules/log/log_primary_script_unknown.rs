//! Scripts that php-fpm does not find.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Block, Directive, Effective, Model, Seen, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-primary-script-unknown",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_param"],
    equivalents: &[],
    page: include_str!("log_primary_script_unknown.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let place = |seen: &Seen<'_>| {
        let script = seen.block().and_then(script_of);
        script.map_or_else(|| seen.place_of_pass(), |script| script.place_of_argument(1))
    };
    for together in model.seen_together(&[Signature::PrimaryScriptUnknown], place) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let block = together.first().block();
    let script = block.and_then(script_of);
    let root = block.and_then(root_of);
    let value = script.and_then(|script| script.argument(1));
    let message = match value {
        Some(value) => format!("php-fpm finds no file under the path that SCRIPT_FILENAME gives: {value}"),
        None => "php-fpm does not find the scripts it is asked for".to_owned(),
    };
    let finding = findings.add(together.place, message);
    finding.note(
        "these requests get 404, \"File not found.\"; the log has FastCGI sent in stderr: \"Primary script unknown\"",
    );
    let is_alias = root.is_some_and(|root| root.name() == "alias");
    finding.help(match (is_alias, value) {
        (true, Some(value)) if value.contains("$fastcgi_script_name") => {
            "behind alias the path of the request is no path of a file: fastcgi_param SCRIPT_FILENAME $request_filename;".to_owned()
        }
        _ => format!("the file must exist under that path for php-fpm, which may see other directories: in another container, or with a chroot of its pool; {}", root_in_words(block, root)),
    });
    if let Some(root) = root {
        finding.label(root.place(), "$document_root");
    }
    finding.seen_together(together);
}

/// The parameter that names the script: of several the last counts.
fn script_of(block: Block<'_>) -> Option<Directive<'_>> {
    block.effective_list("fastcgi_param").named("SCRIPT_FILENAME").last()
}

/// What says where files are.
fn root_of(block: Block<'_>) -> Option<Directive<'_>> {
    block.outwards().find_map(|block| block.directive("root").or(block.directive("alias")))
}

fn root_in_words(block: Option<Block<'_>>, root: Option<Directive<'_>>) -> String {
    match (root.and_then(|root| root.argument(0)), block.map(|block| block.effective("root"))) {
        (Some(path), _) => format!("$document_root is {path} here"),
        (None, Some(Effective::Default)) => {
            "root is not set here: $document_root is html below the prefix of nginx".to_owned()
        }
        (None, _) => "look at the root in force".to_owned(),
    }
}
