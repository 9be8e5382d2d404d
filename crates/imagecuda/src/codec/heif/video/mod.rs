//! A HEIC or AVIF as frames for the video engines of a GPU: one picture, or a grid of tiles.

use super::{
    Heif,
    boxes::{full, number},
    items::Items,
    planes::{Matrix, fill, range_of},
};
use crate::{
    Device,
    codec::PayloadTarget,
    device::video::{Packet, Video, VideoCodec, VideoFrames, VideoSignal},
};
use imagecuda_kernels::planes::model;
use std::borrow::Cow;

impl Heif<'_> {
    /// The picture as the engines decode it. `None` if they do not: the host decodes it then.
    pub(super) fn frames(&self, target: PayloadTarget<'_>) -> Option<VideoFrames> {
        let layout = self.header.layout;
        if self.damaged || layout.channels() < 3 || self.view.is_none() {
            return None;
        }
        if !target.device.has_video(target.video_decoder) {
            return None;
        }
        // Each tile of a grid may have its own alpha.
        if layout.has_alpha() && self.alphas().len() != 1 {
            return None;
        }
        let items = Items::new(&self.bytes)?;
        let mut coded = Coded::of(&items)?;
        coded.video.has_alpha = layout.has_alpha();
        if let Some(signal) = coded.signal {
            Matrix::of_code(signal.matrix.into())?;
        }
        // The coded picture is what the header shows a part of.
        self.seen(coded.video.size).ok()?;
        let mut frames = target
            .device
            .decode_video(&coded.video, target.video_decoder)?;
        let signal = coded.signal.unwrap_or(frames.signal);
        let matrix = Matrix::of_code(signal.matrix.into())?;
        let bits = coded.video.bits;
        let picture = &mut frames.picture;
        picture.view = self.seen(picture.coded).ok()?;
        picture.model = match matrix {
            Matrix::Identity => {
                // Green is in the place of luma, and blue before red.
                picture.planes = [2, 0, 1, 3].map(|plane| picture.planes[plane]);
                model::RGB
            }
            Matrix::Factors(factors) => {
                picture.matrix = factors;
                model::MATRIX
            }
            Matrix::Reversible(_) => return None,
        };
        for (number, range) in picture.ranges.iter_mut().enumerate() {
            let is_chroma = picture.model == model::MATRIX && (1..3).contains(&number);
            *range = range_of(bits, !signal.full_range, is_chroma);
        }
        if layout.has_alpha() {
            self.add_alpha(&mut frames, target.device)?;
        }
        Some(frames)
    }

    /// Adds alpha by the host: it is a picture without chroma, which the engines do not decode.
    fn add_alpha(&self, frames: &mut VideoFrames, device: &Device) -> Option<()> {
        let image = self.alpha_image()?;
        let plane = image.planes().y?;
        let picture = &mut frames.picture;
        let is_wide = picture.sample_bytes == 2;
        if [plane.width, plane.height] != picture.coded || (plane.bits_per_pixel > 8 && !is_wide) {
            return None;
        }
        let row = plane.width as usize * picture.sample_bytes as usize;
        let mut samples = device.staging(row * plane.height as usize).ok()?;
        fill(samples.chunks_mut(row), &plane, is_wide);
        picture.alpha = self.alpha();
        picture.ranges[3] = self.alpha_range(&plane);
        frames.add_alpha(samples);
        Some(())
    }
}

/// The primary picture's frames, and what the file says about their colours.
struct Coded<'a> {
    video: Video<'a>,
    signal: Option<VideoSignal>,
}

impl<'a> Coded<'a> {
    fn of(items: &Items<'a>) -> Option<Self> {
        let primary = items.primary;
        match &items.kind(primary)? {
            b"grid" => Self::grid(items),
            _ => {
                let picture = Picture::of(items, primary)?;
                let size = picture.size;
                let signal = picture.signal;
                Some(Self {
                    video: picture.video(size, 1, vec![primary], items)?,
                    signal,
                })
            }
        }
    }

    /// A grid: all tiles are of the kind and the size of the first one.
    fn grid(items: &Items<'a>) -> Option<Self> {
        let grid = items.data(items.primary)?;
        let (&[version, flags, rows, columns], sizes) = grid.split_first_chunk()?;
        let wide = if flags & 1 == 1 { 4 } else { 2 };
        let side = |at| Some(number(sizes, at, wide)? as u32);
        let size = [side(0)?, side(wide)?];
        let [rows, columns] = [rows, columns].map(|count| u32::from(count) + 1);
        let tiles = items.references(b"dimg", items.primary);
        let first = Picture::of(items, *tiles.first()?)?;
        let [width, height] = first.size;
        let covers = |tile: u32, count: u32, side: u32| {
            u64::from(tile) * u64::from(count) >= side.into()
                // No tile lies outside.
                && u64::from(tile) * u64::from(count - 1) < side.into()
        };
        let is_whole = version == 0
            && tiles.len() == (rows * columns) as usize
            && covers(width, columns, size[0])
            && covers(height, rows, size[1])
            // Chroma of 4:2:0 belongs to one tile.
            && (first.is_444 || (width % 2 == 0 && height % 2 == 0))
            // A tile that is turned itself is libheif's.
            && tiles.iter().all(|&tile| !is_turned(items, tile));
        if !is_whole {
            return None;
        }
        let signal = signal(items, items.primary).or(first.signal);
        Some(Self {
            video: first.video(size, columns, tiles, items)?,
            signal,
        })
    }
}

