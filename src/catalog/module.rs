//! The modules that bring the directives.

use super::context::Family;

/// A module of nginx.
///
/// Some names occur twice: the same module with the directives that only NGINX Plus has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Module {
    /// Its name in the source, such as `ngx_http_proxy_module`.
    pub name: &'static str,
    /// The family of its directives.
    pub family: Family,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether nginx has it unless told otherwise.
    pub built_by_default: bool,
    /// The option of `configure` that decides about it.
    pub configure: Option<&'static str>,
    /// The only platform that has it.
    pub platform: Option<&'static str>,
    /// The page that documents it.
    pub page: Option<&'static str>,
}

/// Where a module or a variable comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// nginx itself.
    OpenSource,
    /// The commercial NGINX Plus.
    Plus,
    /// This package or project.
    Package(&'static str),
}
