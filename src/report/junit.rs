//! A report of tests, for whatever shows those: a suite for each file with
//! findings, a failed case for each of them; one case that passed when there
//! is nothing to report.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Report, Shown};

/// Writes the document.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut document = quick_junit::Report::new("nginx-lint");
    for unread in report.unread {
        let path = unread.path.to_string_lossy().into_owned();
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(format!("could not be read: {}", unread.reason));
        let mut suite = TestSuite::new(path.clone());
        suite.add_test_case(TestCase::new(path, status));
        document.add_test_suite(suite);
    }
    for (path, findings) in report.by_file() {
        let mut suite = TestSuite::new(path.clone());
        suite.add_test_cases(findings.into_iter().map(|shown| case(shown, &path)));
        document.add_test_suite(suite);
    }
    if document.test_suites.is_empty() {
        let mut suite = TestSuite::new("nginx-lint");
        suite.add_test_case(TestCase::new("nothing wrong", TestCaseStatus::success()));
        document.add_test_suite(suite);
    }
    document.serialize(out).map_err(io::Error::other)
}

fn case(shown: &Shown<'_>, path: &str) -> TestCase {
    let finding = shown.finding;
    let (begin, _) = shown.positions(finding.place.location);
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(finding.message.clone());
    status.set_type(finding.severity.name());
    status.set_description(format!("{path}:{}:{}\n{}", begin.line, begin.column, shown.explanation()));
    let mut case = TestCase::new(format!("{}: line {}", finding.rule.name, begin.line), status);
    case.set_classname(finding.rule.name);
    case.extra.insert("file".into(), path.into());
    case.extra.insert("line".into(), begin.line.to_string().into());
    case
}
