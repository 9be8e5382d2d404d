//! Races in shared memory: two warps that use a byte between two barriers, one of which writes.
//!
//! Atomic operations and volatile accesses do not race with each other, as kernels use them to talk.

/// The warp that used a byte, and the number of barriers before that.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    /// Barriers so far, and 1; 0 is never.
    epoch: u32,
    /// Which warps, as bits.
    warps: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Byte {
    reads: Use,
    writes: Use,
    /// Uses that are atomic or volatile: those that read, and those that write.
    shared_reads: Use,
    shared_writes: Use,
}

#[derive(Debug)]
pub(crate) struct Race {
    bytes: Vec<Byte>,
    epoch: u32,
}

impl Use {
    fn add(&mut self, epoch: u32, warp: u32) {
        if self.epoch != epoch {
            *self = Use { epoch, warps: 0 };
        }
        self.warps |= 1 << (warp % 64);
    }

    /// Whether another warp has used the byte since the last barrier.
    fn is_by_other(self, epoch: u32, warp: u32) -> bool {
        self.epoch == epoch && self.warps & !(1 << (warp % 64)) != 0
    }
}

impl Race {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            bytes: vec![Byte::default(); bytes],
            epoch: 1,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.bytes.fill(Byte::default());
        self.epoch = 1;
    }

    pub(crate) fn barrier(&mut self) {
        self.epoch += 1;
    }

    /// Notes an access, and says whether it races with one before it.
    pub(crate) fn access(
        &mut self,
        range: std::ops::Range<usize>,
        warp: u32,
        is_write: bool,
        is_shared: bool,
    ) -> bool {
        let epoch = self.epoch;
        let mut races = false;
        for byte in &mut self.bytes[range] {
            let other = |used: Use| used.is_by_other(epoch, warp);
            races |= other(byte.writes);
            races |= !is_shared && other(byte.shared_writes);
            races |= is_write && other(byte.reads);
            races |= is_write && !is_shared && other(byte.shared_reads);
            let used = match (is_write, is_shared) {
                (false, false) => &mut byte.reads,
                (true, false) => &mut byte.writes,
                (false, true) => &mut byte.shared_reads,
                (true, true) => &mut byte.shared_writes,
            };
            used.add(epoch, warp);
        }
        races
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warps_race_between_barriers_only() {
        let mut race = Race::new(8);
        assert!(!race.access(0..4, 0, true, false));
        assert!(!race.access(0..4, 0, false, false), "the same warp");
        assert!(!race.access(4..8, 1, true, false), "other bytes");
        assert!(race.access(3..5, 1, false, false));
        race.barrier();
        assert!(!race.access(0..4, 1, false, false));
        assert!(!race.access(0..4, 2, false, false), "two that read");
        assert!(race.access(0..1, 0, true, false));
    }

    #[test]
    fn atomics_race_with_plain_accesses_only() {
        let mut race = Race::new(4);
        assert!(!race.access(0..4, 0, true, true));
        assert!(!race.access(0..4, 1, true, true));
        assert!(race.access(0..4, 2, false, false));
    }
}
