//! The errors of this crate.

use crate::format::Format;
use std::{
    error::Error as StdError,
    fmt, io,
    path::{Path, PathBuf},
};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: what happened ([`kind`](Error::kind)) and, where known, on which file and in which
/// format.
///
/// It prints on one line, including the cause: `photo.jpg (JPEG): cannot decode: …`. The
/// [`source`](StdError::source) is the error of the underlying library.
#[derive(Debug)]
pub struct Error(Box<Inner>);

// Boxed, because every function returns a `Result` and errors are rare.
#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    path: Option<PathBuf>,
    format: Option<Format>,
}

type Cause = Box<dyn StdError + Send + Sync>;

/// What went wrong.
///
/// A server must know whether the input or the server is at fault:
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
    /// More pixels than the image's capacity.
    OverCapacity {
        /// The width asked for, in pixels.
        width: u32,
        /// The height asked for, in pixels.
        height: u32,
        /// The capacity of the image, in pixels.
        capacity: usize,
    },
    /// A frame whose size differs from that of the animation's first frame.
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
    /// A slice whose length does not match the image.
    WrongLength {
        /// The number of elements of the image, four per pixel.
        expected: usize,
        /// The number of elements of the slice.
        actual: usize,
    },
    /// Not enough memory.
    OutOfMemory {
        /// The bytes asked for.
        requested: usize,
        /// The bytes that the device had free, where it can tell.
        free: Option<usize>,
    },
    /// More than a limit allows. When loading, the limits are those of
    /// [`LoadOptions`](crate::LoadOptions), and nothing was allocated. When saving, the limit is
    /// what the format can hold.
    LimitExceeded {
        /// The limited quantity: "pixels" or "bytes"; when saving also "pixels on a side".
        what: &'static str,
        /// What the file's header or the image asks for.
        requested: u64,
        /// What the limit allows.
        limit: u64,
    },
    /// The device cannot be used. The text says why.
    NoDevice(String),
    /// A CUDA call failed on a device that worked before.
    Device {
        /// The call that failed.
        call: &'static str,
        /// The number of the CUDA error.
        code: u32,
        /// The meaning of that number.
        meaning: &'static str,
    },
    /// Two images are on different devices, where one device is needed.
    DeviceMismatch,
    /// The operating system refused to read or write.
    Io(io::Error),
    /// Neither the content nor the name shows a known format. The text says what was examined.
    UnknownFormat(String),
    /// This build does not support the format or this kind of file, or the image's device does not
    /// support the operation. The text says which.
    Unsupported(String),
    /// The file is damaged, cut short, or of another format than it claims.
    Decode(Cause),
    /// The encoder failed, although the format can hold the picture.
    Encode(Cause),
    /// An option or argument is out of range, or the format does not have it.
    InvalidOption {
        /// The option's name.
        option: &'static str,
        /// Why it cannot be honoured.
        reason: String,
    },
}

impl ErrorKind {
    /// Whether an error of loading is the fault of the file, not of the program or the machine. The
    /// file is damaged, of an unknown format, of an unsupported kind, or larger than the limits. A
    /// server answers these errors with a status of 4xx and all others with 5xx.
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

    /// The file, if the error belongs to one.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The format of the file, if it was known.
    pub fn format(&self) -> Option<Format> {
        self.0.format
    }

    pub(crate) fn decode(cause: impl Into<Cause>) -> Self {
        ErrorKind::Decode(cause.into()).into()
    }

    /// For a damaged file without a single pixel that decodes.
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

/// For a file that ends too soon.
#[allow(dead_code, reason = "for codecs, which a build may lack")]
pub(crate) fn cut_short() -> Error {
    Error::decode("the file is cut short")
}

/// The error of a codec, on one line of plain text.
fn line(cause: &Cause) -> String {
    let text = cause.to_string().trim_end().replace('\n', " ");
    without_structures(&text)
}

/// The `png` crate prints a chunk's type as a Rust structure. This keeps only its name.
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
