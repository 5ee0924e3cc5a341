//! Breaks configurations as people do: a missing `;`, a misspelt word, a value
//! of another directive, a line in the wrong block.
//!
//! Everything comes from a [`Random`], so that a seed says all.

use std::collections::BTreeMap;
use std::ops::Range;

use nginx_lint::catalog::{self, Context, Directive, Origin, ValueKind};
use nginx_lint::source::SourceFile;
use nginx_lint::syntax::{Ending, NO_STATEMENT, ParsedFile, Quote, StatementId, Word};

/// Numbers that look random and depend on nothing but the seed (SplitMix64).
pub struct Random(u64);

impl Random {
    /// The numbers of a seed and of an index beside it.
    pub fn new(seed: u64, index: u64) -> Random {
        let mut random = Random(seed);
        let first = random.next();
        Random(first ^ index.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below a limit; 0 when the limit is.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.next() % limit as u64) as usize }
    }

    /// True so many times out of a hundred.
    pub fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }
}

/// Words and statements of other configurations, to be put in wrong places.
#[derive(Default)]
pub struct Pool {
    names: Vec<String>,
    arguments: Vec<String>,
    statements: Vec<String>,
}

impl Pool {
    /// Takes in what a configuration says.
    pub fn add(&mut self, text: &str) {
        let subject = Subject::new(text);
        for id in subject.ids() {
            let words = subject.file.words(id);
            self.names.push(subject.slice(words[0]).to_owned());
            self.arguments.extend(words[1..].iter().map(|word| subject.slice(*word).to_owned()));
            let whole = &text[subject.whole(id)];
            if whole.len() < 200 && !whole.contains('#') {
                self.statements.push(whole.to_owned());
            }
        }
    }
}

/// A configuration with something broken.
pub struct Mutant {
    /// What was done.
    pub mutation: &'static str,
    /// What became of the text.
    pub text: String,
}

/// Breaks something; none if the first try fits nothing in this text.
pub fn mutate(text: &str, pool: &Pool, random: &mut Random) -> Option<Mutant> {
    let total: usize = MUTATIONS.iter().map(|(_, weight, _)| weight).sum();
    let mut at = random.below(total);
    let chosen = MUTATIONS.iter().find(|(_, weight, _)| {
        let found = at < *weight;
        at = at.wrapping_sub(*weight);
        found
    });
    let (mutation, _, apply) = chosen?;
    let subject = Subject::new(text);
    let edits = apply(&subject, pool, random)?;
    let text = subject.edited(edits)?;
    (text != subject.text).then_some(Mutant { mutation, text })
}

/// Makes a text smaller for as long as it shows what it is there to show;
/// `shows` is asked not more than `patience` times.
pub fn reduce(text: &str, mut patience: usize, mut shows: impl FnMut(&str) -> bool) -> String {
    let mut text = text.to_owned();
    let mut smaller = true;
    while smaller && patience > 0 {
        smaller = false;
        let mut id: StatementId = 0;
        while let Some(shorter) = shorter(&text, id, &mut patience, &mut shows) {
            match shorter {
                Some(shorter) => {
                    text = shorter;
                    smaller = true;
                }
                None => id += 1,
            }
        }
    }
    tidied(&text, shows)
}

/// The text without a statement, and without as many of those behind it in its
/// block as possible; none inside when that statement is needed, none when
/// there is no such statement or no patience.
fn shorter(
    text: &str,
    id: StatementId,
    patience: &mut usize,
    shows: &mut impl FnMut(&str) -> bool,
) -> Option<Option<String>> {
    let subject = Subject::new(text);
    let parent = subject.file.syntax.statements.get(id as usize)?.parent;
    let mut run: Vec<StatementId> = subject.ids().skip(id as usize).collect();
    run.retain(|other| subject.file.statement(*other).parent == parent);
    while !run.is_empty() {
        *patience = patience.checked_sub(1)?;
        let edits = run.iter().map(|id| (subject.with_line(*id), String::new())).collect();
        if let Some(text) = subject.edited(edits).filter(|text| shows(text)) {
            return Some(Some(text));
        }
        run.truncate(run.len() / 2);
    }
    Some(None)
}

