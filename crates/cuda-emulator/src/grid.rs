//! A launch: the blocks of a grid, some of which run at the same time.

use crate::{
    execute::{Engine, Fault, FaultKind, Launch, Pause},
    memory::Memory,
    options::Options,
    program::{LANES, Program},
    shared::Shared,
    warp::Warp,
};
use std::collections::VecDeque;

/// Multiprocessors of the device, and the threads and blocks that each can have.
pub(crate) const MULTIPROCESSORS: u32 = 2;
pub(crate) const RESIDENT_THREADS: u32 = 2048;
pub(crate) const RESIDENT_BLOCKS: u32 = 16;

/// Instructions of a warp before the next one has its turn, and such rounds of a block.
const SLICE: u32 = 4096;
const ROUNDS: u32 = 4;

/// What a launch cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) instructions: u64,
}

/// A launch that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FaultKind,
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Waits,
    Ended,
}

struct Block {
    index: [u32; 3],
    shared: Shared,
    warps: Vec<Warp>,
    states: Vec<State>,
    any: bool,
}

/// Random numbers of a seed, or none.
struct Order(Option<u64>);

impl Order {
    /// A number below `n`, or `usual` without a seed.
    fn below(&mut self, n: u32, usual: u32) -> u32 {
        let Some(state) = &mut self.0 else {
            return usual;
        };
        // Xorshift, by Marsaglia.
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        ((*state >> 33) % u64::from(n.max(1))) as u32
    }

    fn is_random(&self) -> bool {
        self.0.is_some()
    }
}

pub(crate) struct Grid<'a> {
    pub(crate) program: &'a Program,
    pub(crate) memory: &'a Memory,
    pub(crate) launch: &'a Launch,
    pub(crate) options: &'a Options,
}

