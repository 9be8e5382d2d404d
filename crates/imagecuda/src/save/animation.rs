//! Saves animations.

use super::atomic_file;
use crate::{
    Error, ErrorKind, Format, Image, Result, SaveOptions,
    codec::{self, animation},
    picture::Pixels,
};
use imagecuda_kernels::{layout::Layout, pack::Packing};
use std::{borrow::Borrow, fmt, num::NonZeroU32, path::Path, time::Duration};

impl SaveOptions {
    /// Starts an animation in GIF or WebP. Frames are then added one by one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] for other formats, and [`ErrorKind::InvalidOption`].
    pub fn animation(&self, format: Format) -> Result<AnimationEncoder> {
        let plan = || {
            let plan = codec::encoder_input(format, None, self)?;
            // This fails if the format has no animations.
            codec::caught(Error::encode, || animation::open(format, self, None))?;
            match plan.layout {
                Layout::Rgba8 => Ok(Packing::Rgba8),
                Layout::Rgb8 => Ok(Packing::Rgb8),
                layout => Err(Error::unsupported(format!("frames of {layout:?} pixels"))),
            }
        };
        Ok(AnimationEncoder {
            options: self.clone(),
            format,
            packing: plan().map_err(|error: Error| error.with_format(format))?,
            loop_count: None,
            begun: None,
        })
    }

    /// Saves images as an animation, each with the time for which it is shown. The extension names
    /// the format, GIF or WebP. The animation is played `loop_count` times; `None` means for ever.
    /// The file appears complete or not at all.
    ///
    /// ```no_run
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, LoadOptions, SaveOptions};
    ///
    /// let frames = LoadOptions::new().frames(&Device::default(), "cat.gif")?;
    /// let loop_count = frames.loop_count();
    /// let frames: Vec<_> = frames.collect::<Result<_, _>>()?;
    /// let frames = frames.iter().map(|frame| (frame.image(), frame.delay()));
    /// SaveOptions::new().save_animation("cat.webp", frames, loop_count)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`animation`](Self::animation) is for frames that become available one by one.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save), and [`ErrorKind::SizeMismatch`] unless all images have one
    /// size.
    pub fn save_animation<I: Borrow<Image>>(
        &self,
        path: impl AsRef<Path>,
        frames: impl IntoIterator<Item = (I, Duration)>,
        loop_count: Option<NonZeroU32>,
    ) -> Result<()> {
        let path = path.as_ref();
        let encode = || {
            let mut animation = self
                .animation(self.format_of(path)?)?
                .loop_count(loop_count);
            for (image, delay) in frames {
                animation.push(image.borrow(), delay)?;
            }
            Ok(animation)
        };
        encode()
            .map_err(|error: Error| error.with_path(path))?
            .save(path)
    }
}

/// An animation to which frames are added, from [`SaveOptions::animation`].
///
/// Each frame is compressed when it is added. Where possible, only the part that differs from the
/// previous frame is stored. In GIF each frame has its own palette. WebP is lossless unless
/// [`SaveOptions::quality`] is set. The compressed frames stay in host memory until the end.
pub struct AnimationEncoder {
    options: SaveOptions,
    format: Format,
    packing: Packing,
    loop_count: Option<NonZeroU32>,
    begun: Option<Begun>,
}

/// The animation after its first frame, and the size of its frames.
struct Begun {
    /// `None` after the encoder has panicked.
    writer: Option<Box<dyn animation::AnimationWriter>>,
    width: u32,
    height: u32,
}

impl AnimationEncoder {
    /// Sets how often the animation is played. `None`, the default, means for ever. Call it before
    /// the first frame.
    ///
    /// A number that the format cannot store (above 65,535, in GIF above 65,536) is an error of the
    /// first [`push`](Self::push).
    pub fn loop_count(mut self, loop_count: Option<NonZeroU32>) -> Self {
        self.loop_count = loop_count;
        self
    }

    /// Adds a frame, and the time for which it is shown.
    ///
    /// GIF counts time in hundredths of a second, WebP in thousandths. Times are rounded so that
    /// rounding errors do not add up.
    ///
    /// # Errors
    ///
    /// As [`SaveOptions::save`]; [`ErrorKind::SizeMismatch`] if the size differs from that of the
    /// first frame; [`ErrorKind::InvalidOption`] if the format cannot store the time. After an
    /// error nothing is added. If the format's encoder panics, which is [`ErrorKind::Encode`], all
    /// later calls fail.
    pub fn push(&mut self, image: &Image, delay: Duration) -> Result<()> {
        self.try_push(image, delay)
            .map_err(|error| error.with_format(self.format))
    }

