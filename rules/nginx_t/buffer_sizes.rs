//! Sizes of buffers that do not go together, and sizes that nginx's own parts
//! do not take.

use crate::catalog::Context;
use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, PAGE, Sizes, parse_number, parse_size, written_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "buffer-sizes",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_busy_buffers_size"],
    equivalents: &[],
    page: include_str!("buffer_sizes.md"),
    check: Check::Directives(
        &[
            "proxy_buffer_size",
            "proxy_buffers",
            "proxy_busy_buffers_size",
            "proxy_temp_file_write_size",
            "proxy_max_temp_file_size",
            "fastcgi_buffer_size",
            "fastcgi_buffers",
            "fastcgi_busy_buffers_size",
            "fastcgi_temp_file_write_size",
            "fastcgi_max_temp_file_size",
            "uwsgi_buffer_size",
            "uwsgi_buffers",
            "uwsgi_busy_buffers_size",
            "uwsgi_temp_file_write_size",
            "uwsgi_max_temp_file_size",
            "scgi_buffer_size",
            "scgi_buffers",
            "scgi_busy_buffers_size",
            "scgi_temp_file_write_size",
            "scgi_max_temp_file_size",
            "large_client_header_buffers",
            "connection_pool_size",
            "request_pool_size",
            "gzip_window",
            "gzip_hash",
            "http2_recv_buffer_size",
            "http2_pool_size",
            "http2_body_preread_size",
            "http2_streams_index_size",
            "http2_chunk_size",
        ],
        check,
    ),
};

/// The largest temporary file by default.
const MAX_TEMPORARY_FILE: u64 = 1 << 30;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if !directive.is_read() || !is_http(directive.parent()) {
        return;
    }
    let name = directive.name();
    if let Some(sizes) = Sizes::of(name) {
        check_family(directive, sizes, findings);
        return;
    }
    check_alone(directive, findings);
    if matches!(name, "large_client_header_buffers" | "connection_pool_size") {
        check_pool_against_buffers(directive, findings);
    }
}

fn is_http(block: Block<'_>) -> bool {
    [Context::Http, Context::Server, Context::Location].into_iter().any(|context| block.is(context))
}

/// nginx puts the values together in every server and location. Only where a
/// block says something new can something be wrong that was not wrong outside.
fn check_family(directive: Directive<'_>, sizes: &Sizes, findings: &mut Findings) {
    let block = directive.parent();
    let names = sizes.names();
    let first = names.into_iter().find(|name| block.directive(name).is_some());
    if first != Some(directive.name()) || block.directive(directive.name()) != Some(directive) {
        return;
    }
    if !block.is(Context::Http) {
        let Some(values) = Values::of(block, sizes) else { return };
        values.check(block, sizes, findings);
        return;
    }
    // http itself is not judged, but every server that takes its values as they are.
    let takes_all = |server: &Block<'_>| names.iter().all(|name| server.directive(name).is_none());
    let server = block.directives("server").filter_map(|server| server.block()).find(takes_all);
    let Some(values) = server.and_then(|server| Values::of(server, sizes)) else { return };
    values.check(block, sizes, findings);
}

/// A size in force, and the directive that says it.
#[derive(Clone, Copy)]
struct Value<'m> {
    bytes: u64,
    by: Option<Directive<'m>>,
}

/// The sizes in force in a block.
struct Values<'m> {
    buffer_size: Value<'m>,
    count: u64,
    one: Value<'m>,
    busy: Option<Value<'m>>,
    write: Option<Value<'m>>,
    max: Option<Value<'m>>,
}

/// The value of a directive with one size; the outer `None` when it is not known.
fn size_of<'m>(block: Block<'m>, name: &str) -> Option<Option<Value<'m>>> {
    match block.effective(name) {
        Effective::Set(by) => Some(Some(Value { bytes: parse_size(by.argument(0)?)?, by: Some(by) })),
        Effective::Default => Some(None),
        Effective::Unseen => None,
    }
}

