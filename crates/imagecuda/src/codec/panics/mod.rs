//! Codecs that panic: the one place where that becomes an error.

use crate::{Error, Result};
use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
};

/// Runs a codec. If it panics, that is the error that `error` makes of what the panic says. Callers
/// use nothing again that the codec had in its hands.
///
/// Code of this library's users never runs in here: readers are read before, and writers written
/// to after, so that their panics stay what they are.
pub(crate) fn caught<T>(
    error: fn(String) -> Error,
    codec: impl FnOnce() -> Result<T>,
) -> Result<T> {
    panic::catch_unwind(AssertUnwindSafe(codec))
        .unwrap_or_else(|payload| Err(error(format!("the codec panicked{}", text(&*payload)))))
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.map_or(String::new(), |text| format!(": {text}"))
}

/// Panics if `bytes` end with the name of this place: files of this crate's own tests do, as
/// codecs are rid of panics that are known.
#[cfg(test)]
pub(crate) fn torn(place: &str, bytes: &[u8]) {
    assert!(!bytes.ends_with(place.as_bytes()), "torn in {place}");
}

// Theirs are PNGs.
#[cfg(all(test, feature = "png"))]
mod tests;
