//! The decoding kernels on the CPU: the same functions, one thread after the other, with the same
//! results. Tests use it on machines without a GPU.

use super::{
    block::{IS_THERE, Longs, Number, Shared, ThreadBlock, Warp, Words, are_there},
    decoder::{
        chain, check, copies, find,
        launches::{Kernel, Launch, Lengths, PART_WORDS, Sizes, TRIES},
        pack,
        picture::Picture,
        pixels, synchronize, tables, unfilter,
        work::{Work, control, status},
        write,
    },
};
use alloc::{vec, vec::Vec};
use core::cell::Cell;

/// Memory that the emulated threads share.
#[derive(Clone, Copy)]
pub struct Cells<'a, T>(pub &'a [Cell<T>]);

impl<T: Copy + Default> Cells<'_, T> {
    fn read(self, at: u32) -> T {
        self.0.get(at as usize).map(Cell::get).unwrap_or_default()
    }

    fn write(self, at: u32, value: T) {
        if let Some(cell) = self.0.get(at as usize) {
            cell.set(value);
        }
    }

    fn update(self, at: u32, change: impl FnOnce(T) -> T) -> T {
        let before = self.read(at);
        self.write(at, change(before));
        before
    }
}

impl Words for Cells<'_, u32> {
    fn get(self, at: u32) -> u32 {
        self.read(at)
    }

    fn get_or(self, at: u32, other: u32) -> u32 {
        self.0.get(at as usize).map_or(other, Cell::get)
    }

    fn set(self, at: u32, word: u32) {
        self.write(at, word);
    }

    fn add(self, at: u32, word: u32) -> u32 {
        self.update(at, |before| before.wrapping_add(word))
    }

    fn or(self, at: u32, bits: u32) {
        self.update(at, |before| before | bits);
    }

    fn min(self, at: u32, most: u32) {
        self.update(at, |before| before.min(most));
    }

    fn max(self, at: u32, least: u32) {
        self.update(at, |before| before.max(least));
    }
}

impl Shared for Cells<'_, u32> {
    fn part(self, at: u32, len: u32) -> Self {
        Self(&self.0[at as usize..][..len as usize])
    }
}

impl Longs for Cells<'_, u64> {
    fn get(self, at: u32) -> u64 {
        self.read(at)
    }

    fn set(self, at: u32, number: u64) {
        self.write(at, number);
    }

    fn peek_four(self, at: u32) -> [u64; 4] {
        [0, 1, 2, 3].map(|i| self.read(at + i))
    }

    fn wait_four(self, at: u32) -> [u64; 4] {
        let numbers = self.peek_four(at);
        assert!(
            are_there(numbers),
            "a thread block waits for one that comes later"
        );
        numbers
    }

    fn publish(self, at: u32, words: [u32; 4]) {
        if (at as usize).saturating_add(4) <= self.0.len() {
            (at..)
                .zip(words)
                .for_each(|(at, word)| self.write(at, IS_THERE | u64::from(word)));
        }
    }
}

/// A thread block whose threads run one after the other.
pub(super) struct Block<'a> {
    index: u32,
    launch: Launch,
    shared: &'a [Cell<u32>],
    /// Whether the last thread runs first. The result must not depend on the order.
    backwards: bool,
}

impl<'a> ThreadBlock for Block<'a> {
    type Own<T> = Vec<T>;
    type Global = Cells<'a, u32>;
    type Longs = Cells<'a, u64>;
    type Shared = Cells<'a, u32>;

    fn index(&self) -> u32 {
        self.index
    }

    fn blocks(&self) -> u32 {
        self.launch.blocks
    }

    fn threads(&self) -> u32 {
        self.launch.threads
    }

    fn shared(&self) -> Self::Shared {
        Cells(self.shared)
    }

    fn own<T: Clone>(&self, value: T) -> Vec<T> {
        vec![value; self.launch.threads as usize]
    }

    fn each<T>(&self, own: &mut Vec<T>, mut body: impl FnMut(u32, &mut T)) {
        let mut run = |(thread, own)| body(thread, own);
        match self.backwards {
            false => (0..).zip(own).for_each(&mut run),
            true => (0..self.launch.threads).zip(own).rev().for_each(run),
        }
    }

    fn any<T>(&self, own: &Vec<T>, holds: impl Fn(&T) -> bool) -> bool {
        own.iter().any(holds)
    }