/// Without comments and empty lines, as far as that changes nothing.
fn tidied(text: &str, mut shows: impl FnMut(&str) -> bool) -> String {
    let without = |unwanted: &dyn Fn(&str) -> bool| -> String {
        text.split_inclusive('\n').filter(|line| !unwanted(line.trim())).collect()
    };
    let tidy = without(&|line| line.is_empty() || line.starts_with('#'));
    if shows(&tidy) { tidy } else { text.to_owned() }
}

type Edit = (Range<usize>, String);
type Mutation = fn(&Subject<'_>, &Pool, &mut Random) -> Option<Vec<Edit>>;

const MUTATIONS: [(&str, usize, Mutation); 32] = [
    ("drop the end of a head", 4, drop_end_of_head),
    ("drop a closing brace", 1, drop_closing_brace),
    ("drop a quote", 2, drop_quote),
    ("add a token", 4, add_token),
    ("glue two words", 2, glue_words),
    ("misspell a name", 4, misspell_name),
    ("misspell an argument", 8, misspell_argument),
    ("rename a directive", 5, rename_directive),
    ("drop an argument", 4, drop_argument),
    ("add an argument", 4, add_argument),
    ("swap arguments", 2, swap_arguments),
    ("an odd value", 12, odd_value),
    ("an odd value of a parameter", 5, odd_parameter),
    ("change a number", 8, change_number),
    ("change a unit", 4, change_unit),
    ("borrow a value", 8, borrow_value),
    ("cut a variable", 5, cut_variable),
    ("cut a pattern", 3, cut_pattern),
    ("quote or unquote", 2, change_quotes),
    ("escape", 1, escape),
    ("repeat a statement", 4, repeat_statement),
    ("repeat a statement, changed", 4, repeat_changed),
    ("delete a statement", 4, delete_statement),
    ("swap statements", 2, swap_statements),
    ("move a statement", 5, move_statement),
    ("add a statement of another configuration", 6, add_foreign_statement),
    ("add a directive of the catalog", 12, add_catalog_directive),
    ("a block for a semicolon", 1, block_for_semicolon),
    ("a semicolon for a block", 1, semicolon_for_block),
    ("delete a line", 2, delete_line),
    ("repeat a line", 1, repeat_line),
    ("swap lines", 1, swap_lines),
];

/// Values that are right in one place and wrong in another.
const ODD_VALUES: [&str; 62] = [
    "\"\"",
    "0",
    "1",
    "-1",
    "+1",
    "00",
    "1.5",
    "10k",
    "10K",
    "1m",
    "1g",
    "10ms",
    "10s",
    "1h30m",
    "30m1h",
    "1y",
    "1M",
    "1d",
    "10x",
    "0x10",
    "65536",
    "999",
    "1000",
    "99999999999999999999",
    "9223372036854775807",
    "on",
    "off",
    "ON",
    "yes",
    "true",
    "none",
    "all",
    "any",
    "auto",
    "default",
    "*",
    "~",
    "~^(",
    "=",
    "!",
    "/",
    "/x/",
    "x",
    "a.b",
    "$host",
    "${host}",
    "$",
    "$1",
    "$nosuch",
    "x$uri",
    "\"a b\"",
    "@named",
    "unix:",
    "unix:/run/x.sock",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:18099",
    "127.0.0.1:0",
    "[::1]:18099",
    "10.0.0.0/8",
    "http://127.0.0.1",
    "https://127.0.0.1:8443/x",
];

const TOKENS: [&str; 13] = [";", "{", "}", "\"", "'", "#", "\\", "$", "{}", ";;", ",", "=", "\u{a0}"];

const UNITS: [&str; 13] = ["", "k", "K", "m", "M", "g", "s", "ms", "h", "d", "y", "w", "kb"];

/// A text and its statements.
struct Subject<'t> {
    text: &'t str,
    file: ParsedFile,
    /// How many statements stand in each block.
    siblings: BTreeMap<StatementId, usize>,
}

impl<'t> Subject<'t> {
    fn new(text: &'t str) -> Subject<'t> {
        let file = ParsedFile::new(SourceFile::new("t.conf", text.as_bytes().to_vec()));
        let mut siblings = BTreeMap::new();
        for statement in &file.syntax.statements {
            *siblings.entry(statement.parent).or_default() += 1;
        }
        Subject { text, file, siblings }
    }

    fn ids(&self) -> Range<StatementId> {
        0..self.file.syntax.statements.len() as StatementId
    }

    fn slice(&self, word: Word) -> &'t str {
        &self.text[word.span.range()]
    }

