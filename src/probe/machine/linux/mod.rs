//! A machine with Linux.

mod account;
mod binary;
mod certificate;
mod cgroup;
mod container;
mod diag;
mod file;
mod kernel;
mod missed;
mod named;
mod nginx;
mod owner;
mod process;
mod read;
mod selinux;
mod socket;
mod unit;
mod walk;
mod worker;

use crate::facts::Facts;
use crate::model::Model;

use super::super::Progress;
use super::Sources;
use account::Accounts;
use missed::Missed;

/// What is being looked at, in words, and in so many steps.
const WHAT: &str = "looking at this machine";
const STEPS: usize = 4;

/// Adds what is seen of the machine.
pub(super) fn look(sources: &Sources, models: &[&Model<'_>], progress: Progress<'_>, facts: &mut Facts) {
    let mut missed = Missed::default();
    progress(WHAT, 0, STEPS);
    let accounts = Accounts::read(sources);
    facts.observer = accounts.observer();
    nginx::look(sources, &accounts, models, facts, &mut missed);
    progress(WHAT, 1, STEPS);
    kernel::look(sources, facts, &mut missed);
    facts.machine.container = container::kind(sources);
    facts.machine.selinux = selinux::look(sources, &facts.nginx, &mut missed);
    progress(WHAT, 2, STEPS);
    socket::look(sources, facts, &mut missed);
    progress(WHAT, 3, STEPS);
    let named = named::gather(models, &facts.nginx, &mut missed);
    file::look(sources, &accounts, &named.files, progress, facts, &mut missed);
    certificate::look(sources, &named, facts, &mut missed);
    progress(WHAT, STEPS, STEPS);
    facts.not_examined.append(&mut missed.entries);
}
