//! One greeting on a connection, and what comes back.

use std::time::{Duration, Instant};

use crate::facts::{Conversation, Heard, Said, TlsHeard};
use crate::model::Handshake;

use super::certificate::read;
use super::hello::{self, Answer};
use super::plan::{Check, Greeting};
use super::socket::{Ended, Socket};
use super::tls::{self, Session, Shaken};
use super::trust::{Trusted, Verdict};

/// How long an answer to a greeting is waited for.
const ANSWER: Duration = Duration::from_millis(1500);

/// How long a server that was told nothing may take to speak.
const BANNER: Duration = Duration::from_millis(500);

/// How long an answer to a request is waited for, and the end of an idle
/// connection.
const REQUEST: Duration = Duration::from_secs(6);
const IDLE: Duration = Duration::from_secs(6);

/// How long the rest of a first line is waited for, and how long it can be.
const REST: Duration = Duration::from_millis(100);
const LONGEST_LINE: usize = 512;
const LONGEST_TEXT: usize = 120;

/// The head of an answer is not longer than this.
const LONGEST_HEAD: usize = 64 * 1024;

/// A question of FastCGI for three values that every server knows.
const GET_VALUES: &[u8] = b"\x01\x09\x00\x00\x00\x30\x00\x00\
    \x0e\x00FCGI_MAX_CONNS\x0d\x00FCGI_MAX_REQS\x0f\x00FCGI_MPXS_CONNS";

/// The beginning of HTTP/2, and settings that ask for nothing.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// What was said and heard.
#[derive(Default)]
pub(super) struct Talk {
    pub(super) conversations: Vec<Conversation>,
    /// Why something of it is not known.
    pub(super) not_examined: Vec<String>,
}

/// Whether nothing at all came back: whoever waits for it once need not wait
/// again.
pub(super) fn is_mute(conversation: &Conversation) -> bool {
    conversation.heard == Heard::Silence && conversation.said != Said::Nothing
}

/// Whether a request without TLS was refused, as a server refuses it that
/// speaks TLS.
pub(super) fn is_refused_request(conversation: &Conversation) -> bool {
    let text = conversation.text.as_deref().unwrap_or_default();
    let is_good = conversation.heard == Heard::Http && text.split(' ').nth(1) != Some("400");
    conversation.said == Said::Request && !is_good
}

/// Says a greeting. `again` connects once more, where an answer leaves it open
/// whether nginx would have got another.
pub(super) fn converse(
    mut socket: Socket,
    greeting: &Greeting,
    checks: &[Check],
    trusted: &Trusted,
    again: &dyn Fn() -> Option<Socket>,
) -> Talk {
    let start = Instant::now();
    if let Some(handshake) = &greeting.tls {
        return over_tls(socket, greeting, handshake, checks, trusted, again);
    }
    let request = request(&greeting.host);
    let (words, time): (&[u8], Duration) = match greeting.said {
        Said::Nothing | Said::Tls => (b"", BANNER),
        Said::Http2 => (HTTP2, ANSWER),
        Said::Fastcgi => (GET_VALUES, ANSWER),
        Said::Memcached => (b"version\r\n", ANSWER),
        Said::Request => (request.as_bytes(), REQUEST),
    };
    if !words.is_empty() {
        socket.send(words, start + time);
    }
    let mut line = Line::new(|into: &mut Vec<u8>, deadline| socket.receive(into, deadline));
    let ended = line.read(start + time);
    let mut conversation = heard(&line.bytes, ended, greeting.said);
    if greeting.said == Said::Request && conversation.heard == Heard::Http {
        conversation.idle_milliseconds = line.idle(start + time);
    }
    Talk { conversations: vec![conversation], not_examined: Vec::new() }
}

