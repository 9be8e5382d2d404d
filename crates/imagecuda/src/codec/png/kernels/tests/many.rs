//! Many files of every kind and structure, and many damages. How many is said by environment
//! variables: a few by default, `IMAGECUDA_TEST_PNGS` files in all, and `IMAGECUDA_TEST_PNG_DAMAGES`
//! for each of fifty.

use super::{
    agree, by_host, by_kernels,
    deflate::{self, Symbol, Writer, flat_code, symbols},
    files::{File, Random},
    gpu, gpu_agrees,
};
use flate2::{Compress, Compression, FlushCompress};
use imagecuda_kernels::png::decoder::work::status;
use std::{
    collections::HashSet,
    env,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use zune_png::zune_core::{bytestream::ZCursor, options::DecoderOptions, result::DecodingResult};

/// A number from the environment, or the default.
fn count(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |number| number.parse().expect(name))
}

/// Runs `each` for all numbers below `count`, on all cores.
fn on_all_cores(count: usize, each: impl Fn(usize) + Sync) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    on_threads(threads, count, each);
}

/// As [`on_all_cores`], on so many threads.
fn on_threads(threads: usize, count: usize, each: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    each(number);
                }
            });
        }
    });
}

/// Any of the numbers from `low` to `high`.
fn any(random: &mut Random, low: usize, high: usize) -> usize {
    low + random.below(high - low + 1)
}

/// A size: mostly small, seldom large, now and then very wide or high.
fn size(random: &mut Random, number: usize) -> (u32, u32) {
    if number % 2000 == 1999 {
        return (5000, 3000);
    }
    let (width, height) = match random.below(20) {
        0..12 => (64, 64),
        12..17 => (300, 200),
        17 => (900, 600),
        18 => (5000, 6),
        _ => (6, 3000),
    };
    (any(random, 1, width) as u32, any(random, 1, height) as u32)
}

/// The colour types and their depths.
const KINDS: [(u8, u8); 15] = [
    (0, 1),
    (0, 2),
    (0, 4),
    (0, 8),
    (0, 16),
    (2, 8),
    (2, 16),
    (3, 1),
    (3, 2),
    (3, 4),
    (3, 8),
    (4, 8),
    (4, 16),
    (6, 8),
    (6, 16),
];

/// Rows with filters in any order, or of one or two.
fn picture(random: &mut Random, number: usize) -> File {
    let (color, depth) = KINDS[random.below(KINDS.len())];
    let (width, height) = size(random, number);
    let filters = match random.below(3) {
        0 => vec![0, 1, 2, 3, 4],
        1 => vec![random.below(5) as u8],
        _ => vec![random.below(5) as u8, random.below(5) as u8],
    };
    let (kind, period) = (random.below(5), any(random, 1, 40));
    let mut rows = Vec::new();
    for y in 0..height as usize {
        rows.push(filters[random.below(filters.len())]);
        for x in 0..File::row_bytes(width, color, depth) {
            rows.push(match kind {
                0 => random.below(7) as u8,
                1 => 0,
                2 => random.next() as u8,
                3 => (x % period * 31) as u8,
                _ if random.below(30) == 0 => random.next() as u8,
                _ => ((x / 9) ^ (y / 5)) as u8 & 3,
            });
        }
    }
    let mut file = File::of((width, height), color, depth, rows);
    let transparent = match color {
        0 => vec![random.below(2) as u8, random.below(4) as u8],
        2 => vec![0, random.below(4) as u8, 0, random.below(4) as u8, 0, 1],
        3 => (0..any(random, 1, 1 << depth))
            .map(|i| (i * 40) as u8)
            .collect(),
        _ => Vec::new(),
    };
    if !transparent.is_empty() && random.below(2) == 0 {
        file.others.push((*b"tRNS", transparent));
    }
    file
}

/// A complete code of so many symbols, of lengths that look random.
fn random_code(random: &mut Random, symbols: usize) -> Vec<u32> {
    let mut lengths = vec![0];
    while lengths.len() < symbols {
        let at = random.below(lengths.len());
        if lengths[at] < 15 {
            lengths[at] += 1;
            let length = lengths[at];
            lengths.push(length);
        }
    }
    lengths.rotate_left(random.below(symbols));
    lengths
}

