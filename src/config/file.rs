//! The form of the file, and how it is read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::catalog::{Version, nearest};
use crate::model;

use super::levels::{Level, Levels, Settings};
use super::{Config, ConfigError, Names};

/// The whole file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[schemars(title = "nginx-lint.toml", rename = "nginx-lint.toml")]
struct File {
    /// The releases of nginx-lint that can read this file, such as `>=0.1`.
    #[schemars(with = "Option<String>")]
    required_version: Option<Spanned<String>>,
    /// Another file, relative to this one, that says what this one does not.
    #[schemars(with = "Option<String>")]
    extends: Option<Spanned<PathBuf>>,
    /// A file of findings that were there before and are not shown.
    baseline: Option<PathBuf>,
    /// Show findings of this severity and above.
    #[schemars(with = "Option<Severity>")]
    min_severity: Option<Spanned<String>>,
    /// Exit with 1 when there are findings of this severity or above.
    #[schemars(with = "Option<Severity>")]
    fail_on: Option<Spanned<String>>,
    /// The nginx that will read the configuration.
    nginx: Nginx,
    /// What the configuration cannot say.
    surroundings: Surroundings,
    /// Where the files of the configuration are.
    paths: Paths,
    /// What rules are set to: by name, group, severity, or `all`.
    #[schemars(with = "BTreeMap<String, Level>")]
    rules: BTreeMap<Spanned<String>, Spanned<String>>,
    /// What rules are set to for some files.
    overrides: Vec<Override>,
}

/// The nginx that will read the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Nginx {
    /// Its release, such as `1.22.1`.
    #[serde(deserialize_with = "version")]
    #[schemars(with = "Option<String>")]
    pub version: Option<Version>,
    /// The modules it has beyond those it is built with by default.
    pub modules: Option<Vec<String>>,
}

/// What the configuration of nginx cannot say: the programs behind it, what
/// stands in front of it, and the machine. Times and sizes are written as in
/// nginx, such as `5s` and `10m`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Surroundings {
    /// After this time without a request the servers behind nginx close a
    /// connection.
    #[serde(deserialize_with = "time")]
    #[schemars(with = "Option<String>")]
    pub backend_idle_timeout: Option<u64>,
    /// So many requests a server behind nginx works on at a time.
    pub backend_workers: Option<u64>,
    /// The largest body of a request that the servers behind nginx take.
    #[serde(deserialize_with = "size")]
    #[schemars(with = "Option<String>")]
    pub backend_max_body: Option<u64>,
    /// After this time without a request the load balancer in front of nginx
    /// closes a connection.
    #[serde(deserialize_with = "time")]
    #[schemars(with = "Option<String>")]
    pub load_balancer_idle_timeout: Option<u64>,
    /// A proxy or load balancer stands in front of nginx.
    pub behind_proxy: Option<bool>,
    /// nginx runs in a container.
    pub container: Option<bool>,
    /// nginx is started by a user that may not raise limits.
    pub unprivileged: Option<bool>,
    /// The memory that nginx may take.
    #[serde(deserialize_with = "size")]
    #[schemars(with = "Option<String>")]
    pub memory: Option<u64>,
}

/// Where the files of the configuration are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Paths {
    /// Look up absolute paths below this directory.
    root: Option<PathBuf>,
    /// Look up paths below a name below its value, such as `"/etc/nginx" = "."`.
    map: BTreeMap<PathBuf, PathBuf>,
}

/// What rules are set to for some files.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Override {
    /// Patterns of paths, relative to this file, such as `legacy/**`.
    #[schemars(with = "Vec<String>")]
    paths: Vec<Spanned<String>>,
    /// As above.
    #[schemars(with = "BTreeMap<String, Level>")]
    rules: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// How bad something is.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code)]
enum Severity {
    Info,
    Warning,
    Error,
}

/// The JSON schema of the file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).into()
}

/// A file that is being read.
struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    names: &'a Names<'a>,
}

