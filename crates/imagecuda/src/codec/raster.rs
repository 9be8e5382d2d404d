//! The formats that the `image` crate reads and writes.

use super::{Decode, Header, Pixels, Sink, check_sides};
use crate::{
    Error, Limits, Result,
    backend::cpu::{self, zeroed},
};
use image::{ColorType, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::io::{Cursor, ErrorKind as IoErrorKind};

struct Raster<D> {
    decoder: D,
    header: Header,
}

/// Takes a decoder of the `image` crate that has read its header.
fn open<'a, D: ImageDecoder + 'a>(
    decoder: Result<D, ImageError>,
    limits: &Limits,
    curve: Curve,
) -> Result<Box<dyn Decode + 'a>> {
    let mut decoder = decoder.map_err(decode_error)?;
    let (width, height) = decoder.dimensions();
    let layout = match decoder.color_type() {
        ColorType::L8 => Layout::L8,
        ColorType::La8 => Layout::La8,
        ColorType::Rgb8 => Layout::Rgb8,
        ColorType::Rgba8 => Layout::Rgba8,
        ColorType::L16 => Layout::L16,
        ColorType::La16 => Layout::La16,
        ColorType::Rgb16 => Layout::Rgb16,
        ColorType::Rgba16 => Layout::Rgba16,
        ColorType::Rgb32F => Layout::Rgb32F,
        ColorType::Rgba32F => Layout::Rgba32F,
        other => return Err(Error::unsupported(format!("pixels of type {other:?}"))),
    };
    decoder.set_limits(inner(limits)).map_err(decode_error)?;
    let header = Header {
        width,
        height,
        layout,
        curve,
    };
    Ok(Box::new(Raster { decoder, header }))
}

/// What a decoder may allocate for itself, beside the pixels that the caller has room for.
fn inner(limits: &Limits) -> image::Limits {
    let mut inner = image::Limits::no_limits();
    inner.max_alloc = Some(limits.bytes);
    inner
}

impl<D: ImageDecoder> Decode for Raster<D> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        self.decoder.read_image(out).map_err(decode_error)
    }
}

fn decode_error(error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(cause) => Error::unsupported(cause.to_string()),
        // The file is in memory: its end is the only error that reading it can have.
        ImageError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => {
            Error::decode("the file is cut short")
        }
        error => Error::decode(error),
    }
}

fn encode_error(error: ImageError) -> Error {
    match error {
        ImageError::IoError(error) => error.into(),
        error => Error::encode(error),
    }
}

fn write(encoder: impl ImageEncoder, pixels: Pixels<'_>) -> Result<()> {
    let color = match pixels.layout {
        Layout::Rgb8 => ExtendedColorType::Rgb8,
        Layout::Rgba8 => ExtendedColorType::Rgba8,
        Layout::Rgb16 => ExtendedColorType::Rgb16,
        Layout::Rgba16 => ExtendedColorType::Rgba16,
        Layout::Rgb32F => ExtendedColorType::Rgb32F,
        Layout::Rgba32F => ExtendedColorType::Rgba32F,
        other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
    };
    encoder
        .write_image(pixels.data, pixels.width, pixels.height, color)
        .map_err(encode_error)
}

#[cfg(feature = "bmp")]
pub(super) fn bmp<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let decoder = image::codecs::bmp::BmpDecoder::new(Cursor::new(bytes));
    open(decoder, limits, Curve::Encoded)
}

#[cfg(feature = "bmp")]
pub(super) fn write_bmp(pixels: Pixels<'_>, mut out: &mut dyn Sink) -> Result<()> {
    write(image::codecs::bmp::BmpEncoder::new(&mut out), pixels)
}

#[cfg(feature = "exr")]
pub(super) fn exr<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    /// The decoder holds all attributes, each in many times its bytes.
    const MOST_ATTRIBUTES: usize = 10_000;
    let parts = bytes.get(5).is_some_and(|flags| flags & 0x10 != 0);
    let mut at = 8;
    for attributes in 0.. {
        // An empty name ends those of a part, and an empty part the header.
        if parts && bytes.get(at) == Some(&0) {
            at += 1;
        }
        match past_attribute(bytes, at) {
            Some(_) if attributes == MOST_ATTRIBUTES => {
                return Err(Error::decode("the header has too many attributes"));
            }
            Some(next) => at = next,
            None => break,
        }
    }
    let decoder = image::codecs::openexr::OpenExrDecoder::new(Cursor::new(bytes));
    Ok(Box::new(Copied(open(decoder, limits, Curve::Linear)?)))
}

