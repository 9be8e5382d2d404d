//! HEIC, HEIF and AVIF, through libheif.

mod boxes;
mod crop;
mod metadata;
mod regular;
mod samples;
mod sequence;
mod write;

use self::crop::{Crop, Rect};
use self::samples::{Sample, put, scale, unpremultiply, widen};
use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, Decode},
};
use crate::{Error, Format, Limits, Result, memory, parallel::with_room, picture::Header};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use libheif_rs::{
    ColorProfileNCLX, ColorSpace, CompressionFormat, DecodingOptions, HeifContext, HeifError,
    HeifErrorCode, HeifErrorSubCode, Image, ImageHandle, LibHeif, Plane, RgbChroma, StreamReader,
};
use std::{borrow::Cow, io::Cursor, sync::LazyLock};

/// libheif's plugins stay loaded after the first use.
static LIBHEIF: LazyLock<LibHeif> = LazyLock::new(LibHeif::new);

pub(super) static AVIF: Codec = Codec {
    format: Format::Avif,
    open: |bytes, limits| open(Format::Avif, bytes, limits),
    recover: |bytes, limits| recover(Format::Avif, bytes, limits),
    encode: |request, out| with_room(|| write::encode(CompressionFormat::Av1, request, out))?,
    metadata: metadata::metadata,
    sequence: None,
    capabilities: CAPABILITIES,
};

pub(super) static HEIF: Codec = Codec {
    format: Format::Heif,
    open: |bytes, limits| open(Format::Heif, bytes, limits),
    recover: |bytes, limits| recover(Format::Heif, bytes, limits),
    encode: |request, out| with_room(|| write::encode(CompressionFormat::Hevc, request, out))?,
    metadata: metadata::metadata,
    sequence: None,
    capabilities: CAPABILITIES,
};

const CAPABILITIES: Capabilities = Capabilities {
    quality: true,
    subsampling: true,
    metadata: true,
    ..PLAIN
};

struct Heif<'a> {
    format: Format,
    handle: ImageHandle,
    header: Header,
    damaged: bool,
    /// The crop that is done here, if any, and the size of libheif's picture.
    crop: Option<(Rect, [u32; 2])>,
    /// Keeps the borrow of the file, which the handle reads while it decodes.
    _context: HeifContext<'a>,
}

fn open<'a>(format: Format, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    Ok(Box::new(read_header(format, bytes, limits)?))
}

/// Opens a damaged file. Missing or damaged tiles become holes.
fn recover<'a>(format: Format, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let mut heif = read_header(format, bytes, limits)?;
    heif.damaged = true;
    Ok(Box::new(heif))
}

fn read_header<'a>(format: Format, bytes: &'a [u8], limits: &Limits) -> Result<Heif<'a>> {
    LazyLock::force(&LIBHEIF);
    let (context, handle, crop) = regular::open(bytes, |regular| read_context(regular, limits))?;

    let gray = matches!(
        handle.preferred_decoding_colorspace(),
        Ok(ColorSpace::Monochrome)
    );
    let known = |bits: &u8| *bits <= 16; // else libheif cannot tell
    let bits = [handle.luma_bits_per_pixel(), handle.chroma_bits_per_pixel()];
    let deep = bits.iter().filter(|bits| known(bits)).any(|&bits| bits > 8);
    let layout = match (gray, handle.has_alpha_channel(), deep) {
        (true, false, false) => Layout::L8,
        (true, true, false) => Layout::La8,
        (false, false, false) => Layout::Rgb8,
        (false, true, false) => Layout::Rgba8,
        (true, false, true) => Layout::L16,
        (true, true, true) => Layout::La16,
        (false, false, true) => Layout::Rgb16,
        (false, true, true) => Layout::Rgba16,
    };
    // The size after rotation and cropping.
    let size = [handle.width(), handle.height()];
    let crop = crop.map(|crop| (crop.rect, size));
    let [width, height] = crop.map_or(size, |(rect, _)| [rect.width, rect.height]);
    let header = Header {
        width,
        height,
        layout,
        curve: Curve::Encoded,
    };
    Ok(Heif {
        format,
        handle,
        header,
        damaged: false,
        crop,
        _context: context,
    })
}

type Opened<'a> = (HeifContext<'a>, ImageHandle, Option<Crop>);

fn read_context<'a>(bytes: Cow<'a, [u8]>, limits: &Limits) -> Result<Opened<'a>> {
    let mut context: HeifContext<'a> = HeifContext::new().map_err(decode_error)?;
    limit(&mut context, limits)?;
    let crop = crop::find(&bytes);
    match (bytes, &crop) {
        (Cow::Borrowed(bytes), None) => context.read_bytes(bytes),
        (bytes, crop) => {
            let mut changed = match bytes {
                Cow::Borrowed(bytes) => memory::copied(bytes)?,
                Cow::Owned(bytes) => bytes,
            };
            if let Some(Crop { places, whole, .. }) = crop {
                for &place in places {
                    changed[place..][..whole.len()].copy_from_slice(whole);
                }
            }
            let length = changed.len() as u64;
            context.read_reader(Box::new(StreamReader::new(Cursor::new(changed), length)))
        }
    }
    .map_err(decode_error)?;
    let handle = context.primary_image_handle().map_err(decode_error)?;
    Ok((context, handle, crop))
}

