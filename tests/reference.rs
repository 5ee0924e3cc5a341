//! `rules/README.md` is what the rules say of themselves: its lists are
//! written by this test, and what people wrote above them names rules that
//! exist. `make reference` brings it up to date.

use std::fmt::Write;
use std::path::Path;

use nginx_lint::engine::{FixKind, Group, Rule};
use nginx_lint::rules;

/// What follows is written by the test.
const MARK: &str = "<!-- Everything below is written by `make reference`. -->\n";

#[test]
fn the_reference_is_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/README.md");
    let text = std::fs::read_to_string(&path).expect("rules/README.md");
    let (by_people, _) = text.split_once(MARK).expect("the mark");
    let expected = format!("{by_people}{MARK}{}", lists());
    if std::env::var_os("NGINX_LINT_UPDATE").is_some() {
        std::fs::write(&path, &expected).expect("written");
    } else {
        assert!(text == expected, "rules/README.md is out of date: run `make reference`");
    }
}

#[test]
fn rules_that_people_name_in_the_reference_exist() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/README.md"));
    let text = text.expect("rules/README.md");
    let (by_people, _) = text.split_once(MARK).expect("the mark");
    let links: Vec<&str> =
        by_people.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link).collect();
    assert!(links.len() > 20, "the causes link to their rules");
    let is_page = |link: &str| rules::ALL.iter().any(|rule| page_of(rule) == link);
    let wrong: Vec<&str> =
        links.into_iter().filter(|link| !link.starts_with(['h', '.', '#']) && !is_page(link)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn page_of(rule: &Rule) -> String {
    format!("{}/{}.md", rule.group.name().replace('-', "_"), rule.name.replace('-', "_"))
}

fn lists() -> String {
    let mut text = String::new();
    let mut groups: Vec<Group> = rules::ALL.iter().map(|rule| rule.group).collect();
    groups.sort_by_key(|group| *group == Group::NginxT);
    groups.dedup();
    for group in groups {
        let rules: Vec<&&Rule> = rules::ALL.iter().filter(|rule| rule.group == group).collect();
        let _ = write!(text, "\n## {}: {}\n\n", group.name(), about(group));
        text.push_str("| rule | severity | fix | nginx | |\n|---|---|---|---|---|\n");
        for rule in rules {
            let _ = writeln!(
                text,
                "| [{}]({}) | {} | {} | {} | {} |",
                rule.name,
                page_of(rule),
                rule.severity,
                fix(rule.fix),
                rule.versions,
                rule.page().summary.replace('|', "\\|")
            );
        }
    }
    text
}

fn fix(kind: FixKind) -> &'static str {
    match kind {
        FixKind::None => "",
        FixKind::Unsafe => "unsafe",
        FixKind::Safe => "safe",
        FixKind::Sometimes => "safe or unsafe",
    }
}

fn about(group: Group) -> &'static str {
    match group {
        Group::NginxT => "what nginx itself refuses, or warns about",
        Group::Upstream => "groups of servers",
        Group::Target => "where requests are passed to",
        Group::Timeout => "timeouts and retries",
        Group::Worker => "worker processes and the limits of the system",
        Group::Buffer => "what holds requests and answers on their way",
        Group::Dns => "names and resolvers",
        Group::Tls => "TLS to clients and to upstreams",
        Group::Routing => "which location answers, and what it does",
        Group::Header => "headers and parameters that are passed on",
        Group::Suppression => "comments that tell nginx-lint what to ignore",
        Group::Include => "which files are taken in",
        Group::Live => "what `doctor` finds on the machine",
        Group::Log => "what `doctor` finds in the logs",
    }
}
