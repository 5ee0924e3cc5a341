//! Logs repeat themselves: what was found out about a message is kept.

use std::hash::Hasher;
use std::ops::Range;

use rustc_hash::FxHasher;

use crate::facts::Signature;

use super::Line;
use super::signatures::{Known, is_to_unix, recognise};

/// So many messages are kept.
const SLOTS: usize = 256;

/// Longer messages are not kept.
const LONGEST: usize = 512;

/// Messages, and what they were recognised as.
#[derive(Clone, Debug, Default)]
pub(super) struct Memo {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    message: Vec<u8>,
    is_to_unix: bool,
    found: Option<Found>,
}

/// [`Known`], with the place of the detail in the message.
#[derive(Clone, Debug)]
struct Found {
    signature: Signature,
    detail: Option<Range<usize>>,
}

impl Memo {
    /// What [`recognise`] says.
    pub(super) fn recognise<'l>(&mut self, line: &Line<'l>) -> Option<Known<'l>> {
        let message = line.message;
        if message.is_empty() || message.len() > LONGEST {
            return recognise(line);
        }
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Slot::default);
        }
        let is_to_unix = is_to_unix(line);
        let mut hasher = FxHasher::default();
        hasher.write(message);
        let slot = &mut self.slots[(hasher.finish() >> 32) as usize % SLOTS];
        if slot.message != message || slot.is_to_unix != is_to_unix {
            slot.message.clear();
            slot.message.extend_from_slice(message);
            slot.is_to_unix = is_to_unix;
            slot.found = recognise(line).map(|known| Found {
                signature: known.signature,
                detail: known.detail.and_then(|detail| place_in(message, detail)),
            });
        }
        let found = slot.found.as_ref()?;
        let detail = found.detail.clone().and_then(|place| message.get(place));
        Some(Known { signature: found.signature, detail })
    }
}

/// Where a part of a message is in it.
fn place_in(message: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(message.as_ptr() as usize)?;
    let place = start..start + part.len();
    (message.get(place.clone()) == Some(part)).then_some(place)
}
