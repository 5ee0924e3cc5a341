//! A location for assets that takes them away from the program.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, LocationHead, LocationKind, PASS_NAMES, Target, compile_regex};

/// See the page.
pub const RULE: Rule = Rule {
    name: "static-regex-shadows-proxy",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#location"],
    equivalents: &[],
    page: include_str!("static_regex_shadows_proxy.md"),
    check: Check::Blocks(&[Context::Server], check),
};

/// Files that pages are made of.
const ASSETS: [&str; 8] =
    ["/a/a.css", "/a/a.js", "/a/a.png", "/a/a.jpg", "/a/a.svg", "/a/a.ico", "/a/a.woff2", "/a/a.html"];

fn check(server: Block<'_>, findings: &mut Findings) {
    // Files are meant where a root is given.
    if server.directive("location").is_none() || server.effective("root") != Effective::Default {
        return;
    }
    let Some(target) = proxied_root(server) else { return };
    for directive in server.directives("location") {
        let Some(block) = directive.block().filter(|block| block.is_left_to_files()) else { continue };
        let Some(head) = LocationHead::of_block(block).filter(|head| head.is_regex()) else { continue };
        let Some(asset) = asset_of(&head) else { continue };
        if !block.catches_missing_files() {
            report(block, directive, head, asset, target, findings);
        }
    }
}

fn report(
    block: Block<'_>,
    directive: Directive<'_>,
    head: LocationHead<'_>,
    asset: &str,
    target: Target<'_>,
    findings: &mut Findings,
) {
    let kind = asset.rsplit('.').next().unwrap_or_default();
    let pass = target.directive;
    let finding = findings.add(
        directive.place(),
        format!(
            "requests for files such as .{kind} do not get to {}: {} looks for them on disk",
            target.text, head.pattern
        ),
    );
    finding
        .note("a regular expression wins over location /, and without root nginx looks in its own directory html: 404");
    finding.help(match repeated(target) {
        Some(line) => format!("repeat in this location: {line}"),
        None => "add a proxy_pass to this location; it must have no path behind the address".to_owned(),
    });
    finding.label(pass.place(), "answers everything else");
    if let Some(edit) = edit(block, target) {
        finding.fix(false, format!("repeat {}", pass.name()), vec![edit]);
    }
}

/// What `location /` of a server passes its requests to.
fn proxied_root(server: Block<'_>) -> Option<Target<'_>> {
    let is_root = |head: LocationHead<'_>| head.kind == LocationKind::Prefix && head.pattern == "/";
    let blocks = server.directives("location").filter_map(Directive::block);
    let root = blocks.into_iter().find(|block| LocationHead::of_block(*block).is_some_and(is_root))?;
    let pass = root.handlers().pop().filter(|handler| PASS_NAMES.contains(&handler.name()))?;
    // Programs that are handed files, such as PHP, have theirs beside them.
    Target::of(pass).filter(|_| pass.name() == "proxy_pass")
}

/// A file for which a regular expression is meant; none when it is about
/// something else.
fn asset_of(head: &LocationHead<'_>) -> Option<&'static str> {
    if !head.pattern.contains("\\.") {
        return None;
    }
    let regex = compile_regex(head.pattern, head.kind == LocationKind::Regex { caseless: true }).ok()?;
    let asset = ASSETS.into_iter().find(|asset| regex.is_match(asset))?;
    (!regex.is_match("/")).then_some(asset)
}

/// Repeats the target behind the last directive.
fn edit(block: Block<'_>, target: Target<'_>) -> Option<Edit> {
    let last = block.last_in_its_file()?;
    target.directive.editable_argument(0)?;
    Some(Edit::add_line_behind(last, &repeated(target)?))
}

/// The directive once more. Beside a regular expression no path is allowed;
/// that of `location /` changes nothing if it is `/` itself.
fn repeated(target: Target<'_>) -> Option<String> {
    let parts = target.parts();
    let uri = parts.uri.map(|range| &target.text[range]);
    let is_same = uri.is_none_or(|uri| uri == "/");
    is_same.then(|| format!("{} {};", target.directive.name(), &target.text[..parts.address.end]))
}
