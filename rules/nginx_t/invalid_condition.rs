//! An if whose condition nginx cannot read.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-condition",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#if"],
    equivalents: &[],
    page: include_str!("invalid_condition.md"),
    check: Check::Directives(&["if"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    // A placeholder may bring blanks, and with them more words.
    let words: Vec<&str> = directive.arguments().collect();
    if directive.taken_as().is_none() || (0..words.len()).any(|index| directive.is_template(index)) {
        return;
    }
    let Err(wrong) = read(&words) else { return };
    let nginx = match wrong.what {
        What::Operator => format!("unexpected \"{}\" in condition", wrong.word),
        What::Condition => format!("invalid condition \"{}\"", wrong.word),
    };
    findings
        .add(directive.place_of_argument(wrong.argument), message(&words, wrong))
        .nginx_says(nginx)
        .nginx_names(directive.terminator())
        .help(help(&words));
}

/// The word at which nginx gives up.
#[derive(Clone, Copy)]
struct Wrong<'a> {
    what: What,
    /// Without the parenthesis.
    word: &'a str,
    argument: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Operator,
    Condition,
}

const COMPARISONS: [&str; 6] = ["=", "!=", "~", "~*", "!~", "!~*"];
const FILE_TESTS: [&str; 8] = ["-f", "-d", "-e", "-x", "!-f", "!-d", "!-e", "!-x"];

/// Reads a condition word by word, as `ngx_http_rewrite_if_condition` does.
fn read<'a>(words: &[&'a str]) -> Result<(), Wrong<'a>> {
    let invalid = |word, argument| Err(Wrong { what: What::Condition, word, argument });
    let mut words: Vec<(usize, &str)> = words.iter().copied().enumerate().collect();
    match words.first_mut() {
        Some((_, first)) if first.starts_with('(') => *first = &first[1..],
        Some((_, first)) => return invalid(first, 0),
        None => return Ok(()),
    }
    let first = usize::from(words[0].1.is_empty());
    let end = words.len() - 1;
    let (_, last) = &mut words[end];
    // A "(" that stands alone is looked at as it is written.
    let Some(inner) = last.strip_suffix(')') else {
        let word = if end == 0 && last.is_empty() { "(" } else { last };
        return invalid(word, end);
    };
    *last = inner;
    // A ")" that stands alone is no word of the condition, but is looked at where there is none.
    let mut condition: Vec<(usize, &str)> = words[first..].to_vec();
    if condition.last().is_some_and(|(_, word)| word.is_empty()) && condition.pop().is_some() && condition.is_empty() {
        return invalid(")", end);
    }
    let (argument, word) = condition[0];
    if word.len() > 1 && word.starts_with('$') {
        return match condition[1..] {
            [] => Ok(()),
            [(_, operator), _] if COMPARISONS.contains(&operator) => Ok(()),
            [(argument, word), _] => Err(Wrong { what: What::Operator, word, argument }),
            _ => invalid(word, argument),
        };
    }
    if condition.len() == 2 && FILE_TESTS.contains(&word) { Ok(()) } else { invalid(word, argument) }
}

fn message(words: &[&str], wrong: Wrong<'_>) -> String {
    let (first, last) = (words[0], words[words.len() - 1]);
    if !first.starts_with('(') || !last.ends_with(')') {
        return "the condition is not one pair of parentheses".to_owned();
    }
    match wrong.what {
        What::Operator => format!("\"{}\" is no operator that an if knows", wrong.word),
        What::Condition if words.iter().any(|word| is_logic(word)) => {
            "the condition has more than one comparison".to_owned()
        }
        What::Condition => format!("the if cannot read its condition at \"{}\"", wrong.word),
    }
}

/// Other languages put conditions together with these.
fn is_logic(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "&&" | "||" | "and" | "or" | "&" | "|")
}

fn help(words: &[&str]) -> &'static str {
    let has = |text: &str| words.iter().any(|word| word.trim_matches(['(', ')']) == text);
    let begins = |text: &str| words.iter().any(|word| word.trim_start_matches('(').starts_with(text));
    if !words[0].starts_with('(') {
        return "put the condition into parentheses: if ($variable = value)";
    }
    if !words[words.len() - 1].ends_with(')') {
        return "close the condition with \")\" in front of the \"{\", and put quotes around what has blanks or braces";
    }
    if words.iter().any(|word| is_logic(word)) {
        return "an if has one comparison: combine values with a map, and ask for its variable";
    }
    if has("==") || has("===") || has("eq") {
        return "write = to compare";
    }
    if has("!==") || has("<>") || has("ne") {
        return "write != to compare";
    }
    if has("=~") || has("~=") {
        return "write ~ for a regular expression, or ~* for one in any case";
    }
    if has("-n") || has("-z") {
        return "for a value that is not empty write if ($variable), for one that is write if ($variable = \"\")";
    }
    if begins("!$") {
        return "write if ($variable = \"\") or if ($variable = 0); \"!\" goes only in front of =, ~ and -f";
    }
    "write ($variable), ($variable = value) with =, !=, ~, ~*, !~ or !~* and blanks around it, or (-f file) with -f, -d, \
     -e, -x or ! in front of them"
}

#[cfg(test)]
mod tests {
    use super::{What, read};

    #[test]
    fn conditions_are_read_as_nginx_reads_them() {
        use What::{Condition, Operator};
        type Row = (&'static [&'static str], Option<(What, &'static str)>);
        let table: [Row; 24] = [
            (&["($a)"], None),
            (&["(", "$a", ")"], None),
            (&["($a", "=", "b)"], None),
            (&["(", "$a", "=", "", ")"], None),
            (&["(", "$a", "!~*", "b", ")"], None),
            (&["(!-x", "b)"], None),
            (&["(-f", "b", ")"], None),
            (&["$a"], Some((Condition, "$a"))),
            (&["($a"], Some((Condition, "$a"))),
            (&["("], Some((Condition, "("))),
            (&["()"], Some((Condition, ")"))),
            (&["(", ")"], Some((Condition, ")"))),
            (&["($a", "=", ")"], Some((Condition, "$a"))),
            (&["($a", "=", "b"], Some((Condition, "b"))),
            (&["($a", "=", "b", "c)"], Some((Condition, "$a"))),
            (&["($a", "==", "b)"], Some((Operator, "=="))),
            (&["($a=b)"], None),
            (&["($a", "=b)"], Some((Condition, "$a"))),
            (&["(!$a)"], Some((Condition, "!$a"))),
            (&["(a)"], Some((Condition, "a"))),
            (&["($)"], Some((Condition, "$"))),
            (&["(-z", "b)"], Some((Condition, "-z"))),
            (&["(-f)"], Some((Condition, "-f"))),
            (&["", "$a", ")"], Some((Condition, ""))),
        ];
        for (words, expected) in table {
            let found = read(words).err().map(|wrong| (wrong.what, wrong.word));
            assert!(found == expected, "{words:?}: {:?}", found.map(|(_, word)| word));
        }
    }
}
