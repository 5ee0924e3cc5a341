//! The walk: every directive, block and file once, and the rules that asked
//! for it.

use std::borrow::Cow;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::catalog::{self, Context};
use crate::model::{Kind, Model, OLDEST_RELEASE};
use crate::source::{FileId, Location, is_harmless, one_line};
use crate::tree::NodeId;

use super::finding::{Finding, Findings};
use super::rule::{Check, Rule, Severity};

/// So many rules ask for most of what there is to know.
const MANY: usize = 64;

/// So many directives are checked by one thread at a time.
const CHUNK: usize = 8_192;

/// Findings of the rules, in the order of the files' paths and of the text.
/// Equal findings at one place, from a file included more than once, are one
/// with a count.
///
/// Rules that have nothing but what is milder than `least` are not asked, and
/// others may leave it out.
pub fn run(model: &Model<'_>, rules: &[&'static Rule], least: Severity) -> Vec<Finding> {
    let is_asked = |rule: &&'static Rule| rule.severity >= least && rule.versions.hold_for(model.version());
    let rules: Vec<&'static Rule> = rules.iter().copied().filter(is_asked).collect();
    let asked = Asked { rules: &rules, least };
    if rules.len() > MANY && model.directive_count() > CHUNK {
        model.prepare();
    }
    let mut findings = Vec::new();
    findings.extend(check_files(model, asked));
    findings.extend(check_directives(model, asked));
    findings.extend(check_blocks(model, asked));
    findings.extend(check_every_block(model, asked));
    findings.extend(check_configuration(model, asked));
    findings.retain_mut(|finding| take_verdict(model, finding));
    let mut findings = fold(findings);
    findings.iter_mut().for_each(make_harmless);
    sort(model, &mut findings);
    findings
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Asked<'r> {
    rules: &'r [&'static Rule],
    least: Severity,
}

impl Asked<'_> {
    fn collect(self, rule: &'static Rule, check: impl FnOnce(&mut Findings)) -> Vec<Finding> {
        let mut findings = Findings::new(rule, self.least);
        check(&mut findings);
        findings.into_list()
    }
}

fn check_configuration(model: &Model<'_>, asked: Asked<'_>) -> Vec<Finding> {
    let check = |rule: &&'static Rule| match rule.check {
        Check::Configuration(check) => asked.collect(rule, |findings| check(model, findings)),
        _ => Vec::new(),
    };
    asked.rules.par_iter().flat_map_iter(check).collect()
}

fn check_files(model: &Model<'_>, asked: Asked<'_>) -> Vec<Finding> {
    let check = |index: usize| -> Vec<Finding> {
        let checks = asked.rules.iter().filter_map(|rule| match rule.check {
            Check::Files(check) => Some((*rule, check)),
            _ => None,
        });
        let id = FileId(index as u32);
        checks
            .flat_map(|(rule, check)| asked.collect(rule, |findings| check(id, &model.files()[index], model, findings)))
            .collect()
    };
    (0..model.files().len()).into_par_iter().with_min_len(64).flat_map_iter(check).collect()
}

fn check_directives(model: &Model<'_>, asked: Asked<'_>) -> Vec<Finding> {
    let interested = interested_in_names(model, asked.rules);
    if interested.iter().all(Vec::is_empty) {
        return Vec::new();
    }
    let check = |start: usize| {
        let end = (start + CHUNK).min(model.directive_count());
        let mut findings: Option<Findings> = None;
        for id in (start..end).map(|index| NodeId(index as u32)) {
            let Some(name) = model.name_index(id) else { continue };
            for rule in &interested[usize::from(name)] {
                let findings = findings.get_or_insert_with(|| Findings::new(rule, asked.least));
                findings.set_rule(rule);
                match rule.check {
                    Check::Directives(_, check) | Check::DirectivesWhere(_, check) => {
                        check(model.directive(id), findings);
                    }
                    _ => {}
                }
            }
        }
        findings.map(Findings::into_list).unwrap_or_default()
    };
    let starts: Vec<usize> = (0..model.directive_count()).step_by(CHUNK).collect();
    if starts.len() < 2 {
        starts.into_iter().flat_map(check).collect()
    } else {
        starts.into_par_iter().flat_map_iter(check).collect()
    }
}

/// For each name of the catalog, the rules that want its directives.
fn interested_in_names(model: &Model<'_>, rules: &[&'static Rule]) -> Vec<Vec<&'static Rule>> {
    let mut interested = vec![Vec::new(); catalog::name_count()];
    for rule in rules {
        match rule.check {
            Check::Directives(names, _) => {
                for name in names.iter().filter_map(|name| catalog::name_index(name)) {
                    interested[name as usize].push(*rule);
                }
            }
            Check::DirectivesWhere(is_wanted, _) => {
                for (name, rules) in (0..).zip(&mut interested) {
                    if model.has_directives_named(name) && catalog::directives_of(name).iter().any(is_wanted) {
                        rules.push(*rule);
                    }
                }
            }
            _ => {}
        }
    }
    interested
}