    fn whole(&self, id: StatementId) -> Range<usize> {
        self.file.whole_span(id).range()
    }

    /// A statement, and the whole line when nothing else is on it.
    fn with_line(&self, id: StatementId) -> Range<usize> {
        let whole = self.whole(id);
        let line = self.text[..whole.start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &self.text[whole.end..];
        let next = whole.end + rest.find('\n').map_or(rest.len(), |at| at + 1);
        let alone = self.text[line..whole.start].trim().is_empty() && self.text[whole.end..next].trim().is_empty();
        if alone { line..next } else { whole }
    }

    /// A statement that fulfils a condition; those of long lists, such as MIME
    /// types, are chosen as seldom as those of short ones.
    fn statement(&self, random: &mut Random, wanted: impl Fn(StatementId) -> bool) -> Option<StatementId> {
        let count = self.file.syntax.statements.len();
        for _ in 0..200 {
            let id = random.below(count) as StatementId;
            let statement = self.file.syntax.statements.get(id as usize)?;
            let siblings = self.siblings.get(&statement.parent).copied().unwrap_or(1);
            if random.below(siblings) < 25 && wanted(id) {
                return Some(id);
            }
        }
        None
    }

    /// An argument that fulfils a condition.
    fn argument(&self, random: &mut Random, wanted: impl Fn(&str) -> bool) -> Option<Word> {
        let fits = |id: StatementId| self.file.words(id)[1..].iter().any(|word| wanted(self.slice(*word)));
        let id = self.statement(random, fits)?;
        let words = &self.file.words(id)[1..];
        let fitting: Vec<Word> = words.iter().copied().filter(|word| wanted(self.slice(*word))).collect();
        random.pick(&fitting).copied()
    }

    /// What stands in a block; none where that is data.
    fn inside(&self, block: StatementId) -> Option<Context> {
        let outer = match self.file.statement(block).parent {
            NO_STATEMENT => Context::Main,
            parent => self.inside(parent)?,
        };
        catalog::find_in(self.file.name(block), outer)?.opens(outer)
    }

    /// The place behind the `{` of a block, or in front of its `}`, or one of
    /// the ends of the file.
    fn place_in_block(&self, random: &mut Random) -> usize {
        let at_start = random.percent(50);
        let block = if random.percent(10) { None } else { self.statement(random, |id| self.is_block(id)) };
        match block {
            Some(id) if at_start => self.file.statement(id).terminator as usize + 1,
            Some(id) => self.file.statement(id).end as usize - 1,
            None if at_start => 0,
            None => self.text.len(),
        }
    }

    fn is_block(&self, id: StatementId) -> bool {
        self.file.statement(id).ending == Ending::Block && self.text[self.whole(id)].ends_with('}')
    }

    fn is_simple(&self, id: StatementId) -> bool {
        self.file.statement(id).ending == Ending::Semicolon
    }

    /// The text with some ranges replaced; none if they overlap.
    fn edited(&self, mut edits: Vec<Edit>) -> Option<String> {
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut result = String::with_capacity(self.text.len() + 64);
        let mut done = 0;
        for (range, replacement) in edits {
            result.push_str(self.text.get(done..range.start)?);
            result.push_str(&replacement);
            done = range.end;
        }
        result.push_str(self.text.get(done..)?);
        Some(result)
    }
}

fn one(range: Range<usize>, replacement: impl Into<String>) -> Option<Vec<Edit>> {
    Some(vec![(range, replacement.into())])
}

fn insertion(at: usize, text: impl Into<String>) -> Option<Vec<Edit>> {
    one(at..at, text)
}

fn drop_end_of_head(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let at = subject.file.statement(subject.statement(random, |_| true)?).terminator as usize;
    one(at..at + 1, "")
}

fn drop_closing_brace(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let end = subject.file.statement(subject.statement(random, |id| subject.is_block(id))?).end as usize;
    one(end - 1..end, "")
}

fn drop_quote(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let quoted = subject.argument(random, |word| word.starts_with(['"', '\'']))?.span.range();
    let at = if random.percent(50) { quoted.start } else { quoted.end - 1 };
    one(at..at + 1, "")
}

fn add_token(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let id = subject.statement(random, |_| true)?;
    let word = random.pick(subject.file.words(id))?.span.range();
    let inside = word.start + random.below(word.len() + 1);
    let places = [word.start, word.end, inside, subject.whole(id).end];
    let at = *random.pick(&places)?;
    if !subject.text.is_char_boundary(at) {
        return None;
    }
    let token = random.pick(&TOKENS)?;
    let padded = if random.percent(40) { format!(" {token} ") } else { (*token).to_owned() };
    insertion(at, padded)
}

fn glue_words(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let id = subject.statement(random, |id| subject.file.words(id).len() > 1)?;
    let words = subject.file.words(id);
    let first = random.below(words.len() - 1);
    one(words[first].span.range().end..words[first + 1].span.range().start, "")
}

fn misspell_name(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let name = subject.file.words(subject.statement(random, |_| true)?)[0];
    one(name.span.range(), misspelt(subject.slice(name), random)?)
}

fn misspell_argument(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, |word| word.len() > 1)?;
    one(word.span.range(), misspelt(subject.slice(word), random)?)
}

