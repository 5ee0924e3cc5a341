//! Rules about which location answers, and what it does.
