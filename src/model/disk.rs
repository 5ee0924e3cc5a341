//! Files and directories that nginx uses while it runs, and what was seen of
//! them: temporary files, caches, logs.

use crate::facts::FileFact;
use crate::source::FileId;

use super::{Directive, Model, PASS_NAMES, Place, has_placeholder};

/// Below these a service with `PrivateTmp` sees directories of its own.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// What relative paths of a directive begin at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// The prefix that nginx was built with.
    Prefix,
    /// The directory of the main file.
    Configuration,
}

/// What a directory is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Purpose {
    /// Bodies of requests.
    Bodies,
    /// Answers that are buffered.
    Answers,
    /// A cache.
    Cache,
    /// Logs.
    Logs,
}

/// A directory that nginx writes to.
#[derive(Clone, Debug)]
pub struct Directory<'m> {
    /// Its absolute path.
    pub path: &'m str,
    /// What was seen there.
    pub fact: &'m FileFact,
    /// What it is for.
    pub purpose: Purpose,
    /// The directive that names it; none where it is the default.
    pub directive: Option<Directive<'m>>,
    /// The line to look at.
    pub place: Place,
}

/// A directive with a directory, what it is for, where relative paths begin,
/// the option of the program that has the default, and what has to be in the
/// configuration for the default to matter.
struct Known {
    name: &'static str,
    purpose: Purpose,
    default: Option<(&'static str, &'static str)>,
}

const fn temporary(name: &'static str, option: &'static str, user: &'static str) -> Known {
    Known { name, purpose: Purpose::Answers, default: Some((option, user)) }
}

const fn cache(name: &'static str) -> Known {
    Known { name, purpose: Purpose::Cache, default: None }
}

const KNOWN: [Known; 9] = [
    Known {
        name: "client_body_temp_path",
        purpose: Purpose::Bodies,
        default: Some(("--http-client-body-temp-path=", "")),
    },
    temporary("proxy_temp_path", "--http-proxy-temp-path=", "proxy_pass"),
    temporary("fastcgi_temp_path", "--http-fastcgi-temp-path=", "fastcgi_pass"),
    temporary("uwsgi_temp_path", "--http-uwsgi-temp-path=", "uwsgi_pass"),
    temporary("scgi_temp_path", "--http-scgi-temp-path=", "scgi_pass"),
    cache("proxy_cache_path"),
    cache("fastcgi_cache_path"),
    cache("uwsgi_cache_path"),
    cache("scgi_cache_path"),
];

const LOGS: [&str; 2] = ["error_log", "access_log"];

impl Model<'_> {
    /// A path of the configuration, from the root on; none when that is not
    /// known, as with variables.
    pub fn absolute_path(&self, text: &str, base: Base) -> Option<String> {
        if text.is_empty() || text.contains('$') || has_placeholder(text) {
            return None;
        }
        match self.facts() {
            Some(facts) if base == Base::Prefix => facts.nginx.below_prefix(text),
            Some(facts) => facts.nginx.beside_configuration(text),
            None => text.starts_with('/').then(|| text.to_owned()),
        }
    }

    /// What was seen at an absolute path, and that path. What a service sees
    /// of /tmp cannot be seen from outside of it.
    pub fn fact_at(&self, path: &str) -> Option<(&str, &FileFact)> {
        let facts = self.facts()?;
        let has_own = facts.nginx.unit.as_ref().is_some_and(|unit| unit.private_tmp == Some(true));
        let is_below = |directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
        if has_own && TEMPORARY.iter().any(|directory| is_below(directory)) {
            return None;
        }
        let bare = path.trim_end_matches('/');
        let found = facts.files.get_key_value(path).or_else(|| facts.files.get_key_value(bare))?;
        Some((found.0.as_str(), found.1))
    }

    /// What was seen of a file of the configuration, and its absolute path.
    pub(super) fn fact_of_source(&self, file: FileId) -> Option<(&str, &FileFact)> {
        let path = self.source(file).path().to_str()?;
        if path.starts_with('/') {
            return self.fact_at(path);
        }
        let is_it = |known: &&String| known.strip_suffix(path).is_some_and(|head| head.ends_with('/'));
        let mut found = self.facts()?.files.iter().filter(|(known, _)| is_it(known));
        let first = found.next()?;
        found.next().is_none().then_some((first.0.as_str(), first.1))
    }

    /// The directories that nginx writes to and that were looked at.
    pub fn directories(&self) -> Vec<Directory<'_>> {
        let mut found: Vec<Directory<'_>> = Vec::new();
        if self.facts().is_none() {
            return found;
        }
        for known in &KNOWN {
            found.extend(self.directives_named(&[known.name]).filter_map(|directive| {
                let path = self.absolute_path(directive.argument(0)?, Base::Prefix)?;
                self.directory(&path, known.purpose, Some(directive), directive.place())
            }));
            found.extend(self.default_directory(known));
        }
        found.extend(self.directives_named(&LOGS).filter_map(|directive| {
            let path = self.absolute_path(directive.argument(0).filter(|path| is_file(path))?, Base::Prefix)?;
            self.directory(parent_of(&path)?, Purpose::Logs, Some(directive), directive.place())
        }));
        found
    }

    fn directory<'m>(
        &'m self,
        path: &str,
        purpose: Purpose,
        directive: Option<Directive<'m>>,
        place: Place,
    ) -> Option<Directory<'m>> {
        let (path, fact) = self.fact_at(path)?;
        Some(Directory { path, fact, purpose, directive, place })
    }

    /// The directory that is in use where no directive names one.
    fn default_directory(&self, known: &Known) -> Option<Directory<'_>> {
        let (option, user) = known.default?;
        let http = self.main().directive("http")?;
        let block = http.block()?;
        if block.directive(known.name).is_some() || block.is_unseen_for(known.name) {
            return None;
        }
        let user = if PASS_NAMES.contains(&user) { Some(self.directives_named(&[user]).next()?) } else { None };
        let path = self.absolute_path(self.argument_of_program(option)?, Base::Prefix)?;
        self.directory(&path, known.purpose, None, user.map_or(http.place_of_name(), |user| user.place()))
    }

    fn argument_of_program(&self, option: &str) -> Option<&str> {
        let arguments = &self.facts()?.nginx.binary.as_ref()?.arguments;
        arguments.iter().find_map(|argument| argument.strip_prefix(option))
    }
}

