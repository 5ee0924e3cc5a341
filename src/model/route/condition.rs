//! What stands between the parentheses of an `if`.

/// A condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition<'m> {
    /// A variable alone: true unless empty or `0`.
    Variable(&'m str),
    /// A variable and a text.
    Equals {
        /// Without `$`.
        variable: &'m str,
        /// What it is compared with; may have variables itself.
        text: &'m str,
        /// `!=`
        negated: bool,
    },
    /// A variable and a regular expression.
    Matches {
        /// Without `$`.
        variable: &'m str,
        /// The pattern.
        pattern: &'m str,
        /// `~*`
        caseless: bool,
        /// `!~`
        negated: bool,
    },
    /// `-f`, `-d`, `-e`, `-x`, with a path: the file system decides.
    File {
        /// The operator as written.
        operator: &'m str,
        /// May have variables.
        path: &'m str,
    },
}

impl<'m> Condition<'m> {
    /// Reads the arguments of an `if` (`ngx_http_rewrite_if_condition`); none
    /// for what nginx refuses.
    pub fn parse(arguments: impl Iterator<Item = &'m str>) -> Option<Condition<'m>> {
        let mut words: Vec<&'m str> = arguments.collect();
        let first = words.first_mut()?;
        *first = first.strip_prefix('(')?;
        if first.is_empty() {
            words.remove(0);
        }
        let last = words.last_mut()?;
        *last = last.strip_suffix(')')?;
        // An empty text in quotes is a word; a parenthesis alone is none.
        if last.is_empty() {
            words.pop();
        }
        match words.as_slice() {
            [variable] => Some(Condition::Variable(variable.strip_prefix('$')?)),
            [operator, path] if operator.trim_start_matches('!').starts_with('-') => {
                Some(Condition::File { operator, path })
            }
            [variable, operator, operand] => {
                let variable = variable.strip_prefix('$')?;
                let (negated, plain) = match operator.strip_prefix('!') {
                    Some(plain) => (true, plain),
                    None => (false, *operator),
                };
                match plain {
                    "=" => Some(Condition::Equals { variable, text: operand, negated }),
                    "~" | "~*" => {
                        Some(Condition::Matches { variable, pattern: operand, caseless: plain == "~*", negated })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Condition::{self, Equals, File, Matches, Variable};

    #[test]
    fn conditions_are_read_as_nginx_reads_them() {
        let table: [(&[&str], Option<Condition<'_>>); 10] = [
            (&["($a)"], Some(Variable("a"))),
            (&["(", "$a", ")"], Some(Variable("a"))),
            (&["($a", "=", "b)"], Some(Equals { variable: "a", text: "b", negated: false })),
            (&["($a", "!=", "b", ")"], Some(Equals { variable: "a", text: "b", negated: true })),
            (&["($a", "=", "", ")"], Some(Equals { variable: "a", text: "", negated: false })),
            (
                &["($a", "~", "^(b|c))"],
                Some(Matches { variable: "a", pattern: "^(b|c)", caseless: false, negated: false }),
            ),
            (&["($a", "!~*", "b)"], Some(Matches { variable: "a", pattern: "b", caseless: true, negated: true })),
            (&["(!-f", "$b)"], Some(File { operator: "!-f", path: "$b" })),
            (&["(a)"], None),
            (&["$a"], None),
        ];
        for (words, expected) in table {
            assert_eq!(Condition::parse(words.iter().copied()), expected, "{words:?}");
        }
    }
}
