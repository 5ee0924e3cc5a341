//! Where reports go: standard output and files, each in its format.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::report::{self, Format, Report};

use super::arguments::{Colour, FormatArgument, ReportArguments};
use super::{Failure, output};

/// Writes the report in each format to where it goes.
pub fn write(arguments: &ReportArguments, report: &Report<'_>) -> Result<(), Failure> {
    for FormatArgument { format, file } in &arguments.format {
        match file.as_ref().or(arguments.output.as_ref()) {
            Some(file) => write_file(*format, file, arguments.color, report)?,
            None => {
                let mut out = BufWriter::new(io::stdout().lock());
                if arguments.statistics {
                    report::write_statistics(report, &mut out)?;
                } else {
                    report::write(report, *format, output::style(arguments.color), &mut out)?;
                }
                out.flush()?;
            }
        }
    }
    Ok(())
}

fn write_file(format: Format, file: &Path, colour: Colour, report: &Report<'_>) -> Result<(), Failure> {
    let attempt = || {
        let mut out = BufWriter::new(File::create(file)?);
        report::write(report, format, output::style_of_file(colour), &mut out)?;
        out.flush()
    };
    // Not Failure::Output: a report that is not written is never fine.
    attempt().map_err(|error: io::Error| Failure::Message(format!("cannot write {}: {error}", file.display())))
}

/// Two reports in one place would be none.
pub fn check(arguments: &ReportArguments) -> Result<(), Failure> {
    let mut taken: HashSet<Option<&PathBuf>> = HashSet::new();
    for FormatArgument { file, .. } in &arguments.format {
        let destination = file.as_ref().or(arguments.output.as_ref());
        if !taken.insert(destination) {
            let place = destination.map_or("standard output".into(), |file| file.display().to_string());
            return Err(Failure::Message(format!(
                "two reports would go to {place}: write FORMAT=FILE for one of them"
            )));
        }
    }
    Ok(())
}
