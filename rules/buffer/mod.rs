//! Rules about the memory and files that hold what passes through.
