//! Saving: device → pixels as the encoder wants them → file, whole or not at all.

mod animation;
pub(crate) mod atomic_file;
mod channels;
mod packed;

pub(crate) use self::packed::PendingSave;
pub use self::{animation::AnimationEncoder, packed::PackedImage};

use self::packed::PendingData;
use crate::jpeg::encode::Encoding;
use crate::{
    Channels, Compression, Device, Error, ErrorKind, Format, Image, ImageU8, Result, SaveOptions,
    codec, device::Staging,
};
use imagecuda_kernels::{
    pack::{Background, Packing},
    png::encode::scanlines::Scanlines,
};
use std::{io::Write, path::Path};

impl SaveOptions {
    /// Saves to a file. It appears whole or not at all: the data go to a temporary file beside
    /// it, which is renamed at the end; if anything fails, what was there stays. (A process that is
    /// killed meanwhile may leave that one: its hidden name begins with `.imagecuda-`, and it may be
    /// deleted.)
    ///
    /// A link is followed and stays. A file that is there keeps its permissions, and its owner, group,
    /// extended attributes and access list as far as the system lets it; other hard links to it keep the
    /// old picture. If the file may be written, and its folder takes no new one (it is read-only, or
    /// sticky), it is written over in place, which is whole unless the process is killed meanwhile. What
    /// is no regular file (a device, a pipe, `/dev/stdout`, `/dev/fd/N`) is written to and never replaced;
    /// a pipe waits for its reader.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownFormat`] if the name tells none, [`ErrorKind::Unsupported`],
    /// [`ErrorKind::InvalidOption`], [`ErrorKind::LimitExceeded`] for a picture that is larger than
    /// the format can hold, [`ErrorKind::Encode`] (also for an encoder that panics),
    /// [`ErrorKind::Io`] (also for a file that is marked read-only), [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`]; the error
    /// names the file. So for all functions that save.
    pub fn save(&self, image: &Image, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.pack(image, path)?.save(path)
    }

    /// As [`save`](Self::save), with the caller's `via` for what is between: where the file
    /// takes 8 bits, `via` then holds the quantised RGBA; for a deeper one it is left alone.
    /// The file is the same as without.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save), and [`ErrorKind::OverCapacity`] and
    /// [`ErrorKind::DeviceMismatch`] for `via`.
    pub fn save_via(&self, image: &Image, path: impl AsRef<Path>, via: &mut ImageU8) -> Result<()> {
        let path = path.as_ref();
        self.job(path)
            .and_then(|job| job.start_via(image, via)?.finish())
            .map_err(|error| error.with_path(path))?
            .save(path)
    }

