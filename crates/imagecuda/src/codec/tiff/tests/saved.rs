//! The tags and strips of saved files.

use super::*;
use crate::{SaveOptions, codec::EncodeRequest, picture::Pixels};
use std::io::Cursor;

const WIDTH: u32 = 700;
const HEIGHT: u32 = 900;

/// libtiff warns of a predictor beside a compression that has none.
#[test]
fn a_predictor_is_named_where_there_is_one() {
    let compressions = [
        (Compression::Uncompressed, 1, false),
        (Compression::PackBits, 0x8005, false),
        (Compression::Lzw, 5, true),
        (Compression::Fast, 8, true),
        (Compression::Balanced, 8, true),
        (Compression::Small, 8, true),
    ];
    for (layout, is_float) in [
        (Layout::L8, false),
        (Layout::Rgba16, false),
        (Layout::Rgb32F, true),
    ] {
        let bytes = (WIDTH * HEIGHT) as usize * layout.bytes_per_pixel();
        let data: Vec<u8> = (0..bytes).map(|i| (i / 5 * 7 % 199) as u8).collect();
        let data = match is_float {
            // Not every pattern of bits is a number.
            true => data.iter().map(|byte| byte & 0x3f).collect(),
            false => data,
        };
        let pixels = Pixels {
            width: WIDTH,
            height: HEIGHT,
            layout,
            data: &data,
        };
        for (compression, number, has_predictor) in compressions {
            let options = SaveOptions::new().compression(compression);
            let mut file = Cursor::new(Vec::new());
            codec::encode(
                Format::Tiff,
                EncodeRequest::new(pixels, &options),
                &mut file,
            )
            .unwrap();
            let file = file.into_inner();
            let directory = Directory::first(&file).unwrap();
            let found = directory.number(tag::PREDICTOR).unwrap();
            let expected = (has_predictor && !is_float).then_some(2);
            assert_eq!(found, expected, "{layout:?} {compression:?}");
            assert_eq!(directory.number(tag::COMPRESSION).unwrap(), Some(number));
            let rows = directory.number(tag::ROWS_PER_STRIP).unwrap().unwrap();
            let offsets = directory.numbers_up_to(tag::STRIP_OFFSETS, usize::MAX);
            let strips = u64::from(HEIGHT).div_ceil(rows);
            assert_eq!(offsets.unwrap().unwrap().len() as u64, strips);
            let decoder = codec::open(Format::Tiff, &file, &Limits::default(), false).unwrap();
            assert_eq!(decoder.header().layout, layout);
            let mut out = vec![0xa5; bytes];
            decoder.read_into(&mut out).unwrap();
            assert!(out == data, "{layout:?} {compression:?}");
        }
    }
}
