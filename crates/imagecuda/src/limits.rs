//! Limits on the size of a file's picture.

use crate::{ErrorKind, Result};

/// Limits on the size of a file's picture. They are checked against the header, before anything is
/// allocated for the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) pixels: u64,
    pub(crate) bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pixels: 1 << 28,
            bytes: 1 << 31,
        }
    }
}

/// Fails if `requested` is more than `limit`. `None` is a number that overflowed.
pub(crate) fn check_limit(what: &'static str, requested: Option<u64>, limit: u64) -> Result<()> {
    match requested {
        Some(requested) if requested <= limit => Ok(()),
        _ => Err(ErrorKind::LimitExceeded {
            what,
            requested: requested.unwrap_or(u64::MAX),
            limit,
        }
        .into()),
    }
}
