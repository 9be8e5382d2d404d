//! From tokens to bytes: resolves matches.

use super::{work::WorkOf, write::VALUE};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Bytes of a tile.
pub const TILE: u32 = 4096;
/// Bytes for each thread: two fours.
const RUN: u32 = 8;
/// Threads of the thread block of a tile.
pub const THREADS: u32 = TILE / RUN;
/// The longest match.
const LONGEST: u32 = 258;
const _: () = assert!(LONGEST <= THREADS);
/// The parts of shared memory: links; the last match of each thread, as its place and its token; and where
/// the last token before the tile is.
const PLACES: u32 = padded_room(TILE);
const TOKENS: u32 = PLACES + THREADS;
const BEFORE: u32 = TOKENS + THREADS;
/// Words of shared memory.
pub const SHARED: u32 = BEFORE + 1;

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

    /// Writes a four of a thread's run.
    #[inline(always)]
    fn set_four(self, at: u32, [a, b, c, d]: [u32; 4]) {
        let at = at + at / 32;
        self.0.set(at, a);
        self.0.set(at + 1, b);
        self.0.set(at + 2, c);
        self.0.set(at + 3, d);
    }
}

/// What a thread knows of its bytes.
#[derive(Clone, Copy, Default)]
struct Own {
    /// The tokens of the two fours, then their links.
    words: [[u32; 4]; 2],
    /// One more than the last thread that has a token, up to this one or before it.
    last: u32,
    is_open: bool,
}

/// Goes from byte to byte, and knows where each one is copied from.
#[derive(Clone, Copy)]
struct Cursor {
    /// The place of the match, and that from which it copies. A match that overlaps itself repeats, so
    /// every byte comes from before the match.
    head: u32,
    start: u32,
    /// The link of the next byte of the match, or the value of a literal.
    next: u32,
}

impl Cursor {
    /// At a byte that follows the token of an earlier place.
    #[inline(always)]
    fn after(head: u32, token: u32, place: u32) -> Self {
        let mut cursor = Self {
            head,
            start: head,
            next: token,
        };
        if token & VALUE == 0 {
            cursor.begin(head, token);
            if cursor.next & VALUE == 0 {
                let (distance, offset) = (head - cursor.start, place - head);
                let skipped = match offset < distance {
                    true => offset,
                    false if distance == 1 => 0,
                    false => offset % distance,
                };
                cursor.next = cursor.start + skipped;
            }
        }
        cursor
    }

    /// Begins the match of a token. A match from before the first byte is an error that `png_write` has
    /// reported.
    #[inline(always)]
    fn begin(&mut self, place: u32, token: u32) {
        let distance = (token & 0x7fff) + 1;
        let is_inside = distance <= place;
        self.head = place;
        self.start = place.wrapping_sub(distance);
        self.next = if is_inside { self.start } else { VALUE };
    }

    /// The link of a byte that may have a token, or its value. Links lead to earlier bytes, whatever tokens
    /// say.
    #[inline(always)]
    fn link(&mut self, place: u32, token: u32) -> u32 {
        if token & VALUE != 0 {
            self.next = token;
        } else if token != 0 {
            self.begin(place, token);
        }
        let link = self.next;
        if link & VALUE == 0 {
            let after = link + 1;
            self.next = if after == self.head {
                self.start
            } else {
                after
            };
        }
        link
    }
}

/// `png_expand`: gives each byte its value, or a link to the byte that has it, resolved within the
/// tile as far as possible. One thread block for each tile.
#[inline(always)]
pub fn expand<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    if work.status() != 0 {
        return;
    }
    let shared = block.shared();
    let links = Padded(shared.part(0, PLACES));
    let places = shared.part(PLACES, THREADS);
    let tokens = shared.part(TOKENS, THREADS);
    let before = shared.part(BEFORE, 1);
    let first = block.index() * TILE;
    let mut own = block.own(Own::default());
    block.each(&mut own, |thread, own| {
        let place = first + thread * RUN;
        own.words = [0, 4].map(|four| work.tokens.get_four(place + four));
        let (mut last, mut last_token) = (0, 0);
        for (i, token) in (place..).zip(own.words.into_iter().flatten()) {
            if token != 0 {
                (last, last_token) = (i, token);
            }
        }
        own.last = if last_token != 0 { thread + 1 } else { 0 };
        places.set(thread, last);
        tokens.set(thread, last_token);
        if thread == 0 {
            before.set(0, 0);
        }
    });
    // Of the tiles before, only the last token matters.
    let far = |thread: u32| (first + thread).wrapping_sub(LONGEST);
    block.each(&mut own, |thread, _| {
        if thread < LONGEST && work.tokens.get(far(thread)) != 0 {
            before.max(0, thread + 1);
        }
    });
    let put = |own: &mut Own, last: u32| own.last = last;
    block.scan(&mut own, 0, |own| own.last, Ord::max, put);
    block.each(&mut own, |thread, own| {
        let (head, token) = match (own.last, before.get(0)) {
            (0, 0) => (0, VALUE),
            (0, before) => (far(before - 1), work.tokens.get(far(before - 1))),
            (last, _) => (places.get(last - 1), tokens.get(last - 1)),
        };
        let place = first + thread * RUN;
        let mut cursor = Cursor::after(head, token, place);
        for (four, words) in (0..).zip(&mut own.words) {
            let place = place + 4 * four;
            let [a, b, c, d] = *words;
            *words =
                [(0, a), (1, b), (2, c), (3, d)].map(|(i, token)| cursor.link(place + i, token));
            links.set_four(thread * RUN + 4 * four, *words);
        }
        own.is_open = true;
    });
    // Links lead only to earlier bytes. If another thread changes a link meanwhile, the old one and
    // the new one lead to the same value.
    let follow = |link: u32| match link.wrapping_sub(first) {
        at if at < TILE => links.get(at),
        _ => link,
    };
    while block.any(&own, |own| own.is_open) {
        block.each(&mut own, |thread, own| {
            own.is_open = false;
            for (four, words) in (0..).zip(&mut own.words) {
                // Two links a round, so that there are fewer rounds.
                let after = words.map(|link| follow(follow(link)));
                let is_open = |link: u32| link.wrapping_sub(first) < TILE;
                own.is_open |= is_open(after[0]) | is_open(after[1]);
                own.is_open |= is_open(after[2]) | is_open(after[3]);
                if after != *words {
                    *words = after;
                    links.set_four(thread * RUN + 4 * four, after);
                }
            }
        });
    }
    block.each(&mut own, |thread, own| {
        for (four, words) in (0..).zip(own.words) {
            own.is_open |= words.into_iter().any(|link| link & VALUE == 0);
            work.links.set_four(first + thread * RUN + 4 * four, words);
        }
    });
    let is_open = block.any(&own, |own| own.is_open);
    block.each(&mut own, |thread, _| {
        if thread == 0 {
            work.open_tiles.set(block.index(), is_open.into());
        }
    });
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
