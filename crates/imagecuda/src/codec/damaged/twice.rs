//! Formats whose decoders write rows as they go, and do not tell how far they came. So they
//! decode twice, with what they do not write set to two values, and the pixels that come out
//! alike are the file's. Where a decoder wants the file whole, what is missing of it is made up,
//! in two ways.

use super::nothing;
use crate::{
    Error, ErrorKind, Limits, Result,
    backend::cpu::zeroed,
    codec::{Decode, Header},
};

type Open = for<'b> fn(&'b [u8], &Limits) -> Result<Box<dyn Decode + 'b>>;

pub(super) struct Twice<'a> {
    open: Open,
    bytes: &'a [u8],
    limits: Limits,
    header: Header,
    /// What is missing of the file, for the first time and the second: repeated.
    made_up: Option<[&'static [u8]; 2]>,
}

impl<'a> Twice<'a> {
    pub(super) fn open(
        open: Open,
        bytes: &'a [u8],
        limits: &Limits,
    ) -> Result<Box<dyn Decode + 'a>> {
        Self::with(open, bytes, limits, None)
    }

    fn with(
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

    /// Samples that are missing become 0, and then 1, which all kinds have.
    #[cfg(feature = "pnm")]
    pub(super) fn open_pnm(mut bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
        let made_up: [&[u8]; 2] = match bytes {
            [b'P', b'1', ..] => [b"0 ", b"1 "],
            [b'P', b'2' | b'3', ..] => {
                // The last number may have lost its end.
                while let [rest @ .., b'0'..=b'9'] = bytes {
                    bytes = rest;
                }
                [b"0 ", b"1 "]
            }
            [b'P', b'4', ..] => [&[0], &[255]],
            _ => [&[0], &[1]],
        };
        Self::with(crate::codec::raster::pnm, bytes, limits, Some(made_up))
    }

    /// The file, and more than any picture of this size can lack.
    fn completed(&self, made_up: &[u8]) -> Result<Vec<u8>> {
        let missing = self.header.bytes().saturating_mul(2).saturating_add(64);
        let mut bytes: Vec<u8> = zeroed(self.bytes.len().saturating_add(missing))?;
        let (file, rest) = bytes.split_at_mut(self.bytes.len());
        file.copy_from_slice(self.bytes);
        match made_up {
            [0] => {} // as it is
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
                // A header that ended with the file may go on in what is made up.
                if decoder.header() != self.header {
                    return Err(nothing());
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

impl Decode for Twice<'_> {
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
        if found { Ok(()) } else { Err(nothing()) }
    }
}
