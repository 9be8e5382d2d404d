//! Where the blocks of a scan begin: the sequential half of decoding, as a kernel does it.
//!
//! What a bit means depends on everything before it. So one thread goes from symbol to symbol, and all that
//! can be known without it is prepared by others:
//!
//! - An [`entry`](entry::entry) for each bit of the data: what the symbol means that would begin there.
//! - A [slot](slots) for each block and each number of zeros that have been passed in it: how many correction
//!   bits have come by then, all blocks before included.
//!
//! A step then is a look-up of the entry at a position in the data, and one of the slot that it leads to. The
//! bits of codes so far and the corrections of the slot are the next position. The end of a block is a slot
//! too: the first one of the next block.
//!
//! The thread checks nothing. It writes a [`Record`] of each step, and [`check`] finds out from the records, any
//! number at a time, whether each was allowed, where blocks begin, and which coefficients are new.
//!
//! All of this goes on in phases. In each one the [`Follower`](follower::Follower) makes some steps, while the
//! records of the last phase are checked, and entries and slots are prepared for the next one.
//!
//! A *place* is the address of a slot, which has 8 bytes: 8 times its number among the 64 of its block, and
//! [`BLOCK_PLACES`] a block. A *position* is the address of an entry: 4 times the number of a bit.

pub mod check;
#[cfg(not(target_arch = "nvptx64"))]
pub mod cpu_emulation;
pub mod entry;
pub mod follower;
pub mod slots;

/// Places of a block.
pub const BLOCK_PLACES: u32 = 512;

/// Blocks whose slots are in memory. They are used in turn.
pub const RING_BLOCKS: u32 = 32;

/// Bits whose entries are in memory, in turn.
pub const RING_BITS: u32 = 2048;

/// Steps that are made without asking what is ready.
pub const BURST: u32 = 4;

/// How far the steps of a burst and one more may lead in blocks, whatever their entries are: each one into the next
/// block, and from a slot there into the one after.
pub const BURST_BLOCKS: u32 = 2 * (BURST + 1) + 1;

/// The same in bits: an entry may state 63, and there are all corrections of two blocks.
pub const BURST_BITS: u32 = (BURST + 1) * (63 + 2 * 63);

/// The first slots of the ring lie once more behind its end, so that a burst may begin anywhere.
pub const MORE_BLOCKS: u32 = BURST_BLOCKS + 1;

/// The same of the entries.
pub const MORE_BITS: u32 = (BURST_BITS + 1).next_multiple_of(32);

/// Records of a phase at most.
pub const RECORDS: u32 = 128;

/// The blocks about which more is known than slots: those of the ring, and those whose steps are not checked yet.
pub const KNOWN_BLOCKS: u32 = 64;

/// What a step was: its entry, or [`SKIPPED`]; 4 times the corrections up to where it led; the place and the
/// position there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The entry, or [`SKIPPED`].
    pub entry: u32,
    /// 4 times the corrections.
    pub corrections: u32,
    /// The place.
    pub place: u32,
    /// The position.
    pub position: u32,
}

/// In a [`Record`]: some blocks of an end-of-block run were passed.
pub const SKIPPED: u32 = u32::MAX;
