//! What a proof block may say: the types that its TOML is read into, and what
//! they accept. `tests/proof.rs` explains every key.

use super::dns::Record;
use nginx_lint::facts::Signature;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use toml::Spanned;

/// The text of one proof block.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    #[serde(default)]
    pub backends: BTreeMap<String, Kind>,
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One configuration, what is asked of it, and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub shows: Spanned<Shows>,
    pub since: Option<String>,
    pub before: Option<String>,

    // The configuration.
    pub config: Option<String>,
    pub stream: Option<String>,
    #[serde(default)]
    pub main: String,
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    pub open_files: Option<u32>,

    // What is asked.
    pub requests: Option<Requests>,
    #[serde(default)]
    pub parallel: bool,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub send_bytes: Option<usize>,

    // What nginx -t must say.
    pub nginx_t: Option<Verdict>,
    #[serde(default)]
    pub says: Texts,

    // What must come of the requests.
    pub status: Option<Statuses>,
    #[serde(default)]
    pub answer: Texts,
    #[serde(default)]
    pub no_answer: Texts,
    #[serde(default)]
    pub log: Texts,
    #[serde(default)]
    pub no_log: Texts,
    #[serde(default)]
    pub recognised: Vec<Signature>,
    pub faster_than: Option<f64>,
    pub slower_than: Option<f64>,
    #[serde(default)]
    pub connections: BTreeMap<String, Count>,
    #[serde(default)]
    pub received: BTreeMap<String, Count>,
    #[serde(default)]
    pub at_once: BTreeMap<String, Count>,
}

/// Which side of the page a case stands for.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Shows {
    Bad,
    Good,
}

/// What `nginx -t` decides.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Accepted,
    Refused,
}

/// How a backend behaves.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(try_from = "String")]
pub enum Kind {
    Http,
    Slow(Duration),
    FastCgi,
    /// HTTP, one connection at a time.
    OneWorker,
    /// FastCGI, one connection at a time.
    FastCgiOneWorker,
    Silent,
    HangUp,
    /// Sends this text for whatever comes, and ends the connection.
    Sends(String),
    Closed,
    /// A name server that knows these names, or one that never answers.
    Dns(Option<Vec<Record>>),
}

/// How many requests, or which.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of requests, or a list such as [\"GET /\", \"POST /x\"]")]
pub enum Requests {
    Times(usize),
    Lines(Vec<String>),
}

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum Texts {
    One(String),
    Several(Vec<String>),
}

/// The statuses that must come back.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a status such as 502 or \"none\", a list of them, or a table such as { 200 = 8, 502 = \"at least 1\" }"
)]
pub enum Statuses {
    Every(Status),
    InOrder(Vec<Status>),
    Counted(BTreeMap<Status, Count>),
}

/// A status, or none: the connection ended without an answer.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "NumberOrText")]
pub struct Status(pub Option<u16>);

/// How often something must be.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(try_from = "NumberOrText")]
pub enum Count {
    Exactly(usize),
    AtLeast(usize),
    AtMost(usize),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number or a text")]
enum NumberOrText {
    Number(usize),
    Text(String),
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(text: String) -> Result<Kind, String> {
        let time = |text: &str| text.strip_suffix("ms")?.trim().parse().ok().map(Duration::from_millis);
        match text.as_str() {
            "http" => Ok(Kind::Http),
            "fastcgi" => Ok(Kind::FastCgi),
            "one worker" => Ok(Kind::OneWorker),
            "fastcgi one worker" => Ok(Kind::FastCgiOneWorker),
            "silent" => Ok(Kind::Silent),
            "hang up" => Ok(Kind::HangUp),
            "closed" => Ok(Kind::Closed),
            "dns" => Ok(Kind::Dns(Some(Vec::new()))),
            "dns silent" => Ok(Kind::Dns(None)),
            other => {
                let slow = || other.strip_prefix("slow ").and_then(time).map(Kind::Slow);
                let dns = || other.strip_prefix("dns ").and_then(records).map(|records| Kind::Dns(Some(records)));
                let sends = || other.strip_prefix("sends ").map(|text| Kind::Sends(text.to_owned()));
                slow().or_else(dns).or_else(sends).ok_or(format!(
                    "no backend is \"{other}\"; there are http, slow 300ms, fastcgi, one worker, fastcgi one worker, silent, hang up, sends TEXT, closed, \
                     dns app.example=127.0.0.1 and dns silent"
                ))
            }
        }
    }
}

/// Names and addresses such as `a.example=127.0.0.1 a.example=::1`.
fn records(text: &str) -> Option<Vec<Record>> {
    let record = |entry: &str| {
        let (name, address) = entry.split_once('=')?;
        Some((name.to_owned(), address.parse().ok()?))
    };
    text.split_whitespace().map(record).collect()
}

impl TryFrom<NumberOrText> for Status {
    type Error = String;

