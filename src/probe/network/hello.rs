//! The beginning of a TLS handshake with all that OpenSSL offers, more than is
//! spoken here: only to see whether the other side would go on.

use std::time::Instant;

use crate::model::Handshake;

use super::socket::Socket;

/// What OpenSSL offers, from `ECDHE` to plain RSA, without anonymous ones.
const CIPHERS: [u16; 30] = [
    0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b, 0xc02f, 0x009e, 0xc024, 0xc028,
    0x006b, 0xc023, 0xc027, 0x0067, 0xc00a, 0xc014, 0x0039, 0xc009, 0xc013, 0x0033, 0x009d, 0x009c, 0x003d, 0x003c,
    0x0035, 0x002f,
];

/// Elliptic curves: X25519, P-256, X448, P-521, P-384.
const GROUPS: [u16; 5] = [0x001d, 0x0017, 0x001e, 0x0019, 0x0018];

/// Ways to sign, down to SHA-1.
const SIGNATURES: [u16; 16] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
    0x0203, 0x0201,
];

/// What the other side makes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// It goes on with this version: `(3, 3)`.
    GoesOn(u8, u8),
    /// It gives up, with the number of the alert.
    Alert(u8),
    /// Something else, or nothing.
    Other,
}

/// Says it, and waits for the first answer.
pub(super) fn say(mut socket: Socket, handshake: &Handshake, deadline: Instant) -> Answer {
    socket.send(&hello(handshake), deadline);
    let mut answer = Vec::new();
    while answer.len() < 11 {
        if let [0x15, 3, _, _, _, _, alert, ..] = answer[..] {
            return Answer::Alert(alert);
        }
        if socket.receive(&mut answer, deadline).is_err() {
            break;
        }
    }
    match answer[..] {
        [0x16, 3, _, _, _, 2, _, _, _, major, minor, ..] => Answer::GoesOn(major, minor),
        [0x15, 3, _, _, _, _, alert, ..] => Answer::Alert(alert),
        _ => Answer::Other,
    }
}

fn hello(handshake: &Handshake) -> Vec<u8> {
    let mut body: Vec<u8> = vec![3, 3];
    body.extend(noise(32, 1));
    body.extend([32]);
    body.extend(noise(32, 2));
    let tls13 = |cipher: u16| cipher >> 8 == 0x13;
    let ciphers = CIPHERS.into_iter().filter(|cipher| if tls13(*cipher) { handshake.tls13 } else { handshake.tls12 });
    body.extend(with_length(&numbers(ciphers)));
    // No compression.
    body.extend([1, 0]);
    body.extend(with_length(&extensions(handshake)));
    let mut message = vec![1, 0];
    message.extend(with_length(&body));
    let mut record = vec![0x16, 3, 1];
    record.extend(with_length(&message));
    record
}

fn extensions(handshake: &Handshake) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |kind: u16, content: Vec<u8>| {
        all.extend(kind.to_be_bytes());
        all.extend(with_length(&content));
    };
    if let Some(name) = &handshake.server_name {
        let mut entry = vec![0];
        entry.extend(with_length(name.as_bytes()));
        add(0, with_length(&entry));
    }
    add(0x000b, vec![1, 0]);
    add(0x000a, with_length(&numbers(GROUPS)));
    add(0x000d, with_length(&numbers(SIGNATURES)));
    add(0x0017, Vec::new());
    if handshake.http2 {
        add(0x0010, with_length(b"\x02h2"));
    }
    if handshake.tls13 {
        let versions: &[u8] = if handshake.tls12 { &[4, 3, 4, 3, 3] } else { &[2, 3, 4] };
        add(0x002b, versions.to_vec());
        let mut key = numbers([0x001d]);
        key.extend(with_length(&noise(32, 3)));
        add(0x0033, with_length(&key));
    }
    all
}

fn numbers(all: impl IntoIterator<Item = u16>) -> Vec<u8> {
    all.into_iter().flat_map(u16::to_be_bytes).collect()
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let mut all = (bytes.len() as u16).to_be_bytes().to_vec();
    all.extend(bytes);
    all
}

/// Bytes that look random; nothing secret ever depends on them.
fn noise(count: usize, seed: u8) -> Vec<u8> {
    let byte = |index: usize| (index as u8).wrapping_mul(167).wrapping_add(seed.wrapping_mul(59)) ^ 0x5a;
    (0..count).map(byte).collect()
}
