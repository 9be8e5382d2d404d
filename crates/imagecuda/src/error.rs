//! What can go wrong, and on which file.

use crate::format::Format;
use std::{
    error::Error as StdError,
    fmt, io,
    path::{Path, PathBuf},
};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: what happened ([`kind`](Error::kind)), and where it is known, on which file and
/// in which format.
///
/// It prints on one line, cause included: `photo.jpg (JPEG): cannot decode: …`. The error of
/// the library underneath is its [`source`](StdError::source).
#[derive(Debug)]
pub struct Error(Box<Inner>);

// Boxed, as errors are rare and a `Result` is returned by every function.
#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    path: Option<PathBuf>,
    format: Option<Format>,
}

type Cause = Box<dyn StdError + Send + Sync>;

/// What went wrong.
///
/// A server has to know whose fault it is:
///
/// | kind | whose fault |
/// |---|---|
/// | [`Decode`], [`UnknownFormat`], [`Unsupported`], [`LimitExceeded`] of loading | the file's: [`is_input_fault`](Self::is_input_fault) |
/// | [`Io`] | the system's, or the path's |
/// | [`OutOfMemory`], [`NoDevice`], [`Device`] | the machine's; the same call may work later, or elsewhere |
/// | [`InvalidOption`], [`OverCapacity`], [`ZeroDimension`], [`SizeMismatch`], [`WrongLength`], [`DeviceMismatch`] | the caller's |
/// | [`LimitExceeded`] and [`Unsupported`] of saving | the caller's: the format cannot hold the picture |
/// | [`Encode`] | the encoder's |
///
/// [`Decode`]: Self::Decode
/// [`UnknownFormat`]: Self::UnknownFormat
/// [`Unsupported`]: Self::Unsupported
/// [`LimitExceeded`]: Self::LimitExceeded
/// [`Io`]: Self::Io
/// [`OutOfMemory`]: Self::OutOfMemory
/// [`NoDevice`]: Self::NoDevice
/// [`Device`]: Self::Device
/// [`InvalidOption`]: Self::InvalidOption
/// [`OverCapacity`]: Self::OverCapacity
/// [`ZeroDimension`]: Self::ZeroDimension
/// [`SizeMismatch`]: Self::SizeMismatch
/// [`WrongLength`]: Self::WrongLength
/// [`DeviceMismatch`]: Self::DeviceMismatch
/// [`Encode`]: Self::Encode
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A width or height of zero.
    ZeroDimension {
        /// The width asked for, in pixels.
        width: u32,
        /// The height asked for, in pixels.
        height: u32,
    },
    /// More pixels than the image has room for.
    OverCapacity {
        /// The width asked for, in pixels.
        width: u32,
        /// The height asked for, in pixels.
        height: u32,
        /// The pixels that fit.
        capacity: usize,
    },
    /// A frame of another size than the animation's first.
    SizeMismatch {
        /// The frame's width, in pixels.
        width: u32,
        /// The frame's height, in pixels.
        height: u32,
        /// The first frame's width, in pixels.
        expected_width: u32,
        /// The first frame's height, in pixels.
        expected_height: u32,
    },
    /// A slice of the wrong length for the image.
    WrongLength {
        /// The elements that the image has, four a pixel.
        expected: usize,
        /// The elements of the slice.
        actual: usize,
    },
    /// Not enough memory.
    OutOfMemory {
        /// The bytes asked for.
        requested: usize,
        /// The bytes that the device had free, where it can tell.
        free: Option<usize>,
    },
    /// Larger than the limits allow: those of [`LoadOptions`](crate::LoadOptions) in loading, of
    /// which nothing was allocated then; in saving, what the format can hold.
    LimitExceeded {
        /// What is limited: "pixels" or "bytes", and in saving "pixels on a side".
        what: &'static str,
        /// What the file's header asks for, or the image has.
        requested: u64,
        /// What the limit allows.
        limit: u64,
    },
    /// The device cannot be used; the text says why.
    NoDevice(String),
    /// A device that worked has failed: the CUDA call and what it reported.
    Device {
        /// The call that reported it.
        call: &'static str,
        /// CUDA's number for the error.
        code: u32,
        /// What that number means.
        meaning: &'static str,
    },
    /// Two images of different devices where one device is needed.
    DeviceMismatch,
    /// The operating system refused to read or write.
    Io(io::Error),
    /// Neither the content nor the name tells a format; the text says what was looked at.
    UnknownFormat(String),
    /// A format, or a variety of one, that this build cannot read or write, or what the image's
    /// device cannot do; the text says what.
    Unsupported(String),
    /// The file is damaged, cut short, or not what it claims to be.
    Decode(Cause),
    /// The encoder failed, though the format can hold the picture.
    Encode(Cause),
    /// An option or argument that is out of range, or that the format cannot honour.
    InvalidOption {
        /// The option's name.
        option: &'static str,
        /// Why it cannot be honoured.
        reason: String,
    },
}