impl<'m> Values<'m> {
    fn of(block: Block<'m>, sizes: &Sizes) -> Option<Values<'m>> {
        let page = Value { bytes: PAGE, by: None };
        let (count, one) = match block.effective(sizes.buffers) {
            Effective::Set(by) => {
                let count = parse_number(by.argument(0)?).filter(|count| *count > 0)?;
                let bytes = parse_size(by.argument(1)?).filter(|bytes| *bytes > 0)?;
                (count, Value { bytes, by: Some(by) })
            }
            Effective::Default => (8, page),
            Effective::Unseen => return None,
        };
        Some(Values {
            buffer_size: size_of(block, sizes.buffer_size)?.unwrap_or(page),
            count,
            one,
            busy: size_of(block, sizes.busy)?,
            write: size_of(block, sizes.write)?,
            max: size_of(block, sizes.max)?,
        })
    }

    /// The larger of the buffer for the header and one of the others.
    fn largest(&self) -> Value<'m> {
        if self.buffer_size.bytes < self.one.bytes { self.one } else { self.buffer_size }
    }

    /// The checks in nginx's order: the first one that fails is reported.
    fn check(&self, block: Block<'m>, sizes: &Sizes, findings: &mut Findings) {
        let largest = self.largest();
        let Sizes { buffer_size, buffers, busy, write, max, .. } = sizes;
        let maximum = format!("the maximum of the value of \"{buffer_size}\" and one of the \"{buffers}\"");
        let all_but_one = (self.count - 1).saturating_mul(self.one.bytes);
        let at_most_busy = self.busy.map_or(largest.bytes.saturating_mul(2), |busy| busy.bytes);
        if self.count < 2 {
            let Some(by) = self.one.by else { return };
            let finding = findings.add(by.place_of_argument(0), format!("{buffers} allows one buffer only"));
            finding.nginx_says(format!("there must be at least 2 \"{buffers}\""));
            finding.help(format!("write 2 or more: \"{buffers} 8 {}\"", written_size(self.one.bytes)));
            self.finish(finding, block, &[]);
        } else if at_most_busy < largest.bytes {
            let Some(by) = self.busy.and_then(|busy| busy.by) else { return };
            let message = format!(
                "{busy} is {}, less than one buffer of {}",
                written_size(at_most_busy),
                written_size(largest.bytes)
            );
            let finding = findings.add(by.place_of_argument(0), message);
            finding.nginx_says(format!("\"{busy}\" must be equal to or greater than {maximum}"));
            finding.help(format!("write {} or more", written_size(largest.bytes)));
            self.finish(finding, block, &[largest]);
        } else if at_most_busy > all_but_one {
            self.report_too_busy(block, sizes, at_most_busy, all_but_one, findings);
        } else if let Some(Value { bytes, by: Some(by) }) = self.write.filter(|write| write.bytes < largest.bytes) {
            let message =
                format!("{write} is {}, less than one buffer of {}", written_size(bytes), written_size(largest.bytes));
            let finding = findings.add(by.place_of_argument(0), message);
            finding.nginx_says(format!("\"{write}\" must be equal to or greater than {maximum}"));
            finding.help(format!("write {} or more", written_size(largest.bytes)));
            self.finish(finding, block, &[largest]);
        } else {
            let bytes = self.max.map_or(MAX_TEMPORARY_FILE, |max| max.bytes);
            let by = self.max.map_or(largest.by, |max| max.by);
            let Some(by) = by.filter(|_| bytes != 0 && bytes < largest.bytes) else { return };
            let message =
                format!("{max} is {}, less than one buffer of {}", written_size(bytes), written_size(largest.bytes));
            let finding = findings.add(by.place(), message);
            finding.nginx_says(format!(
                "\"{max}\" must be equal to zero to disable temporary files usage or must be equal to or greater than {maximum}"
            ));
            finding.help(format!("write 0 for no temporary files, or {} or more", written_size(largest.bytes)));
            self.finish(finding, block, &[largest]);
        }
    }

