//! The files that a configuration names.

use std::collections::BTreeSet;

use crate::catalog::Context;
use crate::facts::Nginx;
use crate::model::{
    Block, Directive, Effective, Host, Model, PASS_AND_SERVER_NAMES, Protocol, Server, Target, family_of_server,
    has_placeholder,
};

use super::missed::Missed;

/// Where a relative path begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Base {
    /// At the directory of the main file.
    Configuration,
    /// At the directory that nginx was built or started for.
    Prefix,
}

/// What else is looked at with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum With {
    Nothing,
    /// Its directory: it need not be there yet.
    Directory,
}

/// Directives that name a file in their first argument.
const DIRECTIVES: [(&str, Base, With); 42] = {
    use Base::{Configuration, Prefix};
    use With::{Directory, Nothing};
    [
        ("ssl_certificate", Configuration, Nothing),
        ("ssl_certificate_key", Configuration, Nothing),
        ("ssl_client_certificate", Configuration, Nothing),
        ("ssl_trusted_certificate", Configuration, Nothing),
        ("ssl_dhparam", Configuration, Nothing),
        ("ssl_crl", Configuration, Nothing),
        ("ssl_password_file", Configuration, Nothing),
        ("ssl_session_ticket_key", Configuration, Nothing),
        ("ssl_stapling_file", Configuration, Nothing),
        ("proxy_ssl_certificate", Configuration, Nothing),
        ("proxy_ssl_certificate_key", Configuration, Nothing),
        ("proxy_ssl_trusted_certificate", Configuration, Nothing),
        ("proxy_ssl_crl", Configuration, Nothing),
        ("proxy_ssl_password_file", Configuration, Nothing),
        ("grpc_ssl_certificate", Configuration, Nothing),
        ("grpc_ssl_certificate_key", Configuration, Nothing),
        ("grpc_ssl_trusted_certificate", Configuration, Nothing),
        ("grpc_ssl_crl", Configuration, Nothing),
        ("grpc_ssl_password_file", Configuration, Nothing),
        ("uwsgi_ssl_certificate", Configuration, Nothing),
        ("uwsgi_ssl_certificate_key", Configuration, Nothing),
        ("uwsgi_ssl_trusted_certificate", Configuration, Nothing),
        ("uwsgi_ssl_crl", Configuration, Nothing),
        ("uwsgi_ssl_password_file", Configuration, Nothing),
        ("auth_basic_user_file", Configuration, Nothing),
        ("auth_jwt_key_file", Configuration, Nothing),
        ("error_log", Prefix, Directory),
        ("access_log", Prefix, Directory),
        ("pid", Prefix, Directory),
        ("root", Prefix, Nothing),
        ("alias", Prefix, Nothing),
        ("client_body_temp_path", Prefix, Directory),
        ("proxy_temp_path", Prefix, Directory),
        ("fastcgi_temp_path", Prefix, Directory),
        ("uwsgi_temp_path", Prefix, Directory),
        ("scgi_temp_path", Prefix, Directory),
        ("proxy_cache_path", Prefix, Directory),
        ("fastcgi_cache_path", Prefix, Directory),
        ("uwsgi_cache_path", Prefix, Directory),
        ("scgi_cache_path", Prefix, Directory),
        ("lock_file", Prefix, Directory),
        ("google_perftools_profiles", Prefix, Directory),
    ]
};

/// Arguments that stand where a file could, and name none.
const NO_FILES: [(&str, &str); 2] = [("error_log", "stderr"), ("access_log", "off")];
const NO_FILE_BEGINNINGS: [&str; 6] = ["syslog:", "memory:", "engine:", "store:", "data:", "keys:"];

/// What is used where nothing is said: the directive, the option with which it
/// is built in, and what that is unless it is given.
const BUILT_IN: [(&str, &str, &str); 8] = [
    ("error_log", "--error-log-path", "logs/error.log"),
    ("pid", "--pid-path", "logs/nginx.pid"),
    ("access_log", "--http-log-path", "logs/access.log"),
    ("client_body_temp_path", "--http-client-body-temp-path", "client_body_temp"),
    ("proxy_temp_path", "--http-proxy-temp-path", "proxy_temp"),
    ("fastcgi_temp_path", "--http-fastcgi-temp-path", "fastcgi_temp"),
    ("uwsgi_temp_path", "--http-uwsgi-temp-path", "uwsgi_temp"),
    ("scgi_temp_path", "--http-scgi-temp-path", "scgi_temp"),
];

