//! What is there most often, of any number of different things, in bounded
//! memory: the Space-Saving counter of Metwally, Agrawal and El Abbadi.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::facts::Tally;

/// So many are kept.
const SLOTS: usize = 64;

/// So many once there are many counters.
pub(super) const FEW_SLOTS: usize = 8;

/// So many bytes of each are kept.
const LONGEST: usize = 256;

/// So many of them are told of.
const TOLD: usize = 10;

/// Counts things, those best that are there often.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    slots: Vec<Slot>,
    /// Hashes of their values, in the same order: most differ here already.
    hashes: Vec<u64>,
}

#[derive(Clone, Debug)]
struct Slot {
    value: Vec<u8>,
    count: u64,
    /// So many of `count` may have been others, whose place this took.
    of_others: u64,
}

impl Counter {
    /// Counts one; whether it took a new slot. `is_crowded`: there are many
    /// counters, and this one should stay small.
    pub(super) fn add(&mut self, value: &[u8], is_crowded: bool) -> bool {
        let value = &value[..value.len().min(LONGEST)];
        let mut hasher = FxHasher::default();
        hasher.write(value);
        let hash = hasher.finish();
        let mut same = self.hashes.iter().enumerate().filter(|(_, other)| **other == hash).map(|(at, _)| at);
        if let Some(at) = same.find(|at| self.slots[*at].value == value) {
            self.slots[at].count += 1;
            // Those that are there often come to the front and are found soon.
            if at > 0 && self.slots[at - 1].count < self.slots[at].count {
                self.slots.swap(at - 1, at);
                self.hashes.swap(at - 1, at);
            }
            return false;
        }
        if self.slots.len() < if is_crowded { FEW_SLOTS } else { SLOTS } {
            self.hashes.push(hash);
            self.slots.push(Slot { value: value.to_vec(), count: 1, of_others: 0 });
            return true;
        }
        // From the end: there are those that are there seldom.
        let slots = self.slots.iter_mut().enumerate().rev();
        if let Some((at, rarest)) = slots.min_by_key(|(_, slot)| slot.count) {
            self.hashes[at] = hash;
            rarest.value.clear();
            rarest.value.extend_from_slice(value);
            rarest.of_others = rarest.count;
            rarest.count += 1;
        }
        false
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Those that were there most often, and at least how often.
    pub(super) fn finish(self) -> Vec<Tally> {
        let tally = |slot: &Slot| Tally {
            value: String::from_utf8_lossy(&slot.value).into_owned(),
            count: slot.count - slot.of_others,
        };
        let mut told: Vec<Tally> = self.slots.iter().map(tally).collect();
        told.sort_by(|a, b| (b.count, &a.value).cmp(&(a.count, &b.value)));
        told.truncate(TOLD);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_often_is_kept_and_never_counted_too_often() {
        let mut counter = Counter::default();
        for number in 0..10_000 {
            counter.add(format!("seldom {number}").as_bytes(), false);
            if number % 4 == 0 {
                counter.add(b"often", false);
            }
        }
        assert_eq!(counter.len(), SLOTS);
        let told = counter.finish();
        assert_eq!(told.len(), TOLD);
        assert_eq!(told[0].value, "often");
        assert!((2_000..=2_500).contains(&told[0].count), "{}", told[0].count);
    }

    #[test]
    fn a_crowd_gets_few_slots() {
        let mut counter = Counter::default();
        let grown = (0..100).filter(|number: &u8| counter.add(&[*number], true)).count();
        assert_eq!((grown, counter.len()), (FEW_SLOTS, FEW_SLOTS));
    }
}
