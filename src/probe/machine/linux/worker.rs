//! The user that nginx's workers run as, or will.

use crate::facts::{Nginx, User};
use crate::model::{Effective, Model, has_placeholder};

use super::super::Sources;
use super::account::Accounts;
use super::missed::Missed;
use super::process;

/// Whom nginx is built with unless it is told otherwise; the group is the one
/// of these that the machine had where it was built.
const DEFAULT_USER: &str = "nobody";
const DEFAULT_GROUPS: [&str; 2] = ["nobody", "nogroup"];

/// The user that the workers run as, or will.
pub(super) fn user(
    sources: &Sources,
    accounts: &Accounts,
    models: &[&Model<'_>],
    nginx: &Nginx,
    observer: &User,
    missed: &mut Missed,
) -> Option<User> {
    match master_uid(nginx, observer) {
        Some(0) => of_root(sources, accounts, models, nginx, missed),
        // Only root can become somebody else.
        Some(uid) if uid == observer.uid => Some(observer.clone()),
        Some(uid) => Some(as_it_runs(sources, accounts, nginx, uid)),
        None => None,
    }
}

/// Who starts nginx: the one who did; root, where systemd does; else whoever
/// looks.
fn master_uid(nginx: &Nginx, observer: &User) -> Option<u32> {
    match (&nginx.master, nginx.runs) {
        (Some(master), _) => master.uid,
        (None, _) if nginx.unit.is_some() => Some(0),
        (None, Some(_)) => Some(observer.uid),
        (None, None) => (observer.uid == 0).then_some(0),
    }
}

/// What root's nginx makes of `user`, or of what it was built with.
fn of_root(
    sources: &Sources,
    accounts: &Accounts,
    models: &[&Model<'_>],
    nginx: &Nginx,
    missed: &mut Missed,
) -> Option<User> {
    let model = models.iter().find(|model| !model.is_fragment())?;
    let (name, groups) = match model.main().effective("user") {
        Effective::Set(directive) => {
            let name = directive.argument(0).filter(|_| directive.is_read())?;
            (name, vec![directive.argument(1).unwrap_or(name)])
        }
        Effective::Default => built_in(nginx)?,
        Effective::Unseen => return running(sources, accounts, nginx),
    };
    if has_placeholder(name) || groups.iter().any(|group| has_placeholder(group)) {
        return running(sources, accounts, nginx);
    }
    let Some(uid) = accounts.uid_of(name) else {
        missed.add(format!("the user \"{name}\""), "there is none of this name");
        return None;
    };
    let Some(gid) = groups.iter().find_map(|group| accounts.gid_of(group)) else {
        missed.add(format!("the group \"{}\"", groups[0]), "there is none of this name");
        return None;
    };
    Some(User { name: name.to_owned(), uid, groups: accounts.groups_of(name, gid) })
}

/// The user of the program, and names that its group may have.
fn built_in(nginx: &Nginx) -> Option<(&str, Vec<&str>)> {
    let binary = nginx.binary.as_ref()?;
    let name = binary.option("--user").unwrap_or(DEFAULT_USER);
    let groups = match binary.option("--group") {
        Some(group) => vec![group],
        None if name == DEFAULT_USER => DEFAULT_GROUPS.to_vec(),
        None => vec![name],
    };
    Some((name, groups))
}

/// Whom the workers run as now.
fn running(sources: &Sources, accounts: &Accounts, nginx: &Nginx) -> Option<User> {
    let uid = nginx.workers.first()?.uid?;
    Some(as_it_runs(sources, accounts, nginx, uid))
}

fn as_it_runs(sources: &Sources, accounts: &Accounts, nginx: &Nginx, uid: u32) -> User {
    let process = nginx.workers.first().or(nginx.master.as_ref());
    let groups = process.and_then(|process| process::groups(sources, process.pid));
    let user = accounts.user(uid);
    User { groups: groups.unwrap_or(user.groups), ..user }
}
