//! `nginx-lint.toml`: what a project says once and for all about its nginx,
//! its surroundings, and the rules it wants.
//!
//! Finds the file, reads it with all that it extends, and says where it is
//! wrong. It judges no configuration, and knows of rules only the names that
//! it is given.

mod error;
mod file;
mod levels;
mod names;

pub use error::ConfigError;
pub use file::{Nginx, Surroundings, schema};
pub use levels::{Level, Levels, RuleWords};
pub use names::Names;

use std::path::{Path, PathBuf};

use crate::model;

/// The name of the file.
pub const FILE_NAME: &str = "nginx-lint.toml";

/// What a file says, with all that it extends.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The files, the one that was asked for last.
    pub files: Vec<PathBuf>,
    /// About the nginx that will read the configuration.
    pub nginx: Nginx,
    /// What stands around it.
    pub surroundings: model::Surroundings,
    /// Look up absolute paths below this directory.
    pub root: Option<PathBuf>,
    /// Look up paths below the first below the second.
    pub map: Vec<(PathBuf, PathBuf)>,
    /// Which rules are wanted, and how bad what they find is.
    pub levels: Levels,
    /// Findings that were there before.
    pub baseline: Option<PathBuf>,
    /// Show findings from this level on.
    pub min_severity: Option<Level>,
    /// Fail on findings from this level on.
    pub fail_on: Option<Level>,
}

impl Config {
    /// Reads a file and those it extends. `names` are those that rules can be
    /// set by.
    ///
    /// # Errors
    ///
    /// When one cannot be read, says something that has no meaning, or asks
    /// for another release of this program.
    pub fn read(path: &Path, names: &Names<'_>) -> Result<Config, ConfigError> {
        file::read(path, names)
    }

    /// Reads the text of a file that extends nothing.
    ///
    /// # Errors
    ///
    /// As [`Config::read`].
    pub fn parse(path: &Path, text: &str, names: &Names<'_>) -> Result<Config, ConfigError> {
        file::parse(path, text, names)
    }

    /// The file that holds for a path: the nearest one in its directory or in
    /// those above.
    pub fn find(path: &Path) -> Option<PathBuf> {
        let absolute = std::path::absolute(path).ok()?;
        absolute.ancestors().map(|directory| directory.join(FILE_NAME)).find(|file| file.is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Version;

    const NAMES: Names<'_> = Names { rules: &["timeout-zero", "upstream-empty"], groups: &["timeout", "upstream"] };

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("nginx-lint.toml"), text, &NAMES).map_err(|error| error.to_string())
    }

    #[test]
    fn the_nginx_that_is_meant_and_what_stands_around_it() {
        let config = parse(
            "[nginx]\nversion = \"1.22.1\"\nmodules = [\"ngx_http_lua_module\"]\n\
             [surroundings]\nbackend-idle-timeout = \"5s\"\nmemory = \"1g\"\ncontainer = true\n",
        );
        let config = config.expect("valid");
        assert_eq!(config.nginx.version, Some(Version::new(1, 22, 1)));
        assert_eq!(config.nginx.modules.as_deref(), Some(&["ngx_http_lua_module".to_owned()][..]));
        let expected = model::Surroundings {
            backend_idle_timeout: Some(5_000),
            memory: Some(1 << 30),
            container: true,
            ..model::Surroundings::default()
        };
        assert_eq!(config.surroundings, expected);
        assert_eq!(parse("").expect("valid").surroundings, model::Surroundings::default());
    }

    #[test]
    fn mistakes_are_said_with_their_place_and_what_was_meant() {
        let table = [
            ("[nginx]\nversoin = \"1\"\n", "2:1: there is no \"versoin\" here; did you mean version?"),
            ("[nginx]\n\nversion = \"new\"\n", "3:11: \"new\" is not a version of nginx, such as 1.25.1"),
            ("[surroundings]\nmemory = \"much\"\n", "2:10: \"much\" is not a size of nginx, such as 512k, 10m or 2g"),
            (
                "[rules]\ntimeout-zerro = \"off\"\n",
                "2:1: there is no rule \"timeout-zerro\"; did you mean timeout-zero?",
            ),
            ("[rules]\ntimeout = \"warnnig\"\n", "2:11: \"warnnig\" is not a level; did you mean warning?"),
            (
                "[rules]\nxxxx = \"off\"\n",
                "2:1: there is no rule, group or level \"xxxx\"; nginx-lint rules lists the rules",
            ),
            (
                "[[overrides]]\npaths = [\"[\"]\n",
                "2:10: \"[\" is not a pattern of paths: unclosed character class; missing ']'",
            ),
            ("required-version = \">=99\"\n", "1:20: this file asks for nginx-lint >=99, and this is 0.1.0"),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).expect_err(text), format!("nginx-lint.toml:{expected}"), "{text}");
        }
    }

    #[test]
    fn what_is_said_of_one_rule_counts_more_than_what_is_said_of_many() {
        let config = parse(
            "[rules]\nall = \"off\"\ntimeout = \"on\"\ntimeout-zero = \"info\"\n\
             [[overrides]]\npaths = [\"legacy/**\"]\nrules = { timeout-zero = \"off\", upstream = \"error\" }\n",
        );
        let levels = config.expect("valid").levels;
        let zero = RuleWords { name: "timeout-zero", aliases: &[], group: "timeout", severity: "error" };
        let empty = RuleWords { name: "upstream-empty", aliases: &["ue"], group: "upstream", severity: "error" };
        let table = [
            (&zero, "a.conf", Level::Info),
            (&empty, "a.conf", Level::Off),
            (&zero, "legacy/a.conf", Level::Off),
            (&empty, "legacy/b/a.conf", Level::Error),
        ];
        for (rule, path, expected) in table {
            assert_eq!(levels.of(rule, Path::new(path)), expected, "{} in {path}", rule.name);
        }
        assert_eq!(levels.anywhere(&empty), [Level::Error]);
    }

    #[test]
    fn a_file_extends_another_and_has_the_last_word() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(&path, text).expect("written");
            path
        };
        write(
            "base.toml",
            "baseline = \"old.json\"\n[nginx]\nversion = \"1.18.0\"\nmodules = [\"plus\"]\n[rules]\ntimeout = \"off\"\n",
        );
        let path = write(
            "site/nginx-lint.toml",
            "extends = \"../base.toml\"\n[nginx]\nversion = \"1.28.0\"\n[rules]\ntimeout = \"warning\"\n",
        );
        assert_eq!(Config::find(&directory.path().join("site/conf.d/app.conf")).as_deref(), Some(path.as_path()));
        let config = Config::read(&path, &NAMES).expect("valid");
        assert_eq!(config.files.len(), 2);
        assert_eq!(config.nginx.version, Some(Version::new(1, 28, 0)));
        assert!(config.nginx.modules.is_some());
        assert_eq!(config.baseline, Some(directory.path().join("site/../old.json")));
        let zero = RuleWords { name: "timeout-zero", aliases: &[], group: "timeout", severity: "error" };
        assert_eq!(config.levels.of(&zero, Path::new("a.conf")), Level::Warning);
        let round = write("round.toml", "extends = \"round.toml\"\n");
        let error = Config::read(&round, &NAMES).expect_err("it goes in circles").to_string();
        assert!(error.ends_with("round.toml:1:11: this file extends itself"), "{error}");
    }
}