/// Where the attribute of an OpenEXR header ends that is at `at`, if there is one: a name, a type,
/// a length, a value.
#[cfg(feature = "exr")]
pub(super) fn past_attribute(bytes: &[u8], at: usize) -> Option<usize> {
    let past_text = |at: usize| Some(at + bytes.get(at..)?.iter().position(|&b| b == 0)? + 1);
    if *bytes.get(at)? == 0 {
        return None;
    }
    let at = past_text(past_text(at)?)?;
    let length = i32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    (at + 4).checked_add(usize::try_from(length).ok()?)
}

/// A decoder that allocates all pixels once more, and aborts if it cannot.
#[cfg(feature = "exr")]
struct Copied<'a>(Box<dyn Decode + 'a>);

#[cfg(feature = "exr")]
impl Decode for Copied<'_> {
    fn header(&self) -> Header {
        self.0.header()
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        // Whether there is room. Other threads may take it meanwhile, but not as a rule.
        drop(zeroed::<u8>(out.len())?);
        self.0.read_into(out)
    }
}

#[cfg(feature = "exr")]
pub(super) fn write_exr(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    write(image::codecs::openexr::OpenExrEncoder::new(out), pixels)
}

#[cfg(feature = "gif")]
pub(super) fn write_gif(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    check_sides(&pixels, 65_535)?;
    // A pixel of a GIF is there or not, and the encoder takes all but 0 for there.
    let mut thresholded;
    let mut pixels = pixels;
    if pixels.layout == Layout::Rgba8 {
        thresholded = cpu::copied(pixels.data)?;
        for [color @ .., alpha] in thresholded.as_chunks_mut::<4>().0 {
            if *alpha < 128 {
                (*color, *alpha) = ([0; 3], 0);
            } else {
                *alpha = 255;
            }
        }
        pixels.data = &thresholded;
    }
    // Of the quantiser's speeds, 1 to 30, the one that its authors recommend: 1 takes ten
    // times as long for a difference that is hard to see.
    write(
        image::codecs::gif::GifEncoder::new_with_speed(out, 10),
        pixels,
    )
}

#[cfg(feature = "hdr")]
pub(super) fn hdr<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    /// The decoder holds all lines, each in many times its bytes.
    const MOST_HEADER: usize = 1 << 20;
    let header = &bytes[..bytes.len().min(MOST_HEADER)];
    if bytes.len() > MOST_HEADER && !header.windows(2).any(|two| two == b"\n\n") {
        return Err(Error::decode("the header is too long"));
    }
    // Strict is for the one signature of two that files have.
    let decoder = match bytes.starts_with(b"#?RADIANCE") {
        true => image::codecs::hdr::HdrDecoder::new(Cursor::new(bytes)),
        false => image::codecs::hdr::HdrDecoder::new_nonstrict(Cursor::new(bytes)),
    };
    open(decoder, limits, Curve::Linear)
}

#[cfg(feature = "hdr")]
pub(super) fn write_hdr(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    // What three bytes and an exponent hold. The encoder's exponent wraps beyond, so that the
    // brightest would be black, and the darkest bright.
    const LEAST: f32 = f32::MIN_POSITIVE / 4.0;
    const MOST: f32 = 255.0 / 256.0 * (f32::MAX / 2.0);
    let mut data = cpu::copied(pixels.data)?;
    for sample in data.as_chunks_mut().0 {
        let v = f32::from_ne_bytes(*sample);
        let held = if v >= LEAST { v.min(MOST) } else { 0.0 };
        *sample = held.to_ne_bytes();
    }
    let data = &data[..];
    let pixels = Pixels { data, ..pixels };
    write(image::codecs::hdr::HdrEncoder::new(out), pixels)
}

#[cfg(feature = "ico")]
pub(super) fn ico<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    /// The decoder of a PNG inside has no limit of its own, and a profile's bytes inflate to a
    /// thousand times as many. It is looked for in all of the file, since the list of pictures may be
    /// long, and all of them the same.
    const MOST_PROFILE: u32 = 64 << 10;
    let is_large = |[a, b, c, d, kind @ ..]: &[u8; 8]| {
        kind == b"iCCP" && u32::from_be_bytes([*a, *b, *c, *d]) > MOST_PROFILE
    };
    if bytes.array_windows().any(is_large) {
        return Err(Error::decode("the profile is too large"));
    }
    // And it panics at half a colour.
    let is_half = |[a, b, c, d, kind @ ..]: &[u8; 8]| {
        kind == b"PLTE" && !u32::from_be_bytes([*a, *b, *c, *d]).is_multiple_of(3)
    };
    if bytes.array_windows().any(is_half) {
        return Err(Error::decode("a palette that ends within a colour"));
    }
    let decoder = image::codecs::ico::IcoDecoder::new(Cursor::new(bytes));
    open(decoder, limits, Curve::Encoded)
}

