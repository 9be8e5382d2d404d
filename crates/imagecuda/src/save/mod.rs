//! Saving: an image on its device → pixels as the encoder takes them → a file, which appears
//! complete or not at all.

mod animation;
pub(crate) mod atomic_file;
mod channels;
mod packed;
mod shorthand;

pub(crate) use self::packed::PendingSave;
pub use self::{
    animation::AnimationEncoder,
    packed::PackedImage,
    shorthand::{encode, encode_u8, save, save_u8, save_via},
};

use self::packed::PendingData;
use crate::jpeg::encode::Encoding;
use crate::{
    Channels, Compression, Device, Error, ErrorKind, Format, Image, ImageU8, JpegEncoder,
    PngEncoder, Result, SaveOptions, codec, device::Staging,
};
use imagecuda_kernels::{
    pack::{Background, Packing},
    planes::subsample::WebpPlanes,
    png::encode::scanlines::Scanlines,
};
use std::{io::Write, path::Path};

impl SaveOptions {
    /// Saves to a file. The file appears complete or not at all: the data go to a temporary file in
    /// the same folder, which is renamed at the end. If anything fails, an older file stays. (A
    /// process that is killed meanwhile may leave the temporary file. It is hidden, its name begins
    /// with `.imagecuda-`, and you may delete it.)
    ///
    /// A symbolic link is followed and stays. A file that is replaced keeps its permissions, and
    /// its owner, group, extended attributes and access control list as far as the system allows.
    /// Other hard links to it keep the old picture. If the folder does not allow a new file (it is
    /// read-only or sticky), but the file may be written, the file is overwritten in place; it is
    /// then complete unless the process is killed meanwhile. Anything but a regular file (a device,
    /// a pipe, `/dev/stdout`, `/dev/fd/N`) is written to and never replaced. Writing to a pipe
    /// waits for its reader.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownFormat`] if the extension names no format; [`ErrorKind::Unsupported`];
    /// [`ErrorKind::InvalidOption`]; [`ErrorKind::LimitExceeded`] if the picture is larger than the
    /// format can hold; [`ErrorKind::Encode`] (also if the encoder panics); [`ErrorKind::Io`] (also
    /// if the file is marked read-only); [`ErrorKind::OutOfMemory`]; [`ErrorKind::Device`]. The
    /// error names the file. All functions that save have these errors.
    pub fn save(&self, image: &Image, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let started = self.job(path).and_then(|job| job.start(image));
        started.map_err(|error| error.with_path(path))?.save(path)
    }

    /// Saves as [`save`](Self::save) does, through the intermediate image `via`. If the file takes
    /// 8 bits, `via` then holds the quantised RGBA. A deeper file does not change `via`. The file
    /// is the same as without `via`.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save), and [`ErrorKind::OverCapacity`] and [`ErrorKind::DeviceMismatch`]
    /// for `via`.
    pub fn save_via(&self, image: &Image, path: impl AsRef<Path>, via: &mut ImageU8) -> Result<()> {
        let path = path.as_ref();
        let started = self.job(path).and_then(|job| job.start_via(image, via));
        started.map_err(|error| error.with_path(path))?.save(path)
    }

    /// Saves an 8-bit image to a file.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn save_u8(&self, image: &ImageU8, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let started = self.job(path).and_then(|job| job.start_u8(image));
        started.map_err(|error| error.with_path(path))?.save(path)
    }

    /// Encodes to the bytes of a file in memory.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn encode(&self, image: &Image, format: Format) -> Result<Vec<u8>> {
        self.job_in(format, None)?.start(image)?.finish()?.encode()
    }

    /// Encodes an 8-bit image to the bytes of a file in memory.
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

    /// Encodes to a writer. All bytes are encoded before the first is written.
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

    /// Converts `image` to the input of the encoder for the file at `path`, and downloads that: the
    /// first half of saving. [`PackedImage::save`] is the second half.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn pack(&self, image: &Image, path: impl AsRef<Path>) -> Result<PackedImage> {
        let path = path.as_ref();
        self.job(path)
            .and_then(|job| job.start(image)?.finish())
            .map_err(|error| error.with_path(path))
    }

    /// The job for a file at `path`.
    pub(crate) fn job(&self, path: &Path) -> Result<SaveJob> {
        let format = self.format_of(path)?;
        self.job_in(format, path.extension().and_then(|e| e.to_str()))
    }

    /// The format for a file at `path`.
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

    /// Fails if the extension of `path` names another format than `format`, unless the caller has
    /// set [`format`](Self::format).
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

/// The parameters of saving one file: its format, the input of its encoder, and the options.
#[derive(Debug)]
pub(crate) struct SaveJob {
    options: SaveOptions,
    format: Format,
    extension: Option<String>,
    packing: Packing,
    /// Whether to use only the channels that the pixels need.
    auto_channels: bool,
}

impl SaveJob {
    /// The bytes of host memory that a picture takes from [`start`](Self::start) until it is encoded. Where
    /// kernels code all of it, they are those of its packed pixels: the file is not larger, as a rule.
    pub(crate) fn bytes(&self, image: &Image) -> u64 {
        let packed = image.len() as u64 * self.packing.layout().bytes_per_pixel() as u64;
        let has_coefficients =
            self.options.progressive && self.is_jpeg_for_kernels(image.device(), image.len());
        let encoding = has_coefficients.then(|| self.encoding(image.dimensions()));
        match encoding {
            Some(Ok(encoding)) => packed.max(encoding.coefficient_bytes()),
            // An encoding that cannot be is the error of `start`.
            _ => packed,
        }
    }