fn over_tls(
    socket: Socket,
    greeting: &Greeting,
    handshake: &Handshake,
    checks: &[Check],
    trusted: &Trusted,
    again: &dyn Fn() -> Option<Socket>,
) -> Talk {
    let mut talk = Talk::default();
    let deadline = Instant::now() + ANSWER;
    let mut shaken = match tls::shake(socket, handshake, greeting.client.as_ref(), deadline) {
        Ok(shaken) => shaken,
        Err(why) => {
            talk.not_examined.push(why);
            return talk;
        }
    };
    if shaken.heard == Heard::TlsFailed && shaken.may_be_ours {
        try_again(&mut shaken, handshake, again, &mut talk);
    }
    if let (Some(why), true) = (&shaken.no_certificate, shaken.tls.asks_for_certificate) {
        talk.not_examined.push(format!("the certificate of nginx cannot be shown: {why}"));
        return talk;
    }
    if !talk.not_examined.is_empty() {
        return talk;
    }
    let mut one = Conversation { said: Said::Tls, heard: shaken.heard, ..Conversation::default() };
    if shaken.heard == Heard::Other {
        one = heard(&shaken.plain, None, Said::Tls);
    }
    one.server_name.clone_from(&handshake.server_name);
    one.versions = handshake.versions();
    one.asks_for_http2 = handshake.http2;
    one.client_certificate = handshake.client.as_ref().map(|(certificate, _)| certificate.clone());
    let session = shaken.session.take();
    if matches!(shaken.heard, Heard::Tls | Heard::TlsFailed) {
        for tls in judged(&mut shaken, checks, trusted, &mut talk) {
            talk.conversations.push(Conversation { tls: Some(tls), ..one.clone() });
        }
    } else {
        talk.conversations.push(one);
    }
    match session {
        Some(session) if greeting.said == Said::Request => {
            let first = talk.conversations.first().cloned().unwrap_or_default();
            talk.conversations.push(ask(session, &greeting.host, first));
        }
        Some(session) => session.end(Instant::now() + REST),
        None => {}
    }
    talk
}

/// Says hello with all that OpenSSL can do, to tell a server that does not
/// want to speak with nginx from one that only does not want to speak here.
fn try_again(shaken: &mut Shaken, handshake: &Handshake, again: &dyn Fn() -> Option<Socket>, talk: &mut Talk) {
    let Some(socket) = again() else {
        talk.not_examined.push("a second connection was not accepted".to_owned());
        return;
    };
    match hello::say(socket, handshake, Instant::now() + ANSWER) {
        Answer::GoesOn(3, minor @ 3..) => {
            // The version of TLS 1.3 stands elsewhere, and is not asked for.
            let version = (minor == 3 && !handshake.tls13).then(|| "TLSv1.2".to_owned());
            shaken.heard = Heard::Tls;
            shaken.chain.clear();
            shaken.tls = TlsHeard { version, ..TlsHeard::default() };
        }
        Answer::GoesOn(..) if handshake.older => {
            talk.not_examined.push("it speaks a version of TLS before 1.2, which is not spoken here".to_owned());
        }
        Answer::GoesOn(..) => shaken.fail("protocol version".to_owned()),
        Answer::Alert(alert) if alert == 70 && handshake.older => {
            talk.not_examined.push("it may speak a version of TLS before 1.2, which is not spoken here".to_owned());
        }
        Answer::Alert(alert) => shaken.fail(tls::alert_in_words(alert.into())),
        Answer::Other => {}
    }
}

/// What the handshake tells, once for each way in which the certificate is
/// verified.
fn judged(shaken: &mut Shaken, checks: &[Check], trusted: &Trusted, talk: &mut Talk) -> Vec<TlsHeard> {
    let read: Option<Vec<_>> = shaken.chain.iter().map(|der| Some(read(der)?.certificate)).collect();
    match read {
        Some(chain) => shaken.tls.chain = chain,
        None => talk.not_examined.push("one of its certificates cannot be read".to_owned()),
    }
    if shaken.heard == Heard::Tls && shaken.chain.is_empty() {
        talk.not_examined.push("its certificate: the handshake was not brought to its end here".to_owned());
    }
    let mut all = Vec::new();
    for check in checks.iter().filter(|_| !shaken.chain.is_empty()) {
        let mut tls = shaken.tls.clone();
        let distrust = match trusted.judge(check, &shaken.chain) {
            Verdict::Trusted => None,
            Verdict::Distrusted(why) => Some(why),
            Verdict::Unknown(why) => {
                talk.not_examined.push(why);
                continue;
            }
        };
        tls.trusted = Some(check.trusted.display().to_string());
        tls.verified_name = Some(check.verification.name.clone());
        tls.distrust = distrust;
        all.push(tls);
    }
    if all.is_empty() {
        all.push(shaken.tls.clone());
    }
    all
}

