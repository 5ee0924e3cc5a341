//! A rule's page: Markdown with blocks of configuration that run as tests.
//!
//! A block begins with ```` ```nginx bad ````, `good`, `fixed` or `nginx` alone
//! (not run). In a block, `# file: PATH` begins another file; the first file
//! is `nginx.conf` unless named. Findings are marked: `# <- finding` at the
//! end of a line that has one, `# v finding` on the line above where a comment
//! would change the meaning. `# nginx-version: 1.22.1` says what the block is
//! judged for, `# surroundings: container = true` what nginx-lint.toml says
//! there, `# facts: nginx.runs = true` what was seen of the machine, and
//! `# log: ` is followed by a line of the error log.

/// What a block shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockKind {
    /// Yields exactly the findings marked in it.
    Bad,
    /// Yields none.
    Good,
    /// What the fixes make of the bad block before it.
    Fixed,
}

/// A block of configuration on a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block<'a> {
    /// What it shows.
    pub kind: BlockKind,
    /// Its lines.
    pub text: &'a str,
    /// The line of the page it begins on, counted from 1.
    pub line: usize,
}

/// A page taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<'a> {
    /// The heading.
    pub title: &'a str,
    /// The first paragraph: one sentence.
    pub summary: String,
    /// The blocks that run.
    pub blocks: Vec<Block<'a>>,
}

impl<'a> Page<'a> {
    /// Takes a page apart.
    pub fn parse(text: &'a str) -> Page<'a> {
        let title = text.lines().next().unwrap_or_default().trim_start_matches('#').trim();
        let paragraph = text.lines().skip(1).skip_while(|line| line.trim().is_empty());
        let summary: Vec<&str> = paragraph.take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
        Page { title, summary: summary.join(" "), blocks: blocks(text) }
    }
}

impl Block<'_> {
    /// Paths and contents of its files.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = Vec::new();
        for line in self.text.split_inclusive('\n') {
            if let Some(path) = line.trim().strip_prefix("# file: ") {
                files.push((path.to_owned(), String::new()));
                continue;
            }
            if files.is_empty() {
                files.push(("nginx.conf".to_owned(), String::new()));
            }
            if let Some((_, content)) = files.last_mut() {
                content.push_str(line);
            }
        }
        files
    }

    /// What nginx-lint.toml says of the surroundings, a line for each fact.
    pub fn surroundings(&self) -> String {
        let facts = self.text.lines().filter_map(|line| line.trim().strip_prefix("# surroundings: "));
        facts.map(|fact| format!("{fact}\n")).collect()
    }

    /// What was seen of the machine, as lines of TOML in the form of
    /// [`crate::facts::Facts`].
    pub fn facts(&self) -> String {
        let facts = self.text.lines().filter_map(|line| line.trim().strip_prefix("# facts: "));
        facts.map(|fact| format!("{fact}\n")).collect()
    }

    /// Lines of the error log.
    pub fn log(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| line.trim().strip_prefix("# log: "))
    }

    /// The release it is judged for, if it says one.
    pub fn nginx_version(&self) -> Option<&str> {
        self.text.lines().find_map(|line| line.trim().strip_prefix("# nginx-version: "))
    }
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<(BlockKind, usize, usize)> = None;
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let fence = line.trim_end();
        match open {
            Some((kind, start, first_line)) if fence == "```" => {
                blocks.push(Block { kind, text: &text[start..offset], line: first_line });
                open = None;
            }
            Some(_) => {}
            None => open = kind_of(fence).map(|kind| (kind, offset + line.len(), index + 2)),
        }
        offset += line.len();
    }
    blocks
}

fn kind_of(fence: &str) -> Option<BlockKind> {
    match fence.strip_prefix("```nginx ")?.trim() {
        "bad" => Some(BlockKind::Bad),
        "good" => Some(BlockKind::Good),
        "fixed" => Some(BlockKind::Fixed),
        _ => None,
    }
}
