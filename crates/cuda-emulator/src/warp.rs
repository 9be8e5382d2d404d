//! The state of a warp, and which of its lanes run next.

use crate::program::{CONSTANT, LANES, Op, Program, Row};

/// A warp's lanes change turns after so many instructions, if some are ready that are further.
const TURN: u32 = 4096;

/// How long those run.
const SHORT_TURN: u32 = 512;

/// Why no lane of a warp can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// All have ended.
    Ended,
    /// All that live are at a barrier of the block.
    Barrier,
    /// Lanes wait for lanes that wait elsewhere.
    Stuck,
}

#[derive(Debug)]
pub(crate) struct Warp {
    pub(crate) r32: Vec<[u32; LANES]>,
    pub(crate) r64: Vec<[u64; LANES]>,
    pub(crate) predicates: Vec<u32>,
    /// Where the lanes are that do not run.
    pcs: [u32; LANES],
    /// Lanes that have not ended.
    pub(crate) live: u32,
    /// Lanes at a barrier of the block.
    pub(crate) waiting: u32,
    /// Lanes at an instruction that all lanes of the warp execute together.
    meeting: u32,
    /// The lanes that run.
    pub(crate) active: u32,
    pub(crate) pc: u32,
    /// All bits set for lanes that run.
    pub(crate) mask32: [u32; LANES],
    pub(crate) mask64: [u64; LANES],
    /// Others are ready from here on.
    pub(crate) stop: u32,
    /// Instructions before lanes that are further may run. Lanes that part do not begin it anew, as
    /// lanes that spin may part again and again. It is never 0 while a lane runs.
    pub(crate) turn: u32,
    /// The number of the warp in its block.
    pub(crate) number: u32,
    /// Local memory of all lanes, one after the other.
    pub(crate) local: Vec<u8>,
}

impl Warp {
    pub(crate) fn new(program: &Program, number: u32) -> Self {
        Self {
            r32: vec![[0xCDCD_CDCD; LANES]; program.rows.r32],
            r64: vec![[0xCDCD_CDCD_CDCD_CDCD; LANES]; program.rows.r64],
            predicates: vec![0; program.rows.predicates],
            pcs: [0; LANES],
            live: 0,
            waiting: 0,
            meeting: 0,
            active: 0,
            pc: 0,
            mask32: [0; LANES],
            mask64: [0; LANES],
            stop: 0,
            turn: TURN,
            number,
            local: vec![0xCD; program.local_bytes * LANES],
        }
    }

    /// Starts with the first `threads` lanes.
    pub(crate) fn start(&mut self, entry: u32, threads: u32) {
        self.live = if threads >= 32 {
            u32::MAX
        } else {
            (1 << threads) - 1
        };
        (self.waiting, self.meeting) = (0, 0);
        self.pcs = [entry; LANES];
        (self.stop, self.turn) = (u32::MAX, TURN);
        self.run(entry, self.live);
    }

    fn run(&mut self, pc: u32, active: u32) {
        self.pc = pc;
        if self.active == active {
            return;
        }
        self.active = active;
        for lane in 0..LANES {
            let bit = (active >> lane) & 1;
            self.mask32[lane] = bit.wrapping_neg();
            self.mask64[lane] = u64::from(bit).wrapping_neg();
        }
    }

    /// Sets where lanes are.
    pub(crate) fn place(&mut self, lanes: u32, pc: u32) {
        for lane in 0..LANES {
            let mask = ((lanes >> lane) & 1).wrapping_neg();
            self.pcs[lane] = (pc & mask) | (self.pcs[lane] & !mask);
        }
    }

