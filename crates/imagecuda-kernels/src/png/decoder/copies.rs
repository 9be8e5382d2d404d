//! From tokens to bytes: resolves matches.

use super::{work::WorkOf, write::VALUE};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Bytes of a tile.
pub const TILE: u32 = 4096;
/// Bytes for each thread.
const RUN: u32 = 8;
/// Threads of the thread block of a tile.
pub const THREADS: u32 = TILE / RUN;
/// The longest match.
const LONGEST: u32 = 258;
/// Words of shared memory.
pub const SHARED: u32 = padded_room(LONGEST + TILE) + 1;

/// Words in shared memory with one unused word after each 32. So threads whose runs follow each
/// other use different banks.
#[derive(Clone, Copy)]
struct Padded<W>(W);

/// The words of memory for this number of padded words.
const fn padded_room(words: u32) -> u32 {
    words + words / 32 + 1
}

impl<W: Words> Padded<W> {
    #[inline(always)]
    fn get(self, at: u32) -> u32 {
        self.0.get(at + at / 32)
    }

    #[inline(always)]
    fn set(self, at: u32, word: u32) {
        self.0.set(at + at / 32, word);
    }
}

/// What a thread knows of its bytes.
#[derive(Clone, Copy, Default)]
struct Own {
    /// The last token among these bytes, or before them.
    head: u32,
    token: u32,
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
    let tokens = Padded(shared.part(0, SHARED - 1));
    let before = shared.part(SHARED - 1, 1);
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
        own.head = 0;
        for at in own_bytes(thread) {
            if tokens.get(at) != 0 {
                own.head = at;
            }
        }
    });
    let put = |own: &mut Own, head: u32| own.head = head;
    block.scan(&mut own, 0, |own| own.head, Ord::max, put);
    block.each(&mut own, |_, own| {
        own.head = own.head.max(before.get(0));
        own.token = tokens.get(own.head);
    });
    block.each(&mut own, |thread, own| {
        for at in own_bytes(thread) {
            let token = tokens.get(at);
            if token != 0 {
                (own.head, own.token) = (at, token);
            }
            let place = first + at - LONGEST;
            let link = if place >= all {
                VALUE
            } else if own.token & VALUE != 0 {
                own.token
            } else {
                let head = (first + own.head).wrapping_sub(LONGEST);
                let from = source(head, at - own.head, own.token);
                // This makes links lead backwards, so that they end whatever tokens say.
                if from < place { from } else { VALUE }
            };
            tokens.set(at, link);
        }
        own.is_open = true;
    });
    // Links lead only to earlier bytes. If another thread changes a link meanwhile, the old one and
    // the new one lead to the same value.
    let is_open = |link: u32| link & VALUE == 0 && link >= first;
    let follow = |link: u32| match is_open(link) {
        true => tokens.get(LONGEST + link - first),
        false => link,
    };
    while block.any(&own, |own| own.is_open) {
        block.each(&mut own, |thread, own| {
            own.is_open = false;
            for at in own_bytes(thread) {
                let link = tokens.get(at);
                if is_open(link) {
                    // Two links a round, so that there are fewer rounds.
                    let link = follow(follow(link));
                    tokens.set(at, link);
                    own.is_open |= is_open(link);
                }
            }
        });
    }
    block.each(&mut own, |thread, own| {
        own.is_open = false;
        let mut at = thread;
        while at < TILE {
            if first + at < all {
                let link = tokens.get(LONGEST + at);
                own.is_open |= link & VALUE == 0;
                work.links.set(first + at, link);
            }
            at += THREADS;
        }
    });
    let is_open = block.any(&own, |own| own.is_open);
    block.each(&mut own, |thread, _| {
        if thread == 0 {
            work.open_tiles.set(block.index(), is_open.into());
        }
    });
}

/// The places of a thread's bytes in shared memory.
#[inline(always)]
fn own_bytes(thread: u32) -> core::ops::Range<u32> {
    let start = LONGEST + thread * RUN;
    start..start + RUN
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
            let (a, b, c, d) = (link(0), link(1), link(2), link(3));
            let (mut e, mut f, mut g, mut h) = (a, b, c, d);
            let mut left = JUMPS;
            while left > 0 && e & f & g & h & VALUE == 0 {
                e = follow(work.links, e);
                f = follow(work.links, f);
                g = follow(work.links, g);
                h = follow(work.links, h);
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

/// Where a link leads, or the value that it is: no memory has a place for a value's bits.
#[inline(always)]
fn follow(links: impl Words, link: u32) -> u32 {
    links.get_or(link, link)
}

/// Follows a link to the value.
#[inline(always)]
pub(super) fn resolve(links: impl Words, mut link: u32) -> u32 {
    while link & VALUE == 0 {
        // Links lead to earlier bytes, so this loop ends.
        link = links.get_or(link, VALUE);
    }
    link & 255
}
