//! The entries of Huffman tables: packed words that say what the next bits are.

/// How far symbols take a decoder. The lowest 8 bits are by how many coefficients it advances in
/// its block, plus [`END_OF_BLOCK`] if the block ends early. The bits above are how many bits it
/// takes.
pub type Step = u32;

/// Added to the coefficients of a step that ends its block early: the index is then 64 or more.
pub const END_OF_BLOCK: Step = 64;

/// Where in a step the number of bits begins.
pub const STEP_BITS: u32 = 8;

const STEP_MASK: Step = (1 << 13) - 1;

/// A code and the bits of the coefficient that follow it:
///
/// - 13 bits: the [`Step`] over both;
/// - 4 bits: how many bits the coefficient has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// Bits that are no code. One bit is taken, so that a decoder that is not synchronised goes on.
    /// That the coefficient has more bits than are taken in all tells it from a code.
    pub const NONE: Self = Self(1 | 1 << STEP_BITS | 15 << 13);

    /// A code of `length` bits for a symbol of a DC table (`is_dc`) or an AC table.
    pub(super) fn new(length: u32, symbol: u8, is_dc: bool) -> Self {
        let size = u32::from(symbol & 15);
        let advance = match (symbol >> 4, size) {
            _ if is_dc => 1,
            // ZRL, 16 zeros: 15, and a coefficient that is zero.
            (0..15, 0) => END_OF_BLOCK,
            (zeros, _) => u32::from(zeros) + 1,
        };
        Self(advance | (length + size) << STEP_BITS | size << 13)
    }

    /// The step over the code and its coefficient.
    #[inline(always)]
    pub fn step(self) -> Step {
        self.0 & STEP_MASK
    }

    /// The bits of the code and of the coefficient together, 1 to 31.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        self.0 >> STEP_BITS & 31
    }

    /// The bits of the coefficient, 0 to 15.
    #[inline(always)]
    pub fn size(self) -> u32 {
        self.0 >> 13
    }

    /// By how many coefficients it advances: some zeros, and the one that it has bits of. Or
    /// [`END_OF_BLOCK`].
    #[inline(always)]
    pub fn advance(self) -> u32 {
        self.0 & 255
    }

    /// Whether the bits are no code of the table.
    #[inline(always)]
    pub fn is_invalid(self) -> bool {
        self.size() >= self.bits()
    }
}

/// What the bits that were looked up begin with: the first [`Code`], and in the highest 13 bits the
/// [`Step`] over all codes that the bits show in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry(u32);

impl TableEntry {
    /// Bits that are no code.
    pub const NONE: Self = Self::of(Code::NONE);

    /// An entry of one code.
    pub(super) const fn of(code: Code) -> Self {
        Self(code.0 | (code.0 & STEP_MASK) << 19)
    }

    /// An entry of codes that are longer than the bits that were looked up: the number of their
    /// subtable.
    pub(super) fn link(subtable: usize) -> Self {
        Self((subtable as u32) << 13)
    }

    /// The entry with one more code after the others.
    pub(super) fn then(self, code: Code) -> Self {
        Self(self.0 + (code.step() << 19))
    }

    /// The entry of a word of a table.
    #[inline(always)]
    pub fn new(entry: u32) -> Self {
        Self(entry)
    }

    /// The word that a table holds.
    #[inline(always)]
    pub(super) const fn word(self) -> u32 {
        self.0
    }

    /// The entry itself, or a step of 0 if `is_wanted` does not hold.
    #[inline(always)]
    pub fn filter(self, is_wanted: bool) -> Self {
        Self(if is_wanted { self.0 } else { 0 })
    }

    /// The subtable to look up, if the code is longer than the bits that were looked up.
    #[inline(always)]
    pub fn subtable(self) -> Option<u32> {
        // A code has at least one bit.
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

    /// By how many coefficients all codes advance, without one that ends the block.
    #[inline(always)]
    pub fn advance(self) -> u32 {
        self.step() & 63
    }
}
