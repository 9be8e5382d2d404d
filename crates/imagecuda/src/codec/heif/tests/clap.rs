//! Pictures that are cropped.

use super::{
    regular::{boxed, with_meta},
    *,
};
use crate::codec::heif::boxes::{boxes, child};

const SIZE: (u32, u32) = (128, 96);

/// The file with `clap` as the first property that changes its first item.
pub(in crate::codec::heif) fn cropped(
    file: &[u8],
    numbers: [i32; 8],
    changes: &[(&[u8; 4], u8)],
) -> Vec<u8> {
    let clap: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    with_meta(file, |kind, body| {
        if kind != b"iprp" {
            return boxed(kind, &[body]);
        }
        let mut count = 0;
        let children = boxes(body).map(|(kind, body)| match kind {
            b"ipco" => {
                count = boxes(body).count() as u8;
                let more = changes
                    .iter()
                    .map(|(kind, value)| boxed(kind, &[&[*value]]));
                boxed(
                    kind,
                    &[
                        body,
                        &boxed(b"clap", &[&clap]),
                        &more.collect::<Vec<_>>().concat(),
                    ],
                )
            }
            // Of the first version, and of indices of one byte; the first item has some properties.
            _ => {
                assert!(kind == b"ipma" && body[..4] == [0; 4]);
                let known = usize::from(body[10]);
                let (first, others) = body[11..].split_at(known);
                let added = 1 + changes.len() as u8;
                let indices: Vec<u8> = (1..=added).map(|i| 0x80 | (count + i)).collect();
                let more = [body[10] + added];
                boxed(kind, &[&body[..10], &more, first, &indices, others])
            }
        });
        boxed(b"iprp", &[&children.collect::<Vec<_>>().concat()])
    })
}

/// Rows of a picture.
type Rows = Vec<Vec<[u8; 3]>>;

fn rows(data: &[u8], width: usize) -> Rows {
    let (pixels, _) = data.as_chunks::<3>();
    pixels.chunks(width).map(<[_]>::to_vec).collect()
}

/// A quarter of a turn against the clock.
fn turned(rows: &Rows) -> Rows {
    let column = |x: usize| rows.iter().map(|row| row[x]).collect();
    (0..rows[0].len()).rev().map(column).collect()
}