/// Limits libheif's own memory by `limits`, with a margin: the coded picture may be larger than the
/// one that is shown, and exists in several forms while it is decoded.
#[cfg(feature = "heif-vendored")]
fn limit(context: &mut HeifContext<'_>, limits: &Limits) -> Result<()> {
    let mut inner = context.security_limits();
    let pixels = limits.pixels.saturating_add(limits.pixels / 8);
    inner.set_max_image_size_pixels(pixels.max(1 << 24));
    let memory = limits.bytes.saturating_mul(4).max(1 << 28);
    inner.set_max_total_memory(memory);
    inner.set_max_memory_block_size(memory);
    context.set_security_limits(&inner).map_err(decode_error)
}

/// A system's libheif may be too old for this call. Then its own limits apply.
#[cfg(not(feature = "heif-vendored"))]
fn limit(_: &mut HeifContext<'_>, _: &Limits) -> Result<()> {
    Ok(())
}

impl Decode for Heif<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let is_gray = self.header.layout.channels() < 3;
        if !(is_gray && self.read_gray(out)?) {
            self.read_rgb(out)?;
        }
        if self.damaged && out.iter().all(|&byte| byte == 0) {
            return Err(Error::decode("nothing of the picture is left"));
        }
        Ok(())
    }
}

impl Heif<'_> {
    /// Decodes gray as it is coded, as libheif ignores its range when it makes RGB. Returns whether
    /// the picture is coded as gray.
    fn read_gray(&self, out: &mut [u8]) -> Result<bool> {
        let image = decode(&self.handle, ColorSpace::Undefined, !self.damaged)?;
        if image.color_space() != Some(ColorSpace::Monochrome) {
            return Ok(false);
        }
        let limited = (image.color_profile_nclx()).or_else(|| self.handle.color_profile_nclx());
        let limited = limited.is_some_and(|profile| profile.full_range_flag() == 0);
        let planes = image.planes();
        match self.header.layout.bits() {
            8 => self.put_gray(planes.y, planes.a, limited, out.as_chunks_mut::<1>().0),
            _ => self.put_gray(planes.y, planes.a, limited, out.as_chunks_mut::<2>().0),
        }?;
        Ok(true)
    }

    fn put_gray<S: Sample>(
        &self,
        gray: Option<Plane<&[u8]>>,
        alpha: Option<Plane<&[u8]>>,
        limited: bool,
        out: &mut [S],
    ) -> Result<()> {
        let channels = self.header.layout.channels();
        let gray = self.checked(gray)?;
        let table = scale(gray.bits_per_pixel, S::TOP, limited);
        put(&gray, &table, out, 0, channels);
        if channels == 2 {
            let alpha = self.checked(alpha)?;
            let table = scale(alpha.bits_per_pixel, S::TOP, false);
            put(&alpha, &table, out, 1, channels);
            self.mend_alpha(out, alpha.bits_per_pixel);
        }
        Ok(())
    }

    fn read_rgb(&self, out: &mut [u8]) -> Result<()> {
        let Header { layout, .. } = self.header;
        let chroma = ColorSpace::Rgb(rgb_chroma(layout));
        let image = decode(&self.handle, chroma, !self.damaged)?;
        let plane = self.checked(image.planes().interleaved)?;
        let rows = plane.data.chunks(plane.stride);
        let out_rows = out.chunks_exact_mut(plane.width as usize * layout.bytes_per_pixel());
        if layout.bits() == 8 {
            for (row, out) in rows.zip(out_rows) {
                pick::<1>(layout, row, out, |sample| sample);
            }
            self.mend_alpha(out.as_chunks_mut::<1>().0, 8);
        } else {
            let table = scale(plane.bits_per_pixel, 65_535, false);
            let scale = |sample| {
                let sample = usize::from(u16::from_ne_bytes(sample));
                (table[sample & (table.len() - 1)] as u16).to_ne_bytes()
            };
            for (row, out) in rows.zip(out_rows) {
                pick::<2>(layout, row, out, scale);
            }
            self.mend_alpha(out.as_chunks_mut::<2>().0, plane.bits_per_pixel);
        }
        Ok(())
    }

    /// A plane that exists and has the size of the header.
    fn checked<'p>(&self, plane: Option<Plane<&'p [u8]>>) -> Result<Plane<&'p [u8]>> {
        let plane = plane.ok_or_else(|| Error::decode("libheif gave no pixels"))?;
        let shown = [self.header.width, self.header.height];
        let size = self.crop.map_or(shown, |(_, size)| size);
        if [plane.width, plane.height] != size {
            return Err(Error::decode(format!(
                "the picture is {}x{}, and its header says {}x{}",
                plane.width, plane.height, size[0], size[1]
            )));
        }
        let Some((rect, _)) = self.crop else {
            return Ok(plane);
        };
        let pixel = usize::from(plane.storage_bits_per_pixel / 8);
        let first = rect.y as usize * plane.stride + rect.x as usize * pixel;
        let rest = plane.data.get(first..);
        Ok(Plane {
            data: rest.ok_or_else(|| Error::decode("libheif gave fewer pixels"))?,
            width: rect.width,
            height: rect.height,
            ..plane
        })
    }

    /// Does what libheif leaves out: expands the limited range of alpha, which was coded in `bits`,
    /// and divides premultiplied colours by alpha.
    fn mend_alpha<S: Sample>(&self, samples: &mut [S], bits: u8) {
        let layout = self.header.layout;
        let channels = layout.channels();
        if !layout.has_alpha() {
            return;
        }
        let alphas = || samples.iter().skip(channels - 1).step_by(channels);
        // To find the range of alpha, it must be decoded again. That is skipped if many samples are
        // the maximum: in limited range only overshoot reaches it.
        let opaque = alphas().filter(|alpha| alpha.get() == S::TOP).count();
        let may_be_limited = opaque < samples.len() / channels / 64;
        if may_be_limited && self.format == Format::Avif && self.alpha_is_limited() {
            let alphas = samples.iter_mut().skip(channels - 1).step_by(channels);
            widen(alphas, bits);
        }
        if self.handle.is_premultiplied_alpha() {
            samples.chunks_exact_mut(channels).for_each(unpremultiply);
        }
    }

    fn alpha_is_limited(&self) -> bool {
        let auxiliary = self.handle.auxiliary_images(None);
        let is_alpha = |image: &&ImageHandle| {
            let known = image.auxiliary_type();
            known.is_ok_and(|urn| urn.contains("alpha") || urn.ends_with(":auxid:1"))
        };
        auxiliary.iter().find(is_alpha).is_some_and(is_limited)
    }
}

