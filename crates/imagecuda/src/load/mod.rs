//! Loading: a file's bytes → pixels in host memory in their own layout → an image on the device. A
//! GPU decodes most JPEG files itself, without pixels in host memory.

mod decoded;
mod frames;
mod info;
mod job;
mod recover;
mod shorthand;
mod source;
mod tensor;
mod wanted;

pub use self::shorthand::{
    decode, decode_into, decode_u8, decode_u8_into, inspect, inspect_bytes, load, load_into,
    load_into_via, load_u8, load_u8_into,
};
pub use self::{
    decoded::Decoded,
    frames::{Frame, Frames},
    info::ImageInfo,
    tensor::{decode_tensor, load_tensor},
};
pub(crate) use self::{
    job::{FileBytes, Job},
    wanted::Resampling,
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
    /// Loads a file to a new float image on `device`. The capacity of the image is its size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`], [`ErrorKind::UnknownFormat`], [`ErrorKind::Unsupported`],
    /// [`ErrorKind::Decode`] (also if the decoder panics), [`ErrorKind::LimitExceeded`],
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`]. The error names the file. All functions
    /// that load have these errors.
    pub fn load(&self, device: &Device, path: impl AsRef<Path>) -> Result<Image> {
        let path = path.as_ref();
        Job::new(self, device, &mut |_, _| Ok(()))
            .for_image()
            .open_file(path)?
            .with_context(path, Decoded::into_image)
    }

    /// Loads a file to a new 8-bit image on `device`. Deeper samples are scaled to 8 bits.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_u8(&self, device: &Device, path: impl AsRef<Path>) -> Result<ImageU8> {
        let path = path.as_ref();
        self.open(device, path)?
            .with_context(path, Decoded::into_image_u8)
    }

    /// Loads a file into `image`, and sets its width and height.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`ErrorKind::OverCapacity`]. After an error `image` is
    /// unchanged.
    pub fn load_into(&self, path: impl AsRef<Path>, image: &mut Image) -> Result<()> {
        let path = path.as_ref();
        self.open_fitting(path, image)?
            .with_context(path, |decoded| decoded.write_to(image))
    }

    /// Loads a file into `image` as 8 bits, and sets its width and height.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into).
    pub fn load_u8_into(&self, path: impl AsRef<Path>, image: &mut ImageU8) -> Result<()> {
        let path = path.as_ref();
        self.open_fitting(path, image)?
            .with_context(path, |decoded| decoded.write_to_u8(image))
    }

    /// Loads a file into `image`, through the intermediate image `via`. The RGBA of an 8-bit file
    /// pass through `via` and stay there. Where the colours are converted, or made of luma and chroma,
    /// `via` holds the result in 8 bits. A deeper file does not change `via`.
    /// [`load_into`](Self::load_into) needs no intermediate image.
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

    /// Loads a file's bytes in memory, as [`load`](Self::load) loads a file.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode(&self, device: &Device, bytes: &[u8]) -> Result<Image> {
        let on_header = &mut |_: &_, _| Ok(());
        let mut job = Job::new(self, device, on_header).for_image();
        job.open(bytes.into(), None)?.into_image()
    }

    /// Loads a file's bytes in memory, as [`load_u8`](Self::load_u8) loads a file.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode_u8(&self, device: &Device, bytes: &[u8]) -> Result<ImageU8> {
        self.open_bytes(device, bytes)?.into_image_u8()
    }

    /// Loads a file's bytes in memory, as [`load_into`](Self::load_into) loads a file.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into).
    pub fn decode_into(&self, bytes: &[u8], image: &mut Image) -> Result<()> {
        self.open_bytes_fitting(bytes, image)?.write_to(image)
    }

    /// Loads a file's bytes in memory, as [`load_u8_into`](Self::load_u8_into) loads a file.
    ///
    /// # Errors
    ///
    /// As [`load_into`](Self::load_into).
    pub fn decode_u8_into(&self, bytes: &[u8], image: &mut ImageU8) -> Result<()> {
        self.open_bytes_fitting(bytes, image)?.write_to_u8(image)
    }

    /// Reads a reader to its end, and loads the bytes as [`decode`](Self::decode) does.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn decode_from(&self, device: &Device, reader: impl BufRead + Seek) -> Result<Image> {
        self.decode(device, &self.read_to_end(reader)?)
    }

    /// Reads and decodes a file, without uploading it: the first half of loading. [`Decoded`] tells
    /// the file's format and metadata, and [`Decoded::into_image`] is the second half. The host
    /// decodes into memory from which `device` uploads at full speed. A GPU decodes JPEG files
    /// itself ([`JpegDecoder`]).
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn open(&self, device: &Device, path: impl AsRef<Path>) -> Result<Decoded> {
        Job::new(self, device, &mut |_, _| Ok(())).open_file(path.as_ref())
    }

    /// Decodes a file's bytes in memory, as [`open`](Self::open) does a file.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn open_bytes(&self, device: &Device, bytes: &[u8]) -> Result<Decoded> {
        Job::new(self, device, &mut |_, _| Ok(())).open(bytes.into(), None)
    }

    /// Opens a file as [`open`](Self::open) does. Fails before decoding if the picture does not fit
    /// `image`.
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
    /// Runs the second half of loading, and adds the file to its errors.
    fn with_context<T>(self, path: &Path, half: impl FnOnce(Self) -> Result<T>) -> Result<T> {
        let format = self.format;
        half(self).map_err(|error| error.with_format(format).with_path(path))
    }
}
