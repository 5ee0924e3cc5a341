//! Rules about names and resolvers.

pub mod variable_pass_without_resolver;
