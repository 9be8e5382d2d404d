//! HEIC, HEIF and AVIF, through libheif.

mod boxes;
mod crop;
mod items;
mod metadata;
mod planes;
mod regular;
mod sequence;
mod threads;
mod video;
mod write;

use self::{
    crop::{Crop, Rect},
    items::Items,
    threads::Share,
};
use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, Decode, PayloadTarget},
};
use crate::{
    Device, Error, Format, Limits, Result, device::Payload, memory, parallel::with_room,
    picture::Header,
};
use imagecuda_kernels::{expand::Curve, layout::Layout, planes::View};
use libheif_rs::{
    ColorProfileNCLX, ColorSpace, CompressionFormat, DecodingOptions, HeifContext, HeifError,
    HeifErrorCode, HeifErrorSubCode, Image, ImageHandle, LibHeif, RgbChroma, StreamReader,
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
    effort: true,
    metadata: true,
    ..PLAIN
};

struct Heif<'a> {
    format: Format,
    bytes: Cow<'a, [u8]>,
    handle: ImageHandle,
    header: Header,
    damaged: bool,
    /// What is seen of the coded picture, where that is cropped and turned here and not by libheif.
    view: Option<View>,
    /// What is left of libheif's picture, where there is no view and a `clap`.
    crop: Option<Rect>,
    /// How many bits RGB has less than YCgCo-R, if the file says that it is that.
    reversible: Option<u8>,
    is_grid: bool,
    threads: Share,
    /// Keeps the borrow of the file, out of which the handle decodes.
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
    let threads = Share::new();
    let Opened {
        bytes,
        context,
        handle,
        crop,
    } = regular::open(bytes, |regular| read_context(regular, limits, &threads))?;

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
    let [width, height] = crop.map_or(size, |rect| [rect.width, rect.height]);
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
        view: view(&bytes).filter(|view| view.size == [width, height]),
        crop,
        reversible: reversible(&bytes),
        is_grid: Items::new(&bytes).is_some_and(|items| {
            items
                .kind(items.primary)
                .is_some_and(|kind| &kind == b"grid")
        }),
        threads,
        bytes,
        _context: context,
    })
}

struct Opened<'a> {
    /// The file as libheif can read it, with its own `clap`.
    bytes: Cow<'a, [u8]>,
    context: HeifContext<'a>,
    handle: ImageHandle,
    crop: Option<Rect>,
}

fn read_context<'a>(bytes: Cow<'a, [u8]>, limits: &Limits, threads: &Share) -> Result<Opened<'a>> {
    if Items::new(&bytes).is_some_and(|items| items.is_made_of_itself()) {
        return Err(Error::decode("a picture is made of itself"));
    }
    let mut context: HeifContext<'a> = HeifContext::new().map_err(decode_error)?;
    limit(&mut context, limits)?;
    // For the tiles of a grid. 0 is the caller's thread alone.
    context.set_max_decoding_threads(match threads.threads() {
        1 => 0,
        more => more,
    });
    let crop = crop::find(&bytes);
    match (&bytes, &crop) {
        (Cow::Borrowed(bytes), None) => context.read_bytes(bytes),
        _ => {
            let mut changed = memory::copied(&bytes)?;
            if let Some(Crop { places, whole, .. }) = &crop {
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
    Ok(Opened {
        bytes,
        context,
        handle,
        crop: crop.map(|crop| crop.rect),
    })
}

/// The view of a picture that is coded as such or in tiles, and not made of others.
fn view(bytes: &[u8]) -> Option<View> {
    let items = Items::new(bytes)?;
    match &items.kind(items.primary)? {
        b"iden" | b"iovl" => None,
        _ => crop::view(bytes),
    }
}

/// Whether the code points are those of YCgCo-Re or YCgCo-Ro, whose RGB has two bits or one less.
fn reversible(bytes: &[u8]) -> Option<u8> {
    let is_nclx = |(kind, body): &(&[u8; 4], &[u8])| *kind == b"colr" && body.starts_with(b"nclx");
    let (_, body) = boxes::properties(bytes)?.into_iter().find(is_nclx)?;
    match boxes::number(body, 8, 2)? {
        16 => Some(2),
        17 => Some(1),
        _ => None,
    }
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
        self.planes(&Device::cpu())?.write(self.header.layout, out)
    }

    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        match self.frames(target) {
            Some(frames) => Ok(Payload::Video(frames)),
            None => self.planes(target.device).map(Payload::Planes),
        }
    }
}

impl Heif<'_> {
    fn alpha_is_limited(&self) -> bool {
        self.alphas().first().is_some_and(is_limited)
    }

    fn how(&self) -> How {
        How {
            strict: !self.damaged,
            as_coded: self.view.is_some(),
            threads: match self.is_grid {
                // Its tiles are decoded side by side.
                true => 1,
                false => self.threads.threads(),
            },
        }
    }

    /// The pictures that are alpha of this one.
    fn alphas(&self) -> Vec<ImageHandle> {
        let mut auxiliary = self.handle.auxiliary_images(None);
        auxiliary.retain(|image| {
            let known = image.auxiliary_type();
            known.is_ok_and(|urn| urn.contains("alpha") || urn.ends_with(":auxid:1"))
        });
        auxiliary
    }

    /// The only picture that is alpha, as it is coded.
    fn alpha_image(&self) -> Option<Image> {
        match &self.alphas()[..] {
            [alpha] => decode(alpha, ColorSpace::Undefined, self.how()).ok(),
            _ => None,
        }
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

/// How libheif decodes.
#[derive(Clone, Copy, Debug)]
struct How {
    /// A tile that is missing or damaged is an error, not a hole.
    strict: bool,
    /// Cropping and turning are left to the caller.
    as_coded: bool,
    /// Threads for each coded picture.
    threads: u32,
}

fn decode(handle: &ImageHandle, space: ColorSpace, how: How) -> Result<Image> {
    use HeifErrorSubCode::*;
    let How {
        strict,
        as_coded,
        threads: _threads,
    } = how;
    let attempt = |strict| {
        let mut options = DecodingOptions::new();
        if let Some(options) = &mut options {
            options.set_strict_decoding(strict);
            options.set_ignore_transformations(as_coded);
            // Else it makes other luma and chroma of those that are there.
            #[cfg(feature = "heif-vendored")]
            options.set_output_image_nclx_profile_passthrough(true);
            // By default libde265 has one.
            #[cfg(feature = "heif-vendored")]
            options.set_num_codec_threads(_threads);
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
