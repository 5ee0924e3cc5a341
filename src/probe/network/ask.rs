//! Questions to the name servers of a `resolver`, as nginx asks them: for A
//! and AAAA at the same time, over UDP, over TCP when an answer is too long.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use crate::facts::{Question, QuestionFailure};

use super::super::Options;
use super::connect::words_of;
use super::plan::Asked;
use super::pool;

/// How long an answer is waited for, and how often it is asked for.
const TIME: Duration = Duration::from_secs(2);
const TRIES: usize = 2;

/// So many names that stand for another name are followed.
const ALIASES: usize = 4;

/// Asks them all at the same time.
pub(super) fn ask<'a>(
    questions: impl Iterator<Item = &'a Asked>,
    options: &Options,
    step: &(dyn Fn() + Sync),
) -> Vec<Question> {
    let questions: Vec<&Asked> = questions.collect();
    let time = TIME.min(options.connect_cap);
    let threads = pool::threads_for(questions.len());
    pool::run(questions, threads, |asked| {
        let answer = ask_one(asked, time);
        step();
        answer
    })
    .into_iter()
    .flatten()
    .collect()
}

fn ask_one(asked: &Asked, time: Duration) -> Option<Question> {
    let server = asked.server.address()?;
    let mut question = Question { name_server: server.to_string(), name: asked.name.clone(), ..Question::default() };
    let Some(mut name) = name_of(&asked.name) else {
        question.failure = Some(QuestionFailure::NoSuchName);
        question.error = Some("it cannot be a name of DNS".to_owned());
        return Some(question);
    };
    let kinds = [(asked.ipv4, RecordType::A), (asked.ipv6, RecordType::AAAA)];
    let kinds: Vec<RecordType> = kinds.into_iter().filter(|(on, _)| *on).map(|(_, kind)| kind).collect();
    let deadline = Instant::now() + time * TRIES as u32;
    for _ in 0..=ALIASES {
        let answers = match exchange(server, &name, &kinds, time, deadline) {
            Ok(answers) => answers,
            Err(error) => {
                question.failure = Some(failure_of(&error));
                question.error = Some(words_of(&error));
                return Some(question);
            }
        };
        let addresses = answers.iter().flatten().flat_map(addresses_in);
        question.addresses = addresses.map(|address| address.to_string()).collect();
        let missing = kinds.iter().zip(&answers).find(|(_, answer)| answer.is_none());
        question.failure = why_none(&question.addresses, &answers);
        question.error = missing.map(|(kind, _)| format!("no answer to the question for {kind}"));
        let alias = answers.iter().flatten().find_map(|answer| alias_in(answer, &name));
        match alias.filter(|_| question.failure == Some(QuestionFailure::NoAddress)) {
            Some(alias) => name = alias,
            None => break,
        }
    }
    Some(question)
}

fn name_of(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn addresses_in(message: &Message) -> impl Iterator<Item = IpAddr> {
    message.answers.iter().filter_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    })
}

/// The name that this one stands for in the end, as far as the answer goes.
fn alias_in(message: &Message, name: &Name) -> Option<Name> {
    let mut alias: Option<&Name> = None;
    for _ in 0..=ALIASES {
        let current = alias.unwrap_or(name);
        let next = message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(other) if record.name == *current => Some(&other.0),
            _ => None,
        });
        match next {
            Some(next) => alias = Some(next),
            None => break,
        }
    }
    alias.cloned()
}

fn why_none(addresses: &[String], answers: &[Option<Message>]) -> Option<QuestionFailure> {
    if !addresses.is_empty() {
        return None;
    }
    let codes = answers.iter().flatten().map(|answer| answer.metadata.response_code);
    let failed = codes.into_iter().find(|code| *code != ResponseCode::NoError);
    Some(match failed {
        Some(ResponseCode::NXDomain) => QuestionFailure::NoSuchName,
        Some(ResponseCode::ServFail) => QuestionFailure::ServerFailure,
        Some(ResponseCode::Refused) => QuestionFailure::Refused,
        Some(_) => QuestionFailure::Other,
        None if answers.iter().any(Option::is_none) => QuestionFailure::TimedOut,
        None => QuestionFailure::NoAddress,
    })
}

fn failure_of(error: &io::Error) -> QuestionFailure {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => QuestionFailure::TimedOut,
        _ => QuestionFailure::Unreachable,
    }
}

/// The answers for each kind of record, where they came.
fn exchange(
    server: SocketAddr,
    name: &Name,
    kinds: &[RecordType],
    time: Duration,
    deadline: Instant,
) -> io::Result<Vec<Option<Message>>> {
    let own: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(own)?;
    socket.connect(server)?;
    let queries: Vec<Message> = kinds.iter().map(|kind| query(name, *kind)).collect();
    let mut answers: Vec<Option<Message>> = vec![None; kinds.len()];
    for _ in 0..TRIES {
        let until = deadline.min(Instant::now() + time);
        for (query, _) in queries.iter().zip(&answers).filter(|(_, answer)| answer.is_none()) {
            socket.send(&encode(query)?)?;
        }
        while answers.iter().any(Option::is_none) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let mut buffer = [0; 4096];
            socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            let length = match socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // Nothing listens there.
                Err(error) => return Err(error),
            };
            let Ok(answer) = Message::from_vec(&buffer[..length]) else { continue };
            let asked = queries.iter().position(|query| answers_to(query, &answer));
            if let Some(index) = asked {
                answers[index] = Some(whole(server, &queries[index], answer, deadline));
            }
        }
    }
    Ok(answers)
}

fn query(name: &Name, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name.clone(), kind));
    message
}

fn encode(query: &Message) -> io::Result<Vec<u8>> {
    query.to_vec().map_err(|error| io::Error::new(ErrorKind::InvalidInput, error.to_string()))
}

fn answers_to(query: &Message, answer: &Message) -> bool {
    let is_same = |one: &Query, other: &Query| one.name == other.name && one.query_type == other.query_type;
    answer.metadata.id == query.metadata.id
        && answer.metadata.message_type == MessageType::Response
        && answer.queries.iter().zip(&query.queries).all(|(one, other)| is_same(one, other))
}

/// The answer over TCP when the one over UDP had no room for an address.
fn whole(server: SocketAddr, query: &Message, answer: Message, deadline: Instant) -> Message {
    if !answer.metadata.truncation || addresses_in(&answer).next().is_some() {
        return answer;
    }
    over_tcp(server, query, deadline).ok().filter(|answer| answers_to(query, answer)).unwrap_or(answer)
}

fn over_tcp(server: SocketAddr, query: &Message, deadline: Instant) -> io::Result<Message> {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let mut stream = TcpStream::connect_timeout(&server, left)?;
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))?;
    let query = encode(query)?;
    let mut bytes = (query.len() as u16).to_be_bytes().to_vec();
    bytes.extend(query);
    stream.write_all(&bytes)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    Message::from_vec(&answer).map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))
}
