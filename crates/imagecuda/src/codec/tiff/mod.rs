//! TIFF. This module reads directories, and tolerates small faults. It decompresses strips and
//! tiles one by one, mostly through other crates, and converts samples to pixels. The crate `tiff`
//! writes files.

mod chunks;
mod compression;
mod embedded;
mod empty;
mod fax;
mod ifd;
mod interpretation;
mod kind;
mod lab;
mod log;
mod luma;
mod metadata;
mod old_jpeg;
mod page;
mod pages;
mod predictor;
mod read;
mod samples;
mod strips;
mod subsampled;
mod tag;
mod write;

use self::{
    empty::Empty,
    ifd::Directory,
    page::{Alpha, Page},
};
use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, Decode, PayloadTarget, SequenceCodec},
};
use crate::{
    Channels, Compression, Depth, Format, Limits, Result,
    limits::check_limit,
    memory::zeroed,
    metadata::{
        embedded::{Embedded, kept},
        exif,
    },
    parallel,
    picture::{Area, Header},
};

pub(super) static CODEC: Codec = Codec {
    format: Format::Tiff,
    open,
    recover: read::open,
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

/// Bytes of samples from which on it is worth it to wake another thread.
const ENOUGH_BYTES: usize = 1 << 17;

/// The first page.
struct Tiff<'a> {
    page: Page<'a>,
    /// The part of the page that is decoded: whole strips or tiles.
    area: Area,
    header: Header,
    empty: Empty,
    limits: Limits,
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    Ok(Box::new(Tiff::open(bytes, limits, false)?))
}

impl Decode for Tiff<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn narrow(&mut self, needed: Area, _: PayloadTarget<'_>) -> Area {
        self.area = self.page.chunks_around(needed);
        (self.header.width, self.header.height) = self.area.size();
        self.area
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        self.read(out, None)
    }
}

impl<'a> Tiff<'a> {
    /// Opens a page. If the file is `damaged`, strips may be missing.
    fn open(bytes: &'a [u8], limits: &Limits, damaged: bool) -> Result<Self> {
        let page = Page::read(bytes, limits, damaged)?;
        Ok(Self {
            area: Area::whole((page.width, page.height)),
            header: page.header(),
            empty: Empty::find(&page),
            page,
            limits: *limits,
        })
    }

    /// Decodes all pixels into `out`. Missing parts go to `holes`; without `holes` they are an
    /// error.
    fn read(&self, out: &mut [u8], holes: Option<&mut Vec<(usize, read::Part)>>) -> Result<()> {
        if self.page.is_direct() {
            return read::read_chunks(self, out, holes);
        }
        let mut raw: Vec<u8> = zeroed(self.raw_bytes()?)?;
        read::read_chunks(self, &mut raw, holes)?;
        self.convert(&raw, out);
        Ok(())
    }

    /// The size in bytes of all samples that are used.
    fn raw_bytes(&self) -> Result<usize> {
        let row = self.page.row_bytes(self.header.width);
        let plane = row.and_then(|row| row.checked_mul(self.header.height.into()));
        let total = plane.and_then(|plane| plane.checked_mul(self.page.planes() as u64));
        check_limit("bytes", total, self.limits.bytes.min(isize::MAX as u64))?;
        Ok(total.unwrap_or_default() as usize)
    }

    /// Converts the file's samples to pixels.
    fn convert(&self, raw: &[u8], out: &mut [u8]) {
        let row = self.header.width as usize * self.header.layout.bytes_per_pixel();
        let some = (ENOUGH_BYTES / row).max(1);
        parallel::for_each(out.chunks_mut(row * some).enumerate(), |(part, out)| {
            for (y, out) in out.chunks_exact_mut(row).enumerate() {
                self.convert_row(raw, part * some + y, out);
            }
        });
    }

    fn convert_row(&self, raw: &[u8], y: usize, out: &mut [u8]) {
        let (page, layout) = (&self.page, self.header.layout);
        let used = page.used();
        let row = page.row_bytes(self.header.width).unwrap_or_default() as usize;
        let plane = row * self.header.height as usize;
        let row_of = |plane_index: usize| {
            let start = plane_index * plane + y * row;
            &raw[start..start + row]
        };
        let mut pixel = [0.0; 5];
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
            let alpha = page.alpha.map(|_| pixel[used - 1]);
            let color = match (page.alpha, alpha) {
                (Some(Alpha::Premultiplied), Some(alpha)) => {
                    page.meaning.color_of_premultiplied(pixel, alpha)
                }
                _ => page.meaning.color(&pixel),
            };
            let channels = if page.meaning.is_gray() { 1 } else { 3 };
            samples::put(out, color[..channels].iter().copied().chain(alpha));
        }
    }
}

fn embedded_metadata(bytes: &[u8]) -> Option<Embedded> {
    let directory = Directory::first(bytes).ok()?;
    Some(Embedded {
        exif: exif::Tree::read(bytes)
            .filter(exif::Tree::describes)
            .and_then(|tree| tree.to_exif()),
        icc: directory.data(tag::ICC_PROFILE).and_then(kept),
        orientation: exif::orientation(bytes),
        ..Embedded::default()
    })
}

#[cfg(test)]
mod tests;
