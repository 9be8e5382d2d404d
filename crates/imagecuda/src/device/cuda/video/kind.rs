//! What decoders are made for, and why one does not decode a picture.

use super::abi::{self, surface};
use crate::device::video::VideoCodec;
use std::fmt;

/// Why an engine did not decode a picture. The host decodes it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no library.
    NoLibrary(&'static str),
    /// The engines do not decode such pictures.
    Unsupported,
    /// No decoder was free, and to make one takes longer than the host.
    NotWorthIt,
    /// The data are not those of one picture of the expected kind.
    Unexpected(&'static str),
    /// The engine says that the data are damaged.
    Damaged(i32),
    /// An engine that gives up takes so long, and says nothing.
    TimedOut,
    /// A call failed.
    Failed { call: &'static str, code: i32 },
    /// The GPU has too little memory.
    NoMemory,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLibrary(why) => write!(f, "there is no libnvcuvid: {why}"),
            Self::Unsupported => f.write_str("the video engines do not decode such pictures"),
            Self::NotWorthIt => f.write_str("the host is faster than a new decoder"),
            Self::Unexpected(what) => f.write_str(what),
            Self::Damaged(status) => write!(f, "the engine reports damage (status {status})"),
            Self::TimedOut => f.write_str("the engine took too long"),
            Self::Failed { call, code } => write!(f, "{call} failed with code {code}"),
            Self::NoMemory => f.write_str("the GPU has too little memory"),
        }
    }
}

pub(super) type Attempt<T> = Result<T, Refusal>;

/// What a decoder is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) codec: VideoCodec,
    pub(super) is_444: bool,
    pub(super) bits: u8,
    /// VP8 decoders remember segments, and use them for pictures that have none.
    pub(super) has_segments: bool,
}

impl Kind {
    pub(super) fn codec(self) -> i32 {
        match self.codec {
            VideoCodec::Hevc => abi::codec::HEVC,
            VideoCodec::Vp8 => abi::codec::VP8,
            VideoCodec::Av1 => abi::codec::AV1,
        }
    }

    pub(super) fn chroma(self) -> i32 {
        match self.is_444 {
            true => abi::chroma::YUV444,
            false => abi::chroma::YUV420,
        }
    }

    pub(super) fn surface(self) -> i32 {
        match (self.is_444, self.bits > 8) {
            (false, false) => surface::NV12,
            (false, true) => surface::P016,
            (true, false) => surface::YUV444,
            (true, true) => surface::YUV444_16,
        }
    }

    /// VP8 has no status of pictures.
    pub(super) fn has_status(self) -> bool {
        self.codec != VideoCodec::Vp8
    }
}
