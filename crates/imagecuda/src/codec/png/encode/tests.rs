//! What is written, read by decoders that this project did not write.

use super::*;
use crate::SaveOptions;
use std::io::Cursor;
use zune_png::zune_core::{bytestream::ZCursor, options::DecoderOptions, result::DecodingResult};

const LAYOUTS: [Layout; 8] = [
    Layout::L8,
    Layout::La8,
    Layout::Rgb8,
    Layout::Rgba8,
    Layout::L16,
    Layout::La16,
    Layout::Rgb16,
    Layout::Rgba16,
];

const COMPRESSIONS: [Compression; 4] = [
    Compression::Uncompressed,
    Compression::Fast,
    Compression::Balanced,
    Compression::Small,
];

#[derive(Clone, Copy, Debug)]
enum Content {
    Flat,
    Noise,
    /// Smooth, with a little noise.
    Photo,
    /// Bars and boxes of a few colours.
    Drawing,
}

const CONTENTS: [Content; 4] = [
    Content::Flat,
    Content::Noise,
    Content::Photo,
    Content::Drawing,
];

fn picture(content: Content, width: u32, height: u32, layout: Layout) -> Vec<u8> {
    let (channels, bytes) = (layout.channels(), layout.bits() / 8);
    let mut state = u64::from(width) << 32 | u64::from(height);
    let mut noise = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize
    };
    let mut data = Vec::new();
    for y in 0..height as usize {
        for x in 0..width as usize {
            for c in 0..channels * bytes {
                data.push(match content {
                    Content::Flat => 200,
                    Content::Noise => noise() as u8,
                    Content::Photo => (x * x / 97 + 3 * y + 50 * c + noise() % 4) as u8,
                    Content::Drawing => (x / 40 * 91 + y / 17 * (c + 1) * 133) as u8 & 0xe0,
                });
            }
        }
    }
    data
}

fn encode(pixels: Pixels<'_>, compression: Compression) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let options = SaveOptions::new().compression(compression);
    super::encode(EncodeRequest::new(pixels, &options), &mut file).unwrap();
    file.into_inner()
}

/// The samples as crate `png` reads them, in the machine's byte order.
fn by_png(file: &[u8]) -> Vec<u8> {
    let mut decoder = ::png::Decoder::new(Cursor::new(file));
    decoder.ignore_checksums(false);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    reader.finish().unwrap();
    assert_eq!(info.buffer_size(), data.len());
    if info.bit_depth == ::png::BitDepth::Sixteen {
        for two in data.as_chunks_mut().0 {
            *two = u16::from_be_bytes(*two).to_ne_bytes();
        }
    }
    data
}

fn by_zune(file: &[u8]) -> Vec<u8> {
    let options = DecoderOptions::default()
        .png_set_confirm_crc(true)
        .inflate_set_confirm_adler(true)
        .set_max_width(1 << 30)
        .set_max_height(1 << 30);
    let mut decoder = zune_png::PngDecoder::new_with_options(ZCursor::new(file), options);
    match decoder.decode().unwrap() {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => bytemuck::cast_slice(&samples).to_vec(),
        _ => panic!("neither 8 nor 16 bits"),
    }
}

fn check(content: Content, width: u32, height: u32, layout: Layout, compression: Compression) {
    let data = picture(content, width, height, layout);
    let pixels = Pixels {
        width,
        height,
        layout,
        data: &data,
    };
    let file = encode(pixels, compression);
    let what = format!("{content:?} {width}x{height} {layout:?} {compression:?}");
    assert!(by_png(&file) == data, "{what}");
    assert!(by_zune(&file) == data, "{what}");
}

#[test]
fn every_layout_size_and_content_is_read_back() {
    let sizes = [(1, 1), (2, 1), (1, 3), (7, 5), (9, 9), (64, 2), (129, 70)];
    for layout in LAYOUTS {
        for compression in COMPRESSIONS {
            for content in CONTENTS {
                for (width, height) in sizes {
                    check(content, width, height, layout, compression);
                }
            }
        }
    }
}

