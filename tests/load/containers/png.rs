//! PNG: checksums, and chunks that are missing, twice or of a wrong length.

use super::{Picture, load, refused, shows};
use crate::support::animations::{RGBA8, png_chunk, scanlines, zlib};
use imagecuda::{Device, LoadOptions, inspect_bytes};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        one_checksum_of_two_is_enough,
        what_stands_around_the_data_is_no_matter,
        data_come_in_any_pieces,
        palettes_are_whole_colours,
        transparency_is_masked,
        transparency_longer_than_the_palette_is_ignored,
    ])
}

pub(super) const SIZE: [u32; 2] = [5, 4];

pub(super) fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    png_chunk(&mut out, kind, data);
    out
}

/// One with a wrong checksum.
pub(super) fn wrong(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = chunk(kind, data);
    *out.last_mut().unwrap() ^= 1;
    out
}

pub(super) fn header(depth: u8, color: u8) -> Vec<u8> {
    let mut header = SIZE.map(u32::to_be_bytes).concat();
    header.extend([depth, color, 0, 0, 0]);
    chunk(b"IHDR", &header)
}

pub(super) fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n", &chunks.concat()[..]].concat()
}

pub(super) fn end() -> Vec<u8> {
    chunk(b"IEND", b"")
}

/// RGB, and the compressed lines.
pub(super) fn pixels() -> (Picture, Vec<u8>) {
    let rgb: Vec<u8> = (0..60).map(|i| i * 4 + 9).collect();
    let opaque = rgb.chunks(3).flat_map(|rgb| [rgb, &[255]].concat());
    let data = zlib(&scanlines(&rgb, SIZE[0], 3, RGBA8));
    ((SIZE[0], SIZE[1], opaque.collect()), data)
}

fn one_checksum_of_two_is_enough(device: &Device) {
    let (expected, data) = pixels();
    let rgb = |chunks: &[Vec<u8>]| file(&[&[header(8, 2)], chunks].concat());
    let (a, b) = data.split_at(20);
    let no_adler = &data[..data.len() - 4];
    let bad_adler = [no_adler, b"abcd"].concat();
    let mut bad = data.clone();
    bad[30] ^= 1;
    for (chunks, what) in [
        (vec![wrong(b"IDAT", &data), end()], "CRC"),
        (
            vec![wrong(b"IDAT", a), chunk(b"IDAT", b), end()],
            "first CRC",
        ),
        (
            vec![chunk(b"IDAT", a), wrong(b"IDAT", b), end()],
            "last CRC",
        ),
        (vec![chunk(b"IDAT", no_adler), end()], "no Adler-32"),
    ] {
        shows(device, &rgb(&chunks), &expected, what);
    }
    for (chunks, why) in [
        (vec![wrong(b"IDAT", &bad), end()], "checksums"),
        (vec![wrong(b"IDAT", &bad_adler), end()], "checksums"),
        (vec![wrong(b"IDAT", no_adler), end()], "checksums"),
        (vec![chunk(b"IDAT", &bad_adler), end()], ""),
        (vec![chunk(b"IDAT", &bad), end()], ""),
    ] {
        refused(device, &rgb(&chunks), why);
    }
    // Cut where all pixels are there.
    let whole = rgb(&[chunk(b"IDAT", &data)]);
    for missing in 0..=8 {
        let cut = &whole[..whole.len() - missing];
        shows(device, cut, &expected, &format!("{missing} bytes less"));
    }
    assert!(load(device, &whole[..whole.len() - 9]).is_err());

    let (head, rest) = (wrong(b"IHDR", &header(8, 2)[8..21]), chunk(b"IDAT", &data));
    refused(device, &file(&[head, rest, end()]), "checksum of IHDR");
}