pub fn read(path: &Path, names: &Names<'_>) -> Result<Config, ConfigError> {
    read_within(path, names, &[])
}

fn read_within(path: &Path, names: &Names<'_>, extending: &[PathBuf]) -> Result<Config, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|reason| ConfigError::Unreadable { path: path.to_path_buf(), reason })?;
    let reading = Reading { path, text: &text, names };
    let file = reading.file()?;
    let base = match &file.extends {
        Some(extends) => reading.base(extends, extending)?,
        None => Config::default(),
    };
    reading.finish(file, base)
}

pub fn parse(path: &Path, text: &str, names: &Names<'_>) -> Result<Config, ConfigError> {
    let reading = Reading { path, text, names };
    reading.finish(reading.file()?, Config::default())
}

impl Reading<'_> {
    fn file(&self) -> Result<File, ConfigError> {
        toml::from_str(self.text).map_err(|error| {
            let message = with_suggestion(error.message());
            self.invalid(error.span().unwrap_or(0..0), message)
        })
    }

    fn invalid(&self, span: Range<usize>, message: String) -> ConfigError {
        ConfigError::invalid(self.path, self.text, span, message)
    }

    /// The file that this one extends.
    fn base(&self, extends: &Spanned<PathBuf>, extending: &[PathBuf]) -> Result<Config, ConfigError> {
        let path = self.beside(extends.get_ref());
        let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let mut chain = extending.to_vec();
        chain.push(canonical(self.path));
        if chain.contains(&canonical(&path)) {
            return Err(self.invalid(extends.span(), "this file extends itself".to_owned()));
        }
        match read_within(&path, self.names, &chain) {
            Err(ConfigError::Unreadable { path, reason }) => {
                Err(self.invalid(extends.span(), format!("{}: {reason}", path.display())))
            }
            other => other,
        }
    }

    fn finish(&self, file: File, base: Config) -> Result<Config, ConfigError> {
        if let Some(required) = &file.required_version {
            self.check_version(required)?;
        }
        let overrides = file.overrides.iter().map(|one| Ok((self.paths(&one.paths)?, self.settings(&one.rules)?)));
        let mut levels = base.levels;
        levels.extend(Levels {
            everywhere: self.settings(&file.rules)?,
            overrides: overrides.collect::<Result<_, ConfigError>>()?,
            ..Levels::default()
        });
        let mut files = base.files;
        files.push(self.path.to_path_buf());
        let mut map = base.map;
        map.extend(file.paths.map.into_iter().map(|(from, to)| (from, self.beside(&to))));
        Ok(Config {
            files,
            nginx: Nginx {
                version: file.nginx.version.or(base.nginx.version),
                modules: file.nginx.modules.or(base.nginx.modules),
            },
            surroundings: file.surroundings.over(base.surroundings),
            root: file.paths.root.map(|root| self.beside(&root)).or(base.root),
            map,
            levels,
            baseline: file.baseline.map(|baseline| self.beside(&baseline)).or(base.baseline),
            min_severity: self.severity(file.min_severity)?.or(base.min_severity),
            fail_on: self.severity(file.fail_on)?.or(base.fail_on),
        })
    }

    /// A path that is relative to this file.
    fn beside(&self, path: &Path) -> PathBuf {
        match self.path.parent() {
            Some(directory) => directory.join(path),
            None => path.to_path_buf(),
        }
    }

    fn check_version(&self, required: &Spanned<String>) -> Result<(), ConfigError> {
        let text = required.get_ref();
        let own = env!("CARGO_PKG_VERSION");
        let requirement = semver::VersionReq::parse(text)
            .map_err(|error| self.invalid(required.span(), format!("\"{text}\" is no requirement: {error}")))?;
        match semver::Version::parse(own) {
            Ok(version) if !requirement.matches(&version) => {
                let message = format!("this file asks for nginx-lint {text}, and this is {own}");
                Err(self.invalid(required.span(), message))
            }
            _ => Ok(()),
        }
    }

    fn settings(&self, rules: &BTreeMap<Spanned<String>, Spanned<String>>) -> Result<Settings, ConfigError> {
        let setting = |(name, level): (&Spanned<String>, &Spanned<String>)| {
            if !self.names.has(name.get_ref()) {
                return Err(self.invalid(name.span(), self.names.unknown(name.get_ref())));
            }
            Ok((name.get_ref().clone(), self.level(level, &Level::ALL)?))
        };
        rules.iter().map(setting).collect()
    }

    fn severity(&self, word: Option<Spanned<String>>) -> Result<Option<Level>, ConfigError> {
        word.map(|word| self.level(&word, &Level::SEVERITIES)).transpose()
    }

    fn level(&self, word: &Spanned<String>, levels: &[Level]) -> Result<Level, ConfigError> {
        let text = word.get_ref();
        levels.iter().copied().find(|level| level.name() == text).ok_or_else(|| {
            let names: Vec<&str> = levels.iter().map(|level| level.name()).collect();
            let meant = match nearest(text, names.iter().copied()) {
                Some(name) => format!("did you mean {name}?"),
                None => format!("it can be {}", names.join(", ")),
            };
            self.invalid(word.span(), format!("\"{text}\" is not a level; {meant}"))
        })
    }

    fn paths(&self, patterns: &[Spanned<String>]) -> Result<GlobSet, ConfigError> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let text = pattern.get_ref();
            let wrong = |error: globset::Error| {
                self.invalid(pattern.span(), format!("\"{text}\" is not a pattern of paths: {}", error.kind()))
            };
            set.add(GlobBuilder::new(text).literal_separator(true).build().map_err(wrong)?);
        }
        set.build().map_err(|error| self.invalid(0..0, error.to_string()))
    }
}