    fn report_too_busy(
        &self,
        block: Block<'m>,
        sizes: &Sizes,
        at_most_busy: u64,
        all_but_one: u64,
        findings: &mut Findings,
    ) {
        let Sizes { buffer_size, buffers, busy, .. } = sizes;
        let (limit, largest) = (written_size(all_but_one), self.largest());
        let by_default = self.busy.is_none();
        // What the innermost block says has upset the others.
        let candidates = [self.busy.and_then(|busy| busy.by), self.buffer_size.by, self.one.by];
        let Some(by) = candidates.into_iter().flatten().max_by_key(|by| depth(by.parent())) else { return };
        let all_but_one_text =
            format!("all {buffers} but one ({} of {}) are {limit}", self.count - 1, written_size(self.one.bytes));
        let message = if by_default {
            format!(
                "{busy} is {} here, twice the larger of {buffer_size} and one of the {buffers}; {all_but_one_text}",
                written_size(at_most_busy)
            )
        } else {
            format!("{busy} is {} here; {all_but_one_text}", written_size(at_most_busy))
        };
        let place =
            if by == self.one.by.unwrap_or(by) && self.one.by.is_some() { by.place() } else { by.place_of_argument(0) };
        let finding = findings.add(place, message);
        finding.nginx_says(format!("\"{busy}\" must be less than the size of all \"{buffers}\" minus one buffer"));
        let help = if largest.bytes <= all_but_one && by_default {
            format!("add \"{busy} {};\" next to it, or write larger {buffers}", written_size(largest.bytes))
        } else if largest.bytes <= all_but_one {
            format!("write {busy} {limit} or less, or larger {buffers}")
        } else {
            format!("write larger {buffers}: \"{buffers} 8 {};\"", written_size(largest.bytes))
        };
        finding.help(help);
        let others: Vec<Value<'m>> =
            [self.busy, Some(self.buffer_size), Some(self.one)].into_iter().flatten().collect();
        self.finish(finding, block, &others);
    }

    /// What all these findings have: the place nginx names, and the others that
    /// take part.
    fn finish(&self, finding: &mut Finding, block: Block<'m>, others: &[Value<'m>]) {
        if let Some(brace) = block.end_of_family() {
            finding.nginx_names(brace);
        }
        let own = finding.place.location;
        let apart = |by: &Directive<'_>| {
            let whole = by.whole();
            whole.file != own.file || whole.span.end <= own.span.start || own.span.end <= whole.span.start
        };
        for by in others.iter().filter_map(|value| value.by).filter(apart) {
            let values: Vec<&str> = by.arguments().collect();
            finding.label(by.place(), format!("{} is {}", by.name(), values.join(" ")));
        }
    }
}

fn depth(block: Block<'_>) -> usize {
    block.outwards().count()
}

/// The least and the step of the size of a pool.
const LEAST_POOL: u64 = 112;
const POOL_STEP: u64 = 16;

