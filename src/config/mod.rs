//! `nginx-lint.toml`: what a project says about its nginx once and for all.
//!
//! Finds the file, reads it, and says where it is wrong. It knows no rule and
//! judges no configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::catalog::Version;
use crate::model;

/// The name of the file.
pub const FILE_NAME: &str = "nginx-lint.toml";

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// About the nginx that will read the configuration.
    #[serde(default)]
    pub nginx: Nginx,
    /// What stands around it.
    #[serde(default)]
    pub surroundings: Surroundings,
}

/// The nginx that will read the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nginx {
    /// Its release.
    #[serde(default, deserialize_with = "version")]
    pub version: Option<Version>,
    /// The modules it has beyond those it is built with by default.
    pub modules: Option<Vec<String>>,
}

/// What the configuration of nginx cannot say: the programs behind it, what
/// stands in front of it, and the machine. Times and sizes are written as in
/// nginx, such as `"5s"` and `"10m"`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surroundings {
    /// After this time without a request the servers behind nginx close a
    /// connection.
    #[serde(default, deserialize_with = "time")]
    pub backend_idle_timeout: Option<u64>,
    /// So many requests a server behind nginx works on at a time.
    pub backend_workers: Option<u64>,
    /// The largest body of a request that the servers behind nginx take.
    #[serde(default, deserialize_with = "size")]
    pub backend_max_body: Option<u64>,
    /// After this time without a request the load balancer in front of nginx
    /// closes a connection.
    #[serde(default, deserialize_with = "time")]
    pub load_balancer_idle_timeout: Option<u64>,
    /// A proxy or load balancer stands in front of nginx.
    #[serde(default)]
    pub behind_proxy: bool,
    /// nginx runs in a container.
    #[serde(default)]
    pub container: bool,
    /// nginx is started by a user that may not raise limits.
    #[serde(default)]
    pub unprivileged: bool,
    /// The memory that nginx may take.
    #[serde(default, deserialize_with = "size")]
    pub memory: Option<u64>,
}

impl From<Surroundings> for model::Surroundings {
    fn from(said: Surroundings) -> model::Surroundings {
        model::Surroundings {
            backend_idle_timeout: said.backend_idle_timeout,
            backend_workers: said.backend_workers,
            backend_max_body: said.backend_max_body,
            load_balancer_idle_timeout: said.load_balancer_idle_timeout,
            behind_proxy: said.behind_proxy,
            container: said.container,
            unprivileged: said.unprivileged,
            memory: said.memory,
        }
    }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It could not be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It says something that has no meaning.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or says something that has no meaning.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|reason| ConfigError::Unreadable { path: path.to_path_buf(), reason })?;
        Config::parse(path, &text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// When it says something that has no meaning.
    pub fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
        toml::from_str(text).map_err(|error| invalid(path, text, &error))
    }

    /// The file that holds for a path: the nearest one in its directory or in
    /// those above.
    pub fn find(path: &Path) -> Option<PathBuf> {
        let absolute = std::path::absolute(path).ok()?;
        absolute.ancestors().map(|directory| directory.join(FILE_NAME)).find(|file| file.is_file())
    }
}

fn invalid(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let offset = error.span().map_or(0, |span| span.start);
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    ConfigError::Invalid {
        path: path.to_path_buf(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: error.message().to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(FILE_NAME);
        std::fs::write(&path, text).expect("written");
        assert_eq!(Config::find(&directory.path().join("conf.d/app.conf")).as_deref(), Some(path.as_path()));
        Config::read(&path).map_err(|error| error.to_string().replace(&format!("{}:", path.display()), ""))
    }

    #[test]
    fn the_nginx_that_is_meant_is_read() {
        let config = read("[nginx]\nversion = \"1.22.1\"\nmodules = [\"ngx_http_lua_module\"]\n").expect("valid");
        assert_eq!(config.nginx.version, Some(Version::new(1, 22, 1)));
        assert_eq!(config.nginx.modules.as_deref(), Some(&["ngx_http_lua_module".to_owned()][..]));
        assert_eq!(read("").expect("valid"), Config::default());
    }

    #[test]
    fn what_stands_around_is_read_as_nginx_writes_it() {
        let config = read("[surroundings]\nbackend_idle_timeout = \"5s\"\nmemory = \"1g\"\ncontainer = true\n");
        let surroundings = model::Surroundings::from(config.expect("valid").surroundings);
        let expected = model::Surroundings {
            backend_idle_timeout: Some(5_000),
            memory: Some(1 << 30),
            container: true,
            ..model::Surroundings::default()
        };
        assert_eq!(surroundings, expected);
    }

    #[test]
    fn mistakes_are_said_with_their_place() {
        let table = [
            ("[nginx]\nversoin = \"1\"\n", "2:1: unknown field `versoin`, expected `version` or `modules`"),
            ("[nginx]\n\nversion = \"new\"\n", "3:11: \"new\" is not a version of nginx, such as 1.25.1"),
            ("[surroundings]\nmemory = \"much\"\n", "2:10: \"much\" is not a size of nginx, such as 512k, 10m or 2g"),
            (
                "[surroundings]\nbackend_idle_timeout = \"5 s\"\n",
                "2:24: \"5 s\" is not a time of nginx, such as 5s or 1m",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(read(text).expect_err(text), expected);
        }
    }
}
