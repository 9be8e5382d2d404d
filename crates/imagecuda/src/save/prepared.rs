//! Between a device and a file.

use super::{Target, atomic_file};
use crate::{
    Error, Format, Result,
    codec::{self, EncodeRequest},
    device::{
        Staging,
        encode_jpeg::{EncodedJpeg, PendingJpeg},
    },
    jpeg::encode::Encoding,
    picture::Pixels,
    sink::Sink,
    trace::span,
};
use imagecuda_kernels::layout::Layout;
use std::{io::Cursor, path::Path};

/// What is on its way to host memory.
#[derive(Debug)]
pub(crate) struct Started {
    pub(super) target: Target,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Pixels(Staging),
    Jpeg(Box<Encoding>, PendingJpeg),
}

impl Started {
    /// Waits for it.
    pub(crate) fn finish(self) -> Result<Prepared> {
        let Self {
            target,
            width,
            height,
            content,
        } = self;
        let arrived = match content {
            Content::Pixels(mut pixels) => {
                span!("download", format = %target.format, bytes = pixels.len());
                pixels.wait()?;
                Arrived::Pixels(pixels)
            }
            Content::Jpeg(mut encoding, pending) => codec::caught(Error::encode, || {
                span!("encode", format = %target.format, width, height);
                let data = pending.finish(&mut encoding)?;
                Ok(Arrived::Jpeg(encoding, data))
            })
            .map_err(|error| error.with_format(target.format))?,
        };
        Ok(Prepared {
            target,
            width,
            height,
            arrived,
        })
    }
}

/// Pixels in host memory as an encoder wants them, or what a device has encoded of a JPEG.
#[derive(Debug)]
pub struct Prepared {
    target: Target,
    width: u32,
    height: u32,
    arrived: Arrived,
}

#[derive(Debug)]
enum Arrived {
    Pixels(Staging),
    Jpeg(Box<Encoding>, EncodedJpeg),
}

impl Prepared {
    /// The format of the file to be.
    pub fn format(&self) -> Format {
        self.target.format
    }

    /// The layout of the pixels. It is what was downloaded, but for a JPEG that a device encoded.
    pub fn layout(&self) -> Layout {
        self.target.packing.layout()
    }

    /// Encodes the pixels to a file, which appears whole or not at all.
    ///
    /// # Errors
    ///
    /// As [`SaveOptions::save`](super::SaveOptions::save).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.save_counted(path).map(|_| ())
    }

    /// As [`save`](Self::save). How many bytes the file has.
    pub(crate) fn save_counted(&self, path: &Path) -> Result<u64> {
        atomic_file::replace(path, |out| self.write_to(out))
            .map_err(|error| error.with_format(self.target.format).with_path(path))
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

    /// The pixels; none where a device has encoded them.
    fn pixels(&self) -> &[u8] {
        match &self.arrived {
            Arrived::Pixels(pixels) => pixels,
            Arrived::Jpeg(..) => &[],
        }
    }

    fn write_to(&self, out: &mut dyn Sink) -> Result<()> {
        codec::caught(Error::encode, || self.encode_to(out))
            .map_err(|error| error.with_format(self.target.format))
    }

    fn encode_to(&self, out: &mut dyn Sink) -> Result<()> {
        let target = &self.target;
        if let Arrived::Jpeg(encoding, data) = &self.arrived {
            return Ok(encoding.write(data, &target.options.metadata, out)?);
        }
        span!("encode", format = %target.format, width = self.width, height = self.height);
        let pixels = Pixels {
            width: self.width,
            height: self.height,
            layout: target.packing.layout(),
            data: self.pixels(),
        };
        let request = EncodeRequest {
            pixels,
            options: &target.options,
            extension: target.extension.as_deref(),
        };
        codec::encode(target.format, request, out)
    }
}
