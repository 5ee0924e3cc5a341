//! Releases of nginx.

use std::fmt;
use std::str::FromStr;

/// A release of nginx, such as 1.25.1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second number: odd for mainline, even for stable.
    pub minor: u16,
    /// The third number.
    pub patch: u16,
}

impl Version {
    /// The release with these three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The text is not a release number of nginx.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAVersion;

impl fmt::Display for NotAVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a version of nginx, such as 1.25.1")
    }
}

impl std::error::Error for NotAVersion {}

impl FromStr for Version {
    type Err = NotAVersion;

    /// Reads `1.25.1`; `1.25` means `1.25.0`.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let mut numbers = text.split('.').map(number);
        let mut next = || numbers.next().transpose();
        match (next()?, next()?, next()?, next()?) {
            (Some(major), Some(minor), patch, None) => Ok(Self::new(major, minor, patch.unwrap_or(0))),
            _ => Err(NotAVersion),
        }
    }
}

/// Digits only: `u16::from_str` alone would take a sign.
fn number(text: &str) -> Result<u16, NotAVersion> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| NotAVersion)
    } else {
        Err(NotAVersion)
    }
}