fn check_blocks(model: &Model<'_>, asked: Asked<'_>) -> Vec<Finding> {
    let mut interested: FxHashMap<Context, Vec<&'static Rule>> = FxHashMap::default();
    for rule in asked.rules {
        let Check::Blocks(contexts, _) = rule.check else { continue };
        for context in contexts {
            interested.entry(*context).or_default().push(rule);
        }
    }
    if interested.is_empty() {
        return Vec::new();
    }
    let check = |id: usize| -> Vec<Finding> {
        let block = model.block_at(id);
        let context = match block.kind() {
            Kind::Directives(context) if block.head().is_some() => context,
            _ => return Vec::new(),
        };
        let rules = interested.get(&context).into_iter().flatten();
        let checks = rules.filter_map(|rule| match rule.check {
            Check::Blocks(_, check) => Some((*rule, check)),
            _ => None,
        });
        checks.flat_map(|(rule, check)| asked.collect(rule, |findings| check(block, findings))).collect()
    };
    (0..model.block_count()).into_par_iter().with_min_len(512).flat_map_iter(check).collect()
}

fn check_every_block(model: &Model<'_>, asked: Asked<'_>) -> Vec<Finding> {
    let rules: Vec<_> = asked.rules.iter().filter(|rule| matches!(rule.check, Check::EveryBlock(_))).copied().collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let check = |id: usize| -> Vec<Finding> {
        let mut list = Vec::new();
        for rule in &rules {
            if let Check::EveryBlock(check) = rule.check {
                list.extend(asked.collect(rule, |findings| check(model.block_at(id), findings)));
            }
        }
        list
    };
    (0..model.block_count()).into_par_iter().with_min_len(512).flat_map_iter(check).collect()
}

/// Puts what nginx says into the note. False if no release that may read the
/// configuration says it.
fn take_verdict(model: &Model<'_>, finding: &mut Finding) -> bool {
    let Some(verdict) = &finding.verdict else { return true };
    let target = model.version();
    if !verdict.is_said(target) {
        return false;
    }
    let acts = if finding.refused { "refuses to start or reload" } else { "warns" };
    let who = if verdict.is_certain(target) {
        format!("nginx {acts}")
    } else {
        // "nginx 1.25.1 and later refuse ..."
        let acts = if finding.refused { "refuse to start or reload" } else { "warn" };
        match (verdict.since.filter(|since| *since > OLDEST_RELEASE), verdict.before) {
            (Some(since), None) => format!("nginx {since} and later {acts}"),
            (None, Some(before)) => format!("nginx before {before} {acts}"),
            (Some(since), Some(before)) => format!("nginx from {since} up to, and without, {before} {acts}"),
            (None, None) => format!("nginx {acts}"),
        }
    };
    if !verdict.is_certain(target) {
        finding.refused = false;
        finding.severity = finding.severity.min(Severity::Warning);
    }
    let text = if verdict.text.is_empty() { String::new() } else { format!(": {}", verdict.text) };
    let place = verdict.names.and_then(|location| named_elsewhere(model, finding, location)).unwrap_or_default();
    let own = finding.note.take().map(|note| format!("\n{note}")).unwrap_or_default();
    finding.note = Some(format!("{who}{text}{place}{own}"));
    true
}

/// How the place nginx names is called when it is not on the finding's line.
fn named_elsewhere(model: &Model<'_>, finding: &Finding, location: Location) -> Option<String> {
    let own = finding.place.location;
    let source = model.source(location.file);
    let line = source.line(location.span.start);
    if location.file != own.file {
        return Some(format!(", and names {}:{line}", source.path().display()));
    }
    (line != source.line(own.span.start)).then(|| format!(", and names line {line}"))
}

fn fold(findings: Vec<Finding>) -> Vec<Finding> {
    let mut seen: FxHashMap<(&'static str, Location, String), usize> = FxHashMap::default();
    let mut folded: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        let key = (finding.rule.name, finding.place.location, finding.message.clone());
        match seen.get(&key) {
            Some(index) => folded[*index].count += 1,
            None => {
                seen.insert(key, folded.len());
                folded.push(finding);
            }
        }
    }
    folded
}

/// Texts quote values from the file: none may steer a terminal, and all but
/// notes and helps are one line.
fn make_harmless(finding: &mut Finding) {
    let labels = finding.labels.iter_mut().map(|label| &mut label.text);
    let evidence = finding.evidence.iter_mut();
    let of_log = evidence.flat_map(|evidence| {
        let tallies = evidence.clients.iter_mut().chain(&mut evidence.requests).map(|tally| &mut tally.value);
        tallies.chain([&mut evidence.first, &mut evidence.last])
    });
    for text in labels.chain([&mut finding.message]).chain(&mut finding.label).chain(of_log) {
        if let Cow::Owned(harmless) = one_line(text) {
            *text = harmless;
        }
    }
    for text in finding.note.iter_mut().chain(&mut finding.help) {
        if !is_harmless(text) || text.contains('\r') {
            *text = text.split('\n').map(one_line).collect::<Vec<_>>().join("\n");
        }
    }
}

fn sort(model: &Model<'_>, findings: &mut [Finding]) {
    findings.sort_by_cached_key(|finding| {
        let location = finding.place.location;
        let path = model.source(location.file).path().to_path_buf();
        (path, location.span.start, location.span.end, finding.rule.name)
    });
}
