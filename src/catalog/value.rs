//! What the arguments of a directive are.

/// The kind of value a directive takes.
///
/// Each kind that nginx checks is one of its parsers; what that parser accepts is not this room's
/// business.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueKind {
    /// Not known: most directives of modules outside of nginx.
    Unknown,
    /// The directive has no arguments.
    Nothing,
    /// `on` or `off`, in any case.
    Flag,
    /// Digits; some are bounded, both ends included.
    Number(Option<(u64, u64)>),
    /// Bytes, with `k` or `m`.
    Size,
    /// Bytes, with `k`, `m` or `g`.
    Offset,
    /// A time that is kept in milliseconds: `ms` is allowed, years and months are not.
    Milliseconds,
    /// A time that is kept in seconds: years and months are allowed, `ms` is not.
    Seconds,
    /// A number of buffers and the size of one.
    Buffers,
    /// One of these words. If more arguments are allowed, the words are for the first one.
    Enumeration(Words),
    /// Any number of these words.
    Bitmask(Words),
    /// Any text.
    String,
    /// Any texts.
    StringList,
    /// Text in which variables are evaluated.
    Complex,
    /// Several such texts.
    ComplexList,
    /// Such a text whose result is a size.
    ComplexSize,
    /// A name and its value.
    KeyValue,
    /// The path of a file or directory.
    Path,
    /// A path in which `*`, `?` and `[` are wildcards.
    PathGlob,
    /// A directory and the lengths of up to three levels of directories below.
    PathLevels,
    /// What a request is passed to: an address or URL.
    Url,
    /// An address or network.
    Cidr,
    /// The local address of outgoing connections, or `off`.
    BindAddress,
    /// The address and parameters of a `listen`.
    Listen,
    /// Where a log goes; the words are the levels of an error log, and empty for an access log.
    Log(Words),
    /// The name and text of a log format.
    LogFormat,
    /// MIME types, or `*`.
    MimeTypes,
    /// Who may read and write: `user:rw group:r all:r`.
    Access,
    /// Addresses and parameters of name servers.
    Resolver,
    /// The directory, zone and parameters of a cache.
    CachePath,
    /// Response codes and how long they are cached.
    CacheValid,
    /// The name of a character set, or a variable.
    Charset,
    /// Names of a server: exact, wildcard or regular expression.
    ServerNames,
    /// Masks of processors.
    CpuMask,
    /// A regular expression.
    Regex,
    /// Regular expressions.
    RegexList,
    /// A grammar of this directive alone.
    Custom,
    /// nginx does not look at it.
    Any,
}

/// The words that a value may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Words {
    /// The words; one that ends in `*` stands for every word with that beginning.
    pub list: &'static [&'static str],
    /// Whether upper and lower case are the same.
    pub any_case: bool,
}

impl Words {
    /// Whether nginx takes this word.
    pub fn accept(&self, word: &str) -> bool {
        self.list.iter().any(|known| self.matches(known, word))
    }

    fn matches(&self, known: &str, word: &str) -> bool {
        match known.strip_suffix('*') {
            Some(start) => word.starts_with(start),
            None if self.any_case => known.eq_ignore_ascii_case(word),
            None => known == word,
        }
    }
}

/// Whether variables are evaluated in the arguments of a directive. Where they are not, `$name`
/// is plain text, and nginx says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expansion {
    /// In none.
    Never,
    /// In all.
    Everywhere,
    /// Only in this one: `value`, `key`, `path`, `uri` ...
    Only(&'static str),
}
