//! The target of a request line: what nginx makes of it before it looks at
//! any directive (`ngx_http_parse_request_line`, `ngx_http_parse_complex_uri`),
//! and how it writes paths and arguments again (`ngx_escape_uri`).

/// A target that nginx takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Uri {
    /// The host in front of it, port included; none for the usual form.
    pub host: Option<Vec<u8>>,
    /// As sent, without scheme and host.
    pub unparsed: Vec<u8>,
    /// The path, decoded and normalised.
    pub path: Vec<u8>,
    /// What follows the first `?`.
    pub args: Vec<u8>,
    /// Something in the path was encoded.
    pub quoted: bool,
    /// The path has a `+`.
    pub plus: bool,
    /// The target has no path: only a host.
    pub empty_path: bool,
}

/// nginx answers 400.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Invalid {
    /// As [`Uri::quoted`], as far as nginx has read: an error page still sees it.
    pub quoted: bool,
    /// As [`Uri::plus`].
    pub plus: bool,
}

/// The host is not valid: nginx answers 400.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidHost;

/// Reads the target of a request line.
///
/// # Errors
///
/// nginx answers 400.
pub fn parse_target(target: &[u8], merge_slashes: bool) -> Result<Uri, Invalid> {
    let (host, unparsed) = match target.first() {
        Some(b'/') => (None, target),
        Some(first) if first.is_ascii_alphabetic() => split_absolute(target).ok_or(Invalid::default())?,
        _ => return Err(Invalid::default()),
    };
    let valid = unparsed.iter().take_while(|byte| **byte > 0x20 && **byte != 0x7f).count();
    let (quoted, plus) = flags_of_line(&unparsed[..valid]);
    if valid < unparsed.len() {
        return Err(Invalid { quoted, plus });
    }
    let empty_path = unparsed.first() == Some(&b'?');
    let unparsed = if unparsed.is_empty() { b"/" } else { unparsed };
    let mut parser = Parser { out: Vec::with_capacity(unparsed.len()), quoted, plus };
    if empty_path {
        parser.out.push(b'/');
    }
    let Some(args) = parser.run(unparsed, merge_slashes) else {
        return Err(Invalid { quoted: parser.quoted, plus: parser.plus });
    };
    Ok(Uri {
        host: host.map(<[u8]>::to_vec),
        unparsed: unparsed.to_vec(),
        path: parser.out,
        args: args.to_vec(),
        quoted: parser.quoted,
        plus: parser.plus,
        empty_path,
    })
}

/// Whether something in a path is encoded, and whether it has a `+`, as far as
/// nginx sees that while it reads the line: up to what it has to look at again.
fn flags_of_line(path: &[u8]) -> (bool, bool) {
    let mut plus = false;
    let mut after_slash = false;
    for byte in path {
        match byte {
            b'%' => return (true, plus),
            b'?' | b'#' => break,
            b'/' | b'.' if after_slash => break,
            b'+' => plus = true,
            _ => after_slash = *byte == b'/',
        }
    }
    (false, plus)
}

