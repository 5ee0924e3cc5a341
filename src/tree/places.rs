//! Where the path of an `include` is looked up.
//!
//! On a server that is the path itself. In a checkout the same words mean
//! files inside the checkout: `/etc/nginx/conf.d/*.conf` is `conf.d/*.conf`
//! beside `nginx.conf`.

use std::path::{Component, Path, PathBuf};

/// Directories that hold `nginx.conf` on one system or another; in a checkout
/// they stand for the directory of its entry file.
const INSTALLED: [&str; 10] = [
    "/etc/nginx",
    "/etc/angie",
    "/etc/openresty",
    "/etc/tengine",
    "/usr/local/nginx/conf",
    "/usr/local/etc/nginx",
    "/usr/local/openresty/nginx/conf",
    "/usr/share/nginx",
    "/opt/nginx/conf",
    "/opt/homebrew/etc/nginx",
];

/// Below these an entry file is the one in use, and paths are what they say.
const LIVE: [&str; 6] =
    ["/etc", "/usr/local/etc", "/usr/local/nginx", "/usr/local/openresty", "/opt/nginx", "/opt/homebrew/etc"];

/// A file that nginx packages bring along; a checkout need not hold it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packaged {
    /// Its path below the directory of the main file.
    pub name: &'static str,
    /// The directives in it.
    pub directives: &'static [&'static str],
}

const fn packaged(name: &'static str, directives: &'static [&'static str]) -> Packaged {
    Packaged { name, directives }
}

/// What the packages of nginx.org and of Debian install beside `nginx.conf`.
pub const PACKAGED: [Packaged; 11] = [
    packaged("mime.types", &["types"]),
    packaged("fastcgi_params", &["fastcgi_param"]),
    packaged("fastcgi.conf", &["fastcgi_param"]),
    packaged("scgi_params", &["scgi_param"]),
    packaged("uwsgi_params", &["uwsgi_param"]),
    packaged("proxy_params", &["proxy_set_header"]),
    packaged("koi-utf", &["charset_map"]),
    packaged("koi-win", &["charset_map"]),
    packaged("win-utf", &["charset_map"]),
    packaged(
        "snippets/fastcgi-php.conf",
        &["fastcgi_split_path_info", "try_files", "set", "fastcgi_param", "fastcgi_index"],
    ),
    packaged("snippets/snakeoil.conf", &["ssl_certificate", "ssl_certificate_key"]),
];

/// Where a path leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Look here; when nothing is there, nginx will not find it either.
    Here(PathBuf),
    /// Look here; when nothing is there, it may still be there when deployed.
    Perhaps(PathBuf),
    /// Look here; when nothing is there, the package brings it: this entry of
    /// [`PACKAGED`].
    Packaged(PathBuf, usize),
    /// Outside of what was given.
    Outside,
}

/// The rules by which paths are looked up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// The directory of the main file, which relative paths begin at.
    prefix: PathBuf,
    /// `prefix`, from the root on.
    absolute_prefix: PathBuf,
    /// Absolute paths are what they say.
    live: bool,
    /// Absolute paths below the first are looked up below the second.
    maps: Vec<(PathBuf, PathBuf)>,
    /// What the maps do not lead to inside the tree is missing, not unknown.
    complete: bool,
    /// The real main file is unknown: so is what relative paths begin at.
    fragment: bool,
}

impl Places {
    /// For the entry file of a server's own configuration, or of a checkout,
    /// which its path tells; `absolute` is the entry's path from the root on.
    pub fn of_entry(entry: &Path, absolute: &Path) -> Places {
        let prefix = entry.parent().map(Path::to_path_buf).unwrap_or_default();
        let absolute_prefix = absolute.parent().map(Path::to_path_buf).unwrap_or_default();
        let live = LIVE.iter().any(|directory| absolute_prefix.starts_with(directory));
        let maps = if live { Vec::new() } else { guessed_maps(&prefix, &absolute_prefix) };
        Places { prefix, absolute_prefix, live, maps, complete: false, fragment: false }
    }

    /// For a dump of `nginx -T`: every path is what it says, and what is not
    /// in the dump is not known.
    pub fn of_dump(entry: &Path) -> Places {
        let prefix = entry.parent().map(Path::to_path_buf).unwrap_or_default();
        let maps = vec![(PathBuf::from("/"), PathBuf::from("/"))];
        Places { absolute_prefix: PathBuf::new(), prefix, live: false, maps, complete: false, fragment: true }
    }

    /// For a file whose main file is unknown.
    pub fn of_fragment(file: &Path, absolute: &Path) -> Places {
        Places { fragment: true, ..Places::of_entry(file, absolute) }
    }

    /// Whether the real main file is unknown.
    pub fn is_of_fragment(&self) -> bool {
        self.fragment
    }

    /// Absolute paths are looked up below `root`, as in the image of a
    /// container; `/` means this machine. What is not there is missing.
    pub fn with_root(self, root: &Path) -> Places {
        let maps = vec![(PathBuf::from("/"), root.to_path_buf())];
        Places { maps, complete: true, live: root == Path::new("/"), ..self }
    }

    /// Paths below `from` are looked up below `to`.
    pub fn with_map(mut self, from: &Path, to: &Path) -> Places {
        self.maps.retain(|(known, _)| known != from);
        self.maps.push((from.to_path_buf(), to.to_path_buf()));
        self.maps.sort_by_key(|(from, _)| std::cmp::Reverse(from.components().count()));
        self
    }

