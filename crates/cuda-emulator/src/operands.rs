//! Which rows instructions read and write.

use crate::program::{Access, AtomicOp, Class, Op, Operand};

impl Op {
    /// The operands in the order of [`Instruction::rows`].
    pub(crate) fn operands(self) -> &'static [Operand] {
        use Class::{Predicate as P, R32, R64};
        use Operand::{Read as R, Write as W};
        match self {
            Op::Unary32(_) => &[W(R32), R(R32)],
            Op::Binary32(_) => &[W(R32), R(R32), R(R32)],
            Op::Ternary32(_) => &[W(R32), R(R32), R(R32), R(R32)],
            Op::Unary64(_) => &[W(R64), R(R64)],
            Op::Binary64(_) => &[W(R64), R(R64), R(R64)],
            Op::Shl64 | Op::ShrU64 => &[W(R64), R(R64), R(R32)],
            Op::Mad64 => &[W(R64), R(R64), R(R64), R(R64)],
            Op::BfeU64 => &[W(R64), R(R64), R(R32), R(R32)],
            Op::MulWide => &[W(R64), R(R32), R(R32)],
            Op::Narrow(_) => &[W(R32), R(R64)],
            Op::Widen(_) => &[W(R64), R(R32)],
            Op::Unpack16 => &[W(R32), W(R32), R(R32)],
            Op::Unpack32 => &[W(R32), W(R32), R(R64)],
            Op::Compare32(_) => &[W(P), R(R32), R(R32)],
            Op::Compare64(_) => &[W(P), R(R64), R(R64)],
            Op::Predicate(_) => &[W(P), R(P), R(P)],
            Op::Select32 => &[W(R32), R(R32), R(R32), R(P)],
            Op::Select64 => &[W(R64), R(R64), R(R64), R(P)],
            Op::Special(_) | Op::Param32 => &[W(R32)],
            Op::Param64 => &[W(R64)],
            Op::Load(access) => access.load_operands(),
            Op::Store(access) => access.store_operands(),
            Op::Atomic(AtomicOp::CompareExchange, access) => match access.is_short {
                true => &[W(R32), R(R32), R(R32), R(R32)],
                false => &[W(R32), R(R64), R(R32), R(R32)],
            },
            Op::Atomic(_, access) => match access.is_short {
                true => &[W(R32), R(R32), R(R32)],
                false => &[W(R32), R(R64), R(R32)],
            },
            Op::BranchIf | Op::BranchUnless => &[R(P)],
            Op::BranchTable | Op::Return => &[R(R32)],
            Op::Call => &[W(R32)],
            Op::Branch | Op::Exit | Op::Trap | Op::Barrier | Op::WarpBarrier => &[],
            Op::BarrierOr | Op::VoteAny | Op::VoteAll => &[W(P), R(P)],
            Op::Shuffle(_) => &[W(R32), R(R32), R(R32), R(R32)],
            Op::VoteBallot => &[W(R32), R(P)],
        }
    }

    /// Whether execution never goes on behind the instruction by itself.
    pub(crate) fn ends_block(self) -> bool {
        use Op::{Branch, BranchTable, Call, Exit, Return, Trap};
        matches!(self, Branch | BranchTable | Call | Return | Exit | Trap)
    }
}

impl Access {
    fn load_operands(self) -> &'static [Operand] {
        use Class::{R32, R64};
        use Operand::{Read as R, Write as W};
        match (self.count, self.is_wide, self.is_short) {
            (1, false, false) => &[W(R32), R(R64)],
            (1, false, true) => &[W(R32), R(R32)],
            (1, true, false) => &[W(R64), R(R64)],
            (1, true, true) => &[W(R64), R(R32)],
            (2, false, false) => &[W(R32), W(R32), R(R64)],
            (2, false, true) => &[W(R32), W(R32), R(R32)],
            (2, true, false) => &[W(R64), W(R64), R(R64)],
            (2, true, true) => &[W(R64), W(R64), R(R32)],
            (_, _, false) => &[W(R32), W(R32), W(R32), W(R32), R(R64)],
            (_, _, true) => &[W(R32), W(R32), W(R32), W(R32), R(R32)],
        }
    }

    fn store_operands(self) -> &'static [Operand] {
        use Class::{R32, R64};
        use Operand::Read as R;
        match (self.count, self.is_wide, self.is_short) {
            (1, false, false) => &[R(R32), R(R64)],
            (1, false, true) => &[R(R32), R(R32)],
            (1, true, false) => &[R(R64), R(R64)],
            (1, true, true) => &[R(R64), R(R32)],
            (2, false, false) => &[R(R32), R(R32), R(R64)],
            (2, false, true) => &[R(R32), R(R32), R(R32)],
            (2, true, false) => &[R(R64), R(R64), R(R64)],
            (2, true, true) => &[R(R64), R(R64), R(R32)],
            (_, _, false) => &[R(R32), R(R32), R(R32), R(R32), R(R64)],
            (_, _, true) => &[R(R32), R(R32), R(R32), R(R32), R(R32)],
        }
    }
}
