//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::catalog::Version;
use crate::engine::Severity;
use crate::report::Format;

const EXAMPLES: &str = "\
Examples:
  nginx-lint /etc/nginx              the configuration of this server
  nginx-lint conf.d/app.conf         one file, judged within the nginx.conf that includes it
  nginx -T | nginx-lint -            what nginx itself has read
  nginx-lint doctor                  why this server answers 502 right now
  nginx-lint effective proxy_set_header nginx.conf
                                     what is in force where, and the line it comes from
  nginx-lint route https://www.example.com/api/users
                                     where this request goes, and why
  nginx-lint explain timeout-zero    why a rule complains, and what to do

Exit status: 0 nothing found, 1 findings, 2 something could not be read or done.";

/// Says what will break in an nginx configuration before it is deployed.
#[derive(Debug, Parser)]
#[command(name = "nginx-lint", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub check: CheckArguments,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a configuration (what happens without a command, too)
    Check(CheckArguments),
    /// Look at this machine and its logs, and say why nginx answers 502 or soon will
    Doctor(Box<DoctorArguments>),
    /// Show the value of a directive in force in each block, and the line it comes from
    Effective(EffectiveArguments),
    /// Say which listener, server, location and target answer a request, and why
    #[command(override_usage = "nginx-lint route [OPTIONS] [METHOD] URL [PATH]...")]
    Route(RouteArguments),
    /// Show the page of a rule
    Explain(ExplainArguments),
    /// List the rules
    Rules(RulesArguments),
    /// Write, show or describe nginx-lint.toml
    Config(ConfigArguments),
    /// Print a script with which a shell completes the command
    Completions(CompletionsArguments),
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    pub input: InputArguments,

    #[command(flatten)]
    pub report: ReportArguments,

    #[command(flatten)]
    pub wishes: WishArguments,

    /// Mend what can be mended safely
    #[arg(long)]
    pub fix: bool,

    /// With --fix or --diff, mend also what a person should look at: the configuration may then
    /// promise something else
    #[arg(long)]
    pub unsafe_fixes: bool,

    /// Show what --fix would change, and change nothing; exit with 1 if it would
    #[arg(long, conflicts_with = "fix")]
    pub diff: bool,

    /// Do not show the findings in this file, which --write-baseline made
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Write the findings that there are now into this file, for --baseline
    #[arg(long, value_name = "FILE", conflicts_with_all = ["fix", "diff"])]
    pub write_baseline: Option<PathBuf>,

    /// Report only what is found in files that changed since this revision of git, or that git
    /// does not know yet
    #[arg(long, value_name = "REVISION")]
    pub since: Option<String>,

    /// Judge also what doctor saw on the machine and saved in this file
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
}

/// Where findings go, and how.
#[derive(Clone, Debug, Args)]
pub struct ReportArguments {
    /// How to write findings: full, concise, json, jsonl, sarif, github, gitlab, junit, checkstyle
    /// or rdjson; FORMAT=FILE writes into a file. May be given more than once
    #[arg(long, value_name = "FORMAT[=FILE]", default_value = "full", value_parser = parse_format)]
    pub format: Vec<FormatArgument>,

    /// Write into this file what would go to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Show how often each rule found something
    #[arg(long)]
    pub statistics: bool,

    /// Exit with 0 in spite of findings; with 2 still if something could not be read or done
    #[arg(long)]
    pub exit_zero: bool,

    /// Colours
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
}

/// What is wanted of the rules.
#[derive(Clone, Debug, Args)]
pub struct WishArguments {
    /// Ask these rules alone: names of rules, groups or severities
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,

    /// Do not ask these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,

    /// Show findings of this severity and above [default: warning, or info with --select]
    #[arg(long, value_name = "SEVERITY")]
    pub min_severity: Option<Severity>,

    /// Exit with 1 when there are findings of this severity or above [default: warning]
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
}

#[derive(Debug, Args)]
pub struct DoctorArguments {
    #[command(flatten)]
    pub input: InputArguments,

    /// Read these error logs instead of those that the configuration names; may be given more
    /// than once. What is in them is judged whole unless --since says otherwise
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,

    /// Read the rotated logs beside each log, too, packed ones included
    #[arg(long)]
    pub rotated: bool,

    /// Only what the logs have since then: 30m, 2h, 1d ago, or '2026-11-21 23:00:00'
    /// [default: 1d, with --log everything]
    #[arg(long, value_name = "WHEN", value_parser = crate::logs::since_text)]
    pub since: Option<String>,

    /// Go on reading the logs until interrupted, and show what is new in them
    #[arg(long)]
    pub follow: bool,

    /// Save what was seen in this file; nginx-lint check --facts judges it again, anywhere
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,

    /// Look at the logs alone, and at nothing of this machine: for logs of another one
    #[arg(long, conflicts_with_all = ["http", "connect_cap"])]
    pub offline: bool,

