//! The files with which others run nginx-lint, run by those others: pre-commit
//! itself, and the schemas that check-jsonschema carries. Both come from PyPI.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

/// What is installed, in releases that this was tried with.
const TOOLS: [&str; 2] = ["pre-commit==4.7.0", "check-jsonschema==0.39.0"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directory of the programs, in an environment of their own.
fn tools() -> &'static Path {
    static TOOLS_AT: OnceLock<PathBuf> = OnceLock::new();
    TOOLS_AT.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
        let programs = directory.join("bin");
        if !programs.join("check-jsonschema").exists() {
            succeed(Command::new("python3").args(["-m", "venv"]).arg(&directory));
            succeed(Command::new(programs.join("pip")).args(["install", "--quiet"]).args(TOOLS));
        }
        programs
    })
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// git without the settings of whoever runs the tests.
fn git(directory: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(directory).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "n").env(format!("GIT_{who}_EMAIL"), "n@example.com");
    }
    let own = Path::new(env!("CARGO_BIN_EXE_nginx-lint")).parent().expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    git.env("PATH", format!("{}:{}:{path}", own.display(), tools().display()));
    git
}

fn repository(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    succeed(git(directory.path()).args(["init", "-q"]));
    for (path, text) in files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    succeed(git(directory.path()).args(["add", "."]));
    succeed(git(directory.path()).args(["commit", "-q", "-m", "all"]));
    directory
}

#[test]
fn a_commit_with_a_mistake_is_stopped_and_the_others_are_not() {
    let manifest = std::fs::read_to_string(root().join(".pre-commit-hooks.yaml")).expect("the manifest");
    let hooks = repository(&[(".pre-commit-hooks.yaml", &manifest)]);
    let head = succeed(git(hooks.path()).args(["rev-parse", "HEAD"]));
    let config = format!(
        "repos:\n- repo: {}\n  rev: {}\n  hooks:\n  - id: nginx-lint-system\n",
        hooks.path().display(),
        String::from_utf8_lossy(&head.stdout).trim()
    );
    let site = repository(&[
        (".pre-commit-config.yaml", &config),
        // The group is in another file than the one that is committed.
        (
            "nginx/nginx.conf",
            "events {}\nhttp {\n    upstream app { server 127.0.0.1:9000; }\n    include conf.d/*.conf;\n}\n",
        ),
        ("nginx/conf.d/app.conf", "server {\n    location / {\n        proxy_pass http://app;\n    }\n}\n"),
        ("README.md", "about\n"),
    ]);
    let home = tempfile::tempdir().expect("a directory");
    let install = tools().join("pre-commit");
    succeed(with_settings_of(&git(site.path()), &install, site.path(), home.path()).arg("install"));
    let commit = |path: &str, text: &str| -> Output {
        std::fs::write(site.path().join(path), text).expect("written");
        succeed(git(site.path()).args(["add", "."]));
        git(site.path()).env("PRE_COMMIT_HOME", home.path()).args(["commit", "-q", "-m", "more"]).output().expect("git")
    };
    let said = |output: &Output| {
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
    };
    let app = "server {\n    location / {\n        proxy_pass http://app;\n        proxy_read_timeout 0;\n    }\n}\n";
    let stopped = commit("nginx/conf.d/app.conf", app);
    assert!(!stopped.status.success() && said(&stopped).contains("error[timeout-zero]"), "{}", said(&stopped));
    let passed = commit("nginx/conf.d/app.conf", &app.replace(" 0;", " 5s;"));
    assert!(passed.status.success(), "{}", said(&passed));
    let other = commit("README.md", "proxy_read_timeout 0;\n");
    assert!(other.status.success() && said(&other).contains("Skipped"), "{}", said(&other));
}

/// A program, run as git is run here.
fn with_settings_of(git: &Command, program: &Path, directory: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env("PRE_COMMIT_HOME", home);
    for (name, value) in git.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

#[test]
fn what_others_read_has_their_form() {
    let check = tools().join("check-jsonschema");
    for (schema, file) in [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", "fixtures/ci/github-workflow.yml"),
        ("vendor.gitlab-ci", "fixtures/ci/gitlab-ci.yml"),
    ] {
        succeed(Command::new(&check).args(["--builtin-schema", schema]).arg(root().join(file)));
    }
    succeed(
        Command::new(tools().join("pre-commit")).arg("validate-manifest").arg(root().join(".pre-commit-hooks.yaml")),
    );
}
