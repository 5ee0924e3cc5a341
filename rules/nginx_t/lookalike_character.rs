//! Characters that look like blanks, quotes or semicolons and are none.

use crate::catalog;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Model;
use crate::source::{FileId, Location, Span};
use crate::syntax::{ParsedFile, Quote, Word};

/// See the page.
pub const RULE: Rule = Rule {
    name: "lookalike-character",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/beginners_guide.html#conf_structure"],
    equivalents: &[],
    page: include_str!("lookalike_character.md"),
    check: Check::Files(check),
};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a character is called, and what was meant.
struct Lookalike {
    character: char,
    name: &'static str,
    meant: &'static str,
}

const fn lookalike(character: char, name: &'static str, meant: &'static str) -> Lookalike {
    Lookalike { character, name, meant }
}

const LOOKALIKES: [Lookalike; 14] = [
    lookalike('\u{a0}', "a no-break space", " "),
    lookalike('\u{2007}', "a figure space", " "),
    lookalike('\u{202f}', "a narrow no-break space", " "),
    lookalike('\u{3000}', "an ideographic space", " "),
    lookalike('\u{200b}', "a zero width space", ""),
    lookalike(BYTE_ORDER_MARK, "a byte order mark", ""),
    lookalike('\u{b}', "a vertical tab", " "),
    lookalike('\u{c}', "a form feed", " "),
    lookalike('\u{201c}', "a typographic quote", "\""),
    lookalike('\u{201d}', "a typographic quote", "\""),
    lookalike('\u{2018}', "a typographic quote", "'"),
    lookalike('\u{2019}', "a typographic quote", "'"),
    lookalike('\u{ff1b}', "a fullwidth semicolon", ";"),
    lookalike('\u{ff5b}', "a fullwidth brace", "{"),
];

fn check(id: FileId, file: &ParsedFile, model: &Model<'_>, findings: &mut Findings) {
    if file.source.is_faithful() && file.source.text().is_ascii() {
        return;
    }
    if file.syntax.byte_order_mark {
        byte_order_mark(id, file, model, findings);
    }
    for statement in &file.syntax.statements {
        let first = statement.first_word as usize;
        let words = &file.syntax.words[first..first + statement.word_count as usize];
        let found = words.iter().enumerate().find_map(|(index, word)| Some((index, word, find_in(file, word)?)));
        if let Some((index, word, (offset, lookalike))) = found {
            let is_directive = index == 0 && names_a_directive(file, word, lookalike);
            let end = offset + lookalike.character.len_utf8() as u32;
            let location = Location { file: id, span: Span { start: offset, end } };
            report(lookalike, location, is_directive, model, findings);
        }
    }
}

fn byte_order_mark(id: FileId, file: &ParsedFile, model: &Model<'_>, findings: &mut Findings) {
    let span = Span { start: 0, end: BYTE_ORDER_MARK.len_utf8() as u32 };
    let place = model.place_in_file(id, span);
    let finding = findings.add(place, "the file begins with a byte order mark, an invisible character");
    finding.help("save the file as UTF-8 without byte order mark");
    finding.fix(true, "remove the byte order mark", vec![Edit::replace(Location { file: id, span }, "")]);
    let first = file.syntax.statements.first().map(|_| file.name(0));
    match first.filter(|name| catalog::name_index(name).is_some()) {
        Some(name) => finding.note(format!(
            "nginx takes it for a part of the first word and refuses the file: unknown directive, though \"{name}\" is one"
        )),
        None => finding.note("nginx takes it for a part of the first word").not_refused(),
    };
}

/// Offset in the file and kind of the first such character in a word without
/// quotes. A typographic quote counts only where a quote would stand.
fn find_in<'a>(file: &ParsedFile, word: &Word) -> Option<(u32, &'a Lookalike)> {
    if word.quote != Quote::Plain {
        return None;
    }
    let bytes = file.source.bytes().get(word.span.range())?;
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_ascii() || text.contains(['\u{b}', '\u{c}']))?;
    text.char_indices().find_map(|(offset, character)| {
        let known = LOOKALIKES.iter().find(|lookalike| lookalike.character == character)?;
        let behind = offset + character.len_utf8();
        let counts = match known.meant {
            "\"" | "'" => offset == 0 || behind == text.len(),
            ";" | "{" => behind == text.len(),
            _ => true,
        };
        counts.then_some((word.span.start + offset as u32, known))
    })
}

fn report(lookalike: &Lookalike, location: Location, is_directive: bool, model: &Model<'_>, findings: &mut Findings) {
    let code = format!("U+{:04X}", u32::from(lookalike.character));
    let message = match lookalike.meant {
        "" => format!("{} ({code}), which cannot be seen, stands in this word", lookalike.name),
        " " => format!("{} ({code}) stands where a blank should be", lookalike.name),
        meant => format!("{} ({code}) stands where {meant} should be", lookalike.name),
    };
    let finding = findings.add(model.place_in_file(location.file, location.span), message);
    finding.help(match lookalike.meant {
        "" => "remove it".to_owned(),
        " " => "write an ordinary blank".to_owned(),
        meant => format!("write {meant}"),
    });
    let edit = Edit::replace(location, lookalike.meant);
    finding.fix(false, "replace it by what was meant", vec![edit]);
    if is_directive {
        finding.note("to nginx it is a letter like any other, and the file is refused: unknown directive");
    } else {
        finding.note("to nginx it is a letter like any other, a part of the value");
        finding.severity(Severity::Warning).not_refused();
    }
}

/// Whether the word is a directive but for this character.
fn names_a_directive(file: &ParsedFile, word: &Word, lookalike: &Lookalike) -> bool {
    let bytes = file.source.bytes().get(word.span.range()).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split(lookalike.character);
    parts.any(|part| catalog::name_index(part).is_some())
        || catalog::name_index(&text.replace(lookalike.character, "")).is_some()
}