/// Modules that present a certificate to where they pass requests.
const PRESENTING: [&str; 3] = ["proxy_ssl", "grpc_ssl", "uwsgi_ssl"];

/// Directives that name a certificate, and those that name its key.
const CERTIFICATES: [&str; 4] =
    ["ssl_certificate", "proxy_ssl_certificate", "grpc_ssl_certificate", "uwsgi_ssl_certificate"];
const CERTIFICATES_AND_KEYS: [&str; 8] = [
    "ssl_certificate",
    "ssl_certificate_key",
    "proxy_ssl_certificate",
    "proxy_ssl_certificate_key",
    "grpc_ssl_certificate",
    "grpc_ssl_certificate_key",
    "uwsgi_ssl_certificate",
    "uwsgi_ssl_certificate_key",
];

/// What a configuration names.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// All paths, from the root on.
    pub files: BTreeSet<String>,
    /// Those of certificates.
    pub certificates: BTreeSet<String>,
    /// Certificates and the keys they are used with.
    pub pairs: BTreeSet<(String, String)>,
    /// Certificates and keys that cannot be looked at, and why.
    hidden: BTreeSet<(String, &'static str)>,
}

/// All files that the configurations name.
pub(super) fn gather(models: &[&Model<'_>], nginx: &Nginx, missed: &mut Missed) -> Named {
    let mut named = Named::default();
    let mut lost = BTreeSet::new();
    for model in models {
        let mut gatherer = Gatherer { model, nginx, named: &mut named, lost: &mut lost };
        gatherer.gather();
    }
    for path in lost {
        missed.add(path, "the directory that it begins at is not known");
    }
    for (what, why) in &named.hidden {
        missed.add(what, *why);
    }
    named
}

struct Gatherer<'g, 't> {
    model: &'g Model<'t>,
    nginx: &'g Nginx,
    named: &'g mut Named,
    /// Paths that begin where it is not known.
    lost: &'g mut BTreeSet<String>,
}

impl Gatherer<'_, '_> {
    fn gather(&mut self) {
        let model = self.model;
        for (name, base, with) in DIRECTIVES {
            for directive in model.directives_named(&[name]).filter(|directive| directive.is_read()) {
                if let Some(path) = path_of(directive).and_then(|path| self.absolute(path, base)) {
                    self.add(path, with);
                }
            }
        }
        self.gather_built_in();
        self.gather_sockets();
        self.gather_own_files();
        self.gather_pairs();
    }

    fn add(&mut self, path: String, with: With) {
        if with == With::Directory
            && let Some((directory, _)) = path.trim_end_matches('/').rsplit_once('/')
        {
            self.named.files.insert(if directory.is_empty() { "/".to_owned() } else { directory.to_owned() });
        }
        self.named.files.insert(path);
    }

    fn absolute(&mut self, path: &str, base: Base) -> Option<String> {
        let found = match base {
            // Relative to a main file that is another one.
            _ if self.model.is_fragment() && !path.starts_with('/') => None,
            Base::Configuration => self.nginx.beside_configuration(path),
            Base::Prefix => self.nginx.below_prefix(path),
        };
        if found.is_none() {
            self.lost.insert(path.to_owned());
        }
        found
    }

    /// What nginx uses without being told.
    fn gather_built_in(&mut self) {
        let Some(binary) = &self.nginx.binary else { return };
        for (directive, option, otherwise) in BUILT_IN {
            let path = binary.option(option).unwrap_or(otherwise);
            if self.uses_default_of(directive)
                && !names_no_file(directive, path)
                && let Some(path) = self.nginx.below_prefix(path)
            {
                self.add(path, With::Directory);
            }
        }
    }

    /// Whether some place certainly goes without a value of its own.
    fn uses_default_of(&self, name: &str) -> bool {
        let model = self.model;
        if model.is_fragment() {
            return false;
        }
        let is_default = |block: Block<'_>| block.effective(name) == Effective::Default;
        let http = || model.blocks().filter(|block| block.is(Context::Http));
        let of_target = |protocol: Protocol| {
            let targets = model.targets().filter(move |target| target.protocol == protocol);
            targets.map(Target::block).any(is_default)
        };
        match name {
            "error_log" | "pid" => is_default(model.main()),
            "access_log" => http().any(is_default),
            "client_body_temp_path" => {
                model.targets().filter(|target| target.protocol != Protocol::Stream).map(Target::block).any(is_default)
            }
            "proxy_temp_path" => of_target(Protocol::Proxy),
            "fastcgi_temp_path" => of_target(Protocol::Fastcgi),
            "uwsgi_temp_path" => of_target(Protocol::Uwsgi),
            "scgi_temp_path" => of_target(Protocol::Scgi),
            _ => false,
        }
    }

    /// Sockets that requests are passed to or taken from, and every directory
    /// on the way.
    fn gather_sockets(&mut self) {
        let model = self.model;
        let targets = model.directives_named(&PASS_AND_SERVER_NAMES).filter_map(socket_of);
        let listens = model.directives_named(&["listen"]).filter(|listen| listen.is_read());
        let listens = listens.filter_map(|listen| listen.argument(0)?.strip_prefix("unix:"));
        let paths: Vec<&str> = targets.chain(listens).collect();
        for path in paths.into_iter().filter(|path| path.starts_with('/') && !path.contains('$')) {
            for (end, _) in path.match_indices('/').skip(1) {
                self.named.files.insert(path[..end].to_owned());
            }
            self.named.files.insert(path.to_owned());
        }
    }

    /// The configuration itself.
    fn gather_own_files(&mut self) {
        for file in self.model.files() {
            let path = file.source.path();
            let is_path = !path.to_string_lossy().starts_with('<');
            if let Some(path) = std::path::absolute(path).ok().filter(|_| is_path)
                && let Some(path) = path.to_str()
            {
                self.named.files.insert(path.to_owned());
            }
        }
    }

    /// Certificates and their keys, put together as nginx does: of a server the
    /// first with the first and so on, its own or inherited.
    fn gather_pairs(&mut self) {
        let model = self.model;
        for block in model.blocks() {
            if family_of_server(block).is_some()
                && let Some(found) = block.server_certificates()
            {
                for (certificate, key) in found.certificates.iter().zip(&found.keys) {
                    self.add_pair(*certificate, *key);
                }
            }
        }
        for prefix in PRESENTING {
            let (certificate, key) = (format!("{prefix}_certificate"), format!("{prefix}_certificate_key"));
            for directive in model.directives_named(&[certificate.as_str(), key.as_str()]) {
                let block = directive.parent();
                let pair = block.effective(&certificate).directive().zip(block.effective(&key).directive());
                if let Some((certificate, key)) = pair {
                    self.add_pair(certificate, key);
                }
            }
        }
        for directive in model.directives_named(&CERTIFICATES).filter(|directive| directive.is_read()) {
            let path = path_of(directive).and_then(|path| self.absolute(path, Base::Configuration));
            self.named.certificates.extend(path);
        }
        for directive in model.directives_named(&CERTIFICATES_AND_KEYS) {
            let Some(text) = directive.argument(0) else { continue };
            if let Some(why) = why_not_looked_at(text) {
                // What follows may be the key itself.
                let shown = text.split_once("data:").map_or(text, |_| "data:");
                self.named.hidden.insert((format!("{} {shown}", directive.name()), why));
            }
        }
    }

    fn add_pair(&mut self, certificate: Directive<'_>, key: Directive<'_>) {
        let mut path = |directive: Directive<'_>| {
            let path = path_of(directive).filter(|_| directive.is_read())?;
            self.absolute(path, Base::Configuration)
        };
        if let Some(pair) = path(certificate).zip(path(key)) {
            self.named.pairs.insert(pair);
        }
    }
}