/// Blocks of any kinds and sizes.
fn blocks(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let all = match random.below(4) {
        // Literals alone.
        0 => bytes.iter().map(|&byte| Symbol::Literal(byte)).collect(),
        _ => symbols(bytes, 1 << any(random, 8, 15)),
    };
    let most = [20, 400, 9000, usize::MAX - 1][random.below(4)];
    let kinds = [vec![0, 1, 2, 3, 4], vec![1], vec![2], vec![3], vec![0, 4]];
    let kinds = &kinds[random.below(kinds.len())];
    let mut writer = Writer::new();
    let (mut at, mut left) = (0, &all[..]);
    loop {
        let (here, rest) = left.split_at(left.len().min(1 + random.below(most)));
        let length = |symbol: &Symbol| match *symbol {
            Symbol::Literal(_) => 1,
            Symbol::Match(length, _) => length as usize,
        };
        let count: usize = here.iter().map(length).sum();
        let is_last = rest.is_empty();
        match kinds[random.below(kinds.len())] {
            0 => writer.dynamic(here, &flat_code(286), &flat_code(30), is_last),
            1 => writer.fixed(here, is_last),
            2 => {
                let parts: Vec<_> = bytes[at..at + count].chunks(65_535).collect();
                for (i, part) in parts.iter().enumerate() {
                    writer.stored(part, is_last && i + 1 == parts.len());
                }
            }
            3 => {
                let (literals, distances) = (random_code(random, 286), random_code(random, 30));
                writer.dynamic(here, &literals, &distances, is_last);
            }
            _ => {
                for _ in 0..random.below(4) {
                    writer.stored(&[], false);
                }
                writer.fixed(here, is_last);
            }
        }
        (left, at) = (rest, at + count);
        if is_last {
            return writer.finish(bytes);
        }
    }
}

/// zlib's data: any level and window, with flushes or without.
fn by_zlib(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let level = random.below(10) as u32;
    let flush = [
        FlushCompress::None,
        FlushCompress::None,
        FlushCompress::Sync,
        FlushCompress::Full,
        FlushCompress::Partial,
    ][random.below(5)];
    if flush != FlushCompress::None {
        let most = 1 + bytes.len().min(50_000);
        let distance = any(random, (most / 60).max(1), most);
        return deflate::with_flushes(level, bytes, distance, flush);
    }
    let window = any(random, 9, 15) as u8;
    let mut compress = Compress::new_with_window_bits(Compression::new(level), true, window);
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 4 + 4096);
    let finish = FlushCompress::Finish;
    compress.compress_vec(bytes, &mut out, finish).unwrap();
    out
}

/// A made file, and what it is.
fn made(number: usize) -> (String, Vec<u8>) {
    let random = &mut Random(0x1234_5678_9abc_def1 ^ (number as u64).wrapping_mul(0x9e37_79b9));
    for _ in 0..8 {
        random.next();
    }
    let file = picture(random, number);
    let data = match random.below(2) {
        0 if file.rows.len() < 400_000 => blocks(random, &file.rows),
        _ => by_zlib(random, &file.rows),
    };
    let piece = match random.below(5) {
        0 if data.len() < 20_000 => 1,
        0 | 1 => any(random, 2, 200),
        2 => any(random, 100, 9000),
        _ => data.len(),
    };
    let what = format!(
        "file {number}: {}x{}, colour {}, depth {}, pieces of {piece}",
        file.width, file.height, file.color, file.depth
    );
    (what, file.with(&data, piece))
}

/// The samples of a file of 8 or 16 bits that another decoder reads.
fn by_zune(file: &[u8]) -> Vec<u8> {
    let options = DecoderOptions::default()
        .png_set_confirm_crc(true)
        .inflate_set_confirm_adler(true);
    let mut decoder = zune_png::PngDecoder::new_with_options(ZCursor::new(file), options);
    match decoder.decode().unwrap() {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => bytemuck::cast_slice(&samples).to_vec(),
        _ => panic!("neither 8 nor 16 bits"),
    }
}

