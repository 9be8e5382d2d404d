//! JPEG: the format's files, read and written by [`crate::jpeg`].

pub(super) use crate::jpeg::encode::write;

use super::Decode;
use crate::{Result, jpeg::Jpeg, picture::Header};

pub(super) fn open(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    Ok(Box::new(Jpeg::read(bytes, false)?))
}

/// What does not decode becomes gray, and of a progressive file all is as fine as it is there.
pub(super) fn open_damaged(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    Ok(Box::new(Jpeg::read(bytes, true)?))
}

impl Decode for Jpeg<'_> {
    fn header(&self) -> Header {
        Jpeg::header(self)
    }

    fn jpeg(&self) -> Option<&Jpeg<'_>> {
        Some(self)
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        self.decode(out)
    }
}
