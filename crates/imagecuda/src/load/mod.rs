//! Loading: file or bytes → host pixels in their own layout → device; a JPEG may skip what is
//! between.

mod decoded;
mod frames;
mod info;
mod job;
mod recover;
mod shorthand;
mod source;

pub(crate) use self::job::{FileBytes, Job};
pub use self::shorthand::{
    decode, decode_into, decode_u8, decode_u8_into, inspect, inspect_bytes, load, load_into,
    load_into_via, load_u8, load_u8_into,
};
pub use self::{
    decoded::Decoded,
    frames::{Frame, Frames},
    info::ImageInfo,
};

#[cfg(doc)]
use crate::JpegDecoder;
use crate::{
    Device, DeviceImage, Error, ErrorKind, Image, ImageU8, LoadOptions, Result, device::DevicePixel,
};
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
        self.open(device, path)?
            .with_context(path, Decoded::into_image)
    }

    /// Loads a file as an 8-bit image on `device`. Deeper files are scaled to 8 bits.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_u8(&self, device: &Device, path: impl AsRef<Path>) -> Result<ImageU8> {
        let path = path.as_ref();
        self.open(device, path)?
            .with_context(path, Decoded::into_image_u8)
    }

    /// Loads a file into `image`, which takes over its width and height.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`ErrorKind::OverCapacity`]. `image` is then as before.
    pub fn load_into(&self, path: impl AsRef<Path>, image: &mut Image) -> Result<()> {
        let path = path.as_ref();
        self.open_fitting(path, image)?
            .with_context(path, |decoded| decoded.write_to(image))
    }

    /// Loads a file into `image`, which takes over its width and height, as 8 bits.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into).
    pub fn load_u8_into(&self, path: impl AsRef<Path>, image: &mut ImageU8) -> Result<()> {
        let path = path.as_ref();
        self.open_fitting(path, image)?
            .with_context(path, |decoded| decoded.write_to_u8(image))
    }

    /// Loads a file into `image`, with the caller's `via` for what is between: an 8-bit file
    /// passes through it, and it then holds the file's RGBA; a deeper file leaves it alone.
    /// [`load_into`](Self::load_into) needs no such image.
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
        let mut fits = |_: &_, (width, height)| {
            image.check_fits(width, height)?;
            via.check_fits(width, height)
        };
        Job::new(self, image.device(), &mut fits)
            .open_file(path)?
            .with_context(path, |decoded| decoded.write_via(image, via))
    }

    /// As [`load`](Self::load), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode(&self, device: &Device, bytes: &[u8]) -> Result<Image> {
        self.open_bytes(device, bytes)?.into_image()
    }

    /// As [`load_u8`](Self::load_u8), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode_u8(&self, device: &Device, bytes: &[u8]) -> Result<ImageU8> {
        self.open_bytes(device, bytes)?.into_image_u8()
    }

    /// As [`load_into`](Self::load_into), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into).
    pub fn decode_into(&self, bytes: &[u8], image: &mut Image) -> Result<()> {
        self.open_bytes_fitting(bytes, image)?.write_to(image)
    }

    /// As [`load_u8_into`](Self::load_u8_into), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into).
    pub fn decode_u8_into(&self, bytes: &[u8], image: &mut ImageU8) -> Result<()> {
        self.open_bytes_fitting(bytes, image)?.write_to_u8(image)
    }

    /// As [`decode`](Self::decode), from a reader, which is read to its end.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode_from(&self, device: &Device, reader: impl BufRead + Seek) -> Result<Image> {
        self.decode(device, &self.read_to_end(reader)?)
    }

    /// Reads and decodes a file: on the host, into memory from which `device` uploads at full
    /// speed, but for JPEG files, which a GPU decodes itself ([`JpegDecoder`]). The second half of
    /// loading is [`Decoded::into_image`]; before it, [`Decoded`] says what the file was, and has
    /// its metadata.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn open(&self, device: &Device, path: impl AsRef<Path>) -> Result<Decoded> {
        Job::new(self, device, &mut |_, _| Ok(())).open_file(path.as_ref())
    }

    /// As [`open`](Self::open), from a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn open_bytes(&self, device: &Device, bytes: &[u8]) -> Result<Decoded> {
        Job::new(self, device, &mut |_, _| Ok(())).open(bytes.into(), None)
    }

    /// As [`open`](Self::open), if `image` has room for the picture.
    fn open_fitting<P: DevicePixel>(&self, path: &Path, image: &DeviceImage<P>) -> Result<Decoded> {
        let mut fits = |_: &_, (width, height)| image.check_fits(width, height);
        Job::new(self, image.device(), &mut fits).open_file(path)
    }

    fn open_bytes_fitting<P: DevicePixel>(
        &self,
        bytes: &[u8],
        image: &DeviceImage<P>,
    ) -> Result<Decoded> {
        let mut fits = |_: &_, (width, height)| image.check_fits(width, height);
        Job::new(self, image.device(), &mut fits).open(bytes.into(), None)
    }
}

impl Decoded {
    /// The second half of loading a file, whose errors name it too.
    fn with_context<T>(self, path: &Path, half: impl FnOnce(Self) -> Result<T>) -> Result<T> {
        let format = self.format;
        half(self).map_err(|error| error.with_format(format).with_path(path))
    }
}
