//! Files of several pictures: the frames of an animation, the pages of a document.

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
    /// The pictures of a file, one after the other: the frames of an animated GIF, WebP or PNG,
    /// each as it is seen, composed on the animation's canvas the way browsers do; or the pages
    /// of a TIFF, each of its own size. Any other file has one.
    ///
    /// The file is read at once. A picture is decoded when it is its turn.
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
    /// As [`load`](Self::load), for what the file's header says. What is wrong with a picture
    /// shows when it is its turn.
    pub fn frames(&self, device: &Device, path: impl AsRef<Path>) -> Result<Frames> {
        let path = path.as_ref();
        self.read_whole(path)
            .and_then(|bytes| self.open_frames(device, bytes, Some(path)))
            .map_err(|error| error.with_path(path))
    }

    /// As [`frames`](Self::frames), from a file's bytes in memory, which it keeps: a `Vec` is
    /// taken over, a slice copied.
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
/// As an iterator it gives every picture in an image of its own. [`next_into`](Self::next_into)
/// takes an image that is there, so that showing an animation allocates nothing on the device:
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
/// A picture that cannot be decoded is an error, and the last there is: what follows would be
/// composed on it. With [`LoadOptions::allow_truncated`] it ends them as the last one does, and
/// [`is_truncated`](Self::is_truncated) tells; of the first, what there is of it is given.
pub struct Frames {
    options: LoadOptions,
    device: Device,
    format: Format,
    /// Of an animation. Each page has its own.
    metadata: Option<Embedded>,
    path: Option<PathBuf>,
    loop_count: Option<NonZeroU32>,
    count: u32,
    /// Gone after the last picture, or an error.
    sequence: Option<Box<dyn Sequence>>,
    /// Of the next picture.
    index: usize,
    truncated: bool,
}

impl Frames {
    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How often the animation is to be played; `None` is for ever. Once, for what is no
    /// animation.
    pub fn loop_count(&self) -> Option<NonZeroU32> {
        self.loop_count
    }

    /// How many pictures the file has by its structure, as
    /// [`ImageInfo::frame_count`](crate::ImageInfo::frame_count). If there are fewer the file is damaged, and
    /// the one after the last is an error, or none with [`LoadOptions::allow_truncated`].
    ///
    /// (Not `count`: that is [`Iterator::count`], which would decode them all.)
    pub fn frame_count(&self) -> u32 {
        self.count
    }

    /// Whether the file turned out to be damaged or cut short, which ended it before its time.
    /// Before the end this is `false`, whatever is to come.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Loads the next picture into `image`, which takes over its width and height, and gives
    /// the time that it is shown; `None` after the last.
    ///
    /// # Errors
    ///
    /// As [`LoadOptions::load_into`]. `image` is then as before. After
    /// [`ErrorKind::OverCapacity`] the picture is still to come, for an image that has room.
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

    /// Decodes the next picture on the host: the first half of loading it, as
    /// [`LoadOptions::open`] is. The time is that for which it is shown.
    ///
    /// # Errors
    ///
    /// As [`LoadOptions::load`].
    pub fn open_next(&mut self) -> Result<Option<(Decoded, Duration)>> {
        self.open_checked(&mut |_, _| Ok(()))
    }

    /// Goes past `count` pictures, as cheaply as the format allows: frames must be composed,
    /// pages need not even be decoded. Returns the time that each is shown, of as many as there were.
    ///
    /// # Errors
    ///
    /// As [`LoadOptions::load`], for those that are decoded.
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

    /// As [`open_next`](Self::open_next), if `on_header` agrees.
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
            let decoded = job.decode(format, decoder, None, metadata)?;
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

    /// The end, before a picture that could not be decoded because of `error`; but the first is
    /// given in part.
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

/// That a decoder has found as many pictures as the file is said to have.
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

    /// As [`skip_frames`](Frames::skip_frames), then the next. What is wrong with a picture on
    /// the way is the result.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        match self.skip_frames(n) {
            Ok(_) => self.next(),
            Err(error) => Some(Err(error)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The last may be followed by an error.
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

/// A picture of a file of several, from [`Frames`].
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

    /// The picture, to keep.
    pub fn into_image(self) -> Image {
        self.image
    }

    /// The time that it is shown, as the file says: zero for pages and pictures that do not
    /// move. (Browsers show a frame of less than 20 ms for 100 ms.)
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// Which of the file's pictures it is, from 0.
    pub fn index(&self) -> usize {
        self.index
    }
}
