//! The networks and ranges of a `geo` block, and what nginx says when one
//! comes twice.
//!
//! Takes what the lines say one after the other; the lines themselves are read
//! elsewhere.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{Cidr, HostAddress, parse_ipv4};

/// An address range of a `geo` block that has `ranges`: first and last.
pub type Ipv4Range = (u32, u32);

/// nginx keeps ranges in pieces, one for each value of the upper two bytes.
const PIECE: u32 = 0x1_0000;

/// Two addresses with `-` between them.
pub fn parse_range(text: &str) -> Option<Ipv4Range> {
    let (first, last) = text.split_once('-')?;
    let [first, last] = [first, last].map(|address| parse_ipv4(address).map(u32::from_be_bytes));
    match (first, last) {
        (Some(first), Some(last)) if first <= last => Some((first, last)),
        _ => None,
    }
}

/// The values of ranges.
#[derive(Clone, Debug, Default)]
pub struct GeoRanges<'m> {
    /// By first address. A range either lies in one piece, or is made of
    /// whole pieces.
    ranges: BTreeMap<u32, (u32, &'m str)>,
    /// How many ranges were looked at so far.
    looked_at: usize,
}

/// So many ranges are looked at in one block: a list of deletions of
/// everything would otherwise look at all of them each time.
const MOST_LOOKED_AT: usize = 4_000_000;

/// A range that another one cuts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overlap(pub Ipv4Range);

