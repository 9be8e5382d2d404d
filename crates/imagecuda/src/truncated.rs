//! Loading what there is of a damaged file. The decoders for it are tried where the strict ones
//! have failed.

use crate::{
    Decoded, Device, Error, ErrorKind, Format, LoadOptions, Result,
    codec::{self, Metadata},
    load::{Admit, Target},
};

impl LoadOptions {
    /// Whether files that are damaged or cut short give what decodes of them, and
    /// [`Decoded::is_truncated`] tells. By default they are errors.
    ///
    /// What does not decode is transparent black, or black where the layout has no alpha, or
    /// gray in a JPEG. How much of a file can be had depends on its format. If nothing can, or
    /// the header is damaged, it stays an error. A whole file takes no longer.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Format, Image, LoadOptions, encode};
    ///
    /// let device = Device::cpu();
    /// let mut image = Image::new(&device, 64, 64)?;
    /// image.upload(&[1.0; 64 * 64 * 4])?;
    /// let file = encode(&image, Format::Qoi)?;
    /// let cut = &file[..file.len() / 2];
    ///
    /// let options = LoadOptions::new();
    /// assert!(options.read_bytes(&device, cut).is_err());
    /// let decoded = options.allow_truncated(true).read_bytes(&device, cut)?;
    /// assert!(decoded.is_truncated());
    /// assert_eq!(decoded.into_image()?.download()?[..4], [1.0; 4]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_truncated(mut self, allow: bool) -> Self {
        self.truncated = allow;
        self
    }

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
        let read = || Ok(Metadata::read(format, bytes));
        let decoded = codec::caught(Error::decode, || {
            let decoder = codec::open_damaged(format, bytes, &self.limits)?;
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