    fn scan<T, N: Number>(
        &self,
        own: &mut Vec<T>,
        zero: N,
        number: impl Fn(&T) -> N,
        plus: impl Fn(N, N) -> N,
        put: impl Fn(&mut T, N),
    ) -> N {
        own.iter_mut().fold(zero, |before, own| {
            let up_to = plus(before, number(own));
            put(own, before);
            up_to
        })
    }
}

impl Warp for Block<'_> {
    fn apart<T>(&self, own: &mut Vec<T>, body: impl FnMut(u32, &mut T)) {
        self.each(own, body);
    }

    fn shift<T>(&self, own: &mut Vec<T>, number: impl Fn(&T) -> u32, put: impl Fn(&mut T, u32)) {
        let numbers: Vec<u32> = own.iter().map(number).collect();
        for (thread, own) in own.iter_mut().enumerate() {
            put(own, numbers[thread.saturating_sub(1)]);
        }
    }
}

/// Arbitrary contents, like memory that was never written.
const GARBAGE: u32 = 0xa5c3_96e1;

/// The input of the decoder.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub picture: Picture,
    /// The pieces of the zlib data.
    pub pieces: &'a [&'a [u8]],
    /// The colours of a palette, the first byte lowest.
    pub palette: &'a [u32],
    /// Whether threads run in reverse order. The result is the same.
    pub backwards: bool,
}

/// Decodes a picture to the host's layout, in whole words, so that the last one may have extra
/// bytes. Fails with a [`status`].
pub fn decode(input: Input<'_>) -> Result<Vec<u32>, u32> {
    let picture = input.picture;
    let (file, mut pieces) = file_of(input.pieces);
    let bytes: usize = input.pieces.iter().map(|piece| piece.len()).sum();
    if !(6..1 << 28).contains(&bytes) || !picture.is_countable() {
        return Err(status::LENGTH);
    }
    pieces.extend([0, bytes as u32]);
    let sizes = Sizes::new(bytes as u32);
    let file = file.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(word)
    });
    let words = |len: u32| vec![Cell::new(GARBAGE); len as usize];
    let longs = |len: u32| vec![Cell::new(u64::from(GARBAGE) << 7); len as usize];
    let cells = |numbers: Vec<u32>| numbers.into_iter().map(Cell::new).collect::<Vec<_>>();
    let lengths = Lengths::new(&sizes, &picture);
    let (file, pieces) = (cells(file.collect()), cells(pieces));
    let palette = cells(input.palette.to_vec());
    let own_control = cells(vec![0; control::WORDS as usize]);
    own_control[control::STATUS as usize].set(status::UNFINISHED);
    let (data, candidates) = (words(lengths.data), words(lengths.candidates));
    let (hits, headers) = (words(lengths.hits), words(lengths.headers));
    let (tables, ranges) = (words(lengths.tables), words(lengths.ranges));
    let (range_lengths, places) = (longs(lengths.lengths), longs(lengths.lengths));
    let (jumps, sums) = (words(lengths.jumps), longs(lengths.jumps));
    let (sections, section_sums) = (words(lengths.sections), longs(lengths.section_sums));
    let (subsequences, stored) = (words(lengths.subsequences), words(lengths.stored));
    let (open_tiles, checksums) = (words(lengths.open_tiles), words(lengths.checksums));
    let (filters, strips) = (words(lengths.filters), words(lengths.strips));
    let mut work = Work {
        picture,
        room: sizes.room,
        file: Cells(&file),
        pieces: Cells(&pieces),
        piece_count: input.pieces.len() as u32,
        end: sizes.end(),
        data: Cells(&data),
        control: Cells(&own_control),
        hits: Cells(&hits),
        candidates: Cells(&candidates),
        headers: Cells(&headers),
        tables: Cells(&tables),
        ranges: Cells(&ranges),
        lengths: Cells(&range_lengths),
        places: Cells(&places),
        jumps: Cells(&jumps),
        sums: Cells(&sums),
        sections: Cells(&sections),
        section_sums: Cells(&section_sums),
        subsequences: Cells(&subsequences),
        stored: Cells(&stored),
        tokens: Cells(&[]),
        links: Cells(&[]),
        open_tiles: Cells(&open_tiles),
        checksums: Cells(&checksums),
        filters: Cells(&filters),
        strips: Cells(&strips),
        planes: Cells(&[]),
        hand_over: Cells(&[]),
        palette: Cells(&palette),
        pixels: Cells(&[]),
    };
    let wrong = || own_control[control::STATUS as usize].get();
    let run = |launches: &[Launch], work: &Work<_, _>| {
        for &launch in launches {
            run(launch, work, input.backwards);
        }
    };
    // In parts, as files are uploaded.
    let mut from = 0;
    while from < sizes.data_words() {
        let to = sizes.data_words().min(from + 3 * PART_WORDS);
        run(&sizes.part(from..to), &work);
        from = to;
    }
    run(&sizes.first(), &work);
    for _ in 0..TRIES.iter().sum() {
        run(&sizes.round(), &work);
    }
    if wrong() != 0 {
        return Err(wrong());
    }
    // Allocated only now, as damaged data may claim a picture of any size.
    let tokens = vec![Cell::new(0); lengths.tokens as usize];
    let (links, planes) = (words(lengths.links()), words(lengths.planes));
    let hand_over = vec![Cell::new(0); lengths.hand_over as usize];
    let pixels = words(lengths.pixels);
    work.tokens = Cells(&tokens);
    work.links = Cells(&links);
    work.planes = Cells(&planes);
    work.hand_over = Cells(&hand_over);
    work.pixels = Cells(&pixels);
    run(&sizes.last(&picture), &work);
    match wrong() {
        0 => Ok(pixels.into_iter().map(Cell::into_inner).collect()),
        wrong => Err(wrong),
    }
}

