//! Addresses as nginx reads them (`ngx_parse_url`, `ngx_parse_addr_port`,
//! `ngx_ptocidr`): the text alone decides, no name is ever resolved.
//!
//! It must not know directives: what an address is for, and how nginx words a
//! mistake around it, is the business of the rules.

use std::fmt;

/// What may stand in an address, and what it means when it is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AddressForm {
    /// As for `listen`: a port alone, a range of ports, and `*` are allowed.
    pub listen: bool,
    /// A path may follow.
    pub uri: bool,
    /// The port when there is none; 0 for none.
    pub default_port: u16,
}

/// What is wrong with an address, in nginx's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// Nothing where the host should stand.
    #[error("no host")]
    NoHost,
    /// A path where none is allowed, or brackets that do not fit.
    #[error("invalid host")]
    InvalidHost,
    /// Not a number from 1 to 65535.
    #[error("invalid port")]
    InvalidPort,
    /// The last port is below the first.
    #[error("invalid port range")]
    InvalidPortRange,
    /// Not an IPv6 address between the brackets.
    #[error("invalid IPv6 address")]
    InvalidIpv6,
    /// `unix:` alone.
    #[error("no path in the unix domain socket")]
    NoUnixPath,
    /// More than 107 bytes.
    #[error("too long path in the unix domain socket")]
    TooLongUnixPath,
}

/// Where an address leads.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum HostAddress {
    /// An IPv4 address.
    Ipv4([u8; 4]),
    /// An IPv6 address.
    Ipv6([u8; 16]),
    /// The path of a unix domain socket.
    Unix(String),
    /// A name: of a group of servers, or for DNS.
    Name(String),
}

/// An address taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address<'a> {
    /// Where it leads.
    pub kind: HostAddress,
    /// The host as written; of a socket, its path.
    pub host: &'a str,
    /// Its port, or the default; 0 when there is none.
    pub port: u16,
    /// The last port of a range; the same as `port` without one.
    pub last_port: u16,
    /// Whether the text names a port.
    pub has_port: bool,
    /// What follows the host, from `/` or `?` on; behind a socket, what follows its `:`.
    pub uri: Option<&'a str>,
}

impl Address<'_> {
    /// Whether it is every address of the machine.
    pub fn is_wildcard(&self) -> bool {
        match &self.kind {
            HostAddress::Ipv4(bytes) => *bytes == [0; 4],
            HostAddress::Ipv6(bytes) => *bytes == [0; 16],
            HostAddress::Unix(_) | HostAddress::Name(_) => false,
        }
    }

    /// Whether it is a name, for DNS or of a group.
    pub fn is_name(&self) -> bool {
        matches!(self.kind, HostAddress::Name(_))
    }

    /// One of its ports, as nginx compares and prints it; none for a name.
    pub fn socket(&self, port: u16) -> Option<SocketAddress> {
        match &self.kind {
            HostAddress::Name(_) => None,
            HostAddress::Unix(_) => Some(SocketAddress { host: self.kind.clone(), port: 0 }),
            HostAddress::Ipv4(_) | HostAddress::Ipv6(_) => Some(SocketAddress { host: self.kind.clone(), port }),
        }
    }
}

/// An address with its port, as nginx prints it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SocketAddress {
    /// Never a name.
    pub host: HostAddress,
    /// 0 for a unix domain socket.
    pub port: u16,
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostAddress::Ipv4([a, b, c, d]) => write!(f, "{a}.{b}.{c}.{d}:{}", self.port),
            HostAddress::Ipv6(bytes) => {
                f.write_str("[")?;
                write_ipv6(f, bytes)?;
                write!(f, "]:{}", self.port)
            }
            HostAddress::Unix(path) => write!(f, "unix:{path}"),
            HostAddress::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// Takes an address apart.
///
/// # Errors
///
/// What nginx says is wrong with it. That a name does not exist is not among
/// them.
pub fn parse_address(text: &str, form: AddressForm) -> Result<Address<'_>, AddressError> {
    if starts_with_unix(text) {
        parse_unix(text, form)
    } else if text.starts_with('[') {
        parse_bracketed(text, form)
    } else {
        parse_host(text, form)
    }
}

fn starts_with_unix(text: &str) -> bool {
    text.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("unix:"))
}

/// What nginx has room for, with the zero behind it.
const LONGEST_UNIX_PATH: usize = 107;