/// A request over TLS.
fn ask(mut session: Session, host: &str, first: Conversation) -> Conversation {
    let deadline = Instant::now() + REQUEST;
    session.send(request(host).as_bytes(), deadline);
    let mut line = Line::new(|into: &mut Vec<u8>, deadline| session.receive(into, deadline));
    let ended = line.read(deadline);
    let mut conversation = heard(&line.bytes, ended, Said::Request);
    if conversation.heard == Heard::Http {
        conversation.idle_milliseconds = line.idle(deadline);
    }
    let Conversation { heard, text, idle_milliseconds, .. } = conversation;
    Conversation { said: Said::Request, heard, text, idle_milliseconds, ..first }
}

fn request(host: &str) -> String {
    format!("HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: nginx-lint\r\nAccept: */*\r\n\r\n")
}

/// What comes back, read as far as it is needed.
struct Line<R> {
    receive: R,
    bytes: Vec<u8>,
}

impl<R: FnMut(&mut Vec<u8>, Instant) -> Result<(), Ended>> Line<R> {
    fn new(receive: R) -> Line<R> {
        Line { receive, bytes: Vec::new() }
    }

    /// Reads the first line; when nothing comes, how that ended.
    fn read(&mut self, deadline: Instant) -> Option<Ended> {
        if let Err(ended) = (self.receive)(&mut self.bytes, deadline) {
            return Some(ended);
        }
        let deadline = Instant::now() + REST;
        while !self.bytes.contains(&b'\n') && self.bytes.len() < LONGEST_LINE {
            if (self.receive)(&mut self.bytes, deadline).is_err() {
                break;
            }
        }
        None
    }

    /// After so many milliseconds the other side ends the connection that it
    /// kept; none when it did not keep it, or keeps it for longer.
    fn idle(&mut self, deadline: Instant) -> Option<u64> {
        while !has_end_of_head(&self.bytes) {
            if self.bytes.len() > LONGEST_HEAD || (self.receive)(&mut self.bytes, deadline).is_err() {
                return None;
            }
        }
        if !is_kept(&self.bytes) {
            return None;
        }
        let start = Instant::now();
        loop {
            self.bytes.clear();
            match (self.receive)(&mut self.bytes, start + IDLE) {
                Ok(()) => {}
                Err(Ended::Silence) => return None,
                Err(Ended::Closed | Ended::Reset) => return u64::try_from(start.elapsed().as_millis()).ok(),
            }
        }
    }
}

fn has_end_of_head(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|four| four == b"\r\n\r\n") || bytes.windows(2).any(|two| two == b"\n\n")
}

fn is_kept(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let connection = headers.find(|(name, _)| name.trim() == "connection").map(|(_, value)| value.trim());
    connection != Some("close") && !head.starts_with("http/1.0")
}

/// What bytes are, or how it ended when there are none.
fn heard(bytes: &[u8], ended: Option<Ended>, said: Said) -> Conversation {
    let mut conversation = Conversation { said, ..Conversation::default() };
    if bytes.is_empty() {
        conversation.heard = ended.unwrap_or(Ended::Silence).heard();
        return conversation;
    }
    conversation.heard = classify(bytes, said);
    if conversation.heard == Heard::TlsFailed {
        conversation.tls = Some(TlsHeard { problem: tls::alert_in(bytes), ..TlsHeard::default() });
    } else {
        conversation.text = first_line(bytes);
    }
    conversation
}

