//! Bits to their places in a mask.

use std::sync::LazyLock;

/// How a processor does it.
pub(super) trait Processor: Copy {
    type Zeros: Zeros + Copy;

    /// The lowest bits of `bits` in the places of the bits of `mask`, in order.
    fn deposit(self, bits: u64, mask: u64) -> u64;

    /// The coefficients of `mask`, which are not all.
    fn zeros(self, mask: u64) -> Self::Zeros;
}

/// The coefficients of a block that are 0, from the first, which is highest, on.
pub(super) trait Zeros {
    /// Goes on to the zero that is `count` farther. `None` if there are not as many.
    fn pass(&mut self, count: u32) -> Option<u64>;
}

/// One that has an instruction for it, which is a function here.
#[derive(Clone, Copy)]
pub(super) struct Depositing<D>(pub(super) D);

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
            one: 1 << (mask.count_ones() & 63),
        }
    }
}

/// One bit, which is as high among the lowest as the zero is among the zeros.
#[derive(Clone, Copy)]
pub(super) struct OneHot<D> {
    deposit: D,
    mask: u64,
    one: u64,
}

impl<D: Fn(u64, u64) -> u64> Zeros for OneHot<D> {
    #[inline(always)]
    fn pass(&mut self, count: u32) -> Option<u64> {
        self.one >>= count & 63;
        let bit = (self.deposit)(self.one, self.mask);
        (self.one != 0).then_some(bit)
    }
}

/// One that looks bytes up.
#[derive(Clone, Copy)]
pub(super) struct LookingUp(pub(super) &'static Lookup);

pub(super) struct Lookup {
    /// For each byte of a mask, what bytes are there.
    deposited: Box<[[u8; 256]; 256]>,
    /// For each byte of a mask, the places of its bits, the highest first.
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
        Places {
            places,
            next: usize::MAX,
            count,
        }
    }
}

/// The zeros' numbers, one after another.
#[derive(Clone, Copy)]
pub(super) struct Places {
    places: [u8; 72],
    next: usize,
    count: usize,
}

impl Zeros for Places {
    #[inline(always)]
    fn pass(&mut self, count: u32) -> Option<u64> {
        self.next = self.next.wrapping_add(count as usize);
        let place = self.places[..self.count.min(72)].get(self.next)?;
        Some(1 << ((63 - place) & 63))
    }
}