fn parse_unix(text: &str, form: AddressForm) -> Result<Address<'_>, AddressError> {
    let rest = &text[5..];
    let (path, uri) = match rest.split_once(':').filter(|_| form.uri) {
        Some((path, uri)) => (path, Some(uri)),
        None => (rest, None),
    };
    if path.is_empty() {
        return Err(AddressError::NoUnixPath);
    }
    if path.len() > LONGEST_UNIX_PATH {
        return Err(AddressError::TooLongUnixPath);
    }
    let kind = HostAddress::Unix(path.to_owned());
    Ok(Address { kind, host: path, port: 0, last_port: 0, has_port: false, uri })
}

fn parse_bracketed(text: &str, form: AddressForm) -> Result<Address<'_>, AddressError> {
    let end = text.find(']').ok_or(AddressError::InvalidHost)?;
    let behind = &text[end + 1..];
    let (behind, uri) = cut_uri(behind, behind.find('/'), form)?;
    let ports = match behind.strip_prefix(':') {
        Some(port) => Some(parse_ports(port, form)?),
        None if behind.is_empty() => None,
        None => return Err(AddressError::InvalidHost),
    };
    let inner = &text[1..end];
    if inner.is_empty() {
        return Err(AddressError::NoHost);
    }
    let bytes = parse_ipv6(inner).ok_or(AddressError::InvalidIpv6)?;
    let kind = HostAddress::Ipv6(bytes);
    Ok(with_ports(kind, &text[..=end], ports, uri, form))
}

fn parse_host(text: &str, form: AddressForm) -> Result<Address<'_>, AddressError> {
    let (head, uri) = cut_uri(text, text.find(['/', '?']), form)?;
    if form.listen
        && !head.contains(':')
        && let Some(ports) = parse_lone_ports(head)?
    {
        return Ok(with_ports(HostAddress::Ipv4([0; 4]), "", Some(ports), None, form));
    }
    let (host, ports) = match head.split_once(':') {
        Some((host, port)) => (host, Some(parse_ports(port, form)?)),
        None => (head, None),
    };
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    let kind = match parse_ipv4(host) {
        Some(bytes) => HostAddress::Ipv4(bytes),
        None if form.listen && host == "*" => HostAddress::Ipv4([0; 4]),
        None => HostAddress::Name(host.to_owned()),
    };
    Ok(with_ports(kind, host, ports, uri, form))
}

fn cut_uri(text: &str, at: Option<usize>, form: AddressForm) -> Result<(&str, Option<&str>), AddressError> {
    match at {
        Some(_) if form.listen || !form.uri => Err(AddressError::InvalidHost),
        Some(at) => Ok((&text[..at], Some(&text[at..]))),
        None => Ok((text, None)),
    }
}

fn with_ports<'a>(
    kind: HostAddress,
    host: &'a str,
    ports: Option<(u16, u16)>,
    uri: Option<&'a str>,
    form: AddressForm,
) -> Address<'a> {
    let (port, last_port) = ports.unwrap_or((form.default_port, form.default_port));
    Address { kind, host, port, last_port, has_port: ports.is_some(), uri }
}

/// A port, or, where nginx listens, a range of ports.
fn parse_ports(text: &str, form: AddressForm) -> Result<(u16, u16), AddressError> {
    let (first, last) = match text.split_once('-').filter(|_| form.listen) {
        Some((first, last)) => (first, Some(parse_port(last)?)),
        None => (text, None),
    };
    let first = parse_port(first)?;
    in_order(first, last.unwrap_or(first))
}

/// A port or a range of ports that stands alone; none if it reads as a host.
fn parse_lone_ports(text: &str) -> Result<Option<(u16, u16)>, AddressError> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (first, Some(last)),
        None => (text, None),
    };
    if !is_number(first) || last.is_some_and(|last| !is_number(last)) {
        return Ok(None);
    }
    let last = last.map(parse_port).transpose()?;
    let first = parse_port(first)?;
    in_order(first, last.unwrap_or(first)).map(Some)
}

fn in_order(first: u16, last: u16) -> Result<(u16, u16), AddressError> {
    if first > last { Err(AddressError::InvalidPortRange) } else { Ok((first, last)) }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    let port = super::parse_number(text).and_then(|port| u16::try_from(port).ok());
    port.filter(|port| *port > 0).ok_or(AddressError::InvalidPort)
}

