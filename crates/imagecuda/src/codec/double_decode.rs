//! Recovers damaged files of formats whose decoders write rows one after another and do not tell
//! how far they came. The file is decoded twice, with the memory set to two different values
//! before. Pixels that come out equal were decoded. If a decoder accepts only complete files, the
//! missing part is filled in two different ways instead.

use super::contract::{Decode, Open};
use crate::{Error, ErrorKind, Limits, Result, memory::zeroed, picture::Header};

pub(super) struct DoubleDecode<'a> {
    open: Open,
    bytes: &'a [u8],
    limits: Limits,
    header: Header,
    /// The bytes that replace the missing part, for the first and for the second decoding. They are
    /// repeated.
    made_up: Option<[&'static [u8]; 2]>,
}

impl<'a> DoubleDecode<'a> {
    pub(super) fn open(
        open: Open,
        bytes: &'a [u8],
        limits: &Limits,
    ) -> Result<Box<dyn Decode + 'a>> {
        Self::with(open, bytes, limits, None)
    }

    /// Opens as `open` does, for a decoder that accepts only complete files. The missing part is
    /// filled with `made_up`.
    pub(super) fn with(
        open: Open,
        bytes: &'a [u8],
        limits: &Limits,
        made_up: Option<[&'static [u8]; 2]>,
    ) -> Result<Box<dyn Decode + 'a>> {
        Ok(Box::new(Self {
            open,
            bytes,
            limits: *limits,
            header: open(bytes, limits)?.header(),
            made_up,
        }))
    }

    /// The file, followed by more bytes than any picture of this size can lack.
    fn completed(&self, made_up: &[u8]) -> Result<Vec<u8>> {
        let missing = self.header.bytes().saturating_mul(2).saturating_add(64);
        let mut bytes: Vec<u8> = zeroed(self.bytes.len().saturating_add(missing))?;
        let (file, rest) = bytes.split_at_mut(self.bytes.len());
        file.copy_from_slice(self.bytes);
        match made_up {
            [0] => {} // unchanged
            [byte] => rest.fill(*byte),
            _ => {
                let parts = rest.chunks_exact_mut(made_up.len());
                parts.for_each(|part| part.copy_from_slice(made_up));
            }
        }
        Ok(bytes)
    }

    fn decode(&self, time: usize, out: &mut [u8]) -> Result<()> {
        match self.made_up {
            Some(made_up) => {
                let bytes = self.completed(made_up[time])?;
                let decoder = (self.open)(&bytes, &self.limits)?;
                // If the file ends in its header, the filled-in bytes change the header.
                if decoder.header() != self.header {
                    return Err(Error::nothing_decoded());
                }
                decoder.read_into(out)
            }
            None => {
                let result = (self.open)(self.bytes, &self.limits)?.read_into(out);
                result.or_else(|error: Error| match error.kind() {
                    ErrorKind::Decode(_) => Ok(()),
                    _ => Err(error),
                })
            }
        }
    }
}

impl Decode for DoubleDecode<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let mut again: Vec<u8> = zeroed(out.len())?;
        again.fill(255);
        out.fill(0);
        self.decode(0, out)?;
        self.decode(1, &mut again)?;
        let pixel = self.header.layout.bytes_per_pixel();
        let mut found = false;
        for (out, again) in out.chunks_exact_mut(pixel).zip(again.chunks_exact(pixel)) {
            if out == again {
                found = true;
            } else {
                out.fill(0);
            }
        }
        if found {
            Ok(())
        } else {
            Err(Error::nothing_decoded())
        }
    }
}