/// What is left is what the whole picture has there, chroma that pixels share included, wherever it begins;
/// then it is turned.
#[test]
fn what_is_left_is_as_in_the_whole() {
    let data = picture(SIZE.0, SIZE.1, Layout::Rgb8);
    for format in FORMATS {
        for subsampling in [Subsampling::Yuv444, Subsampling::Yuv420] {
            let options = SaveOptions::new().quality(90).subsampling(subsampling);
            let file = encode(format, SIZE, Layout::Rgb8, &data, &options).unwrap();
            let (_, whole) = decode(format, &file).unwrap();
            let whole = rows(&whole, SIZE.0 as usize);
            // Width, height and where the middle is from the picture's, and where that is: far less than
            // the picture, nearly all of it, and one row.
            for (numbers, [x, y, width, height]) in [
                ([40, 1, 30, 1, 0, 1, 0, 1], [44, 33, 40, 30]),
                ([41, 1, 31, 1, -3, 2, 1, 2], [42, 33, 41, 31]),
                ([33, 1, 17, 1, -95, 2, -79, 2], [0, 0, 33, 17]),
                ([33, 1, 17, 1, 95, 2, 79, 2], [95, 79, 33, 17]),
                ([125, 1, 93, 1, -1, 2, 1, 2], [1, 2, 125, 93]),
                ([127, 1, 95, 1, 1, 2, 1, 2], [1, 1, 127, 95]),
                ([128, 1, 1, 1, 0, 1, 1, 2], [0, 48, 128, 1]),
            ] {
                let part: Rows = whole[y..y + height]
                    .iter()
                    .map(|row| row[x..x + width].to_vec())
                    .collect();
                let upside_down = |rows: &Rows| rows.iter().rev().cloned().collect::<Rows>();
                type Changes<'a> = &'a [(&'a [u8; 4], u8)];
                let cases: [(Changes<'_>, Rows); 4] = [
                    (&[], part.clone()),
                    (&[(b"irot", 1)], turned(&part)),
                    (&[(b"imir", 0)], upside_down(&part)),
                    (
                        &[(b"irot", 3), (b"imir", 0)],
                        upside_down(&turned(&turned(&turned(&part)))),
                    ),
                ];
                for (changes, expected) in cases {
                    let file = cropped(&file, numbers, changes);
                    let (header, found) = decode(format, &file).unwrap();
                    let what = format!("{format} {subsampling:?} {numbers:?} {changes:?}");
                    let size = (header.width as usize, header.height as usize);
                    assert_eq!(size, (expected[0].len(), expected.len()), "{what}");
                    assert!(rows(&found, size.0) == expected, "{what}");
                }
            }
        }
    }
}

/// Alpha is cropped as well.
#[test]
fn alpha_is_cropped_too() {
    let data = picture(SIZE.0, SIZE.1, Layout::Rgba8);
    for format in FORMATS {
        let options = SaveOptions::new();
        let file = encode(format, SIZE, Layout::Rgba8, &data, &options).unwrap();
        let whole = decode(format, &file).unwrap().1;
        let file = cropped(&file, [21, 1, 11, 1, 1, 2, 1, 2], &[]);
        let (header, found) = decode(format, &file).unwrap();
        assert_eq!(
            (header.width, header.height, header.layout),
            (21, 11, Layout::Rgba8)
        );
        for (i, pixel) in found.chunks(4).enumerate() {
            let at = ((43 + i / 21) * SIZE.0 as usize + 54 + i % 21) * 4;
            assert_eq!(pixel, &whole[at..at + 4], "{format} {i}");
        }
    }
}

/// A file whose picture is another's, cropped.
fn derived(file: &[u8], numbers: [i32; 8]) -> Vec<u8> {
    const NEW: [u8; 2] = [0, 100];
    let clap: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    let meta = child(file, b"meta").unwrap();
    let old: [u8; 2] = child(&meta[4..], b"pitm").unwrap()[4..].try_into().unwrap();
    with_meta(file, |kind, body| match kind {
        b"pitm" => boxed(kind, &[&[0; 4], &NEW]),
        b"iinf" => {
            let entry = boxed(b"infe", &[&[2, 0, 0, 0], &NEW, &[0, 0], b"iden", &[0]]);
            assert!(body[..5] == [0; 5]);
            boxed(kind, &[&[0; 5], &[body[5] + 1], &body[6..], &entry])
        }
        b"iprp" => {
            let all = child(body, b"ipco").unwrap();
            let size = 1 + boxes(all).position(|(kind, _)| kind == b"ispe").unwrap() as u8;
            let last = 1 + boxes(all).count() as u8;
            let all = boxed(b"ipco", &[all, &boxed(b"clap", &[&clap])]);
            let lists = child(body, b"ipma").unwrap();
            assert!(lists[..7] == [0; 7]);
            let count = [lists[7] + 1];
            let list = [&NEW[..], &[2, size, 0x80 | last]].concat();
            let lists = boxed(b"ipma", &[&[0; 7], &count, &lists[8..], &list]);
            let reference = boxed(b"dimg", &[&NEW, &[0, 1], &old]);
            let references = boxed(b"iref", &[&[0; 4], &reference]);
            [boxed(kind, &[&all, &lists]), references].concat()
        }
        _ => boxed(kind, &[body]),
    })
}

/// Of these libheif gives the picture, which has no view: it is cropped after its colours are made too.
#[test]
fn a_derived_picture_is_cropped() {
    let data = picture(SIZE.0, SIZE.1, Layout::Rgb8);
    for format in FORMATS {
        let options = SaveOptions::new()
            .quality(90)
            .subsampling(Subsampling::Yuv420);
        let file = encode(format, SIZE, Layout::Rgb8, &data, &options).unwrap();
        let whole = rows(&decode(format, &file).unwrap().1, SIZE.0 as usize);
        for (numbers, [x, y, width, height]) in [
            ([41, 1, 31, 1, -3, 2, 1, 2], [42, 33, 41, 31]),
            ([125, 1, 93, 1, -1, 2, 1, 2], [1, 2, 125, 93]),
        ] {
            let file = derived(&file, numbers);
            let heif = read_header(format, &file, &Limits::default()).unwrap();
            assert!(heif.view.is_none());
            let (header, found) = decode(format, &file).unwrap();
            assert_eq!(
                (header.width as usize, header.height as usize),
                (width, height)
            );
            let expected = whole[y..y + height].iter().map(|row| &row[x..x + width]);
            let found = rows(&found, width);
            assert!(expected.eq(found.iter()), "{format} {numbers:?}");
        }
    }
}