/// The path that a directive names, if it is one and always the same.
fn path_of(directive: Directive<'_>) -> Option<&str> {
    let path = directive.argument(0)?;
    let is_fixed = !path.is_empty() && !path.contains(['$', '\0']) && !has_placeholder(path);
    (is_fixed && !names_no_file(directive.name(), path)).then_some(path)
}

fn names_no_file(directive: &str, text: &str) -> bool {
    NO_FILES.iter().any(|(known, word)| *known == directive && *word == text)
        || NO_FILE_BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

/// Why a certificate or key cannot be looked at, if its path says so.
fn why_not_looked_at(text: &str) -> Option<&'static str> {
    if text.contains('$') {
        Some("it may be another one for each connection")
    } else {
        let is_elsewhere = ["engine:", "store:", "data:"].iter().any(|beginning| text.starts_with(beginning));
        is_elsewhere.then_some("it is not in a file")
    }
}

/// The socket of a target, or of a server of a group.
fn socket_of(directive: Directive<'_>) -> Option<&str> {
    let endpoint = match Target::of(directive) {
        Some(target) => target.own_endpoint(),
        None => {
            let server = Server { directive };
            server.endpoint().filter(|_| server.is_in_group())
        }
    };
    match endpoint?.host {
        Host::Unix(path) => Some(path),
        Host::Address(_) | Host::Name(_) => None,
    }
}
