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
    let twice = is_alias && value.is_some_and(|value| value.contains("$fastcgi_script_name"));
    let is_about_the_site = is_about_the_site(together);
    finding.help(match (twice, is_about_the_site) {
        (true, _) => "behind alias the path of the request is no path of a file: fastcgi_param SCRIPT_FILENAME $request_filename;".to_owned(),
        (false, true) => format!("the file must exist under that path for php-fpm, which may see other directories: in another container, or with a chroot of its pool; {}", root_in_words(block, root)),
        (false, false) => format!("if there should be such files, php-fpm has to see them under that path; {}; if not, try_files $uri =404; in the location answers without php-fpm", root_in_words(block, root)),
    });
    if !twice && !is_about_the_site {
        finding.severity(Severity::Warning);
    }
    if let Some(root) = root {
        finding.label(root.place(), "$document_root");
    }
    finding.seen_together(together);
}

/// Whether the requests are certainly for scripts that should be there:
/// scanners ask for all kinds of files that end in `.php`.
fn is_about_the_site(together: &Together<'_>) -> bool {
    let has_looked = |seen: &Seen<'_>| seen.block().is_some_and(|block| block.directive("try_files").is_some());
    together.seen.iter().any(|seen| {
        seen.requests.is_empty()
            || has_looked(seen)
            || seen.requests.iter().any(|request| is_of_the_site(&request.value))
    })
}

/// Whether a request is for an index, or for a path that the configuration led
/// to a script.
fn is_of_the_site(request: &str) -> bool {
    let path = request.split_once('/').map_or("", |(_, path)| path);
    !path.ends_with(".php") || path == "index.php" || path.ends_with("/index.php")
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