/// A letter lost, doubled, swapped, in the other case, or another one.
fn misspelt(word: &str, random: &mut Random) -> Option<String> {
    if !word.is_ascii() || word.is_empty() {
        return None;
    }
    let mut bytes = word.as_bytes().to_vec();
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => drop(bytes.remove(at)),
        1 => bytes.insert(at, bytes[at]),
        2 if at > 0 => bytes.swap(at - 1, at),
        3 => bytes[at] = random.pick(b"abcdefghijklmnopqrstuvwxyz0123456789_-./:=").copied()?,
        4 if bytes[at].is_ascii_alphabetic() => bytes[at] ^= 0x20,
        5 => bytes.push(b's'),
        6 => bytes = word.to_ascii_uppercase().into_bytes(),
        _ => return Some(if word.contains('_') { word.replace('_', "-") } else { word.replace('-', "_") }),
    }
    String::from_utf8(bytes).ok()
}

fn rename_directive(subject: &Subject<'_>, pool: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let name = subject.file.words(subject.statement(random, |_| true)?)[0];
    let known = || catalog::name_count();
    let other = match random.below(3) {
        0 => catalog::name_of(random.below(known()) as u16).to_owned(),
        _ => random.pick(&pool.names)?.clone(),
    };
    one(name.span.range(), other)
}

fn drop_argument(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, |_| true)?;
    one(word.span.range(), "")
}

fn add_argument(subject: &Subject<'_>, pool: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let id = subject.statement(random, |_| true)?;
    let words = subject.file.words(id);
    let new = match random.below(3) {
        0 => subject.slice(*random.pick(&words[1..])?).to_owned(),
        1 => random.pick(&pool.arguments)?.clone(),
        _ => (*random.pick(&ODD_VALUES)?).to_owned(),
    };
    insertion(random.pick(words)?.span.range().end, format!(" {new}"))
}

fn swap_arguments(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let id = subject.statement(random, |id| subject.file.words(id).len() > 2)?;
    let words = &subject.file.words(id)[1..];
    let first = random.below(words.len() - 1);
    let (one, other) = (words[first], words[first + 1]);
    Some(vec![(one.span.range(), subject.slice(other).to_owned()), (other.span.range(), subject.slice(one).to_owned())])
}

fn odd_value(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, |_| true)?;
    one(word.span.range(), *random.pick(&ODD_VALUES)?)
}

fn odd_parameter(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let plain = |word: &str| !word.starts_with(['"', '\'', '=', '$']) && word.contains('=');
    let word = subject.argument(random, plain)?;
    let (name, _) = subject.slice(word).split_once('=')?;
    one(word.span.range(), format!("{name}={}", random.pick(&ODD_VALUES)?))
}

/// The runs of digits of a text.
fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn change_number(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, has_digit)?;
    let text = subject.slice(word);
    let run = random.pick(&numbers(text))?.clone();
    let number = &text[run.clone()];
    let value: u64 = number.parse().unwrap_or_default();
    let changed = match random.below(11) {
        0 => "0".to_owned(),
        1 => String::new(),
        2 => format!("-{number}"),
        3 => format!("{number}.5"),
        4 => format!("{number}00"),
        5 => format!("{number}000000"),
        6 => "99999999999999999999".to_owned(),
        7 => (value / 10).to_string(),
        8 => value.saturating_add(1).to_string(),
        9 => value.saturating_sub(1).to_string(),
        _ => format!("0{number}"),
    };
    one(word.span.range(), format!("{}{changed}{}", &text[..run.start], &text[run.end..]))
}

