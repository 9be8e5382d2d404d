//! Loading: file or bytes → host pixels in their own layout → device; a JPEG may skip what is
//! between.

mod decoded;
mod frames;
mod info;
mod recover;
mod shorthand;
mod source;

pub use self::shorthand::{
    decode, decode_from, decode_into, load, load_into, load_into_via, load_u8, load_u8_into,
};
pub use self::{
    decoded::Decoded,
    frames::{Frame, Frames},
    info::ImageInfo,
};

use crate::{
    ColorPolicy, Device, DeviceImage, Error, ErrorKind, Format, Image, ImageU8, LoadOptions,
    Result,
    codec::{self, Decode, PayloadTarget},
    color::Conversion,
    device::{DevicePixel, ExpandSpec, Staging},
    limits::check_limit,
    metadata::embedded::Embedded,
    picture::Header,
    trace::span,
};
use imagecuda_kernels::expand::Curve;
use std::{
    io::{BufRead, Seek},
    path::Path,
};

impl LoadOptions {
    /// Loads a file as a float image on `device`, whose capacity is its size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`], [`ErrorKind::UnknownFormat`], [`ErrorKind::Unsupported`],
    /// [`ErrorKind::Decode`] (also for a decoder that panics), [`ErrorKind::LimitExceeded`],
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`]; the error names the file. So for all
    /// functions that load.
    pub fn load(&self, device: &Device, path: impl AsRef<Path>) -> Result<Image> {
        let path = path.as_ref();
        self.read(device, path)?.make(path, Decoded::into_image)
    }

    /// Loads a file as an 8-bit image on `device`. Deeper files are scaled to 8 bits.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_u8(&self, device: &Device, path: impl AsRef<Path>) -> Result<ImageU8> {
        let path = path.as_ref();
        self.read(device, path)?.make(path, Decoded::into_image_u8)
    }

    /// Loads a file into `image`, which takes over its width and height.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`ErrorKind::OverCapacity`]. `image` is then as before.
    pub fn load_into(&self, path: impl AsRef<Path>, image: &mut Image) -> Result<()> {
        let path = path.as_ref();
        self.read_fitting(path, &[&*image])?
            .make(path, |decoded| decoded.write_to(image))
    }

    /// Loads a file into `image`, with the caller's `via` for what is between: an 8-bit file
    /// passes through it, and it then holds the file's RGBA; a deeper file leaves it alone.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into), for both images, which must be on one device.
    pub fn load_into_via(
        &self,
        path: impl AsRef<Path>,
        image: &mut Image,
        via: &mut ImageU8,
    ) -> Result<()> {
        let path = path.as_ref();
        if image.device() != via.device() {
            return Err(Error::from(ErrorKind::DeviceMismatch).with_path(path));
        }
        self.read_fitting(path, &[&*image, &*via])?
            .make(path, |decoded| decoded.write_via(image, via))
    }

    /// Loads a file into `image`, which takes over its width and height, as 8 bits.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into).
    pub fn load_u8_into(&self, path: impl AsRef<Path>, image: &mut ImageU8) -> Result<()> {
        let path = path.as_ref();
        self.read_fitting(path, &[&*image])?
            .make(path, |decoded| decoded.write_to_u8(image))
    }

    /// As [`load`](Self::load), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode(&self, device: &Device, bytes: &[u8]) -> Result<Image> {
        self.read_bytes(device, bytes)?.into_image()
    }

    /// As [`load_u8`](Self::load_u8), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode_u8(&self, device: &Device, bytes: &[u8]) -> Result<ImageU8> {
        self.read_bytes(device, bytes)?.into_image_u8()
    }

    /// As [`load_into`](Self::load_into), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into).
    pub fn decode_into(&self, bytes: &[u8], image: &mut Image) -> Result<()> {
        self.read_host(image.device(), bytes.into(), None, &[&*image], &mut |_| {
            Ok(())
        })?
        .write_to(image)
    }

    /// As [`load`](Self::load), from a reader, which is read to its end.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode_from(&self, device: &Device, reader: impl BufRead + Seek) -> Result<Image> {
        self.decode(device, &self.read_to_end(reader)?)
    }

    /// Reads and decodes a file: on the host, into memory from which `device` uploads at full
    /// speed, but for JPEG files, which a GPU decodes itself ([`JpegDecoder`]). The second half of
    /// loading is [`Decoded::into_image`].
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn read(&self, device: &Device, path: impl AsRef<Path>) -> Result<Decoded> {
        self.read_file(device, path.as_ref(), &[])
    }

    /// As [`read`](Self::read), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn read_bytes(&self, device: &Device, bytes: &[u8]) -> Result<Decoded> {
        self.read_host(device, bytes.into(), None, &[], &mut |_| Ok(()))
    }

    /// As [`read`](Self::read), if the picture fits all `targets`.
    fn read_fitting(&self, path: &Path, targets: &[&dyn Target]) -> Result<Decoded> {
        self.read_file(targets[0].device(), path, targets)
    }

    fn read_file(&self, device: &Device, path: &Path, targets: &[&dyn Target]) -> Result<Decoded> {
        self.stage(device, path)
            .and_then(|file| {
                self.read_host(device, (&file).into(), Some(path), targets, &mut |_| Ok(()))
            })
            .map_err(|error| error.with_path(path))
    }

    /// The format of a file's bytes, by content; by name only if that has no other mark.
    pub(crate) fn format_of(&self, bytes: &[u8], path: Option<&Path>) -> Result<Format> {
        if bytes.is_empty() {
            return Err(Error::decode("the file is empty"));
        }
        let by_name = || path.and_then(Format::from_path);
        self.format
            .or_else(|| Format::sniff(bytes))
            .or_else(|| by_name().filter(|&format| format == Format::Tga))
            .ok_or_else(|| ErrorKind::UnknownFormat.into())
    }

    /// The one way from a file's bytes to what a device expands. `admit` sees the header before anything is
    /// allocated for them; twice, where the file is damaged.
    pub(crate) fn read_host(
        &self,
        device: &Device,
        file: FileBytes<'_>,
        path: Option<&Path>,
        targets: &[&dyn Target],
        admit: &mut Admit<'_>,
    ) -> Result<Decoded> {
        let FileBytes { bytes, staging } = file;
        check_limit("bytes", Some(bytes.len() as u64), self.limits.bytes)?;
        let format = self.format_of(bytes, path)?;
        let decoded = codec::caught(Error::decode, || {
            let decoder = codec::open(format, bytes, &self.limits)?;
            admit(&decoder.header())?;
            let metadata = codec::metadata(format, bytes);
            self.decode_picture(device, format, decoder, staging, &metadata, targets)
        });
        decoded
            .or_else(|error| self.read_damaged(device, format, bytes, targets, admit, error))
            .map_err(|error: Error| error.with_format(format))
    }

    /// Decodes a picture, if it fits all `targets`. The file may be in `staging` memory.
    pub(crate) fn decode_picture(
        &self,
        device: &Device,
        format: Format,
        decoder: Box<dyn Decode + '_>,
        staging: Option<&Staging>,
        metadata: &Embedded,
        targets: &[&dyn Target],
    ) -> Result<Decoded> {
        let header = decoder.header();
        let orientation = metadata.turn(self.orientation);
        let (width, height) = orientation.size(header.width, header.height);
        for target in targets {
            target.check_fits(width, height)?;
        }
        span!("decode", %format, width, height, bytes = header.bytes());
        let payload = decoder.payload(PayloadTarget {
            device,
            file: staging,
            jpeg_decoder: self.jpeg_decoder,
        })?;
        let is_gray = header.layout.channels() < 3;
        let (curve, conversion) = match self.color {
            ColorPolicy::Raw => (Curve::Encoded, None),
            ColorPolicy::ToSrgb => {
                let conversion = Conversion::of(metadata.color(), header.layout);
                (header.curve, conversion)
            }
        };
        let converted = conversion.is_some();
        let profile_holds = metadata.profile_holds(self.color, is_gray, converted);
        Ok(Decoded {
            device: device.clone(),
            format,
            spec: ExpandSpec {
                layout: header.layout,
                curve,
                orientation,
                width,
                height,
            },
            conversion,
            metadata: metadata.carried(self.orientation, profile_holds),
            payload,
            truncated: false,
        })
    }
}

impl Decoded {
    /// The second half of loading a file, whose errors name it too.
    fn make<T>(self, path: &Path, half: impl FnOnce(Self) -> Result<T>) -> Result<T> {
        let format = self.format;
        half(self).map_err(|error| error.with_format(format).with_path(path))
    }
}

/// The bytes of a file, and the staging memory that has them, if any does.
#[derive(Clone, Copy)]
pub(crate) struct FileBytes<'a> {
    bytes: &'a [u8],
    staging: Option<&'a Staging>,
}

impl FileBytes<'_> {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl<'a> From<&'a [u8]> for FileBytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        let staging = None;
        Self { bytes, staging }
    }
}

impl<'a> From<&'a Staging> for FileBytes<'a> {
    fn from(file: &'a Staging) -> Self {
        let staging = Some(file);
        Self {
            bytes: file,
            staging,
        }
    }
}

/// Who has a say before a picture is decoded.
pub(crate) type Admit<'a> = dyn FnMut(&Header) -> Result<()> + 'a;

/// An image that a picture is to fit.
pub(crate) trait Target {
    fn device(&self) -> &Device;
    fn check_fits(&self, width: u32, height: u32) -> Result<()>;
}

impl<P: DevicePixel> Target for DeviceImage<P> {
    fn device(&self) -> &Device {
        self.device()
    }

    fn check_fits(&self, width: u32, height: u32) -> Result<()> {
        self.check_fits(width, height)
    }
}
