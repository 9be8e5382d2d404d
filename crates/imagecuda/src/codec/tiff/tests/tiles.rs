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