impl<'m> GeoRanges<'m> {
    /// Adds a range. The value that a part of it had before, if it was there
    /// as it is.
    ///
    /// # Errors
    ///
    /// It overlaps another one, part of which is outside of it.
    pub fn add(&mut self, range: Ipv4Range, value: &'m str) -> Result<Option<&'m str>, Overlap> {
        let mut old = None;
        if self.looked_at > MOST_LOOKED_AT {
            return Ok(None);
        }
        for part in parts(range) {
            let replaced = if is_whole(part) { self.add_whole(part, value)? } else { self.add_within(part, value)? };
            old = old.or(replaced);
        }
        Ok(old)
    }

    /// Removes a range. False if a part of it was not there as it is.
    pub fn delete(&mut self, range: Ipv4Range) -> bool {
        let mut complete = true;
        if self.looked_at > MOST_LOOKED_AT {
            return true;
        }
        for part in parts(range) {
            complete &= if is_whole(part) { self.delete_whole(part) } else { self.delete_within(part) };
        }
        complete
    }

    fn add_within(&mut self, part: Ipv4Range, value: &'m str) -> Result<Option<&'m str>, Overlap> {
        let (first, last) = part;
        let Some((start, end, other)) = self.last_up_to(last).filter(|(_, end, _)| *end >= first) else {
            self.ranges.insert(first, (last, value));
            return Ok(None);
        };
        if (start, end) == part {
            self.ranges.insert(first, (last, value));
            return Ok(Some(other));
        }
        if start > first || end < last {
            return Err(Overlap((start.max(piece_of(last).0), end.min(piece_of(last).1))));
        }
        self.carve((start, end), other, piece_of(first));
        let (start, end) = (start.max(piece_of(first).0), end.min(piece_of(first).1));
        self.carve((start, end), other, part);
        self.ranges.insert(first, (last, value));
        Ok(None)
    }

    fn add_whole(&mut self, part: Ipv4Range, value: &'m str) -> Result<Option<&'m str>, Overlap> {
        let inside = self.touching(part);
        self.looked_at += inside.len();
        if let Some((start, ..)) = inside.iter().find(|(start, end, _)| !is_whole((*start, *end))) {
            // The last one in that piece is the first that nginx looks at.
            let (_, end_of_piece) = piece_of(*start);
            return Err(self.last_up_to(end_of_piece).map_or(Overlap(part), |(start, end, _)| Overlap((start, end))));
        }
        self.delete_whole(part);
        self.ranges.insert(part.0, (part.1, value));
        Ok(inside.first().map(|(.., old)| *old))
    }

    fn delete_within(&mut self, (first, last): Ipv4Range) -> bool {
        match self.ranges.get(&first) {
            Some((end, _)) if *end == last => self.ranges.remove(&first).is_some(),
            _ => false,
        }
    }

    fn delete_whole(&mut self, part: Ipv4Range) -> bool {
        let mut covered = 0;
        let inside = self.touching(part);
        self.looked_at += inside.len();
        for (start, end, value) in inside {
            if is_whole((start, end)) {
                covered += u64::from(end.min(part.1) - start.max(part.0)) + 1;
                self.carve((start, end), value, part);
            }
        }
        covered == u64::from(part.1 - part.0) + 1
    }

    /// Takes `part` out of a range and leaves what is on both sides of it.
    fn carve(&mut self, (start, end): Ipv4Range, value: &'m str, part: Ipv4Range) {
        self.ranges.remove(&start);
        if start < part.0 {
            self.ranges.insert(start, (part.0 - 1, value));
        }
        if end > part.1 {
            self.ranges.insert(part.1 + 1, (end, value));
        }
    }

    fn last_up_to(&self, last: u32) -> Option<(u32, u32, &'m str)> {
        self.ranges.range(..=last).next_back().map(|(start, (end, value))| (*start, *end, *value))
    }

    /// What has an address in common with a part, in order.
    fn touching(&self, (first, last): Ipv4Range) -> Vec<(u32, u32, &'m str)> {
        let below = self.ranges.range(..first).next_back().filter(|(_, (end, _))| *end >= first);
        let inside = self.ranges.range(first..=last);
        below.into_iter().chain(inside).map(|(start, (end, value))| (*start, *end, *value)).collect()
    }
}

/// The piece that an address lies in.
fn piece_of(address: u32) -> Ipv4Range {
    (address & !(PIECE - 1), address | (PIECE - 1))
}

fn is_whole((first, last): Ipv4Range) -> bool {
    first.is_multiple_of(PIECE) && last & (PIECE - 1) == PIECE - 1
}

/// A range cut where it enters and leaves whole pieces.
fn parts((first, last): Ipv4Range) -> Vec<Ipv4Range> {
    if piece_of(first) == piece_of(last) {
        return vec![(first, last)];
    }
    let mut parts = Vec::with_capacity(3);
    let (mut start, mut end) = (first, last);
    if !first.is_multiple_of(PIECE) {
        parts.push((first, piece_of(first).1));
        start = piece_of(first).1 + 1;
    }
    let tail = (last & (PIECE - 1) != PIECE - 1).then(|| (piece_of(last).0, last));
    if let Some((begin, _)) = tail {
        // There is another piece below it.
        end = begin - 1;
    }
    if start < end {
        parts.push((start, end));
    }
    parts.extend(tail);
    parts
}

/// The values of networks.
#[derive(Clone, Debug, Default)]
pub struct GeoNetworks<'m> {
    values: FxHashMap<(HostKey, u8), &'m str>,
}

/// An address without its notation.
type HostKey = (bool, u128);

/// nginx makes the upper levels of its tree at once, so that deleting from the
/// last of them says nothing.
const LEVELS_AT_ONCE: u8 = 6;

impl<'m> GeoNetworks<'m> {
    /// Adds a network. If it was there already, the value that its first
    /// address had: nginx calls that the old one.
    pub fn add(&mut self, network: &Cidr, value: &'m str) -> Option<&'m str> {
        let key = (host_key(network), network.prefix);
        let old = self.values.contains_key(&key).then(|| self.find(key.0)).flatten();
        self.values.insert(key, value);
        old
    }

    /// Removes a network. False if it was not there.
    pub fn delete(&mut self, network: &Cidr) -> bool {
        let known = self.values.remove(&(host_key(network), network.prefix)).is_some();
        known || network.prefix == LEVELS_AT_ONCE
    }

    /// The value of the smallest network around an address.
    fn find(&self, (is_ipv6, address): HostKey) -> Option<&'m str> {
        let width: u8 = if is_ipv6 { 128 } else { 32 };
        (0..=width).rev().find_map(|prefix| {
            let low = u32::from(width - prefix);
            let network = address.checked_shr(low).and_then(|high| high.checked_shl(low)).unwrap_or(0);
            self.values.get(&((is_ipv6, network), prefix)).copied()
        })
    }
}

fn host_key(network: &Cidr) -> HostKey {
    match &network.first {
        HostAddress::Ipv4(bytes) => (false, u128::from(u32::from_be_bytes(*bytes))),
        HostAddress::Ipv6(bytes) => (true, u128::from_be_bytes(*bytes)),
        HostAddress::Unix(_) | HostAddress::Name(_) => (false, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::{GeoNetworks, GeoRanges, parse_range};
    use crate::model::parse_cidr;

    /// `range value` adds, `-range` deletes; what comes of the last one.
    fn ranges(lines: &[&str]) -> String {
        let mut ranges = GeoRanges::default();
        let mut outcome = String::new();
        for line in lines {
            outcome = match line.split_once(' ') {
                None => ranges.delete(parse_range(&line[1..]).expect("a range")).to_string(),
                Some((range, value)) => match ranges.add(parse_range(range).expect("a range"), value) {
                    Ok(old) => old.unwrap_or("new").to_owned(),
                    Err(overlap) => format!("{:x}-{:x}", overlap.0.0, overlap.0.1),
                },
            };
        }
        outcome
    }

    #[test]
    fn ranges_meet_as_in_nginx() {
        let table: [(&[&str], &str); 17] = [
            (&["1.0.0.0-1.0.0.9 a"], "new"),
            (&["1.0.0.0-1.0.0.9 a", "1.0.0.0-1.0.0.9 b"], "a"),
            (&["1.0.0.0-1.0.0.9 a", "1.0.0.3-1.0.0.4 b"], "new"),
            (&["1.0.0.0-1.0.0.9 a", "1.0.0.0-1.0.0.4 b", "1.0.0.5-1.0.0.9 c"], "a"),
            (&["1.0.0.0-1.0.0.9 a", "1.0.0.3-1.0.0.9 b", "1.0.0.0-1.0.0.2 c"], "a"),
            (&["1.0.0.0-1.0.0.9 a", "1.0.0.9-1.0.0.10 b"], "1000000-1000009"),
            (&["1.0.0.4-1.0.0.9 a", "1.0.0.0-1.0.0.20 b"], "1000004-1000009"),
            (&["1.0.0.4-1.0.0.9 a", "1.0.0.0-1.2.255.255 b"], "1000004-1000009"),
            (&["1.0.0.0-1.2.255.255 a", "1.1.0.0-1.1.255.255 b"], "a"),
            (&["1.0.0.0-1.2.255.255 a", "1.1.0.0-1.1.0.255 b", "1.1.1.0-1.1.255.255 c"], "a"),
            (&["1.0.0.0-1.2.255.255 a", "1.1.0.0-1.1.0.255 b", "1.2.0.0-1.2.255.255 c"], "a"),
            (&["1.0.0.0-1.2.255.255 a", "1.1.0.0-1.1.0.255 b", "1.1.0.128-1.2.0.5 c"], "1010100-101ffff"),
            (&["0.0.0.0-255.255.255.254 a", "255.255.255.253-255.255.255.254 b"], "new"),
            (&["1.0.0.0-1.0.0.9 a", "-1.0.0.0-1.0.0.9"], "true"),
            (&["1.0.0.0-1.0.0.9 a", "-1.0.0.0-1.0.0.8"], "false"),
            (&["1.0.0.0-1.2.0.9 a", "-1.0.0.0-1.1.255.255"], "true"),
            (&["1.0.0.0-1.2.0.9 a", "-1.1.0.0-1.2.255.255"], "false"),
        ];
        for (lines, expected) in table {
            assert_eq!(ranges(lines), expected, "{lines:?}");
        }
        for text in ["1.0.0.0", "1.0.0.2-1.0.0.1", "1.0.0.0-255.255.255.255", "::1-::2", "1.0.0.0/8", "-"] {
            assert_eq!(parse_range(text), None, "{text}");
        }
    }

    #[test]
    fn networks_that_come_twice_are_known() {
        let mut networks = GeoNetworks::default();
        let table = [
            ("0.0.0.0/0", None),
            ("10.0.0.0/8", None),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("10.0.0.0/16", None),
            // nginx shows the value of the first address.
            ("10.0.0.0/8", Some("10.0.0.0/16")),
            ("::/0", None),
            ("::1", None),
            ("::1", Some("::1")),
        ];
        for (text, expected) in table {
            let network = parse_cidr(text).expect("a network");
            assert_eq!(networks.add(&network, text), expected, "{text}");
        }
        let deleted = ["10.0.0.0/8", "10.0.0.0/8", "64.0.0.0/6", "::2"];
        let deleted = deleted.map(|text| networks.delete(&parse_cidr(text).expect("a network")));
        assert_eq!(deleted, [true, false, true, false]);
    }
}
