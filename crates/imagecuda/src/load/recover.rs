//! Loading what there is of a damaged file. The decoders for it are tried where the strict ones
//! have failed.

use super::{Admit, Target};
use crate::{Decoded, Device, Error, ErrorKind, Format, LoadOptions, Result, codec};

impl LoadOptions {
    /// What there is of a file's first picture, which could not be decoded because of `error`;
    /// that again if nothing is, or is wanted.
    pub(crate) fn read_damaged(
        &self,
        device: &Device,
        format: Format,
        bytes: &[u8],
        targets: &[&dyn Target],
        admit: &mut Admit<'_>,
        error: Error,
    ) -> Result<Decoded> {
        if !self.accepts(&error) {
            return Err(error);
        }
        let read = || Ok(codec::metadata(format, bytes));
        let decoded = codec::caught(Error::decode, || {
            let decoder = codec::recover(format, bytes, &self.limits)?;
            admit(&decoder.header())?;
            // Of a damaged file, those that cannot be read are not there.
            let metadata = codec::caught(Error::decode, read).unwrap_or_default();
            self.decode_picture(device, format, decoder, None, &metadata, targets)
        });
        match decoded {
            Ok(mut decoded) => {
                decoded.truncated = true;
                Ok(decoded)
            }
            // Only these are news.
            Err(other) if !self.accepts(&other) => Err(other),
            Err(_) => Err(error),
        }
    }

    /// Whether a file may have that wrong with it.
    pub(crate) fn accepts(&self, error: &Error) -> bool {
        self.truncated && matches!(error.kind(), ErrorKind::Decode(_))
    }
}
