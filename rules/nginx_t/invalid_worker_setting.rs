//! Settings of the worker processes that nginx does not take.

use crate::catalog::nearest;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-worker-setting",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_processes"],
    equivalents: &[],
    page: include_str!("invalid_worker_setting.md"),
    check: Check::Directives(&["worker_processes", "worker_priority", "worker_cpu_affinity", "use"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let has_template = (0..directive.argument_count()).any(|index| directive.is_template(index));
    if !directive.is_read() || has_template {
        return;
    }
    match directive.name() {
        "worker_processes" => check_processes(directive, findings),
        "worker_priority" => check_priority(directive, findings),
        "use" => check_method(directive, findings),
        _ => check_masks(directive, findings),
    }
}

fn check_processes(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|text| *text != "auto" && parse_number(text).is_none()) else {
        return;
    };
    findings
        .add(directive.place_of_argument(0), format!("\"{text}\" is no number of processes"))
        .nginx_says("\"worker_processes\" directive invalid value")
        .nginx_names(directive.terminator())
        .help("write a whole number, or auto in small letters");
}

fn check_priority(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0) else { return };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    // nginx keeps 32 bits, of which -1 is the mark of an error.
    if parse_number(digits).is_some_and(|number| number as u32 as i32 != -1) {
        return;
    }
    findings
        .add(directive.place_of_argument(0), format!("\"{text}\" is no priority"))
        .nginx_says("\"worker_priority\" directive invalid number")
        .nginx_names(directive.terminator())
        .help("write a whole number from -20 to 19");
}

/// The methods of some system; the last is the name of the core, which nginx
/// takes for one.
const METHODS: [&str; 9] =
    ["epoll", "kqueue", "select", "poll", "/dev/poll", "eventport", "iocp", "rtsig", "event_core"];

fn check_method(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|text| !METHODS.contains(text)) else { return };
    let finding = findings.add(directive.place_of_argument(0), format!("\"{text}\" is no way to wait for events"));
    finding.nginx_says(format!("invalid event type \"{text}\"")).nginx_names(directive.terminator());
    finding.help(match nearest(text, METHODS[..6].iter().copied()) {
        Some(near) => format!("write {near}, or leave the directive out: nginx finds the best way itself"),
        None => "leave the directive out: nginx finds the best way itself".to_owned(),
    });
}

/// So many processors a mask can name.
const MOST_PROCESSORS: usize = 1_024;

fn check_masks(directive: Directive<'_>, findings: &mut Findings) {
    let count = directive.argument_count();
    let is_auto = directive.argument(0) == Some("auto");
    if is_auto && count > 2 {
        findings
            .add(directive.place(), format!("worker_cpu_affinity auto has {} masks behind it", count - 1))
            .nginx_says("invalid number of arguments in \"worker_cpu_affinity\" directive")
            .nginx_names(directive.terminator())
            .help("write auto alone, or with one mask of the processors that may be used");
        return;
    }
    for (index, mask) in directive.arguments().enumerate().skip(usize::from(is_auto)) {
        let place = directive.place_of_argument(index);
        if mask.len() > MOST_PROCESSORS {
            findings
                .add(place, format!("this mask is {} digits long; {MOST_PROCESSORS} are the most", mask.len()))
                .nginx_says(format!("\"worker_cpu_affinity\" supports up to {MOST_PROCESSORS} CPUs only"))
                .nginx_names(directive.terminator());
            return;
        }
        // nginx reads from the end.
        if let Some(wrong) = mask.bytes().rev().find(|byte| !matches!(byte, b' ' | b'0' | b'1')) {
            let wrong = char::from(wrong);
            findings
                .add(place, format!("\"{mask}\" is no mask of processors"))
                .nginx_says(format!("invalid character \"{wrong}\" in \"worker_cpu_affinity\""))
                .nginx_names(directive.terminator())
                .help("write one mask of 0 and 1 for each worker, the first processor last: \"0001 0010\", or auto");
            return;
        }
    }
    if !is_auto && count > 1 {
        check_number_of_masks(directive, count as u64, findings);
    }
}

fn check_number_of_masks(directive: Directive<'_>, masks: u64, findings: &mut Findings) {
    let main = directive.parent();
    let processes = main.directive("worker_processes");
    let number = match processes {
        Some(processes) => processes.argument(0).filter(|_| !processes.is_template(0)).and_then(parse_number),
        None if main.is_unseen_for("worker_processes") => None,
        None => Some(1),
    };
    let Some(number) = number.filter(|number| *number != masks) else { return };
    let finding =
        findings.add(directive.place(), format!("worker_cpu_affinity has {masks} masks for {number} worker processes"));
    finding
        .severity(Severity::Warning)
        .not_refused()
        .nginx_says("the number of \"worker_processes\" is not equal to the number of \"worker_cpu_affinity\" masks, using last mask for remaining worker processes")
        .help("write one mask for each worker process, or \"worker_cpu_affinity auto;\"");
    if let Some(processes) = processes {
        finding.label(processes.place(), "the number of processes");
    }
}
