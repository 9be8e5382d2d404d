//! What a directory says of its picture.

use super::{
    chunks::Chunks,
    compression::Compression,
    ifd::Directory,
    kind::{Kind, Numbers},
    lab::{self, Lab},
    luma::YCbCr,
    predictor::Predictor,
    samples::{Meaning, Palette},
    tag,
};
use crate::{Error, Limits, Result, limits::check_limit, picture::Header};
use imagecuda_kernels::{expand::Curve, jpeg::picture::Color, layout::Layout};

/// How a page holds its pixels.
pub(super) struct Page<'a> {
    pub(super) directory: Directory<'a>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) kind: Kind,
    pub(super) meaning: Meaning,
    pub(super) alpha: Option<Alpha>,
    /// Samples a pixel, those included that mean nothing to us.
    pub(super) samples: usize,
    pub(super) planar: bool,
    pub(super) compression: Compression,
    pub(super) predictor: Predictor,
    /// Whether the bits of compressed bytes run from low to high.
    pub(super) is_reversed: bool,
    /// How many pixels across and down share their chroma, if that is not in a JPEG.
    pub(super) sampling: [u32; 2],
    /// What the components of a JPEG are.
    pub(super) jpeg_color: Option<Color>,
    pub(super) chunks: Chunks,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    Straight,
    Premultiplied,
}

/// Values of the tag PhotometricInterpretation.
mod photometric {
    pub(super) const WHITE_IS_ZERO: u16 = 0;
    pub(super) const BLACK_IS_ZERO: u16 = 1;
    pub(super) const RGB: u16 = 2;
    pub(super) const PALETTE: u16 = 3;
    pub(super) const MASK: u16 = 4;
    pub(super) const SEPARATED: u16 = 5;
    pub(super) const YCBCR: u16 = 6;
    pub(super) const CIE_LAB: u16 = 8;
    pub(super) const ICC_LAB: u16 = 9;
    pub(super) const LOG_L: u16 = 32_844;
    pub(super) const LOG_LUV: u16 = 32_845;
}
use photometric as color;

