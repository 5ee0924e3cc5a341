//! Certificates that clients will not take, or nginx itself will not.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{Certificate, CertificateFile, Facts, FileKind};
use crate::model::{Block, Directive, Model, NameKind, Place, is_path};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-server-certificate",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_certificate"],
    equivalents: &[],
    page: include_str!("live_server_certificate.md"),
    check: Check::Configuration(check),
};

const DAY: i64 = 24 * 60 * 60;

/// Certificates that end so soon are worth a warning, and advice.
const SOON: i64 = 14 * DAY;
const RATHER_SOON: i64 = 30 * DAY;

/// So long a file may be newer than what nginx has read: it was just renewed.
const RENEWING: i64 = 60 * 60;

/// So many names are shown.
const NAMES: usize = 4;

const FAMILIES: [Family; 3] = [Family::Http, Family::Stream, Family::Mail];

/// An `ssl_certificate`, and the key that goes with it.
#[derive(Clone, Copy)]
struct Pair<'m> {
    certificate: Directive<'m>,
    key: Option<Directive<'m>>,
}

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let mut uncovered_names: Vec<Uncovered<'_>> = Vec::new();
    for server in FAMILIES.iter().flat_map(|family| model.servers(*family)).filter(|server| speaks_tls(*server)) {
        let Some(own) = server.server_certificates().filter(|own| !own.rejects) else { continue };
        if let Some(uncovered) = uncovered(facts, server, &own.certificates) {
            // A file with certificates that many servers include is one line.
            match uncovered_names.iter_mut().find(|known| known.place.location == uncovered.place.location) {
                Some(known) => known.names.extend(uncovered.names),
                None => uncovered_names.push(uncovered),
            }
        }
        for (index, certificate) in own.certificates.iter().enumerate() {
            if pairs.iter().all(|known| known.certificate.id() != certificate.id()) {
                pairs.push(Pair { certificate: *certificate, key: own.keys.get(index).copied() });
            }
        }
    }
    uncovered_names.iter().for_each(|uncovered| say_uncovered(uncovered, findings));
    for pair in pairs {
        let is_read = check_files(facts, pair, findings);
        if let Some(file) = file_of(facts, pair.certificate).filter(|_| is_read) {
            check_end(facts, pair.certificate, file, findings);
            check_chain(pair.certificate, file, findings);
        }
    }
}

fn speaks_tls(server: Block<'_>) -> bool {
    let listeners = server.model().listeners_of_server(server).unwrap_or_default();
    server.tls_directive().is_some() || listeners.iter().any(|listener| listener.options().ssl)
}

/// What is written, if it is the name of a file.
fn written(directive: Directive<'_>) -> Option<&str> {
    let path = directive.argument(0)?;
    let is_other =
        path.contains('$') || path.starts_with("data:") || path.starts_with("engine:") || path.starts_with("store:");
    (!is_other && !directive.is_template(0)).then_some(path)
}

/// What is known by the path of a directive: where that is relative, of the
/// only one that it can be.
fn known<'f, T>(all: impl Iterator<Item = (&'f str, T)>, directive: Directive<'_>) -> Option<T> {
    let path = written(directive)?;
    let mut fitting = all.filter(|(absolute, _)| is_path(absolute, path));
    let first = fitting.next();
    first.filter(|_| fitting.next().is_none()).map(|(_, value)| value)
}

fn file_of<'f>(facts: &'f Facts, directive: Directive<'_>) -> Option<&'f CertificateFile> {
    known(facts.certificates.iter().map(|(path, file)| (path.as_str(), file)), directive)
}

/// Whether nginx can read the files; says so if not.
fn check_files(facts: &Facts, pair: Pair<'_>, findings: &mut Findings) -> bool {
    for directive in [Some(pair.certificate), pair.key].into_iter().flatten() {
        let file = known(facts.files.iter().map(|(path, file)| (path.as_str(), file)), directive);
        if file.is_some_and(|file| file.kind == FileKind::Missing) {
            let path = directive.argument(0).unwrap_or_default();
            let what = if directive == pair.certificate { "certificate" } else { "key" };
            let says = if what == "certificate" { "cannot load certificate" } else { "cannot load certificate key" };
            refused(directive, format!("there is no file {path} for the {what}"), says, findings);
            return false;
        }
    }
    let path = pair.certificate.argument(0).unwrap_or_default();
    if let Some(problem) = file_of(facts, pair.certificate).and_then(|file| file.problem.as_deref()) {
        refused(pair.certificate, format!("{path} cannot be used: {problem}"), "cannot load certificate", findings);
        return false;
    }
    let key = pair.key.and_then(written);
    let is_it = |known: &&crate::facts::KeyPair| {
        written(pair.certificate).is_some_and(|path| is_path(&known.certificate, path))
            && key.is_some_and(|path| is_path(&known.key, path))
    };
    let problem = facts.key_pairs.iter().find(is_it).and_then(|pair| pair.problem.as_deref());
    if let (Some(problem), Some(key)) = (problem, pair.key) {
        let file = key.argument(0).unwrap_or_default();
        let finding = findings.add(
            key.place_of_argument(0),
            format!("the key {file} and the certificate {path} do not work together: {problem}"),
        );
        finding.note("nginx refuses to start or reload, and says why: \"SSL_CTX_use_PrivateKey(…) failed (… key values mismatch)\", or \"cannot load certificate key\"");
        finding.help("write the key that this certificate was made with; openssl x509 -pubkey and openssl pkey -pubout show which belong together");
        finding.label(pair.certificate.place_of_argument(0), "the certificate");
        return false;
    }
    true
}

