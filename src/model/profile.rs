//! The nginx that will read the configuration, as far as the user has said.

use std::sync::Arc;

use crate::catalog::{self, Context, Origin, Version};
use crate::facts::Facts;

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
    /// What stands around it.
    pub surroundings: Surroundings,
    /// What was seen of the machine it runs on, if somebody looked.
    pub facts: Option<Arc<Facts>>,
}

/// What stands around nginx and its files cannot say. What is not said is not
/// known, and no rule may guess it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Surroundings {
    /// After so many milliseconds without a request the servers behind nginx
    /// close a connection.
    pub backend_idle_timeout: Option<u64>,
    /// So many requests a server behind nginx works on at a time, where each
    /// takes a process or a thread.
    pub backend_workers: Option<u64>,
    /// So many bytes of a request's body the servers behind nginx take.
    pub backend_max_body: Option<u64>,
    /// After so many milliseconds without a request the load balancer in
    /// front of nginx closes a connection.
    pub load_balancer_idle_timeout: Option<u64>,
    /// A proxy or load balancer stands in front of nginx: the addresses of
    /// clients are its own.
    pub behind_proxy: bool,
    /// nginx runs in a container.
    pub container: bool,
    /// nginx is started by a user that may not raise limits.
    pub unprivileged: bool,
    /// So many bytes of memory nginx may take.
    pub memory: Option<u64>,
}

impl Profile {
    /// A release, with any modules.
    pub fn of_version(version: Option<Version>) -> Profile {
        Profile { version, ..Profile::default() }
    }

    /// Whether the nginx that is meant can have this directive.
    pub fn has(&self, directive: &catalog::Directive) -> bool {
        let in_release = match self.version {
            Some(version) => directive.exists_in(version),
            None => directive.removed.is_none_or(|removed| removed > OLDEST_RELEASE),
        };
        let early = self.is_plus() && is_first_in_plus(directive);
        (in_release || early) && self.has_module(directive.module)
    }

    /// Whether the nginx that is meant is certainly NGINX Plus.
    pub fn is_plus(&self) -> bool {
        self.modules.as_ref().is_some_and(|modules| modules.iter().any(|known| known == "plus"))
    }

    /// Whether the nginx that is meant is certainly not NGINX Plus.
    pub fn is_without_plus(&self) -> bool {
        self.modules.is_some() && !self.is_plus()
    }

    /// Whether the nginx that is meant can have this module.
    pub fn has_module(&self, module: &catalog::Module) -> bool {
        let Some(modules) = &self.modules else { return true };
        let is_named = |name: &str| modules.iter().any(|known| known == name);
        module.built_by_default || is_named(module.name) || (module.origin == Origin::Plus && is_named("plus"))
    }
}

/// Whether NGINX Plus had a directive before open source nginx got it.
pub fn is_first_in_plus(directive: &catalog::Directive) -> bool {
    let in_group = |context| directive.contexts.contains(context);
    let of_group = in_group(Context::Upstream) || in_group(Context::StreamUpstream);
    of_group && matches!(directive.name, "sticky" | "least_time" | "resolver" | "resolver_timeout")
}