/// Whether the first word of a directive for a log is a file.
fn is_file(path: &str) -> bool {
    !matches!(path, "off" | "stderr") && !path.starts_with("syslog:") && !path.starts_with("memory:")
}

fn parent_of(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| if parent.is_empty() { "/" } else { parent })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::Profile;
    use super::*;
    use crate::catalog::Context;
    use crate::facts::{Binary, Facts, Unit};
    use crate::tree::{self, Memory, Places};

    #[test]
    fn directories_are_found_with_their_defaults() {
        let text = "error_log logs/error.log;
            http {
                access_log syslog:server=127.0.0.1; access_log /srv/$host.log; access_log /var/log/access.log;
                proxy_temp_path /tmp/proxy; fastcgi_temp_path /srv/php; proxy_cache_path /srv/cache keys_zone=a:1m;
                server { location / { proxy_pass http://127.0.0.1; } location /a { scgi_pass 127.0.0.1:1; } }
            }";
        let paths = ["/usr/share/nginx/logs", "/var/log", "/tmp/proxy", "/srv/php", "/srv/cache", "/var/b", "/var/s"];
        let table = [
            (
                false,
                vec!["/var/b", "/tmp/proxy", "/srv/php", "/var/s", "/srv/cache", "/usr/share/nginx/logs", "/var/log"],
            ),
            (true, vec!["/var/b", "/srv/php", "/var/s", "/srv/cache", "/usr/share/nginx/logs", "/var/log"]),
        ];
        for (private_tmp, expected) in table {
            let files = paths.iter().map(|path| ((*path).to_owned(), FileFact::default())).collect();
            let mut facts = Facts { files, ..Facts::default() };
            facts.nginx.prefix = Some("/usr/share/nginx".to_owned());
            facts.nginx.configuration_directory = Some("/etc/nginx".to_owned());
            let arguments = ["--http-client-body-temp-path=/var/b", "--http-scgi-temp-path=/var/s"];
            let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            facts.nginx.binary = Some(Binary { arguments, ..Binary::default() });
            facts.nginx.unit = Some(Unit { private_tmp: Some(private_tmp), ..Unit::default() });
            let entry = Path::new("/etc/nginx/nginx.conf");
            let files: Memory = [(entry, text.as_bytes().to_vec())].into_iter().collect();
            let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
            let profile = Profile { facts: Some(Arc::new(facts)), ..Profile::default() };
            let model = Model::new(&tree, Context::Main, profile);
            let found: Vec<&str> = model.directories().iter().map(|directory| directory.path).collect();
            assert_eq!(found, expected, "{private_tmp}");
            let users = model.absolute_path("users", Base::Configuration);
            assert_eq!(users.as_deref(), Some("/etc/nginx/users"));
        }
    }
}
