//! Packed images between the device and the file.

use super::{SaveJob, atomic_file};
use crate::{
    Error, Format, Result,
    codec::{self, EncodeRequest},
    device::{
        Staging,
        encode_jpeg::{EncodedJpeg, PendingJpeg},
        encode_png::{EncodedPng, PendingPng},
        encode_webp::{PendingWebp, WebpSamples},
    },
    jpeg::encode::Encoding,
    picture::Pixels,
    sink::Sink,
    trace::span,
};
use imagecuda_kernels::layout::Layout;
use std::{
    io::Cursor,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// The size of the last PNG that kernels made, in 256ths of its pixels' bytes. Pictures that are saved one after
/// the other are often alike.
static LAST_PNG: AtomicU64 = AtomicU64::new(0);

/// An image on its way to host memory.
#[derive(Debug)]
pub(crate) struct PendingSave {
    pub(super) job: SaveJob,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) data: PendingData,
}

#[derive(Debug)]
pub(super) enum PendingData {
    Pixels(Staging),
    Jpeg(Box<Encoding>, PendingJpeg),
    Png(PendingPng),
    WebP(PendingWebp),
}

impl PendingSave {
    /// Saves to a file, as [`PackedImage::save`] does. What can be done to make the file is done while the device
    /// works.
    pub(super) fn save(self, path: &Path) -> Result<()> {
        let format = self.job.format;
        let save = |out: &mut dyn Sink| {
            if matches!(self.data, PendingData::Png(_)) {
                // Less than that, as kernels wait for this thread if it takes longer than they do, and as it
                // takes time to give back what is too much.
                let share = LAST_PNG.load(Ordering::Relaxed) * 3 / 4;
                out.expect((self.pixel_bytes() * share / 256) as usize);
            }
            let packed = self.finish_with(&mut |bytes| out.reserve(bytes))?;
            packed.write_to(out)
        };
        atomic_file::replace(path, save)
            .map(drop)
            .map_err(|error| error.with_format(format).with_path(path))
    }

    /// The bytes of all pixels in the layout of the file.
    fn pixel_bytes(&self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        pixels * self.job.packing.layout().bytes_per_pixel() as u64
    }

    /// Waits until the image is in host memory.
    pub(crate) fn finish(self) -> Result<PackedImage> {
        self.finish_with(&mut |_| ())
    }

    /// As [`finish`](Self::finish). If the size of the file is known while the device still works, tells it to
    /// `reserve`.
    fn finish_with(self, reserve: &mut dyn FnMut(usize)) -> Result<PackedImage> {
        let pixel_bytes = self.pixel_bytes();
        let Self {
            job,
            width,
            height,
            data,
        } = self;
        let data = match data {
            PendingData::Pixels(mut pixels) => {
                span!("download", format = %job.format, bytes = pixels.len());
                pixels.wait()?;
                PackedData::Pixels(pixels)
            }
            PendingData::Jpeg(mut encoding, coding) => codec::caught(Error::encode, || {
                span!("encode", format = %job.format, width, height);
                let bytes = coding.finish(&mut encoding)?;
                Ok(PackedData::Jpeg(encoding, bytes))
            })
            .map_err(|error| error.with_format(job.format))?,
            PendingData::Png(coding) => codec::caught(Error::encode, || {
                span!("encode", format = %job.format, width, height);
                let encoded = coding.finish(reserve)?;
                let share = encoded.stream().len() as u64 * 256 / pixel_bytes.max(1);
                LAST_PNG.store(share, Ordering::Relaxed);
                Ok(PackedData::Png(encoded))
            })
            .map_err(|error| error.with_format(job.format))?,
            PendingData::WebP(planes) => {
                span!("download", format = %job.format, width, height);
                PackedData::WebP(
                    planes
                        .finish()
                        .map_err(|error| error.with_format(job.format))?,
                )
            }
        };
        Ok(PackedImage {
            job,
            width,
            height,
            data,
        })
    }
}

/// Pixels in host memory in the layout of an encoder, planes of a WebP, or a JPEG or PNG that the device has
/// encoded.
#[derive(Debug)]
pub struct PackedImage {
    job: SaveJob,
    width: u32,
    height: u32,
    data: PackedData,
}

#[derive(Debug)]
enum PackedData {
    Pixels(Staging),
    Jpeg(Box<Encoding>, EncodedJpeg),
    Png(EncodedPng),
    WebP(WebpSamples),
}

impl PackedImage {
    /// The format of the future file.
    pub fn format(&self) -> Format {
        self.job.format
    }

    /// The layout of the pixels. They were downloaded in this layout, unless the device encoded a
    /// JPEG or a PNG, or made planes for a lossy WebP.
    pub fn layout(&self) -> Layout {
        self.job.packing.layout()
    }

    /// Encodes the pixels to a file, which appears complete or not at all.
    ///
    /// # Errors
    ///
    /// As [`SaveOptions::save`](super::SaveOptions::save), and
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption) if the extension names another format
    /// than the one that the pixels were packed for, unless
    /// [`SaveOptions::format`](super::SaveOptions::format) is set.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.save_counted(path).map(|_| ())
    }

    /// Saves as [`save`](Self::save) does, and returns the size of the file in bytes.
    pub(crate) fn save_counted(&self, path: &Path) -> Result<u64> {
        let (options, format) = (&self.job.options, self.job.format);
        options
            .check_name(format, path)
            .and_then(|()| atomic_file::replace(path, |out| self.write_to(out)))
            .map_err(|error| error.with_format(self.job.format).with_path(path))
    }

    /// Encodes the pixels to memory.
    ///
    /// # Errors
    ///
    /// As [`SaveOptions::save`](super::SaveOptions::save).
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        self.write_to(&mut bytes)?;
        Ok(bytes.into_inner())
    }

    /// The pixels. Empty if the device has encoded them.
    fn pixels(&self) -> &[u8] {
        match &self.data {
            PackedData::Pixels(pixels) => pixels,
            PackedData::Jpeg(..) | PackedData::Png(_) | PackedData::WebP(_) => &[],
        }
    }

    fn write_to(&self, out: &mut dyn Sink) -> Result<()> {
        codec::caught(Error::encode, || self.encode_to(out))
            .map_err(|error| error.with_format(self.job.format))
    }

    fn encode_to(&self, out: &mut dyn Sink) -> Result<()> {
        let job = &self.job;
        if let PackedData::Jpeg(encoding, bytes) = &self.data {
            out.reserve(bytes.len());
            return Ok(encoding.write(bytes, &job.options.metadata, out)?);
        }
        span!("encode", format = %job.format, width = self.width, height = self.height);
        let pixels = Pixels {
            width: self.width,
            height: self.height,
            layout: job.packing.layout(),
            data: self.pixels(),
        };
        if let PackedData::WebP(planes) = &self.data {
            return codec::write_webp_planes(planes, &job.options, out);
        }
        if let PackedData::Png(encoded) = &self.data {
            out.reserve(encoded.stream().len());
            let encoded = (encoded.stream(), encoded.remainders());
            return codec::write_encoded_png(pixels, &job.options.metadata, encoded, out);
        }
        let request = EncodeRequest {
            pixels,
            options: &job.options,
            extension: job.extension.as_deref(),
        };
        codec::encode(job.format, request, out)
    }
}
