//! Files with several pictures: the frames of an animation, or the pages of a document.

use super::{Job, job::OnHeader};
use crate::{
    Decoded, Device, Error, ErrorKind, Format, Image, LoadOptions, Result,
    codec::{self, Sequence},
    limits::check_limit,
    metadata::embedded::Embedded,
};
use std::{
    fmt,
    iter::FusedIterator,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

impl LoadOptions {
    /// The pictures of a file, one after another: the frames of an animated GIF, WebP or PNG, or
    /// the pages of a TIFF. A frame is given as viewed, composed on the animation's canvas as
    /// browsers do it. A page has its own size. Any other file has one picture.
    ///
    /// The whole file is read at once. Each picture is decoded when it is needed.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Format, Image, LoadOptions, SaveOptions};
    /// use std::time::Duration;
    ///
    /// let device = Device::cpu();
    /// let mut animation = SaveOptions::new().animation(Format::WebP)?;
    /// let mut image = Image::new(&device, 16, 16)?;
    /// for step in 0..3 {
    ///     image.upload(&[step as f32 / 2.0; 16 * 16 * 4])?;
    ///     animation.push(&image, Duration::from_millis(40))?;
    /// }
    /// let file = animation.finish()?;
    ///
    /// for frame in LoadOptions::new().frames_bytes(&device, file)? {
    ///     let frame = frame?;
    ///     println!("{}: {:?} for {:?}", frame.index(), frame.image(), frame.delay());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), for errors in the file's header. Errors in a picture are returned
    /// with that picture.
    pub fn frames(&self, device: &Device, path: impl AsRef<Path>) -> Result<Frames> {
        let path = path.as_ref();
        self.read_whole(path)
            .and_then(|bytes| self.open_frames(device, bytes, Some(path)))
            .map_err(|error| error.with_path(path))
    }

    /// Returns the pictures as [`frames`](Self::frames) does, from a file's bytes in memory. It
    /// keeps the bytes: a `Vec` is moved, a slice is copied.
    ///
    /// # Errors
    ///
    /// As [`frames`](Self::frames).
    pub fn frames_bytes(&self, device: &Device, bytes: impl Into<Vec<u8>>) -> Result<Frames> {
        self.open_frames(device, bytes.into(), None)
    }

    fn open_frames(&self, device: &Device, bytes: Vec<u8>, path: Option<&Path>) -> Result<Frames> {
        check_limit("bytes", Some(bytes.len() as u64), self.limits.bytes)?;
        let format = self.format_of(&bytes, path)?;
        let (count, sequence) = codec::caught(Error::decode, || {
            let count = codec::count_frames(format, &bytes)?;
            let sequence = codec::open_sequence(format, bytes, self)?;
            Ok((count, sequence))
        })
        .map_err(|error| error.with_format(format))?;
        Ok(Frames {
            options: self.clone(),
            device: device.clone(),
            format,
            metadata: None,
            path: path.map(Path::to_owned),
            loop_count: sequence.loop_count(),
            count,
            sequence: Some(sequence),
            index: 0,
            truncated: false,
        })
    }
}

/// The pictures of a file, from [`LoadOptions::frames`].
///
/// As an iterator it gives each picture in an image of its own. [`next_into`](Self::next_into)
/// decodes into an existing image, so that playing an animation allocates nothing on the device:
///
/// ```no_run
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, Image, LoadOptions};
///
/// let device = Device::default();
/// let mut frames = LoadOptions::new().frames(&device, "cat.gif")?;
/// let mut image = Image::new(&device, 1920, 1080)?;
/// while let Some(delay) = frames.next_into(&mut image)? {
///     // … show the image …
///     std::thread::sleep(delay);
/// }
/// # Ok(())
/// # }
/// ```
///
/// A picture that cannot be decoded is an error, and the iteration ends, because later frames are
/// composed on it. With [`LoadOptions::allow_truncated`] the iteration ends without an error, and
/// [`is_truncated`](Self::is_truncated) tells. If the first picture is damaged, what decodes of it
/// is given.
pub struct Frames {
    options: LoadOptions,
    device: Device,
    format: Format,
    /// The metadata of an animation. Each page of a document has its own.
    metadata: Option<Embedded>,
    path: Option<PathBuf>,
    loop_count: Option<NonZeroU32>,
    count: u32,
    /// `None` after the last picture or an error.
    sequence: Option<Box<dyn Sequence>>,
    /// The index of the next picture.
    index: usize,
    truncated: bool,
}

impl Frames {
    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How often the animation is played. `None` means for ever. A file without an animation has 1.
    pub fn loop_count(&self) -> Option<NonZeroU32> {
        self.loop_count
    }

    /// How many pictures the file has by its structure, as
    /// [`ImageInfo::frame_count`](crate::ImageInfo::frame_count) says. If there are fewer, the file
    /// is damaged: the iteration then ends with an error, or without one if
    /// [`LoadOptions::allow_truncated`] is set.
    ///
    /// This is not named `count`, because [`Iterator::count`] would decode all pictures.
    pub fn frame_count(&self) -> u32 {
        self.count
    }

    /// Whether damage has ended the iteration early. It is `false` until the iteration has reached
    /// the damage.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Loads the next picture into `image`, sets the width and height of `image`, and returns how
    /// long the picture is shown. Returns `None` after the last picture.
    ///
    /// # Errors
    ///
    /// As [`LoadOptions::load_into`]; `image` is then unchanged. After [`ErrorKind::OverCapacity`]
    /// you can load the same picture into a larger image.
    pub fn next_into(&mut self, image: &mut Image) -> Result<Option<Duration>> {
        let mut fits = |_: &_, (width, height)| image.check_fits(width, height);
        let Some((decoded, delay)) = self.open_checked(&mut fits)? else {
            return Ok(None);
        };
        decoded
            .write_to(image)
            .map_err(|error| self.name(error))
            .map(|()| Some(delay))
    }

