//! Executes instructions for the running lanes of a warp.

mod bits;
mod float;
mod integer;
mod memory;
mod rows;
mod together;

use crate::{
    memory::Memory,
    program::{AtomicOp, Instruction, LANES, Op, PredicateOp, Program, Special},
    shared::Shared,
    warp::{Rest, Warp},
};

/// As many instructions count those with which lanes look whether others have done something. Whoever
/// waits so soon gives way.
const LOOK: u32 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Address,
    Misaligned,
    /// Lanes or warps that wait for each other.
    Deadlock,
    /// Lanes of a warp at different barriers.
    DivergentBarrier,
    Race,
    Panic,
    Trap,
    Table,
    Timeout,
}

/// What went wrong, in which lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) address: u64,
    pub(crate) lane: u32,
    pub(crate) pc: u32,
}

/// Why a warp pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Its time is over.
    Slice,
    Barrier,
    Ended,
}

/// What is the same for all blocks of a launch.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared: u32,
    pub(crate) parameters: Vec<u8>,
}

/// Where to go on.
enum Flow {
    Next,
    /// The same, after a look at what others may write.
    Look,
    Jump(u32),
    /// The lanes are at different places, or wait.
    Pick,
}

pub(crate) struct Engine<'a> {
    pub(crate) program: &'a Program,
    pub(crate) memory: &'a Memory,
    pub(crate) launch: &'a Launch,
    pub(crate) shared: &'a mut Shared,
    pub(crate) warp: &'a mut Warp,
    pub(crate) block: [u32; 3],
    /// Whether a lane has brought true to a barrier that collects that.
    pub(crate) any: &'a mut bool,
    /// Allocations that were used last, by the instruction.
    pub(crate) known: &'a mut [(u64, u64); 64],
}

