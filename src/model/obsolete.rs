//! Directives that newer releases take and no longer look at: what their
//! values were. The catalog has what they are now.

use crate::catalog::{ValueKind, Version};

const ONCE_READ: [(&str, ValueKind, Version); 7] = [
    ("http2_max_concurrent_pushes", ValueKind::Number(None), Version::new(1, 25, 1)),
    ("http2_push_preload", ValueKind::Flag, Version::new(1, 25, 1)),
    ("http2_max_requests", ValueKind::Number(None), Version::new(1, 19, 7)),
    ("http2_max_field_size", ValueKind::Size, Version::new(1, 19, 7)),
    ("http2_max_header_size", ValueKind::Size, Version::new(1, 19, 7)),
    ("http2_recv_timeout", ValueKind::Milliseconds, Version::new(1, 19, 7)),
    ("http2_idle_timeout", ValueKind::Milliseconds, Version::new(1, 19, 7)),
];

/// The kind of value a directive had, and the first release that does not look
/// at it; none for directives that are still read. Before that release it
/// could not stand twice in a block.
pub fn once_read(name: &str) -> Option<(ValueKind, Version)> {
    ONCE_READ.into_iter().find(|(once, _, _)| *once == name).map(|(_, kind, before)| (kind, before))
}
