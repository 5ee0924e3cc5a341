//! Work in several threads that may stand inside of a `OnceLock`.
//!
//! rayon must not be used there: a thread that waits for parts of its work
//! takes up other work meanwhile, and that could ask for the very value that
//! the thread is about to make, and wait for itself.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `work` makes of `0..count`, cut into pieces of `size`, in their order.
pub(super) fn map_pieces<T: Send>(count: usize, size: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let pieces = count.div_ceil(size);
    let piece = |index: usize| work(index * size..count.min((index + 1) * size));
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(pieces);
    if threads < 2 {
        return (0..pieces).map(piece).collect();
    }
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= pieces {
                return done;
            }
            done.push((index, piece(index)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::map_pieces;

    #[test]
    fn pieces_come_back_in_their_order() {
        for (count, size) in [(0, 3), (2, 3), (3, 3), (1_000, 7)] {
            let all: Vec<usize> = map_pieces(count, size, |range| range.collect::<Vec<_>>()).concat();
            assert_eq!(all, (0..count).collect::<Vec<_>>(), "{count} in pieces of {size}");
        }
    }
}
