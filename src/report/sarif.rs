//! SARIF 2.1.0, the exchange format of static analysis (OASIS).

use std::io::{self, Write};
use std::path::Path;

use serde_sarif::sarif::{
    ArtifactChange, ArtifactContent, ArtifactLocation, Fix, Invocation, Location, Message, MultiformatMessageString,
    Notification, PhysicalLocation, PropertyBag, Region, Replacement, ReportingConfiguration, ReportingDescriptor,
    Result as SarifResult, ResultLevel, Run, Sarif, Tool, ToolComponent,
};

use crate::engine::{Rule, Severity};
use crate::source;

use super::{Report, Shown, Unread, json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The name under which our fingerprints are known; another number when they
/// are made in another way.
const FINGERPRINT: &str = "nginxLint/v1";

/// Writes the document and a line feed.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules = rules_of(report);
    let results: Vec<SarifResult> = report.findings.iter().map(|shown| result(shown, &rules)).collect();
    let driver = ToolComponent::builder()
        .name(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .rules(rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>())
        .build();
    let invocation = Invocation::builder()
        .execution_successful(report.unread.is_empty())
        .tool_execution_notifications(report.unread.iter().map(notification).collect::<Vec<_>>())
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .invocations(vec![invocation])
        .results(results)
        .column_kind(serde_json::json!("unicodeCodePoints"))
        .build();
    let document = Sarif::builder().schema(SCHEMA).version(serde_json::json!("2.1.0")).runs(vec![run]).build();
    json::write_value(&document, out)
}

/// The rules that have findings, in the order of the first of them.
fn rules_of(report: &Report<'_>) -> Vec<&'static Rule> {
    let mut rules: Vec<&'static Rule> = Vec::new();
    for shown in &report.findings {
        if !rules.iter().any(|rule| rule.name == shown.finding.rule.name) {
            rules.push(shown.finding.rule);
        }
    }
    rules
}

fn descriptor(rule: &Rule) -> ReportingDescriptor {
    let summary = rule.page().summary;
    let tags = PropertyBag::builder().tags(vec!["nginx".to_owned(), rule.group.name().to_owned()]).build();
    let help = MultiformatMessageString::builder().text(rule.page).markdown(rule.page).build();
    let level = ReportingConfiguration::builder().level(serde_json::json!(level_name(rule.severity))).build();
    let descriptor = ReportingDescriptor::builder()
        .id(rule.name)
        .short_description(&summary)
        .full_description(&summary)
        .help(help)
        .default_configuration(level)
        .properties(tags);
    match rule.url() {
        Some(url) => descriptor.help_uri(url).build(),
        None => descriptor.build(),
    }
}

fn result(shown: &Shown<'_>, rules: &[&'static Rule]) -> SarifResult {
    let finding = shown.finding;
    let index = rules.iter().position(|rule| rule.name == finding.rule.name).unwrap_or(0);
    let labels = finding.labels.iter().map(|label| location(shown, label.location, Some(&label.text)));
    let includes = shown.included_from().map(|(source, line)| {
        let region = Region::builder().start_line(i64::from(line)).build();
        located(source.path(), region, Some("included from here"))
    });
    SarifResult::builder()
        .rule_id(finding.rule.name)
        .rule_index(index as i64)
        .level(level(finding.severity))
        .message(&shown.explanation())
        .locations(vec![location(shown, finding.place.location, None)])
        .related_locations(labels.chain(includes).collect::<Vec<_>>())
        .partial_fingerprints([(FINGERPRINT.to_owned(), shown.fingerprint.clone())])
        .fixes(finding.fix.iter().map(|one| fix(shown, one)).collect::<Vec<_>>())
        .build()
}

fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Info => ResultLevel::Note,
    }
}

fn level_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// One change for each file, as the edits of one file must come together.
fn fix(shown: &Shown<'_>, fix: &crate::engine::Fix) -> Fix {
    let mut files: Vec<source::FileId> = fix.edits.iter().map(|edit| edit.location.file).collect();
    files.sort();
    files.dedup();
    let changes = files.into_iter().map(|file| {
        let edits = fix.edits.iter().filter(|edit| edit.location.file == file);
        let replacements = edits.map(|edit| {
            let content = ArtifactContent::builder().text(&edit.text).build();
            let region = region(shown, edit.location);
            Replacement::builder().deleted_region(region).inserted_content(content).build()
        });
        ArtifactChange::builder()
            .artifact_location(artifact(shown.source(file).path()))
            .replacements(replacements.collect::<Vec<_>>())
            .build()
    });
    let title: Message = (&fix.title).into();
    Fix::builder().description(title).artifact_changes(changes.collect::<Vec<_>>()).build()
}

fn notification(unread: &Unread) -> Notification {
    let text = format!("could not be read: {}", unread.reason);
    let place = PhysicalLocation::builder().artifact_location(artifact(&unread.path)).build();
    Notification::builder()
        .level(serde_json::json!("error"))
        .message(&text)
        .locations(vec![Location::builder().physical_location(place).build()])
        .build()
}

fn location(shown: &Shown<'_>, at: source::Location, text: Option<&str>) -> Location {
    located(shown.source(at.file).path(), region(shown, at), text)
}

fn located(path: &Path, region: Region, text: Option<&str>) -> Location {
    let place = PhysicalLocation::builder().artifact_location(artifact(path)).region(region).build();
    let location = Location::builder().physical_location(place);
    match text {
        Some(text) => location.message(&text.to_owned()).build(),
        None => location.build(),
    }
}

fn region(shown: &Shown<'_>, location: source::Location) -> Region {
    let (begin, end) = shown.positions(location);
    Region::builder()
        .start_line(i64::from(begin.line))
        .start_column(i64::from(begin.column))
        .end_line(i64::from(end.line))
        .end_column(i64::from(end.column))
        .build()
}

fn artifact(path: &Path) -> ArtifactLocation {
    ArtifactLocation::builder().uri(uri(path)).build()
}

/// A path as the reference to a file: relative as it is, absolute as `file:`.
fn uri(path: &Path) -> String {
    let path = super::plain(path);
    let mut uri = String::from(if path.is_absolute() { "file://" } else { "" });
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        let table = [
            ("conf.d/a b.conf", "conf.d/a%20b.conf"),
            ("/etc/nginx/nginx.conf", "file:///etc/nginx/nginx.conf"),
            ("ä.conf", "%C3%A4.conf"),
            ("<stdin>", "%3Cstdin%3E"),
        ];
        for (path, expected) in table {
            assert_eq!(uri(Path::new(path)), expected);
        }
    }
}
