//! TIFF, through the `tiff` crate. It decompresses; what the samples mean is worked out here.

mod chunks;
mod deflate;
mod embedded;
mod empty;
mod luma;
mod metadata;
mod pages;
mod recover;
mod samples;
mod write;

use self::{
    empty::Empty,
    luma::YCbCr,
    samples::{Kind, Meaning},
};
use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, Decode, SequenceCodec},
};
use crate::{
    Channels, Compression, Depth, Error, Format, Limits, Result,
    limits::check_limit,
    memory::zeroed,
    metadata::{embedded::Embedded, exif},
    picture::Header,
};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::{
    borrow::Cow,
    io::{Cursor, ErrorKind as IoErrorKind},
};
use tiff::{
    TiffError,
    decoder::{ChunkType, Decoder},
    tags::{
        ByteOrder, CompressionMethod, ExtraSamples, PhotometricInterpretation as Photometric, Tag,
    },
};

pub(super) static CODEC: Codec = Codec {
    format: Format::Tiff,
    open,
    recover: recover::open,
    encode: write::encode,
    metadata: |bytes| embedded_metadata(bytes).unwrap_or_default(),
    sequence: Some(SequenceCodec {
        is_sequence: |_| true,
        open: |bytes, limits, _, _| Ok(Box::new(pages::Pages::new(bytes, *limits)?)),
        count: pages::count,
        write: None,
    }),
    capabilities: Capabilities {
        depths: &[Depth::U8, Depth::U16, Depth::F32],
        channels: &[
            Channels::Auto,
            Channels::Gray,
            Channels::Rgb,
            Channels::Rgba,
        ],
        compressions: &[
            Compression::Uncompressed,
            Compression::Fast,
            Compression::Balanced,
            Compression::Small,
            Compression::Lzw,
            Compression::PackBits,
        ],
        metadata: true,
        ..PLAIN
    },
};

type Reader<'a> = Decoder<Cursor<Cow<'a, [u8]>>>;

/// The first page.
struct Tiff<'a> {
    decoder: Reader<'a>,
    header: Header,
    page: Page,
    empty: Empty,
    is_lzw: bool,
    limit: u64,
}

