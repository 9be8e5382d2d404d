//! The decoder of a sequential scan that many threads run at once.
//!
//! # The problem
//!
//! The data of a scan are Huffman codes without gaps. Where the next code begins is known only once
//! the current one is read. But Huffman codes *synchronise themselves*: a decoder that starts at a
//! wrong bit sooner or later ends a code where a correct decoder ends one too. From there on both
//! decode the same. Klein and Wiseman ("Parallel Huffman Decoding with Applications to JPEG Files",
//! 2003) decode in parallel by that. Weißenberger and Schmidt do it on GPUs ("Massively Parallel
//! Huffman Decoding on GPUs", 2018; "Accelerating JPEG Decompression on GPUs", 2021). This decoder
//! is of that family.
//!
//! # Glossary
//!
//! In brackets: the word of the papers, or of the standard (T.81), where there is another one.
//!
//! - **segment** (entropy-coded segment): the data between two restart markers. DC predictions start
//!   again with each.
//! - **subsequence**: 64 bytes of a segment, or fewer at its end. One thread decodes it.
//! - **boundary**: the bit where one subsequence ends and the next begins.
//! - **section** (sequence): 64 subsequences in a row. The first pass has a thread block for each.
//! - **warm-up**: the subsequences just before a section. The section's thread block decodes them
//!   too, so that decoders are synchronised when they reach the section. (The papers instead repeat a
//!   pass over the sequences until nothing changes.)
//! - **group**: 256 subsequences in a row, so 4 sections. The second pass has a thread block for each.
//! - **data unit**, **unit**: a block of 8x8 samples, in the order of the scan. The units of an MCU
//!   are numbered from 0.
//! - **state** (`p`, `c` and `z` of a synchronisation point): where a decoder is when it crosses a
//!   boundary. It is three numbers: the bits past the boundary, the unit in its MCU, and the index of
//!   the next coefficient in its block.
//! - **guess**: a decoder that starts at a boundary as if a block of a certain unit began there. (The
//!   papers make one guess: unit 0.)
//! - **node**: a state that a decoder had at a boundary, with a link to the node that followed.
//! - **slot**: one of the 16 places for nodes at a boundary. The last one is always empty.
//! - **entry**: what is known of a section, or of a subsequence, before it is decoded from its correct
//!   state.
//! - **exit**: what follows from one slot of a section: the state after the section, and the units
//!   that end in it.
//! - **synchronised**: in the same state as the correct decoder, from some boundary on.
//!
//! # The algorithm
//!
//! ```text
//! jpeg_unstuff: a thread for each 16 bytes of the file
//!     drop what is not data: restart markers, and the 0x00 after each 0xff
//!     write the rest so that each segment begins at a boundary
//!
//! jpeg_synchronize: a thread block for each section, a thread for each subsequence and guess
//!     if the subsequence begins a segment:       // its state is known, so one guess is enough
//!         node = ROOT, in slot 0
//!     else:
//!         node = none, state = block start of the guessed unit
//!     loop:
//!         decode to the end of the subsequence; units = number of blocks that ended
//!         state = (bits past the boundary, unit, index in the block)
//!         (slot, is new) = nodes[boundary].insert(state)     // compare and swap, slot after slot
//!         if node: node.link = slot, node.units = units
//!         stop if the state is not new               // another decoder goes on from here
//!         stop if the segment or the section ends
//!         node = (boundary, slot); go on with the next subsequence
//!     then, for each slot of the section's first boundary:
//!         follow the links to the section's last boundary, and add up the units on the way
//!         exits[slot] = (state there, sum of units)
//!
//! jpeg_mend, twice: a warp for each section
//!     wanted = the states of the exits of the section before
//!     stop if the first boundary has nodes of all of them, and all its nodes have exits
//!     insert the wanted states at the first boundary, before its own, as far as it has slots
//!     drop all other nodes, but for segment starts
//!     decode from all of these as in jpeg_synchronize, without guesses
//!     exits = as in jpeg_synchronize
//!
//! jpeg_join: a thread block for each scan
//!     slot = 0                                       // the first section begins a segment
//!     for each section in order:
//!         entries[section] = (slot, units of all sections before)
//!         slot = the slot of the next section's first boundary with the state exits[slot].state
//!     // A section maps 16 slots to 16 slots, whichever of them is correct. So runs of 32 sections
//!     // are composed in parallel, and only the runs are followed in order.
//!
//! jpeg_write: a thread block for each group, a thread for each subsequence
//!     follow the links from the entry of its section: state, and units of the segment before
//!     decode the subsequence again, from the correct state:
//!         block = the block of the picture with that number of units before it
//!         coefficients[block] = the coefficients that are not zero
//!         its DC = sum of the differences so far in this subsequence
//!         block_origins[block] = this subsequence
//!     dc_sums[subsequence] = sum of the differences before it, in its segment and group
//!     group_dc[group].own = sum of the differences in the group, from its last segment start on
//!     in the last thread block of the scan, a thread for each group:
//!         group_dc[group].before = sum of `own` over the earlier groups that its first segment spans,
//!             as the difference of two prefix sums
//!
//! jpeg_inverse: eight threads for each block
//!     DC += dc_sums[origin of the block] + group_dc[its group].before
//!     dequantise, inverse DCT, samples
//!
//! jpeg_to_f32, jpeg_to_u8, jpeg_to_shaped, jpeg_to_bytes: a thread for each 8 x 2 pixels
//!     upsample, convert the colours, write pixels
//! ```
//!
//! The correct path is never guessed: it starts at a segment's start, and each link was made by a
//! decoder that really went from one state to the other. The path may break off: in data with many
//! bits a block, no decoder may have the correct state when the warm-up ends, or a boundary may have
//! more than 15 states. `jpeg_mend` then decodes the section from the exits of the one before. It starts
//! from at most 15 states, so no boundary runs out of slots; and the correct state is among them if any
//! decoder synchronised within 64 subsequences. If the path is still broken, the scan gets
//! [`status::UNSYNCHRONIZED`](super::scan::status::UNSYNCHRONIZED), and the CPU decodes the file.
//!
//! What differs from the papers: a guess for each unit of the MCU, as decoders find the correct bit
//! soon but the correct unit late; all states kept, as nodes, instead of the last one; and
//! `jpeg_join` instead of passes that are repeated.