#[test]
fn made_files_are_decoded_as_by_two_other_decoders() {
    let all = count("IMAGECUDA_TEST_PNGS", 120);
    let (left, left_by_gpu) = (AtomicUsize::new(0), AtomicUsize::new(0));
    on_all_cores(all, |number| {
        let (what, file) = made(number);
        let host = by_host(&file).unwrap_or_else(|| panic!("{what}: the host fails"));
        let is_taken = match by_kernels(&file, number % 2 == 1) {
            Ok(pixels) => {
                assert!(pixels == host, "{what}: other pixels");
                true
            }
            // Each fixed block behind a stored one takes a round, and there is room for a dynamic block in
            // each kilobyte, and for some hundreds. What has more is the host's.
            Err(status) => {
                let is_crowded = status == status::UNFINISHED || status & status::CROWDED != 0;
                assert!(is_crowded, "{what}: status {status}");
                left.fetch_add(1, Ordering::Relaxed);
                false
            }
        };
        // What the other decoder does not expand, or expands in another way, it is not asked for.
        let plain = [
            (0, 8),
            (0, 16),
            (2, 8),
            (2, 16),
            (4, 8),
            (4, 16),
            (6, 8),
            (6, 16),
        ];
        let is_plain = plain.contains(&(file[25], file[24]))
            && !file[..120.min(file.len())]
                .windows(4)
                .any(|kind| kind == b"tRNS");
        if is_plain {
            assert!(
                by_zune(&file) == host,
                "{what}: zune-png reads other pixels"
            );
        }
        // Sections whose codes do not fall into step take a round each, and on the CPU they come in
        // order, so that one round is enough.
        if !gpu_agrees(&what, &file, false) && is_taken {
            left_by_gpu.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (left, left_by_gpu) = (left.into_inner(), left_by_gpu.into_inner());
    println!("{left} of {all} files have too many blocks for the kernels");
    println!("{left_by_gpu} more have codes that take too many rounds on the GPU");
    assert!(left * 8 <= all, "{left}");
    assert!(left_by_gpu * 500 <= all, "{left_by_gpu}");
}

/// More threads than pictures can be under way: the others gather, and are decoded together.
#[test]
fn pictures_of_many_threads_are_those_of_the_host() {
    if gpu().is_none() {
        return;
    }
    let taken = AtomicUsize::new(0);
    on_threads(24, 72, |number| {
        // Some of a group are damaged.
        let (what, mut file) = made(number);
        let (length, is_damaged) = (file.len(), number % 6 == 5);
        if is_damaged && length > 200 {
            file[length / 2] ^= 1 << (number % 8);
            mend(&mut file);
        }
        let is_taken = gpu_agrees(&what, &file, false);
        taken.fetch_add(is_taken.into(), Ordering::Relaxed);
    });
    assert!(taken.into_inner() >= 40);
}

#[test]
fn damaged_files_are_decoded_as_by_the_host() {
    const FILES: usize = 50;
    let damages = count("IMAGECUDA_TEST_PNG_DAMAGES", 6);
    let taken = AtomicUsize::new(0);
    on_all_cores(FILES, |number| {
        // Small ones, so that damage is likely to matter.
        let (what, file) = (number * 1000..)
            .map(made)
            .find(|(_, file)| (300..20_000).contains(&file.len()))
            .expect("there are more");
        let random = &mut Random(77 + number as u64);
        for damage in 0..damages {
            let mut file = file.clone();
            let start = 33;
            for _ in 0..any(random, 1, 3) {
                let at = any(random, start, file.len() - 1);
                match random.below(6) {
                    0 | 1 => file[at] ^= 1 << random.below(8),
                    2 => file[at] = random.next() as u8,
                    3 => file.truncate(at.max(60)),
                    4 => drop(file.remove(at)),
                    _ => {
                        let length = random.below(32).min(file.len() - at);
                        let to = any(random, start, file.len() - length);
                        file.copy_within(at..at + length, to);
                    }
                }
            }
            if random.below(4) > 0 {
                mend(&mut file);
            }
            let what = format!("{what}, damage {damage}");
            taken.fetch_add(usize::from(agree(&what, &file)), Ordering::Relaxed);
        }
    });
    // Some damage is of no consequence, and most is not so.
    let all = FILES * damages;
    assert!(taken.into_inner() < all / 2);
}

/// Makes the checksums of chunks right, so that the damage is found behind them.
fn mend(file: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        let Some(bytes) = file.get(at + 4..end) else {
            return;
        };
        let sum = crc32fast::hash(bytes).to_be_bytes();
        let Some(place) = file.get_mut(end..end + 4) else {
            return;
        };
        place.copy_from_slice(&sum);
        at = end + 4;
    }
}

#[test]
fn made_files_are_of_all_kinds() {
    let kinds: HashSet<_> = (0..60)
        .map(made)
        .map(|(_, file)| (file[25], file[24]))
        .collect();
    assert!(kinds.len() > 8, "{kinds:?}");
}
