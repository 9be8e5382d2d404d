//! A lossy WebP as a VP8 key frame, for the video engines of a GPU (RFC 6386).

mod header;

use self::header::FrameHeader;
use super::{WebP, riff};
use crate::{
    VideoDecoder,
    codec::PayloadTarget,
    device::video::{Packet, Video, VideoCodec, VideoFrames},
};
use imagecuda_kernels::planes::{Range, alpha, model};
use std::borrow::Cow;

impl WebP<'_> {
    /// The picture as the engines decode it. `None` if they do not: the host decodes it then.
    pub(super) fn frames(&self, target: PayloadTarget<'_>) -> Option<VideoFrames> {
        // An engine does not tell what libwebp says of damage within the data. So it has to be asked for.
        if target.video_decoder != VideoDecoder::Engine
            || !target.device.has_video(target.video_decoder)
        {
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
            has_alpha: self.header.layout.has_alpha(),
            has_segments: header.has_segments,
            packets: vec![Packet::Whole(Cow::Borrowed(data))],
        };
        let mut frames = target.device.decode_video(&video, target.video_decoder)?;
        frames.picture.model = model::WEBP;
        if video.has_alpha {
            // Compressed as a lossless picture, which the engines do not decode.
            let pixels = size.map(|side| side as usize);
            let mut samples = target.device.staging(pixels[0] * pixels[1]).ok()?;
            self.alpha_samples(&mut samples)?;
            frames.picture.alpha = alpha::STRAIGHT;
            frames.picture.ranges[3] = Range {
                black: 0.0,
                whole: 255.0,
            };
            frames.add_alpha(samples);
        }
        Some(frames)
    }
}

#[cfg(test)]
mod tests;
