//! From symbol to symbol.

use super::{
    BLOCK_PLACES, BURST, BURST_BITS, BURST_BLOCKS, MORE_BITS, MORE_BLOCKS, RECORDS, RING_BITS,
    RING_BLOCKS, Record, SKIPPED,
    entry::{self, RUNS},
};

/// The memory that a follower looks things up in, and writes to. The numbers are those of its rings, with the parts
/// behind their ends.
pub trait Memory: Copy {
    /// The entry at a position.
    fn entry(self, position: u32) -> u32;

    /// 4 times the corrections of the slot at a place, and the place where it goes on.
    fn slot(self, place: u32) -> (u32, u32);

    /// Writes record number `number` of this phase.
    fn record(self, number: u32, record: Record);
}

/// Up to where there are slots and entries: a place and a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The place after the last slot.
    pub place: u32,
    /// The position after the last entry.
    pub position: u32,
}

/// A scan while it is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Follower {
    /// The place that was reached.
    pub place: u32,
    /// The position that was reached.
    pub position: u32,
    /// 4 times the bits of codes and their values so far. With the corrections so far it is the position.
    pub codes: u32,
    /// Blocks of an end-of-block run that are left.
    pub run: u32,
}

const RING_PLACES: u32 = RING_BLOCKS * BLOCK_PLACES;
const RING_POSITIONS: u32 = 4 * RING_BITS;

/// Where the rings are while steps do not go round.
#[derive(Clone, Copy)]
struct Lap {
    /// What to subtract from places and positions.
    place: u32,
    position: u32,
    /// What must not be read, as it is not ready or past the rings.
    end: Ready,
    /// From where on the steps of a burst and one more could come to that.
    close: Ready,
}

impl Lap {
    #[inline(always)]
    fn new(follower: &Follower, ready: Ready) -> Self {
        let place = follower.place & !(RING_PLACES - 1);
        let position = follower.position & !(RING_POSITIONS - 1);
        let most = Ready {
            place: place + RING_PLACES + MORE_BLOCKS * BLOCK_PLACES,
            position: position + RING_POSITIONS + 4 * MORE_BITS,
        };
        let end = Ready {
            place: most.place.min(ready.place),
            position: most.position.min(ready.position),
        };
        Self {
            place,
            position,
            end,
            close: Ready {
                place: end.place.saturating_sub(BURST_BLOCKS * BLOCK_PLACES),
                position: end.position.saturating_sub(4 * BURST_BITS),
            },
        }
    }
}

impl Lap {
    #[inline(always)]
    fn may_burst(&self, place: u32, position: u32, count: u32) -> bool {
        // No short circuits, as these are beside the steps.
        (place < self.close.place) & (position < self.close.position) & (count + BURST <= RECORDS)
    }
}

impl Follower {
    /// Makes steps as far as there are entries, slots and records. Returns the number of records.
    #[inline(always)]
    pub fn follow<M: Memory>(&mut self, memory: M, ready: Ready) -> u32 {
        let mut count = 0;
        // Steps to be made one by one.
        let mut slow = 0;
        loop {
            let lap = Lap::new(self, ready);
            if self.run == 0 && slow == 0 {
                if lap.may_burst(self.place, self.position, count) {
                    slow = self.bursts(memory, &lap, &mut count);
                    continue;
                }
                // More is ready in the next phase, unless nothing was done in this one.
                if count > 0 {
                    return count;
                }
            }
            if count >= RECORDS || !self.step(memory, &lap, count) {
                return count;
            }
            count += 1;
            slow = u32::saturating_sub(slow, 1);
        }
    }

    /// Makes bursts of steps until none may begin. A burst in which a run begins is taken back; then this returns
    /// how many steps it has.
    #[inline(always)]
    fn bursts<M: Memory>(&mut self, memory: M, lap: &Lap, count: &mut u32) -> u32 {
        let (mut place, mut codes) = (self.place, self.codes.wrapping_sub(lap.position));
        // From the start of the ring, so that a look-up takes one addition.
        let mut at = self.position - lap.position;
        let mut entry = memory.entry(at);
        loop {
            let (mut flags, mut goes_on) = (0, false);
            let mut i = 0;
            while i < BURST {
                if i + 1 == BURST {
                    // One step early, so that the next one does not wait for it.
                    goes_on = lap.may_burst(place, at + lap.position, *count + BURST);
                }
                let to = entry::next_place(place, entry);
                let (corrections, next) = memory.slot(to - lap.place);
                codes = codes.wrapping_add(entry::length(entry));
                place = next;
                at = codes.wrapping_add(corrections);
                flags |= entry;
                let record = Record {
                    entry,
                    corrections,
                    place,
                    position: at + lap.position,
                };
                // Everything waits for this, and nothing for the record. After the last step it may be for nothing.
                entry = memory.entry(at);
                memory.record(*count + i, record);
                i += 1;
            }
            if flags & RUNS != 0 {
                return BURST;
            }
            *count += BURST;
            self.place = place;
            self.position = at + lap.position;
            self.codes = codes.wrapping_add(lap.position);
            if !goes_on {
                return 0;
            }
        }
    }

    /// Makes a step, or passes blocks of a run. Returns whether what that needs was ready.
    #[inline(always)]
    fn step<M: Memory>(&mut self, memory: M, lap: &Lap, number: u32) -> bool {
        let (mut entry, mut to, mut run) = (SKIPPED, self.place, 0);
        let mut codes = self.codes;
        if self.run > 0 {
            let ready = lap.end.place.saturating_sub(self.place + 1) / BLOCK_PLACES;
            let blocks = self.run.min(ready);
            if blocks == 0 {
                return false;
            }
            to += blocks * BLOCK_PLACES;
            run = self.run - blocks;
        } else {
            if self.position >= lap.end.position {
                return false;
            }
            entry = memory.entry(self.position - lap.position);
            to = match entry & RUNS {
                0 => entry::next_place(to, entry),
                _ => entry::next_block(to),
            };
            if to >= lap.end.place {
                return false;
            }
            if entry & RUNS != 0 {
                run = entry::run(entry);
            }
            codes += entry::any_length(entry);
        }
        let (corrections, place) = memory.slot(to - lap.place);
        *self = Self {
            place,
            position: codes + corrections,
            codes,
            run,
        };
        memory.record(
            number,
            Record {
                entry,
                corrections,
                place,
                position: self.position,
            },
        );
        true
    }
}
