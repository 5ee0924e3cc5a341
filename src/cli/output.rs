//! What the terminal, or whatever stdout is, can show.

use std::env;
use std::io::{self, IsTerminal};

use terminal_size::{Height, Width};

use crate::report::Style;

use super::arguments::Colour;

/// Columns when stdout is not a terminal.
const WIDTH: usize = 100;

/// Longer lines are hard to read, however wide the terminal is.
const WIDEST: usize = 120;

/// The style for stdout.
pub fn style(colour: Colour) -> Style {
    let width = terminal_size::terminal_size_of(io::stdout());
    style_of(colour, io::stdout().is_terminal(), width)
}

/// The style for stderr.
pub fn style_of_stderr() -> Style {
    let width = terminal_size::terminal_size_of(io::stderr());
    style_of(Colour::Auto, io::stderr().is_terminal(), width)
}

fn style_of(colour: Colour, terminal: bool, size: Option<(Width, Height)>) -> Style {
    let colour = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && !is_set("NO_COLOR") && !is("TERM", "dumb"),
    };
    let width = size.map_or(WIDTH, |(width, _)| usize::from(width.0));
    Style { colour, unicode: !terminal || speaks_unicode(), width: width.clamp(40, WIDEST) }
}

/// The style for a file.
pub fn style_of_file(colour: Colour) -> Style {
    Style { colour: colour == Colour::Always, unicode: true, width: WIDTH }
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn is(name: &str, value: &str) -> bool {
    env::var_os(name).is_some_and(|found| found == value)
}

/// The first of these that is set decides, as for every program.
fn speaks_unicode() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
