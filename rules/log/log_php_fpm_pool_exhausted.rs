//! Pools of php-fpm all of whose processes were busy.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Host, Model, Place, Protocol, Seen, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-php-fpm-pool-exhausted",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_pass"],
    equivalents: &[],
    page: include_str!("log_php_fpm_pool_exhausted.md"),
    check: Check::Configuration(check),
};

/// What nginx has to say when requests could not wait any longer.
const HARMED: [Signature; 3] = [Signature::UnixFull, Signature::ConnectTimedOut, Signature::ReadHeaderTimedOut];

/// So many places that pass to php-fpm are shown.
const PASSES: usize = 3;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let pools = model.seen(&[Signature::PhpFpmPoolExhausted]);
    if pools.is_empty() {
        return;
    }
    let passes = passes_to_php(model);
    let is_fastcgi = |seen: &Seen<'_>| seen.target.is_some_and(|target| target.protocol == Protocol::Fastcgi);
    let is_harm = model.seen(&HARMED).iter().any(is_fastcgi);
    for pool in pools {
        say(model, &pool, &passes, is_harm, findings);
    }
}

/// Where requests are passed to php-fpm.
fn passes_to_php<'m>(model: &'m Model<'_>) -> Vec<Target<'m>> {
    model.targets().filter(|target| target.protocol == Protocol::Fastcgi && target.directive.is_read()).collect()
}

fn say(model: &Model<'_>, pool: &Seen<'_>, passes: &[Target<'_>], is_harm: bool, findings: &mut Findings) {
    let name = pool.detail.map_or_else(|| "a pool".to_owned(), |name| format!("pool \"{name}\""));
    let message = format!("all processes of php-fpm's {name} were busy: it reached pm.max_children");
    let finding = findings.add(place(model), message);
    if !is_harm {
        finding.severity(Severity::Warning);
    }
    finding.note(what_happens(passes));
    finding.help("find out first which scripts take so long (slowlog and request_slowlog_timeout of the pool); then raise pm.max_children as far as memory allows, in the pool's own file, and reload php-fpm");
    let own = finding.place;
    for pass in passes.iter().map(|pass| pass.directive.place_of_argument(0)).take(PASSES) {
        if pass != own {
            finding.label(pass, "passes requests to php-fpm");
        }
    }
    finding.seen(pool);
}

/// The line that passes requests to the pool, where all lead to one place: the
/// log of php-fpm does not say which. Else the configuration.
fn place(model: &Model<'_>) -> Place {
    let only = model.only_way_to_fastcgi();
    only.map_or_else(|| model.place_of_configuration(), |only| only.directive.place_of_argument(0))
}

/// What becomes of requests that find all processes busy.
fn what_happens(passes: &[Target<'_>]) -> &'static str {
    let endpoints: Vec<_> = passes.iter().flat_map(|pass| pass.endpoints()).collect();
    let is_unix = |host: Host<'_>| matches!(host, Host::Unix(_));
    match (endpoints.iter().any(|to| is_unix(to.host)), endpoints.iter().any(|to| !is_unix(to.host))) {
        (true, false) => {
            "requests wait in the queue of the socket (listen.backlog); when that is full, nginx answers 502, with \"connect() to unix:... failed (11: Resource temporarily unavailable)\""
        }
        (false, true) => "requests wait for a process to be free, and get 504 after fastcgi_read_timeout",
        _ => {
            "requests wait for a process to be free: 504 after fastcgi_read_timeout, or 502 once the queue of a socket is full"
        }
    }
}