/// Sizes that are wrong whatever the others are.
fn check_alone(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0) else { return };
    let Some(bytes) = parse_size(text) else { return };
    let name = directive.name();
    let powers = |largest: u64| bytes.is_power_of_two() && (512..=largest).contains(&bytes);
    let (says, help) = match name {
        "connection_pool_size" | "request_pool_size" | "http2_pool_size" if bytes < LEAST_POOL => {
            (format!("the pool size must be no less than {LEAST_POOL}"), "leave it out, or write 256 or more")
        }
        "connection_pool_size" | "request_pool_size" | "http2_pool_size" if !bytes.is_multiple_of(POOL_STEP) => {
            (format!("the pool size must be a multiple of {POOL_STEP}"), "leave it out, or write a multiple of 16")
        }
        "gzip_window" if !powers(32 << 10) => (
            format!("\"{name}\" directive must be 512, 1k, 2k, 4k, 8k, 16k, or 32k"),
            "write 512, 1k, 2k, 4k, 8k, 16k, or 32k",
        ),
        "gzip_hash" if !powers(128 << 10) => (
            format!("\"{name}\" directive must be 512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k"),
            "write 512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k",
        ),
        "http2_recv_buffer_size" if bytes <= 16 => {
            (format!("\"{name}\" directive value is too small"), "leave it out: it is 256k then")
        }
        "http2_body_preread_size" if bytes > i32::MAX as u64 => (
            format!("the maximum body preread buffer size is {}", i32::MAX),
            "write 64k; more is of use for large uploads only",
        ),
        "http2_chunk_size" if bytes == 0 => {
            ("the http2 chunk size cannot be zero".to_owned(), "leave it out: it is 8k then")
        }
        "http2_streams_index_size" if parse_number(text).is_some() && !bytes.is_power_of_two() => {
            (format!("\"{name}\" directive must be a power of two"), "leave it out: it is 32 then")
        }
        _ => return,
    };
    findings
        .add(directive.place_of_argument(0), format!("{name} cannot be {text}"))
        .nginx_says(says)
        .nginx_names(directive.terminator())
        .help(help);
}

/// The size of a connection's pool if nothing says one: 64 pointers.
const CONNECTION_POOL: u64 = 512;

/// A header's buffer is as large as the pool of its connection at least; both
/// are put together in every server.
fn check_pool_against_buffers(directive: Directive<'_>, findings: &mut Findings) {
    let block = directive.parent();
    let names = ["large_client_header_buffers", "connection_pool_size"];
    let first = names.into_iter().find(|name| block.directive(name).is_some());
    if first != Some(directive.name()) {
        return;
    }
    let server = if block.is(Context::Http) {
        let takes_all = |server: &Block<'_>| names.iter().all(|name| server.directive(name).is_none());
        block.directives("server").filter_map(|server| server.block()).find(takes_all)
    } else {
        Some(block)
    };
    let Some(server) = server else { return };
    let Some(pool) = size_of(server, names[1]) else { return };
    let buffers = match server.effective(names[0]) {
        Effective::Set(by) => by,
        // 8k; no pool that large is of any use, but it is refused.
        Effective::Default => {
            let Some(Value { bytes, by: Some(by) }) = pool.filter(|pool| pool.bytes > 8_192) else { return };
            let finding = findings.add(
                by.place_of_argument(0),
                format!(
                    "connection_pool_size is {}, more than a buffer of large_client_header_buffers with 8k",
                    written_size(bytes)
                ),
            );
            finish_pool(finding, block);
            return;
        }
        Effective::Unseen => return,
    };
    let Some(size) = buffers.argument(1).and_then(parse_size).filter(|size| *size > 0) else { return };
    let bytes = pool.map_or(CONNECTION_POOL, |pool| pool.bytes);
    if size >= bytes {
        return;
    }
    let message = format!(
        "a buffer of large_client_header_buffers is {}, less than connection_pool_size with {}",
        written_size(size),
        written_size(bytes)
    );
    let finding = findings.add(buffers.place_of_argument(1), message);
    if let Some(by) = pool.and_then(|pool| pool.by) {
        finding.label(by.place(), format!("connection_pool_size is {}", written_size(bytes)));
    }
    finish_pool(finding, block);
}

fn finish_pool(finding: &mut Finding, block: Block<'_>) {
    finding
        .nginx_says(
            "the \"large_client_header_buffers\" size must be equal to or greater than \"connection_pool_size\"",
        )
        .help("leave connection_pool_size out, and write 4 8k or larger for large_client_header_buffers");
    if let Some(brace) = block.end_of_family() {
        finding.nginx_names(brace);
    }
}
