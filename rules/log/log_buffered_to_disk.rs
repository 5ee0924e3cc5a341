//! Bodies that went through a temporary file.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Effective, Model, Protocol, Seen, Sizes};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-buffered-to-disk",
    group: Group::Log,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#client_body_buffer_size",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffers",
    ],
    equivalents: &[],
    page: include_str!("log_buffered_to_disk.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    if !findings.want(Severity::Info) {
        return;
    }
    for seen in model.seen(&[Signature::BodyBufferedToFile]) {
        say_of_requests(&seen, findings);
    }
    for seen in model.seen(&[Signature::ResponseBufferedToFile]) {
        say_of_answers(&seen, findings);
    }
}

fn say_of_requests(seen: &Seen<'_>, findings: &mut Findings) {
    let block = seen.came_to().or(seen.block());
    let wants_files = block.and_then(|block| block.effective("client_body_in_file_only").directive());
    if wants_files.is_some_and(|directive| directive.argument(0) != Some("off")) {
        return;
    }
    let in_force = block.map_or(Effective::Unseen, |block| block.effective("client_body_buffer_size"));
    let (place, is) = match in_force {
        Effective::Set(directive) => (directive.place(), directive.argument(0).unwrap_or_default()),
        Effective::Default => (seen.place_of_block(), "16k by default"),
        Effective::Unseen => (seen.place_of_block(), "16k unless set"),
    };
    let finding =
        findings.add(place, format!("bodies of requests are larger than client_body_buffer_size, which is {is}"));
    finding.note(
        "they go through a file of client_body_temp_path; nothing fails, and each costs the disk a write and a read",
    );
    finding.help("if there are many, write client_body_buffer_size 128k; memory of that size is used by each request with a body");
    finding.seen(seen);
}

fn say_of_answers(seen: &Seen<'_>, findings: &mut Findings) {
    let protocol = seen.target.map_or(Protocol::Proxy, |target| target.protocol);
    let Some(sizes) = Sizes::of_protocol(protocol) else { return };
    let in_force = seen.target.map_or(Effective::Unseen, |target| target.block().effective(sizes.buffers));
    let (place, are) = match in_force {
        Effective::Set(directive) => (directive.place(), directive.arguments().collect::<Vec<_>>().join(" ")),
        Effective::Default => (seen.place(), "8 4k by default".to_owned()),
        Effective::Unseen => (seen.place(), "8 4k unless set".to_owned()),
    };
    let finding = findings.add(
        place,
        format!("answers are larger than {}, which are {are}, and clients slower than the server", sizes.buffers),
    );
    finding.note("what does not fit goes through a file; nothing fails, and the server behind is done sooner");
    finding.help(format!(
        "if the disk suffers, write {} 16 16k; or {} 0; which lets the server behind wait for the client instead",
        sizes.buffers, sizes.max
    ));
    if let Some(target) = seen.target.filter(|target| target.directive.place() != place) {
        finding.label(target.directive.place(), "the answers come from here");
    }
    finding.seen(seen);
}
