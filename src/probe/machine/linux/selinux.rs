//! What SELinux is set to.

use std::fs;

use crate::facts::{Nginx, Selinux};

use super::super::Sources;
use super::missed::Missed;
use super::read;

/// Where it is, if it is.
const MOUNT: &str = "/sys/fs/selinux";

/// The state of SELinux; none where there is none.
pub(super) fn look(sources: &Sources, nginx: &Nginx, missed: &mut Missed) -> Option<Selinux> {
    let enforce = format!("{MOUNT}/enforce");
    fs::symlink_metadata(sources.at(&enforce)).ok()?;
    let enforcing = read::number(sources, &enforce, missed)? != 0;
    // The value now, and the one it is about to get.
    let boolean = read::numbers(sources, &format!("{MOUNT}/booleans/httpd_can_network_connect"), missed);
    let network_connect = boolean.and_then(|values| values.first().map(|value| *value != 0));
    let process = nginx.workers.first().or(nginx.master.as_ref());
    let domain = process.and_then(|process| domain(sources, process.pid, missed));
    Some(Selinux { enforcing, network_connect, http_ports: None, domain })
}

/// The third part of `system_u:system_r:httpd_t:s0`.
fn domain(sources: &Sources, pid: u32, missed: &mut Missed) -> Option<String> {
    let context = read::text_or_missed(sources, &format!("/proc/{pid}/attr/current"), missed)?;
    let domain = context.trim_end_matches(['\0', '\n']).split(':').nth(2)?;
    Some(domain.to_owned())
}