fn what_stands_around_the_data_is_no_matter(device: &Device) {
    let (expected, data) = pixels();
    let data = chunk(b"IDAT", &data);
    for (before, after, what) in [
        (vec![], vec![end()], "nothing"),
        (vec![], vec![], "no end"),
        (vec![], vec![b"garbage! and more of it".to_vec()], "garbage"),
        (vec![], vec![vec![0; 50]], "zeros"),
        (vec![], vec![vec![0xff; 50]], "ones"),
        (vec![], vec![wrong(b"IEND", b"")], "CRC of the end"),
        (
            vec![],
            vec![end(), b"IDAT and more".to_vec()],
            "what trails",
        ),
        (
            vec![],
            vec![chunk(b"ABCD", b"x")],
            "a critical chunk behind",
        ),
        (vec![wrong(b"tEXt", b"a\0b")], vec![], "CRC of text"),
        (vec![wrong(b"gAMA", &[0; 4])], vec![], "CRC of gamma"),
        (
            vec![wrong(b"tRNS", &[0, 9, 0, 13, 0, 17])],
            vec![],
            "CRC of transparency",
        ),
        (
            vec![chunk(b"tRNS", &[0])],
            vec![],
            "transparency of one byte",
        ),
        (
            vec![chunk(b"gAMA", b"abc"), chunk(b"pHYs", b"a")],
            vec![],
            "lengths",
        ),
        (
            vec![chunk(b"iCCP", b"abcdefg")],
            vec![],
            "a profile that is none",
        ),
        (vec![chunk(b"PLTE", &[1; 4])], vec![], "a palette of RGB"),
        (vec![wrong(b"PLTE", &[1; 3])], vec![], "CRC of that"),
        (vec![header(8, 2)], vec![], "the same header twice"),
    ] {
        let chunks = [vec![header(8, 2)], before, vec![data.clone()], after].concat();
        shows(device, &file(&chunks), &expected, what);
    }
    let first = [chunk(b"tEXt", b"a\0b"), header(8, 2), data.clone()];
    shows(
        device,
        &file(&first),
        &expected,
        "text in front of the header",
    );
    refused(
        device,
        &file(&[chunk(b"CgBI", b"1234"), header(8, 2), data.clone()]),
        "CgBI",
    );
    refused(
        device,
        &file(&[header(8, 2), header(8, 6), data.clone()]),
        "two IHDR",
    );
    refused(device, &file(&[header(8, 2), end()]), "cut short");
    refused(device, &file(&[data, header(8, 2)]), "no header");
}

fn data_come_in_any_pieces(device: &Device) {
    let (expected, data) = pixels();
    let bytes = data.iter().map(|&byte| chunk(b"IDAT", &[byte])).collect();
    let (a, b) = data.split_at(13);
    let [a, b, none] = [a, b, b""].map(|data| chunk(b"IDAT", data));
    let text = chunk(b"tEXt", b"a\0b");
    let more = [&data[..], b"behind the stream"].concat();
    let row = zlib(&[&data[7..data.len() - 4], &[0; 16]].concat());
    // The window that the first byte names: 256 bytes.
    let narrow = [&[0x08, 0x1d], &data[2..]].concat();
    for (chunks, what) in [
        (bytes, "bytes"),
        (
            vec![none.clone(), a.clone(), none.clone(), b.clone(), none],
            "empty ones",
        ),
        (vec![a, text, b], "text between"),
        (vec![chunk(b"IDAT", &more)], "more bytes"),
        (
            vec![chunk(b"IDAT", &data), chunk(b"IDAT", b"more")],
            "more chunks",
        ),
        (vec![chunk(b"IDAT", &row)], "more rows"),
        (vec![chunk(b"IDAT", &narrow)], "a narrow window"),
    ] {
        let chunks = [vec![header(8, 2)], chunks, vec![end()]].concat();
        shows(device, &file(&chunks), &expected, what);
    }
    let row = zlib(&data[7..data.len() - 4 - 16]);
    refused(
        device,
        &file(&[header(8, 2), chunk(b"IDAT", &row), end()]),
        "",
    );
}

