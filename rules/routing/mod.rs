//! Rules about which location answers, and what it does.

pub mod alias_traversal;
pub mod error_page_502_points_to_proxy;
pub mod undefined_named_location;
