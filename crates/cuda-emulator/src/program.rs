//! The form of a kernel that is executed: instructions over rows of registers.
//!
//! A row holds one register of all lanes of a warp. There are rows of 32 bits (which also hold
//! 8-bit and 16-bit values, extended with zeros), rows of 64 bits, and predicates, whose row is one
//! word with a bit for each lane.

/// The number of a row. With [`CONSTANT`] set it is the number of a constant.
pub(crate) type Row = u32;

/// Marks a row that is in the program's constants.
pub(crate) const CONSTANT: Row = 1 << 31;

/// The lanes of a warp.
pub(crate) const LANES: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    R32,
    R64,
    Predicate,
}

/// An operand of an instruction, as the allocation of registers sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Write(Class),
    Read(Class),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary32 {
    Mov,
    Not,
    Not16,
    Neg,
    Neg16,
    Abs,
    Abs16,
    Brev,
    Clz,
    Popc,
    /// An 8-bit value with a sign to 16 bits.
    Sext8To16,
    Sext16,
    Low16,
    AbsF,
    NegF,
    RcpF,
    FloatOfS32,
    FloatOfU32,
    S32OfFloat,
    HalfOfFloat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary32 {
    Add,
    Sub,
    Mul,
    MulHi,
    Add16,
    Sub16,
    Mul16,
    And,
    Or,
    Xor,
    MinU,
    MinS,
    MaxU,
    MaxS,
    Shl,
    Shl16,
    ShrU,
    ShrS,
    DivU,
    RemU,
    Pack16,
    AddF,
    SubF,
    MulF,
    DivF,
    MinF,
    MaxF,
    CopySignF,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ternary32 {
    Mad,
    Mad16,
    BfeU,
    BfeS,
    Prmt,
    ShfL,
    ShfR,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary64 {
    Add,
    Sub,
    Mul,
    MulHi,
    And,
    Or,
    Xor,
    MinU,
    MaxU,
    DivU,
    RemU,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary64 {
    Mov,
    Not,
    /// The low half with its sign.
    SextLow,
}

/// From 64 to 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Narrow {
    Low32,
    Low16,
    Popc,
    FloatOfU64,
}

/// From 32 to 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Widen {
    Zext,
    U64OfFloat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare32 {
    Eq,
    Ne,
    LtU,
    LeU,
    LtS,
    LeS,
    LtS16,
    EqF,
    NeuF,
    LtF,
    LeF,
    LtuF,
    LeuF,
    NanF,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare64 {
    Eq,
    Ne,
    LtU,
    LeU,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PredicateOp {
    And,
    Or,
    Xor,
    /// Ignores the second source.
    Mov,
    /// Ignores the second source.
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Generic,
    Global,
    Shared,
    Local,
}

/// What a load or a store moves, for each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) space: Space,
    /// Bytes of an element.
    pub(crate) size: u8,
    /// Elements of a vector.
    pub(crate) count: u8,
    /// The class of the registers.
    pub(crate) is_wide: bool,
    /// Whether the address is in a 32-bit register.
    pub(crate) is_short: bool,
    pub(crate) is_volatile: bool,
    /// Whether a load extends the sign of what is smaller than a register.
    pub(crate) is_signed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtomicOp {
    Add,
    And,
    Or,
    Xor,
    Min,
    Max,
    Exchange,
    CompareExchange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    TidX,
    TidY,
    CtaidX,
    CtaidY,
    CtaidZ,
    NtidX,
    NtidY,
    NctaidX,
    NctaidY,
    NctaidZ,
    LaneId,
    DynamicSharedSize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShuffleMode {
    Up,
    Down,
    Xor,
    Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Unary32(Unary32),
    Binary32(Binary32),
    Ternary32(Ternary32),
    Unary64(Unary64),
    Binary64(Binary64),
    Shl64,
    ShrU64,
    Mad64,
    BfeU64,
    MulWide,
    Narrow(Narrow),
    Widen(Widen),
    Unpack16,
    Unpack32,
    Compare32(Compare32),
    Compare64(Compare64),
    Predicate(PredicateOp),
    Select32,
    Select64,
    Special(Special),
    /// `n` is the offset in the kernel's parameters.
    Param32,
    Param64,
    /// `n` is added to the address, as for `Store` and `Atomic`.
    Load(Access),
    Store(Access),
    Atomic(AtomicOp, Access),
    /// `n` is the target, as for `BranchIf`.
    Branch,
    BranchIf,
    BranchUnless,
    /// `n` is the number of the table.
    BranchTable,
    /// `n` is the target; writes where to go on.
    Call,
    Return,
    Exit,
    Trap,
    Barrier,
    BarrierOr,
    WarpBarrier,
    Shuffle(ShuffleMode),
    VoteAny,
    VoteAll,
    VoteBallot,
}

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

#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    pub(crate) op: Op,
    pub(crate) rows: [Row; 5],
    pub(crate) n: i32,
    /// The line of the module's text.
    pub(crate) line: u32,
}

/// The rows that a program has of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowCounts {
    pub(crate) r32: usize,
    pub(crate) r64: usize,
    pub(crate) predicates: usize,
}

/// A kernel with the functions that it calls.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) code: Vec<Instruction>,
    /// Where the kernel begins. The functions stand before it, so that lanes in a function run before
    /// those that wait for them behind the call.
    pub(crate) entry: u32,
    /// Where functions begin, and their names.
    pub(crate) functions: Vec<(u32, String)>,
    pub(crate) tables: Vec<Vec<u32>>,
    pub(crate) constants32: Vec<[u32; LANES]>,
    pub(crate) constants64: Vec<[u64; LANES]>,
    /// Predicates that are false and true.
    pub(crate) rows: RowCounts,
    /// Bytes of shared memory that the text declares.
    pub(crate) shared_bytes: usize,
    /// Arrays in shared memory: offset, bytes and name.
    pub(crate) shared: Vec<(usize, usize, String)>,
    /// Bytes of local memory of a thread.
    pub(crate) local_bytes: usize,
    /// Offset and size of the parameters.
    pub(crate) parameters: Vec<(usize, usize)>,
    pub(crate) parameter_bytes: usize,
}
