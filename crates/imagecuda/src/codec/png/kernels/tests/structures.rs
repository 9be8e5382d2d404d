//! Every kind of picture, and every structure that deflate allows.

use super::{
    check,
    deflate::{self, Symbol, Writer, flat_code, symbols},
    files::{File, Random},
};
use flate2::FlushCompress;

/// Colours and their depths.
const KINDS: [(u8, &[u8]); 5] = [
    (0, &[1, 2, 4, 8, 16]),
    (2, &[8, 16]),
    (3, &[1, 2, 4, 8]),
    (4, &[8, 16]),
    (6, &[8, 16]),
];

#[test]
fn photographs_of_every_level() {
    let file = File::photo(&mut Random(1), (700, 300), 2, 8);
    for level in [1, 6, 9] {
        let data = deflate::zlib(level, &file.rows);
        check(&format!("level {level}"), &file.with(&data, 8192));
    }
}

#[test]
fn every_color_and_depth_with_and_without_transparency() {
    let random = &mut Random(2);
    for (color, depths) in KINDS {
        for &depth in depths {
            for transparent in [false, true] {
                let size = (1 + random.below(300) as u32, 1 + random.below(90) as u32);
                let mut file = File::photo(random, size, color, depth);
                if transparent {
                    let key: Vec<u8> = match color {
                        // More than the sample has bits: the rest does not count.
                        0 => vec![u8::from(depth < 16), 1],
                        2 => vec![0, 3, 0, 3, 0, 3],
                        3 => (0..1 << depth.min(4))
                            .map(|i: u32| (i * 40) as u8)
                            .collect(),
                        _ => continue,
                    };
                    file.others.push((*b"tRNS", key));
                }
                let data = deflate::zlib(1 + random.below(9) as u32, &file.rows);
                let piece = [1, 7, 100, 1 << 20][random.below(4)];
                let what = format!("color {color}, depth {depth}, {size:?}, {transparent}");
                check(&what, &file.with(&data, piece));
            }
        }
    }
}

#[test]
fn small_and_narrow_pictures() {
    let random = &mut Random(4);
    for size in [
        (1, 1),
        (1, 70),
        (70, 1),
        (2, 9),
        (5, 33),
        (17, 65),
        (4099, 3),
        (3, 2500),
    ] {
        for (color, depth) in [(0, 1), (2, 8), (6, 16), (3, 2)] {
            let file = File::photo(random, size, color, depth);
            let data = deflate::zlib(6, &file.rows);
            check(&format!("{size:?} {color} {depth}"), &file.with(&data, 50));
        }
    }
}

#[test]
fn every_filter_in_runs() {
    let random = &mut Random(5);
    for filter in 0..5 {
        let mut file = File::photo(random, (301, 200), 6, 8);
        let row = File::row_bytes(301, 6, 8) + 1;
        for (y, row) in file.rows.chunks_mut(row).enumerate() {
            row[0] = if y % 67 == 40 { 0 } else { filter };
        }
        let data = deflate::zlib(6, &file.rows);
        check(&format!("filter {filter}"), &file.with(&data, 8192));
    }
}

#[test]
fn flushes() {
    let file = File::photo(&mut Random(6), (500, 200), 2, 8);
    for flush in [
        FlushCompress::Sync,
        FlushCompress::Full,
        FlushCompress::Partial,
    ] {
        for distance in [700, 40_000] {
            let data = deflate::with_flushes(6, &file.rows, distance, flush);
            check(&format!("{flush:?} {distance}"), &file.with(&data, 8192));
        }
    }
}

#[test]
fn stored_blocks_alone() {
    let file = File::photo(&mut Random(7), (400, 300), 2, 8);
    for size in [100, 65_535] {
        let mut writer = Writer::new();
        let count = file.rows.len().div_ceil(size);
        for (i, bytes) in file.rows.chunks(size).enumerate() {
            writer.stored(bytes, i + 1 == count);
        }
        check(
            &format!("{size}"),
            &file.with(&writer.finish(&file.rows), 5000),
        );
    }
}

