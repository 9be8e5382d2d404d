//! TIFF: giants, long lists of strips and tiles, what inflates, and directories in circles.

pub(super) mod files;

use self::files::{HEAD, behind, directory, one, pages, pieces, strip, tags};
use super::{Bomb, Fate, bomb, zeros};
use imagecuda::{Compression, Device, Format, Image, Layout, SaveOptions};

pub(super) fn all() -> Vec<Bomb> {
    const DEFLATE: u32 = 8;
    const PACK_BITS: u32 = 32_773;
    let most = i32::MAX as u32;
    let small = Fate::Picture(64, 64);
    let plain = [0; 64 * 64];
    let with = |more: &[(u16, u16, u32, u32)]| strip(64, 64, 1, &plain, more);
    let packed: Vec<u8> = [0x81, 0].repeat(2048 * 2048 / 128);
    let mut all = vec![
        bomb(
            "giant",
            "(2³² - 1)² pixels",
            "tif",
            strip(u32::MAX, u32::MAX, 1, &plain, &[]),
            Fate::TooLarge,
        ),
        bomb(
            "giant row",
            "(2³¹ - 1) × 1 pixels",
            "tif",
            strip(most, 1, DEFLATE, &zeros(999), &[]),
            Fate::TooLarge,
        ),
        bomb(
            "cut short at the limit",
            "16,384² pixels",
            "tif",
            strip(16_384, 16_384, DEFLATE, &zeros(999), &[]),
            Fate::NoMemory,
        ),
        bomb(
            "all black, Deflate",
            "2,048² pixels",
            "tif",
            strip(2048, 2048, DEFLATE, &zeros(2048 * 2048), &[]),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "all black, PackBits",
            "2,048² pixels",
            "tif",
            strip(2048, 2048, PACK_BITS, &packed, &[]),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "all black, LZW",
            "2,048² pixels",
            "tif",
            {
                let black = vec![0; 2048 * 2048];
                let cpu = Device::cpu();
                let image = Image::from_pixels(&cpu, 2048, 2048, Layout::L8, &black).unwrap();
                let options = SaveOptions::new().compression(Compression::Lzw);
                options.encode(&image, Format::Tiff).unwrap()
            },
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "a strip and more",
            "64² pixels, 1 GB inflated",
            "tif",
            strip(64, 64, DEFLATE, &zeros(1 << 30), &[]),
            small,
        ),
        bomb(
            "one strip many times",
            "2,048² pixels, 2,048 strips in one place",
            "tif",
            pieces(2048, 2048, None, 2048, DEFLATE, &zeros(2048)),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "strips and more",
            "2,048 strips of 64 MB inflated",
            "tif",
            pieces(2048, 2048, None, 2048, DEFLATE, &zeros(64 << 20)),
            Fate::Anything,
        ),
        bomb(
            "strips of one row",
            "1 × 1,000,000 pixels, as many strips",
            "tif",
            pieces(1, 1_000_000, None, 1_000_000, 1, &[7]),
            Fate::Anything,
        ),
        bomb(
            "tiles of one row",
            "16 × 262,144 pixels, 16,384 tiles",
            "tif",
            pieces(16, 262_144, Some(16), 16_384, DEFLATE, &zeros(256)),
            Fate::Picture(16, 262_144),
        ),
        bomb(
            "a giant tile",
            "64² pixels in a tile of (2³¹ - 16)²",
            "tif",
            pieces(64, 64, Some(most - 15), 1, DEFLATE, &zeros(9999)),
            Fate::Refused,
        ),
        bomb(
            "a large tile",
            "64² pixels in a tile of 8,176²",
            "tif",
            pieces(64, 64, Some(8176), 1, DEFLATE, &zeros(8176 * 8176)),
            Fate::Picture(64, 64),
        ),
        bomb(
            "strips of one row, not there",
            "1 × 4,194,304 pixels, as many strips",
            "tif",
            {
                let mut all = tags(1, 1 << 22, 1);
                all.extend([one(273, 8), one(278, 1), one(279, 1)]);
                [HEAD, &directory(&all, 0)].concat()
            },
            Fate::Refused,
        ),
        bomb(
            "tiles of a pixel",
            "4,096² pixels, as many tiles in one place",
            "tif",
            bytes_of_tiles(4096, 4096, true),
            Fate::Anything,
        ),
        bomb(
            "tiles of a pixel without lengths",
            "4,096² pixels, as many tiles in one place",
            "tif",
            bytes_of_tiles(4096, 4096, false),
            Fate::Anything,
        ),
        bomb(
            "tiles of a pixel, not there",
            "2,048² pixels, as many tiles",
            "tif",
            {
                let mut all = tags(2048, 2048, 1);
                all.extend([one(322, 1), one(323, 1), one(324, 8), one(325, 1)]);
                [HEAD, &directory(&all, 0)].concat()
            },
            Fate::Refused,
        ),
        bomb(
            "every second tile of a pixel",
            "2,048 × 1,024 pixels, as many tiles",
            "tif",
            every_second_tile(2048, 1024),
            Fate::Refused,
        ),
        bomb(
            "strips by their count",
            "2³² - 1, not there",
            "tif",
            {
                let mut all = tags(64, 64, 1);
                all.extend([(273, 4, u32::MAX, 8), one(278, 1), (279, 4, u32::MAX, 8)]);
                [HEAD, &directory(&all, 0)].concat()
            },
            Fate::Refused,
        ),
        bomb(
            "a profile by its length",
            "4 GB, not there",
            "tif",
            with(&[(34_675, 7, u32::MAX, 8)]),
            small,
        ),
        bomb(
            "samples by their count",
            "65,535 a pixel",
            "tif",
            {
                let mut file = with(&[]);
                // The tag for how many samples a pixel has.
                file[8 + 2 + 6 * 12 + 8..][..2].copy_from_slice(&[0xff; 2]);
                file
            },
            Fate::Refused,
        ),
        bomb(
            "tags",
            "65,535 of them",
            "tif",
            {
                let mut all: Vec<_> = tags(64, 64, 1);
                let at = behind(65_535);
                all.extend([one(273, at), one(278, 64), one(279, 4096)]);
                all.extend((40_000..u16::MAX).chain(1..=250).map(|tag| one(tag, 7)));
                all.extend((0..).map(|i| one(300 + i % 17, 7)).take(65_535 - all.len()));
                all.sort();
                [HEAD, &directory(&all, 0), &plain].concat()
            },
            Fate::Anything,
        ),
        bomb(
            "directories in a circle",
            "endless pages",
            "tif",
            pages(100, 8),
            Fate::Anything,
        ),
        bomb(
            "a directory that leads to itself",
            "endless pages",
            "tif",
            pages(1, 8),
            Fate::Anything,
        ),
        bomb(
            "pages",
            "100,000 of them",
            "tif",
            pages(100_000, 0),
            Fate::Picture(1, 1),
        ),
        bomb(
            "pages without tags",
            "2,000,000 of them",
            "tif",
            {
                let mut file = HEAD.to_vec();
                for page in 1..=2_000_000_u32 {
                    file.extend([0, 0]);
                    file.extend((8 + 6 * page).to_le_bytes());
                }
                file
            },
            Fate::Refused,
        ),
        bomb(
            "directories in themselves",
            "EXIF and GPS that are the file's own",
            "tif",
            with(&[one(34_665, 8), one(34_853, 8), one(330, 8), one(40_965, 8)]),
            small,
        ),
        bomb(
            "BigTIFF by its counts",
            "2⁶⁴ - 1 tags",
            "tif",
            {
                let mut file = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
                file.extend([0xff; 9999]);
                file
            },
            Fate::Refused,
        ),
        bomb(
            "strips over each other",
            "262,144 of 2 MB without a header of JPEG",
            "tif",
            {
                let data = [&[0xff, 0xd8], &vec![0; 2_000_000][..]].concat();
                pieces(1, 262_144, None, 262_144, 7, &data)
            },
            Fate::Refused,
        ),
        bomb(
            "empty strips over each other",
            "262,144 of 400,000 empty blocks of Deflate",
            "tif",
            {
                let blocks = [0, 0, 0, 0xff, 0xff].repeat(400_000);
                let data = [&[0x78, 0x01], &blocks[..]].concat();
                pieces(1, 262_144, None, 262_144, 8, &data)
            },
            Fate::Refused,
        ),
        bomb(
            "BigTIFF by its values",
            "tags of 2⁶³ bytes",
            "tif",
            {
                let mut file = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0".to_vec();
                for (tag, count, value) in [
                    (256, 1, 64),
                    (257, 1, 64),
                    (258, 1, 8),
                    (259, 1, 1),
                    (262, 1, 1),
                    (273, 1_u64 << 60, 16),
                    (279, 1_u64 << 60, 16),
                ] {
                    file.extend([tag as u16, 16].map(u16::to_le_bytes).concat());
                    file.extend([count, value].map(u64::to_le_bytes).concat());
                }
                file.extend([0; 99]);
                file
            },
            Fate::Refused,
        ),
        // Entries for as long as the file goes.
        bomb(
            "BigTIFF of many tags",
            "1,000,000 of them",
            "tif",
            {
                let mut file = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
                file.extend(1_000_000_u64.to_le_bytes());
                for i in 0..1_000_000_u32 {
                    file.extend(
                        [256 + (i % 60_000) as u16, 4]
                            .map(u16::to_le_bytes)
                            .concat(),
                    );
                    file.extend([1_u64, 64].map(u64::to_le_bytes).concat());
                }
                file.extend([0; 99]);
                file
            },
            Fate::Anything,
        ),
    ];
    const FAX: [u32; 3] = [2, 3, 4];
    all.extend(FAX.map(|compression| {
        // A bit a row of Group 4: all is as the row above.
        let data = vec![0xff; 2048];
        bomb(
            "a fax of a bit a row",
            "16,384² pixels of 2 KB",
            "tif",
            {
                let mut all = tags(16_384, 16_384, compression);
                all[2] = one(258, 1);
                let at = behind(all.len() + 3);
                all.extend([one(273, at), one(278, u32::MAX), one(279, 0)]);
                [HEAD, &directory(&all, 0), &data].concat()
            },
            Fate::Anything,
        )
    }));
    all.push(bomb(
        "xz by its dictionary",
        "64² pixels, 4 GB of what may be repeated",
        "tif",
        {
            // A stream without checks; a block of LZMA2 with the largest dictionary, no sum of which is right.
            let data = b"\xfd7zXZ\0\0\0\xff\x12\xd9\x41\x02\0\x21\x01\x28\0\0\0\0\0\0\0";
            strip(64, 64, 34_925, data, &[])
        },
        Fate::Refused,
    ));
    all.push(bomb(
        "old-style JPEG, larger than its page",
        "64² pixels, and 65,500² there",
        "tif",
        strip(
            64,
            64,
            6,
            &super::jpeg::baseline(65_500, 65_500, 1, &[0; 999]),
            &[],
        ),
        Fate::Refused,
    ));
    all.push(Bomb {
        size: 3 << 30,
        ..bomb(
            "a hole behind it",
            "3 GiB of file",
            "tif",
            with(&[]),
            Fate::TooLarge,
        )
    });
    all
}

/// Tiles of a pixel, all of which are byte 8 of the file. The lists of places and of lengths, if it has
/// those, are the same bytes.
fn bytes_of_tiles(width: u32, height: u32, has_lengths: bool) -> Vec<u8> {
    let (mut all, count) = (tags(width, height, 1), width * height);
    let at = behind(all.len() + 3 + usize::from(has_lengths));
    all.extend([one(322, 1), one(323, 1), (324, 1, count, at)]);
    if has_lengths {
        all.push((325, 1, count, at));
    }
    [HEAD, &directory(&all, 0), &vec![8; count as usize]].concat()
}

/// Tiles of a pixel, every second of which is beyond the end of the file.
fn every_second_tile(width: u32, height: u32) -> Vec<u8> {
    let (mut all, count) = (tags(width, height, 1), width * height);
    let at = behind(all.len() + 4);
    let lengths = at + 4 * count;
    all.extend([one(322, 1), one(323, 1)]);
    all.extend([(324, 4, count, at), (325, 1, count, lengths)]);
    let places = [8, u32::MAX].map(u32::to_le_bytes).concat();
    let places = places.repeat(count as usize / 2);
    [HEAD, &directory(&all, 0), &places, &vec![1; count as usize]].concat()
}