impl Engine<'_> {
    /// Runs for at most `budget` instructions, which it takes from there.
    pub(crate) fn run(&mut self, budget: &mut u32) -> Result<Pause, Fault> {
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            // SAFETY: the processor has all of the instructions.
            return unsafe { self.run_avx2(budget) };
        }
        self.run_here(budget)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn run_avx2(&mut self, budget: &mut u32) -> Result<Pause, Fault> {
        self.run_here(budget)
    }

    #[inline(always)]
    fn run_here(&mut self, budget: &mut u32) -> Result<Pause, Fault> {
        let mut after = None;
        loop {
            match self.warp.pick(after.take()) {
                Ok(()) => {}
                Err(Rest::Ended) => return Ok(Pause::Ended),
                Err(Rest::Barrier) => return Ok(Pause::Barrier),
                Err(Rest::Stuck) => return Err(self.fault(FaultKind::Deadlock, 0, 0)),
            }
            let stop = self.warp.stop;
            loop {
                if *budget == 0 {
                    self.warp.place(self.warp.active, self.warp.pc);
                    return Ok(Pause::Slice);
                }
                *budget -= 1;
                let instruction = &self.program.code[self.warp.pc as usize];
                match self.step(instruction)? {
                    Flow::Next => self.warp.pc += 1,
                    Flow::Look => {
                        self.warp.pc += 1;
                        *budget = budget.saturating_sub(LOOK);
                        self.warp.turn = self.warp.turn.saturating_sub(LOOK).max(1);
                    }
                    Flow::Jump(target) => self.warp.pc = target,
                    Flow::Pick => break,
                }
                self.warp.turn -= 1;
                if self.warp.turn == 0 {
                    self.warp.place(self.warp.active, self.warp.pc);
                    after = Some(self.warp.pc);
                    break;
                }
                if self.warp.pc >= stop {
                    self.warp.place(self.warp.active, self.warp.pc);
                    break;
                }
            }
        }
    }

    #[cold]
    pub(crate) fn fault(&self, kind: FaultKind, lane: u32, address: u64) -> Fault {
        Fault {
            kind,
            address,
            lane,
            pc: self.warp.pc,
        }
    }

    #[inline(always)]
    fn step(&mut self, i: &Instruction) -> Result<Flow, Fault> {
        match i.op {
            Op::Unary32(op) => self.unary32(op, i),
            Op::Binary32(op) => self.binary32(op, i),
            Op::Ternary32(op) => self.ternary32(op, i),
            Op::Unary64(op) => self.unary64(op, i),
            Op::Binary64(op) => self.binary64(op, i),
            Op::Shl64 => self.shift64(i, |a, n| if n < 64 { a << n } else { 0 }),
            Op::ShrU64 => self.shift64(i, |a, n| if n < 64 { a >> n } else { 0 }),
            Op::Mad64 => self.mad64(i),
            Op::BfeU64 => self.bfe64(i),
            Op::MulWide => self.mul_wide(i),
            Op::Narrow(op) => self.narrow(op, i),
            Op::Widen(op) => self.widen(op, i),
            Op::Unpack16 => self.unpack16(i),
            Op::Unpack32 => self.unpack32(i),
            Op::Compare32(op) => self.compare32(op, i),
            Op::Compare64(op) => self.compare64(op, i),
            Op::Predicate(op) => self.predicate(op, i),
            Op::Select32 => self.select32(i),
            Op::Select64 => self.select64(i),
            Op::Special(special) => self.special(special, i),
            Op::Param32 => {
                let at = i.n as usize;
                let bytes = self.launch.parameters[at..at + 4]
                    .try_into()
                    .unwrap_or_default();
                self.put32(i.rows[0], &[u32::from_le_bytes(bytes); LANES]);
            }
            Op::Param64 => {
                let at = i.n as usize;
                let bytes = self.launch.parameters[at..at + 8]
                    .try_into()
                    .unwrap_or_default();
                self.put64(i.rows[0], &[u64::from_le_bytes(bytes); LANES]);
            }
            Op::Load(access) => {
                self.load(access, i)?;
                if access.is_volatile {
                    return Ok(Flow::Look);
                }
            }
            Op::Store(access) => self.store(access, i)?,
            Op::Atomic(op, access) => {
                self.atomic(op, access, i)?;
                if op == AtomicOp::CompareExchange {
                    return Ok(Flow::Look);
                }
            }
            _ => return self.control(i),
        }
        Ok(Flow::Next)
    }

    #[inline(always)]
    fn control(&mut self, i: &Instruction) -> Result<Flow, Fault> {
        let (active, n) = (self.warp.active, i.n as u32);
        Ok(match i.op {
            Op::Branch => Flow::Jump(n),
            Op::BranchIf => {
                let taken = self.warp.predicate(i.rows[0]) & active;
                self.branch(taken, n)
            }
            Op::BranchUnless => {
                let taken = !self.warp.predicate(i.rows[0]) & active;
                self.branch(taken, n)
            }
            Op::BranchTable => self.branch_table(i)?,
            Op::Call => {
                self.check_panic(n)?;
                self.put32(i.rows[0], &[self.warp.pc + 1; LANES]);
                Flow::Jump(n)
            }
            Op::Return => self.jump_each(i),
            Op::Exit => {
                self.warp.end();
                Flow::Pick
            }
            Op::Trap => {
                let lane = active.trailing_zeros();
                return Err(self.fault(FaultKind::Trap, lane, 0));
            }
            _ => return self.together(i),
        })
    }

    #[inline(always)]
    fn branch(&mut self, taken: u32, target: u32) -> Flow {
        let active = self.warp.active;
        if taken == active {
            return Flow::Jump(target);
        }
        if taken == 0 {
            return Flow::Next;
        }
        self.warp.place(taken, target);
        self.warp.place(active & !taken, self.warp.pc + 1);
        Flow::Pick
    }

    fn branch_table(&mut self, i: &Instruction) -> Result<Flow, Fault> {
        let table = &self.program.tables[i.n as usize];
        let index = *self.get32(i.rows[0]);
        for lane in self.lanes() {
            let Some(target) = table.get(index[lane] as usize) else {
                return Err(self.fault(FaultKind::Table, lane as u32, u64::from(index[lane])));
            };
            self.warp.place(1 << lane, *target);
        }
        Ok(Flow::Pick)
    }

    /// Goes where a row says.
    fn jump_each(&mut self, i: &Instruction) -> Flow {
        let target = *self.get32(i.rows[0]);
        let first = target[self.warp.active.trailing_zeros() as usize];
        if self.lanes().all(|lane| target[lane] == first) {
            return Flow::Jump(first);
        }
        for lane in self.lanes() {
            self.warp.place(1 << lane, target[lane]);
        }
        Flow::Pick
    }

    /// Calls of functions that end a thread with a message are faults.
    fn check_panic(&self, target: u32) -> Result<(), Fault> {
        let mut functions = self.program.functions.iter();
        let name = functions
            .find(|(start, _)| *start == target)
            .map(|(_, name)| &name[..]);
        match name {
            Some(name) if name.contains("panicking") || name.contains("slice_index_fail") => {
                let lane = self.warp.active.trailing_zeros();
                Err(self.fault(FaultKind::Panic, lane, u64::from(target)))
            }
            _ => Ok(()),
        }
    }

    #[inline(always)]
    pub(crate) fn lanes(&self) -> Lanes {
        Lanes(self.warp.active)
    }

    #[inline(always)]
    fn predicate(&mut self, op: PredicateOp, i: &Instruction) {
        let (a, b) = (
            self.warp.predicate(i.rows[1]),
            self.warp.predicate(i.rows[2]),
        );
        let value = match op {
            PredicateOp::And => a & b,
            PredicateOp::Or => a | b,
            PredicateOp::Xor => a ^ b,
            PredicateOp::Mov => a,
            PredicateOp::Not => !a,
        };
        self.warp.set_predicate(i.rows[0], value);
    }

    fn special(&mut self, special: Special, i: &Instruction) {
        let (grid, block) = (self.launch.grid, self.launch.block);
        let first = self.warp.number * LANES as u32;
        let thread = |lane: usize| first + lane as u32;
        let value = |lane: usize| match special {
            Special::TidX => thread(lane) % block[0],
            Special::TidY => thread(lane) / block[0] % block[1],
            Special::CtaidX => self.block[0],
            Special::CtaidY => self.block[1],
            Special::CtaidZ => self.block[2],
            Special::NtidX => block[0],
            Special::NtidY => block[1],
            Special::NctaidX => grid[0],
            Special::NctaidY => grid[1],
            Special::NctaidZ => grid[2],
            Special::LaneId => lane as u32,
            Special::DynamicSharedSize => self.launch.dynamic_shared,
        };
        let values = std::array::from_fn(value);
        self.put32(i.rows[0], &values);
    }
}

/// Whether the processor has the instructions of [`Engine::run_avx2`].
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt")
}

/// The numbers of lanes in a mask.
pub(crate) struct Lanes(u32);

impl Iterator for Lanes {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let lane = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(lane as usize)
    }
}