/// `scheme://host:port` and the rest.
fn split_absolute(target: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let colon = target.iter().position(|byte| *byte == b':')?;
    let in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let rest = target[colon..].strip_prefix(b"://")?;
    if !target[..colon].iter().all(in_scheme) {
        return None;
    }
    let host_end = if rest.first() == Some(&b'[') {
        let in_literal = |byte: &u8| byte.is_ascii_alphanumeric() || b":-._~!$&'()*+,;=".contains(byte);
        let end = rest[1..].iter().position(|byte| !in_literal(byte))? + 1;
        if rest[end] == b']' { end + 1 } else { return None }
    } else {
        let in_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        rest.iter().position(|byte| !in_host(byte)).unwrap_or(rest.len())
    };
    let behind_port = match rest.get(host_end) {
        Some(b':') => {
            let digits = rest[host_end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            host_end + 1 + digits
        }
        _ => host_end,
    };
    match rest.get(behind_port) {
        None | Some(b'/' | b'?') => Some((Some(&rest[..host_end]), &rest[behind_port..])),
        Some(_) => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Usual,
    Slash,
    Dot,
    DotDot,
}

struct Parser {
    out: Vec<u8>,
    quoted: bool,
    plus: bool,
}

impl Parser {
    /// Writes the path, and returns the arguments.
    fn run<'a>(&mut self, unparsed: &'a [u8], merge_slashes: bool) -> Option<&'a [u8]> {
        let mut state = State::Usual;
        let mut index = 0;
        let mut args = &unparsed[unparsed.len()..];
        while let Some(&byte) = unparsed.get(index) {
            index += 1;
            if byte == b'%' {
                self.quoted = true;
                let decoded = decode(unparsed.get(index..index + 2)?)?;
                index += 2;
                match decoded {
                    0 => return None,
                    // These would end the path if they were not encoded.
                    b'%' | b'#' | b'?' => {
                        self.out.push(decoded);
                        state = State::Usual;
                    }
                    _ => state = self.step(state, decoded, merge_slashes)?,
                }
            } else if byte == b'?' || byte == b'#' {
                if byte == b'?' {
                    let rest = &unparsed[index..];
                    args = rest.split(|byte| *byte == b'#').next().unwrap_or(rest);
                }
                break;
            } else {
                state = self.step(state, byte, merge_slashes)?;
            }
        }
        match state {
            State::Dot => drop(self.out.pop()),
            State::DotDot => self.leave_directory()?,
            State::Usual | State::Slash => {}
        }
        Some(args)
    }

    fn step(&mut self, state: State, byte: u8, merge_slashes: bool) -> Option<State> {
        self.plus |= byte == b'+';
        Some(match (state, byte) {
            (State::Dot, b'/') => {
                self.out.pop();
                State::Slash
            }
            (State::DotDot, b'/') => {
                self.leave_directory()?;
                State::Slash
            }
            (State::Slash, b'/') => {
                if !merge_slashes {
                    self.out.push(byte);
                }
                State::Slash
            }
            (_, _) => {
                self.out.push(byte);
                match (state, byte) {
                    (State::Usual, b'/') => State::Slash,
                    (State::Slash, b'.') => State::Dot,
                    (State::Dot, b'.') => State::DotDot,
                    _ => State::Usual,
                }
            }
        })
    }

    /// Takes `name/..` away.
    fn leave_directory(&mut self) -> Option<()> {
        let last = self.out.len().checked_sub(4)?;
        let slash = self.out[..=last].iter().rposition(|byte| *byte == b'/')?;
        self.out.truncate(slash + 1);
        Some(())
    }
}

fn decode(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    Some(digit(digits[0])? << 4 | digit(digits[1])?)
}

/// What is written for: which characters may stand as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escape {
    /// A path: all but blanks, `"#%<>?\^` and the like.
    Uri,
    /// A capture in arguments: not `&+;` either.
    Args,
}

/// Writes bytes that may not stand in a URI as `%XX`.
pub fn escape(bytes: &[u8], escape: Escape) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        let kept = match byte {
            b'"' | b'#' | b'%' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
            b'&' | b'+' | b';' => escape == Escape::Uri,
            other => matches!(other, 0x21..=0x7e),
        };
        if kept {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// Decodes what need not be encoded in the address of a redirect, up to a
/// `?`.
pub fn unescape_redirect(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        index += 1;
        if byte == b'?' {
            out.push(byte);
            break;
        }
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        // What ends in the middle of an encoded character loses it.
        let Some(&first) = bytes.get(index) else { break };
        index += 1;
        if !first.is_ascii_hexdigit() {
            out.push(first);
            continue;
        }
        let Some(&second) = bytes.get(index) else { break };
        index += 1;
        let Some(decoded) = decode(&[first, second]) else { continue };
        // The hexadecimal digits of nginx that lead here end in a letter.
        if decoded == b'?' {
            out.push(decoded);
            break;
        }
        if decoded > b'%' && decoded < 0x7f {
            out.push(decoded);
        } else {
            out.extend_from_slice(&[b'%', first, second]);
        }
    }
    out.extend_from_slice(&bytes[index..]);
    out
}

/// The value of an argument by its name, in any case (`ngx_http_arg`).
pub fn argument<'a>(args: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    args.split(|byte| *byte == b'&').find_map(|pair| {
        let (own, value) = pair.split_at_checked(name.len())?;
        (own.eq_ignore_ascii_case(name)).then_some(value)?.strip_prefix(b"=")
    })
}