    /// Saves an 8-bit image to a file.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn save_u8(&self, image: &ImageU8, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.job(path)
            .and_then(|job| job.start_u8(image)?.finish())
            .map_err(|error| error.with_path(path))?
            .save(path)
    }

    /// The file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn encode(&self, image: &Image, format: Format) -> Result<Vec<u8>> {
        self.job_in(format, None)?.start(image)?.finish()?.encode()
    }

    /// The file's bytes in memory, from an 8-bit image.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn encode_u8(&self, image: &ImageU8, format: Format) -> Result<Vec<u8>> {
        self.job_in(format, None)?
            .start_u8(image)?
            .finish()?
            .encode()
    }

    /// Writes the file's bytes to `writer`, once they are complete.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn encode_to(&self, image: &Image, format: Format, mut writer: impl Write) -> Result<()> {
        let bytes = self.encode(image, format)?;
        writer
            .write_all(&bytes)
            .and_then(|()| writer.flush())
            .map_err(|error| Error::from(error).with_format(format))
    }

    /// Converts `image` to what the encoder of the file at `path` wants, and downloads that.
    /// The second half of saving is [`PackedImage::save`].
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn pack(&self, image: &Image, path: impl AsRef<Path>) -> Result<PackedImage> {
        let path = path.as_ref();
        self.start(image, path)
            .and_then(PendingSave::finish)
            .map_err(|error| error.with_path(path))
    }

    /// As [`pack`](Self::pack), but does not wait for the device. `image` may be changed or
    /// dropped at once.
    pub(crate) fn start(&self, image: &Image, path: &Path) -> Result<PendingSave> {
        self.job(path)?.start(image)
    }

    /// What a file of this name is to be.
    fn job(&self, path: &Path) -> Result<SaveJob> {
        let format = self.format_of(path)?;
        self.job_in(format, path.extension().and_then(|e| e.to_str()))
    }

    /// The format of a file of this name.
    fn format_of(&self, path: &Path) -> Result<Format> {
        self.format
            .or_else(|| Format::from_path(path))
            .ok_or_else(|| {
                let named = match path.extension() {
                    Some(extension) => {
                        format!("none has the extension '{}'", extension.display())
                    }
                    None => "the file's name has no extension".to_owned(),
                };
                let known = Format::ALL.iter().filter(|format| format.can_save());
                let known: Vec<_> = known.map(|format| format.extensions()[0]).collect();
                let known = known.join(", ");
                ErrorKind::UnknownFormat(format!("{named}; there are {known}")).into()
            })
    }

    /// That the name of a file of `format` does not say that it has another, unless the caller
    /// has chosen one by [`format`](Self::format).
    fn check_name(&self, format: Format, path: &Path) -> Result<()> {
        match Format::from_path(path).filter(|named| *named != format) {
            Some(named) if self.format.is_none() => Err(Error::option(
                "format",
                format!(
                    "the file's name says {named}, and what is saved is {format}; \
                     SaveOptions::format({format:?}) allows that"
                ),
            )),
            _ => Ok(()),
        }
    }

    fn job_in(&self, format: Format, extension: Option<&str>) -> Result<SaveJob> {
        let plan = codec::encoder_input(format, extension, self)?;
        let packing = channels::packing(plan).map_err(|error| error.with_format(format))?;
        Ok(SaveJob {
            options: self.clone(),
            format,
            extension: extension.map(str::to_owned),
            packing,
            auto_channels: self.channels == Some(Channels::Auto),
        })
    }
}

/// A file to be: its format, what its encoder wants, and the options.
#[derive(Debug)]
struct SaveJob {
    options: SaveOptions,
    format: Format,
    extension: Option<String>,
    packing: Packing,
    /// Whether the pixels decide how much of that is needed.
    auto_channels: bool,
}

impl SaveJob {
    fn background(&self) -> Background {
        let rgb = self.options.background.unwrap_or_default();
        rgb.map(imagecuda_kernels::pixel::unit_from_u8)
    }

    fn start(self, image: &Image) -> Result<PendingSave> {
        if self.auto_channels {
            return self.start_auto(image);
        }
        let (device, len) = (image.device(), image.len());
        if self.is_jpeg_for_kernels(device, len) {
            return self.start_jpeg(image);
        }
        if let Some(lines) = self.lines_for_kernels(device, image.width(), image.height()) {
            return self.start_png(image, &lines);
        }
        let pixels = image
            .buffer
            .pack(device, self.packing, self.background(), len)
            .map_err(|error| error.with_format(self.format))?;
        Ok(self.with_pixels(image.width(), image.height(), pixels))
    }

    /// Whether kernels encode a JPEG of so many pixels.
    fn is_jpeg_for_kernels(&self, device: &Device, len: usize) -> bool {
        self.format == Format::Jpeg
            && !self.options.progressive
            && device.encodes_jpeg(self.options.jpeg_encoder, len)
    }

    /// The rows of a PNG, if kernels encode it.
    fn lines_for_kernels(&self, device: &Device, width: u32, height: u32) -> Option<Scanlines> {
        let pixels = width as usize * height as usize;
        let is_fast = matches!(self.options.compression, None | Some(Compression::Fast));
        let is_for_kernels = self.format == Format::Png
            && is_fast
            && device.encodes_png(self.options.png_encoder, pixels);
        let layout = self.packing.layout();
        let bytes_per_pixel = layout.bytes_per_pixel() as u32;
        is_for_kernels
            .then(|| Scanlines::new((width, height), bytes_per_pixel, layout.bits() == 16))
            .flatten()
    }

