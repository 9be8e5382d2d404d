//! PNG: read through the `png` crate, written by code of our own.

pub(crate) mod chunks;
pub(crate) mod decode;
pub(super) mod encode;
mod frames;
mod recover;

use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, Decode, SequenceCodec},
};
use crate::{Channels, Compression, Depth, Format, Limits, Result};

pub(super) static CODEC: Codec = Codec {
    format: Format::Png,
    open,
    recover: recover::open,
    encode: encode::encode,
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

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    decode::open(bytes, limits).and_then(|still| frames::first_frame(still, bytes, limits))
}
