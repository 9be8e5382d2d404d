//! From tokens to bytes: resolves matches.

use super::{work::WorkOf, write::LITERAL};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Marks a link as a value.
pub(super) const VALUE: u32 = 1 << 31;

/// Bytes of a tile.
pub const TILE: u32 = 4096;
/// Bytes for each thread: two fours, and as many tokens as a load has.
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
    tokens: [u32; 4],
    /// The links of the two fours.
    low: [u32; 4],
    high: [u32; 4],
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
            next: value(token),
        };
        if token < LITERAL {
            cursor.begin(head, token);
            if cursor.next & VALUE == 0 {
                let offset = place - head;
                let skipped = match offset < token {
                    true => offset,
                    false if token == 1 => 0,
                    false => offset % token,
                };
                cursor.next = cursor.start + skipped;
            }
        }
        cursor
    }

    /// Begins a match. One from before the first byte is an error that `png_write` has reported.
    #[inline(always)]
    fn begin(&mut self, place: u32, distance: u32) {
        let is_inside = distance <= place;
        self.head = place;
        self.start = place.wrapping_sub(distance);
        self.next = if is_inside { self.start } else { VALUE };
    }

    /// The links of four bytes, whose tokens are in two words.
    #[inline(always)]
    fn links(&mut self, place: u32, [low, high]: [u32; 2]) -> [u32; 4] {
        let a = self.link(place, low & 0xffff);
        let b = self.link(place + 1, low >> 16);
        let c = self.link(place + 2, high & 0xffff);
        [a, b, c, self.link(place + 3, high >> 16)]
    }

    /// The link of a byte that may have a token, or its value. Links lead to earlier bytes, whatever tokens
    /// say.
    #[inline(always)]
    fn link(&mut self, place: u32, token: u32) -> u32 {
        if token >= LITERAL {
            self.next = value(token);
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

/// The value of a literal's token.
#[inline(always)]
fn value(token: u32) -> u32 {
    VALUE | token & 255
}

/// The last token of eight places and its place. No token if there is none.
#[inline(always)]
fn last_token(place: u32, [a, b, c, d]: [u32; 4]) -> (u32, u32) {
    // No loop: the words would lie in memory.
    let or = |word: u32, at: u32, last| if word != 0 { (place + at, word) } else { last };
    let (at, word) = or(d, 6, or(c, 4, or(b, 2, (place, a))));
    match word >> 16 {
        0 => (at, word),
        high => (at + 1, high),
    }
}

/// The token of a place.
#[inline(always)]
fn token_at(tokens: impl Words, place: u32) -> u32 {
    tokens.get(place / 2) >> (place % 2 * 16) & 0xffff
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
        own.tokens = work.tokens.get_four(place / 2);
        let (last, token) = last_token(place, own.tokens);
        own.last = if token != 0 { thread + 1 } else { 0 };
        places.set(thread, last);
        tokens.set(thread, token);
        if thread == 0 {
            before.set(0, 0);
        }
    });
    // Of the tiles before, only the last token matters.
    let far = |thread: u32| (first + thread).wrapping_sub(LONGEST);
    block.each(&mut own, |thread, _| {
        if thread < LONGEST && token_at(work.tokens, far(thread)) != 0 {
            before.max(0, thread + 1);
        }
    });
    let put = |own: &mut Own, last: u32| own.last = last;
    block.scan(&mut own, 0, |own| own.last, Ord::max, put);
    block.each(&mut own, |thread, own| {
        let (head, token) = match (own.last, before.get(0)) {
            (0, 0) => (0, LITERAL),
            (0, before) => (far(before - 1), token_at(work.tokens, far(before - 1))),
            (last, _) => (places.get(last - 1), tokens.get(last - 1)),
        };
        let place = first + thread * RUN;
        let mut cursor = Cursor::after(head, token, place);
        let [a, b, c, d] = own.tokens;
        own.low = cursor.links(place, [a, b]);
        own.high = cursor.links(place + 4, [c, d]);
        links.set_four(thread * RUN, own.low);
        links.set_four(thread * RUN + 4, own.high);
        own.is_open = true;
    });
    // Links lead only to earlier bytes. If another thread changes a link meanwhile, the old one and
    // the new one lead to the same value.
    let is_within = |link: u32| link.wrapping_sub(first) < TILE;
    let follow = |link: u32| match is_within(link) {
        true => links.get(link - first),
        false => link,
    };
    // Two links a round, so that there are fewer rounds. Returns whether any leads further.
    let shorten = |at: u32, four: &mut [u32; 4]| {
        let before = *four;
        *four = before.map(|link| follow(follow(link)));
        let [a, b, c, d] = *four;
        if [a, b, c, d] != before {
            links.set_four(at, *four);
        }
        is_within(a) | is_within(b) | is_within(c) | is_within(d)
    };
    while block.any(&own, |own| own.is_open) {
        block.each(&mut own, |thread, own| {
            let low = shorten(thread * RUN, &mut own.low);
            own.is_open = low | shorten(thread * RUN + 4, &mut own.high);
        });
    }
    block.each(&mut own, |thread, own| {
        let [a, b, c, d] = own.low;
        let [e, f, g, h] = own.high;
        own.is_open = a & b & c & d & e & f & g & h & VALUE == 0;
        work.links.set_four(first + thread * RUN, own.low);
        work.links.set_four(first + thread * RUN + 4, own.high);
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
