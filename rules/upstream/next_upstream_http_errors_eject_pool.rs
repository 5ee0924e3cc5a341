//! Answers that count as failures of the server: one bad URL takes all of them out.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{BlockId, Directive, FAILING_ANSWERS, Model, NoLiveCause, Protocol, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "next-upstream-http-errors-eject-pool",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream"],
    equivalents: &[],
    page: include_str!("next_upstream_http_errors_eject_pool.md"),
    check: Check::Configuration(check),
};

const NAMES: [&str; 5] =
    ["proxy_next_upstream", "fastcgi_next_upstream", "uwsgi_next_upstream", "scgi_next_upstream", "grpc_next_upstream"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    if !model.directives_named(&NAMES).any(|directive| statuses(directive).next().is_some()) {
        return;
    }
    let mut fragile: BTreeMap<BlockId, bool> = BTreeMap::new();
    let mut seen: BTreeSet<_> = BTreeSet::new();
    let mut hit: BTreeMap<_, Vec<Upstream<'_>>> = BTreeMap::new();
    for target in model.targets().filter(|target| target.protocol != Protocol::Stream) {
        let Some(directive) = target.counts_answers() else { continue };
        for group in target.upstreams() {
            let id = group.block.id();
            if seen.insert((directive.id(), id)) && *fragile.entry(id).or_insert_with(|| is_fragile(group)) {
                hit.entry(directive.id()).or_default().push(group);
            }
        }
    }
    let none_left = model.no_live_upstreams();
    for (directive, groups) in hit {
        // The log has it: that it does happen is said there.
        if none_left.iter().any(|none| matches!(none.cause, NoLiveCause::Answers(own) if own.id() == directive)) {
            continue;
        }
        report(model.directive(directive), &groups, findings);
    }
}

fn statuses(directive: Directive<'_>) -> impl Iterator<Item = (usize, &str)> {
    directive.arguments().enumerate().filter(|(_, argument)| FAILING_ANSWERS.contains(argument))
}

/// Whether one failure takes each of its servers out.
fn is_fragile(group: Upstream<'_>) -> bool {
    let mut servers = group.servers().filter(|server| !server.is_down());
    group.is_whole()
        && group.has_several_servers()
        && group.is_run_by_nginx()
        && servers.all(|server| server.max_fails() == Some(1) && server.fail_timeout().is_some_and(|time| time > 0))
}

fn report(directive: Directive<'_>, groups: &[Upstream<'_>], findings: &mut Findings) {
    let Some(first) = groups.first() else { return };
    let written = statuses(directive).map(|(_, status)| status).collect::<Vec<_>>().join(" ");
    let finding = findings.add(
        directive.place(),
        format!("one URL that fails takes all servers of upstream \"{}\" out: {written}", first.name()),
    );
    let time = first.servers().filter_map(|server| server.fail_timeout()).min().unwrap_or_default();
    finding.note(format!(
        "each such answer is a failure of its server, and one failure is enough: after a few requests for that URL every URL gets 502 for {time}s: no live upstreams"
    ));
    finding.help(format!("remove {written}, or write max_fails=0 for the servers of the group"));
    for group in groups.iter().take(3) {
        if let Some(head) = group.block.head() {
            finding.label(head.place(), "its servers have max_fails=1, the default");
        }
    }
    let is_condition = |argument: &str| argument != "non_idempotent" && !FAILING_ANSWERS.contains(&argument);
    if directive.arguments().any(is_condition) {
        let edits = statuses(directive).map(|(index, _)| Edit::remove_argument(directive, index));
        if let Some(edits) = edits.collect() {
            finding.fix(false, "let answers of the server be answers", edits);
        }
    }
}
