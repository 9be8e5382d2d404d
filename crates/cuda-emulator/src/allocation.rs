//! Registers of a program that are not in use at the same time share a row.
//!
//! PTX names a new register for almost every value. With a row for each, a warp of a large kernel
//! would have a megabyte of registers, and the processor's caches would be of no use. So this is a
//! linear scan over intervals from the first to the last instruction at which a value may be needed.

use crate::program::{CONSTANT, Class, Op, Operand, Program, Row, RowCounts};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Renumbers the rows. `counts` are those of [`Class::R32`], [`Class::R64`] and predicates.
pub(crate) fn allocate(program: &mut Program, counts: [u32; 3]) {
    let bases = [0, counts[0], counts[0] + counts[1]];
    let total = counts.iter().sum::<u32>() as usize;
    let global = |class: Class, row: Row| (bases[index(class)] + row) as usize;
    let blocks = blocks(program);
    let live = liveness(program, &blocks, total, &global);
    let intervals = intervals(program, &blocks, &live, total, &global);
    let mut places = vec![0; total];
    let mut used = [0; 3];
    for class in 0..3 {
        let range = bases[class] as usize..(bases[class] + counts[class]) as usize;
        used[class] = scan(&intervals[range.clone()], &mut places[range]);
    }
    for instruction in &mut program.code {
        for (row, kind) in instruction.rows.iter_mut().zip(instruction.op.operands()) {
            if *row & CONSTANT == 0 {
                let (Operand::Read(class) | Operand::Write(class)) = *kind;
                *row = places[global(class, *row)];
            }
        }
    }
    let [r32, r64, predicates] = used.map(|n| n as usize);
    program.rows = RowCounts {
        r32,
        r64,
        predicates,
    };
}

fn index(class: Class) -> usize {
    match class {
        Class::R32 => 0,
        Class::R64 => 1,
        Class::Predicate => 2,
    }
}

struct Block {
    start: usize,
    end: usize,
    next: Vec<usize>,
}

fn blocks(program: &Program) -> Vec<Block> {
    let code = &program.code;
    let mut is_start = vec![false; code.len() + 1];
    is_start[0] = true;
    is_start[program.entry as usize] = true;
    for (start, _) in &program.functions {
        is_start[*start as usize] = true;
    }
    program
        .tables
        .iter()
        .flatten()
        .for_each(|target| is_start[*target as usize] = true);
    for (at, instruction) in code.iter().enumerate() {
        let op = instruction.op;
        if op.ends_block() || matches!(op, Op::BranchIf | Op::BranchUnless) {
            is_start[at + 1] = true;
        }
        if matches!(op, Op::Branch | Op::BranchIf | Op::BranchUnless) {
            is_start[instruction.n as usize] = true;
        }
    }
    let starts: Vec<usize> = (0..code.len()).filter(|at| is_start[*at]).collect();
    let block_of = |at: usize| starts.partition_point(|start| *start <= at) - 1;
    let ends = starts.iter().skip(1).copied().chain([code.len()]);
    let mut blocks: Vec<Block> = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| Block {
            start: *start,
            end,
            next: vec![],
        })
        .collect();
    for block in &mut blocks {
        let last = &code[block.end - 1];
        let mut next: Vec<usize> = match last.op {
            Op::Branch | Op::Call => vec![last.n as usize],
            Op::BranchIf | Op::BranchUnless => vec![last.n as usize, block.end],
            Op::BranchTable => program.tables[last.n as usize]
                .iter()
                .map(|t| *t as usize)
                .collect(),
            Op::Return => returns(program, block.start),
            Op::Exit | Op::Trap => vec![],
            _ => vec![block.end],
        };
        next.retain(|at| *at < code.len());
        block.next = next.into_iter().map(block_of).collect();
    }
    blocks
}

/// Where the function around `at` may return to.
fn returns(program: &Program, at: usize) -> Vec<usize> {
    let mut starts = program.functions.iter().map(|(start, _)| *start as usize);
    let start = starts.rfind(|start| *start <= at);
    let calls = program.code.iter().enumerate().filter(|(_, instruction)| {
        instruction.op == Op::Call && Some(instruction.n as usize) == start
    });
    calls.map(|(at, _)| at + 1).collect()
}

type Bits = Vec<u64>;

fn has(bits: &[u64], at: usize) -> bool {
    bits[at / 64] >> (at % 64) & 1 != 0
}

