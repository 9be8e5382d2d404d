//! JPEG: decoded and encoded here, with the pixels and the bytes of libjpeg-turbo.

mod coded;
#[cfg(test)]
mod cuts;
mod device;
pub(crate) mod encode;
mod entropy;
mod file;
#[cfg(test)]
mod kinds;
mod markers;
mod pixels;
#[cfg_attr(
    not(feature = "cuda"),
    expect(dead_code, reason = "a GPU asks for more of a plan than the twin does")
)]
mod plan;
pub(super) mod segments;
mod tables;

#[cfg(feature = "cuda")]
pub(crate) use self::plan::ScanPlan;
pub(crate) use self::{device::Jpeg, plan::Plan};

pub(super) use self::encode::write;
use super::{Decode, Header};
use crate::{Error, Result};
use imagecuda_kernels::{expand::Curve, layout::Layout};

pub(super) fn open(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    open_as(bytes, false)
}

/// What does not decode becomes gray, and of a progressive file all is as fine as it is there.
pub(super) fn open_damaged(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    open_as(bytes, true)
}

fn open_as(bytes: &[u8], damaged: bool) -> Result<Box<dyn Decode + '_>> {
    let file = markers::parse(bytes, damaged)?;
    let layout = match file.picture.components {
        1 => Layout::L8,
        3 => Layout::Rgb8,
        4 => Layout::Cmyk8,
        n => return Err(Error::unsupported(format!("JPEG of {n} components"))),
    };
    let header = Header {
        width: file.picture.width,
        height: file.picture.height,
        layout,
        curve: Curve::Encoded,
    };
    Ok(Box::new(Jpeg {
        bytes,
        file,
        header,
        damaged,
    }))
}

impl Decode for Jpeg<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn jpeg(&self) -> Option<&Jpeg<'_>> {
        Some(self)
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        pixels::read(&self.file, self.bytes, self.damaged, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Format, Limits, SaveOptions, codec, codec::Pixels};
    use std::io::Cursor;

    /// A noisy picture, so that every row of it takes many bytes.
    fn file(quality: u8) -> (Vec<u8>, Vec<u8>) {
        let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
        let data: Vec<u8> = (0..50 * 37 * 3).map(noise).collect();
        let pixels = Pixels {
            width: 50,
            height: 37,
            layout: Layout::Rgb8,
            data: &data,
        };
        let mut out = Cursor::new(Vec::new());
        let options = SaveOptions::new().quality(quality);
        write(pixels, &options, &mut out).unwrap();
        (out.into_inner(), data)
    }

    fn load(bytes: &[u8]) -> Result<Vec<u8>> {
        let decoder = codec::open(Format::Jpeg, bytes, &Limits::default())?;
        let mut out = vec![0; decoder.header().bytes()];
        decoder.read_into(&mut out)?;
        Ok(out)
    }

    #[test]
    fn chroma_is_reduced_below_quality_90() {
        for (quality, factors) in [(100, 0x11), (90, 0x11), (89, 0x22), (1, 0x22)] {
            let (bytes, _) = file(quality);
            let frame = bytes
                .windows(2)
                .position(|two| two == [0xff, 0xc0])
                .unwrap();
            assert_eq!(bytes[frame + 11], factors, "{quality}");
        }
    }

    #[test]
    fn quality_100_is_close() {
        let (bytes, data) = file(100);
        let out = load(&bytes).unwrap();
        let far = out
            .iter()
            .zip(&data)
            .filter(|(a, b)| a.abs_diff(**b) > 6)
            .count();
        assert_eq!(far, 0);
    }

    #[test]
    fn only_the_end_marker_may_be_missing() {
        for quality in [100, 50] {
            let (bytes, _) = file(quality);
            let whole = load(&bytes).unwrap();
            let end = bytes.len() - 2;
            assert_eq!(bytes[end..], [0xff, 0xd9]);
            assert!(load(&bytes[..end]).unwrap() == whole);
            assert!(load(&[&bytes[..], b"trailer\xff\xd9"].concat()).unwrap() == whole);
            for missing in [2, 5, 20, 1000] {
                let cut = &bytes[..end - missing];
                let error = load(cut).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
                // A marker behind the cut does not make it whole.
                assert!(load(&[cut, &[0xff, 0xd9]].concat()).is_err(), "{missing}");
            }
        }
    }
}