    /// Decodes the next picture on the host, as [`LoadOptions::open`] does for a file. Also returns
    /// how long the picture is shown.
    ///
    /// # Errors
    ///
    /// As [`LoadOptions::load`].
    pub fn open_next(&mut self) -> Result<Option<(Decoded, Duration)>> {
        self.open_checked(&mut |_, _| Ok(()))
    }

    /// Skips `count` pictures, at the lowest cost that the format allows: frames must be composed,
    /// but pages need not be decoded. Returns how long each skipped picture is shown; there may be
    /// fewer than `count`.
    ///
    /// # Errors
    ///
    /// As [`LoadOptions::load`], for pictures that are decoded.
    pub fn skip_frames(&mut self, count: usize) -> Result<Vec<Duration>> {
        let mut delays = Vec::new();
        while delays.len() < count
            && let Some(sequence) = &mut self.sequence
        {
            let skipped = codec::caught(Error::decode, || sequence.skip());
            let next = skipped.and_then(|delay| match delay {
                Some(delay) => Ok(Some(delay)),
                None => ended(self.index, self.count).map(|()| None),
            });
            match next {
                Ok(Some(delay)) => {
                    self.index += 1;
                    delays.push(delay);
                }
                Ok(None) => self.sequence = None,
                Err(error) => {
                    self.sequence = None;
                    if !self.options.tolerates(&error) {
                        return Err(self.name(error));
                    }
                    self.truncated = true;
                }
            }
        }
        Ok(delays)
    }

    /// Decodes the next picture as [`open_next`](Self::open_next) does, unless `on_header` fails.
    fn open_checked(
        &mut self,
        on_header: &mut OnHeader<'_>,
    ) -> Result<Option<(Decoded, Duration)>> {
        let Some(sequence) = &mut self.sequence else {
            return Ok(None);
        };
        let (device, format) = (&self.device, self.format);
        if format == Format::Tiff {
            self.metadata = None;
        }
        let result = codec::caught(Error::decode, || {
            let metadata = self
                .metadata
                .get_or_insert_with(|| codec::metadata(format, sequence.bytes()));
            let Some((decoder, delay)) = sequence.peek()? else {
                return ended(self.index, self.count).map(|()| None);
            };
            let mut job = Job::new(&self.options, device, on_header);
            let decoded = job.decode(format, decoder, [].as_slice().into(), metadata)?;
            sequence.skip()?;
            Ok(Some((decoded, delay)))
        });
        let result = match result {
            Err(error) if self.options.tolerates(&error) => self.end_recovered(error, on_header),
            result => result,
        };
        match &result {
            Ok(Some(_)) => self.index += 1,
            Err(error) if matches!(error.kind(), ErrorKind::OverCapacity { .. }) => {}
            Ok(None) | Err(_) => self.sequence = None,
        }
        result.map_err(|error| self.name(error))
    }

    /// Ends the iteration before a picture that could not be decoded because of `error`. If it is
    /// the first picture, gives what decodes of it.
    fn end_recovered(
        &mut self,
        error: Error,
        on_header: &mut OnHeader<'_>,
    ) -> Result<Option<(Decoded, Duration)>> {
        let Some(sequence) = self.sequence.as_mut().filter(|_| self.index == 0) else {
            self.truncated = true;
            return Ok(None);
        };
        if !sequence.begins_with_still() {
            return Err(error);
        }
        let mut job = Job::new(&self.options, &self.device, on_header);
        let decoded = job.recover(self.format, sequence.bytes(), error)?;
        self.sequence = None;
        self.truncated = true;
        Ok(Some((decoded, Duration::ZERO)))
    }

    fn name(&self, error: Error) -> Error {
        let error = error.with_format(self.format);
        match &self.path {
            Some(path) => error.with_path(path),
            None => error,
        }
    }
}

/// Fails if a decoder has found fewer pictures than the file claims to have.
fn ended(found: usize, said: u32) -> Result<()> {
    match found < said as usize {
        true => Err(Error::decode("a picture is damaged or missing")),
        false => Ok(()),
    }
}

impl Iterator for Frames {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.index;
        let frame = self.open_next().and_then(|next| {
            let Some((decoded, delay)) = next else {
                return Ok(None);
            };
            let image = decoded.into_image().map_err(|error| self.name(error))?;
            Ok(Some(Frame {
                image,
                delay,
                index,
            }))
        });
        if frame.is_err() {
            self.sequence = None;
        }
        frame.transpose()
    }

    /// Skips pictures as [`skip_frames`](Frames::skip_frames) does, and returns the next. If a
    /// skipped picture has an error, returns that.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        match self.skip_frames(n) {
            Ok(_) => self.next(),
            Err(error) => Some(Err(error)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error may follow the last picture.
        let left = (self.count as usize).saturating_sub(self.index);
        match self.sequence {
            Some(_) => (0, left.checked_add(1)),
            None => (0, Some(0)),
        }
    }
}

impl FusedIterator for Frames {}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("device", &self.device)
            .field("format", &self.format)
            .field("path", &self.path)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// One picture of a file with several, from [`Frames`].
#[derive(Debug)]
pub struct Frame {
    image: Image,
    delay: Duration,
    index: usize,
}

impl Frame {
    /// The picture: the whole canvas of an animation, or a page.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Takes the picture.
    pub fn into_image(self) -> Image {
        self.image
    }

    /// How long the picture is shown, as the file states it. It is zero for pages and still
    /// pictures. (Browsers show a frame of less than 20 ms for 100 ms.)
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// The index of the picture in the file, from 0.
    pub fn index(&self) -> usize {
        self.index
    }
}
