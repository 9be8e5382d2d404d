use super::*;
use crate::{ErrorKind, codec, picture::Pixels};

/// An icon of one picture.
fn icon(side: u8, bits: u16, data: &[u8]) -> Vec<u8> {
    let [b0, b1] = bits.to_le_bytes();
    let list = [0, 0, 1, 0, 1, 0, side, side, 0, 0, 1, 0, b0, b1];
    let length = (data.len() as u32).to_le_bytes();
    [&list[..], &length, &22_u32.to_le_bytes(), data].concat()
}

/// A bitmap of 4x4 whose header says it is twice as high, or not.
fn bitmap(bits: u16, height: u32, pixels: &[u8], mask: &[u8]) -> Vec<u8> {
    let mut dib = [40, 4, height].map(u32::to_le_bytes).concat();
    dib.extend([1, bits].map(u16::to_le_bytes).concat());
    dib.resize(40, 0);
    [&dib[..], pixels, mask].concat()
}

fn load(file: &[u8]) -> Result<(Layout, Vec<u8>)> {
    let decoder = codec::open(Format::Ico, file, &Limits::default(), false)?;
    let header = decoder.header();
    let mut out = vec![0xa5; header.bytes()];
    decoder.read_into(&mut out)?;
    Ok((header.layout, out))
}

/// From the bottom up, as pixels are: the left pixel of the lowest row, and all of the highest.
const MASK: [u8; 16] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0, 0, 0];

fn is_masked(i: usize) -> bool {
    i < 4 || i == 12
}

/// Pixels from the bottom up with the alpha that is given for each from the top down.
fn pixels(alpha: impl Fn(usize) -> u8) -> Vec<u8> {
    let rows = (0..4).rev().flat_map(|y| (0..4).map(move |x| y * 4 + x));
    rows.flat_map(|i| [3, 2, i as u8, alpha(i)]).collect()
}

fn expected(alpha: impl Fn(usize) -> u8) -> Vec<u8> {
    (0..16).flat_map(|i| [i as u8, 2, 3, alpha(i)]).collect()
}

#[test]
fn a_mask_does_not_overrule_alpha() {
    let alpha = |i: usize| (i * 16) as u8;
    for mask in [&MASK[..], &[0xff; 16], &[0; 16], &[], &[0xff; 7]] {
        let file = icon(4, 32, &bitmap(32, 8, &pixels(alpha), mask));
        assert_eq!(load(&file).unwrap(), (Layout::Rgba8, expected(alpha)));
    }
}

/// As Windows and browsers have it.
#[test]
fn alpha_of_zeros_is_none() {
    let by_mask = |i| if is_masked(i) { 0 } else { 255 };
    let file = icon(4, 32, &bitmap(32, 8, &pixels(|_| 0), &MASK));
    assert_eq!(load(&file).unwrap().1, expected(by_mask));
    let file = icon(4, 32, &bitmap(32, 8, &pixels(|_| 0), &[]));
    assert_eq!(load(&file).unwrap().1, expected(|_| 255));
}

