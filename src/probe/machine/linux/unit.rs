//! The systemd unit that starts nginx.

use std::collections::BTreeMap;
use std::fs;

use crate::facts::Unit;

use super::super::Sources;
use super::missed::Missed;
use super::read;

/// Where units are: what stands in an earlier directory counts before what
/// stands in a later one.
const DIRECTORIES: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// What the unit is called.
const NAMES: [&str; 3] = ["nginx.service", "openresty.service", "angie.service"];

/// The unit that `process` is in, given as `/proc/1`, or the one that would
/// start nginx.
pub(super) fn find(sources: &Sources, process: Option<&str>, missed: &mut Missed) -> Option<Unit> {
    let own = process.and_then(|process| unit_of(sources, process));
    let names = own.iter().map(String::as_str).chain(NAMES);
    names.into_iter().find_map(|name| read_unit(sources, name, missed))
}

/// The last part of the path of its control group.
fn unit_of(sources: &Sources, process: &str) -> Option<String> {
    let groups = read::text(sources, format!("{process}/cgroup")).ok()?;
    let mut names = groups.lines().filter_map(|line| line.rsplit_once('/')).map(|(_, name)| name);
    names.find(|name| name.ends_with(".service")).map(str::to_owned)
}

fn read_unit(sources: &Sources, name: &str, missed: &mut Missed) -> Option<Unit> {
    let paths = DIRECTORIES.iter().map(|directory| format!("{directory}/{name}"));
    let path = paths.into_iter().find(|path| fs::metadata(sources.at(path)).is_ok())?;
    let text = read::text_or_missed(sources, &path, missed)?;
    let mut unit = Unit { name: name.to_owned(), files: vec![path], limit_nofile: Some(0), private_tmp: Some(false) };
    add(&mut unit, &text);
    for path in additions(sources, name) {
        match read::text_or_missed(sources, &path, missed) {
            Some(text) => add(&mut unit, &text),
            // It may say anything.
            None => (unit.limit_nofile, unit.private_tmp) = (None, None),
        }
        unit.files.push(path);
    }
    Some(unit)
}

/// The files that add to a unit, by name: of those of one name, the one in the
/// first directory counts.
fn additions(sources: &Sources, name: &str) -> Vec<String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for directory in DIRECTORIES {
        for directory in [format!("{directory}/{name}.d"), format!("{directory}/service.d")] {
            let Ok(entries) = fs::read_dir(sources.at(&directory)) else { continue };
            let names = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok());
            for name in names.filter(|name| name.ends_with(".conf")) {
                let path = format!("{directory}/{name}");
                found.entry(name).or_insert(path);
            }
        }
    }
    found.into_values().collect()
}

/// Adds what a file says; what comes last counts.
fn add(unit: &mut Unit, text: &str) {
    let mut is_service = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_service = line == "[Service]";
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_service) else { continue };
        match key.trim() {
            "LimitNOFILE" => unit.limit_nofile = limit(value.trim()),
            "PrivateTmp" => unit.private_tmp = truth(value.trim()),
            _ => {}
        }
    }
}

/// A number, `SOFT:HARD` or `infinity`; 0 where the value is taken back.
fn limit(text: &str) -> Option<u64> {
    let hard = text.rsplit_once(':').map_or(text, |(_, hard)| hard).trim();
    match hard {
        "" => Some(0),
        "infinity" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

fn truth(text: &str) -> Option<bool> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_one_of(&["yes", "true", "on", "1", "y", "t", "disconnected"]) {
        Some(true)
    } else {
        is_one_of(&["no", "false", "off", "0", "n", "f", ""]).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_last_in_the_service_counts() {
        let table = [
            ("[Service]\nLimitNOFILE=1024\nLimitNOFILE = 2048:4096\n", Some(4096), Some(false)),
            ("[Unit]\nLimitNOFILE=1\n[Service]\nPrivateTmp=true", Some(0), Some(true)),
            ("[Service]\nLimitNOFILE=infinity\nPrivateTmp=yes\nPrivateTmp=", Some(u64::MAX), Some(false)),
            ("[Service]\n#LimitNOFILE=1\nLimitNOFILE=many\nPrivateTmp=perhaps", None, None),
            ("[Service]\nLimitNOFILE=5\nLimitNOFILE=\n", Some(0), Some(false)),
        ];
        for (text, limit_nofile, private_tmp) in table {
            let mut unit = Unit { limit_nofile: Some(0), private_tmp: Some(false), ..Unit::default() };
            add(&mut unit, text);
            assert_eq!((unit.limit_nofile, unit.private_tmp), (limit_nofile, private_tmp), "{text}");
        }
    }
}