    /// The parameters of a JPEG.
    fn encoding(&self, size: (u32, u32)) -> Result<Encoding> {
        Encoding::new(size, self.packing == Packing::L8, &self.options)
    }

    fn background(&self) -> Background {
        let rgb = self.options.background.unwrap_or_default();
        rgb.map(imagecuda_kernels::pixel::unit_from_u8)
    }

    /// Starts to pack the pixels, or to encode them, without waiting for the device. `image` may be changed
    /// or dropped at once.
    pub(crate) fn start(self, image: &Image) -> Result<PendingSave> {
        if self.auto_channels {
            return self.start_auto(image);
        }
        let (device, len) = (image.device(), image.len());
        if self.is_jpeg_for_kernels(device, len) {
            if let Some(data) = self.unless_memory_lacks(self.start_jpeg(image))? {
                return Ok(self.with_data(image.width(), image.height(), data));
            }
        } else if let Some(lines) = self.lines_for_kernels(device, image.width(), image.height())
            && let Some(data) = self.unless_memory_lacks(self.start_png(image, &lines))?
        {
            return Ok(self.with_data(image.width(), image.height(), data));
        }
        if device.is_cuda() && self.is_lossy_webp(len) {
            return self.start_webp(image);
        }
        let pixels = image
            .buffer
            .pack(device, self.packing, self.background(), len)
            .map_err(|error| error.with_format(self.format))?;
        Ok(self.with_pixels(image.width(), image.height(), pixels))
    }

    /// Whether the file has planes of luma and chroma, which a kernel can make.
    fn is_lossy_webp(&self, len: usize) -> bool {
        self.format == Format::WebP
            && codec::is_lossy_webp(&self.options)
            && (1..=i32::MAX as usize).contains(&len)
    }

    /// Starts to make the planes of a lossy WebP on the picture's device.
    fn start_webp(self, image: &Image) -> Result<PendingSave> {
        let planes = WebpPlanes {
            size: [image.width(), image.height()],
        };
        let background = (self.packing == Packing::Rgb8).then(|| self.background());
        let planes = image
            .buffer
            .start_webp(image.device(), planes, background)
            .map_err(|error| error.with_format(self.format))?;
        Ok(PendingSave {
            job: self,
            width: image.width(),
            height: image.height(),
            data: PendingData::WebP(planes),
        })
    }

    /// Whether kernels encode a JPEG of `len` pixels.
    fn is_jpeg_for_kernels(&self, device: &Device, len: usize) -> bool {
        self.format == Format::Jpeg && device.encodes_jpeg(self.options.jpeg_encoder, len)
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

    /// Starts to encode the picture as PNG on its device.
    fn start_png(&self, image: &Image, lines: &Scanlines) -> Result<PendingData> {
        let coding = image
            .buffer
            .start_png(image.device(), lines, self.packing, self.background())
            .map_err(|error| error.with_format(self.format))?;
        Ok(PendingData::Png(coding))
    }

    /// Starts to encode the picture as JPEG on its device.
    fn start_jpeg(&self, image: &Image) -> Result<PendingData> {
        let start = || {
            let mut encoding = self.encoding(image.dimensions())?;
            let coding = image.buffer.start_jpeg(&mut encoding, self.background())?;
            Ok((encoding, coding))
        };
        let (encoding, coding) = start().map_err(|error: Error| error.with_format(self.format))?;
        Ok(PendingData::Jpeg(Box::new(encoding), coding))
    }

    fn start_via(self, image: &Image, via: &mut ImageU8) -> Result<PendingSave> {
        // `via` has only 8 bits.
        if self.packing.layout().bits() > 8 {
            return self.start(image);
        }
        image.to_u8_into(via)?;
        match self.packing {
            Packing::Rgba8 => self.start_u8(via),
            // Flattens from the floats, so that the file equals one saved without `via`.
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
            // The kernels encode floats.
            return match self.unless_memory_lacks(image.to_f32())? {
                Some(floats) => self.start(&floats),
                None => self.start_u8(&image.to_device(&Device::cpu())?),
            };
        }
        let pixels = image
            .buffer
            .pack(device, self.packing, self.background(), len)
            .map_err(|error| error.with_format(self.format))?;
        Ok(self.with_pixels(image.width(), image.height(), pixels))
    }

    /// What is for the kernels; `None` if the device has no memory for it and the host may encode, which
    /// takes less.
    fn unless_memory_lacks<T>(&self, made: Result<T>) -> Result<Option<T>> {
        let host_may = match self.format {
            Format::Jpeg => self.options.jpeg_encoder == JpegEncoder::Auto,
            _ => self.options.png_encoder == PngEncoder::Auto,
        };
        match made {
            Err(error) if host_may && matches!(error.kind(), ErrorKind::OutOfMemory { .. }) => {
                Ok(None)
            }
            made => made.map(Some),
        }
    }

    fn with_pixels(self, width: u32, height: u32, pixels: Staging) -> PendingSave {
        self.with_data(width, height, PendingData::Pixels(pixels))
    }

    fn with_data(self, width: u32, height: u32, data: PendingData) -> PendingSave {
        PendingSave {
            job: self,
            width,
            height,
            data,
        }
    }
}

#[cfg(all(
    test,
    feature = "bmp",
    feature = "exr",
    feature = "jpeg",
    feature = "png"
))]
mod tests;