impl<'a> Page<'a> {
    /// Reads the first directory. Of a `damaged` file strips may be missing.
    pub(super) fn read(bytes: &'a [u8], limits: &Limits, damaged: bool) -> Result<Self> {
        let directory = Directory::first(bytes)?;
        let side = |tag| -> Result<u32> {
            let side = directory.number(tag)?.unwrap_or_default();
            match u32::try_from(side) {
                Ok(side @ 1..) => Ok(side),
                _ => Err(Error::decode("the picture has no size")),
            }
        };
        let (width, height) = (side(tag::IMAGE_WIDTH)?, side(tag::IMAGE_LENGTH)?);
        let t4_options = directory.number(tag::T4_OPTIONS)?.unwrap_or_default();
        let mut compression =
            Compression::new(directory.short(tag::COMPRESSION, 1)?, t4_options as u16)?;
        let samples = samples(&directory)?;
        let extra = directory.numbers_up_to(tag::EXTRA_SAMPLES, samples)?;
        let extra = extra.unwrap_or_default();
        let photometric = photometric_of(&directory, compression, samples, extra.len())?;
        let kind = kind(&directory, compression, photometric, samples)?;

        // A pixel of these is one code, whatever the tags say of its samples.
        let is_log = compression == Compression::SgiLog;
        let samples = if is_log { 1 } else { samples };
        let planar = samples > 1 && directory.short(tag::PLANAR_CONFIGURATION, 1)? == 2;
        let planes = if planar { samples as u64 } else { 1 };
        let mut chunks = Chunks::find(&directory, [width, height], planes, compression, damaged)?;
        if compression == Compression::OldJpeg {
            if planar || directory.has(tag::TILE_WIDTH) {
                let what = "old-style JPEG in tiles or planes";
                return Err(Error::unsupported(what));
            }
            match super::old_jpeg::has_whole_strips(&directory, &chunks) {
                true => compression = Compression::Jpeg,
                false => {
                    (chunks.width, chunks.height) = (width, height);
                    (chunks.across, chunks.down) = (1, 1);
                }
            }
        }
        let is_jpeg = matches!(compression, Compression::Jpeg | Compression::OldJpeg);
        let mut meaning = meaning(&directory, photometric, kind, is_log)?;
        let jpeg_color = is_jpeg.then_some(match (planar, &meaning, samples) {
            (false, Meaning::YCbCr(_), 3) => Color::Ycc,
            (false, _, 3) => Color::Rgb,
            (false, _, 4) => Color::Cmyk,
            _ => Color::Gray,
        });
        let mut sampling = [1, 1];
        if let Meaning::YCbCr(_) = &meaning {
            match jpeg_color {
                Some(Color::Ycc) => meaning = Meaning::Rgb,
                Some(_) => {}
                None => sampling = subsampling(&directory, planar, samples, kind)?,
            }
        }
        if samples < meaning.samples() {
            return Err(Error::decode("a pixel has too few samples for its colours"));
        }
        let alpha = match extra.first() {
            _ if samples == meaning.samples() => None,
            Some(1) => Some(Alpha::Premultiplied),
            Some(2) => Some(Alpha::Straight),
            // Old writers did not say what the fourth is.
            None if matches!(meaning, Meaning::Rgb) && samples == 4 => Some(Alpha::Straight),
            _ => None,
        };
        let predictor = match compression.takes_predictor() {
            true => {
                let is_float = kind.numbers == Numbers::Float;
                Predictor::new(directory.short(tag::PREDICTOR, 1)?, kind.bytes(), is_float)?
            }
            false => Predictor::Nothing,
        };
        let is_reversed =
            !compression.is_file() && directory.short(tag::FILL_ORDER, 1).unwrap_or(1) == 2;
        let page = Self {
            directory,
            width,
            height,
            kind,
            meaning,
            alpha,
            samples,
            planar,
            compression,
            predictor,
            is_reversed,
            sampling,
            jpeg_color,
            chunks,
        };
        page.check(limits)?;
        Ok(page)
    }

    fn check(&self, limits: &Limits) -> Result<()> {
        match self.compression {
            Compression::Fax(_) if self.kind.bits() != 1 || self.samples != 1 => {
                return Err(Error::unsupported("a fax of samples of more than a bit"));
            }
            Compression::Jpeg if self.kind.is_of_jpeg() => {}
            Compression::Jpeg | Compression::OldJpeg | Compression::WebP
                if self.kind != Kind::unsigned(8) =>
            {
                let bits = self.kind.bits();
                return Err(Error::unsupported(format!(
                    "{bits}-bit JPEG or WebP in TIFF"
                )));
            }
            _ => {}
        }
        let up = |side: u32, to: u32| u64::from(side).next_multiple_of(to.into());
        let chunks = &self.chunks;
        let row = self.row_bytes(up(self.width, chunks.width).try_into().unwrap_or(u32::MAX));
        // A row of tiles may be wider than the picture.
        check_limit("bytes", self.row_bytes(chunks.width), limits.bytes)?;
        chunks.check_limit(self.row_bytes(chunks.width), limits.bytes)?;
        let planes = if self.planar { self.samples as u64 } else { 1 };
        let pixels = row.and_then(|row| row.checked_mul(up(self.height, chunks.height)));
        let pixels = pixels.and_then(|pixels| pixels.checked_mul(planes));
        chunks.check(self.directory.bytes(), pixels)
    }

    pub(super) fn header(&self) -> Header {
        let curve = match self.meaning.is_linear() {
            true => Curve::Linear,
            false => Curve::Encoded,
        };
        Header {
            width: self.width,
            height: self.height,
            layout: self.layout(),
            curve,
        }
    }