fn refused(directive: Directive<'_>, message: String, says: &str, findings: &mut Findings) {
    let finding = findings.add(directive.place_of_argument(0), message);
    finding.note(format!("nginx refuses to start or reload, with all of its sites: \"{says}\""));
    finding
        .help("put the file there, or write where it is; until then nginx goes on only as long as nobody restarts it");
}

fn check_end(facts: &Facts, directive: Directive<'_>, file: &CertificateFile, findings: &mut Findings) {
    let path = directive.argument(0).unwrap_or_default();
    let place = directive.place_of_argument(0);
    let renew = "renew it, then: nginx -s reload, since nginx reads certificates only when it starts or reloads";
    let now = facts.taken_at;
    if now <= 0 {
        return;
    }
    let Some(first) = file.chain.first().filter(|first| first.not_after > 0) else { return };
    let left = first.not_after.saturating_sub(now);
    if left < 0 {
        let finding = findings.add(place, format!("the certificate in {path} has been over for {}", days(-left / DAY)));
        finding.note("browsers and other clients refuse the connection; nginx itself does not mind, neither nginx -t nor its log says a word");
        finding.help(renew);
        return;
    }
    if first.not_before > now {
        let until = days((first.not_before - now) / DAY);
        let finding = findings.add(place, format!("the certificate in {path} is not valid yet, but in {until}"));
        finding.note("clients refuse it until then; nginx itself does not mind");
        finding.help("look at the clock of this machine (timedatectl), or use the certificate from before");
        return;
    }
    if left < RATHER_SOON {
        let finding = findings.add(place, format!("the certificate in {path} is over in {}", days(left / DAY)));
        finding.note("from then on browsers and other clients refuse the connection, and nginx says nothing of it");
        finding.help(format!("see why it has not been renewed (certbot renew --dry-run); {renew}"));
        finding.severity(if left < SOON { Severity::Warning } else { Severity::Info });
        return;
    }
    // Behind the first, clients may know another way to an authority.
    let second = file.chain.get(1).filter(|second| second.subject == first.issuer && second.not_after > 0);
    if let Some(second) = second.filter(|second| second.not_after < now) {
        let since = days((now - second.not_after) / DAY);
        let finding =
            findings.add(place, format!("in {path}, the certificate of {} has been over for {since}", second.subject));
        finding
            .note("clients that know no other way from the server's certificate to an authority refuse the connection");
        finding.help("append the certificate of the authority that is in use now, in its place");
        finding.severity(Severity::Warning);
        return;
    }
    check_loaded(facts, directive, findings);
}

/// Whether the file is newer than what the workers of nginx have read.
fn check_loaded(facts: &Facts, directive: Directive<'_>, findings: &mut Findings) {
    let file = known(facts.files.iter().map(|(path, file)| (path.as_str(), file)), directive);
    let Some(modified) = file.and_then(|file| file.modified) else { return };
    let started: Option<Vec<i64>> = facts.nginx.workers.iter().map(|worker| worker.started_at).collect();
    let Some(last) = started.and_then(|started| started.into_iter().max()) else { return };
    if modified <= last || facts.taken_at.saturating_sub(modified) < RENEWING {
        return;
    }
    let path = directive.argument(0).unwrap_or_default();
    let since = days(facts.taken_at.saturating_sub(modified) / DAY);
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("{path} was changed {since} ago, and nginx has not been reloaded since"),
    );
    finding.note("nginx reads certificates only when it starts or reloads: clients are still shown the one from before, until it is over");
    finding.help("run: nginx -s reload; and let the program that renews it do that (certbot: --deploy-hook)");
    finding.severity(Severity::Warning);
}

