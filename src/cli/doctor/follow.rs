//! Goes on reading the logs, and shows what is new in them.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::engine::Severity;
use crate::facts::Facts;
use crate::logs::{Follower, Gatherer};
use crate::report::Shown;

use super::super::arguments::DoctorArguments;
use super::super::input::Input;
use super::super::judge::judge;
use super::super::project::Project;
use super::super::{Failure, destination};
use super::{finish, report_of};

/// Between two looks at the logs.
const PAUSE: Duration = Duration::from_millis(500);

/// What was shown is shown again when there is so many times as much of it.
const AGAIN: u64 = 10;

/// Follows the logs until the process is interrupted, or nobody reads what it
/// writes.
///
/// # Errors
///
/// When the output cannot be written.
pub fn follow(
    arguments: &DoctorArguments,
    input: &Input,
    mut project: Project,
    level: Severity,
    mut follower: Follower,
) -> Result<(), Failure> {
    let seen = project.profile.facts.take().map(|facts| (*facts).clone()).unwrap_or_default();
    let mut gatherer = Gatherer::default();
    let mut shown: HashMap<String, u64> = HashMap::new();
    loop {
        thread::sleep(PAUSE);
        let lines = follower.poll(&mut gatherer).unwrap_or_else(|error| {
            // It may be there again the next time.
            eprintln!("note: {error}");
            0
        });
        if lines == 0 {
            continue;
        }
        let facts = Arc::new(Facts { log: Some(finish(&gatherer)), ..seen.clone() });
        project.profile.facts = Some(Arc::clone(&facts));
        let judged = judge(input, &project, level);
        let mut report = report_of(input, &judged, level, &facts);
        report.findings.retain(|finding| is_news(finding, &mut shown));
        if !report.findings.is_empty() {
            destination::write(&arguments.report, &report)?;
        }
    }
}

/// Whether the log has it, and did not have it, or by far not so often, when
/// it was shown last.
fn is_news(shown: &Shown<'_>, before: &mut HashMap<String, u64>) -> bool {
    let finding = shown.finding;
    let Some(evidence) = &finding.evidence else { return false };
    let key = format!("{} {:?}", finding.rule.name, finding.place.location);
    let last = before.get(&key).copied().unwrap_or(0);
    let is_news = last == 0 || evidence.count >= last * AGAIN;
    if is_news {
        before.insert(key, evidence.count);
    }
    is_news
}
