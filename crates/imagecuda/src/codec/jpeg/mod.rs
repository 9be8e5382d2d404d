//! JPEG: zune-jpeg decodes, jpeg-encoder encodes.

#[cfg(test)]
mod cuts;
mod device;
#[allow(dead_code)] // the decoder is to come
mod file;
mod frame;
#[allow(dead_code)]
mod markers;
mod plan;
#[allow(dead_code)]
mod tables;
#[cfg(test)]
mod twin;

use self::frame::Frame;
pub(crate) use self::plan::{Plan, ScanPlan};
use super::{Decode, Header, Pixels, Sink, check_sides, options::JPEG_ICC_PIECE};
use crate::{Error, Metadata, Result, SaveOptions, Subsampling};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};
use std::borrow::Cow;
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::{JpegDecoder, errors::DecodeErrors};

pub(crate) struct Jpeg<'a> {
    bytes: &'a [u8],
    file: file::File,
    frame: Frame,
    header: Header,
    damaged: bool,
}

pub(super) fn open(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    open_as(bytes, false)
}

/// What does not decode becomes gray, and of a progressive file all is as fine as it is there.
pub(super) fn open_damaged(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    open_as(bytes, true)
}

fn open_as(bytes: &[u8], damaged: bool) -> Result<Box<dyn Decode + '_>> {
    let frame = frame::parse(bytes, damaged)?;
    let layout = match frame.components {
        1 => Layout::L8,
        3 => Layout::Rgb8,
        4 => Layout::Cmyk8,
        n => return Err(Error::unsupported(format!("JPEG of {n} components"))),
    };
    // zune-jpeg 0.5.15 decodes half of such a scan and drops the others, in silence.
    if frame.split && frame.tall && !frame.progressive {
        return Err(Error::unsupported(
            "baseline JPEG with a scan for each component and reduced colour resolution",
        ));
    }
    let header = Header {
        width: frame.width.into(),
        height: frame.height.into(),
        layout,
        curve: Curve::Encoded,
    };
    Ok(Box::new(Jpeg {
        bytes,
        file: markers::parse(bytes, damaged)?,
        frame,
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
        match self.damaged {
            true => self.read_what_is_there(out),
            false => self.read(&prepare(self.bytes, &self.frame), out),
        }
    }
}

impl Jpeg<'_> {
    pub(crate) fn coefficients(&self, _out: &mut [i16]) -> Result<()> {
        Err(Error::unsupported("soon"))
    }
    pub(crate) fn bytes_of_pixels(&self) -> usize {
        self.header.bytes()
    }
    pub(crate) fn pixels(&self, coefficients: &[i16], out: &mut [u8]) {
        use imagecuda_kernels::jpeg::{idct::inverse, pixel::Pixel};
        let picture = self.file.picture;
        let mut samples = vec![0u8; picture.blocks() * 64];
        for (i, part) in picture.parts().iter().enumerate() {
            for b in 0..part.blocks() {
                let (row, column) = (b / part.blocks_x as usize, b % part.blocks_x as usize);
                let c = coefficients[part.start() + b * 64..][..64]
                    .try_into()
                    .unwrap();
                for (y, r) in inverse(c, &self.file.quantizers[i]).iter().enumerate() {
                    let at = part.start() + (row * 8 + y) * part.stride() + column * 8;
                    samples[at..at + 8].copy_from_slice(r);
                }
            }
        }
        let n = self.header.layout.bytes_per_pixel();
        for (i, out) in out.chunks_exact_mut(n).enumerate() {
            let (x, y) = (i as u32 % picture.width, i as u32 / picture.width);
            match Pixel::new(&picture, &samples, x, y) {
                Pixel::L8(t) => out.copy_from_slice(&t.0),
                Pixel::Rgb8(t) => out.copy_from_slice(&t.0),
                Pixel::Cmyk8(t) => out.copy_from_slice(&t.0),
            }
        }
    }
    fn read(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let options = DecoderOptions::default()
            .set_max_width(usize::from(u16::MAX))
            .set_max_height(usize::from(u16::MAX))
            .set_strict_mode(!self.damaged);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
        decoder.decode_headers().map_err(decode_error)?;
        let input = decoder.input_colorspace().unwrap_or(ColorSpace::Unknown);
        let output = match self.frame.components {
            1 => ColorSpace::Luma,
            3 if !is_adobe_rgb(&self.frame) => ColorSpace::RGB,
            _ => input, // as they are
        };
        decoder.set_options(options.jpeg_set_out_colorspace(output));
        decoder.decode_into(out).map_err(decode_error)?;
        if self.frame.components == 4 {
            let adobe = self.frame.adobe.map(|(transform, _)| transform);
            to_inks(out, adobe);
        }
        Ok(())
    }
}

impl Jpeg<'_> {
    /// As [`read`](Self::read), until the data end.
    fn read_what_is_there(&self, out: &mut [u8]) -> Result<()> {
        let data = prepare(self.bytes, &self.frame);
        if self.frame.progressive {
            // The end marker must be there, but behind something that stops the decoder: it
            // goes on with zeros. Only a first scan that is whole must be followed by a marker.
            let data = &data[..self.frame.end];
            let stopped = [data, &READ_AHEAD, &END].concat();
            self.read(&stopped, out)
                .or_else(|_| self.read(&[data, &END].concat(), out))?;
        } else {
            self.read(&data, out)?;
        }
        // Of nothing gray is made, or what four inks of it give.
        let mut pixels = out.chunks_exact(self.header.layout.bytes_per_pixel());
        let first = pixels.next().unwrap_or_default();
        let gray = self.frame.components == 4 || first.iter().all(|&v| v == 128);
        if gray && pixels.all(|pixel| pixel == first) {
            return Err(Error::decode("nothing of the picture is left"));
        }
        Ok(())
    }
}