    pub(super) fn layout(&self) -> Layout {
        let bits = match self.meaning.is_linear() {
            true => 32,
            false => self.kind.bits_out(),
        };
        // Inks that a profile may be for. With alpha or of other depths they become RGB here.
        match (&self.meaning, self.alpha, bits) {
            (Meaning::Cmyk, None, 8) => return Layout::Cmyk8,
            (Meaning::Cmyk, None, 16) => return Layout::Cmyk16,
            _ => {}
        }
        match (self.meaning.is_gray(), self.alpha.is_some(), bits) {
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

    /// Whether the samples are already the pixels of [`layout`](Self::layout).
    pub(super) fn is_direct(&self) -> bool {
        self.kind.is_plain()
            && (matches!(self.meaning, Meaning::Gray | Meaning::Rgb) || self.layout().is_cmyk())
            && self.samples == self.layout().channels()
            && self.alpha != Some(Alpha::Premultiplied)
            && !self.planar
    }

    /// Makes samples of rows of so many bytes, in the machine's byte order.
    pub(super) fn undo_predictor(&self, rows: &mut [u8], row: usize) {
        let is_swapped = self.directory.little_endian != cfg!(target_endian = "little");
        let bytes = self.kind.bytes().unwrap_or(1);
        if self.predictor == Predictor::Nothing && !(is_swapped && bytes > 1) {
            return;
        }
        let step = if self.planar { 1 } else { self.samples };
        for row in rows.chunks_exact_mut(row) {
            self.predictor.undo(row, bytes, step, is_swapped);
        }
    }

    /// Samples a pixel that mean something to us.
    pub(super) fn used(&self) -> usize {
        self.meaning.samples() + usize::from(self.alpha.is_some())
    }

    /// Planes only count that are wanted, and they come first.
    pub(super) fn planes(&self) -> usize {
        if self.planar { self.used() } else { 1 }
    }

    /// The bytes of a row of all samples, or of one where each has its plane.
    pub(super) fn row_bytes(&self, width: u32) -> Option<u64> {
        let samples = if self.planar { 1 } else { self.samples as u64 };
        let bits = u64::from(width).checked_mul(samples * self.kind.bits())?;
        Some(bits.div_ceil(8))
    }
}

/// Samples a pixel. Where no tag says that, those whose bits are said, or those of the colours.
fn samples(directory: &Directory<'_>) -> Result<usize> {
    let samples = match directory.number(tag::SAMPLES_PER_PIXEL)? {
        Some(samples) => samples,
        None => {
            let bits = directory.numbers_up_to(tag::BITS_PER_SAMPLE, 16)?;
            let extra = directory.numbers_up_to(tag::EXTRA_SAMPLES, 16)?;
            let colors = match directory.number(tag::PHOTOMETRIC)?.map(u16::try_from) {
                Some(Ok(
                    color::RGB | color::YCBCR | color::CIE_LAB | color::ICC_LAB | color::LOG_LUV,
                )) => 3,
                Some(Ok(color::SEPARATED)) => 4,
                _ => 1,
            };
            let said = bits.map_or(0, |bits| bits.len());
            said.max(colors + extra.map_or(0, |extra| extra.len())) as u64
        }
    };
    match u16::try_from(samples) {
        Ok(samples @ 1..) => Ok(samples.into()),
        _ => Err(Error::decode(format!("{samples} samples a pixel"))),
    }
}

/// The tag, or what libtiff guesses without it.
fn photometric_of(
    directory: &Directory<'_>,
    compression: Compression,
    samples: usize,
    extra: usize,
) -> Result<u16> {
    let said = match directory.number(tag::PHOTOMETRIC)? {
        Some(number) => Some(directory.short(tag::PHOTOMETRIC, number as u16)?),
        None => None,
    };
    Ok(match (said, samples.saturating_sub(extra)) {
        // Whatever such a file says, it has YCbCr.
        (None | Some(color::RGB), 3..) if compression == Compression::OldJpeg => color::YCBCR,
        (Some(number), _) => number,
        (None, 0..3) if matches!(compression, Compression::Fax(_)) => color::WHITE_IS_ZERO,
        (None, 0..3) => color::BLACK_IS_ZERO,
        (None, 3..) => color::RGB,
    })
}

fn kind(
    directory: &Directory<'_>,
    compression: Compression,
    photometric: u16,
    samples: usize,
) -> Result<Kind> {
    if compression == Compression::SgiLog {
        return Ok(Kind::unsigned(match photometric {
            color::LOG_L => 16,
            _ => 32,
        }));
    }
    let default = match compression {
        Compression::Jpeg | Compression::OldJpeg | Compression::WebP => 8,
        _ => 1,
    };
    let alike = |tag, default: u64| -> Result<u64> {
        let numbers = directory.numbers_up_to(tag, samples)?;
        let numbers = numbers.unwrap_or_default();
        match numbers.iter().all(|number| *number == numbers[0]) {
            true => Ok(numbers.first().copied().unwrap_or(default)),
            false => Err(Error::unsupported("samples that are not alike")),
        }
    };
    let bits = alike(tag::BITS_PER_SAMPLE, default)?;
    let format = match photometric {
        // Signs of these are part of what they mean.
        color::PALETTE | color::MASK | color::CIE_LAB | color::ICC_LAB => 1,
        _ => alike(tag::SAMPLE_FORMAT, 1)? as u16,
    };
    Kind::new(bits, format)
}

fn meaning(
    directory: &Directory<'_>,
    photometric: u16,
    kind: Kind,
    is_log: bool,
) -> Result<Meaning> {
    let lab = |coding| {
        let white = directory.fractions(tag::WHITE_POINT);
        match kind.bits() {
            8 | 16 => Ok(Meaning::Lab(Lab::new(coding, kind.top(), white))),
            bits => Err(Error::unsupported(format!("{bits}-bit L*a*b*"))),
        }
    };
    let name = match photometric {
        color::LOG_L if is_log => return Ok(Meaning::LogL),
        color::LOG_LUV if is_log => return Ok(Meaning::LogLuv),
        _ if is_log => return Err(Error::decode("SGI Log compression of other colours")),
        color::WHITE_IS_ZERO => return Ok(Meaning::InvertedGray),
        color::BLACK_IS_ZERO | color::MASK => return Ok(Meaning::Gray),
        color::RGB => return Ok(Meaning::Rgb),
        color::SEPARATED => return Ok(Meaning::Cmyk),
        color::YCBCR => return Ok(Meaning::YCbCr(YCbCr::new(directory, kind))),
        color::CIE_LAB => return lab(lab::Coding::Cie),
        color::ICC_LAB => return lab(lab::Coding::Icc),
        color::PALETTE => {
            if kind.bits() > 16 {
                return Err(Error::unsupported("palettes of more than 65,536 colours"));
            }
            let map = directory.numbers_up_to(tag::COLOR_MAP, 3 << 16)?;
            let map = map.ok_or_else(|| Error::decode("the palette is missing"))?;
            return Ok(Meaning::Palette(Palette::new(&map, kind)?));
        }
        10 => "ITU L*a*b*",
        color::LOG_L | color::LOG_LUV => "LogL or LogLuv without its compression",
        32_803 => "colour filter array",
        34_892 => "linear raw",
        51_177 => "depth map",
        _ => "",
    };
    Err(Error::unsupported(match name {
        "" => format!("colours of type {photometric} of TIFF"),
        name => format!("{name} colours of TIFF"),
    }))
}

/// How many pixels across and down share their chroma.
fn subsampling(
    directory: &Directory<'_>,
    planar: bool,
    samples: usize,
    kind: Kind,
) -> Result<[u32; 2]> {
    let numbers = directory.numbers_up_to(tag::YCBCR_SUBSAMPLING, 2)?;
    let sampling = match numbers.as_deref() {
        None => [2, 2],
        Some(&[across @ (1 | 2 | 4), down @ (1 | 2 | 4)]) => [across as u32, down as u32],
        Some(_) => return Err(Error::decode("chroma is sampled as it cannot be")),
    };
    let is_plain = !planar && samples == 3 && kind.bytes().is_some();
    match is_plain || sampling == [1, 1] {
        true => Ok(sampling),
        false => Err(Error::unsupported("chroma of its own sampling in planes")),
    }
}
