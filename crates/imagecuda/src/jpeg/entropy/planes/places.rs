//! Depositing bits at the set positions of a mask, with or without the processor's instruction
//! (PDEP).

use std::sync::LazyLock;

/// The operations, for one kind of processor.
pub(super) trait Processor: Copy {
    type Zeros: Zeros + Copy;

    /// Moves the lowest bits of `bits`, in order, to the positions of the set bits of `mask`.
    fn deposit(self, bits: u64, mask: u64) -> u64;

    /// Iterates over the set bits of `mask`, which must not be all 64.
    fn zeros(self, mask: u64) -> Self::Zeros;
}

/// The zero coefficients of a block, from the first (the highest bit) on.
pub(super) trait Zeros {
    /// A place among them.
    type Place: Copy;

    /// The place before the first one.
    fn start(&self) -> Self::Place;

    /// Advances by `count` zeros. Returns the place, and the mask of the zero there: 0 if there are not as
    /// many.
    fn pass(&self, from: Self::Place, count: u32) -> (Self::Place, u64);
}

/// A processor with the instruction, which this function wraps.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Depositing<D>(pub(super) D);

#[cfg(target_arch = "x86_64")]
impl<D: Fn(u64, u64) -> u64 + Copy> Processor for Depositing<D> {
    type Zeros = OneHot<D>;

    #[inline(always)]
    fn deposit(self, bits: u64, mask: u64) -> u64 {
        (self.0)(bits, mask)
    }

    #[inline(always)]
    fn zeros(self, mask: u64) -> OneHot<D> {
        OneHot {
            deposit: self.0,
            mask,
        }
    }
}

/// A place is a single bit. Among the lowest bits it stands where the zero stands among the set bits of
/// `mask`, so that depositing it gives the zero's mask.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct OneHot<D> {
    deposit: D,
    mask: u64,
}

#[cfg(target_arch = "x86_64")]
impl<D: Fn(u64, u64) -> u64> Zeros for OneHot<D> {
    type Place = u64;

    #[inline(always)]
    fn start(&self) -> u64 {
        1 << (self.mask.count_ones() & 63)
    }

    #[inline(always)]
    fn pass(&self, from: u64, count: u32) -> (u64, u64) {
        let one = from >> (count & 63);
        (one, (self.deposit)(one, self.mask))
    }
}

/// A processor without a fast instruction: tables with one entry for each byte.
#[derive(Clone, Copy)]
pub(super) struct LookingUp(pub(super) &'static Lookup);

pub(super) struct Lookup {
    /// For each byte of a mask, and each value of the bits: the deposited byte.
    deposited: Box<[[u8; 256]; 256]>,
    /// For each byte of a mask: the numbers of its set bits, highest bit first.
    places: [u64; 256],
}

pub(super) static LOOKUP: LazyLock<Lookup> = LazyLock::new(Lookup::new);

impl Lookup {
    fn new() -> Self {
        let mut all = Self {
            deposited: Box::new([[0; 256]; 256]),
            places: [0; 256],
        };
        for mask in 0..256usize {
            let mut places = (0..8).rev().filter(|place| mask >> place & 1 == 1);
            for (number, place) in places.by_ref().enumerate() {
                all.places[mask] |= (7 - place) << (8 * number);
            }
            for bits in 0..256usize {
                let places = (0..8).filter(|place| mask >> place & 1 == 1);
                let deposited = places
                    .enumerate()
                    .map(|(number, place)| (bits >> number & 1) << place);
                all.deposited[mask][bits] = deposited.sum::<usize>() as u8;
            }
        }
        all
    }
}

impl Processor for LookingUp {
    type Zeros = Places;

    #[inline(always)]
    fn deposit(self, mut bits: u64, mut mask: u64) -> u64 {
        let mut deposited = 0;
        if bits == 0 {
            return 0;
        }
        while mask != 0 {
            let low = mask.trailing_zeros() & 56;
            let byte = (mask >> low) as u8;
            let here = self.0.deposited[usize::from(byte)][bits as usize & 255];
            deposited |= u64::from(here) << low;
            bits >>= byte.count_ones();
            mask &= !(255 << low);
        }
        deposited
    }

    #[inline(always)]
    fn zeros(self, mask: u64) -> Places {
        let mut places = [0; 72];
        let mut count = 0;
        for (number, byte) in mask.to_be_bytes().into_iter().enumerate() {
            let here = self.0.places[usize::from(byte)] + 0x0808_0808_0808_0808 * number as u64;
            if let Some(to) = places.get_mut(count..count + 8) {
                to.copy_from_slice(&here.to_le_bytes());
            }
            count += byte.count_ones() as usize;
        }
        Places { places, count }
    }
}

/// The positions of all zeros, as a list.
#[derive(Clone, Copy)]
pub(super) struct Places {
    places: [u8; 72],
    count: usize,
}

impl Zeros for Places {
    /// The number of the next zero.
    type Place = usize;

    #[inline(always)]
    fn start(&self) -> usize {
        0
    }

    #[inline(always)]
    fn pass(&self, from: usize, count: u32) -> (usize, u64) {
        let next = from + count as usize;
        let place = self.places[..self.count.min(72)].get(next.wrapping_sub(1));
        (next, place.map_or(0, |place| 1 << ((63 - place) & 63)))
    }
}
