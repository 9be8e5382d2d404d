//! From filtered bytes to planes, and how the rows of these depend on each other.

use super::{
    copies::{VALUE, resolve},
    picture::Picture,
    work::{WorkOf, control, status},
};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Threads of a thread block of `png_pack`, and bytes of a plane's row in memory that it packs.
pub const THREADS: u32 = 256;
const CHUNK: u32 = 2 * 4 * THREADS;
/// The modulus of Adler-32.
const MODULUS: u32 = 65521;

/// The chunks of a row.
#[inline(always)]
pub fn chunks(picture: &Picture) -> u32 {
    (4 * picture.stride()).div_ceil(CHUNK)
}

/// `png_pack`: puts the bytes of rows into planes, stores the filters, and computes sums for the
/// checksum. One thread block for each chunk of each row.
#[inline(always)]
pub fn pack<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    if work.status() != 0 {
        return;
    }
    let picture = &work.picture;
    let (planes, plane_bytes) = (picture.planes(), picture.plane_bytes());
    let (row_bytes, all) = (picture.row_bytes(), picture.filtered_bytes());
    let chunks = chunks(picture);
    let (y, chunk) = (block.index() / chunks, block.index() % chunks);
    let row = y * (row_bytes + 1);
    let plane_words = picture.stride() * picture.height;
    let shift = picture.shift(y);
    // The place of the chunk's first byte, and the bytes from there to the end. It may be before the row.
    let start = (row + 1 + chunk * CHUNK * planes).wrapping_sub(shift * planes);
    let from_start = u64::from(all.wrapping_sub(start));
    // The two sums of Adler-32, without the part that its initial 1 adds.
    let mut sums = block.own(0u64);
    block.each(&mut sums, |thread, sums| {
        // The sum of the bytes, and that of bytes times their places in the chunk: at most 64 bytes
        // at places below 2^14.
        let (mut first, mut places) = (0, 0);
        for half in 0..2 {
            let within = 4 * (half * THREADS + thread);
            let x = chunk * CHUNK + within;
            // All of the row's memory, with zeros before and after the row: whole fours of words are read.
            if x >= 4 * picture.stride() {
                break;
            }
            for plane in 0..planes {
                let place = |i: u32| (within + i) * planes + plane;
                // Four loads in flight, and bytes outside the row are zeros.
                let link = |i: u32| match (x + i).wrapping_sub(shift) < plane_bytes {
                    true => work.links.get(start.wrapping_add(place(i))),
                    false => VALUE,
                };
                let links = [link(0), link(1), link(2), link(3)];
                let [a, b, c, d] = links.map(|link| resolve(work.links, link));
                first += a + b + c + d;
                places += a * place(0) + b * place(1) + c * place(2) + d * place(3);
                let word = a | b << 8 | c << 16 | d << 24;
                let at = plane * plane_words + y * picture.stride() + x / 4;
                work.planes.set(at, word);
            }
        }
        let mut second = from_start * u64::from(first) - u64::from(places);
        if thread == 0 && chunk == 0 {
            let filter = resolve(work.links, work.links.get(row));
            first += filter;
            second += u64::from(all - row) * u64::from(filter);
            work.filters.set(y, filter);
            if filter > 4 {
                work.report(status::FILTER);
            }
        }
        *sums = u64::from(first) | (second % u64::from(MODULUS)) << 32;
    });
    let all = block.scan(&mut sums, 0, |&own| own, |a, b| a + b, |_, _| {});
    block.each(&mut sums, |thread, _| {
        if thread == 0 {
            let at = 2 * block.index();
            work.checksums.set(at, (all as u32) % MODULUS);
            work.checksums.set(at + 1, (all >> 32) as u32 % MODULUS);
        }
    });
}

/// Threads of the thread block of `png_strips`.
pub const STRIPS_THREADS: u32 = 1024;
/// The most rows of a picture; the most and the fewest rows of a strip.
const ROWS: u32 = 1 << 16;
const MOST_ROWS: u32 = 31;
const FEWEST_ROWS: u32 = 8;
/// Words of shared memory: a bit for each row, and a few more.
pub const STRIPS_SHARED: u32 = ROWS / 32 + 4;

/// The most strips that this number of rows can have.
pub const fn most_strips(rows: u32) -> u32 {
    rows / FEWEST_ROWS + 2
}

/// `png_strips`: compares the checksum, and groups rows to strips. A strip starts with a row that
/// does not depend on the row above, if there is one in reach. One thread block.
#[inline(always)]
pub fn strips<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    let begun = work.status();
    if begun != 0 {
        return;
    }
    let picture = &work.picture;
    let rows = picture.height;
    let shared = block.shared();
    let starts = shared.part(0, STRIPS_SHARED);
    let mut sums = block.own(0u64);
    block.each(&mut sums, |thread, sums| {
        let mut number = thread;
        while number < STRIPS_SHARED {
            let mut word = 0;
            for i in 0..32 {
                let row = 32 * number + i;
                let is_start = row >= rows || work.filters.get(row) < 2;
                word |= u32::from(is_start) << i;
            }
            starts.set(number, word);
            number += STRIPS_THREADS;
        }
        let parts = rows * chunks(picture);
        let (mut first, mut second) = (0u64, 0u64);
        let mut part = thread;
        while part < parts {
            first += u64::from(work.checksums.get(2 * part));
            second += u64::from(work.checksums.get(2 * part + 1));
            part += STRIPS_THREADS;
        }
        let modulus = u64::from(MODULUS);
        *sums = (first % modulus) | (second % modulus) << 32;
    });
    let all = block.scan(&mut sums, 0, |&own| own, |a, b| a + b, |_, _| {});
    block.each(&mut sums, |thread, _| {
        if thread > 0 {
            return;
        }
        let bytes = u64::from(picture.filtered_bytes());
        let first = ((all & u64::from(u32::MAX)) + 1) % u64::from(MODULUS);
        let second = ((all >> 32) + bytes) % u64::from(MODULUS);
        let number = work.end / 32;
        let [low, high] = [0, 1].map(|ahead| work.data.get(number + ahead));
        let expected = super::bits::funnel(low, high, work.end).swap_bytes();
        let mut wrong = work.control.get(control::PROBLEMS);
        if u64::from(expected) != second << 16 | first {
            wrong |= status::CHECKSUM;
        }
        work.control.set(control::STATUS, wrong);
        let (mut row, mut count) = (0, 0);
        while row < rows {
            work.strips.set(count, row);
            count += 1;
            let at = row + FEWEST_ROWS;
            let [low, high] = [0, 1].map(|ahead| starts.get(at / 32 + ahead));
            let here = super::bits::funnel(low, high, at) & ((1 << (MOST_ROWS - FEWEST_ROWS)) - 1);
            row += match here {
                0 => MOST_ROWS,
                _ => FEWEST_ROWS + here.trailing_zeros(),
            };
        }
        work.strips.set(count, rows);
        work.control.set(control::STRIPS, count);
    });
}
