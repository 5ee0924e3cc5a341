//! nginx-lint reads an nginx configuration as nginx itself reads it, and says
//! what will break before it is deployed.
//!
//! The rooms, in the order in which data moves through them:
//!
//! | room | what it is for |
//! |---|---|
//! | [`source`] | files as bytes, and places in them |
//! | [`syntax`] | tokens, statements, comments and syntax problems of one file |
//! | [`tree`] | the configuration as nginx sees it, includes and all |
//! | [`catalog`] | what directives and variables are |
//! | [`model`] | what the configuration means |
//! | [`facts`] | what was seen outside of the configuration: plain data |
//! | [`probe`] | looks at the machine, and judges nothing |
//! | [`logs`] | reads the logs of nginx |
//! | [`config`] | what a project says about its nginx: `nginx-lint.toml` |
//! | [`engine`] | rules, findings, and the walk that brings them together |
//! | [`rules`] | one room a rule, outside of `src`: the check and its page |
//! | [`fix`] | edits, applied to bytes |
//! | [`triage`] | which findings count, and by what they are known again |
//! | [`report`] | findings as people and programs want them |
//! | [`cli`] | the command; the only room that prints |

// The parser that pest generates without its stack guard names this crate.
extern crate alloc;

pub mod catalog;
pub mod cli;
pub mod config;
pub mod engine;
pub mod facts;
pub mod fix;
pub mod logs;
pub mod model;
pub mod probe;
pub mod report;
#[path = "../rules/mod.rs"]
pub mod rules;
pub mod source;
pub mod syntax;
pub mod tree;
pub mod triage;
