//! What a shell and a manual want to know of the command, made from its
//! arguments.

use std::io::{self, Write};

use clap::CommandFactory;

use super::arguments::{Arguments, CompletionsArguments};
use super::{Failure, Outcome};

pub fn completions(arguments: &CompletionsArguments) -> Result<Outcome, Failure> {
    let mut command = Arguments::command();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "nginx-lint", &mut script);
    put(&script)
}

/// The page of the command, with all subcommands behind it.
pub fn manual() -> Result<Outcome, Failure> {
    let mut page = Vec::new();
    let mut command = Arguments::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands() {
        clap_mangen::Man::new(subcommand.clone()).render(&mut page)?;
    }
    put(&page)
}

fn put(text: &[u8]) -> Result<Outcome, Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()?;
    Ok(Outcome::Clean)
}
