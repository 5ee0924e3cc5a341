//! A name server that knows a few names and no others.

use std::net::{IpAddr, UdpSocket};

/// A name that a `"dns …"` backend knows, and one of its addresses.
pub type Record = (String, IpAddr);

/// Types of questions: an IPv4 address, an IPv6 address.
const A: u16 = 1;
const AAAA: u16 = 28;

/// Before the question: an identity, flags, and four counts.
const HEAD: usize = 12;
/// An answer, with recursion asked for and available.
const ANSWER: u16 = 0x8180;
const NO_SUCH_NAME: u16 = 3;
/// For so many seconds nginx asks no more.
const LIFETIME: u32 = 60;

/// Answers questions until a datagram without any bytes comes; `count` is told
/// of each. A server without records is one that never answers.
pub fn serve(socket: &UdpSocket, records: Option<&[Record]>, mut count: impl FnMut()) {
    let mut datagram = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut datagram) {
        if length == 0 {
            break;
        }
        count();
        if let Some(answer) = records.and_then(|records| answer(&datagram[..length], records)) {
            // An error is nginx going away, which it may.
            let _ = socket.send_to(&answer, client);
        }
    }
}

/// The answer to a question; none to what is no question.
fn answer(question: &[u8], records: &[Record]) -> Option<Vec<u8>> {
    let (name, end) = name_at(question, HEAD)?;
    let kind = u16::from_be_bytes([*question.get(end)?, *question.get(end + 1)?]);
    let known: Vec<IpAddr> =
        records.iter().filter(|(known, _)| known.eq_ignore_ascii_case(&name)).map(|(_, address)| *address).collect();
    let wanted: Vec<IpAddr> =
        known.iter().filter(|address| kind == if address.is_ipv4() { A } else { AAAA }).copied().collect();
    let flags = if known.is_empty() { ANSWER | NO_SUCH_NAME } else { ANSWER };
    let mut answer = question.get(..2)?.to_vec();
    for number in [flags, 1, wanted.len() as u16, 0, 0] {
        answer.extend(number.to_be_bytes());
    }
    answer.extend(question.get(HEAD..end + 4)?);
    for address in wanted {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        // The name of the question, its type, the internet, …
        answer.extend([0xc0, HEAD as u8]);
        answer.extend(kind.to_be_bytes());
        answer.extend(1u16.to_be_bytes());
        answer.extend(LIFETIME.to_be_bytes());
        answer.extend((bytes.len() as u16).to_be_bytes());
        answer.extend(bytes);
    }
    Some(answer)
}

/// The name that begins at an index, and the index behind it.
fn name_at(message: &[u8], start: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut index = start;
    loop {
        let length = usize::from(*message.get(index)?);
        index += 1;
        if length == 0 {
            return Some((labels.join("."), index));
        }
        labels.push(String::from_utf8_lossy(message.get(index..index + length)?).into_owned());
        index += length;
    }
}