    /// Send one request (HEAD /) to each server behind nginx, instead of a greeting alone
    #[arg(long)]
    pub http: bool,

    /// Wait so many seconds at most for a connection, whatever the configuration says
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub connect_cap: u64,

    #[command(flatten)]
    pub report: ReportArguments,

    #[command(flatten)]
    pub wishes: WishArguments,
}

/// What to read, and for which nginx: the same for every command that reads a configuration.
#[derive(Clone, Debug, Args)]
pub struct InputArguments {
    /// Files or directories, or - for standard input; without any, ./nginx.conf or else
    /// /etc/nginx/nginx.conf
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// The nginx release that will read the configuration, such as 1.22.1
    #[arg(long, value_name = "VERSION")]
    pub nginx_version: Option<Version>,

    /// The modules that nginx has beyond those it is built with by default, such as
    /// ngx_http_lua_module, or plus; modules that load_module loads need not be named. Without
    /// it, nginx may have any
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    pub nginx_modules: Option<Vec<String>>,

    /// Read this file instead of the nearest nginx-lint.toml above the first path
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Look up absolute paths below this directory, as in the image of a container; / is this
    /// machine
    #[arg(long, value_name = "DIRECTORY")]
    pub root: Option<PathBuf>,

    /// Look up paths below FROM below TO, such as /etc/nginx=./nginx
    #[arg(long, value_name = "FROM=TO", value_parser = parse_map)]
    pub map: Vec<(PathBuf, PathBuf)>,
}

#[derive(Debug, Args)]
pub struct EffectiveArguments {
    /// The directive, such as proxy_read_timeout
    pub directive: String,

    #[command(flatten)]
    pub input: InputArguments,

    /// Only the block around this line
    #[arg(long, value_name = "FILE:LINE", value_parser = parse_line)]
    pub at: Option<(PathBuf, u32)>,

    /// Every block, not only those where something else is in force than around them
    #[arg(long)]
    pub all: bool,

    /// How to show them
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub struct RouteArguments {
    /// The request's URL, or its path alone; a method such as POST may stand in front of it
    #[arg(value_name = "URL")]
    pub url: String,

    #[command(flatten)]
    pub input: InputArguments,

    /// A header of the request, such as 'Host: www.example.com'; may be given more than once
    #[arg(long, short = 'H', value_name = "HEADER", value_parser = super::route::parse_header)]
    pub header: Vec<(String, String)>,

    /// The address and port of nginx at which the request arrives, such as 10.0.0.1:80
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,

    /// How to show the way
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The rule's name
    pub rule: String,
}

#[derive(Debug, Args)]
pub struct ConfigArguments {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write an nginx-lint.toml to begin with
    Init {
        /// Where to
        #[arg(default_value = ".")]
        directory: PathBuf,
    },
    /// Show what is in force for a path, from all files and the command line, as JSON
    Show {
        #[command(flatten)]
        input: Box<InputArguments>,
    },
    /// Print the JSON schema of nginx-lint.toml
    Schema,
}

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct RulesArguments {
    /// How to show them
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// A format, and the file it goes into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatArgument {
    pub format: Format,
    pub file: Option<PathBuf>,
}

/// The formats by their names.
const FORMATS: [(&str, Format); 10] = [
    ("full", Format::Full),
    ("concise", Format::Concise),
    ("json", Format::Json),
    ("jsonl", Format::Jsonl),
    ("sarif", Format::Sarif),
    ("github", Format::Github),
    ("gitlab", Format::Gitlab),
    ("junit", Format::Junit),
    ("checkstyle", Format::Checkstyle),
    ("rdjson", Format::Rdjson),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn parse_format(text: &str) -> Result<FormatArgument, String> {
    let (name, file) = match text.split_once('=') {
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    if file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
        return Err("a file is missing behind =".to_owned());
    }
    match FORMATS.iter().find(|(known, _)| *known == name) {
        Some((_, format)) => Ok(FormatArgument { format: *format, file }),
        None => {
            let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
            Err(format!("there is no such format; there are {}", names.join(", ")))
        }
    }
}

fn parse_line(text: &str) -> Result<(PathBuf, u32), String> {
    let parsed = text.rsplit_once(':').and_then(|(file, line)| Some((PathBuf::from(file), line.parse().ok()?)));
    parsed
        .filter(|(file, line)| !file.as_os_str().is_empty() && *line > 0)
        .ok_or_else(|| "it takes the form FILE:LINE, such as nginx.conf:12".to_owned())
}

fn parse_map(text: &str) -> Result<(PathBuf, PathBuf), String> {
    let (from, to) = text.split_once('=').ok_or("it takes the form FROM=TO, such as /etc/nginx=./nginx")?;
    if from.starts_with('/') && !to.is_empty() {
        Ok((PathBuf::from(from), PathBuf::from(to)))
    } else {
        Err("FROM begins with / and TO is a directory".to_owned())
    }
}
