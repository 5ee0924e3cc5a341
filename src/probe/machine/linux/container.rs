//! Whether this is a container, and of which kind.

use std::fs;

use super::super::Sources;
use super::read;

/// Files that are there in containers of a kind.
const MARKS: [(&str, &str); 3] =
    [("/var/run/secrets/kubernetes.io", "kubernetes"), ("/.dockerenv", "docker"), ("/run/.containerenv", "podman")];

/// What the control group of the first process is called in containers of a
/// kind.
const GROUPS: [(&str, &str); 4] =
    [("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "lxc")];

/// The kind of container; empty for none.
pub(super) fn kind(sources: &Sources) -> Option<String> {
    let mark = MARKS.iter().find(|(path, _)| fs::symlink_metadata(sources.at(path)).is_ok());
    if let Some((_, kind)) = mark {
        return Some((*kind).to_owned());
    }
    // Written by systemd where it is the first process of a container.
    if let Ok(text) = read::text(sources, "/run/systemd/container")
        && !text.trim().is_empty()
    {
        return Some(text.trim().to_owned());
    }
    if let Some(kind) = environment(sources) {
        return Some(kind);
    }
    let groups = read::text(sources, "/proc/1/cgroup").ok()?;
    let kind = GROUPS.iter().find(|(part, _)| groups.contains(part)).map_or("", |(_, kind)| kind);
    Some(kind.to_owned())
}

/// What the first process was told; only its own user may read it.
fn environment(sources: &Sources) -> Option<String> {
    let text = read::text(sources, "/proc/1/environ").ok()?;
    if text.split('\0').any(|variable| variable.starts_with("KUBERNETES_SERVICE_HOST=")) {
        return Some("kubernetes".to_owned());
    }
    let kind = text.split('\0').find_map(|variable| variable.strip_prefix("container="))?;
    (!kind.is_empty()).then(|| kind.to_owned())
}