fn is_turned(items: &Items<'_>, item: u64) -> bool {
    let properties = items.properties(item).unwrap_or_default();
    properties
        .into_iter()
        .any(|(kind, _)| matches!(kind, b"irot" | b"imir" | b"clap" | b"iscl"))
}

/// The code points that an item has in its `nclx`.
fn signal(items: &Items<'_>, item: u64) -> Option<VideoSignal> {
    let properties = items.properties(item)?;
    let (_, body) = properties
        .into_iter()
        .find(|(kind, body)| *kind == b"colr" && body.starts_with(b"nclx"))?;
    Some(VideoSignal {
        matrix: u8::try_from(number(body, 8, 2)?).ok()?,
        full_range: body.get(10)? & 0x80 != 0,
    })
}

/// An item that is one frame.
struct Picture<'a> {
    codec: VideoCodec,
    /// The property that says how it is coded.
    configuration: &'a [u8],
    size: [u32; 2],
    is_444: bool,
    bits: u8,
    signal: Option<VideoSignal>,
}

impl<'a> Picture<'a> {
    fn of(items: &Items<'a>, item: u64) -> Option<Self> {
        let codec = match &items.kind(item)? {
            b"hvc1" => VideoCodec::Hevc,
            b"av01" => VideoCodec::Av1,
            _ => return None,
        };
        let (mut configuration, mut size) = (None, None);
        for (kind, body) in items.properties(item)? {
            match (kind, codec) {
                (b"hvcC", VideoCodec::Hevc) | (b"av1C", VideoCodec::Av1) => {
                    configuration = Some(body);
                }
                (b"ispe", _) => {
                    let body = full(body)?.body;
                    size = Some([number(body, 0, 4)? as u32, number(body, 4, 4)? as u32]);
                }
                // Layers and operating points are libheif's.
                (b"lsel" | b"a1op" | b"a1lx" | b"oinf" | b"tols", _) => return None,
                _ => {}
            }
        }
        let (configuration, size) = (configuration?, size?);
        let (chroma, bits) = match codec {
            // ISO/IEC 14496-15, 8.3.3.1.
            VideoCodec::Hevc => {
                let [luma, chroma] = [17, 18].map(|at| configuration.get(at).map(|b| 8 + (b & 7)));
                (configuration.get(16)? & 3, luma.filter(|_| luma == chroma)?)
            }
            // The AV1 codec ISO media file format binding, 2.3.
            _ => {
                let flags = *configuration.get(2)?;
                let bits = match (flags & 0x40 != 0, flags & 0x20 != 0) {
                    (false, _) => 8,
                    (true, false) => 10,
                    (true, true) => 12,
                };
                let chroma = match (flags & 0x10 != 0, flags & 0x08 != 0, flags & 0x04 != 0) {
                    (false, true, true) => 1,
                    (false, false, false) => 3,
                    _ => 0,
                };
                (chroma, bits)
            }
        };
        Some(Self {
            codec,
            configuration,
            size,
            is_444: match chroma {
                1 => false,
                3 => true,
                _ => return None,
            },
            bits,
            signal: signal(items, item),
        })
    }

    /// The frames of `tiles`, which are all as this one. `None` if one is not.
    fn video(
        &self,
        size: [u32; 2],
        columns: u32,
        tiles: Vec<u64>,
        items: &Items<'a>,
    ) -> Option<Video<'a>> {
        let packets = tiles.iter().map(|&tile| {
            let picture = Self::of(items, tile)?;
            let is_same = picture.codec == self.codec
                && picture.size == self.size
                && (picture.is_444, picture.bits) == (self.is_444, self.bits);
            if !is_same {
                return None;
            }
            let data = items.data(tile)?;
            match (self.codec, data) {
                (VideoCodec::Hevc, Cow::Borrowed(data)) => {
                    units(picture.configuration, data).map(Packet::Units)
                }
                // The item lies in several places of the file.
                (VideoCodec::Hevc, Cow::Owned(data)) => {
                    let units = Packet::Units(units(picture.configuration, &data)?);
                    let mut joined = Vec::new();
                    units.joined(&mut joined);
                    Some(Packet::Whole(Cow::Owned(joined)))
                }
                (_, data) => Some(Packet::Whole(data)),
            }
        });
        Some(Video {
            codec: self.codec,
            is_444: self.is_444,
            bits: self.bits,
            size,
            tile: self.size,
            columns,
            has_alpha: false,
            has_segments: false,
            packets: packets.collect::<Option<_>>()?,
        })
    }
}

/// The parameter sets of `hvcC`, and the units of an item. `None` if they are damaged.
fn units<'a>(configuration: &'a [u8], data: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let mut units = Vec::new();
    let mut put = |unit: &'a [u8]| {
        // Parameter sets and slices. What else there is says nothing about the pixels.
        let kind = unit.first()? >> 1 & 0x3f;
        if matches!(kind, 0..=34) {
            units.push(unit);
        }
        Some(())
    };
    let length_size = usize::from(configuration.get(21)? & 3) + 1;
    let arrays = *configuration.get(22)?;
    let mut rest = configuration.get(23..)?;
    for _ in 0..arrays {
        let count = number(rest, 1, 2)?;
        rest = rest.get(3..)?;
        for _ in 0..count {
            let length = number(rest, 0, 2)? as usize;
            put(rest.get(2..)?.get(..length)?)?;
            rest = &rest[2 + length..];
        }
    }
    let mut rest = data;
    while !rest.is_empty() {
        let length = number(rest, 0, length_size)? as usize;
        put(rest.get(length_size..)?.get(..length)?)?;
        rest = &rest[length_size + length..];
    }
    Some(units)
}

#[cfg(test)]
mod tests;