impl Names<'_> {
    /// Says that nothing has this name, and which one was meant.
    pub fn unknown(&self, name: &str) -> String {
        match nearest(name, self.all()) {
            Some(meant) if self.rules.contains(&meant) => format!("there is no rule \"{name}\"; did you mean {meant}?"),
            Some(meant) => format!("there is no \"{name}\"; did you mean {meant}?"),
            None => format!("there is no rule, group or level \"{name}\"; nginx-lint rules lists the rules"),
        }
    }
}

impl Surroundings {
    /// What is said here, and what is not, as it is said there.
    fn over(self, base: model::Surroundings) -> model::Surroundings {
        model::Surroundings {
            backend_idle_timeout: self.backend_idle_timeout.or(base.backend_idle_timeout),
            backend_workers: self.backend_workers.or(base.backend_workers),
            backend_max_body: self.backend_max_body.or(base.backend_max_body),
            load_balancer_idle_timeout: self.load_balancer_idle_timeout.or(base.load_balancer_idle_timeout),
            behind_proxy: self.behind_proxy.unwrap_or(base.behind_proxy),
            container: self.container.unwrap_or(base.container),
            unprivileged: self.unprivileged.unwrap_or(base.unprivileged),
            memory: self.memory.or(base.memory),
        }
    }
}

/// "unknown field `x`, expected one of `a`, `b`", in our words.
fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(name) = quoted.next().filter(|_| message.starts_with("unknown field")) else { return message.to_owned() };
    let known: Vec<&str> = quoted.collect();
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("there is no \"{name}\" here; did you mean {meant}?"),
        None => format!("there is no \"{name}\" here; there is {}", known.join(", ")),
    }
}

fn version<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|error| serde::de::Error::custom(format!("\"{text}\" is {error}")))
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || serde::de::Error::custom(format!("\"{text}\" is not a time of nginx, such as 5s or 1m"));
    model::parse_milliseconds(&text).map(Some).ok_or_else(wrong)
}

fn size<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || serde::de::Error::custom(format!("\"{text}\" is not a size of nginx, such as 512k, 10m or 2g"));
    model::parse_offset(&text).map(Some).ok_or_else(wrong)
}
