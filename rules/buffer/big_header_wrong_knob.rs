//! Larger buffers for bodies, where headers have only the one of 4k.

use crate::catalog::{Context, name_index};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, PAGE, Sizes, parse_number, parse_size, written_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "big-header-wrong-knob",
    group: Group::Buffer,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffer_size"],
    equivalents: &[],
    page: include_str!("big_header_wrong_knob.md"),
    check: Check::Directives(&["proxy_buffers", "fastcgi_buffers", "uwsgi_buffers", "scgi_buffers"], check),
};

/// Buffers of the default size, but more of them than this, were raised too.
const MANY: u64 = 64 << 10;

/// A header of more than this is rare.
const ENOUGH: u64 = 16 << 10;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(sizes) = Sizes::of(directive.name()).filter(|_| directive.is_read()) else { return };
    let count = directive.argument(0).and_then(parse_number);
    let one = directive.argument(1).and_then(parse_size);
    let (Some(count), Some(one)) = (count, one) else { return };
    let block = directive.parent();
    let is_raised = one > PAGE || (one == PAGE && count.saturating_mul(one) > MANY);
    if !is_raised || !has_default_size(block, sizes) {
        return;
    }
    let (buffers, buffer_size) = (sizes.buffers, sizes.buffer_size);
    let values: Vec<&str> = directive.arguments().collect();
    let finding = findings.add(
        directive.place(),
        format!("{buffers} {} is for bodies; the header of a response still has to fit into 4k", values.join(" ")),
    );
    finding.note(format!("a longer header, with large cookies or tokens, gets 502: \"upstream sent too big header while reading response header from upstream\"; only {buffer_size} counts for it"));
    if one == PAGE {
        finding.severity(Severity::Info);
        finding.help(format!("where headers are large: {buffer_size} 16k; {buffers} 8 16k;"));
        return;
    }
    let size = written_size(one.min(ENOUGH));
    finding.help(format!("add {buffer_size} {size};"));
    if stands_alone(block, sizes) {
        let edit = Edit::add_line_behind(directive, &format!("{buffer_size} {size};"));
        finding.fix(false, format!("allow headers of {size}"), vec![edit]);
    }
}

/// Whether the header's buffer is the default one here. Outside of a location,
/// whoever sets it in some place inside knows of it.
fn has_default_size(block: Block<'_>, sizes: &Sizes) -> bool {
    let is_set_somewhere =
        || name_index(sizes.buffer_size).is_some_and(|name| block.model().has_directives_named(name));
    block.effective(sizes.buffer_size) == Effective::Default && (block.is(Context::Location) || !is_set_somewhere())
}

/// Whether no other size has to fit a larger one for headers, here or further
/// inside: no larger than one of the buffers, it then fits what fitted before.
fn stands_alone(block: Block<'_>, sizes: &Sizes) -> bool {
    let others = [sizes.busy, sizes.write, sizes.max];
    block.is(Context::Location)
        && block.directives("location").next().is_none()
        && others.iter().all(|name| block.effective(name) == Effective::Default)
}
