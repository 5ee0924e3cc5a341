//! A client that sends one request over one connection and times the answer.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How long all answers together may take.
const PATIENCE: Duration = Duration::from_secs(12);

/// What came back.
pub struct Answer {
    /// None when the connection ended without an answer.
    pub status: Option<u16>,
    /// Head and body.
    pub text: String,
    /// From the request to the end of the answer.
    pub took: Duration,
}

/// Sends requests one after another.
pub fn ask_in_order(address: SocketAddr, requests: &[Vec<u8>]) -> Result<Vec<Answer>, String> {
    let deadline = Instant::now() + PATIENCE;
    requests.iter().map(|request| ask(connect(address)?, request, deadline)).collect()
}

/// Sends requests at once: all connections are open before the first request
/// is sent.
pub fn ask_at_once(address: SocketAddr, requests: &[Vec<u8>]) -> Result<Vec<Answer>, String> {
    let deadline = Instant::now() + PATIENCE;
    let connections: Result<Vec<TcpStream>, String> = requests.iter().map(|_| connect(address)).collect();
    let pairs = connections?.into_iter().zip(requests);
    thread::scope(|scope| {
        let threads: Vec<_> =
            pairs.map(|(connection, request)| scope.spawn(move || ask(connection, request, deadline))).collect();
        threads.into_iter().map(|thread| thread.join().expect("asking does not panic")).collect()
    })
}

fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| format!("cannot connect to nginx: {error}"))
}

fn ask(mut connection: TcpStream, request: &[u8], deadline: Instant) -> Result<Answer, String> {
    let start = Instant::now();
    connection.set_write_timeout(Some(PATIENCE)).map_err(|error| format!("cannot limit the wait: {error}"))?;
    // nginx may answer and close before it has read everything: what it
    // answered counts, not that it closed.
    let _ = connection.write_all(request);
    let answer = read_to_end(&mut connection, deadline)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    Ok(Answer { status: status(&text), text, took: start.elapsed() })
}

fn read_to_end(connection: &mut TcpStream, deadline: Instant) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        connection.set_read_timeout(Some(left)).map_err(|error| format!("cannot limit the wait: {error}"))?;
        match connection.read(&mut buffer) {
            Ok(0) => return Ok(answer),
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(format!("the answers were not complete within {PATIENCE:?}"));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Reset: whatever came before it is the answer.
            Err(_) => return Ok(answer),
        }
    }
}

fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}