/// Whether alpha's samples have the limited range: 16 to 235 of 255.
fn is_limited(handle: &ImageHandle) -> bool {
    let limited = |profile: ColorProfileNCLX| profile.full_range_flag() == 0;
    match handle.color_profile_nclx() {
        Some(profile) => limited(profile),
        // Then the coded picture states the range.
        None => LIBHEIF
            .decode(handle, ColorSpace::Undefined, None)
            .is_ok_and(|image| image.color_profile_nclx().is_some_and(limited)),
    }
}

/// Decodes. If it is strict, a missing or damaged tile is an error, and not a hole.
fn decode(handle: &ImageHandle, space: ColorSpace, strict: bool) -> Result<Image> {
    use HeifErrorSubCode::*;
    let attempt = |strict| {
        let mut options = DecodingOptions::new();
        if let Some(options) = &mut options {
            options.set_strict_decoding(strict);
        }
        LIBHEIF.decode(handle, space, options)
    };
    attempt(strict)
        .or_else(|error| match error.sub_code {
            // Strict decoding also refuses reserved values of colour spaces.
            UnknownNclxColorPrimaries
            | UnknownNclxTransferCharacteristics
            | UnknownNclxMatrixCoefficients => attempt(false),
            _ => Err(error),
        })
        .map_err(decode_error)
}

/// The form of RGB to request from libheif.
fn rgb_chroma(layout: Layout) -> RgbChroma {
    let little = cfg!(target_endian = "little");
    match (layout.bits(), layout.has_alpha(), little) {
        (8, false, _) => RgbChroma::Rgb,
        (8, true, _) => RgbChroma::Rgba,
        (_, false, true) => RgbChroma::HdrRgbLe,
        (_, false, false) => RgbChroma::HdrRgbBe,
        (_, true, true) => RgbChroma::HdrRgbaLe,
        (_, true, false) => RgbChroma::HdrRgbaBe,
    }
}

/// Copies the channels of `layout` from a row of RGB, or RGBA if `layout` has alpha. A sample has
/// `N` bytes.
fn pick<const N: usize>(
    layout: Layout,
    row: &[u8],
    out: &mut [u8],
    convert: impl Fn([u8; N]) -> [u8; N],
) {
    let (row, out) = (row.as_chunks().0, out.as_chunks_mut().0);
    let (given, gray) = match layout.channels() {
        1 => (3, true),
        2 => (4, true),
        channels => (channels, false),
    };
    if gray {
        let pixels = out.chunks_exact_mut(layout.channels());
        for (out, pixel) in pixels.zip(row.chunks_exact(given)) {
            out[0] = convert(pixel[0]);
            if let Some(alpha) = out.get_mut(1) {
                *alpha = convert(pixel[3]);
            }
        }
    } else {
        for (out, &sample) in out.iter_mut().zip(row) {
            *out = convert(sample);
        }
    }
}

fn decode_error(error: HeifError) -> Error {
    translate(error, Error::decode)
}

fn translate(mut error: HeifError, otherwise: fn(HeifError) -> Error) -> Error {
    // Some of libheif's messages contain line breaks.
    error.message = error
        .message
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    match error.code {
        HeifErrorCode::UnsupportedFeature
        | HeifErrorCode::UnsupportedFileType
        | HeifErrorCode::PluginLoadingError => Error::unsupported(error.message),
        _ => otherwise(error),
    }
}

#[cfg(test)]
mod tests;
