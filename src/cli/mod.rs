//! The command: arguments, subcommands, exit codes. The only room that prints.
//!
//! Exit codes: 0 nothing at or above `--fail-on`; 1 findings; 2 it could not
//! do its work. Findings go to stdout, notices to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod baseline;
mod check;
mod config;
mod destination;
mod doctor;
mod effective;
mod explain;
mod facts;
mod fix;
mod input;
mod judge;
mod list;
mod output;
mod progress;
mod project;
mod route;
mod shell;
mod since;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::config::ConfigError;
use crate::report;
use crate::source::{SourceFile, Span};
use arguments::{Arguments, Command};

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    /// Nothing to complain about.
    Clean = 0,
    /// Findings.
    Findings = 1,
    /// Something could not be done.
    Failed = 2,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Message(String),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Command::Check(check)) => check::run(&check),
        Some(Command::Doctor(doctor)) => doctor::run(&doctor),
        Some(Command::Effective(effective)) => effective::run(&effective),
        Some(Command::Route(route)) => route::run(&route),
        Some(Command::Explain(explain)) => explain::run(&explain),
        Some(Command::Rules(rules)) => list::run(&rules),
        Some(Command::Config(config)) => config::run(&config),
        Some(Command::Completions(completions)) => shell::completions(&completions),
        Some(Command::Man) => shell::manual(),
        None => check::run(&arguments.check),
    };
    let outcome = match result {
        Ok(outcome) => outcome,
        // Whoever read the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Clean,
        Err(failure) => {
            tell(&failure);
            Outcome::Failed
        }
    };
    ExitCode::from(outcome as u8)
}

/// Says on stderr why nothing could be done.
fn tell(failure: &Failure) {
    if let Failure::Config(ConfigError::Invalid { path, text, span, message }) = failure {
        let source = SourceFile::new(path, text.clone().into_bytes());
        let span = Span::new(span.start, span.end.max(span.start));
        let style = output::style_of_stderr();
        if report::write_problem(&source, span, message, style, &mut io::stderr().lock()).is_ok() {
            return;
        }
    }
    eprintln!("error: {failure}");
}
