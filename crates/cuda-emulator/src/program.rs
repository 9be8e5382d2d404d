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

/// Kinds of rows.
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
    LtS,
    LeS,
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
