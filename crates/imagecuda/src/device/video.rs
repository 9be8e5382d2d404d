//! Pictures that are frames of a video codec, for the video engines of a GPU.

pub(crate) use super::cuda::VideoFrames;
use super::{Inner, planes::PICTURE_BYTES};
use crate::{Device, VideoDecoder};
use imagecuda_kernels::planes::{Picture, Plane, View};
use std::borrow::Cow;

/// The codecs of which the library has pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum VideoCodec {
    Hevc,
    Vp8,
    Av1,
}

/// A picture of one frame, or of tiles that are a frame each. They are key frames.
#[derive(Debug)]
pub(crate) struct Video<'a> {
    pub(crate) codec: VideoCodec,
    /// Whether chroma is as large as luma. If not, it has half the width and half the height.
    pub(crate) is_444: bool,
    pub(crate) bits: u8,
    /// The size of the picture. The last tiles of rows and columns may reach over its edge.
    pub(crate) size: [u32; 2],
    /// The size of each tile as it is shown.
    pub(crate) tile: [u32; 2],
    pub(crate) columns: u32,
    /// Whether there is room for alpha behind the frames' planes.
    pub(crate) has_alpha: bool,
    /// Whether a frame of VP8 has segments.
    pub(crate) has_segments: bool,
    /// The data of each tile, with the parameter sets that it needs.
    pub(crate) packets: Vec<Packet<'a>>,
}

/// The data of a frame.
#[derive(Clone, Debug)]
pub(crate) enum Packet<'a> {
    Whole(Cow<'a, [u8]>),
    /// Units of HEVC, each of which needs a start code (ISO/IEC 23008-2, annex B).
    Units(Vec<&'a [u8]>),
}

impl Packet<'_> {
    /// The length of the data in bytes, without start codes.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for GPUs"))]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Whole(data) => data.len(),
            Self::Units(units) => units.iter().map(|unit| unit.len()).sum(),
        }
    }

    /// The data as one slice, for which `memory` may be used.
    pub(crate) fn joined<'m>(&'m self, memory: &'m mut Vec<u8>) -> &'m [u8] {
        match self {
            Self::Whole(data) => data,
            Self::Units(units) => {
                memory.clear();
                for unit in units {
                    memory.extend([0, 0, 0, 1]);
                    memory.extend_from_slice(unit);
                }
                memory
            }
        }
    }
}

/// What the frames' headers say about their colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VideoSignal {
    /// A code point of ITU-T H.273. 2 if the headers say nothing.
    pub(crate) matrix: u8,
    pub(crate) full_range: bool,
}

/// The memory of a whole picture, as the engines write frames: a plane of luma, and one plane of both
/// chromas, side by side, or two planes. Samples of more than 8 bits are in the high bits of two bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    pub(crate) picture: Picture,
    pub(crate) bytes: usize,
}

impl Device {
    /// Whether engines may decode, by the caller's choice. If so they may still refuse.
    pub(crate) fn has_video(&self, choice: VideoDecoder) -> bool {
        self.is_cuda() && choice != VideoDecoder::Host
    }

    /// Decodes a picture by the video engines. `None` if they refuse it: the host decodes it then.
    pub(crate) fn decode_video(
        &self,
        video: &Video<'_>,
        choice: VideoDecoder,
    ) -> Option<VideoFrames> {
        match self.inner() {
            Inner::Cuda(context) if choice != VideoDecoder::Host => {
                context.decode_video(video, choice)
            }
            _ => None,
        }
    }

    /// Ends the decoders of the GPU's video engines that are not in use, and returns how many there
    /// were. The library makes them when pictures need them, about 24 at most, and keeps them, because to
    /// make one takes up to 83 ms. Each takes 12 to 360 MB of the GPU's memory.
    pub fn release_video_decoders(&self) -> usize {
        match self.inner() {
            Inner::Cpu => 0,
            Inner::Cuda(context) => context.trim_videos(),
        }
    }
}

impl Video<'_> {
    pub(crate) fn canvas(&self) -> Canvas {
        let bytes = if self.bits > 8 { 2 } else { 1 };
        let [width, height] = self.size;
        let pitch = width.next_multiple_of(2);
        let start = (PICTURE_BYTES / bytes) as u64;
        let luma = u64::from(pitch) * u64::from(height);
        let shift = if self.bits > 8 {
            16 - u32::from(self.bits)
        } else {
            0
        };
        let plane = |start| Plane {
            start,
            pitch,
            step: 1,
            shift,
            ..Plane::default()
        };
        let chroma = |first| Plane {
            step: 2,
            across: 1,
            down: 1,
            ..plane(start + luma + first)
        };
        let (planes, samples) = match self.is_444 {
            true => (
                [plane(start), plane(start + luma), plane(start + 2 * luma)],
                3 * luma,
            ),
            false => (
                [plane(start), chroma(0), chroma(1)],
                luma + u64::from(pitch) * u64::from(height.div_ceil(2)),
            ),
        };
        let [a, b, c] = planes;
        let (alpha, samples) = match self.has_alpha {
            true => {
                let alpha = Plane {
                    start: start + samples,
                    pitch: width,
                    step: 1,
                    ..Plane::default()
                };
                (alpha, samples + u64::from(width) * u64::from(height))
            }
            false => (Plane::default(), samples),
        };
        Canvas {
            picture: Picture {
                planes: [a, b, c, alpha],
                sample_bytes: bytes as u32,
                coded: self.size,
                view: View::whole(width, height),
                ..Picture::default()
            },
            bytes: PICTURE_BYTES + samples as usize * bytes,
        }
    }

    /// The rectangles of rows that make tile `number` of a frame. `pitch` is that of the frame in
    /// bytes, `rows` the height of its luma in memory, and `corner` the first pixel that is shown.
    pub(crate) fn copies(
        &self,
        canvas: &Canvas,
        number: usize,
        pitch: usize,
        rows: usize,
        corner: [u32; 2],
    ) -> Vec<Copy2d> {
        let bytes = canvas.picture.sample_bytes as usize;
        let [column, row] = [number as u32 % self.columns, number as u32 / self.columns];
        let [x, y] = [column * self.tile[0], row * self.tile[1]];
        let width = self.tile[0].min(self.size[0] - x);
        let height = self.tile[1].min(self.size[1] - y);
        let copy = |plane: usize, from: usize, down: u32, width: u32| {
            let plane = &canvas.picture.planes[plane];
            let place =
                |x: u32, y: u32, pitch: usize| (y >> down) as usize * pitch + x as usize * bytes;
            Copy2d {
                from: from + place(corner[0], corner[1], pitch),
                to: plane.start as usize * bytes + place(x, y, plane.pitch as usize * bytes),
                to_pitch: plane.pitch as usize * bytes,
                width: width as usize * bytes,
                height: ((height + (1 << down) - 1) >> down) as usize,
            }
        };
        match self.is_444 {
            true => (0..3)
                .map(|plane| copy(plane, plane * pitch * rows, 0, width))
                .collect(),
            // Both chromas of a pair of columns take the bytes of the two columns.
            false => vec![
                copy(0, 0, 0, width),
                copy(1, pitch * rows, 1, width.next_multiple_of(2)),
            ],
        }
    }
}

/// The GPU, if the tests are to use it.
#[cfg(test)]
pub(crate) fn test_gpu() -> Option<Device> {
    match std::env::var("IMAGECUDA_TEST_DEVICE") {
        Ok(name) if name != "cpu" => Some(name.parse().unwrap()),
        _ => None,
    }
}

/// Rows to copy from a frame to a canvas. Places count bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copy2d {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) to_pitch: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}