/// Rows of any bytes, under filters that exist.
fn rows_of(bytes: &[u8], width: u32) -> File {
    let row = 3 * width as usize;
    let count = bytes.len() / row;
    let rows = bytes
        .chunks_exact(row)
        .flat_map(|bytes| [&[0], bytes].concat());
    File::of((width, count as u32), 2, 8, rows.collect())
}

#[test]
fn headers_inside_of_stored_blocks() {
    let photo = File::photo(&mut Random(8), (600, 400), 2, 8);
    let inner = deflate::with_flushes(6, &photo.rows, 5000, FlushCompress::Full);
    let file = rows_of(&inner, 3000);
    let mut writer = Writer::new();
    let count = file.rows.len().div_ceil(30_000);
    for (i, bytes) in file.rows.chunks(30_000).enumerate() {
        writer.stored(bytes, i + 1 == count);
    }
    check("stored", &file.with(&writer.finish(&file.rows), 1 << 20));
    // Stored blocks between others.
    check(
        "level 1",
        &file.with(&deflate::zlib(1, &file.rows), 1 << 20),
    );
}

#[test]
fn four_hundred_headers_that_begin_no_block() {
    let photo = File::photo(&mut Random(13), (600, 400), 2, 8);
    let inner = deflate::with_flushes(6, &photo.rows, 1500, FlushCompress::Full);
    let blocks = inner.windows(4).filter(|four| *four == [0, 0, 255, 255]);
    assert!(blocks.count() > 400);
    let file = rows_of(&inner, 1000);
    let mut writer = Writer::new();
    let parts: Vec<_> = file.rows.chunks(60_000).collect();
    for (i, bytes) in parts.iter().enumerate() {
        writer.stored(bytes, i + 1 == parts.len());
    }
    check("stored", &file.with(&writer.finish(&file.rows), 1 << 20));
}

/// Writes bytes as blocks of all kinds in any order.
fn mixed(random: &mut Random, bytes: &[u8], kinds: usize) -> Vec<u8> {
    let mut writer = Writer::new();
    let mut at = 0;
    let all = symbols(bytes, 1 << (8 + random.below(8)));
    let mut left = &all[..];
    while at < bytes.len() {
        let (here, rest) = left.split_at(left.len().min(1 + random.below(9000)));
        let length = |symbol: &Symbol| match *symbol {
            Symbol::Literal(_) => 1,
            Symbol::Match(length, _) => length as usize,
        };
        let count: usize = here.iter().map(length).sum();
        let is_last = rest.is_empty();
        match random.below(kinds) {
            0 => {
                writer.dynamic(here, &flat_code(286), &flat_code(30), is_last);
            }
            1 => writer.fixed(here, is_last),
            2 => {
                let parts: Vec<_> = bytes[at..at + count].chunks(65_535).collect();
                for (i, part) in parts.iter().enumerate() {
                    writer.stored(part, is_last && i + 1 == parts.len());
                }
            }
            _ => {
                for _ in 0..random.below(4) {
                    writer.stored(&[], false);
                }
                let lengths = skewed_code();
                writer.dynamic(here, &lengths, &flat_code(30), is_last);
            }
        }
        left = rest;
        at += count;
    }
    writer.finish(bytes)
}

/// Codes of all lengths up to 15, of which 286 are complete.
fn skewed_code() -> Vec<u32> {
    // One each of 2 to 6 bits take all but 2^-1 + 2^-6; 2^-1 is split to 256 of 9 bits, and the
    // rest, 2^-6, to one each of 7 to 14 bits and two of 15.
    let mut lengths: Vec<u32> = (2..7).collect();
    lengths.extend([9; 256]);
    lengths.extend(7..15);
    lengths.extend([15; 2]);
    // 271 codes. Fifteen codes of 9 bits become two of 10.
    for length in lengths.iter_mut().filter(|length| **length == 9).take(15) {
        *length = 10;
    }
    lengths.extend([10; 15]);
    assert_eq!(lengths.len(), 286);
    lengths.rotate_left(40);
    lengths
}

#[test]
fn blocks_of_all_kinds_in_any_order() {
    let random = &mut Random(9);
    for kinds in [1, 2, 3, 4, 4, 4] {
        let size = (200 + random.below(400) as u32, 150);
        let file = File::photo(random, size, 2, 8);
        let data = mixed(random, &file.rows, kinds);
        check(&format!("{kinds} kinds"), &file.with(&data, 3000));
    }
}