/// How a page holds its pixels.
struct Page {
    kind: Kind,
    meaning: Meaning,
    alpha: Option<Alpha>,
    /// Samples a pixel, those included that mean nothing to us.
    samples: usize,
    planar: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alpha {
    Straight,
    Premultiplied,
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    Ok(Box::new(read_header(bytes, limits, false)?))
}

/// Of a `damaged` file strips may be missing.
fn read_header<'a>(bytes: &'a [u8], limits: &Limits, damaged: bool) -> Result<Tiff<'a>> {
    let mut decoder = reader(bytes, limits)?;
    let (width, height) = decoder.dimensions().map_err(error)?;
    let photometric: u16 = tag(&mut decoder, Tag::PhotometricInterpretation)?.unwrap_or(1);
    let samples: u16 = tag(&mut decoder, Tag::SamplesPerPixel)?.unwrap_or(1);
    let planar: u16 = tag(&mut decoder, Tag::PlanarConfiguration)?.unwrap_or(1);
    let fill_order = match embedded::is_there(&mut decoder)? {
        // Files have an order of their own.
        true => 1,
        false => tag(&mut decoder, Tag::FillOrder)?.unwrap_or(1),
    };
    let bits = tags(&mut decoder, Tag::BitsPerSample)?.map_or(1, |bits| bits[0]);
    let format = tags(&mut decoder, Tag::SampleFormat)?.map_or(1, |format| format[0]);
    let extra = tags(&mut decoder, Tag::ExtraSamples)?;

    let kind = Kind::new(bits, format)?;
    let photometric = Photometric::from_u16(photometric);
    let meaning = match photometric {
        Some(Photometric::BlackIsZero) => Meaning::Gray,
        Some(Photometric::WhiteIsZero) => Meaning::InvertedGray,
        Some(Photometric::RGB) => Meaning::Rgb,
        Some(Photometric::CMYK) => Meaning::Cmyk,
        Some(Photometric::YCbCr) => Meaning::YCbCr(YCbCr::new(&mut decoder, kind)?),
        Some(Photometric::RGBPalette) => {
            Meaning::palette(decoder.get_tag_u16_vec(Tag::ColorMap).map_err(error)?, bits)?
        }
        other => return Err(Error::unsupported(format!("colours of type {other:?}"))),
    };
    let samples = usize::from(samples);
    if samples < meaning.samples() {
        return Err(Error::decode("a pixel has too few samples for its colours"));
    }
    let alpha = match extra
        .as_deref()
        .map(|extra| ExtraSamples::from_u16(extra[0]))
    {
        _ if samples == meaning.samples() => None,
        Some(Some(ExtraSamples::UnassociatedAlpha)) => Some(Alpha::Straight),
        Some(Some(ExtraSamples::AssociatedAlpha)) => Some(Alpha::Premultiplied),
        // Old writers did not say what the fourth is.
        None if matches!(meaning, Meaning::Rgb) && samples == 4 => Some(Alpha::Straight),
        _ => None,
    };
    let page = Page {
        kind,
        meaning,
        alpha,
        samples,
        planar: planar == 2 && samples > 1,
    };
    // A row of tiles may be wider than the picture, and the crate allocates one.
    let (across, _) = decoder.chunk_dimensions();
    check_limit("bytes", page.row_bytes(across), limits.bytes)?;
    chunks::check(bytes, &mut decoder, &page)?;
    embedded::check(bytes, &mut decoder, &page, limits)?;
    let empty = Empty::find(&mut decoder, &page)?;
    let is_lzw = tag(&mut decoder, Tag::Compression)? == Some(CompressionMethod::LZW.to_u16());

    // The crate interprets little by itself, but gives any samples if it takes them for gray.
    let patch = !page.is_direct()
        && !matches!(
            photometric,
            Some(Photometric::BlackIsZero | Photometric::YCbCr)
        );
    if patch || fill_order == 2 {
        let mut copy: Vec<u8> = zeroed(bytes.len())?;
        copy.copy_from_slice(bytes);
        if patch {
            patch_photometric(&mut copy, &mut decoder)?;
        }
        if fill_order == 2 {
            reverse_strips(&mut copy, &mut decoder, damaged)?;
        }
        decoder = Decoder::new(Cursor::new(copy.into())).map_err(error)?;
    }
    let decoder = decoder.with_limits(inner(usize::MAX, limits));
    let header = Header {
        width,
        height,
        layout: page.layout(),
        curve: Curve::Encoded,
    };
    Ok(Tiff {
        decoder,
        header,
        page,
        empty,
        is_lzw,
        limit: limits.bytes,
    })
}

/// A decoder for what a header says. Tags claim as many values as they like, and the crate makes
/// room for them: for no more than a file of this length has.
fn reader<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Reader<'a>> {
    const VALUE: usize = 64;
    let limit = inner(bytes.len().saturating_mul(VALUE), limits);
    let decoder = Decoder::new(Cursor::new(bytes.into())).map_err(error)?;
    Ok(decoder.with_limits(limit))
}

/// What the crate may allocate at a time: `bytes`, but no more than the limits allow.
fn inner(bytes: usize, limits: &Limits) -> tiff::decoder::Limits {
    let limit = bytes.min(usize::try_from(limits.bytes).unwrap_or(usize::MAX));
    let mut inner = tiff::decoder::Limits::default();
    inner.decoding_buffer_size = limit;
    inner.intermediate_buffer_size = limit;
    inner
}

fn tag(decoder: &mut Reader<'_>, tag: Tag) -> Result<Option<u16>> {
    decoder.find_tag_unsigned(tag).map_err(error)
}

/// The tag's values, if it has any.
fn tags(decoder: &mut Reader<'_>, tag: Tag) -> Result<Option<Vec<u16>>> {
    let values = decoder.find_tag_unsigned_vec(tag).map_err(error)?;
    Ok(values.filter(|values| !values.is_empty()))
}

