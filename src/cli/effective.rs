//! `nginx-lint effective DIRECTIVE`: the value in force in each block, the
//! line it comes from, and the lines of outer blocks that no longer count.

mod json;
mod place;
mod text;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::catalog::{self, nearest};
use crate::model::{Block, Kind, Model, NoSlot, Profile, Slot};
use crate::source::FileId;
use crate::tree::{Disk, Files, Overlay};

use super::arguments::{EffectiveArguments, InputArguments, ListFormat};
use super::input::{self, Input, Job};
use super::project::Project;
use super::{Failure, Outcome};

use place::Places;

pub fn run(arguments: &EffectiveArguments) -> Result<Outcome, Failure> {
    let inputs = inputs(arguments);
    let project = Project::of(&inputs)?;
    let input = input::gather(&inputs, &project, &Overlay::new())?;
    let profile = project.profile;
    input.tell();
    let models = input.jobs.iter().map(|job| Model::new(&job.tree, job.outermost, profile.clone()));
    let models: Vec<Model<'_>> = models.collect();
    let slot = find_slot(&arguments.directive, &models, &profile)?;
    let answers = match &arguments.at {
        Some((file, line)) => places_at(&input, &models, &slot, file, *line)?,
        None => places_of_all(&input, &models, &slot, arguments.all),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.format {
        ListFormat::Text => text::write(&slot, &profile, &answers, &mut out)?,
        ListFormat::Json => json::write(&slot, &profile, &answers, &mut out)?,
    }
    out.flush()?;
    Ok(if input.is_complete() { Outcome::Clean } else { Outcome::Failed })
}

/// The file of `--at` is what is asked about when no path is named.
fn inputs(arguments: &EffectiveArguments) -> InputArguments {
    let mut inputs = arguments.input.clone();
    if let (true, Some((file, _))) = (inputs.paths.is_empty(), &arguments.at) {
        inputs.paths.push(file.clone());
    }
    inputs
}

fn find_slot(name: &str, models: &[Model<'_>], profile: &Profile) -> Result<Slot, Failure> {
    // Modules that load_module brings are known to some of the models only.
    let found: Vec<Result<Slot, NoSlot>> = models.iter().map(|model| model.slot(name)).collect();
    let mut problem = NoSlot::Unknown;
    for slot in found {
        match slot {
            Ok(slot) => return Ok(slot),
            Err(other) => problem = other,
        }
    }
    let message = match problem {
        _ if models.is_empty() => "there is no configuration to look at".to_owned(),
        NoSlot::Unknown => {
            match nearest(name, (0..catalog::name_count()).map(|index| catalog::name_of(index as u16))) {
                Some(nearest) => format!("there is no directive \"{name}\"; did you mean {nearest}?"),
                None => format!("there is no directive \"{name}\""),
            }
        }
        NoSlot::NotInThisNginx(directive) => missing(directive, profile),
        NoSlot::Container => format!("\"{name}\" is a block of other directives; it has no value of its own"),
    };
    Err(Failure::Message(message))
}

/// Why the nginx that is meant does not have a directive.
fn missing(directive: &catalog::Directive, profile: &Profile) -> String {
    let name = directive.name;
    match (profile.version, directive.since, directive.removed) {
        (Some(version), Some(since), _) if version < since => {
            format!("nginx {version} does not have \"{name}\"; it came with {since}")
        }
        (_, _, Some(removed)) if profile.version.is_none_or(|version| version >= removed) => {
            format!("\"{name}\" was removed in nginx {removed}")
        }
        _ => format!("\"{name}\" is a directive of {}, which this nginx does not have", directive.module.name),
    }
}

/// What there is to show of each configuration.
fn places_of_all<'m>(input: &'m Input, models: &'m [Model<'m>], slot: &Slot, all: bool) -> Vec<Places<'m>> {
    let jobs = input.jobs.iter().zip(models);
    jobs.map(|(job, model)| {
        let mut places = Places::new(job, model, slot);
        places.select(all);
        places
    })
    .collect()
}

/// The block around a line, once for each time that its file is included.
fn places_at<'m>(
    input: &'m Input,
    models: &'m [Model<'m>],
    slot: &Slot,
    file: &Path,
    line: u32,
) -> Result<Vec<Places<'m>>, Failure> {
    let mut answers = Vec::new();
    let mut elsewhere = None;
    let mut is_known = false;
    for (job, model) in input.jobs.iter().zip(models) {
        let Some(id) = find_file(job, file) else { continue };
        is_known = true;
        let lines = model.source(id).line_count();
        if line > lines {
            return Err(Failure::Message(format!("{} has no line {line}; it has {lines}", file.display())));
        }
        let around = model.blocks_around(id, line).into_iter();
        let around = around.filter_map(|block| block.outwards().find(|it| matches!(it.kind(), Kind::Directives(_))));
        let (places, other): (Vec<Block<'_>>, Vec<Block<'_>>) = around.partition(|it| slot.record(*it).is_some());
        elsewhere = elsewhere.or(other.first().copied());
        if !places.is_empty() {
            let mut found = Places::new(job, model, slot);
            found.select_blocks(&places);
            answers.push(found);
        }
    }
    match elsewhere {
        _ if !is_known => Err(Failure::Message(format!("{} is not a part of this configuration", file.display()))),
        Some(block) if answers.is_empty() => Err(Failure::Message(format!(
            "\"{}\" has no value in {}: it stands in {}",
            slot.name,
            place::label(block),
            text::contexts(slot)
        ))),
        _ => Ok(answers),
    }
}

fn find_file(job: &Job, file: &Path) -> Option<FileId> {
    let canonical = Disk.canonical(file);
    let found = job
        .tree
        .files
        .iter()
        .position(|known| known.source.path() == file || Disk.canonical(known.source.path()) == canonical)?;
    Some(FileId(found as u32))
}
