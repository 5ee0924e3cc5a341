//! Users and groups.

use std::ffi::CString;
use std::sync::{Mutex, PoisonError};

use nix::unistd::{Gid, Group, Uid, User as SystemUser, getegid, geteuid, getgrouplist, getgroups};
use rustc_hash::FxHashMap;

use crate::facts::User;

use super::super::Sources;
use super::read;

/// A user or group of the files.
#[derive(Debug)]
struct Entry {
    name: String,
    number: u32,
    /// Of a user, its group.
    group: u32,
    /// Of a group, its members.
    members: Vec<String>,
}

/// The users and groups of a machine: those of its files, and where these do
/// not know one, of whatever else the system asks.
#[derive(Debug)]
pub(super) struct Accounts {
    users: Vec<Entry>,
    groups: Vec<Entry>,
    asks_the_system: bool,
    /// Names that were looked up, by whether it is a group, and number.
    names: Mutex<FxHashMap<(bool, u32), String>>,
}

impl Accounts {
    /// Reads the files.
    pub fn read(sources: &Sources) -> Accounts {
        let text = |path: &str| read::text(sources, path).unwrap_or_default();
        Accounts {
            users: text("/etc/passwd").lines().filter_map(user_of_line).collect(),
            groups: text("/etc/group").lines().filter_map(group_of_line).collect(),
            asks_the_system: sources.are_this_machine(),
            names: Mutex::default(),
        }
    }

    /// Who looks.
    pub fn observer(&self) -> User {
        let uid = geteuid().as_raw();
        let own = getegid().as_raw();
        let others = getgroups().unwrap_or_default().into_iter().map(Gid::as_raw).filter(|group| *group != own);
        User { name: self.name_of_user(uid), uid, groups: std::iter::once(own).chain(others).collect() }
    }

    /// A user by its number.
    pub fn user(&self, uid: u32) -> User {
        let name = self.name_of_user(uid);
        let known = self.users.iter().find(|user| user.number == uid).map(|user| user.group);
        let group = known.or_else(|| {
            let user = SystemUser::from_uid(Uid::from_raw(uid)).ok().flatten().filter(|_| self.asks_the_system);
            user.map(|user| user.gid.as_raw())
        });
        let groups = group.map_or(Vec::new(), |group| self.groups_of(&name, group));
        User { name, uid, groups }
    }

    /// The number of a user.
    pub fn uid_of(&self, name: &str) -> Option<u32> {
        let known = self.users.iter().find(|user| user.name == name).map(|user| user.number);
        known.or_else(|| {
            let user = self.asks_the_system.then(|| SystemUser::from_name(name).ok().flatten()).flatten();
            user.map(|user| user.uid.as_raw())
        })
    }

    /// The number of a group.
    pub fn gid_of(&self, name: &str) -> Option<u32> {
        let known = self.groups.iter().find(|group| group.name == name).map(|group| group.number);
        known.or_else(|| {
            let group = self.asks_the_system.then(|| Group::from_name(name).ok().flatten()).flatten();
            group.map(|group| group.gid.as_raw())
        })
    }

    /// This group, and all others that a user is a member of.
    pub fn groups_of(&self, name: &str, own: u32) -> Vec<u32> {
        let is_of = |group: &&Entry| group.members.iter().any(|member| member == name);
        let mut others: Vec<u32> = self.groups.iter().filter(is_of).map(|group| group.number).collect();
        if self.asks_the_system
            && let Ok(text) = CString::new(name)
            && let Ok(more) = getgrouplist(&text, Gid::from_raw(own))
        {
            others.extend(more.into_iter().map(Gid::as_raw));
        }
        others.sort_unstable();
        others.dedup();
        others.retain(|group| *group != own);
        std::iter::once(own).chain(others).collect()
    }

    /// The name of a user, or its number.
    pub fn name_of_user(&self, uid: u32) -> String {
        self.name(false, uid, &self.users, || Some(SystemUser::from_uid(Uid::from_raw(uid)).ok().flatten()?.name))
    }

    /// The name of a group, or its number.
    pub fn name_of_group(&self, gid: u32) -> String {
        self.name(true, gid, &self.groups, || Some(Group::from_gid(Gid::from_raw(gid)).ok().flatten()?.name))
    }

    fn name(&self, is_group: bool, number: u32, entries: &[Entry], ask: impl Fn() -> Option<String>) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let name = names.entry((is_group, number)).or_insert_with(|| {
            let known = entries.iter().find(|entry| entry.number == number).map(|entry| entry.name.clone());
            let name = known.or_else(|| if self.asks_the_system { ask() } else { None });
            name.unwrap_or_else(|| number.to_string())
        });
        name.clone()
    }
}

/// `NAME:x:UID:GID:…`
fn user_of_line(line: &str) -> Option<Entry> {
    let mut parts = line.split(':');
    let name = parts.next()?.to_owned();
    let mut numbers = parts.skip(1).map(str::parse);
    let (number, group) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some(Entry { name, number, group, members: Vec::new() })
}

/// `NAME:x:GID:MEMBER,MEMBER`
fn group_of_line(line: &str) -> Option<Entry> {
    let mut parts = line.split(':');
    let name = parts.next()?.to_owned();
    let number = parts.nth(1)?.parse().ok()?;
    let members = parts.next().unwrap_or_default().split(',').filter(|member| !member.is_empty());
    Some(Entry { name, number, group: number, members: members.map(str::to_owned).collect() })
}
