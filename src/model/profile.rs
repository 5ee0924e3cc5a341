//! The nginx that will read the configuration, as far as the user has said.

use crate::catalog::{self, Origin, Version};

/// The oldest release that is judged for when none is named. What only older
/// ones refuse is not said.
pub const OLDEST_RELEASE: Version = Version::new(1, 18, 0);

/// What the configuration is judged for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    /// The release that will read it; none when it may be any.
    pub version: Option<Version>,
    /// The modules it has beyond those that nginx is built with by default,
    /// such as `ngx_http_lua_module`, or `plus`; none when it may have any.
    pub modules: Option<Vec<String>>,
}

impl Profile {
    /// A release, with any modules.
    pub fn of_version(version: Option<Version>) -> Profile {
        Profile { version, modules: None }
    }

    /// Whether the nginx that is meant can have this directive.
    pub fn has(&self, directive: &catalog::Directive) -> bool {
        let in_release = match self.version {
            Some(version) => directive.exists_in(version),
            None => directive.removed.is_none_or(|removed| removed > OLDEST_RELEASE),
        };
        in_release && self.has_module(directive.module)
    }

    /// Whether the nginx that is meant is certainly not NGINX Plus.
    pub fn is_without_plus(&self) -> bool {
        self.modules.as_ref().is_some_and(|modules| !modules.iter().any(|known| known == "plus"))
    }

    /// Whether the nginx that is meant can have this module.
    pub fn has_module(&self, module: &catalog::Module) -> bool {
        let Some(modules) = &self.modules else { return true };
        let is_named = |name: &str| modules.iter().any(|known| known == name);
        module.built_by_default || is_named(module.name) || (module.origin == Origin::Plus && is_named("plus"))
    }
}