/// An address and port that must not be a name (`ngx_parse_addr_port`): for
/// `proxy_bind` and the like. The port is 0 when there is none.
pub fn parse_local_address(text: &str) -> Option<SocketAddress> {
    if let Some(host) = parse_literal(text) {
        return Some(SocketAddress { host, port: 0 });
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']')?;
            if behind.is_empty() {
                return parse_literal(host).map(|host| SocketAddress { host, port: 0 });
            }
            (host, behind.strip_prefix(':')?)
        }
        None => text.split_once(':')?,
    };
    let port = parse_port(port).ok()?;
    parse_literal(host).map(|host| SocketAddress { host, port })
}

fn parse_literal(text: &str) -> Option<HostAddress> {
    parse_ipv4(text).map(HostAddress::Ipv4).or_else(|| parse_ipv6(text).map(HostAddress::Ipv6))
}

/// An IPv4 address: digits and three dots, no part above 255. Parts may be
/// empty, and begin with zeros. The highest address of all is nginx's mark
/// for "none".
pub fn parse_ipv4(text: &str) -> Option<[u8; 4]> {
    let mut bytes = [0_u8; 4];
    let mut index = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                let part = u32::from(bytes[index.min(3)]) * 10 + u32::from(byte - b'0');
                bytes[index.min(3)] = u8::try_from(part).ok()?;
            }
            b'.' if index < 3 => index += 1,
            _ => return None,
        }
    }
    (index == 3 && bytes != [255; 4]).then_some(bytes)
}

/// An IPv6 address without brackets, as `ngx_inet6_addr` reads it.
pub fn parse_ipv6(text: &str) -> Option<[u8; 16]> {
    let mut words: Vec<u16> = Vec::with_capacity(8);
    let mut gap: Option<usize> = None;
    let mut word: u16 = 0;
    let mut digits = 0;
    // Where the part that may be an IPv4 address begins.
    let mut part: Option<usize> = None;
    let skipped = usize::from(text.starts_with(':'));
    for (index, byte) in text.bytes().enumerate().skip(skipped) {
        match byte {
            b':' if digits > 0 => {
                part = Some(index + 1);
                words.push(word);
                if words.len() == 8 {
                    return None;
                }
                (word, digits) = (0, 0);
            }
            b':' if gap.is_none() => {
                part = Some(index + 1);
                gap = Some(words.len());
            }
            b':' => return None,
            b'.' if digits > 0 => {
                let [a, b, c, d] = parse_ipv4(&text[part?..]).filter(|_| words.len() < 7)?;
                words.push(u16::from_be_bytes([a, b]));
                word = u16::from_be_bytes([c, d]);
                break;
            }
            _ => {
                digits += 1;
                if digits > 4 {
                    return None;
                }
                word = word << 4 | u16::try_from(char::from(byte).to_digit(16)?).ok()?;
            }
        }
    }
    if text.is_empty() || (digits == 0 && gap.is_none()) {
        return None;
    }
    words.push(word);
    fill_gap(&words, gap)
}

fn fill_gap(words: &[u16], gap: Option<usize>) -> Option<[u8; 16]> {
    let mut all = [0_u16; 8];
    match gap {
        Some(gap) if words.len() < 8 => {
            all[..gap].copy_from_slice(&words[..gap]);
            all[8 - (words.len() - gap)..].copy_from_slice(&words[gap..]);
        }
        None if words.len() == 8 => all.copy_from_slice(words),
        _ => return None,
    }
    let mut bytes = [0; 16];
    for (pair, word) in bytes.chunks_exact_mut(2).zip(all) {
        pair.copy_from_slice(&word.to_be_bytes());
    }
    Some(bytes)
}

/// As `ngx_inet6_ntop` writes it: the first longest run of zeros is left out,
/// and the end is written as IPv4 where that is usual.
fn write_ipv6(f: &mut fmt::Formatter<'_>, bytes: &[u8; 16]) -> fmt::Result {
    let word = |index: usize| u16::from_be_bytes([bytes[2 * index], bytes[2 * index + 1]]);
    let (gap, length) = longest_zeros(&std::array::from_fn(word));
    let mapped = gap == Some(0)
        && ((length == 5 && word(5) == 0xffff) || length == 6 || (length == 7 && bytes[14] != 0 && bytes[15] != 1));
    let end = if mapped { 6 } else { 8 };
    if gap == Some(0) {
        f.write_str(":")?;
    }
    let mut index = 0;
    while index < end {
        if gap == Some(index) {
            f.write_str(":")?;
            index += length;
            continue;
        }
        write!(f, "{:x}", word(index))?;
        if index < 7 {
            f.write_str(":")?;
        }
        index += 1;
    }
    if mapped {
        write!(f, "{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15])?;
    }
    Ok(())
}

/// Where the first longest run of two zeros or more begins, and its length.
fn longest_zeros(words: &[u16; 8]) -> (Option<usize>, usize) {
    let mut longest = (None, 1);
    let mut start = 0;
    for end in 1..=8 {
        if words[end - 1] != 0 {
            start = end;
        } else if end - start > longest.1 {
            longest = (Some(start), end - start);
        }
    }
    longest
}

/// An address or network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cidr {
    /// The first address; never a name or a socket.
    pub first: HostAddress,
    /// So many bits are the same in all of its addresses.
    pub prefix: u8,
    /// The text has bits set behind the prefix, which nginx clears with a
    /// warning.
    pub has_low_bits: bool,
}

