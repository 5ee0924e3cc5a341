//! Every block of configuration on a rule's page, read by a real nginx: where
//! a finding says that nginx would refuse it, nginx does; everywhere else it
//! does not.

mod support;

use std::path::Path;
use std::process::Command;

use nginx_lint::catalog::{Context, Version};
use nginx_lint::engine::{Block, BlockKind};
use nginx_lint::model::outermost_context;
use nginx_lint::rules;
use nginx_lint::source::SourceFile;
use nginx_lint::syntax::ParsedFile;

use support::oracle::Oracle;
use support::page::without_names;

/// Where Debian puts the modules that are not built in.
const MODULES: &str = "/usr/lib/nginx/modules";

/// What directives of modules begin with that are not installed: nginx cannot
/// be asked about them.
const NOT_INSTALLED: [&str; 3] = ["image_filter", "geoip_", "degradation"];
/// What nginx refuses after it has said that the syntax is fine, whatever the
/// machine is like.
const LATE: [&str; 4] = [
    "zero size shared memory zone",
    "unknown thread pool",
    "no \"events\" section in configuration",
    "worker_connections are not enough",
];

#[test]
fn nginx_agrees_with_every_page() {
    let mut wrong = Vec::new();
    let installed = Oracle::new().version;
    for rule in rules::ALL {
        let can_be_asked = |block: &&Block<'_>| {
            // A newer release may take what this one does not.
            let version = block.nginx_version().and_then(|version| version.parse::<Version>().ok());
            version.is_none_or(|version| version <= installed)
                && !NOT_INSTALLED.iter().any(|name| block.text.contains(name))
        };
        for block in rule.page().blocks.iter().filter(can_be_asked) {
            let answer = nginx_t(block);
            // A directive that only a later release has, on a block for that one.
            if block.nginx_version().is_some() && answer.contains("unknown directive \"http2\"") {
                continue;
            }
            let accepted = answer.contains("syntax is ok") && !LATE.iter().any(|text| answer.contains(text));
            let expected = !(rule.refused && block.kind == BlockKind::Bad && marks_a_refusal(rule.name, block));
            if accepted != expected {
                let place = format!("{}, block at line {}", rule.name, block.line);
                wrong.push(format!("{place}: accepted is {accepted}, should be {expected}\n{answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two rules also have findings about what nginx accepts with another meaning.
fn marks_a_refusal(rule: &str, block: &Block<'_>) -> bool {
    !(rule == "lookalike-character" && block.text.contains('\u{201c}'))
}

/// What `nginx -t` says of a block. Names that DNS would have to know are
/// replaced by addresses; what the block leaves out around it is added.
fn nginx_t(block: &Block<'_>) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let mut files = block.files();
    let text = &files[0].1;
    let context = outermost_context(&ParsedFile::new(SourceFile::new("block", text.clone().into_bytes())));
    files[0].1 = surround(text, context);
    for (path, text) in files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().expect("below the directory")).expect("created");
        std::fs::write(path, offline(&text)).expect("written");
    }
    run(directory.path())
}

fn surround(text: &str, context: Context) -> String {
    match context {
        Context::Main if text.contains("stream {") => format!("load_module {MODULES}/ngx_stream_module.so; {text}"),
        Context::Main if text.contains("mail {") => format!("load_module {MODULES}/ngx_mail_module.so; {text}"),
        Context::Main => text.to_owned(),
        Context::Http => format!("events {{}} http {{ {text} }}"),
        Context::Server => format!("events {{}} http {{ server {{ {text} }} }}"),
        other => panic!("no page needs a block in {other}: {text}"),
    }
}

fn offline(text: &str) -> String {
    without_names(text).replace("http://bakend", "http://127.0.0.1").replace("listen 80", "listen 127.0.0.1:8080")
}

fn run(directory: &Path) -> String {
    std::fs::create_dir_all(directory.join("logs")).expect("created");
    let configuration = directory.join("nginx.conf");
    let output = Command::new("nginx")
        .args(["-t", "-e", "stderr", "-g", "pid nginx.pid;", "-p"])
        .arg(directory)
        .arg("-c")
        .arg(&configuration)
        .output()
        .expect("these tests need nginx: apt-get install nginx libnginx-mod-stream libnginx-mod-mail");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