fn change_unit(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, has_digit)?;
    let text = subject.slice(word);
    let run = random.pick(&numbers(text))?.clone();
    let rest = text[run.end..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
    one(word.span.range(), format!("{}{}{rest}", &text[..run.end], random.pick(&UNITS)?))
}

fn borrow_value(subject: &Subject<'_>, pool: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, |_| true)?;
    one(word.span.range(), random.pick(&pool.arguments)?.clone())
}

fn cut_variable(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, |word| word.contains('$'))?;
    let text = subject.slice(word);
    let dollars: Vec<usize> = text.match_indices('$').map(|(at, _)| at).collect();
    let at = *random.pick(&dollars)?;
    let rest = &text[at + 1..];
    let name = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    let (name, behind) = rest.split_at(name);
    let changed = match random.below(10) {
        0 => format!("{name}{behind}"),
        1 => format!("${behind}"),
        2 => format!("${{{name}{behind}"),
        3 => format!("${{{name}}}{behind}"),
        4 => format!("${name}}}{behind}"),
        5 => format!("${{}}{behind}"),
        6 => format!("$nosuch{behind}"),
        7 => format!("$${name}{behind}"),
        8 => format!("$ {name}{behind}"),
        _ => format!("${}{behind}", misspelt(name, random)?),
    };
    one(word.span.range(), format!("{}{changed}", &text[..at]))
}

fn cut_pattern(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, |word| word.contains(['(', '[', '\\', '*', '^', '?']))?;
    let text = subject.slice(word);
    let special: Vec<usize> =
        text.match_indices(['(', ')', '[', ']', '\\', '*', '^', '?', '<', '>']).map(|found| found.0).collect();
    let at = *random.pick(&special)?;
    let changed = match random.below(4) {
        0 | 1 => "",
        2 => &text[at..at + 1].repeat(2),
        _ => random.pick(&["(", ")", "[", "]", "*", "+", "\\", "?", "{2}", "(?<", "|"])?,
    };
    one(word.span.range(), format!("{}{changed}{}", &text[..at], &text[at + 1..]))
}

fn change_quotes(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let id = subject.statement(random, |_| true)?;
    let word = *random.pick(subject.file.words(id))?;
    let text = &subject.text[word.inner().range()];
    one(
        word.span.range(),
        match word.quote {
            Quote::Plain if random.percent(50) => format!("\"{text}\""),
            Quote::Plain => format!("'{text}'"),
            _ => text.to_owned(),
        },
    )
}

fn escape(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let word = subject.argument(random, str::is_ascii)?.span.range();
    insertion(word.start + random.below(word.len() + 1), "\\")
}

fn repeat_statement(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let whole = subject.whole(subject.statement(random, |_| true)?);
    insertion(whole.end, format!("\n{}", &subject.text[whole]))
}

fn repeat_changed(subject: &Subject<'_>, pool: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let id = subject.statement(random, |id| subject.is_simple(id))?;
    let whole = subject.whole(id);
    let text = &subject.text[whole.clone()];
    let again = Subject::new(text);
    let change = random.pick(&[odd_value as Mutation, change_number, misspell_argument, borrow_value])?;
    let changed = again.edited(change(&again, pool, random)?)?;
    let at = if random.percent(50) { whole.start } else { whole.end };
    insertion(at, format!("\n{changed}\n"))
}

fn delete_statement(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    one(subject.with_line(subject.statement(random, |_| true)?), "")
}

fn swap_statements(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let next = |id: StatementId| subject.file.statement(id).next;
    let same_parent = |id: StatementId| {
        let parent = subject.file.statement(id).parent;
        (next(id) as usize) < subject.file.syntax.statements.len() && subject.file.statement(next(id)).parent == parent
    };
    let id = subject.statement(random, same_parent)?;
    let (first, second) = (subject.whole(id), subject.whole(next(id)));
    let texts = (subject.text[first.clone()].to_owned(), subject.text[second.clone()].to_owned());
    Some(vec![(first, texts.1), (second, texts.0)])
}

