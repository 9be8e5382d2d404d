//! How much a file may ask for.

use crate::{ErrorKind, Result};

/// How large a file may be. Checked against its header, before anything is allocated for its
/// pixels.
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

/// That `requested` (`None`: more than can be counted) is at most `limit`.
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
