//! Decodes B44-compressed blocks of subsampled channels. The crate decodes B44 only if all channels
//! have one size, so it gets the channels one by one.

use super::file::{Part, Rect, error};
use crate::{Result, error::cut_short};
use exr::{
    math::Vec2,
    meta::{
        BlockDescription,
        attribute::{
            ChannelDescription, ChannelList, IntegerBounds, LevelMode, SampleType, TileDescription,
        },
    },
};

pub(super) fn decompress(part: &Part, rect: Rect, mut data: &[u8]) -> Result<Vec<u8>> {
    let mut planes = Vec::new();
    for channel in &part.header.channels.list {
        let Vec2(x, y) = channel.sampling;
        let size = Vec2(rect.width / x, rect.height / y);
        let length = match channel.sample_type {
            SampleType::F16 => coded(size, data),
            _ => Some(size.0 * size.1 * 4),
        };
        let (coded, rest) = length
            .and_then(|length| data.split_at_checked(length))
            .ok_or_else(cut_short)?;
        planes.push(plane(part, channel, size, coded)?);
        data = rest;
    }
    // The result has the order of other blocks: line by line.
    let mut lines = Vec::new();
    let mut rests: Vec<&[u8]> = planes.iter().map(Vec::as_slice).collect();
    for y in rect.y..rect.y + rect.height {
        for (channel, rest) in part.header.channels.list.iter().zip(&mut rests) {
            if y.is_multiple_of(channel.sampling.1) {
                let row = rect.width / channel.sampling.0;
                let length = row * channel.sample_type.bytes_per_sample();
                let (line, after) = rest.split_at(length.min(rest.len()));
                lines.extend_from_slice(line);
                *rest = after;
            }
        }
    }
    Ok(lines)
}

/// The size of a plane in the file: 14 bytes for 4x4 samples, or 3 if they are all equal.
fn coded(Vec2(width, height): Vec2<usize>, data: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..width.div_ceil(4) * height.div_ceil(4) {
        at += if *data.get(at + 2)? >= 13 << 2 { 3 } else { 14 };
    }
    Some(at)
}

/// The samples of one channel.
fn plane(
    part: &Part,
    channel: &ChannelDescription,
    size: Vec2<usize>,
    coded: &[u8],
) -> Result<Vec<u8>> {
    let mut channel = channel.clone();
    channel.sampling = Vec2(1, 1);
    let mut header = part.bare();
    header.layer_size = size;
    header.blocks = BlockDescription::Tiles(TileDescription {
        tile_size: size,
        level_mode: LevelMode::Singular,
        rounding_mode: exr::math::RoundingMode::Down,
    });
    let bytes = channel.sample_type.bytes_per_sample() * size.0 * size.1;
    header.channels = ChannelList::new([channel].into_iter().collect());
    let mut data = coded.to_vec();
    // A plane as long as its samples is not compressed.
    if header.channels.list[0].sample_type == SampleType::F16 && data.len() == bytes {
        data.push(0);
    }
    header
        .compression
        .decompress_image_section_from_le(
            &header,
            data,
            IntegerBounds::new(Vec2(0, 0), size),
            false,
        )
        .map_err(error)
}