#[test]
fn fixed_blocks_alone() {
    let file = File::photo(&mut Random(10), (500, 300), 2, 8);
    let all = symbols(&file.rows, 32_768);
    for count in [1, 2, 40] {
        let mut writer = Writer::new();
        let size = all.len().div_ceil(count);
        for (i, part) in all.chunks(size).enumerate() {
            writer.fixed(part, i + 1 == count);
        }
        check(
            &format!("{count}"),
            &file.with(&writer.finish(&file.rows), 8192),
        );
    }
}

#[test]
fn one_block_of_everything() {
    let file = File::photo(&mut Random(11), (900, 700), 2, 8);
    let mut writer = Writer::new();
    let all = symbols(&file.rows, 32_768);
    writer.dynamic(&all, &skewed_code(), &flat_code(30), true);
    check("one block", &file.with(&writer.finish(&file.rows), 1 << 20));
}

#[test]
fn flat_pictures() {
    for filter in [0, 1, 2, 4] {
        let row = [&[filter][..], &[0; 3000]].concat();
        let file = File::of((1000, 900), 2, 8, row.repeat(900));
        for level in [1, 9] {
            let data = deflate::zlib(level, &file.rows);
            check(
                &format!("filter {filter}, level {level}"),
                &file.with(&data, 8192),
            );
        }
    }
}

#[test]
fn a_picture_that_is_one_run() {
    let rows = vec![0; 1001 * 700];
    let mut all = vec![Symbol::Literal(0)];
    let mut left = rows.len() as u32 - 1;
    while left > 0 {
        let length = match left {
            259..=260 => 130,
            _ => left.min(258),
        };
        all.push(Symbol::Match(length, 1));
        left -= length;
    }
    let file = File::of((1000, 700), 0, 8, rows);
    // Codes of one bit for the length and the distance: nothing falls into step.
    let mut literals = vec![0; 286];
    (literals[285], literals[0], literals[256]) = (1, 2, 4);
    // The last matches are shorter.
    (literals[284], literals[277], literals[267]) = (4, 4, 4);
    let is_one = |symbol: &Symbol| matches!(symbol, Symbol::Literal(_) | Symbol::Match(258, _));
    let last = all
        .iter()
        .position(|symbol| !is_one(symbol))
        .unwrap_or(all.len());
    let mut writer = Writer::new();
    writer.dynamic(&all[..last], &literals, &[1], false);
    writer.fixed(&all[last..], true);
    check("one run", &file.with(&writer.finish(&file.rows), 1 << 20));
}

#[test]
fn a_chain_of_ninety_six_thousand_copies() {
    // Each match copies the one before it. The first byte of a row is always that of no filter.
    let rows = [0, 1, 2].repeat(97_000);
    let mut all: Vec<_> = rows[..3].iter().copied().map(Symbol::Literal).collect();
    all.resize(3 + rows.len() / 3 - 1, Symbol::Match(3, 3));
    assert!(all.len() > 96_000);
    let file = File::of((2999, 97), 0, 8, rows);
    let mut writer = Writer::new();
    writer.dynamic(&all, &flat_code(286), &flat_code(30), true);
    check("copies", &file.with(&writer.finish(&file.rows), 8192));
}

#[test]
fn noise() {
    let random = &mut Random(12);
    let bytes: Vec<u8> = (0..900_000).map(|_| random.next() as u8).collect();
    let file = rows_of(&bytes, 500);
    check("noise", &file.with(&deflate::zlib(6, &file.rows), 8192));
    let all: Vec<_> = file
        .rows
        .iter()
        .map(|&byte| Symbol::Literal(byte))
        .collect();
    let mut writer = Writer::new();
    for (i, part) in all.chunks(20_000).enumerate() {
        writer.dynamic(
            part,
            &skewed_code(),
            &[0],
            i + 1 == all.len().div_ceil(20_000),
        );
    }
    check("no distances", &file.with(&writer.finish(&file.rows), 8192));
}
