//! The nginx that will read the configuration, as far as the user has said.

use crate::catalog::Version;

/// The oldest release that is judged for when none is named. What only older
/// ones refuse is not said.
pub const OLDEST_RELEASE: Version = Version::new(1, 18, 0);

/// What the configuration is judged for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    /// The release that will read it; none when it may be any.
    pub version: Option<Version>,
    /// The modules it has beyond those that nginx is built with by default,
    /// such as `ngx_http_lua_module`; none when it may have any.
    pub modules: Option<Vec<String>>,
}

impl Profile {
    /// A release, with any modules.
    pub fn of_version(version: Option<Version>) -> Profile {
        Profile { version, modules: None }
    }
}