#[test]
fn many_bands_are_read_back() {
    // Bands of many rows, of one row, and of rows that are longer than a band should be.
    for (width, height) in [(611, 900), (1, 300_001), (70_000, 9), (400_000, 3)] {
        for (i, layout) in LAYOUTS.into_iter().enumerate() {
            let content = CONTENTS[i % CONTENTS.len()];
            for compression in COMPRESSIONS {
                check(content, width, height, layout, compression);
            }
            check(Content::Photo, width, height, layout, Compression::Fast);
        }
    }
}

#[test]
fn files_do_not_depend_on_the_threads() {
    let (width, height, layout) = (1201, 1003, Layout::Rgba8);
    for compression in COMPRESSIONS {
        for content in [Content::Photo, Content::Drawing] {
            let data = picture(content, width, height, layout);
            let files = [1, 2, 5].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                let pixels = Pixels {
                    width,
                    height,
                    layout,
                    data: &data,
                };
                pool.build()
                    .unwrap()
                    .install(|| encode(pixels, compression))
            });
            let same = files[0] == files[1] && files[1] == files[2];
            assert!(same, "{content:?} {compression:?}");
            assert!(by_png(&files[0]) == data);
        }
    }
}

#[test]
fn bands_cost_little() {
    let (width, height, layout) = (1500, 1600, Layout::Rgb8);
    for content in [Content::Photo, Content::Drawing] {
        let data = picture(content, width, height, layout);
        let pixels = Pixels {
            width,
            height,
            layout,
            data: &data,
        };
        let mut filtered = Vec::new();
        let stride = data.len() / height as usize;
        filter::filter(&data, None, stride, 3, &mut filtered);
        for (compression, level) in [(Compression::Balanced, 6), (Compression::Small, 9)] {
            let mut whole = Vec::new();
            zlib::compress(level, &filtered, &[], true, &mut whole).unwrap();
            let size = encode(pixels, compression).len();
            // Codes of its own and an end are in each band, whatever it holds.
            let limit = whole.len() + whole.len() / 100 + 64 * filtered.len().div_ceil(BAND);
            assert!(
                size < limit,
                "{content:?} {compression:?}: {size} for {}",
                whole.len()
            );
        }
    }
}

#[test]
fn the_kernels_write_the_same_bytes() {
    use imagecuda_kernels::png::encode::{checksum::crc32, cpu_emulation, scanlines::Scanlines};
    let sizes = [
        (1, 1),
        (2, 1),
        (1, 3),
        (7, 5),
        (129, 70),
        (611, 300),
        (1, 70_001),
        (65_535, 4),
    ];
    for (i, layout) in LAYOUTS.into_iter().enumerate() {
        for (width, height) in sizes {
            for content in CONTENTS {
                if width * height > 150_000 && i % 3 > 0 {
                    continue;
                }
                let data = picture(content, width, height, layout);
                let pixels = Pixels {
                    width,
                    height,
                    layout,
                    data: &data,
                };
                let file = encode(pixels, Compression::Fast);
                let bytes_per_pixel = layout.bytes_per_pixel() as u32;
                let deep = layout.bits() == 16;
                let lines = Scanlines::new((width, height), bytes_per_pixel, deep).unwrap();
                let made = cpu_emulation::encode(&lines, &data);
                // After the signature and IHDR.
                let mut at = 33;
                for (part, &rest) in made.stream.chunks(1 << 20).zip(&made.remainders) {
                    let len = part.len() as u32;
                    let chunk = [
                        &len.to_be_bytes()[..],
                        b"IDAT",
                        part,
                        &crc32(crc32fast::hash(b"IDAT"), rest, len).to_be_bytes(),
                    ];
                    let chunk = chunk.concat();
                    let what = format!("{content:?} {width}x{height} {layout:?}");
                    assert!(file[at..].starts_with(&chunk), "{what}");
                    at += chunk.len();
                }
                assert_eq!(file.len() - at, 12, "IEND is left");
            }
        }
    }
}
