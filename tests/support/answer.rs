//! What `nginx -t` says, line by line, and which of it more than the text of
//! the configuration decides.

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Such as `emerg`.
    pub level: String,
    /// All of it, with the place.
    pub text: String,
    /// The file and line it names.
    pub place: Option<(String, u32)>,
}

/// All that nginx says of a configuration.
#[derive(Clone, Debug)]
pub struct Answer {
    /// It would start.
    pub accepted: bool,
    /// What it wrote.
    pub messages: Vec<Message>,
}

impl Answer {
    /// The message it gives up with; some failures have none.
    pub fn fatal(&self) -> Option<&Message> {
        self.messages.iter().find(|message| message.is_fatal())
    }
}

/// What a message depends on besides the text of the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outside {
    /// Files, directories, modules on the disk.
    Files,
    /// Names that have to be looked up.
    Names,
    /// Addresses, users, limits of the machine.
    Machine,
    /// The lists of names that OpenSSL was built with.
    OpenSsl,
    /// What nginx was built with, and for which system.
    Build,
}

/// How messages begin that the outside decides.
const FROM_OUTSIDE: [(&str, Outside); 43] = [
    ("open() \"", Outside::Files),
    ("pread() \"", Outside::Files),
    ("read() \"", Outside::Files),
    ("fstat() \"", Outside::Files),
    ("stat() \"", Outside::Files),
    ("glob() \"", Outside::Files),
    ("mkdir() \"", Outside::Files),
    ("chmod() \"", Outside::Files),
    ("chown(\"", Outside::Files),
    ("dlopen() \"", Outside::Files),
    ("dlsym() \"", Outside::Files),
    ("module \"", Outside::Files),
    ("cannot load certificate", Outside::Files),
    ("cannot load CRL", Outside::Files),
    ("BIO_new_file(\"", Outside::Files),
    ("PEM_read_bio", Outside::Files),
    ("SSL_CTX_load_verify_locations(\"", Outside::Files),
    ("SSL_load_client_CA_file(\"", Outside::Files),
    ("SSL_CTX_use_", Outside::Files),
    ("SSL_CTX_add", Outside::Files),
    ("SSL_CTX_set0", Outside::Files),
    ("SSL_CTX_set_tmp_dh(\"", Outside::Files),
    ("X509_", Outside::Files),
    ("d2i_OCSP", Outside::Files),
    ("GeoIP_open(\"", Outside::Files),
    ("binary geo range base", Outside::Files),
    ("host not found in ", Outside::Names),
    ("bind() to ", Outside::Machine),
    ("listen() to ", Outside::Machine),
    ("socket() ", Outside::Machine),
    ("setsockopt(", Outside::Machine),
    ("getpwnam(\"", Outside::Machine),
    ("getgrnam(\"", Outside::Machine),
    ("gethostname() ", Outside::Machine),
    ("mmap(", Outside::Machine),
    ("malloc(", Outside::Machine),
    ("posix_memalign(", Outside::Machine),
    ("SSL_CTX_set_cipher_list(\"", Outside::OpenSsl),
    ("SSL_CTX_set1_curves_list(\"", Outside::OpenSsl),
    ("SSL_CONF_", Outside::OpenSsl),
    ("ENGINE_", Outside::OpenSsl),
    ("EC_KEY_new_by_curve_name(\"", Outside::OpenSsl),
    ("OBJ_sn2nid(\"", Outside::OpenSsl),
];

/// What messages say that the build decides.
const OF_THE_BUILD: [&str; 11] = [
    "unsupported on this platform",
    "not supported on this platform",
    "requires nginx built with",
    " requires ngx_",
    // Methods of other systems, or for lack of a better one.
    "invalid event type \"select\"",
    "invalid event type \"poll\"",
    "invalid event type \"kqueue\"",
    "invalid event type \"rtsig\"",
    "invalid event type \"/dev/poll\"",
    "invalid event type \"eventport\"",
    "invalid event type \"iocp\"",
];

impl Message {
    /// A message by its level and text.
    pub fn new(level: &str, text: &str) -> Message {
        let place = place_in(text).map(|(_, file, line)| (file.to_owned(), line));
        Message { level: level.to_owned(), text: text.to_owned(), place }
    }

    /// Reads `[emerg] TEXT` out of a line of nginx's output.
    pub fn read(line: &str) -> Option<Message> {
        let (_, rest) = line.split_once('[')?;
        let (level, text) = rest.split_once("] ")?;
        Some(Message::new(level, without_process(text)))
    }

    /// Whether nginx gives up with it.
    pub fn is_fatal(&self) -> bool {
        ["emerg", "alert", "crit", "error"].contains(&self.level.as_str())
    }

    /// What else decides about it.
    pub fn outside(&self) -> Option<Outside> {
        let start = FROM_OUTSIDE.iter().find(|(start, _)| self.text.starts_with(start));
        let build = || OF_THE_BUILD.iter().any(|part| self.text.contains(part)).then_some(Outside::Build);
        start.map(|(_, outside)| *outside).or_else(build)
    }

    /// The text without the place in it.
    pub fn without_place(&self) -> String {
        match place_in(&self.text) {
            Some((found, _, _)) => self.text.replacen(found, "", 1),
            None => self.text.clone(),
        }
    }

    /// The text without place and quoted values: what is said, not of what.
    pub fn class(&self) -> String {
        let text = self.without_place();
        let odd = text.split('"').enumerate().map(|(index, part)| if index % 2 == 1 { "…" } else { part });
        odd.collect::<Vec<_>>().join("\"")
    }
}

/// nginx writes `4242#4242: ` in front of a message of a log it has opened.
fn without_process(text: &str) -> &str {
    let Some((head, rest)) = text.split_once(": ") else { return text };
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let process = head.split_once('#').is_some_and(|(process, thread)| number(process) && number(thread));
    if process { rest } else { text }
}

/// The last ` in FILE:LINE` of a text, the file, and the line.
fn place_in(text: &str) -> Option<(&str, &str, u32)> {
    let mut until = text.len();
    while let Some(at) = text[..until].rfind(" in ") {
        let rest = &text[at + 4..];
        let word = &rest[..rest.find(' ').unwrap_or(rest.len())];
        if let Some((file, line)) = word.rsplit_once(':')
            && let Ok(line) = line.parse()
            && !file.starts_with('"')
        {
            return Some((&text[at..at + 4 + word.len()], file, line));
        }
        until = at;
    }
    None
}
