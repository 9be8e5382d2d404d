//! Turns panics of codecs into errors.

use crate::{Error, Result};
use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
};

/// Runs a codec. If it panics, `error` makes an error of the panic's message. Callers must not use
/// the codec's objects afterwards.
///
/// The library's users have no code in here: readers are read before, and writers are written to
/// afterwards. So their own panics are not caught.
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

/// Panics if `bytes` end with `place`. Tests of this crate append it to files, because no codec has
/// a known panic.
#[cfg(test)]
pub(crate) fn torn(place: &str, bytes: &[u8]) {
    assert!(!bytes.ends_with(place.as_bytes()), "torn in {place}");
}

// The tests use PNG.
#[cfg(all(test, feature = "png"))]
mod tests;