fn classify(bytes: &[u8], said: Said) -> Heard {
    match (said, bytes) {
        (_, [b'H', b'T', b'T', b'P', b'/', ..]) => Heard::Http,
        _ if is_page(bytes) => Heard::Http,
        _ if tls::is_record(bytes) => Heard::TlsFailed,
        (Said::Http2 | Said::Nothing, [0, _, _, 4, 0 | 1, 0, 0, 0, 0, ..]) => Heard::Http2,
        (Said::Fastcgi, [1, 1..=11, ..]) => Heard::Fastcgi,
        (Said::Memcached, _) if bytes.starts_with(b"VERSION ") => Heard::Memcached,
        _ => Heard::Other,
    }
}

/// A server that takes what it cannot read for HTTP/0.9 answers with a page
/// alone.
fn is_page(bytes: &[u8]) -> bool {
    let starts = |word: &[u8]| bytes.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    starts(b"<!doctype html") || starts(b"<html")
}

/// The first line, when it is text.
fn first_line(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let text: String = String::from_utf8_lossy(line).chars().take(LONGEST_TEXT).collect();
    let is_text = !text.is_empty() && text.chars().all(|c| !c.is_control() && c != char::REPLACEMENT_CHARACTER);
    is_text.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_who_speaks() {
        use Heard::*;
        let table: [(Said, &[u8], Heard, Option<&str>); 13] = [
            (Said::Tls, b"HTTP/1.1 400 Bad Request\r\nServer: x", Http, Some("HTTP/1.1 400 Bad Request")),
            (Said::Tls, b"<!DOCTYPE HTML>\n<html>", Http, Some("<!DOCTYPE HTML>")),
            (Said::Nothing, b"SSH-2.0-OpenSSH_9.2\r\n", Other, Some("SSH-2.0-OpenSSH_9.2")),
            (Said::Nothing, b"220 mail.example ESMTP\r\n", Other, Some("220 mail.example ESMTP")),
            (Said::Memcached, b"-ERR unknown command\r\n", Other, Some("-ERR unknown command")),
            (Said::Memcached, b"VERSION 1.6.18\r\n", Memcached, Some("VERSION 1.6.18")),
            (Said::Fastcgi, b"\x01\x0a\x00\x00\x00\x00\x00\x00", Fastcgi, None),
            (Said::Fastcgi, b"\x01\x0c\x00\x00\x00\x00\x00\x00", Other, None),
            (Said::Http2, b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", Http2, None),
            (Said::Http2, b"\x15\x03\x03\x00\x02\x02\x46", TlsFailed, None),
            (Said::Request, b"\x15\x03\x01\x00\x02\x02\x28", TlsFailed, None),
            (Said::Nothing, b"J\x00\x00\x00\x0a8.0.32\x00", Other, None),
            (Said::Tls, b"", Silence, None),
        ];
        for (said, bytes, expected, text) in table {
            let conversation = heard(bytes, None, said);
            assert_eq!((conversation.heard, conversation.text.as_deref()), (expected, text), "{bytes:?}");
        }
    }

    #[test]
    fn a_server_says_whether_it_keeps_the_connection() {
        let table: [(&[u8], bool); 4] = [
            (b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", true),
            (b"HTTP/1.1 200 OK\r\n\r\n", true),
            (b"HTTP/1.1 200 OK\r\nconnection: Close\r\n\r\n", false),
            (b"HTTP/1.0 200 OK\r\n\r\n", false),
        ];
        for (head, expected) in table {
            assert_eq!(is_kept(head), expected);
        }
    }

    #[test]
    fn a_question_of_fastcgi_says_its_own_length() {
        let length = usize::from(u16::from_be_bytes([GET_VALUES[4], GET_VALUES[5]]));
        assert_eq!(GET_VALUES.len(), 8 + length);
    }
}