/// Makes the first page gray.
fn patch_photometric(bytes: &mut [u8], decoder: &mut Reader<'_>) -> Result<()> {
    const GRAY: u16 = 1;
    const SHORT: u16 = 3;
    let little = decoder.byte_order() == ByteOrder::LittleEndian;
    let big_tiff = bytes.get(2..4).is_some_and(|version| version.contains(&43));
    let u16_at = |bytes: &[u8], at: usize| {
        let two = *bytes.get(at..)?.first_chunk()?;
        Some(if little {
            u16::from_le_bytes(two)
        } else {
            u16::from_be_bytes(two)
        })
    };
    // A count of entries, then the entries: tag, type, count, value.
    let (head, size, value) = if big_tiff { (8, 20, 12) } else { (2, 12, 8) };
    let start = decoder
        .ifd_pointer()
        .and_then(|ifd| usize::try_from(ifd.0).ok());
    let found = start.and_then(|start| {
        let mut at = start.checked_add(head)?;
        while u16_at(bytes, at)? != Tag::PhotometricInterpretation.to_u16() {
            at = at.checked_add(size)?;
        }
        (u16_at(bytes, at + 2)? == SHORT).then_some(at + value)
    });
    let gray = if little {
        GRAY.to_le_bytes()
    } else {
        GRAY.to_be_bytes()
    };
    found
        .and_then(|at| bytes.get_mut(at..at + 2))
        .ok_or_else(|| Error::unsupported("a colour type that is not a short"))?
        .copy_from_slice(&gray);
    Ok(())
}

/// Turns data whose bits run from low to high into what the crate knows.
fn reverse_strips(bytes: &mut [u8], decoder: &mut Reader<'_>, damaged: bool) -> Result<()> {
    for (offset, count) in chunks::distinct(decoder)? {
        let mut range = offset as usize..offset.saturating_add(count) as usize;
        if damaged {
            range.end = range.end.min(bytes.len());
            range.start = range.start.min(range.end);
        }
        let Some(strip) = bytes.get_mut(range) else {
            return Err(cut_short());
        };
        strip
            .iter_mut()
            .for_each(|byte| *byte = byte.reverse_bits());
    }
    Ok(())
}

impl Page {
    fn layout(&self) -> Layout {
        // Inks that a profile may be for. With alpha or of other depths they become RGB here.
        match (&self.meaning, self.alpha, self.kind.bits_out()) {
            (Meaning::Cmyk, None, 8) => return Layout::Cmyk8,
            (Meaning::Cmyk, None, 16) => return Layout::Cmyk16,
            _ => {}
        }
        match (
            self.meaning.is_gray(),
            self.alpha.is_some(),
            self.kind.bits_out(),
        ) {
            (true, false, 8) => Layout::L8,
            (true, true, 8) => Layout::La8,
            (false, false, 8) => Layout::Rgb8,
            (false, true, 8) => Layout::Rgba8,
            (true, false, 16) => Layout::L16,
            (true, true, 16) => Layout::La16,
            (false, false, 16) => Layout::Rgb16,
            (false, true, 16) => Layout::Rgba16,
            (true, false, _) => Layout::L32F,
            (true, true, _) => Layout::La32F,
            (false, false, _) => Layout::Rgb32F,
            (false, true, _) => Layout::Rgba32F,
        }
    }

    /// Whether the crate's samples are already the pixels of [`layout`](Self::layout).
    fn is_direct(&self) -> bool {
        matches!(self.kind, Kind::U8 | Kind::U16 | Kind::F32)
            && (matches!(self.meaning, Meaning::Gray | Meaning::Rgb) || self.layout().is_cmyk())
            && self.samples == self.layout().channels()
            && self.alpha != Some(Alpha::Premultiplied)
            && !self.planar
    }

    /// Samples a pixel that mean something to us.
    fn used(&self) -> usize {
        self.meaning.samples() + usize::from(self.alpha.is_some())
    }

    /// The bytes of a row of all samples, or of one where each has its plane.
    fn row_bytes(&self, width: u32) -> Option<u64> {
        let samples = if self.planar { 1 } else { self.samples as u64 };
        let bits = u64::from(width).checked_mul(samples * self.kind.bits())?;
        Some(bits.div_ceil(8))
    }
}