impl ErrorKind {
    /// Whether an error of loading is the file's fault, not the program's or the machine's: it is
    /// damaged, of no known format, of a variety that is not read, or larger than the limits. A
    /// server answers these with 4xx, and all others with 5xx.
    pub fn is_input_fault(&self) -> bool {
        matches!(
            self,
            Self::Decode(_)
                | Self::UnknownFormat(_)
                | Self::Unsupported(_)
                | Self::LimitExceeded { .. }
        )
    }
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The file that it went wrong with, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The format that the file was taken for, if that was known.
    pub fn format(&self) -> Option<Format> {
        self.0.format
    }

    pub(crate) fn decode(cause: impl Into<Cause>) -> Self {
        ErrorKind::Decode(cause.into()).into()
    }

    /// Of a damaged file, no pixel of which decodes.
    #[allow(dead_code, reason = "for codecs, which a build may lack")]
    pub(crate) fn nothing_decoded() -> Self {
        Self::decode("nothing of the picture is left")
    }

    pub(crate) fn encode(cause: impl Into<Cause>) -> Self {
        ErrorKind::Encode(cause.into()).into()
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        ErrorKind::Unsupported(what.into()).into()
    }

    pub(crate) fn option(option: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        ErrorKind::InvalidOption { option, reason }.into()
    }

    pub(crate) fn with_path(mut self, path: &Path) -> Self {
        self.0.path.get_or_insert_with(|| path.to_owned());
        self
    }

    pub(crate) fn with_format(mut self, format: Format) -> Self {
        self.0.format.get_or_insert(format);
        self
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            path: None,
            format: None,
        }))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        ErrorKind::Io(error).into()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            ErrorKind::Io(error) => Some(error),
            ErrorKind::Decode(error) | ErrorKind::Encode(error) => Some(&**error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.path, self.0.format) {
            (Some(path), Some(format)) => write!(f, "{} ({format}): ", path.display())?,
            (Some(path), None) => write!(f, "{}: ", path.display())?,
            (None, Some(format)) => write!(f, "{format}: ")?,
            (None, None) => {}
        }
        self.0.kind.fmt(f)
    }
}

/// What a codec says, in one line and in plain words.
fn line(cause: &Cause) -> String {
    let text = cause.to_string().trim_end().replace('\n', " ");
    without_structures(&text)
}

/// The crate `png` prints its structure for a chunk, of which only the name is for readers.
fn without_structures(text: &str) -> String {
    const BEGINS: &str = "ChunkType { type: ";
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGINS)
        && let Some((fields, after)) = after.split_once(" }")
    {
        let name = fields.split(',').next().unwrap_or_default();
        plain.push_str(before);
        plain.push_str(name.trim());
        rest = after;
    }
    plain + rest
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroDimension { width, height } => {
                write!(f, "an image of {width}x{height} has no pixels")
            }
            Self::OverCapacity {
                width,
                height,
                capacity,
            } => write!(
                f,
                "{width}x{height} is {} pixels, and the image has room for {capacity}",
                u64::from(*width) * u64::from(*height)
            ),
            Self::SizeMismatch {
                width,
                height,
                expected_width,
                expected_height,
            } => write!(
                f,
                "a frame of {width}x{height} in an animation of \
                 {expected_width}x{expected_height}"
            ),
            Self::WrongLength { expected, actual } => {
                write!(f, "expected {expected} elements, got {actual}")
            }
            Self::OutOfMemory { requested, free } => {
                write!(f, "out of memory: {requested} bytes asked for")?;
                free.map_or(Ok(()), |free| write!(f, ", {free} free"))
            }
            Self::LimitExceeded {
                what,
                requested,
                limit,
            } => write!(f, "{requested} {what}, and the limit is {limit}"),
            Self::NoDevice(why) => f.write_str(why),
            Self::Device {
                call,
                code,
                meaning,
            } => write!(f, "{call} failed: {meaning} (CUDA error {code})"),
            Self::DeviceMismatch => f.write_str("the images are on different devices"),
            Self::Io(error) => error.fmt(f),
            Self::UnknownFormat(why) => write!(f, "unknown image format: {why}"),
            Self::Unsupported(what) => write!(f, "not supported: {what}"),
            Self::Decode(error) => write!(f, "cannot decode: {}", line(error)),
            Self::Encode(error) => write!(f, "cannot encode: {}", line(error)),
            Self::InvalidOption { option, reason } => write!(f, "{option}: {reason}"),
        }
    }
}
