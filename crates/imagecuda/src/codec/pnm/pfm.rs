//! PFM, the float member of the Netpbm family, which the `image` crate does not read: three
//! lines of text (`PF` or `Pf`, the size, the scale), then floats from the bottom row up.

use crate::{Error, Result, codec::Decode, error::cut_short, picture::Header};
use imagecuda_kernels::{expand::Curve, layout::Layout};

pub(super) fn is_pfm(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'F' | b'f', ..])
}

struct Pfm<'a> {
    header: Header,
    big_endian: bool,
    samples: &'a [u8],
    /// Whether samples may be missing.
    damaged: bool,
}

pub(super) fn open(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    Ok(Box::new(read_header(bytes)?))
}

/// What is missing stays black.
pub(super) fn recover(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    let mut pfm = read_header(bytes)?;
    pfm.damaged = true;
    Ok(Box::new(pfm))
}

fn read_header(bytes: &[u8]) -> Result<Pfm<'_>> {
    let layout = match bytes {
        [b'P', b'F', ..] => Layout::Rgb32F,
        _ => Layout::L32F,
    };
    let mut rest = bytes.get(2..).unwrap_or_default();
    let width = number(&mut rest)?;
    let height = number(&mut rest)?;
    // Its sign is the byte order; its size has no agreed meaning, and readers ignore it.
    let scale: f32 = number(&mut rest)?;
    let curve = Curve::Encoded;
    Ok(Pfm {
        header: Header {
            width,
            height,
            layout,
            curve,
        },
        big_endian: scale.is_sign_positive(),
        samples: rest,
        damaged: false,
    })
}

/// The next number of the header, and the one white space after it.
fn number<T: std::str::FromStr>(rest: &mut &[u8]) -> Result<T> {
    *rest = rest.trim_ascii_start();
    let end = rest.iter().position(u8::is_ascii_whitespace);
    end.and_then(|end| {
        let number = str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
        *rest = &rest[end + 1..];
        Some(number)
    })
    .ok_or_else(|| Error::decode("the PFM header is damaged"))
}

impl Decode for Pfm<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let samples = match self.samples.get(..out.len()) {
            Some(samples) => samples,
            None if self.damaged && self.samples.len() >= 4 => {
                out.fill(0);
                self.samples
            }
            None => return Err(cut_short()),
        };
        let row = out.len() / self.header.height as usize;
        for (to, from) in out.chunks_exact_mut(row).rev().zip(samples.chunks(row)) {
            for (to, from) in to.as_chunks_mut().0.iter_mut().zip(from.as_chunks().0) {
                *to = if self.big_endian {
                    f32::from_be_bytes(*from).to_ne_bytes()
                } else {
                    f32::from_le_bytes(*from).to_ne_bytes()
                };
            }
        }
        Ok(())
    }
}
