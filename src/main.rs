//! The command `nginx-lint`.
fn main() {}