#[cfg(feature = "ico")]
pub(super) fn write_ico(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    check_sides(&pixels, 256)?;
    // The PNG inside an icon must have alpha, whether the picture has or not.
    let opaque: Vec<u8>;
    let mut pixels = pixels;
    if pixels.layout == Layout::Rgb8 {
        let (rgb, _) = pixels.data.as_chunks();
        opaque = rgb.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
        pixels.layout = Layout::Rgba8;
        pixels.data = &opaque;
    }
    write(image::codecs::ico::IcoEncoder::new(out), pixels)
}

#[cfg(feature = "pnm")]
pub(super) fn pnm<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let decoder = image::codecs::pnm::PnmDecoder::new(Cursor::new(bytes));
    open(decoder, limits, Curve::Encoded)
}

#[cfg(feature = "pnm")]
pub(super) fn write_pnm(pixels: Pixels<'_>, pam: bool, out: &mut dyn Sink) -> Result<()> {
    use image::codecs::pnm::{PnmEncoder, PnmSubtype};
    if !pam {
        return write_ppm(pixels, out);
    }
    write(
        PnmEncoder::new(out).with_subtype(PnmSubtype::ArbitraryMap),
        pixels,
    )
}

/// A PPM, which the `image` crate writes with 8 bits alone.
#[cfg(feature = "pnm")]
fn write_ppm(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    let max = match pixels.layout {
        Layout::Rgb8 => 255,
        Layout::Rgb16 => 65535,
        other => return Err(Error::encode(format!("a PPM takes no {other:?}"))),
    };
    write!(out, "P6\n{} {}\n{max}\n", pixels.width, pixels.height)?;
    if pixels.layout.bits() == 8 {
        return Ok(out.write_all(pixels.data)?);
    }
    // The high byte comes first in the file.
    let row = pixels.width as usize * pixels.layout.bytes_per_pixel();
    let mut big_endian = Vec::with_capacity(row);
    for row in pixels.data.chunks(row) {
        big_endian.clear();
        let samples = row.as_chunks().0.iter();
        big_endian.extend(samples.flat_map(|v| u16::from_ne_bytes(*v).to_be_bytes()));
        out.write_all(&big_endian)?;
    }
    Ok(())
}

#[cfg(feature = "qoi")]
pub(super) fn qoi<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let decoder = image::codecs::qoi::QoiDecoder::new(Cursor::new(bytes));
    open(decoder, limits, Curve::Encoded)
}

#[cfg(feature = "qoi")]
pub(super) fn write_qoi(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    write(image::codecs::qoi::QoiEncoder::new(out), pixels)
}

#[cfg(feature = "tga")]
pub(super) fn tga<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let decoder = image::codecs::tga::TgaDecoder::new(Cursor::new(bytes));
    let decoder = open(decoder, limits, Curve::Encoded)?;
    // The decoder above got past these: an image type, a depth, and a count of alpha bits.
    let &[_, _, kind, .., depth, descriptor] = bytes.first_chunk::<18>().unwrap_or(&[0; 18]);
    let opaque = matches!(kind, 2 | 10) && depth == 32 && descriptor & 15 == 0;
    Ok(if opaque {
        Box::new(OpaqueTga(decoder))
    } else {
        decoder
    })
}

/// A TGA file whose fourth channel is not alpha, which the `image` crate takes it for.
#[cfg(feature = "tga")]
struct OpaqueTga<'a>(Box<dyn Decode + 'a>);

#[cfg(feature = "tga")]
impl Decode for OpaqueTga<'_> {
    fn header(&self) -> Header {
        self.0.header()
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let rgba = self.header().layout == Layout::Rgba8;
        self.0.read_into(out)?;
        if rgba {
            let alphas = out.iter_mut().skip(3).step_by(4);
            alphas.for_each(|alpha| *alpha = 255);
        }
        Ok(())
    }
}

#[cfg(feature = "tga")]
pub(super) fn write_tga(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    check_sides(&pixels, 65_535)?;
    write(image::codecs::tga::TgaEncoder::new(out), pixels)
}
