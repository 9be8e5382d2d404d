//! Tiles that are cut, and that are shared.

use super::*;

/// The crate has no room for the rows after the end of planes but the first.
#[test]
fn planes_end_within_tiles() {
    let tile = |plane: usize| -> Vec<u8> {
        let sample = |i: usize| (i % 16 + i / 16 * 20 + plane * 7) as u8;
        (0..16 * 16).map(sample).collect()
    };
    let tiles: Vec<Vec<u8>> = (0..3 * 2).map(tile).collect();
    let packed: Vec<Vec<u8>> = tiles.iter().map(|tile| deflated(tile)).collect();
    let packed: Vec<&[u8]> = packed.iter().map(Vec::as_slice).collect();
    let tags: [(u16, &[u16]); 7] = [
        (BITS, &[8, 8, 8]),
        (COMPRESSION, &[8]),
        (PHOTOMETRIC, &[2]),
        (SAMPLES, &[3]),
        (PLANAR, &[2]),
        (TILE[0], &[16]),
        (TILE[1], &[16]),
    ];
    let (layout, pixels) = load(&file(true, [19, 10], &tags, &packed)).unwrap();
    assert_eq!(layout, Layout::Rgb8);
    for (i, pixel) in pixels.as_chunks::<3>().0.iter().enumerate() {
        let (x, y) = (i % 19, i / 19);
        let expected = [0, 1, 2].map(|plane| tiles[plane * 2 + x / 16][y * 16 + x % 16]);
        assert_eq!(*pixel, expected, "{x}, {y}");
    }
    // One that is missing is no hole, unless it is asked for.
    let cut = [&packed[..5], &[&packed[5][..9]]].concat();
    assert!(load(&file(true, [19, 10], &tags, &cut)).is_err());
}

/// Noise, whose codes end anywhere in the rows.
#[test]
fn rows_end_within_tiles_of_lzw() {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(0x9e37_79b9) ^ state >> 15;
        (state >> 24) as u8
    };
    let pixels: Vec<u8> = (0..32 * 32 * 3).map(|_| noise()).collect();
    let mut strip = std::io::Cursor::new(Vec::new());
    let options = crate::SaveOptions::new().compression(crate::Compression::Lzw);
    let picture = crate::picture::Pixels {
        width: 32,
        height: 32,
        layout: Layout::Rgb8,
        data: &pixels,
    };
    codec::encode(
        Format::Tiff,
        codec::EncodeRequest::new(picture, &options),
        &mut strip,
    )
    .unwrap();
    strip.set_position(0);
    let mut strip = tiff::decoder::Decoder::new(strip).unwrap();
    let [at, length] = [
        tiff::tags::Tag::StripOffsets,
        tiff::tags::Tag::StripByteCounts,
    ]
    .map(|tag| {
        let places = strip.get_tag_u64_vec(tag).unwrap();
        assert_eq!(places.len(), 1);
        places[0] as usize
    });
    let tile = &strip.inner().get_ref()[at..at + length];
    let tags: [(u16, &[u16]); 7] = [
        (BITS, &[8; 3]),
        (COMPRESSION, &[5]),
        (PHOTOMETRIC, &[2]),
        (SAMPLES, &[3]),
        (317, &[2]),
        (TILE[0], &[32]),
        (TILE[1], &[32]),
    ];
    for size in [[64, 32], [45, 32], [45, 19]] {
        let file = file(true, size, &tags, &[tile, tile]);
        let found = load(&file).unwrap().1;
        let width = usize::from(size[0]);
        let expected = |i: usize| &pixels[(i / width * 32 + i % width % 32) * 3..][..3];
        for (i, pixel) in found.as_chunks::<3>().0.iter().enumerate() {
            assert_eq!(pixel, expected(i), "{i} of {size:?}");
        }
        let mut tolerant = vec![0; found.len()];
        let decoder = read::open(&file, &Limits::default()).unwrap();
        decoder.read_into(&mut tolerant).unwrap();
        assert!(tolerant == found, "{size:?}");
    }
}

/// As many writers have it where nothing is to be seen.
#[test]
fn tiles_that_are_all_the_same_one() {
    let tags: [(u16, &[u16]); 4] = [
        (BITS, &[8]),
        (PHOTOMETRIC, &[1]),
        (TILE[0], &[16]),
        (TILE[1], &[16]),
    ];
    let tile = [7; 256];
    for order in [[1], [2]] {
        let tags = [&tags[..], &[(FILL_ORDER, &order)]].concat();
        let whole = file(true, [160, 160], &tags, &[&tile[..]; 100]);
        let shared = shared(&file(true, [160, 160], &tags, &[&tile[..]]));
        assert_eq!(load(&shared).unwrap(), load(&whole).unwrap());
    }
}