    fn try_from(value: NumberOrText) -> Result<Status, String> {
        let code = match &value {
            NumberOrText::Text(text) if text == "none" => return Ok(Status(None)),
            NumberOrText::Text(text) => text.parse().ok(),
            NumberOrText::Number(number) => u16::try_from(*number).ok(),
        };
        code.map(|code| Status(Some(code))).ok_or("a status is a number such as 502, or \"none\"".to_owned())
    }
}

impl TryFrom<NumberOrText> for Count {
    type Error = String;

    fn try_from(value: NumberOrText) -> Result<Count, String> {
        let text = match value {
            NumberOrText::Number(number) => return Ok(Count::Exactly(number)),
            NumberOrText::Text(text) => text,
        };
        let bound = |prefix| text.strip_prefix(prefix).and_then(|rest| rest.trim().parse().ok());
        let least = bound("at least ").map(Count::AtLeast);
        let most = || bound("at most ").map(Count::AtMost);
        least.or_else(most).ok_or(format!("\"{text}\" is no number, \"at least 1\" or \"at most 1\""))
    }
}

impl Count {
    /// Whether a number is as it must be.
    pub fn allows(self, number: usize) -> bool {
        match self {
            Count::Exactly(expected) => number == expected,
            Count::AtLeast(least) => number >= least,
            Count::AtMost(most) => number <= most,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Count::Exactly(number) => write!(f, "{number}"),
            Count::AtLeast(number) => write!(f, "at least {number}"),
            Count::AtMost(number) => write!(f, "at most {number}"),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, "{code}"),
            None => f.write_str("none"),
        }
    }
}

impl fmt::Display for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shows::Bad => "bad",
            Shows::Good => "good",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Accepted => "accepted",
            Verdict::Refused => "refused",
        })
    }
}

impl Default for Texts {
    fn default() -> Texts {
        Texts::Several(Vec::new())
    }
}

impl Texts {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Several(texts) => texts,
        }
    }
}

impl Proof {
    /// Reads the text of a block. An error says at which byte it is.
    pub fn parse(text: &str) -> Result<Proof, (usize, String)> {
        let proof: Proof = toml::from_str(text)
            .map_err(|error| (error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        if proof.backends.contains_key("listen") {
            return Err((0, "no backend may be called \"listen\": that is where nginx listens".to_owned()));
        }
        Ok(proof)
    }
}

impl Case {
    /// Whether nginx must run for it, rather than only `nginx -t`.
    pub fn runs(&self) -> bool {
        let texts = [&self.answer, &self.no_answer, &self.log, &self.no_log];
        self.requests.is_some()
            || self.status.is_some()
            || self.faster_than.is_some()
            || self.slower_than.is_some()
            || !self.recognised.is_empty()
            || texts.iter().any(|texts| !texts.all().is_empty())
            || self.backend_counts().next().is_some()
    }

    /// What each backend must have seen: what is counted, by whom, how often.
    pub fn backend_counts(&self) -> impl Iterator<Item = (&'static str, &str, Count)> {
        let tables = [("connections", &self.connections), ("received", &self.received), ("at_once", &self.at_once)];
        tables
            .into_iter()
            .flat_map(|(what, table)| table.iter().map(move |(name, count)| (what, name.as_str(), *count)))
    }

    /// Says what makes no sense together.
    pub fn check(&self, proof: &Proof) -> Result<(), String> {
        let unknown = self.backend_counts().find(|(_, name, _)| !proof.backends.contains_key(*name));
        if let Some((what, name, _)) = unknown {
            return Err(format!("{what} names \"{name}\", which is no backend"));
        }
        if self.files.keys().any(|path| path.starts_with('/') || path.split('/').any(|part| part == "..")) {
            return Err("the paths of files are relative to nginx.conf and stay beside it".to_owned());
        }
        match (self.nginx_t, self.runs()) {
            (None, false) => Err("the case expects nothing".to_owned()),
            (None, _) if !self.says.all().is_empty() => Err("says is about nginx_t, which is not given".to_owned()),
            (Some(Verdict::Refused), true) => Err("what nginx -t refuses cannot be asked anything".to_owned()),
            _ => Ok(()),
        }
    }
}