/// The host of a `Host` header, as servers are looked for: without port and
/// trailing dot, in lower case (`ngx_http_validate_host`).
///
/// # Errors
///
/// nginx answers 400.
pub fn parse_host(host: &[u8]) -> Result<Vec<u8>, InvalidHost> {
    let mut end = host.len();
    let mut last_dot = None;
    let mut literal = false;
    let mut rest = false;
    for (index, &byte) in host.iter().enumerate() {
        match byte {
            b'.' => {
                if index > 0 && last_dot == Some(index - 1) {
                    return Err(InvalidHost);
                }
                last_dot = Some(index);
            }
            b':' if !rest && !literal => {
                end = index;
                rest = true;
            }
            b'[' if index == 0 => literal = true,
            b']' if literal && !rest => {
                end = index + 1;
                rest = true;
            }
            b'/' | 0..=0x20 | 0x7f => return Err(InvalidHost),
            _ => {}
        }
    }
    if end > 0 && last_dot == Some(end - 1) {
        end -= 1;
    }
    if end == 0 { Err(InvalidHost) } else { Ok(host[..end].to_ascii_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: &str, merge_slashes: bool) -> String {
        match parse_target(target.as_bytes(), merge_slashes) {
            Err(_) => "400".to_owned(),
            Ok(uri) => {
                let args = if uri.args.is_empty() { String::new() } else { format!(" ?{}", show(&uri.args)) };
                format!("{}{args}", show(&uri.path))
            }
        }
    }

    fn show(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn targets_are_read_as_nginx_reads_them() {
        let table = [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a//b///c", "/a/b/c"),
            ("/a/./b/.", "/a/b/"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/..", "400"),
            ("/../a", "400"),
            ("/a/../..", "400"),
            ("/a/...", "/a/..."),
            ("/a/..b", "/a/..b"),
            ("/a/.b", "/a/.b"),
            ("/%61%2F%2e%2E/b", "/b"),
            ("/a%2fb", "/a/b"),
            ("/a%3Fb?c", "/a?b ?c"),
            ("/a%23b#c", "/a#b"),
            ("/a%25b", "/a%b"),
            ("/a%2", "400"),
            ("/a%zz", "400"),
            ("/a%00", "400"),
            ("/a?b#c?d", "/a ?b"),
            ("/a#b?c", "/a"),
            ("/a?b%zz", "/a ?b%zz"),
            ("/a b", "400"),
            ("", "400"),
            ("*", "400"),
            ("http://h/a", "/a"),
            ("http://h", "/"),
            ("http://h?a", "/ ?a"),
            ("http://h:80/a", "/a"),
            ("http://[::1]:80/a", "/a"),
            ("http://h_h/a", "400"),
            ("http:/h/a", "400"),
        ];
        for (target, expected) in table {
            assert_eq!(shown(target, true), expected, "{target}");
        }
        assert_eq!(shown("/a//b/..//c", false), "/a//b/..//c".replace("b/../", ""), "slashes are kept");
    }

    #[test]
    fn hosts_are_read_as_nginx_reads_them() {
        let table = [
            ("a.example", Some("a.example")),
            ("A.Example:8080", Some("a.example")),
            ("a.example.", Some("a.example")),
            ("a.example.:80", Some("a.example")),
            ("[::1]:80", Some("[::1]")),
            ("a..b", None),
            ("a/b", None),
            ("", None),
            (":80", None),
            (".", None),
            ("a b", None),
            ("a_b", Some("a_b")),
        ];
        for (host, expected) in table {
            let read = parse_host(host.as_bytes()).ok().map(|host| show(&host));
            assert_eq!(read.as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn texts_are_escaped_as_nginx_escapes_them() {
        let all: Vec<u8> = (0x20..=0x7f).collect();
        assert_eq!(
            show(&escape(&all, Escape::Uri)),
            "%20!%22%23$%25&'()*+,-./0123456789:;%3C=%3E%3F@ABCDEFGHIJKLMNOPQRSTUVWXYZ[%5C]%5E_%60\
             abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%7F"
        );
        assert_eq!(show(&escape(b"a&b+c;d", Escape::Args)), "a%26b%2Bc%3Bd");
        assert_eq!(show(&unescape_redirect(b"/%41%20%2F?%41")), "/A%20/?%41");
        assert_eq!(argument(b"a=1&B=2&b=3", b"b"), Some(&b"2"[..]));
        assert_eq!(argument(b"ab=1&b", b"b"), None);
    }
}