/// A file of one tile, with that in all of a hundred places.
fn shared(file: &[u8]) -> Vec<u8> {
    let mut shared = file.to_vec();
    // The lists of the whole file, with the first tile's place in all.
    let at = shared.len() as u32;
    let lists = [8_u32, 256].map(|value| value.to_le_bytes().repeat(100));
    for (tag, at) in [(324_u16, at), (325, at + 400)] {
        let entry = [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0]].concat();
        let found = shared.windows(8).position(|bytes| bytes == entry).unwrap();
        shared[found + 4..][..8].copy_from_slice(bytemuck::cast_slice(&[100, at]));
    }
    shared.extend(lists.concat());
    shared
}

/// The specification allows multiples of 16, and libtiff reads all. Rows of the tiles then end within bytes.
#[test]
fn tiles_of_any_width() {
    let (width, height, tile_height) = (23_usize, 9_usize, 4_usize);
    for (bits, samples, planar) in [
        (1, 1, 1),
        (2, 1, 1),
        (4, 3, 1),
        (1, 3, 2),
        (5, 3, 1),
        (12, 1, 1),
    ] {
        for tile_width in [1, 3, 5, 7, 8, 10, 16, 23, 24, 31] {
            let code = |x: usize, y: usize, channel: usize| {
                (x * 5 + y * 3 + x * y + channel) % (1 << bits)
            };
            let across = width.div_ceil(tile_width);
            // The third tile is left out.
            let is_left_out = |tile: usize| tile == 2;
            let mut tiles = Vec::new();
            for plane in 0..if planar == 2 { samples } else { 1 } {
                for tile in 0..across * height.div_ceil(tile_height) {
                    let mut packed = Vec::new();
                    for y in 0..tile_height {
                        let row = (0..tile_width).flat_map(|x| {
                            let (x, y) = (
                                tile % across * tile_width + x,
                                tile / across * tile_height + y,
                            );
                            let channels = if planar == 2 {
                                plane..plane + 1
                            } else {
                                0..samples
                            };
                            channels.map(move |channel| code(x, y, channel))
                        });
                        let bits = row.flat_map(|code| {
                            (0..bits).rev().map(move |bit| (code >> bit & 1) as u8)
                        });
                        let bits: Vec<u8> = bits.collect();
                        packed.extend(bits.chunks(8).map(|byte| {
                            byte.iter()
                                .enumerate()
                                .fold(0, |all, (i, bit)| all | bit << (7 - i))
                        }));
                    }
                    tiles.push(if is_left_out(tiles.len()) {
                        Vec::new()
                    } else {
                        packed
                    });
                }
            }
            let tiles: Vec<&[u8]> = tiles.iter().map(Vec::as_slice).collect();
            let tags: [(u16, &[u16]); 6] = [
                (BITS, &[bits as u16; 3][..samples]),
                (PHOTOMETRIC, &[if samples == 3 { 2 } else { 1 }]),
                (SAMPLES, &[samples as u16]),
                (PLANAR, &[planar]),
                (TILE[0], &[tile_width as u16]),
                (TILE[1], &[tile_height as u16]),
            ];
            let what =
                format!("{bits} bits, {samples} samples, planar {planar}, {tile_width} wide");
            let file = file(true, [width as u16, height as u16], &tags, &tiles);
            let options = crate::LoadOptions::new();
            let device = crate::Device::cpu();
            let whole = options
                .decode(&device, &file)
                .expect(&what)
                .download()
                .unwrap();
            for (i, pixel) in whole.chunks_exact(4).enumerate() {
                let (x, y) = (i % width, i / width);
                for (channel, found) in pixel.iter().enumerate().take(samples) {
                    let plane = if planar == 2 { channel } else { 0 };
                    let tile = plane * across * height.div_ceil(tile_height)
                        + y / tile_height * across
                        + x / tile_width;
                    let code = if is_left_out(tile) {
                        0
                    } else {
                        code(x, y, channel)
                    };
                    let expected = code as f32 / ((1 << bits) - 1) as f32;
                    assert!((found - expected).abs() < 0.003, "{what}: {x}, {y}");
                }
            }
            let part = options
                .region(9, 3, 11, 5)
                .decode(&device, &file)
                .expect(&what);
            let rows = whole.chunks_exact(width * 4).skip(3).take(5);
            let expected: Vec<f32> = rows.flat_map(|row| row[9 * 4..20 * 4].to_vec()).collect();
            assert!(part.download().unwrap() == expected, "{what}: a region");
        }
    }
}
