//! JPEG: giants, and many scans, segments and intervals.

use super::{Bomb, Fate, bomb};

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap();
    [&[0xff, marker][..], &length.to_be_bytes(), data].concat()
}

/// A frame header of gray or of three components, none of which is reduced.
fn frame(marker: u8, width: u16, height: u16, components: u8) -> Vec<u8> {
    let mut data = vec![8];
    data.extend(height.to_be_bytes());
    data.extend(width.to_be_bytes());
    data.push(components);
    (1..=components).for_each(|id| data.extend([id, 0x11, 0]));
    segment(marker, &data)
}

/// A table of one code, of one bit: 0.
fn code(class: u8, symbol: u8) -> Vec<u8> {
    let mut data = vec![class << 4];
    data.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, symbol]);
    segment(0xc4, &data)
}

/// What is in front of the frame: quantizers, a code for DC that stays as it is, and one for the
/// end of a block, or of as many blocks as can be.
fn tables(run: u8) -> Vec<u8> {
    let quantizers = [&[0][..], &[1; 64]].concat();
    [
        &[0xff, 0xd8][..],
        &segment(0xdb, &quantizers),
        &code(0, 0),
        &code(1, run),
    ]
    .concat()
}

const END_OF_BLOCK: u8 = 0;
const END_OF_MANY: u8 = 0xe0;

fn scan(components: u8, [first, last, bits]: [u8; 3], data: &[u8]) -> Vec<u8> {
    let mut header = vec![components];
    (1..=components).for_each(|id| header.extend([id, 0]));
    header.extend([first, last, bits]);
    [segment(0xda, &header), data.to_vec()].concat()
}

/// Codes that end many blocks each, for so many.
fn runs(blocks: usize) -> Vec<u8> {
    // A bit of code, and 14 of the number past 2^14: of which the first is 0, as no byte is to be
    // 0xff.
    let each = (1 << 14) + (1 << 13) - 1;
    let mut bits = Vec::new();
    for _ in 0..blocks.div_ceil(each) {
        bits.extend([0, 0].into_iter().chain([1; 13]));
    }
    let pack = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit) << (8 - bits.len());
    let stuffed = |byte: u8| [byte, 0].into_iter().take(1 + usize::from(byte == 0xff));
    bits.chunks(8).map(pack).flat_map(stuffed).collect()
}

/// A file of many scans, each of all blocks of the first component in few bytes.
fn scans(width: u16, height: u16, components: u8, count: usize, refine: bool) -> Vec<u8> {
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    let dc = vec![0; (blocks * usize::from(components)).div_ceil(8)];
    let data = runs(blocks);
    let mut file = [tables(END_OF_MANY), frame(0xc2, width, height, components)].concat();
    file.extend(scan(components, [0, 0, 0], &dc));
    for i in 1..count {
        // One bit after the other, and from the start again.
        let low = 12 - (i % 13) as u8;
        let bits = match (refine, low) {
            (false, _) => 0,
            (true, 12) => 12,
            (true, low) => (low + 1) << 4 | low,
        };
        file.extend(scan(1, [1, 63, bits], &data));
    }
    [&file[..], &[0xff, 0xd9]].concat()
}

pub(super) fn baseline(width: u16, height: u16, components: u8, data: &[u8]) -> Vec<u8> {
    let head = [tables(END_OF_BLOCK), frame(0xc0, width, height, components)].concat();
    [head, scan(components, [0, 63, 0], data), vec![0xff, 0xd9]].concat()
}

/// A picture of 64 × 64, with so many segments in front of it.
fn with(segments: &[u8]) -> Vec<u8> {
    let file = baseline(64, 64, 1, &[0; 16]);
    [&file[..2], segments, &file[2..]].concat()
}

/// A picture of 2048 × 2048, and so many blocks with a marker between each two.
fn restarting(blocks: usize) -> Vec<u8> {
    let mut data: Vec<u8> = (0..blocks)
        .flat_map(|i| [0, 0xff, 0xd0 + (i % 8) as u8])
        .collect();
    data.truncate(data.len() - 2);
    [
        tables(END_OF_BLOCK),
        segment(0xdd, &[0, 1]),
        frame(0xc0, 2048, 2048, 1),
        scan(1, [0, 63, 0], &data),
        vec![0xff, 0xd9],
    ]
    .concat()
}

/// A file without loss, whose samples are as they are predicted.
fn lossless(width: u16, height: u16, data: &[u8]) -> Vec<u8> {
    let head = [tables(END_OF_BLOCK), frame(0xc3, width, height, 3)].concat();
    [head, scan(3, [1, 0, 0], data), vec![0xff, 0xd9]].concat()
}

/// Arithmetic codes that come to no data: zeros, and then bit after bit of them, again and again.
fn without_data(side: u16, count: usize) -> Vec<u8> {
    let mut file = [tables(END_OF_BLOCK), frame(0xca, side, side, 1)].concat();
    file.extend(scan(1, [0, 0, 1], &[]));
    file.extend(scan(1, [0, 0, 0x10], &[]).repeat(count));
    [&file[..], &[0xff, 0xd9]].concat()
}

