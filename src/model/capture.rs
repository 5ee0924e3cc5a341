//! What the groups of a regular expression can capture that has no place in
//! the first line of a request: ends of lines and blanks.
//!
//! Reads the text of the expression; what is not understood is taken to
//! capture neither.

/// What a group can capture.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Capture {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The end of a line.
    pub line_end: bool,
    /// A blank.
    pub blank: bool,
}

/// The groups of a regular expression, the whole match first.
pub fn captures_of(pattern: &str) -> Vec<Capture> {
    let mut reader = Reader { rest: pattern, groups: vec![Capture::default()], open: Vec::new() };
    while reader.step() {}
    reader.groups
}

struct Reader<'a> {
    rest: &'a str,
    groups: Vec<Capture>,
    /// The groups around, none for one that captures nothing.
    open: Vec<Option<usize>>,
}

impl<'a> Reader<'a> {
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        match first {
            '\\' => {
                let escaped = self.rest[1..].chars().next().unwrap_or_default();
                self.skip(1 + escaped.len_utf8().min(self.rest.len() - 1));
                self.note(holds_line_end(escaped), holds_blank(escaped));
            }
            '[' => self.class(),
            '(' => self.group(),
            ')' => {
                self.open.pop();
                self.skip(1);
            }
            '.' => {
                self.note(false, true);
                self.skip(1);
            }
            ' ' => {
                self.note(false, true);
                self.skip(1);
            }
            '\n' => {
                self.note(true, false);
                self.skip(1);
            }
            other => self.skip(other.len_utf8()),
        }
        true
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn note(&mut self, line_end: bool, blank: bool) {
        let around = self.open.iter().filter_map(|group| *group);
        for index in std::iter::once(0).chain(around) {
            self.groups[index].line_end |= line_end;
            self.groups[index].blank |= blank;
        }
    }

    fn group(&mut self) {
        let inner = &self.rest[1..];
        let name = ["?<", "?P<", "?'"].iter().find_map(|start| {
            let rest = inner.strip_prefix(start).filter(|rest| !rest.starts_with(['=', '!']))?;
            let name = rest.split(['>', '\'']).next()?;
            Some((name, 1 + start.len() + name.len() + 1))
        });
        match name {
            Some((name, length)) => {
                self.capture(Some(name));
                self.skip(length);
            }
            None if inner.starts_with(['?', '*']) => {
                self.open.push(None);
                self.skip(2);
            }
            None => {
                self.capture(None);
                self.skip(1);
            }
        }
    }

    fn capture(&mut self, name: Option<&str>) {
        self.open.push(Some(self.groups.len()));
        self.groups.push(Capture { name: name.map(str::to_owned), ..Capture::default() });
    }

    /// A class, such as `[^/]`: one that leaves something out holds all else.
    fn class(&mut self) {
        let inner = &self.rest[1..];
        let (negated, members) = match inner.strip_prefix('^') {
            Some(members) => (true, members),
            None => (false, inner),
        };
        let mut line_end = false;
        let mut blank = false;
        let mut end = members.len();
        let mut escaped = false;
        for (index, char) in members.char_indices() {
            if std::mem::take(&mut escaped) {
                line_end |= holds_line_end(char);
                blank |= holds_blank(char);
                continue;
            }
            match char {
                '\\' => escaped = true,
                // A bracket right at the beginning is a member.
                ']' if index > 0 && !is_in_named_class(&members[..index]) => {
                    end = index;
                    break;
                }
                '\n' => line_end = true,
                ' ' => blank = true,
                _ => {}
            }
        }
        let named = |names: &[&str]| names.iter().any(|name| members[..end].contains(name));
        line_end |= named(&["[:space:]", "[:cntrl:]", "[:^"]);
        blank |= named(&["[:space:]", "[:blank:]", "[:print:]", "[:^"]);
        // A range from a control character on, such as \x00-\x1f, is not read.
        let reads_codes = members[..end].contains("\\x") || members[..end].contains("\\0");
        match negated {
            true => self.note(!line_end && !reads_codes, !blank && !reads_codes),
            false => self.note(line_end, blank),
        }
        self.skip(self.rest.len() - members.len() + end + 1);
    }
}

/// Whether a bracket behind these members ends a name such as `[:alpha:]`.
fn is_in_named_class(members: &str) -> bool {
    members.ends_with(':') && members.rfind("[:").is_some_and(|start| start + 1 < members.len() - 1)
}

/// Whether `\` and this letter match the end of a line.
fn holds_line_end(letter: char) -> bool {
    matches!(letter, 'n' | 's' | 'W' | 'D' | 'R' | 'v' | 'H')
}

/// Whether `\` and this letter match a blank.
fn holds_blank(letter: char) -> bool {
    matches!(letter, 's' | 'W' | 'D' | 'h' | 'V' | 'N' | ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_tell_whether_they_can_hold_the_end_of_a_line() {
        let table = [
            ("^/a/(.*)$", " b", " b"),
            ("^/a/([^/]*)$", " nb", " nb"),
            ("^/a/([^/\\s]*)$", " ", " "),
            ("^/a/([^/\\n]*)$", " b", " b"),
            ("^/a/([a-z0-9]+)/(.*)$", " b", " | b"),
            ("^/(?<id>\\d+)/(?P<rest>[^?]+)", " nb", "id |rest nb"),
            ("^/(?:x|[^y])(z)", " nb", " "),
            ("^/((a[^b])c)", " nb", " nb| nb"),
            ("/(\\w+)/(\\W)", " nb", " | nb"),
            ("^/([[:alpha:]]+)([^[:space:]]+)", " ", " | "),
            ("^/([]a^]+)", " ", " "),
            ("\\(x\\)(y)", " ", " "),
            ("^/([^\\x00-\\x20]+)", " ", " "),
            ("(?<=a)([\\s\\S]*)", " nb", " nb"),
            ("([", " ", " "),
            ("(", " ", " "),
            ("\\", " ", ""),
        ];
        for (pattern, whole, groups) in table {
            let found = captures_of(pattern);
            let show = |capture: &Capture| {
                let name = capture.name.as_deref().unwrap_or_default();
                format!("{name} {}{}", if capture.line_end { "n" } else { "" }, if capture.blank { "b" } else { "" })
            };
            assert_eq!(show(&found[0]), whole, "{pattern}");
            assert_eq!(found[1..].iter().map(show).collect::<Vec<_>>().join("|"), groups, "{pattern}");
        }
    }
}
