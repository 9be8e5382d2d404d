//! A page as its directory describes it.

use super::{
    chunks::Chunks,
    compression::Compression,
    ifd::Directory,
    interpretation::{kind, meaning, photometric_of, samples, subsampling},
    kind::{Kind, Numbers},
    predictor::Predictor,
    samples::Meaning,
    tag,
};
use crate::{
    Error, Limits, Result,
    limits::check_limit,
    picture::{Area, Header},
};
use imagecuda_kernels::{expand::Curve, jpeg::picture::Color, layout::Layout};

/// How a page stores its pixels.
pub(super) struct Page<'a> {
    pub(super) directory: Directory<'a>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) kind: Kind,
    pub(super) meaning: Meaning,
    pub(super) alpha: Option<Alpha>,
    /// Samples of a pixel, including those that are not used.
    pub(super) samples: usize,
    pub(super) planar: bool,
    pub(super) compression: Compression,
    pub(super) predictor: Predictor,
    /// Whether compressed bytes have their lowest bit first.
    pub(super) is_reversed: bool,
    /// How many pixels across and down share their chroma, if the data are not JPEG.
    pub(super) sampling: [u32; 2],
    /// The colour space of a JPEG's components.
    pub(super) jpeg_color: Option<Color>,
    pub(super) chunks: Chunks<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    Straight,
    Premultiplied,
}

impl<'a> Page<'a> {
    /// Reads the first directory. If the file is `damaged`, strips may be missing.
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

        // A pixel is one code here, whatever the tags say about samples.
        let is_log = compression == Compression::SgiLog;
        let samples = if is_log { 1 } else { samples };
        let planar = samples > 1 && directory.short(tag::PLANAR_CONFIGURATION, 1)? == 2;
        let planes = if planar { samples as u64 } else { 1 };
        let size = [width, height];
        let mut chunks = Chunks::find(&directory, size, planes, compression, damaged, limits)?;
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
            // Old writers did not say what the fourth sample is.
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

    /// The pixels of the strips or tiles that have pixels of `needed`.
    pub(super) fn chunks_around(&self, needed: Area) -> Area {
        let (columns, rows) = (self.chunks.width, self.chunks.height);
        let around = |start: u32, length: u32, step: u32, side: u32| {
            let end = u64::from(start + length).next_multiple_of(step.into());
            let start = start / step * step;
            (start, end.min(side.into()) as u32 - start)
        };
        let (y, height) = around(needed.y, needed.height, rows, self.height);
        let bits = u64::from(columns).checked_mul(self.pixel_bits());
        let (x, width) = match bits.is_some_and(|bits| bits.is_multiple_of(8)) {
            true => around(needed.x, needed.width, columns, self.width),
            // Samples of two tiles share a byte.
            false => (0, self.width),
        };
        Area {
            x,
            y,
            width,
            height,
        }
    }

    pub(super) fn layout(&self) -> Layout {
        let bits = match self.meaning.is_linear() {
            true => 32,
            false => self.kind.bits_out(),
        };
        // CMYK to which a profile may apply. With alpha or other depths it becomes RGB here.
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

    /// Whether the samples already are the pixels of [`layout`](Self::layout).
    pub(super) fn is_direct(&self) -> bool {
        self.kind.is_plain()
            && (matches!(self.meaning, Meaning::Gray | Meaning::Rgb) || self.layout().is_cmyk())
            && self.samples == self.layout().channels()
            && self.alpha != Some(Alpha::Premultiplied)
            && !self.planar
    }

    /// Makes samples in the machine's byte order from rows of `row` bytes.
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

    /// Samples of a pixel that are used.
    pub(super) fn used(&self) -> usize {
        self.meaning.samples() + usize::from(self.alpha.is_some())
    }

    /// The number of planes that are used. They come first in the file.
    pub(super) fn planes(&self) -> usize {
        if self.planar { self.used() } else { 1 }
    }

    /// The size of a row with all samples; in a file with planes, of a row with one sample.
    pub(super) fn row_bytes(&self, width: u32) -> Option<u64> {
        let bits = u64::from(width).checked_mul(self.pixel_bits())?;
        Some(bits.div_ceil(8))
    }

    /// The bits of a pixel in a row.
    pub(super) fn pixel_bits(&self) -> u64 {
        let samples = if self.planar { 1 } else { self.samples as u64 };
        samples * self.kind.bits()
    }
}
