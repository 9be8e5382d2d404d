//! Loading what there is of a damaged file. The decoders for it are tried where the strict ones
//! have failed.

use super::Job;
use crate::{Decoded, Error, ErrorKind, Format, LoadOptions, Result, codec};

impl Job<'_> {
    /// What there is of a file's first picture, which could not be decoded because of `error`;
    /// that again if nothing is, or is wanted.
    pub(super) fn recover(
        &mut self,
        format: Format,
        bytes: &[u8],
        error: Error,
    ) -> Result<Decoded> {
        let options = self.options;
        if !options.tolerates(&error) {
            return Err(error);
        }
        let read = || Ok(codec::metadata(format, bytes));
        let recovered = codec::caught(Error::decode, || {
            let layer = options.layer.as_deref();
            let decoder = codec::open_layer(format, bytes, layer, &options.limits, true)?;
            // Metadata that cannot be read of a damaged file are not there.
            let metadata = codec::caught(Error::decode, read).unwrap_or_default();
            self.decode(format, decoder, None, &metadata)
        });
        match recovered {
            Ok(mut decoded) => {
                decoded.truncated = true;
                Ok(decoded)
            }
            // Only these are news.
            Err(other) if !options.tolerates(&other) => Err(other),
            Err(_) => Err(error),
        }
    }
}

impl LoadOptions {
    /// Whether a file may have that wrong with it.
    pub(super) fn tolerates(&self, error: &Error) -> bool {
        self.recover && matches!(error.kind(), ErrorKind::Decode(_))
    }
}