    /// Has the device encode the picture as PNG.
    fn start_png(self, image: &Image, lines: &Scanlines) -> Result<PendingSave> {
        let coding = image
            .buffer
            .start_png(image.device(), lines, self.packing, self.background())
            .map_err(|error| error.with_format(self.format))?;
        Ok(PendingSave {
            job: self,
            width: image.width(),
            height: image.height(),
            data: PendingData::Png(coding),
        })
    }

    /// Has the device encode the picture as JPEG.
    fn start_jpeg(self, image: &Image) -> Result<PendingSave> {
        let (width, height) = (image.width(), image.height());
        let is_gray = self.packing == Packing::L8;
        let start = || {
            let mut encoding = Encoding::new((width, height), is_gray, &self.options)?;
            let coding = image.buffer.start_jpeg(&mut encoding, self.background())?;
            Ok((encoding, coding))
        };
        let (encoding, coding) = start().map_err(|error: Error| error.with_format(self.format))?;
        Ok(PendingSave {
            job: self,
            width,
            height,
            data: PendingData::Jpeg(Box::new(encoding), coding),
        })
    }

    fn start_via(self, image: &Image, via: &mut ImageU8) -> Result<PendingSave> {
        // Deeper than `via` could hold.
        if self.packing.layout().bits() > 8 {
            return self.start(image);
        }
        image.to_u8_into(via)?;
        match self.packing {
            Packing::Rgba8 => self.start_u8(via),
            // Flattened from the floats, or the file would differ from one saved without `via`.
            _ => self.start(image),
        }
    }

    fn start_u8(self, image: &ImageU8) -> Result<PendingSave> {
        if self.auto_channels {
            return self.start_auto_u8(image);
        }
        let (device, len) = (image.device(), image.len());
        let lines = self.lines_for_kernels(device, image.width(), image.height());
        if lines.is_some() || self.is_jpeg_for_kernels(device, len) {
            // Which encode floats.
            return self.start(&image.to_f32()?);
        }
        let pixels = image
            .buffer
            .pack(device, self.packing, self.background(), len)
            .map_err(|error| error.with_format(self.format))?;
        Ok(self.with_pixels(image.width(), image.height(), pixels))
    }

    fn with_pixels(self, width: u32, height: u32, pixels: Staging) -> PendingSave {
        PendingSave {
            job: self,
            width,
            height,
            data: PendingData::Pixels(pixels),
        }
    }
}

/// Saves to a file, in the format that its name shows, at the format's best quality.
///
/// # Errors
///
/// As [`SaveOptions::save`].
pub fn save(image: &Image, path: impl AsRef<Path>) -> Result<()> {
    SaveOptions::new().save(image, path)
}

/// As [`save`], with the caller's `via` for the 8-bit pixels between.
///
/// # Errors
///
/// As [`SaveOptions::save_via`].
pub fn save_via(image: &Image, path: impl AsRef<Path>, via: &mut ImageU8) -> Result<()> {
    SaveOptions::new().save_via(image, path, via)
}

/// Saves an 8-bit image to a file.
///
/// # Errors
///
/// As [`SaveOptions::save_u8`].
pub fn save_u8(image: &ImageU8, path: impl AsRef<Path>) -> Result<()> {
    SaveOptions::new().save_u8(image, path)
}

/// The file's bytes in memory, at the format's best quality.
///
/// # Errors
///
/// As [`SaveOptions::save`].
pub fn encode(image: &Image, format: Format) -> Result<Vec<u8>> {
    SaveOptions::new().encode(image, format)
}

/// The file's bytes in memory, of an 8-bit image.
///
/// # Errors
///
/// As [`SaveOptions::save`].
pub fn encode_u8(image: &ImageU8, format: Format) -> Result<Vec<u8>> {
    SaveOptions::new().encode_u8(image, format)
}

impl Image {
    /// Saves to a file, as [`save()`] does. [`SaveOptions::save`] has options.
    ///
    /// # Errors
    ///
    /// As [`SaveOptions::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        save(self, path)
    }
}

impl ImageU8 {
    /// Saves to a file, as [`save_u8`] does. [`SaveOptions::save_u8`] has options.
    ///
    /// # Errors
    ///
    /// As [`SaveOptions::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        save_u8(self, path)
    }
}