fn move_statement(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let whole = subject.whole(subject.statement(random, |id| subject.file.statement(id).parent != NO_STATEMENT)?);
    let to = subject.place_in_block(random);
    if whole.contains(&to) {
        return None;
    }
    let text = subject.text[whole.clone()].to_owned();
    Some(vec![(whole, String::new()), (to..to, format!("\n{text}\n"))])
}

fn add_foreign_statement(subject: &Subject<'_>, pool: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let to = subject.place_in_block(random);
    insertion(to, format!("\n{}\n", random.pick(&pool.statements)?))
}

/// Any directive of nginx where it may stand, with values that fit it or not.
fn add_catalog_directive(subject: &Subject<'_>, pool: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let block = subject.statement(random, |id| subject.is_block(id))?;
    let context = subject.inside(block)?;
    let of_nginx = |directive: &&Directive| {
        directive.module.origin == Origin::OpenSource
            && directive.contexts.contains(context)
            && !directive.is_block()
            // Files of this machine, and what only root may.
            && !["include", "load_module", "user"].contains(&directive.name)
    };
    let candidates: Vec<&Directive> = catalog::all().iter().filter(of_nginx).collect();
    let directive = *random.pick(&candidates)?;
    let fits = random.percent(50);
    let counts: Vec<usize> = (0..4).filter(|count| directive.arguments.accept(*count)).collect();
    let count = *random.pick(&counts)?;
    let arguments = match (random.pick(directive.defaults), fitting(directive.value, random)) {
        (Some(default), _) if random.percent(30) => (*default).to_owned(),
        (_, Some(value)) if fits => value,
        _ => {
            let any = |_| {
                if random.percent(60) {
                    random.pick(&ODD_VALUES).copied()
                } else {
                    random.pick(&pool.arguments).map(String::as_str)
                }
            };
            (0..count).filter_map(any).collect::<Vec<_>>().join(" ")
        }
    };
    let at = subject.file.statement(block).terminator as usize + 1;
    insertion(at, format!("\n{} {arguments};", directive.name))
}

/// A value of a kind.
fn fitting(kind: ValueKind, random: &mut Random) -> Option<String> {
    let one_of = |random: &mut Random, values: &[&str]| random.pick(values).map(|value| (*value).to_owned());
    match kind {
        ValueKind::Flag => one_of(random, &["on", "off", "ON"]),
        ValueKind::Number(_) => one_of(random, &["0", "1", "8", "64", "1000"]),
        ValueKind::Size => one_of(random, &["0", "512", "4k", "1m"]),
        ValueKind::Offset => one_of(random, &["0", "1g", "10m"]),
        ValueKind::Milliseconds | ValueKind::Seconds => one_of(random, &["0", "10s", "1h", "500ms", "1M", "1d"]),
        ValueKind::Buffers => one_of(random, &["4 8k", "2 4k", "1 1k", "0 4k"]),
        ValueKind::Enumeration(words) | ValueKind::Bitmask(words) => one_of(random, words.list),
        ValueKind::Nothing => Some(String::new()),
        _ => None,
    }
}

fn block_for_semicolon(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let at = subject.file.statement(subject.statement(random, |id| subject.is_simple(id))?).terminator as usize;
    one(at..at + 1, " {\n}")
}

fn semicolon_for_block(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let statement = subject.file.statement(subject.statement(random, |id| subject.is_block(id))?);
    one(statement.terminator as usize..statement.end as usize, ";")
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let ranges = text.split_inclusive('\n').map(|line| {
        let range = start..start + line.len();
        start = range.end;
        range
    });
    ranges.collect()
}

fn delete_line(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    one(random.pick(&lines(subject.text))?.clone(), "")
}

fn repeat_line(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let line = random.pick(&lines(subject.text))?.clone();
    insertion(line.end, &subject.text[line])
}

fn swap_lines(subject: &Subject<'_>, _: &Pool, random: &mut Random) -> Option<Vec<Edit>> {
    let lines = lines(subject.text);
    let first = random.below(lines.len().checked_sub(1)?);
    let (one, other) = (lines[first].clone(), lines[first + 1].clone());
    let texts = (subject.text[one.clone()].to_owned(), subject.text[other.clone()].to_owned());
    Some(vec![(one, texts.1), (other, texts.0)])
}
