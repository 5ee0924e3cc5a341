//! Agreement with recorded answers of `nginx -t`: the same verdict for each
//! release that was asked, the same line, the same words.
//!
//! A test that fails prints a work list: by what nginx says, the case, its
//! message, and what nginx-lint refuses instead.

mod support;

use std::collections::BTreeMap;

use nginx_lint::catalog::Version;
use rayon::prelude::*;

use support::answer::{Answer, Outside};
use support::judge::{Judgement, judge, release};
use support::records::{Case, RELEASES, cases, entry, included_files};

/// Refusals that more than the text decides: the case, the releases whose
/// answer is meant, and the reason.
const NOT_IN_THE_TEXT: [(&str, &[Version], &str); 13] = [
    ("listen address: 127.0.0.256:80", &RELEASES, "no address, so a name; some resolver may know it"),
    ("listen address: 1.2.3:18080", &RELEASES, "an address that the machine may have"),
    ("upstream: bad host", &RELEASES, "a name"),
    ("upstream: underscore host", &RELEASES, "a name"),
    ("proxy_pass: http://nosuch.invalid", &RELEASES, "a name"),
    ("order and lines: two host not found, file order", &RELEASES, "names"),
    ("order and lines: mail auth_http host", &RELEASES, "a name"),
    ("map, geo, split_clients, types: set_real_ip_from host", &RELEASES, "a name"),
    ("map, geo, split_clients, types: resolver bad", &RELEASES, "a name"),
    ("misc http: resolver 127.0.0.1 ipv4=off ipv6=off;", &[OLDER], "no parameter before 1.23.1, so a name"),
    ("map, geo, split_clients, types: load_module missing", &RELEASES, "a file"),
    ("map, geo, split_clients, types: ssl_ciphers bad", &RELEASES, "what OpenSSL can do"),
    ("misc http: aio on;", &[OLDER], "Debian builds nginx without --with-file-aio"),
];

const OLDER: Version = RELEASES[0];

/// One answer of one release, and what nginx-lint says for it.
struct Judged {
    case: String,
    release: Version,
    answer: Answer,
    judgement: Judgement,
}

impl Judged {
    fn exception(&self) -> Option<&'static str> {
        let entry = NOT_IN_THE_TEXT
            .iter()
            .find(|(case, releases, _)| *case == self.case && releases.contains(&self.release))?;
        Some(entry.2)
    }

    /// An entry of a work list; entries of one kind of message sort together.
    fn work(&self) -> String {
        let (class, said) = match self.answer.fatal() {
            Some(message) => (message.class(), message.text.as_str()),
            None if self.answer.accepted => ("(accepted)".to_owned(), "accepted"),
            None => ("(no message)".to_owned(), "refused without a message"),
        };
        format!("{class}\n    {}\n    nginx: {said}\n    we:    {}", self.case, self.judgement.describe_refused())
    }
}

fn judged() -> Vec<Judged> {
    let others = included_files();
    let judge_case = |case: &Case| -> Vec<Judged> {
        let files = case.files(&others);
        let answered = RELEASES.into_iter().filter_map(|version| Some((version, case.answer(version)?)));
        let judged = answered.map(|(version, answer)| Judged {
            case: case.name.clone(),
            release: version,
            answer: answer.clone(),
            judgement: judge(&files, entry(), release(version)),
        });
        judged.collect()
    };
    cases().par_iter().flat_map_iter(judge_case).collect()
}

fn work_list(judged: &[Judged], is_wrong: impl Fn(&Judged) -> bool) {
    let wrong: Vec<&Judged> = judged.iter().filter(|one| is_wrong(one)).collect();
    // Mostly the releases say the same.
    let mut list: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &wrong {
        list.entry(one.work()).or_default().push(one.release.to_string());
    }
    let list: Vec<String> = list.iter().map(|(work, releases)| format!("{work} [{}]", releases.join(", "))).collect();
    assert!(wrong.is_empty(), "{} of {} answers:\n{}", wrong.len(), judged.len(), list.join("\n"));
}

#[test]
fn the_verdict_is_that_of_nginx() {
    work_list(&judged(), |one| {
        let expected = !one.answer.accepted && one.exception().is_none();
        one.judgement.is_refused() != expected
    });
}

#[test]
fn the_line_that_nginx_names_is_named() {
    work_list(&judged(), |one| {
        let Some(message) = one.answer.fatal().filter(|message| message.outside() != Some(Outside::Names)) else {
            return false;
        };
        let mut refused = one.judgement.refused();
        one.judgement.is_refused() && !refused.any(|finding| one.judgement.names(finding, message))
    });
}

#[test]
fn nginx_is_quoted_as_it_speaks() {
    work_list(&judged(), |one| {
        let Some(message) = one.answer.fatal().filter(|message| message.outside() != Some(Outside::Names)) else {
            return false;
        };
        let mut there = one.judgement.refused().filter(|finding| one.judgement.names(finding, message)).peekable();
        there.peek().is_some() && there.all(|finding| one.judgement.misquotes(finding, message))
    });
}

#[test]
fn what_the_text_does_not_decide_is_refused_for_a_reason_outside_of_it() {
    let judged = judged();
    let mut wrong = Vec::new();
    for (case, releases, reason) in NOT_IN_THE_TEXT {
        assert!(!reason.is_empty() && !releases.is_empty(), "{case}");
        for release in releases {
            match judged.iter().find(|one| one.case == case && one.release == *release) {
                None => wrong.push(format!("{case} [{release}]: there is no such case")),
                Some(one) if one.judgement.is_refused() => wrong.push(format!("predicted: {}", one.work())),
                Some(one) if one.answer.fatal().and_then(|message| message.outside()).is_none() => {
                    wrong.push(format!("decided by the text: {}", one.work()));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
