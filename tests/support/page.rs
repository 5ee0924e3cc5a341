//! Finds the pages of the rules and the proof blocks in them.

use std::fs;
use std::path::Path;
use walkdir::WalkDir;

/// A proof block as it stands on a page.
pub struct ProofBlock {
    /// The page, relative to the package where it is in there.
    pub page: String,
    /// The line of the page that the text begins on, counted from 1.
    pub line: usize,
    /// What is between the fences.
    pub text: String,
}

/// What names on pages begin with that nginx would have to look up when it
/// starts, and in front of what they stand.
const NAME: &str = "static.example";
const IN_FRONT: [&str; 3] = ["//", "server ", "resolver "];

/// A configuration with addresses in the place of such names: DNS is not asked.
pub fn without_names(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(NAME) {
        let (before, name) = rest.split_at(start);
        result.push_str(before);
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').unwrap_or(name.len());
        let is_looked_up = IN_FRONT.iter().any(|text| before.ends_with(text));
        result.push_str(if is_looked_up { "127.0.0.1" } else { &name[..end] });
        rest = &name[end..];
    }
    result.push_str(rest);
    result
}

/// The proof blocks of every Markdown file under a directory, in order.
pub fn proof_blocks(directory: &Path) -> Result<Vec<ProofBlock>, String> {
    let mut blocks = Vec::new();
    for entry in WalkDir::new(directory).sort_by_file_name() {
        let path = entry.map_err(|error| error.to_string())?.into_path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let shown = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&path);
            blocks.extend(blocks_of(&shown.display().to_string(), &text)?);
        }
    }
    Ok(blocks)
}

/// The proof blocks of one page.
pub fn blocks_of(page: &str, text: &str) -> Result<Vec<ProofBlock>, String> {
    let mut blocks = Vec::new();
    let mut open: Option<ProofBlock> = None;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        match (&mut open, line.trim_end()) {
            (None, "```proof") => {
                open = Some(ProofBlock { page: page.to_owned(), line: index + 2, text: String::new() });
            }
            (None, _) => {}
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), _) => block.text.push_str(line),
        }
    }
    match open {
        Some(block) => Err(format!("{page}:{}: the proof block is not closed", block.line)),
        None => Ok(blocks),
    }
}