pub(super) fn all() -> Vec<Bomb> {
    let small = Fate::Picture(64, 64);
    let mut all = vec![
        bomb(
            "giant",
            "65,500² pixels",
            "jpg",
            baseline(65_500, 65_500, 3, &[0; 9]),
            Fate::TooLarge,
        ),
        bomb(
            "giant, progressive",
            "65,500² pixels, 1,000 scans",
            "jpg",
            [
                tables(END_OF_MANY),
                frame(0xc2, 65_500, 65_500, 3),
                scan(1, [1, 63, 0], &[0; 9]).repeat(1000),
            ]
            .concat(),
            Fate::TooLarge,
        ),
        bomb(
            "giant, lossless",
            "65,500² pixels",
            "jpg",
            lossless(65_500, 65_500, &[0; 9]),
            Fate::TooLarge,
        ),
        bomb(
            "giant by DNL",
            "65,500² pixels",
            "jpg",
            {
                let mut file = baseline(65_500, 0, 3, &[0; 9]);
                let end = file.len() - 2;
                file.splice(end..end, segment(0xdc, &65_500_u16.to_be_bytes()));
                file
            },
            Fate::TooLarge,
        ),
        bomb(
            "lossless, cut short at the limit",
            "16,384² pixels",
            "jpg",
            lossless(16_384, 16_384, &[0; 999]),
            Fate::NoMemory,
        ),
        bomb(
            "arithmetic scans without data",
            "2,048² pixels, 50 scans",
            "jpg",
            without_data(2048, 49),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "cut short at the limit",
            "16,384² pixels",
            "jpg",
            baseline(16_384, 16_384, 3, &[0; 999]),
            Fate::NoMemory,
        ),
        bomb(
            "all one gray",
            "2,048² pixels",
            "jpg",
            baseline(2048, 2048, 3, &[0; 65_536 * 6 / 8]),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "scans of many blocks",
            "2,048² pixels, 1,000 scans",
            "jpg",
            scans(2048, 2048, 1, 1000, false),
            Fate::Refused,
        ),
        bomb(
            "scans that refine",
            "2,048² pixels, 1,000 scans",
            "jpg",
            scans(2048, 2048, 1, 1000, true),
            Fate::Refused,
        ),
        bomb(
            "scans of few blocks",
            "64² pixels, 1,001 scans",
            "jpg",
            scans(64, 64, 1, 1001, false),
            Fate::Refused,
        ),
        bomb(
            "scans of nothing",
            "2,048² pixels, 1,000,000 scans",
            "jpg",
            {
                let file = scans(2048, 2048, 1, 2, false);
                [
                    file[..file.len() - 2].to_vec(),
                    scan(1, [1, 63, 0], &[]).repeat(1_000_000),
                ]
                .concat()
            },
            Fate::Refused,
        ),
        bomb(
            "scans before a long end",
            "1,000 scans in 40 MB",
            "jpg",
            {
                let file = scans(64, 64, 1, 999, false);
                [
                    &file[..file.len() - 2],
                    &scan(1, [1, 63, 0], &vec![0; 40_000_000])[..],
                    &[0xff, 0xd9],
                ]
                .concat()
            },
            Fate::Anything,
        ),
        bomb(
            "APP segments",
            "2,000,000 of them",
            "jpg",
            with(&segment(0xe5, &[]).repeat(2_000_000)),
            small,
        ),
        bomb(
            "comments",
            "300 of 64 kB",
            "jpg",
            with(&segment(0xfe, &[0; 65_000]).repeat(300)),
            small,
        ),
        bomb(
            "profiles",
            "1,000,000 pieces",
            "jpg",
            with(&segment(0xe2, b"ICC_PROFILE\0\x01\x01").repeat(1_000_000)),
            small,
        ),
        bomb(
            "a profile",
            "255 pieces, 17 MB",
            "jpg",
            {
                let piece =
                    |number: u8| [b"ICC_PROFILE\0", &[number, 255][..], &[0; 65_500]].concat();
                with(
                    &(1..=255)
                        .flat_map(|number| segment(0xe2, &piece(number)))
                        .collect::<Vec<_>>(),
                )
            },
            small,
        ),
        bomb(
            "EXIF",
            "1,000 directories of 65,535 tags",
            "jpg",
            {
                let exif = [&b"Exif\0\0II*\0\x08\0\0\0\xff\xff"[..], &[0x12; 65_000]].concat();
                with(&segment(0xe1, &exif).repeat(1000))
            },
            small,
        ),
        bomb(
            "tables of codes",
            "500,000 of them",
            "jpg",
            with(&code(1, 0).repeat(500_000)),
            small,
        ),
        bomb(
            "tables of quantizers",
            "100,000 of them",
            "jpg",
            with(&segment(0xdb, &[1; 65]).repeat(100_000)),
            small,
        ),
        bomb(
            "intervals defined",
            "2,000,000 times",
            "jpg",
            with(&segment(0xdd, &[0, 0]).repeat(2_000_000)),
            small,
        ),
        bomb(
            "fill bytes",
            "20,000,000 of them",
            "jpg",
            with(&vec![0xff; 20_000_000]),
            small,
        ),
        bomb(
            "restarts",
            "2,000,000 markers",
            "jpg",
            restarting(2_000_001),
            Fate::Anything,
        ),
        bomb(
            "restarts at each block",
            "4,194,304 pixels, 65,535 markers",
            "jpg",
            restarting(65_536),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "restarts beyond the picture",
            "20,000,000 markers",
            "jpg",
            {
                let intervals: Vec<u8> = (0..64).flat_map(|i| [0, 0xff, 0xd0 + i % 8]).collect();
                let data = [intervals, [0xff, 0xd0].repeat(20_000_000)].concat();
                let file = baseline(64, 64, 1, &data);
                [&file[..2], &segment(0xdd, &[0, 1]), &file[2..]].concat()
            },
            small,
        ),
        bomb(
            "restarts without an interval",
            "20,000,000 markers",
            "jpg",
            baseline(
                64,
                64,
                1,
                &[vec![0; 16], [0xff, 0xd0].repeat(20_000_000)].concat(),
            ),
            small,
        ),
    ];
    all.push(Bomb {
        size: 3 << 30,
        ..bomb(
            "a hole behind it",
            "3 GiB of file",
            "jpg",
            baseline(64, 64, 1, &[0; 16]),
            Fate::TooLarge,
        )
    });
    all
}