fn palettes_are_whole_colours(device: &Device) {
    let indices: Vec<u8> = (0..20).map(|i| i % 2).collect();
    let data = chunk(b"IDAT", &zlib(&scanlines(&indices, SIZE[0], 1, RGBA8)));
    let colors = [10, 20, 30, 40, 50, 60];
    let shown = indices.iter().flat_map(|&i| {
        let color = &colors[usize::from(i) * 3..][..3];
        [color, &[255]].concat()
    });
    let expected = (SIZE[0], SIZE[1], shown.collect());
    let with = |chunks: &[Vec<u8>]| {
        let data = std::slice::from_ref(&data);
        file(&[&[header(8, 3)], chunks, data].concat())
    };
    let palette = chunk(b"PLTE", &colors);
    let one = std::slice::from_ref(&palette);
    shows(device, &with(one), &expected, "two colours");
    shows(
        device,
        &with(&[palette.clone(), palette.clone()]),
        &expected,
        "the same twice",
    );
    for length in [0, 1, 2, 4, 5, 7, 767, 769, 771] {
        let file = with(&[chunk(b"PLTE", &vec![9; length])]);
        refused(device, &file, &format!("a palette of {length} bytes"));
        // What is tolerated are pixels that are missing.
        let tolerant = LoadOptions::new().allow_truncated(true);
        assert!(tolerant.decode(device, &file).is_err());
        assert!(inspect_bytes(&file).is_err());
        // An icon of it.
        let place = [&b"\0\0\x01\0\x01\0\x05\x04\0\0\x01\0\x20\0"[..]];
        let length = (file.len() as u32).to_le_bytes();
        let icon = [place.concat(), length.to_vec(), vec![22, 0, 0, 0], file].concat();
        assert!(load(device, &icon).is_err());
    }
    refused(device, &with(&[]), "no palette");
    refused(
        device,
        &with(&[wrong(b"PLTE", &colors)]),
        "checksum of PLTE",
    );
    refused(
        device,
        &with(&[palette, chunk(b"PLTE", &[1; 6])]),
        "two PLTE",
    );
}

/// Of the bits of tRNS those count that samples have.
fn transparency_is_masked(device: &Device) {
    for depth in [1_u32, 2, 4, 8, 16] {
        let row = (5 * depth).div_ceil(8) as usize;
        let lines: Vec<u8> = (0..4)
            .flat_map(|y| [vec![0], vec![0x1b * y; row]].concat())
            .collect();
        let data = chunk(b"IDAT", &zlib(&lines));
        let with = |value: u16, more: &[u8]| {
            let value = [&value.to_be_bytes(), more].concat();
            file(&[header(depth as u8, 0), chunk(b"tRNS", &value), data.clone()])
        };
        let value: u16 = if depth == 16 {
            0x1b1b
        } else {
            0x1b & ((1 << depth) - 1)
        };
        let expected = load(device, &with(value, b"")).unwrap();
        let clear = expected
            .2
            .iter()
            .skip(3)
            .step_by(4)
            .filter(|&&alpha| alpha == 0)
            .count();
        assert!((1..20).contains(&clear), "{depth}: {clear}");
        shows(device, &with(value, b"more"), &expected, "a longer chunk");
        if depth < 16 {
            let high = value | u16::MAX << depth;
            shows(
                device,
                &with(high, b""),
                &expected,
                &format!("{depth} bits"),
            );
        }
    }
    let (mut expected, data) = pixels();
    expected.2[3] = 0;
    let file = |high| {
        let color = [high, 9, high, 13, high, 17];
        file(&[header(8, 2), chunk(b"tRNS", &color), chunk(b"IDAT", &data)])
    };
    shows(device, &file(0), &expected, "RGB");
    shows(device, &file(0xab), &expected, "RGB with more bits");
}

/// As in libpng. The `png` crate ignores more than 256 values too, but then makes pixels without alpha.
fn transparency_longer_than_the_palette_is_ignored(device: &Device) {
    for depth in [1_u8, 2, 4, 8] {
        let row = (5 * usize::from(depth)).div_ceil(8);
        let lines: Vec<u8> = (0..4)
            .flat_map(|y| [vec![0], vec![y * 0x1b; row]].concat())
            .collect();
        let colors: Vec<u8> = (0..1 << depth.min(3))
            .flat_map(|i| [i * 9, 200 - i, i + 40])
            .collect();
        let with = |values: &[u8]| {
            let transparency = (!values.is_empty()).then(|| chunk(b"tRNS", values));
            let palette = [header(depth, 3), chunk(b"PLTE", &colors)];
            let data = [chunk(b"IDAT", &zlib(&lines)), end()];
            file(
                &palette
                    .into_iter()
                    .chain(transparency)
                    .chain(data)
                    .collect::<Vec<_>>(),
            )
        };
        let opaque = load(device, &with(&[])).unwrap();
        let count = colors.len() / 3;
        assert_ne!(load(device, &with(&vec![7; count])).unwrap(), opaque);
        for values in [count + 1, 256, 257, 300, 5000] {
            let values = vec![7; values];
            shows(
                device,
                &with(&values),
                &opaque,
                &format!("{depth} bits, {} values", values.len()),
            );
        }
    }
}
