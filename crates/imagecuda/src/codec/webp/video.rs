//! A lossy WebP as a VP8 key frame, for the video engines of a GPU (RFC 6386).

mod header;

use self::header::FrameHeader;
use super::{WebP, riff};
use crate::{
    codec::PayloadTarget,
    device::video::{Video, VideoCodec, VideoFrames},
};
use imagecuda_kernels::planes::model;
use std::borrow::Cow;

impl WebP<'_> {
    /// The picture as the engines decode it. `None` if they do not: the host decodes it then.
    pub(super) fn frames(&self, target: PayloadTarget<'_>) -> Option<VideoFrames> {
        if self.header.layout.has_alpha() || !target.device.has_video(target.video_decoder) {
            return None;
        }
        let (_, data) = riff::chunks(&self.bytes).find(|(kind, _)| *kind == b"VP8 ")?;
        let size = [self.header.width, self.header.height];
        let header = FrameHeader::read(data, size)?;
        if !header.is_plain {
            return None;
        }
        let video = Video {
            codec: VideoCodec::Vp8,
            is_444: false,
            bits: 8,
            size,
            tile: size,
            columns: 1,
            has_alpha: false,
            has_segments: header.has_segments,
            packets: vec![Cow::Borrowed(data)],
        };
        let mut frames = target.device.decode_video(&video, target.video_decoder)?;
        frames.picture.model = model::WEBP;
        Some(frames)
    }
}

#[cfg(test)]
mod tests;