/// A file that has these pieces of data, and for each piece its offset in the file and in the data.
fn file_of(all: &[&[u8]]) -> (Vec<u8>, Vec<u32>) {
    let (mut file, mut pieces) = (Vec::new(), Vec::new());
    let mut start = 0;
    for piece in all {
        // As in a file, other bytes are between the pieces.
        file.extend([0x55; 5]);
        pieces.extend([file.len() as u32, start as u32]);
        file.extend_from_slice(piece);
        start += piece.len();
    }
    (file, pieces)
}

/// Runs the thread blocks of a launch in order.
fn run<'a>(launch: Launch, work: &Work<Cells<'a, u32>, Cells<'a, u64>>, backwards: bool) {
    let shared = vec![Cell::new(GARBAGE); launch.kernel.shared() as usize];
    for index in launch.first..launch.first + launch.blocks {
        let block = Block {
            index,
            launch,
            shared: &shared,
            backwards,
        };
        run_block(&block, work, launch.kernel);
    }
}

fn run_block(block: &Block<'_>, work: &Work<Cells<'_, u32>, Cells<'_, u64>>, kernel: Kernel) {
    match kernel {
        Kernel::Gather => find::gather(block, work),
        Kernel::Find => find::find(block, work),
        Kernel::Check => check::check(block, work),
        Kernel::Tables => tables::tables(block, work),
        Kernel::Synchronize => synchronize::synchronize(block, work, false),
        Kernel::Resynchronize => synchronize::synchronize(block, work, true),
        Kernel::Chain => chain::chain(block, work),
        Kernel::Write => write::write(block, work),
        Kernel::Expand => copies::expand(block, work),
        Kernel::Jump => copies::jump(block, work),
        Kernel::Pack => pack::pack(block, work),
        Kernel::Strips => pack::strips(block, work),
        Kernel::Unfilter => unfilter::unfilter(block, work),
        Kernel::Pixels => pixels::pixels(block, work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gray pixels as deflated by zlib's strategy Z_HUFFMAN_ONLY: one block with codes of its own.
    const DATA: [&str; 2] = [
        "780105c101010000008220a6b7c4ad01052102414b80420908",
        "2d600811a51049842805481a45d5ac02219a0138849a223f",
    ];
    /// Their rows, each with its filter, which is none.
    const ROWS: [&str; 4] = [
        "00009e9e000000009e0000009e00009e00000000009e000000009e809e009e000000000000009e9e00",
        "00009e9e009e0000000000009e0000009e809e000000000000800000009e0000009e00009e00009e9e",
        "009e9e0000009e00009e009e009e00009e0000009e00009e9e009e9e000000000000009e009e009e80",
        "00009e9e00009e9e9e9e8000809e9e9e00000000009e0000009e00009e800080000000000000000000",
    ];

    fn bytes(text: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn a_few_bytes_are_decoded() {
        let picture = Picture {
            width: 40,
            height: 4,
            depth: 8,
            ..Picture::default()
        };
        let pieces = DATA.map(bytes);
        let expected: Vec<u8> = ROWS.iter().flat_map(|row| bytes(&row[2..])).collect();
        for backwards in [false, true] {
            let words = decode(Input {
                picture,
                pieces: &[&pieces[0], &pieces[1]],
                palette: &[],
                backwards,
            });
            let pixels = words.unwrap().into_iter().flat_map(u32::to_le_bytes);
            assert_eq!(pixels.collect::<Vec<_>>(), expected);
        }
    }
}