mod synchronize;
mod write;

use super::{
    bits::{BitReader, WordSource},
    huffman::ScanTables,
    scan::{Scan, State, Subsequence},
    sections::Node,
    table_entry::{STEP_BITS, Step},
};

/// Threads that take every step together. All of them have to go on until none is active.
pub trait Lockstep {
    /// Whether any of the threads is still active.
    fn any(&self, is_active: bool) -> bool;
}

/// A thread that has no others beside it.
#[derive(Clone, Copy, Debug)]
pub struct SingleThread;

impl Lockstep for SingleThread {
    #[inline(always)]
    fn any(&self, is_active: bool) -> bool {
        is_active
    }
}

/// The nodes at the boundaries of a section and its warm-up. Boundary `at` is the one before
/// subsequence `at`.
pub trait Nodes: Copy {
    /// Finds the slot of a state at a boundary, or puts it into an empty one. Returns the slot
    /// ([`NO_SLOT`](super::sections::NO_SLOT) if all are taken), and whether the state is new.
    fn insert(self, at: u32, state: State) -> (u32, bool);

    /// Replaces a node that was inserted by one of the same state that has a link.
    fn update(self, at: u32, slot: u32, node: Node);

    /// The number of subsequences.
    fn count(self) -> u32;
}

/// Where the second pass writes what it decodes.
pub trait Output {
    /// The sum of a component's DC differences so far in the subsequence.
    fn dc_sum(&self, component: u32) -> i16;

    /// Goes on with a block that began before the subsequence.
    fn resume_block(&mut self, block: u32);

    /// Begins a block, and sets the sum of its component.
    fn begin_block(&mut self, block: u32, component: u32, sum: i16);

    /// Writes a coefficient that is not zero to place `at` of the block, below 64.
    fn put(&mut self, at: u32, value: i16);
}

/// How far a decoder has come. The lowest 8 bits are the index of the next coefficient of its
/// block, in zigzag order. The others count the bits since the start of its first subsequence. A
/// [`Step`] has the same form, so one addition advances both.
type Position = u32;

/// The bits of a [`Position`] that are set once a block has ended: its index is 64 or more.
const BLOCK_ENDED: Position = 0xc0;

/// A decoder somewhere in a scan.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a, T: ScanTables, W> {
    scan: &'a Scan,
    tables: T,
    /// The table of the next symbol, and the one of all symbols of the block but the first.
    table: T::Table,
    ac_table: T::Table,
    /// Both tables of the next block, looked up ahead of time.
    next_tables: [T::Table; 2],
    /// The data unit in its MCU, and the two after it.
    unit: T::Unit,
    next_unit: T::Unit,
    second_next_unit: T::Unit,
    reader: BitReader<W>,
    subsequence: Subsequence,
    position: Position,
    /// The end of the subsequence, and of the segment.
    limit: Position,
    segment_end: Position,
}

impl<'a, T: ScanTables, W: WordSource> Decoder<'a, T, W> {
    /// A decoder at the start of a subsequence, in the state `from`.
    #[inline(always)]
    pub fn new(scan: &'a Scan, tables: T, words: W, subsequence: Subsequence, from: State) -> Self {
        let start = subsequence.number * scan.subsequence_bits;
        let unit = tables.unit(from.unit());
        let ([dc, ac], next) = tables.tables(unit);
        let (next_tables, second_next_unit) = tables.tables(next);
        // A position has 24 bits for bits. No decoder gets as far as the limit that this sets.
        let end = (subsequence.segment_end - start).min(1 << 23) << STEP_BITS;
        Self {
            scan,
            tables,
            table: if from.index() == 0 { dc } else { ac },
            ac_table: ac,
            next_tables,
            unit,
            next_unit: next,
            second_next_unit,
            reader: BitReader::new(words, start + from.overshoot()),
            subsequence,
            position: from.overshoot() << STEP_BITS | from.index(),
            limit: (scan.subsequence_bits << STEP_BITS).min(end),
            segment_end: end,
        }
    }

    /// Whether it has decoded all symbols that begin in the subsequence.
    #[inline(always)]
    fn is_done(&self) -> bool {
        self.position >= self.limit
    }

    /// Advances by a step. Where `is_one` does not hold, the step is 0 and nothing changes. Returns
    /// whether a block has ended.
    #[inline(always)]
    fn advance(&mut self, step: Step, is_one: bool) -> bool {
        let before = self.position;
        self.position += step;
        let goes_on = (before ^ self.position) & 32 << STEP_BITS != 0;
        let position = self.position >> STEP_BITS;
        self.reader.take(step >> STEP_BITS, goes_on, position);
        let ends = self.position & BLOCK_ENDED != 0;
        if is_one {
            self.table = self.ac_table;
        }
        if ends {
            self.position &= !0xff;
            [self.table, self.ac_table] = self.next_tables;
            (self.unit, self.next_unit) = (self.next_unit, self.second_next_unit);
            (self.next_tables, self.second_next_unit) = self.tables.tables(self.next_unit);
        }
        ends
    }
}
