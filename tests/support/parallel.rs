//! Work on many things, a few of them at a time: most of it is waiting.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `work` complains of, in the order of the items; so many are worked on
/// at a time.
pub fn in_parallel<T: Sync>(threads: usize, items: &[T], work: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, item)) = take(items, &next) {
                    let result = work(item);
                    results.lock().expect("nothing panics with the lock").extend(result.map(|text| (index, text)));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("nothing panics with the lock");
    results.sort();
    results.into_iter().map(|(_, text)| text).collect()
}

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}
