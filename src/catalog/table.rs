//! Looking a name up in tables that `build.rs` has laid out.

use super::hash::{EMPTY, hash, home, tag};

/// The distinct names of a record table and where the records of each one stand.
///
/// A name's index is its place in `names`: dense, from 0, in the order of the names.
pub(super) struct NameTable {
    /// The names, sorted.
    pub(super) names: &'static [&'static str],
    /// `starts[i]..starts[i + 1]` are the records of name `i`; one entry longer than `names`.
    pub(super) starts: &'static [u16],
    /// Open addressing with linear probing: tag in the upper half, index in the lower one. At
    /// least half of the slots are empty, so that every search ends, and soon.
    pub(super) slots: &'static [u32],
}

impl NameTable {
    /// The index of a name.
    pub(super) fn index(&self, name: &str) -> Option<u16> {
        let hash = hash(name);
        let mut at = home(hash, self.slots.len());
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return None;
            }
            let index = slot as u16;
            if slot >> 16 == tag(hash) && self.names[usize::from(index)] == name {
                return Some(index);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The records of the name with this index; none if there is no such name.
    pub(super) fn records<T>(&self, index: u16, table: &'static [T]) -> &'static [T] {
        match self.starts.get(usize::from(index)..usize::from(index) + 2) {
            Some(&[start, end]) => &table[usize::from(start)..usize::from(end)],
            _ => &[],
        }
    }
}
