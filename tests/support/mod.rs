//! What the tests share: a real nginx, backends for it to talk to, and the
//! reading and running of proof blocks.

// Each test program compiles all of this and uses a part.
#![allow(dead_code)]

pub mod backends;
pub mod case;
pub mod client;
pub mod nginx;
pub mod page;
pub mod port;
pub mod process;
pub mod schema;
