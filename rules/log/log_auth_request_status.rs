//! Answers about access that `auth_request` does not know.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Block, Directive, Model, Seen};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-auth-request-status",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_auth_request_module.html#auth_request"],
    equivalents: &[],
    page: include_str!("log_auth_request_status.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for seen in model.seen(&[Signature::AuthRequestStatus]) {
        say(model, &seen, findings);
    }
}

fn say(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let status = seen.detail.unwrap_or("another status");
    let asking = asking(model, seen);
    let asked = asking.and_then(|directive| directive.argument(0)).filter(|path| !path.contains('$'));
    let place = asking.map_or_else(|| seen.place_of_block(), |directive| directive.place());
    let what =
        asked.map_or_else(|| "the question about access".to_owned(), |path| format!("the question to \"{path}\""));
    let finding = findings.add(place, format!("{what} gets {status}, which is neither yes (2xx) nor no (401, 403)"));
    finding.note(format!(
        "clients get 500, whatever the page itself would be; the log has \"auth request unexpected status: {status}\""
    ));
    finding.help(match status {
        "502" | "504" => {
            "the server that is asked did not answer: start it, or mend the target of that location".to_owned()
        }
        "404" => "let the target lead to a path that the server asked knows: proxy_pass with a URI replaces the path"
            .to_owned(),
        "301" | "302" | "303" | "307" | "308" => {
            "let the server asked answer 401, and turn that into a redirect here: error_page 401 = @login;".to_owned()
        }
        _ => "let the server asked answer 2xx, 401 or 403".to_owned(),
    });
    let answering = asked.and_then(|path| seen.server?.location_of_path(path));
    if let Some(answering) = answering {
        let target = model.targets_within(answering).next();
        let place = target.map(|target| target.directive.place()).or(answering.head().map(|head| head.place()));
        if let Some(place) = place {
            finding.label(place, format!("{status} comes from here"));
        }
        if is_said_by_others(model, answering) {
            finding.severity(Severity::Info);
        }
    }
    finding.seen(seen);
}

/// The line that asks: the one in force where the requests came, else the only
/// one of their server.
fn asking<'m>(model: &'m Model<'_>, seen: &Seen<'m>) -> Option<Directive<'m>> {
    let asks = |directive: &Directive<'_>| directive.argument(0) != Some("off");
    let in_force = seen.came_to().and_then(|block| block.effective("auth_request").directive()).filter(asks);
    in_force.or_else(|| {
        let lines = model.directives_named(&["auth_request"]).filter(asks);
        let mut lines =
            lines.filter(|line| seen.server.is_none_or(|server| line.parent().outwards().any(|block| block == server)));
        lines.next().filter(|_| lines.next().is_none())
    })
}

/// Whether the log says why the server that is asked did not answer: that is
/// the cause then, and this its consequence.
fn is_said_by_others(model: &Model<'_>, answering: Block<'_>) -> bool {
    let all = model.seen(&Signature::ALL);
    all.iter().any(|seen| seen.target.is_some_and(|target| target.block().outwards().any(|block| block == answering)))
}
