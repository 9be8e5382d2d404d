//! Loads what decodes of a damaged file. This runs only after the strict decoders have failed.

use super::Job;
use crate::{Decoded, Error, ErrorKind, Format, LoadOptions, Result, codec};

impl Job<'_> {
    /// Loads what decodes of a file's first picture, which could not be decoded because of `error`.
    /// Returns `error` again if nothing decodes, or if the caller does not want this.
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
            // Metadata that cannot be read count as missing.
            let metadata = codec::caught(Error::decode, read).unwrap_or_default();
            self.decode(format, decoder, bytes.into(), &metadata)
        });
        match recovered {
            Ok(mut decoded) => {
                decoded.truncated = true;
                Ok(decoded)
            }
            // Only these errors tell the caller something new.
            Err(other) if !options.tolerates(&other) => Err(other),
            Err(_) => Err(error),
        }
    }
}

impl LoadOptions {
    /// Whether an error may be the consequence of damage, so that it is worth trying to recover.
    pub(super) fn tolerates(&self, error: &Error) -> bool {
        self.recover && matches!(error.kind(), ErrorKind::Decode(_))
    }
}
