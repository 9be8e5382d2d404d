//! PNG: read through the `png` crate, written by code of our own.

mod chunks;
pub(super) mod decode;
pub(crate) mod encode;
mod frames;
mod kernels;
mod metadata;
pub(super) mod recover;

use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, SequenceCodec},
};
use crate::{Channels, Compression, Depth, Format};

pub(super) static CODEC: Codec = Codec {
    format: Format::Png,
    open: |bytes, _| decode::open(bytes),
    recover: recover::open,
    encode: encode::encode,
    metadata: metadata::metadata,
    sequence: Some(SequenceCodec {
        is_sequence: frames::is_animated,
        open: |bytes, limits, header, _| {
            Ok(Box::new(frames::Frames::new(
                bytes.into(),
                *limits,
                header,
            )?))
        },
        count: frames::count,
        write: None,
    }),
    capabilities: Capabilities {
        depths: &[Depth::U8, Depth::U16],
        channels: &[
            Channels::Auto,
            Channels::Gray,
            Channels::GrayAlpha,
            Channels::Rgb,
            Channels::Rgba,
        ],
        compressions: &[
            Compression::Uncompressed,
            Compression::Fast,
            Compression::Balanced,
            Compression::Small,
        ],
        metadata: true,
        ..PLAIN
    },
};