/// What is live at the end of each block.
fn liveness(
    program: &Program,
    blocks: &[Block],
    total: usize,
    global: &impl Fn(Class, Row) -> usize,
) -> Vec<Bits> {
    let words = total.div_ceil(64);
    let mut reads = vec![vec![0u64; words]; blocks.len()];
    let mut writes = vec![vec![0u64; words]; blocks.len()];
    for (block, (reads, writes)) in blocks.iter().zip(reads.iter_mut().zip(&mut writes)) {
        for instruction in &program.code[block.start..block.end] {
            each(instruction.op, &instruction.rows, |is_write, class, row| {
                let at = global(class, row);
                if !is_write && !has(writes, at) {
                    reads[at / 64] |= 1 << (at % 64);
                }
            });
            each(instruction.op, &instruction.rows, |is_write, class, row| {
                if is_write {
                    let at = global(class, row);
                    writes[at / 64] |= 1 << (at % 64);
                }
            });
        }
    }
    let mut ends = vec![vec![0u64; words]; blocks.len()];
    let mut starts = reads.clone();
    let mut changed = true;
    while changed {
        changed = false;
        for at in (0..blocks.len()).rev() {
            for word in 0..words {
                let end = blocks[at]
                    .next
                    .iter()
                    .fold(0, |all, next| all | starts[*next][word]);
                ends[at][word] = end;
                let start = reads[at][word] | (end & !writes[at][word]);
                changed |= start != starts[at][word];
                starts[at][word] = start;
            }
        }
    }
    ends
}

/// Calls `f` for each operand that is a register.
fn each(op: Op, rows: &[Row; 5], mut f: impl FnMut(bool, Class, Row)) {
    for (kind, row) in op.operands().iter().zip(rows) {
        if row & CONSTANT != 0 {
            continue;
        }
        match *kind {
            Operand::Read(class) => f(false, class, *row),
            Operand::Write(class) => f(true, class, *row),
        }
    }
}

/// From the first to the last moment; an instruction reads at an even moment and writes at the next.
type Interval = (u32, u32);

const NEVER: Interval = (u32::MAX, 0);

fn intervals(
    program: &Program,
    blocks: &[Block],
    ends: &[Bits],
    total: usize,
    global: &impl Fn(Class, Row) -> usize,
) -> Vec<Interval> {
    let mut all = vec![NEVER; total];
    let mut extend = |at: usize, moment: usize| {
        let (first, last): &mut Interval = &mut all[at];
        *first = (*first).min(moment as u32);
        *last = (*last).max(moment as u32);
    };
    for (number, block) in blocks.iter().enumerate() {
        for at in block.start..block.end {
            let instruction = &program.code[at];
            each(instruction.op, &instruction.rows, |is_write, class, row| {
                extend(global(class, row), 2 * at + usize::from(is_write));
            });
        }
        // A value that is live at a block's end is live at the beginnings of those that follow.
        for register in (0..total).filter(|register| has(&ends[number], *register)) {
            extend(register, 2 * block.end - 1);
            block
                .next
                .iter()
                .for_each(|next| extend(register, 2 * blocks[*next].start));
        }
    }
    all
}

/// Gives each interval a place, and returns the number of places.
fn scan(intervals: &[Interval], places: &mut [u32]) -> u32 {
    let mut order: Vec<usize> = (0..intervals.len())
        .filter(|at| intervals[*at] != NEVER)
        .collect();
    order.sort_by_key(|at| intervals[*at].0);
    let (mut used, mut free) = (0, BinaryHeap::new());
    let mut active: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::new();
    for at in order {
        let (first, last) = intervals[at];
        while let Some(Reverse((end, place))) = active.peek().copied() {
            if end >= first {
                break;
            }
            active.pop();
            free.push(Reverse(place));
        }
        let place = match free.pop() {
            Some(Reverse(place)) => place,
            None => {
                used += 1;
                used - 1
            }
        };
        places[at] = place;
        active.push(Reverse((last, place)));
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_overlap_have_places_of_their_own() {
        let intervals = [(0, 10), (1, 3), (4, 6), (3, 5), NEVER];
        let mut places = [9; 5];
        assert_eq!(scan(&intervals, &mut places), 3);
        assert_eq!(places, [0, 1, 1, 2, 9]);
    }
}