impl Grid<'_> {
    pub(crate) fn run(&self) -> Result<Cost, Failure> {
        let [x, y, z] = self.launch.grid.map(u64::from);
        let blocks = x * y * z;
        let threads: u32 = self.launch.block.iter().product();
        let each = (RESIDENT_THREADS / threads.max(1)).clamp(1, RESIDENT_BLOCKS);
        let most = u64::from(MULTIPROCESSORS * each);
        let mut next = 0;
        let mut resident: VecDeque<Block> = VecDeque::new();
        let seed = self
            .options
            .seed
            .map(|seed| seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (mut order, mut cost) = (Order(seed), Cost::default());
        let mut known = Box::new([(0, 0); 64]);
        let mut idle: Vec<Block> = Vec::new();
        loop {
            while (resident.len() as u64) < most && next < blocks {
                let mut block = idle.pop().unwrap_or_else(|| self.block(threads));
                self.start(&mut block, next, threads);
                resident.push_back(block);
                next += 1;
            }
            let count = resident.len() as u32;
            if count == 0 {
                return Ok(cost);
            }
            let at = order.below(count, 0) as usize;
            let Some(mut block) = resident.remove(at) else {
                return Ok(cost);
            };
            let ended = self.turn(&mut block, &mut order, &mut cost, &mut known)?;
            match ended {
                true => idle.push(block),
                false => resident.push_back(block),
            }
            if cost.instructions > self.options.most_instructions {
                let message = format!("{} does not end", self.program.name);
                return Err(Failure {
                    kind: FaultKind::Timeout,
                    message,
                });
            }
        }
    }

    fn block(&self, threads: u32) -> Block {
        let dynamic = self.launch.dynamic_shared as usize;
        let finds_races =
            self.options.finds_races && !self.options.races_meant.contains(&self.program.name);
        let warps = threads.div_ceil(LANES as u32);
        Block {
            index: [0; 3],
            shared: Shared::new(self.program, dynamic, finds_races),
            warps: (0..warps)
                .map(|number| Warp::new(self.program, number))
                .collect(),
            states: vec![State::Ready; warps as usize],
            any: false,
        }
    }

    fn start(&self, block: &mut Block, number: u64, threads: u32) {
        let [x, y, _] = self.launch.grid.map(u64::from);
        block.index = [number % x, number / x % y, number / x / y].map(|n| n as u32);
        block.shared.reset();
        block.any = false;
        for (warp, state) in block.warps.iter_mut().zip(&mut block.states) {
            let first = warp.number * LANES as u32;
            warp.start(self.program.entry, threads - first);
            *state = State::Ready;
        }
    }

    /// Runs a block for a while; true if it has ended.
    fn turn(
        &self,
        block: &mut Block,
        order: &mut Order,
        cost: &mut Cost,
        known: &mut [(u64, u64); 64],
    ) -> Result<bool, Failure> {
        for _ in 0..ROUNDS {
            let count = block.warps.len() as u32;
            for at in 0..count {
                let at = order.below(count, at) as usize;
                if block.states[at] != State::Ready {
                    continue;
                }
                let slice = 1 + order.below(SLICE, SLICE);
                // Some turns are very short, so that warps interleave closely.
                let slice = if order.is_random() && order.below(2, 0) == 0 {
                    1 + slice % 32
                } else {
                    slice
                };
                let mut budget = slice;
                let pause = self.engine(block, at, known).run(&mut budget);
                cost.instructions += u64::from(slice - budget);
                block.states[at] = match pause {
                    Ok(Pause::Slice) => State::Ready,
                    Ok(Pause::Barrier) => State::Waits,
                    Ok(Pause::Ended) => State::Ended,
                    Err(fault) => return Err(self.failure(block, at, fault)),
                };
            }
            if block.states.iter().all(|state| *state == State::Ended) {
                return Ok(true);
            }
            if !block.states.contains(&State::Ready) {
                self.release(block)?;
            }
        }
        Ok(false)
    }

    fn engine<'b>(
        &'b self,
        block: &'b mut Block,
        at: usize,
        known: &'b mut [(u64, u64); 64],
    ) -> Engine<'b> {
        Engine {
            program: self.program,
            memory: self.memory,
            launch: self.launch,
            shared: &mut block.shared,
            warp: &mut block.warps[at],
            block: block.index,
            any: &mut block.any,
            known,
        }
    }

    /// Lets all warps go on behind the barrier that they are at.
    fn release(&self, block: &mut Block) -> Result<(), Failure> {
        let any = std::mem::take(&mut block.any);
        if let Some(race) = &mut block.shared.race {
            race.barrier();
        }
        for at in 0..block.warps.len() {
            if block.states[at] != State::Waits {
                continue;
            }
            block.states[at] = State::Ready;
            let pc = block.warps[at].pc;
            if !block.warps[at].pass(self.program, any) {
                let fault = Fault {
                    kind: FaultKind::DivergentBarrier,
                    address: 0,
                    lane: 0,
                    pc,
                };
                return Err(self.failure(block, at, fault));
            }
        }
        Ok(())
    }

    fn failure(&self, block: &Block, warp: usize, fault: Fault) -> Failure {
        let what = match fault.kind {
            FaultKind::Address => format!("address {:#x} is in no memory", fault.address),
            FaultKind::Misaligned => format!("address {:#x} is not aligned", fault.address),
            FaultKind::Deadlock => "lanes of a warp wait for each other".into(),
            FaultKind::DivergentBarrier => "lanes of a warp are at different barriers".into(),
            FaultKind::Race => format!("two warps use {:#x} between two barriers", fault.address),
            FaultKind::Panic => self.panic_name(fault.address),
            FaultKind::Trap => "trap".into(),
            FaultKind::Table => format!("a jump to target {} of a shorter list", fault.address),
            FaultKind::Timeout => "does not end".into(),
        };
        let thread = warp as u32 * LANES as u32 + fault.lane;
        let line = self
            .program
            .code
            .get(fault.pc as usize)
            .map_or(0, |i| i.line);
        let [x, y, z] = block.index;
        let name = &self.program.name;
        let message = format!(
            "{name}: block ({x}, {y}, {z}), thread {thread}, line {line} of the PTX: {what}"
        );
        Failure {
            kind: fault.kind,
            message,
        }
    }

    fn panic_name(&self, start: u64) -> String {
        let mut functions = self.program.functions.iter();
        let found = functions.find(|(at, _)| u64::from(*at) == start);
        found.map_or_else(|| "panic".into(), |(_, name)| format!("call of {name}"))
    }
}
