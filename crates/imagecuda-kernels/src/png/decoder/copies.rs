//! From tokens to bytes: resolves matches.

use super::{work::WorkOf, write::VALUE};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Bytes of a tile.
pub const TILE: u32 = 4096;
/// Bytes for each thread.
const RUN: usize = 8;
/// Threads of the thread block of a tile.
pub const THREADS: u32 = TILE / RUN as u32;
/// The longest match.
const LONGEST: u32 = 258;
/// Words of shared memory.
pub const SHARED: u32 = LONGEST + TILE + 1;

/// A thread's bytes.
#[derive(Clone, Copy, Default)]
struct Own {
    links: [u32; RUN],
    /// The last token among these bytes, or before them.
    head: u32,
    is_open: bool,
}

/// `png_expand`: gives each byte its value, or a link to the byte that has it, resolved within the
/// tile as far as possible. One thread block for each tile.
#[inline(always)]
pub fn expand<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    if work.status() != 0 {
        return;
    }
    let all = work.picture.filtered_bytes();
    let shared = block.shared();
    let (tokens, before) = (
        shared.part(0, LONGEST + TILE),
        shared.part(LONGEST + TILE, 1),
    );
    let first = block.index() * TILE;
    let mut own = block.own(Own::default());
    block.each(&mut own, |thread, _| {
        let mut at = thread;
        while at < LONGEST + TILE {
            let place = (first + at).wrapping_sub(LONGEST);
            tokens.set(
                at,
                if place < all {
                    work.tokens.get(place)
                } else {
                    0
                },
            );
            at += THREADS;
        }
        if thread == 0 {
            before.set(0, 0);
        }
    });
    block.each(&mut own, |thread, own| {
        // Of the tiles before, only the last token matters.
        if thread < LONGEST && tokens.get(thread) != 0 {
            before.max(0, thread);
        }
        let start = LONGEST + thread * RUN as u32;
        own.head = 0;
        for (at, link) in (start..).zip(&mut own.links) {
            *link = tokens.get(at);
            if *link != 0 {
                own.head = at;
            }
        }
    });
    let put = |own: &mut Own, head: u32| own.head = head;
    block.scan(&mut own, 0, |own| own.head, Ord::max, put);
    block.each(&mut own, |thread, own| {
        let mut head = own.head.max(before.get(0));
        let mut token = tokens.get(head);
        let start = LONGEST + thread * RUN as u32;
        for (at, link) in (start..).zip(&mut own.links) {
            if *link != 0 {
                (head, token) = (at, *link);
            }
            let place = first + at - LONGEST;
            *link = if place >= all {
                VALUE
            } else if token & VALUE != 0 {
                token
            } else {
                let from = source((first + head).wrapping_sub(LONGEST), at - head, token);
                // This makes links lead backwards, so that they end whatever tokens say.
                if from < place { from } else { VALUE }
            };
        }
    });
    block.each(&mut own, |thread, own| {
        for (at, link) in (LONGEST + thread * RUN as u32..).zip(own.links) {
            tokens.set(at, link);
        }
        own.is_open = true;
    });
    // Links lead only to earlier bytes. If another thread changes a link meanwhile, the old one and
    // the new one lead to the same value.
    while block.any(&own, |own| own.is_open) {
        block.each(&mut own, |thread, own| {
            own.is_open = false;
            for (at, link) in (LONGEST + thread * RUN as u32..).zip(&mut own.links) {
                if *link & VALUE == 0 && *link >= first {
                    *link = tokens.get(LONGEST + *link - first);
                    tokens.set(at, *link);
                    own.is_open |= *link & VALUE == 0 && *link >= first;
                }
            }
        });
    }
    let is_open = block.any(&own, |own| own.links.iter().any(|link| link & VALUE == 0));
    block.each(&mut own, |thread, _| {
        let mut at = thread;
        while at < TILE {
            if first + at < all {
                work.links.set(first + at, tokens.get(LONGEST + at));
            }
            at += THREADS;
        }
        if thread == 0 {
            work.open_tiles.set(block.index(), is_open.into());
        }
    });
}

/// The source of a byte of the match that starts at `head`. A match that overlaps itself repeats,
/// so every byte comes from before the match.
#[inline(always)]
fn source(head: u32, offset: u32, token: u32) -> u32 {
    let distance = (token & 0x7fff) + 1;
    let offset = match offset < distance {
        true => offset,
        false if distance == 1 => 0,
        false => offset % distance,
    };
    match head.checked_sub(distance) {
        Some(from) => from + offset,
        // `png_write` has reported this error.
        None => VALUE,
    }
}

/// `png_jump` follows at most this many links.
const JUMPS: u32 = 16;
/// Threads of a thread block of `png_jump`, and bytes for each thread.
pub const JUMP_THREADS: u32 = 256;

/// `png_jump`: shortens links that lead to other tiles. It works in place, as it does not matter
/// whether a thread reads an old link or a shortened one. One thread block for each tile.
#[inline(always)]
pub fn jump<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    if work.status() != 0 || work.open_tiles.get(block.index()) == 0 {
        return;
    }
    let first = block.index() * TILE;
    let all = work.picture.filtered_bytes();
    block.each(&mut block.own(()), |thread, _| {
        let mut at = first + thread;
        while at < (first + TILE).min(all) {
            // Four links at a time, so that their loads are in flight together. Separate variables,
            // as an array would lie in memory.
            let link = |i: u32| match at + i * JUMP_THREADS < all {
                true => work.links.get(at + i * JUMP_THREADS),
                false => VALUE,
            };
            let follow = |link: u32| match link & VALUE {
                0 => work.links.get(link),
                _ => link,
            };
            let (a, b, c, d) = (link(0), link(1), link(2), link(3));
            let (mut e, mut f, mut g, mut h) = (a, b, c, d);
            let mut left = JUMPS;
            while left > 0 && e & f & g & h & VALUE == 0 {
                (e, f, g, h) = (follow(e), follow(f), follow(g), follow(h));
                left -= 1;
            }
            let put = |i: u32, before: u32, link: u32| {
                if before & VALUE == 0 {
                    work.links.set(at + i * JUMP_THREADS, link);
                }
            };
            put(0, a, e);
            put(1, b, f);
            put(2, c, g);
            put(3, d, h);
            at += 4 * JUMP_THREADS;
        }
    });
}

/// Follows links to the value.
#[inline(always)]
pub(super) fn resolve(links: impl Words, place: u32) -> u32 {
    let mut link = links.get(place);
    while link & VALUE == 0 {
        // Links lead to earlier bytes, so this loop ends.
        link = links.get(link);
    }
    link & 255
}
