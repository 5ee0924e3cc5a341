//! Clients that went away before there was an answer.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Seen, Together, time_in_words};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-client-gave-up",
    group: Group::Log,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_client_abort"],
    equivalents: &[],
    page: include_str!("log_client_gave_up.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let place = |seen: &Seen<'_>| match is_cut_off(model, seen) {
        true => seen.place_of_setting("read_timeout"),
        false => seen.place_of_pass(),
    };
    for together in model.seen_together(&[Signature::ClientGaveUp], place) {
        say(model, &together, findings);
    }
}

/// Whether the load balancer in front gives up sooner than nginx.
fn is_cut_off(model: &Model<'_>, seen: &Seen<'_>) -> bool {
    let time = seen.target.and_then(|target| target.timeout("read_timeout").milliseconds);
    model.surroundings().load_balancer_idle_timeout.zip(time).is_some_and(|(balancer, time)| balancer <= time)
}

fn say(model: &Model<'_>, together: &Together<'_>, findings: &mut Findings) {
    let servers = together.servers_in_words();
    let timeout = together.target().map(|target| target.timeout("read_timeout"));
    let cut_off = is_cut_off(model, together.first());
    let balancer = model.surroundings().load_balancer_idle_timeout.filter(|_| cut_off).map(time_in_words);
    match (balancer, timeout) {
        (Some(balancer), Some(timeout)) => {
            let in_force = timeout.in_words();
            let message =
                format!("clients went away; the load balancer gives up after {balancer}, before nginx: {in_force}");
            let finding = findings.add(together.place, message);
            finding.note(NOTE);
            finding.help(format!("find out why {servers} takes so long; to see it in the log as a timeout, write {} shorter than the time of the load balancer, or raise that", timeout.name));
            finding.seen_together(together);
        }
        _ => {
            let message = format!("clients went away while {servers} was working on their requests");
            let finding = findings.add(together.place, message);
            finding.severity(Severity::Info);
            finding.note(NOTE);
            finding.help("where it is many, find out how long these answers take: people reload slow pages, and a load balancer in front has a timeout of its own (load-balancer-idle-timeout in nginx-lint.toml has it compared)");
            finding.seen_together(together);
        }
    }
}

const NOTE: &str = "the access log has 499; nginx ends the connection to the server, too; the log has \"client prematurely closed connection, so upstream connection is closed too\"";
