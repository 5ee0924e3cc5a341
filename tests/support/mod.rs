//! What the tests share: a real nginx, backends for it to talk to, the reading
//! and running of proof blocks, and recorded and fresh answers of `nginx -t`.

// Each test program compiles all of this and uses a part.
#![allow(dead_code)]

pub mod answer;
pub mod backends;
pub mod bases;
pub mod case;
pub mod client;
pub mod dns;
pub mod judge;
pub mod mutate;
pub mod nginx;
pub mod oracle;
pub mod page;
pub mod parallel;
pub mod port;
pub mod process;
pub mod records;
pub mod schema;
pub mod stage;
