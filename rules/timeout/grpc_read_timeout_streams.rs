//! Streams of gRPC that end after a minute of silence.

use std::collections::BTreeSet;

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Effective, Model, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "grpc-read-timeout-streams",
    group: Group::Timeout,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_grpc_module.html#grpc_read_timeout"],
    equivalents: &[],
    page: include_str!("grpc_read_timeout_streams.md"),
    check: Check::Configuration(check),
};

/// One finding for each server: its locations will get the same line.
fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut told = BTreeSet::new();
    for directive in model.directives_named(&["grpc_pass"]) {
        let Some(target) = Target::of(directive).filter(|target| target.is_in_place()) else { continue };
        if target.effective("read_timeout") != Effective::Default {
            continue;
        }
        let server = target.block().outwards().find(|block| block.is(Context::Server));
        if !told.insert(server.map(|server| server.id())) {
            continue;
        }
        let finding = findings.add(
            directive.place(),
            "a gRPC stream in which the server says nothing for 60s is ended: grpc_read_timeout is not set",
        );
        finding.note("the client gets 504 if the answer has not begun, else a stream that breaks off");
        finding.help(
            "where streams are passed on, write grpc_read_timeout 1h; calls that are answered at once need nothing",
        );
    }
}
