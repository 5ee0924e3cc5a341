//! The variables that modules define.

use super::context::Family;
use super::module::{Module, Origin};

/// A variable that a module defines, or all variables whose names begin alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Variable {
    /// The name without `$`, in lower case; of a prefix only the beginning, such as `http_`.
    pub name: &'static str,
    /// Whose variable it is: [`Family::Http`] or [`Family::Stream`].
    pub family: Family,
    /// The module that defines it.
    pub module: &'static Module,
    /// Where it comes from. NGINX Plus adds variables to modules of nginx.
    pub origin: Origin,
    /// Whether it stands for every name that begins with `name`.
    pub prefix: bool,
    /// Whether `set`, `map`, `geo` and captures may define it anew.
    pub changeable: bool,
    /// Whether nginx evaluates it at each use, not once a request.
    pub volatile: bool,
    /// Whether the documentation has it.
    pub documented: bool,
    /// The feature of the build without which it does not exist.
    pub requires: Option<&'static str>,
}