fn days(count: i64) -> String {
    match count {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}

/// Whether an authority between the certificate and the ones that clients know
/// is left out.
fn check_chain(directive: Directive<'_>, file: &CertificateFile, findings: &mut Findings) {
    let path = directive.argument(0).unwrap_or_default();
    let Some(first) = file.chain.first().filter(|first| !first.is_self_signed() && !first.issuer.is_empty()) else {
        return;
    };
    let message = match file.chain.get(1) {
        None => format!("{path} holds one certificate, and not that of its authority, {}", first.issuer),
        Some(second) if second.subject != first.issuer => {
            format!(
                "behind the certificate in {path} comes one of {}, and not that of its authority, {}",
                second.subject, first.issuer
            )
        }
        Some(_) => return,
    };
    let finding = findings.add(directive.place_of_argument(0), message);
    finding.note("unless clients know that authority themselves, as they do one of your own, those that do not fetch it refuse the connection: curl, Java, older phones");
    finding.severity(Severity::Info);
    match path.strip_suffix("/cert.pem").filter(|directory| directory.contains("/letsencrypt/live/")) {
        // The authorities of Let's Encrypt that sign are never known to clients.
        Some(directory) => {
            finding.help(format!("write {directory}/fullchain.pem, which holds both"));
            finding.note("clients that do not fetch that authority by themselves refuse the connection: curl, Java, older phones");
            finding.severity(Severity::Warning);
        }
        None => {
            finding.help("append the certificate of that authority to the file, behind the server's own");
        }
    }
}

/// Names of servers that none of their certificates is for.
struct Uncovered<'m> {
    place: Place,
    certificate: Directive<'m>,
    names: Vec<String>,
    /// What the certificates are for.
    covered: Vec<String>,
    /// The other place: the name, or the certificate.
    other: (Place, &'static str),
}

/// The names of a server that no certificate of it is for; none when there are
/// none.
fn uncovered<'m>(facts: &Facts, server: Block<'m>, certificates: &[Directive<'m>]) -> Option<Uncovered<'m>> {
    let files: Option<Vec<&CertificateFile>> =
        certificates.iter().map(|directive| file_of(facts, *directive)).collect();
    let files = files.filter(|files| !files.is_empty())?;
    let own: Vec<&Certificate> = files.iter().filter_map(|file| file.chain.first()).collect();
    // Nothing is said of what could not be read.
    if own.is_empty() || own.len() < files.len() || own.iter().any(|certificate| certificate.names.is_empty()) {
        return None;
    }
    let mut missing: Vec<(String, Directive<'_>, usize)> = Vec::new();
    for name in server.server_names() {
        let Some((directive, index)) = name.directive else { continue };
        for host in hosts_of(&name.text, &name.kind).into_iter().filter(|host| is_of_dns(host)) {
            let is_covered = own.iter().any(|certificate| covers(certificate, &host));
            if !is_covered && missing.iter().all(|(known, ..)| *known != host) {
                missing.push((host, directive, index));
            }
        }
    }
    let (_, directive, index) = *missing.first()?;
    let certificate = certificates[0];
    let (of_name, of_file) = (directive.place_of_argument(index), certificate.place_of_argument(0));
    // A certificate for all servers is not what is wrong.
    let is_own = certificate.parent() == server;
    Some(Uncovered {
        place: if is_own { of_file } else { of_name },
        certificate,
        names: missing.into_iter().map(|(name, ..)| name).collect(),
        covered: own.iter().flat_map(|certificate| certificate.names.clone()).collect(),
        other: if is_own { (of_name, "the name") } else { (of_file, "the certificate") },
    })
}

fn say_uncovered(uncovered: &Uncovered<'_>, findings: &mut Findings) {
    let path = uncovered.certificate.argument(0).unwrap_or_default();
    let (names, covered) = (in_words(&uncovered.names), in_words(&uncovered.covered));
    let finding =
        findings.add(uncovered.place, format!("the certificate in {path} is not for {names}; it is for {covered}"));
    finding.note("browsers and other clients refuse https:// to these names; nginx itself does not mind");
    finding.help("let the certificate be made for these names too, or give them a server with one of their own");
    finding.severity(Severity::Warning);
    let (place, text) = uncovered.other;
    finding.label(place, text);
}

/// The names of DNS that a name of a server stands for; an asterisk stays.
fn hosts_of(text: &str, kind: &NameKind) -> Vec<String> {
    match kind {
        NameKind::Exact | NameKind::Leading => vec![text.to_owned()],
        NameKind::Suffix => vec![text[1..].to_owned(), format!("*{text}")],
        NameKind::Trailing | NameKind::Regex | NameKind::Misplaced => Vec::new(),
    }
}

/// Whether somebody signs certificates for such a name: `localhost`, `_` and
/// `app` are names for this network alone.
fn is_of_dns(name: &str) -> bool {
    const LOCAL: [&str; 4] = [".local", ".localhost", ".invalid", ".test"];
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'*' | b'_');
    let is_word = name.bytes().all(is_part) && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_word && name.trim_matches('.').contains('.') && !LOCAL.iter().any(|end| name.ends_with(end))
}

/// Of a name with an asterisk, whether the certificate is for any such name.
fn covers(certificate: &Certificate, name: &str) -> bool {
    match name.strip_prefix('*') {
        Some(parent) => certificate.names.iter().any(|own| own.to_ascii_lowercase().ends_with(parent)),
        None => certificate.covers(name),
    }
}

fn in_words(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMES)].join(", ");
    let more = names.len().saturating_sub(NAMES);
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
