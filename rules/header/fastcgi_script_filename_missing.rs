//! PHP that is not told which script to run.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, LocationHead, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "fastcgi-script-filename-missing",
    group: Group::Header,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_param"],
    equivalents: &[],
    page: include_str!("fastcgi_script_filename_missing.md"),
    check: Check::Directives(&["fastcgi_pass"], check),
};

/// With either of these PHP finds the script.
const SCRIPT: [&str; 2] = ["SCRIPT_FILENAME", "PATH_TRANSLATED"];

/// The one file of the package with parameters that does not name the script.
const WITHOUT_SCRIPT: &str = "fastcgi_params";

/// The parameters in force.
struct Parameters<'m> {
    /// The level that has them; none when there are none at all.
    level: Option<Block<'m>>,
    /// The file of the package, not at hand, that they are in.
    by_package: bool,
}

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.is_in_place() && !target.is_template()) else {
        return;
    };
    if !is_php(target) {
        return;
    }
    let Some(parameters) = parameters_without_script(target.block()) else { return };
    let finding = findings.add(
        directive.place(),
        match parameters.level {
            Some(_) => "PHP is not told which script to run: SCRIPT_FILENAME is not among the parameters",
            None => "PHP is not told which script to run: no fastcgi_param is in force",
        },
    );
    finding.note("php-fpm runs nothing and answers with an empty page, status 200, or with \"File not found.\"");
    let script = script_of(target.block());
    let line = format!("fastcgi_param SCRIPT_FILENAME {script};");
    finding.help(match parameters.level {
        Some(_) if parameters.by_package => format!("the package's fastcgi_params does not have it; add: {line}"),
        Some(_) => format!("add: {line}"),
        None => "add the parameters that PHP needs: include fastcgi.conf;".to_owned(),
    });
    if parameters.by_package {
        finding.severity(Severity::Warning);
    }
    if let Some(lost) = cut_off(target.block(), parameters.level) {
        finding.label(lost.place(), "this one is cut off by the parameters further in");
    }
    if parameters.level == Some(target.block()) && target.block().is(Context::Location) {
        finding.fix(true, "add SCRIPT_FILENAME", vec![Edit::add_line_behind(directive, &line)]);
    }
}

/// Whether it is certainly PHP that answers: other programs that speak FastCGI
/// need no script.
fn is_php(target: Target<'_>) -> bool {
    let says_php = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains("php") || text.contains("fpm")
    };
    let by_target = says_php(target.text) || target.endpoints().iter().any(|endpoint| says_php(endpoint.text));
    let by_location = || {
        let mut heads = target.block().outwards().filter_map(LocationHead::of_block);
        heads.any(|head| head.pattern.contains(".php"))
    };
    let by_index = || {
        let index = target.effective("index").directive().and_then(|index| index.argument(0));
        index.is_some_and(|index| index.ends_with(".php"))
    };
    by_target || by_location() || by_index()
}

/// The parameters in force, when the script is certainly not among them.
fn parameters_without_script(block: Block<'_>) -> Option<Parameters<'_>> {
    for level in block.outwards() {
        if level.is_unseen() {
            return None;
        }
        let mut own = level.directives("fastcgi_param").peekable();
        let by_package = level.is_unseen_for("fastcgi_param");
        if own.peek().is_none() && !by_package {
            continue;
        }
        let names_script = own.any(|parameter| parameter.argument(0).is_some_and(|name| SCRIPT.contains(&name)));
        // Whoever has a main file of their own may have changed that file, too.
        if by_package && block.model().is_fragment() {
            return None;
        }
        let is_other_file = |file: &str| file.contains("fastcgi") && file != WITHOUT_SCRIPT;
        let named = names_script || (by_package && level.packaged_files().any(is_other_file));
        return (!named).then_some(Parameters { level: Some(level), by_package });
    }
    Some(Parameters { level: None, by_package: false })
}

/// The script that an outer level names.
fn cut_off<'m>(block: Block<'m>, level: Option<Block<'m>>) -> Option<Directive<'m>> {
    let level = level?;
    let outer = block.outwards().skip_while(|block| *block != level).skip(1);
    let mut parameters = outer.flat_map(|block| block.directives("fastcgi_param"));
    parameters.find(|parameter| parameter.argument(0) == Some("SCRIPT_FILENAME"))
}

/// What names the script: behind `alias` the path of the request is no path of
/// a file.
fn script_of(block: Block<'_>) -> &'static str {
    let has_alias = block.outwards().any(|block| block.directive("alias").is_some());
    if has_alias && block.effective("root") == Effective::Default {
        return "$request_filename";
    }
    "$document_root$fastcgi_script_name"
}