    /// Whether absolute paths are what they say on this machine.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether all that a server has is there to be looked up.
    pub fn is_exact(&self) -> bool {
        self.live || self.complete
    }

    /// Where to look for the argument of an `include`.
    pub fn place(&self, argument: &str) -> Place {
        let path = Path::new(argument);
        if !path.has_root() {
            return self.relative(path, argument);
        }
        if self.live {
            return Place::Here(path.to_path_buf());
        }
        if !self.absolute_prefix.as_os_str().is_empty()
            && let Ok(rest) = path.strip_prefix(&self.absolute_prefix)
        {
            return self.relative(rest, argument);
        }
        let Some((from, to)) = self.maps.iter().find(|(from, _)| path.starts_with(from)) else {
            return Place::Outside;
        };
        let rest = path.strip_prefix(from).unwrap_or(path);
        let here = to.join(rest);
        let inside = INSTALLED.iter().any(|directory| path.starts_with(directory));
        match packaged_index(argument) {
            _ if self.complete => Place::Here(here),
            Some(index) => Place::Packaged(here, index),
            None if inside && !self.fragment => Place::Here(here),
            None => Place::Perhaps(here),
        }
    }

    fn relative(&self, path: &Path, argument: &str) -> Place {
        let here = self.prefix.join(path.strip_prefix(".").unwrap_or(path));
        match packaged_index(argument) {
            _ if self.live || self.complete => Place::Here(here),
            Some(index) => Place::Packaged(here, index),
            None if self.fragment => Place::Perhaps(here),
            None => Place::Here(here),
        }
    }

    /// For a fragment, the directories that may be what its relative paths
    /// begin at: its own, and those above it.
    pub fn guesses<'a>(&'a self, argument: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        let relative = Path::new(argument);
        let usable = self.fragment && !relative.has_root();
        let above = self.absolute_prefix.ancestors().count().min(4);
        (1..above).filter(move |_| usable).map(move |up| {
            let mut path = self.prefix.clone();
            path.extend(std::iter::repeat_n(Component::ParentDir, up));
            path.join(relative)
        })
    }
}

fn packaged_index(path: &str) -> Option<usize> {
    PACKAGED
        .iter()
        .position(|file| path.strip_suffix(file.name).is_some_and(|head| head.is_empty() || head.ends_with('/')))
}

/// A checkout that ends in `etc/nginx` mirrors a whole file system; in any
/// other the entry's directory is what is installed as `/etc/nginx`.
fn guessed_maps(prefix: &Path, absolute_prefix: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mirrored = INSTALLED.iter().find_map(|installed| {
        let inside = Path::new(installed).strip_prefix("/").ok()?;
        let depth = inside.components().count();
        absolute_prefix.ends_with(inside).then(|| above(prefix, absolute_prefix, depth))
    });
    match mirrored {
        Some(root) => vec![(PathBuf::from("/"), root)],
        None => INSTALLED.iter().map(|installed| (PathBuf::from(installed), prefix.to_path_buf())).collect(),
    }
}

/// The directory `depth` levels above, in the words of the user where they
/// reach that far.
fn above(prefix: &Path, absolute_prefix: &Path, depth: usize) -> PathBuf {
    let named = prefix.components().filter(|component| matches!(component, Component::Normal(_))).count();
    let from = if named >= depth { prefix } else { absolute_prefix };
    from.ancestors().nth(depth).map(Path::to_path_buf).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_looked_up_where_they_will_be_installed() {
        let here = |path: &str| Place::Here(PathBuf::from(path));
        let perhaps = |path: &str| Place::Perhaps(PathBuf::from(path));
        let packaged = |path: &str| Place::Packaged(PathBuf::from(path), 0);
        let checkout = Places::of_entry(Path::new("web/nginx.conf"), Path::new("/home/u/repo/web/nginx.conf"));
        let mirror = Places::of_entry(Path::new("r/etc/nginx/nginx.conf"), Path::new("/home/u/r/etc/nginx/nginx.conf"));
        let live = Places::of_entry(Path::new("/etc/nginx/nginx.conf"), Path::new("/etc/nginx/nginx.conf"));
        let image = checkout.clone().with_root(Path::new("image"));
        let mapped = checkout.clone().with_map(Path::new("/srv/shared"), Path::new("shared"));
        let table = [
            (&checkout, "conf.d/*.conf", here("web/conf.d/*.conf")),
            (&checkout, "./a.conf", here("web/a.conf")),
            (&checkout, "/etc/nginx/a.conf", here("web/a.conf")),
            (&checkout, "/home/u/repo/web/a.conf", here("web/a.conf")),
            (&checkout, "mime.types", packaged("web/mime.types")),
            (&checkout, "/etc/nginx/mime.types", packaged("web/mime.types")),
            (&checkout, "/etc/letsencrypt/options.conf", Place::Outside),
            (&mirror, "/etc/nginx/a.conf", here("r/etc/nginx/a.conf")),
            (&mirror, "/etc/letsencrypt/options.conf", perhaps("r/etc/letsencrypt/options.conf")),
            (&live, "mime.types", here("/etc/nginx/mime.types")),
            (&live, "/etc/letsencrypt/options.conf", here("/etc/letsencrypt/options.conf")),
            (&image, "/etc/letsencrypt/options.conf", here("image/etc/letsencrypt/options.conf")),
            (&mapped, "/srv/shared/a.conf", perhaps("shared/a.conf")),
        ];
        for (places, argument, expected) in table {
            assert_eq!(places.place(argument), expected, "{argument}");
        }
    }
}