    /// Chooses the ready lanes that are least far. With `after` it chooses lanes further than that,
    /// if there are some, and lets them pass all others: those may wait for what these do.
    pub(crate) fn pick(&mut self, after: Option<u32>) -> Result<(), Rest> {
        let mut ready = self.live & !self.waiting & !self.meeting;
        if ready == 0 {
            if self.live == 0 {
                return Err(Rest::Ended);
            }
            if self.meeting == 0 {
                return Err(Rest::Barrier);
            }
            let first = self.pcs[self.live.trailing_zeros() as usize];
            let all_here = self.lanes(self.live).all(|lane| self.pcs[lane] == first);
            if self.meeting != self.live || !all_here {
                return Err(Rest::Stuck);
            }
            self.meeting = 0;
            ready = self.live;
        }
        let mut lowest = self.lowest(ready, 0).unwrap_or(0);
        if let Some(after) = after
            && let Some(further) = after
                .checked_add(1)
                .and_then(|from| self.lowest(ready, from))
        {
            lowest = further;
        }
        let mut group = 0;
        for lane in 0..LANES {
            group |= u32::from(self.pcs[lane] == lowest) << lane;
        }
        group &= ready;
        if let Some(after) = after {
            self.turn = if lowest > after { SHORT_TURN } else { TURN };
        }
        self.stop = match after {
            Some(after) if lowest > after => u32::MAX,
            _ => self.lowest(ready & !group, 0).unwrap_or(u32::MAX),
        };
        self.run(lowest, group);
        Ok(())
    }

    fn lanes(&self, mask: u32) -> impl Iterator<Item = usize> + use<> {
        (0..LANES).filter(move |lane| mask >> lane & 1 != 0)
    }

    fn lowest(&self, mask: u32, from: u32) -> Option<u32> {
        let mut lowest = u32::MAX;
        for lane in 0..LANES {
            let out = ((mask >> lane) & 1).wrapping_sub(1);
            let pc = self.pcs[lane] | out | if self.pcs[lane] < from { u32::MAX } else { 0 };
            lowest = lowest.min(pc);
        }
        (lowest != u32::MAX).then_some(lowest)
    }

    /// The running lanes wait for the block.
    pub(crate) fn wait(&mut self) {
        self.place(self.active, self.pc);
        self.waiting |= self.active;
    }

    /// The running lanes wait for the rest of the warp.
    pub(crate) fn meet(&mut self) {
        self.place(self.active, self.pc);
        self.meeting |= self.active;
    }

    pub(crate) fn end(&mut self) {
        self.live &= !self.active;
    }

    /// Lets the lanes go on behind the barrier; false if they are at different ones.
    pub(crate) fn pass(&mut self, program: &Program, any: bool) -> bool {
        let Some(first) = self.lanes(self.waiting).next().map(|lane| self.pcs[lane]) else {
            return true;
        };
        let same = self.lanes(self.waiting).all(|lane| self.pcs[lane] == first);
        let instruction = &program.code[first as usize];
        if instruction.op == Op::BarrierOr {
            let row = &mut self.predicates[instruction.rows[0] as usize];
            *row = (*row & !self.waiting) | if any { self.waiting } else { 0 };
        }
        let waiting = self.waiting;
        self.waiting = 0;
        self.place(waiting, first + 1);
        same
    }

    pub(crate) fn predicate(&self, row: Row) -> u32 {
        match row & CONSTANT {
            0 => self.predicates[row as usize],
            _ => (row & 1).wrapping_neg(),
        }
    }

    pub(crate) fn set_predicate(&mut self, row: Row, value: u32) {
        let place = &mut self.predicates[row as usize];
        *place = (value & self.active) | (*place & !self.active);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warp() -> Warp {
        let mut warp = Warp::new(&Program::default(), 0);
        warp.start(5, 32);
        warp
    }

    #[test]
    fn the_lanes_that_are_least_far_run_first() {
        let mut warp = warp();
        warp.place(0xFF, 9);
        warp.pick(None).unwrap();
        assert_eq!((warp.pc, warp.active, warp.stop), (5, !0xFF, 9));
        warp.pick(Some(5)).unwrap();
        assert_eq!((warp.pc, warp.active, warp.stop), (9, 0xFF, u32::MAX));
    }

    #[test]
    fn lanes_that_meet_go_on_together() {
        let mut warp = warp();
        warp.place(0xFF, 9);
        warp.pick(None).unwrap();
        warp.pc = 9;
        warp.meet();
        warp.pick(None).unwrap();
        assert_eq!(warp.active, 0xFF);
        warp.meet();
        warp.pick(None).unwrap();
        assert_eq!((warp.pc, warp.active), (9, u32::MAX));
    }

    #[test]
    fn lanes_that_wait_at_different_places_are_stuck() {
        let mut warp = warp();
        warp.place(0xFF, 9);
        warp.pick(None).unwrap();
        warp.meet();
        warp.pick(None).unwrap();
        warp.wait();
        assert_eq!(warp.pick(None), Err(Rest::Stuck));
    }
}
