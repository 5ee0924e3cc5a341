//! Logins behind a buffer of 4k for the header of a response.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, LocationHead, Sizes, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "auth-locations-default-buffer-size",
    group: Group::Buffer,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffer_size"],
    equivalents: &[],
    page: include_str!("auth_locations_default_buffer_size.md"),
    check: Check::Directives(&["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass"], check),
};

/// Words between the slashes of paths that answer with large cookies.
const WORDS: [&str; 8] = ["oauth", "oauth2", "auth", "sso", "saml", "saml2", "login", "callback"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.is_in_place()) else { return };
    let Some(sizes) = Sizes::of_protocol(target.protocol) else { return };
    let block = directive.parent();
    let Some(reason) = reason(block) else { return };
    // Who has set any of them has thought about sizes.
    if sizes.names().iter().any(|name| block.effective(name) != Effective::Default) {
        return;
    }
    let (buffers, buffer_size) = (sizes.buffers, sizes.buffer_size);
    let (message, label) = match reason {
        Reason::Path(head) => (format!("answers of {} have 4k for their header, the default", head.pattern), None),
        Reason::AuthRequest(request) => (
            "answers behind auth_request have 4k for their header, the default".to_owned(),
            Some((request.place(), "who may pass is asked here")),
        ),
    };
    let finding = findings.add(directive.place(), message);
    finding.note(format!("answers to logins carry large cookies and tokens; with more than {buffer_size}, 4k, they get 502: \"upstream sent too big header while reading response header from upstream\""));
    finding.help(format!("write {buffer_size} 16k; {buffers} 8 16k;"));
    if let Some((place, text)) = label {
        finding.label(place, text);
    }
    // Sizes do not go into an `if`, and what is further inside may not fit them.
    if block.is(Context::Location) && block.directives("location").next().is_none() {
        let between = format!("\n{}", directive.indentation());
        let lines = [format!("{buffer_size} 16k;"), format!("{buffers} 8 16k;")].join(&between);
        finding.fix(false, "allow headers of 16k", vec![Edit::add_line_behind(directive, &lines)]);
    }
}

/// Why large headers are to be expected.
enum Reason<'m> {
    Path(LocationHead<'m>),
    AuthRequest(Directive<'m>),
}

fn reason(block: Block<'_>) -> Option<Reason<'_>> {
    let head = block.outwards().find_map(LocationHead::of_block);
    if let Some(head) = head.filter(|head| is_for_logins(head.pattern)) {
        return Some(Reason::Path(head));
    }
    let request = block.effective("auth_request").directive()?;
    (request.argument(0) != Some("off")).then_some(Reason::AuthRequest(request))
}

fn is_for_logins(path: &str) -> bool {
    let mut words = path.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}