/// An address or network in CIDR notation.
pub fn parse_cidr(text: &str) -> Option<Cidr> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let mut first = parse_literal(address)?;
    let bytes: &mut [u8] = match &mut first {
        HostAddress::Ipv4(bytes) => bytes,
        HostAddress::Ipv6(bytes) => bytes,
        HostAddress::Unix(_) | HostAddress::Name(_) => return None,
    };
    let width = bytes.len() * 8;
    let prefix = match prefix {
        Some(prefix) => usize::try_from(super::parse_number(prefix)?).ok().filter(|prefix| *prefix <= width)?,
        None => width,
    };
    let has_low_bits = clear_low_bits(bytes, prefix);
    Some(Cidr { first, prefix: prefix as u8, has_low_bits })
}

/// Clears what follows the prefix. True if something was set.
fn clear_low_bits(bytes: &mut [u8], prefix: usize) -> bool {
    let mut changed = false;
    for (index, byte) in bytes.iter_mut().enumerate() {
        let kept = prefix.saturating_sub(index * 8).min(8);
        let mask = if kept == 0 { 0 } else { 0xff << (8 - kept) };
        changed |= *byte & !mask != 0;
        *byte &= mask;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTEN: AddressForm = AddressForm { listen: true, uri: false, default_port: 80 };
    const URL: AddressForm = AddressForm { listen: false, uri: true, default_port: 80 };
    const PLAIN: AddressForm = AddressForm { listen: false, uri: false, default_port: 0 };

    /// Sockets of the first and last port, or nginx's words.
    fn read(text: &str, form: AddressForm) -> String {
        match parse_address(text, form) {
            Ok(address) => {
                let host = match &address.kind {
                    HostAddress::Name(name) => format!("{name}:{}", address.port),
                    _ => address.socket(address.port).map(|socket| socket.to_string()).unwrap_or_default(),
                };
                let last =
                    if address.last_port > address.port { format!("-{}", address.last_port) } else { String::new() };
                format!("{host}{last}{}", address.uri.map(|uri| format!(" {uri}")).unwrap_or_default())
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn addresses_are_read_as_nginx_reads_them() {
        let long = format!("unix:{}", "a".repeat(107));
        let too_long = format!("unix:{}", "a".repeat(108));
        let table = [
            (LISTEN, "80", "0.0.0.0:80"),
            (LISTEN, "*:80", "0.0.0.0:80"),
            (LISTEN, "0.0.0.0:80", "0.0.0.0:80"),
            (LISTEN, "...:80", "0.0.0.0:80"),
            (LISTEN, "*", "0.0.0.0:80"),
            (LISTEN, "127.0.0.1", "127.0.0.1:80"),
            (LISTEN, "127.1.:80", "127.1.:80"),
            (LISTEN, "010.0.0.1:80", "10.0.0.1:80"),
            (LISTEN, "1..2.3", "1.0.2.3:80"),
            (LISTEN, "8000-8002", "0.0.0.0:8000-8002"),
            (LISTEN, "127.0.0.1:8000-8002", "127.0.0.1:8000-8002"),
            (LISTEN, "[::1]:8000-8002", "[::1]:8000-8002"),
            (LISTEN, "[::]:80", "[::]:80"),
            (LISTEN, "[::]", "[::]:80"),
            (LISTEN, "0", "invalid port"),
            (LISTEN, "65536", "invalid port"),
            (LISTEN, "80-65536", "invalid port"),
            (LISTEN, "80-", "80-:80"),
            (LISTEN, "80a", "80a:80"),
            (LISTEN, "a-65536", "a-65536:80"),
            (LISTEN, "8002-8000", "invalid port range"),
            (LISTEN, "127.0.0.1:", "invalid port"),
            (LISTEN, "127.0.0.1:8002-8000", "invalid port range"),
            (LISTEN, "127.0.0.1:80-", "invalid port"),
            (LISTEN, "127.0.0.256:80", "127.0.0.256:80"),
            (LISTEN, "255.255.255.255:80", "255.255.255.255:80"),
            (LISTEN, ":80", "no host"),
            (LISTEN, "", "no host"),
            (LISTEN, "::1", "invalid port"),
            (LISTEN, "a:1:2", "invalid port"),
            (LISTEN, "localhost/", "invalid host"),
            (LISTEN, "[::1", "invalid host"),
            (LISTEN, "[::1]80", "invalid host"),
            (LISTEN, "[]:80", "no host"),
            (LISTEN, "[::g]:80", "invalid IPv6 address"),
            (LISTEN, "unix:/run/a.sock", "unix:/run/a.sock"),
            (LISTEN, "UNIX:a", "unix:a"),
            (LISTEN, "unix:", "no path in the unix domain socket"),
            (LISTEN, "unix:a:b", "unix:a:b"),
            (LISTEN, &long, &long),
            (LISTEN, &too_long, "too long path in the unix domain socket"),
            (URL, "app:8080/x?a=1", "app:8080 /x?a=1"),
            (URL, "app?a=/", "app:80 ?a=/"),
            (URL, "app/x:y", "app:80 /x:y"),
            (URL, "[::1]/x", "[::1]:80 /x"),
            (URL, "[::1]?x", "invalid host"),
            (URL, "[::1]:81/x", "[::1]:81 /x"),
            (URL, "unix:/a:/b", "unix:/a /b"),
            (URL, "/x", "no host"),
            (PLAIN, "app", "app:0"),
            (PLAIN, "app:80-90", "invalid port"),
            (PLAIN, "app/", "invalid host"),
            (PLAIN, "*:80", "*:80"),
            (PLAIN, "8080", "8080:0"),
        ];
        for (form, text, expected) in table {
            assert_eq!(read(text, form), expected, "{text}");
        }
    }

    #[test]
    fn ipv6_addresses_are_written_as_nginx_writes_them() {
        let table = [
            ("::", "::"),
            ("::1", "::1"),
            ("1::", "1::"),
            ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
            ("::1.2.3.4", "::1.2.3.4"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("fe80::1:2", "fe80::1:2"),
            (":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ];
        for (text, expected) in table {
            let host = parse_ipv6(text).map(HostAddress::Ipv6).expect(text);
            assert_eq!(SocketAddress { host, port: 9 }.to_string(), format!("[{expected}]:9"), "{text}");
        }
        for text in
            ["", ":", ":::", "1:2", "12345::", "::g", "1:2:3:4:5:6:7:8:9", "::1::2", "::1.2.3", "1.2.3.4", "::1:"]
        {
            assert_eq!(parse_ipv6(text).is_some(), text == "::1:", "{text}");
        }
    }

    #[test]
    fn local_addresses_are_no_names() {
        let table = [
            ("127.0.0.1", true),
            ("127.0.0.1:80", true),
            ("::1", true),
            ("[::1]", true),
            ("[::1]:80", true),
            ("[::1]80", false),
            ("127.0.0.1:0", false),
            ("127.0.0.1:", false),
            ("localhost", false),
            ("unix:/a", false),
            ("", false),
        ];
        for (text, expected) in table {
            assert_eq!(parse_local_address(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn networks_are_read_as_nginx_reads_them() {
        let table = [
            ("10.0.0.0/8", Some((8, false))),
            ("10.0.0.1/8", Some((8, true))),
            ("10.0.0.1", Some((32, false))),
            ("0.0.0.0/0", Some((0, false))),
            ("1.2.3.4/0", Some((0, true))),
            ("10.0.0.0/33", None),
            ("10.0.0.0/", None),
            ("10.0.0.0/08", Some((8, false))),
            ("10.0.0.0/255.0.0.0", None),
            ("10/8", None),
            ("255.255.255.255", None),
            ("::/0", Some((0, false))),
            ("2001:db8::/32", Some((32, false))),
            ("2001:db8::1/32", Some((32, true))),
            ("::1/129", None),
            ("[::1]", None),
            ("localhost", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_cidr(text).map(|cidr| (cidr.prefix, cidr.has_low_bits)), expected, "{text}");
        }
    }
}
