//! What nginx talks to in a proof: small servers on 127.0.0.1 that behave in
//! one way each and keep count.

use super::dns;
use super::port::Port;
use super::schema::Kind;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// What a backend saw.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Connections it accepted.
    pub connections: usize,
    /// Requests it read.
    pub received: usize,
    /// The most requests that were with it at the same time.
    pub at_once: usize,
}

/// A server; dropping it stops it.
pub struct Backend {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    /// Of a backend that does not listen.
    _port: Option<Port>,
}

struct Shared {
    name: String,
    kind: Kind,
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Default)]
struct State {
    seen: Seen,
    /// Requests that are with the backend now.
    present: usize,
    stopping: bool,
    /// Where our own connection comes from that ends the accepting.
    last_caller: Option<SocketAddr>,
    open: Vec<TcpStream>,
}

impl Backend {
    /// Starts a server of a kind on a port of the system's choice.
    pub fn start(name: &str, kind: Kind) -> io::Result<Backend> {
        let state = Mutex::default();
        let shared = Arc::new(Shared { name: name.to_owned(), kind, state, stopped: Condvar::new() });
        match shared.kind {
            Kind::Closed => {
                let port = Port::reserve()?;
                return Ok(Backend { address: port.address(), shared, acceptor: None, _port: Some(port) });
            }
            Kind::Dns(_) => return Backend::start_dns(shared),
            _ => {}
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let server = Arc::clone(&shared);
        let acceptor = Some(thread::spawn(move || accept(&listener, &server)));
        Ok(Backend { address, shared, acceptor, _port: None })
    }

    fn start_dns(shared: Arc<Shared>) -> io::Result<Backend> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = socket.local_addr()?;
        let server = Arc::clone(&shared);
        let acceptor = Some(thread::spawn(move || {
            let Kind::Dns(records) = &server.kind else { return };
            dns::serve(&socket, records.as_deref(), || server.lock().seen.received += 1);
        }));
        Ok(Backend { address, shared, acceptor, _port: None })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it and returns what it saw. Connections that wait to be accepted
    /// are counted.
    pub fn stop(mut self) -> Seen {
        self.shut_down();
        self.shared.lock().seen
    }

    fn shut_down(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        if let Kind::Dns(_) = self.shared.kind {
            // What nginx asked before is read before.
            let _ = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.send_to(&[], self.address));
        } else {
            // Locked, so that our connection is known before it is accepted.
            // It is accepted after all that came before it.
            let mut state = self.shared.lock();
            state.stopping = true;
            state.last_caller = TcpStream::connect(self.address).and_then(|caller| caller.local_addr()).ok();
            state.open.iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
        }
        self.shared.stopped.notify_all();
        let _ = acceptor.join();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection. False for the one that ends the accepting.
    fn arrived(&self, stream: &TcpStream, caller: SocketAddr) -> bool {
        let mut state = self.lock();
        if state.last_caller == Some(caller) {
            return false;
        }
        state.seen.connections += 1;
        match stream.try_clone() {
            Ok(_) if state.stopping => drop(stream.shutdown(Shutdown::Both)),
            Ok(clone) => state.open.push(clone),
            Err(_) => drop(stream.shutdown(Shutdown::Both)),
        }
        true
    }

    /// What a request said, as an answer: each line after the backend's name.
    fn told(&self, request: &str) -> String {
        request.lines().map(|line| format!("{}: {line}\n", self.name)).collect()
    }

    /// Keeps a request for as long as this kind of backend takes.
    fn work(&self) {
        let mut state = self.lock();
        state.seen.received += 1;
        state.present += 1;
        state.seen.at_once = state.seen.at_once.max(state.present);
        if let Kind::Slow(time) = self.kind {
            let waited = self.stopped.wait_timeout_while(state, time, |state| !state.stopping);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // Before the answer: nginx may send the next request as soon as it has it.
        state.present -= 1;
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    while let Ok((stream, caller)) = listener.accept() {
        if !shared.arrived(&stream, caller) {
            break;
        }
        if matches!(shared.kind, Kind::OneWorker | Kind::FastCgiOneWorker) {
            // Whoever comes meanwhile waits until this connection is closed.
            let _ = serve(shared, stream);
            continue;
        }
        let shared = Arc::clone(shared);
        // An error is nginx going away, which it may.
        connections.push(thread::spawn(move || drop(serve(&shared, stream))));
    }
    connections.into_iter().for_each(|connection| drop(connection.join()));
}

fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    let result = match shared.kind {
        Kind::Http | Kind::Slow(_) | Kind::OneWorker => serve_http(shared, &stream),
        Kind::FastCgi | Kind::FastCgiOneWorker => serve_fastcgi(shared, &stream),
        Kind::Silent => read_away(&stream),
        // Closing with unread bytes would be a reset, or not, as it happens.
        // An end of sending, then reading on, is the same every time.
        Kind::HangUp => stream.shutdown(Shutdown::Write).and_then(|()| read_away(&stream)),
        Kind::Sends(ref text) => serve_text(text, &stream),
        Kind::Closed | Kind::Dns(_) => Ok(()),
    };
    // The clone that `Shared` keeps would hold the connection open.
    let _ = stream.shutdown(Shutdown::Both);
    result
}

fn serve_text(text: &str, mut stream: &TcpStream) -> io::Result<()> {
    if stream.read(&mut [0; 4096])? > 0 {
        stream.write_all(text.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        read_away(stream)?;
    }
    Ok(())
}

fn read_away(mut stream: &TcpStream) -> io::Result<()> {
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

// HTTP

fn serve_http(shared: &Shared, stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(head) = read_head(&mut reader)? {
        let length = header(&head, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        shared.work();
        let keep = keeps_alive(&head);
        let connection = if keep { "keep-alive" } else { "close" };
        let body = shared.told(head.trim_end());
        let length = body.len();
        let mut stream = stream;
        stream.write_all(
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n{body}").as_bytes(),
        )?;
        if !keep {
            break;
        }
    }
    Ok(())
}

/// The request line and the headers, or nothing when the connection ended.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while reader.read_until(b'\n', &mut head)? > 0 {
        if head.ends_with(b"\r\n\r\n") {
            // A path may have bytes that are no text.
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
    }
    Ok(None)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn keeps_alive(head: &str) -> bool {
    let connection = header(head, "connection").unwrap_or_default();
    let is_1_1 = head.lines().next().is_some_and(|line| line.ends_with("HTTP/1.1"));
    if is_1_1 { !connection.eq_ignore_ascii_case("close") } else { connection.eq_ignore_ascii_case("keep-alive") }
}

// FastCGI: records of an eight-byte head and a content.

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

fn serve_fastcgi(shared: &Shared, mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut params = Vec::new();
    let mut keep = false;
    loop {
        let (kind, content) = read_record(&mut reader)?;
        match kind {
            BEGIN_REQUEST => keep = content.get(2).is_some_and(|flags| flags & 1 == 1),
            PARAMS => params.extend(content),
            STDIN if content.is_empty() => {
                shared.work();
                let page = format!("Content-Type: text/plain\r\n\r\n{}", shared.told(&listed(&params)));
                let mut answer = record(STDOUT, page.as_bytes());
                answer.extend(record(STDOUT, b""));
                answer.extend(record(END_REQUEST, &[0; 8]));
                stream.write_all(&answer)?;
                params.clear();
                if !keep {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
}

fn read_record(reader: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 8];
    reader.read_exact(&mut head)?;
    let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
    let mut content = vec![0; length + usize::from(head[6])];
    reader.read_exact(&mut content)?;
    content.truncate(length);
    Ok((head[1], content))
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    // A page is one record: at most 64 KiB of parameters.
    let content = &content[..content.len().min(usize::from(u16::MAX))];
    let [high, low] = (content.len() as u16).to_be_bytes();
    let mut record = vec![1, kind, 0, 1, high, low, 0, 0];
    record.extend_from_slice(content);
    record
}

/// Parameters as lines `NAME=value`.
fn listed(mut params: &[u8]) -> String {
    let mut lines = String::new();
    while let Some((name, value)) = next_param(&mut params) {
        lines.push_str(&format!("{}={}\n", String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
    }
    lines
}

fn next_param<'a>(params: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let name = next_length(params)?;
    let value = next_length(params)?;
    let (name, rest) = params.split_at_checked(name)?;
    let (value, rest) = rest.split_at_checked(value)?;
    *params = rest;
    Some((name, value))
}

/// One byte, or four when the first bit is set.
fn next_length(params: &mut &[u8]) -> Option<usize> {
    let (&first, rest) = params.split_first()?;
    if first < 0x80 {
        *params = rest;
        return Some(usize::from(first));
    }
    let (bytes, rest) = params.split_first_chunk::<4>()?;
    *params = rest;
    Some((u32::from_be_bytes(*bytes) & 0x7fff_ffff) as usize)
}
