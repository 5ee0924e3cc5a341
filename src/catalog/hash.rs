//! The hash that places a name in a [`NameTable`](super::table::NameTable).
//!
//! `build.rs` compiles this file too: what lays the tables out and what reads them must agree.

/// The slot that no name has taken.
pub const EMPTY: u32 = u32::MAX;

/// Mixes the bytes eight at a time. The names are known at build time and nobody can choose them,
/// so speed is all that counts.
pub fn hash(name: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, word: u64| (state.rotate_left(5) ^ word).wrapping_mul(ODD);
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    let state = words.iter().fold(0, |state, word| mix(state, u64::from_le_bytes(*word)));
    // The leading 1 tells a rest from a longer one that begins with zeros.
    let tail = rest.iter().fold(1, |tail: u64, byte| tail << 8 | u64::from(*byte));
    mix(state, tail)
}

/// The slot where the search for a name begins. `slots` is a power of two.
pub fn home(hash: u64, slots: usize) -> usize {
    // The multiplication leaves the best bits on top.
    (hash >> 40) as usize & (slots - 1)
}

/// Sixteen bits kept in the upper half of a slot, so that most names that are not the one looked
/// for need no comparison of strings.
pub fn tag(hash: u64) -> u32 {
    (hash >> 24) as u32 & 0xffff
}