#[test]
fn a_mask_is_the_alpha_of_what_has_none() {
    let rgb: Vec<u8> = pixels(|_| 0)
        .as_chunks::<4>()
        .0
        .iter()
        .flat_map(|p| p[..3].to_vec())
        .collect();
    let by_mask = |i| if is_masked(i) { 0 } else { 255 };
    let file = icon(4, 24, &bitmap(24, 8, &rgb, &MASK));
    assert_eq!(load(&file).unwrap().1, expected(by_mask));
    let file = icon(4, 24, &bitmap(24, 8, &rgb, &[]));
    assert_eq!(load(&file).unwrap().1, expected(|_| 255));
    // One that ends early says nothing of the rows above; a file that ends early is damaged.
    let lowest = |i| if i == 12 { 0 } else { 255 };
    for length in [1, 5, 9] {
        let mut file = icon(4, 24, &bitmap(24, 8, &rgb, &MASK[..length]));
        assert_eq!(load(&file).unwrap().1, expected(lowest), "{length}");
        file[14] += 1;
        let error = load(&file).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
    // Rows that are not filled up.
    let packed: Vec<u8> = MASK.iter().step_by(4).copied().collect();
    let file = icon(4, 24, &bitmap(24, 8, &rgb, &packed));
    assert_eq!(load(&file).unwrap().1, expected(by_mask));

    // Of one bit, with a palette.
    let palette = [9, 8, 7, 0, 30, 20, 10, 0];
    let rows = [&palette[..], &[0x50, 0, 0, 0].repeat(4)].concat();
    let out = load(&icon(4, 1, &bitmap(1, 8, &rows, &MASK))).unwrap().1;
    for (i, pixel) in out.as_chunks::<4>().0.iter().enumerate() {
        let [r, g, b] = if i % 2 == 1 { [10, 20, 30] } else { [7, 8, 9] };
        assert_eq!(*pixel, [r, g, b, by_mask(i)], "{i}");
    }
}

/// The list may be wrong, and the header's height that of the pixels alone.
#[test]
fn the_bitmap_knows_its_size() {
    let alpha = |i: usize| (i * 16) as u8;
    for (side, height, mask) in [(4, 4, &[][..]), (4, 4, &MASK), (9, 8, &MASK), (0, 8, &MASK)] {
        let file = icon(side, 32, &bitmap(32, height, &pixels(alpha), mask));
        assert_eq!(load(&file).unwrap().1, expected(alpha), "{side}");
    }
    // The list may have the height of both, or no length.
    let mut file = icon(4, 32, &bitmap(32, 8, &pixels(alpha), &MASK));
    file[7] = 8;
    assert_eq!(load(&file).unwrap().1, expected(alpha));
    for length in [1, 39, 40 + 63] {
        file[14..18].copy_from_slice(&(length as u32).to_le_bytes());
        assert_eq!(load(&file).unwrap().1, expected(alpha), "{length}");
    }
    // Of the depth that the list gives nothing depends.
    let file = icon(4, 300, &bitmap(32, 8, &pixels(alpha), &MASK));
    assert_eq!(load(&file).unwrap().1, expected(alpha));
}

#[test]
fn the_best_of_several() {
    let small = bitmap(32, 8, &pixels(|_| 1), &MASK);
    let png = png(&[9, 8, 7]);
    let file = icons(&[(4, 8, &small), (1, 32, &png), (1, 24, &small)]);
    assert_eq!(load(&file).unwrap(), (Layout::Rgb8, vec![9, 8, 7]));
    for cut in 0..file.len() {
        drop(load(&file[..cut]));
    }
}

/// Some writers list no depth, or one that no picture has.
#[test]
fn a_depth_that_the_list_lacks_is_that_of_the_picture() {
    let small = bitmap(32, 8, &pixels(|_| 1), &MASK);
    let png = png(&[9, 8, 7]);
    let palette = [&[0; 8][..], &[0x50, 0, 0, 0].repeat(4)].concat();
    let flat = bitmap(1, 8, &palette, &MASK);
    let is_png = (Layout::Rgb8, vec![9, 8, 7]);
    let is_small = (Layout::Rgba8, expected(|_| 1));
    for lacking in [0, 300] {
        let file = icons(&[(9, lacking, &png), (4, 32, &small), (4, 8, &flat)]);
        assert_eq!(load(&file).unwrap(), is_png);
        let file = icons(&[(4, 32, &small), (9, lacking, &flat), (9, 24, &png)]);
        assert_eq!(load(&file).unwrap(), is_small);
        let file = icons(&[(4, lacking, &small), (9, 24, &png)]);
        assert_eq!(load(&file).unwrap(), is_small);
        // The header of a damaged picture says a depth that none has either.
        let mut damaged = flat.clone();
        damaged[14..16].fill(0xff);
        let file = icons(&[(4, lacking, &damaged), (9, 24, &png)]);
        assert_eq!(load(&file).unwrap(), is_png);
    }
}

/// An icon of several pictures, each with its side and the depth that the list says.
fn icons(entries: &[(u8, u16, &[u8])]) -> Vec<u8> {
    let mut list = vec![0, 0, 1, 0, entries.len() as u8, 0];
    let mut data = Vec::new();
    for (side, bits, picture) in entries {
        list.extend([*side, *side, 0, 0, 1, 0]);
        list.extend(bits.to_le_bytes());
        list.extend((picture.len() as u32).to_le_bytes());
        list.extend(((6 + 16 * entries.len() + data.len()) as u32).to_le_bytes());
        data.extend_from_slice(picture);
    }
    [list, data].concat()
}

fn png(data: &[u8]) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let pixels = Pixels {
        width: 1,
        height: 1,
        layout: Layout::Rgb8,
        data,
    };
    let options = crate::SaveOptions::new();
    codec::encode(Format::Png, EncodeRequest::new(pixels, &options), &mut file).unwrap();
    file.into_inner()
}

/// Whatever its colours and the list's size are.
#[test]
fn a_png_inside() {
    for side in [1, 48] {
        let file = icon(side, 32, &png(&[1, 2, 3]));
        assert_eq!(load(&file).unwrap(), (Layout::Rgb8, vec![1, 2, 3]));
    }
}
