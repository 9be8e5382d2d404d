//! What Huffman tables tell of the bits at hand.

/// How far a decoder goes: as many coefficients in its block as the lowest 8 bits tell, or [`END_OF_BLOCK`]
/// more, and as many bits as those above.
pub type Step = u32;

/// What a step has more that ends its block.
pub const END_OF_BLOCK: Step = 64;

/// Where a step has its bits.
pub const STEP_BITS: u32 = 8;

const STEP_MASK: Step = (1 << 13) - 1;

/// What a code is, with the bits of its coefficient behind it:
///
/// - 13 bits: the [`Step`] over both;
/// - 4 bits: how many those of the coefficient are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// No code. One bit of it is consumed, so that a decoder that is lost goes on; of which the
    /// coefficient has more.
    pub const NONE: Self = Self(1 | 1 << STEP_BITS | 15 << 13);

    /// A code of `length` bits. `is_dc` tells what kind of a table its symbol is from.
    pub(super) fn new(length: u32, symbol: u8, is_dc: bool) -> Self {
        let size = u32::from(symbol & 15);
        let advance = match (symbol >> 4, size) {
            _ if is_dc => 1,
            // 16 zeros are a coefficient that is zero behind 15.
            (0..15, 0) => END_OF_BLOCK,
            (zeros, _) => u32::from(zeros) + 1,
        };
        Self(advance | (length + size) << STEP_BITS | size << 13)
    }

    /// The step over it.
    #[inline(always)]
    pub fn step(self) -> Step {
        self.0 & STEP_MASK
    }

    /// Its bits and those of the coefficient, 1 to 31.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        self.0 >> STEP_BITS & 31
    }

    /// The bits of the coefficient, 0 to 15.
    #[inline(always)]
    pub fn size(self) -> u32 {
        self.0 >> 13
    }

    /// How many coefficients it stands for, the last one not zero; or [`END_OF_BLOCK`].
    #[inline(always)]
    pub fn advance(self) -> u32 {
        self.0 & 255
    }

    /// Whether no code of the table begins so.
    #[inline(always)]
    pub fn is_invalid(self) -> bool {
        self.size() >= self.bits()
    }
}

/// What some bits begin with: a [`Code`], and in the highest 13 bits the [`Step`] over as many as
/// are whole among the bits that were looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry(u32);

impl TableEntry {
    /// No code.
    pub const NONE: Self = Self::of(Code::NONE);

    /// A code, and no others.
    pub(super) const fn of(code: Code) -> Self {
        Self(code.0 | (code.0 & STEP_MASK) << 19)
    }

    /// A group of codes that are longer than the bits that were looked up.
    pub(super) fn link(subtable: usize) -> Self {
        Self((subtable as u32) << 13)
    }

    /// With another code behind all.
    pub(super) fn then(self, code: Code) -> Self {
        Self(self.0 + (code.step() << 19))
    }

    /// What a table has in the [`offset`](super::huffman::Table::offset) or [`subtable_offset`](super::huffman::Table::subtable_offset) of
    /// some bits.
    #[inline(always)]
    pub fn new(entry: u32) -> Self {
        Self(entry)
    }

    /// What a table holds.
    #[inline(always)]
    pub(super) const fn word(self) -> u32 {
        self.0
    }

    /// No code at all, of no bits, if `is_wanted` does not hold.
    #[inline(always)]
    pub fn filter(self, is_wanted: bool) -> Self {
        Self(if is_wanted { self.0 } else { 0 })
    }

    /// If the code is longer than the bits that were looked up, the number of those among those
    /// that have longer ones.
    #[inline(always)]
    pub fn subtable(self) -> Option<u32> {
        // A code has bits.
        (self.0 & 31 << STEP_BITS == 0).then_some(self.0 >> 13)
    }

    /// The first code.
    #[inline(always)]
    pub fn code(self) -> Code {
        Code(self.0 & ((1 << 17) - 1))
    }

    /// The step over all codes.
    #[inline(always)]
    pub fn step(self) -> Step {
        self.0 >> 19
    }

    /// How many coefficients they stand for, to 63, but for one that ends the block.
    #[inline(always)]
    pub fn advance(self) -> u32 {
        self.step() & 63
    }
}
