//! nginx-lint reads an nginx configuration as nginx itself reads it, and says
//! what will break before it is deployed.
//!
//! The rooms, in the order in which data moves through them:
//!
//! | room | what it is for |
//! |---|---|
//! | [`source`] | files as bytes, and places in them |
//! | [`syntax`] | tokens, statements, comments and syntax problems of one file |

pub mod source;
pub mod syntax;
pub mod tree;
