//! The command `nginx-lint`; see [`nginx_lint::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    nginx_lint::cli::main()
}
