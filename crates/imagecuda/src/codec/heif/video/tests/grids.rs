//! Grids of tiles.

use super::*;
use crate::codec::heif::{
    boxes::{boxes, child},
    tests::regular::{boxed, with_meta},
};
use std::num::NonZeroU16;

/// A grid of `columns` by `rows` tiles, of which the last column and row show only a part.
pub(super) fn grid(
    chroma: &str,
    tile: [u32; 2],
    [columns, rows]: [u16; 2],
    cut: [u32; 2],
) -> Vec<u8> {
    let mut encoder = crate::codec::heif::LIBHEIF
        .encoder_for_format(CompressionFormat::Hevc)
        .unwrap();
    encoder.set_quality(EncoderQuality::Lossy(70)).unwrap();
    for (name, value) in [("chroma", chroma), ("preset", "ultrafast")] {
        let value = EncoderParameterValue::String(value.to_owned());
        encoder.set_parameter_value(name, value).unwrap();
    }
    let tiles: Vec<Image> = (0..columns * rows)
        .map(|number| picture(tile[0], tile[1], 5 * number as u8))
        .collect();
    let options = [(); 2].map(|()| EncodingOptions::new().unwrap()).into();
    grid_of([&tiles, &[]], [columns, rows], cut, &mut encoder, options)
}

/// A grid of these tiles, row by row, and one of alpha if there are tiles for it.
pub(super) fn grid_of(
    [tiles, alphas]: [&[Image]; 2],
    [columns, rows]: [u16; 2],
    cut: [u32; 2],
    encoder: &mut libheif_rs::Encoder<'_>,
    options: (EncodingOptions, EncodingOptions),
) -> Vec<u8> {
    let tile = [tiles[0].width(), tiles[0].height()];
    let mut context = HeifContext::new().unwrap();
    // The bindings of 3.0 give the number of rows for that of columns.
    let count = NonZeroU16::new(columns).unwrap();
    let mut encode = |tiles, options| {
        context
            .encode_grid(tiles, count, encoder, Some(options))
            .unwrap()
            .unwrap()
    };
    let mut colors = encode(tiles, options.0);
    let alpha = (!alphas.is_empty()).then(|| encode(alphas, options.1).item_id());
    context.set_primary_image(&mut colors).unwrap();
    let colors = colors.item_id();
    let mut file = context.write_to_bytes().unwrap();
    if let Some(alpha) = alpha {
        file = with_alpha(&file, colors as u16, alpha as u16);
    }
    let whole = [tile[0] * u32::from(columns), tile[1] * u32::from(rows)];
    let size = [whole[0] - cut[0], whole[1] - cut[1]];
    // In the data of the grid, and in its property.
    let wide = |size: [u32; 2]| size.map(u32::to_be_bytes).as_flattened().to_vec();
    let narrow = |size: [u32; 2]| {
        size.map(|s| (s as u16).to_be_bytes())
            .as_flattened()
            .to_vec()
    };
    let head = |flags| vec![0, flags, rows as u8 - 1, columns as u8 - 1];
    for (from, to) in [
        (
            [head(0), narrow(whole)].concat(),
            [head(0), narrow(size)].concat(),
        ),
        (
            [head(1), wide(whole)].concat(),
            [head(1), wide(size)].concat(),
        ),
        (
            [b"ispe\0\0\0\0".to_vec(), wide(whole)].concat(),
            [b"ispe\0\0\0\0".to_vec(), wide(size)].concat(),
        ),
    ] {
        let is_it = |at: &usize| file[*at..].starts_with(&from);
        for at in (0..file.len()).filter(is_it).collect::<Vec<_>>() {
            file[at..at + from.len()].copy_from_slice(&to);
        }
    }
    file
}

/// The file in which the item `alpha` is that of the item `colors`.
fn with_alpha(file: &[u8], colors: u16, alpha: u16) -> Vec<u8> {
    const KIND: &[u8] = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";
    let [colors, alpha] = [colors, alpha].map(u16::to_be_bytes);
    with_meta(file, |kind, body| match kind {
        b"iref" => {
            let reference = boxed(b"auxl", &[&alpha, &[0, 1], &colors]);
            boxed(kind, &[body, &reference])
        }
        b"iprp" => {
            let all = child(body, b"ipco").unwrap();
            let added = 1 + boxes(all).count() as u8;
            let all = boxed(b"ipco", &[all, &boxed(b"auxC", &[KIND])]);
            // Of the first version, and of indices of one byte.
            let lists = child(body, b"ipma").unwrap();
            assert!(lists[..4] == [0; 4]);
            let (head, mut rest) = lists.split_at(8);
            let mut changed = head.to_vec();
            while let [a, b, count, others @ ..] = rest {
                let (list, others) = others.split_at(usize::from(*count));
                let more: &[u8] = if [*a, *b] == alpha { &[added] } else { &[] };
                changed.extend([*a, *b, count + more.len() as u8]);
                changed.extend([list, more].concat());
                rest = others;
            }
            boxed(kind, &[&all, &boxed(b"ipma", &[&changed])])
        }
        _ => boxed(kind, &[body]),
    })
}

#[test]
fn a_grid_is_its_tiles_in_order() {
    let file = grid("420", [64, 64], [3, 2], [30, 10]);
    let items = Items::new(&file).unwrap();
    let coded = Coded::of(&items).unwrap();
    let video = &coded.video;
    assert_eq!((video.size, video.tile), ([162, 118], [64, 64]));
    assert_eq!((video.columns, video.packets.len()), (3, 6));
    let canvas = video.canvas();
    // The last tile shows 34 by 54 pixels.
    let copies = video.copies(&canvas, 5, 1024, 64, [0, 0]);
    let [luma, chroma] = copies[..] else {
        panic!("{copies:?}");
    };
    assert_eq!((luma.from, luma.width, luma.height), (0, 34, 54));
    assert_eq!(luma.to, 256 + 64 * 162 + 128);
    assert_eq!(
        (chroma.from, chroma.width, chroma.height),
        (1024 * 64, 34, 27)
    );
    assert_eq!(chroma.to, 256 + 162 * 118 + 32 * 162 + 128);
}