impl Decode for Tiff<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(mut self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let by_chunks = self.empty.is_any() || self.has_cut_tiles();
        if self.page.is_direct() {
            return match by_chunks {
                true => recover::read_all_chunks(&mut self, out),
                false => self.decoder.read_image_bytes(out).map_err(error),
            };
        }
        let mut raw: Vec<u8> = zeroed(self.raw_bytes()?)?;
        match by_chunks {
            true => recover::read_all_chunks(&mut self, &mut raw)?,
            false => self.decoder.read_image_bytes(&mut raw).map_err(error)?,
        }
        self.convert(&raw, out);
        Ok(())
    }
}

impl Tiff<'_> {
    /// Planes only count that are wanted, and they come first.
    fn planes(&self) -> usize {
        if self.page.planar {
            self.page.used()
        } else {
            1
        }
    }

    /// Whether the crate cannot read all at once. Where planes end within tiles, it takes more rows of
    /// all but the first than there is room for, and panics. Where rows end within tiles of LZW, it
    /// misses the end of the data.
    fn has_cut_tiles(&self) -> bool {
        let (width, height) = self.decoder.chunk_dimensions();
        let is_tiled = self.decoder.get_chunk_type() == ChunkType::Tile;
        let is_cut_at = |end: u32, tile: u32| is_tiled && !end.is_multiple_of(tile.max(1));
        self.page.planar && is_cut_at(self.header.height, height)
            || self.is_lzw && is_cut_at(self.header.width, width)
    }

    /// The bytes of all samples that are wanted.
    fn raw_bytes(&self) -> Result<usize> {
        let row = self.page.row_bytes(self.header.width);
        let plane = row.and_then(|row| row.checked_mul(self.header.height.into()));
        let total = plane.and_then(|plane| plane.checked_mul(self.planes() as u64));
        check_limit("bytes", total, self.limit.min(isize::MAX as u64))?;
        Ok(total.unwrap_or_default() as usize)
    }

    /// Makes pixels of samples as they are in the file.
    fn convert(&self, raw: &[u8], out: &mut [u8]) {
        let (page, layout) = (&self.page, self.header.layout);
        let used = page.used();
        let row = page.row_bytes(self.header.width).unwrap_or_default() as usize;
        let plane = row * self.header.height as usize;
        let out_row = self.header.width as usize * layout.bytes_per_pixel();
        let mut pixel = [0.0; 5];
        for (y, out) in out.chunks_exact_mut(out_row).enumerate() {
            let row_of = |plane_index: usize| {
                let start = plane_index * plane + y * row;
                &raw[start..start + row]
            };
            for (x, out) in out.chunks_exact_mut(layout.bytes_per_pixel()).enumerate() {
                for (index, sample) in pixel[..used].iter_mut().enumerate() {
                    *sample = match page.planar {
                        true => page.kind.sample(row_of(index), x),
                        false => page.kind.sample(row_of(0), x * page.samples + index),
                    };
                }
                if layout.is_cmyk() {
                    samples::put(out, pixel[..4].iter().copied());
                    continue;
                }
                let color = page.meaning.color(&pixel);
                let alpha = page.alpha.map(|_| pixel[used - 1]);
                let color = match page.alpha {
                    Some(Alpha::Premultiplied) => samples::unpremultiply(color, pixel[used - 1]),
                    _ => color,
                };
                let channels = if page.meaning.is_gray() { 1 } else { 3 };
                samples::put(out, color[..channels].iter().copied().chain(alpha));
            }
        }
    }
}

fn error(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(cause) => Error::unsupported(cause.to_string()),
        // The file is in memory: its end is the only error that reading it can have.
        TiffError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => cut_short(),
        error => Error::decode(error),
    }
}

fn cut_short() -> Error {
    Error::decode("the file is cut short")
}

fn embedded_metadata(bytes: &[u8]) -> Option<Embedded> {
    let mut decoder = Decoder::new(Cursor::new(bytes)).ok()?;
    let profile = decoder.find_tag(Tag::IccProfile).ok().flatten();
    Some(Embedded {
        exif: exif::Tree::read(bytes)
            .filter(exif::Tree::describes)
            .and_then(|tree| tree.to_exif()),
        icc: profile.and_then(|profile| profile.into_u8_vec().ok()),
        orientation: exif::orientation(bytes),
        ..Embedded::default()
    })
}

#[cfg(test)]
mod tests;