/// Three components that Adobe's segment says are RGB.
fn is_adobe_rgb(frame: &Frame) -> bool {
    frame.components == 3 && !frame.jfif && matches!(frame.adobe, Some((0, _)))
}

const READ_AHEAD: [u8; 16] = [
    0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0,
];
const END: [u8; 2] = [0xff, 0xd9];

/// The file as zune-jpeg decodes it right.
///
/// It makes up what is missing of a scan when it meets the end-of-image marker early, and
/// tells of data that run out only without one, and late. So baseline files are decoded without
/// it, but with a few bytes that it may read ahead: ones, which no Huffman code consists of, so
/// that decoding them fails at once. (A progressive file must have the marker.) And it takes three components that are RGB by Adobe's segment for broken CMYK, unless the
/// segment says YCbCr.
fn prepare<'a>(bytes: &'a [u8], frame: &Frame) -> Cow<'a, [u8]> {
    let mut data = Cow::Borrowed(bytes);
    if !frame.progressive {
        data = [&bytes[..frame.end], &READ_AHEAD].concat().into();
    }
    if let (3, Some((0, at))) = (frame.components, frame.adobe) {
        data.to_mut()[at] = 1;
    }
    data
}

/// Four components as a file has them to inks. Adobe's files hold the paper instead of the ink,
/// and, with a transform, three inks as if they were RGB in YCC.
fn to_inks(samples: &mut [u8], adobe: Option<u8>) {
    match adobe {
        None => {}
        Some(2) => {
            for [y, cb, cr, k] in samples.as_chunks_mut().0 {
                [*y, *cb, *cr] = ycc_to_rgb([*y, *cb, *cr]);
                *k = !*k;
            }
        }
        Some(_) => samples.iter_mut().for_each(|sample| *sample = !*sample),
    }
}

/// JFIF's conversion, rounded.
fn ycc_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let y = f32::from(y);
    let (cb, cr) = (f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    // `as` saturates.
    [
        y + 1.402 * cr,
        y - 0.344_136_3 * cb - 0.714_136_3 * cr,
        y + 1.772 * cb,
    ]
    .map(|v| (v + 0.5) as u8)
}

fn decode_error(error: DecodeErrors) -> Error {
    match error {
        DecodeErrors::Unsupported(scheme) => Error::unsupported(format!("{scheme:?}")),
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => {
            Error::decode("the file is cut short")
        }
        // zune's own text is `Debug`, several lines of it at times.
        error => Error::decode(format!("{error:?}").trim().trim_matches('"').to_owned()),
    }
}

pub(super) fn write(pixels: Pixels<'_>, options: &SaveOptions, out: &mut dyn Sink) -> Result<()> {
    check_sides(&pixels, 65_535)?;
    let color = match pixels.layout {
        Layout::Rgb8 => ColorType::Rgb,
        other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
    };
    let quality = options.quality.unwrap_or(100);
    let mut encoder = Encoder::new(out, quality);
    let by_quality = match quality {
        ..90 => Subsampling::Yuv420,
        _ => Subsampling::Yuv444,
    };
    encoder.set_sampling_factor(match options.subsampling.unwrap_or(by_quality) {
        Subsampling::Yuv444 => SamplingFactor::R_4_4_4,
        Subsampling::Yuv422 => SamplingFactor::R_4_2_2,
        Subsampling::Yuv420 => SamplingFactor::R_4_2_0,
    });
    encoder.set_progressive(options.progressive);
    // With the standard's tables, made for baseline, progressive files would be the larger ones.
    encoder.set_optimized_huffman_tables(options.progressive);
    // Its default takes one chroma sample of four, and drops the rest.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    add_metadata(&mut encoder, &options.metadata).map_err(encode_error)?;
    // Fits, as the sides were checked.
    let (width, height) = (pixels.width as u16, pixels.height as u16);
    encoder
        .encode(pixels.data, width, height, color)
        .map_err(encode_error)
}

/// Segments, whose lengths [`options::check`](super::options::check) has checked.
fn add_metadata<W: jpeg_encoder::JfifWrite>(
    encoder: &mut Encoder<W>,
    metadata: &Metadata,
) -> Result<(), EncodingError> {
    if let Some(exif) = metadata.exif() {
        encoder.add_app_segment(1, [b"Exif\0\0", exif].concat())?;
    }
    // The crate's own function for profiles takes one piece less than there may be.
    let pieces = metadata.icc_profile().unwrap_or_default();
    let pieces = pieces.chunks(JPEG_ICC_PIECE);
    let count = pieces.len() as u8;
    for (number, piece) in (1..=count).zip(pieces) {
        let segment = [b"ICC_PROFILE\0", &[number, count][..], piece].concat();
        encoder.add_app_segment(2, segment)?;
    }
    Ok(())
}

fn encode_error(error: EncodingError) -> Error {
    match error {
        EncodingError::IoError(error) => error.into(),
        error => Error::encode(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Format, Limits, codec};
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

    #[test]
    fn inks_are_had_from_every_transform() {
        let inks = |mut stored: [u8; 4], adobe| {
            to_inks(&mut stored, adobe);
            stored
        };
        assert_eq!(inks([0, 255, 155, 7], None), [0, 255, 155, 7]);
        assert_eq!(inks([255, 0, 100, 248], Some(0)), [0, 255, 155, 7]);
        assert_eq!(inks([55, 128, 128, 255], Some(2)), [55, 55, 55, 0]);
        assert_eq!(inks([76, 85, 255, 0], Some(2)), [254, 0, 0, 255]);
    }
}