    fn try_push(&mut self, image: &Image, delay: Duration) -> Result<()> {
        let (width, height) = (image.width(), image.height());
        if let Some(begun) = &self.begun
            && (begun.width, begun.height) != (width, height)
        {
            return Err(ErrorKind::SizeMismatch {
                width,
                height,
                expected_width: begun.width,
                expected_height: begun.height,
            }
            .into());
        }
        let background = self.options.background.unwrap_or_default();
        let background = background.map(imagecuda_kernels::pixel::unit_from_u8);
        let mut staging =
            image
                .buffer
                .pack(image.device(), self.packing, background, image.len())?;
        staging.wait()?;
        let pixels = Pixels {
            width,
            height,
            layout: self.packing.layout(),
            data: &staging,
        };
        if let Some(begun) = &mut self.begun {
            let mut writer = begun.writer.take().ok_or_else(torn)?;
            let (writer, pushed) = codec::caught(Error::encode, || {
                let pushed = writer.push(pixels, delay);
                Ok((writer, pushed))
            })?;
            begun.writer = Some(writer);
            return pushed;
        }
        let writer = codec::caught(Error::encode, || {
            let mut writer = animation::open(self.format, &self.options, self.loop_count)?;
            writer.push(pixels, delay)?;
            Ok(writer)
        })?;
        self.begun = Some(Begun {
            writer: Some(writer),
            width,
            height,
        });
        Ok(())
    }

    /// Finishes the animation and returns the file's bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`], and [`ErrorKind::InvalidOption`] if there are no frames.
    pub fn finish(self) -> Result<Vec<u8>> {
        let format = self.format;
        self.begun
            .ok_or_else(|| Error::option("frames", "an animation needs one at least"))
            .and_then(|begun| begun.writer.ok_or_else(torn))
            .and_then(|writer| codec::caught(Error::encode, || writer.finish()))
            .map_err(|error| error.with_format(format))
    }

    /// Saves the animation to a file, which appears complete or not at all.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish), and [`ErrorKind::Io`]; [`ErrorKind::InvalidOption`] if the
    /// extension names another format than the animation's, unless [`SaveOptions::format`] is set.
    pub fn save(self, path: impl AsRef<Path>) -> Result<()> {
        let (path, format) = (path.as_ref(), self.format);
        self.options
            .check_name(format, path)
            .and_then(|()| self.finish())
            .and_then(|bytes| atomic_file::replace(path, |out| Ok(out.write_all(&bytes)?)))
            .map(|_| ())
            .map_err(|error| error.with_format(format).with_path(path))
    }
}

fn torn() -> Error {
    Error::encode("the codec panicked at an earlier frame")
}

impl fmt::Debug for AnimationEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnimationEncoder")
            .field("options", &self.options)
            .field("format", &self.format)
            .field("loop_count", &self.loop_count)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "gif"))]
mod tests {
    use super::*;
    use crate::Device;

    /// An encoder that panics at its second frame, or at the end.
    struct Torn(u32);

    impl animation::AnimationWriter for Torn {
        fn push(&mut self, _: Pixels<'_>, _: Duration) -> Result<()> {
            self.0 += 1;
            assert!(self.0 != 2, "torn in a frame");
            Ok(())
        }

        fn finish(self: Box<Self>) -> Result<Vec<u8>> {
            panic!("torn at the end")
        }
    }

    fn encoder() -> AnimationEncoder {
        let mut encoder = SaveOptions::new().animation(Format::Gif).unwrap();
        encoder.begun = Some(Begun {
            writer: Some(Box::new(Torn(0))),
            width: 4,
            height: 3,
        });
        encoder
    }

    #[track_caller]
    fn check(error: &Error, says: &str) {
        assert!(matches!(error.kind(), ErrorKind::Encode(_)), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.format(), Some(Format::Gif));
    }

    #[test]
    fn a_panic_of_the_encoder_is_an_error() {
        let image = Image::new(&Device::cpu(), 4, 3).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        let mut torn = encoder();
        torn.push(&image, Duration::ZERO).unwrap();
        check(
            &torn.push(&image, Duration::ZERO).unwrap_err(),
            "torn in a frame",
        );
        // The rest would be an animation with frames missing.
        check(
            &torn.push(&image, Duration::ZERO).unwrap_err(),
            "earlier frame",
        );
        check(&torn.finish().unwrap_err(), "earlier frame");
        let error = encoder().save(&path).unwrap_err();
        check(&error, "torn at the end");
        assert_eq!(error.path(), Some(&*path));
        assert!(!path.exists());
    }
}
