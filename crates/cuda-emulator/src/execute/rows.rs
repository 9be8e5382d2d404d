//! Reading and writing rows. A write changes the running lanes alone.

use super::Engine;
use crate::program::{CONSTANT, Instruction, LANES, Row};

impl Engine<'_> {
    #[inline(always)]
    pub(super) fn get32(&self, row: Row) -> &[u32; LANES] {
        match row & CONSTANT {
            0 => &self.warp.r32[row as usize],
            _ => &self.program.constants32[(row & !CONSTANT) as usize],
        }
    }

    #[inline(always)]
    pub(super) fn get64(&self, row: Row) -> &[u64; LANES] {
        match row & CONSTANT {
            0 => &self.warp.r64[row as usize],
            _ => &self.program.constants64[(row & !CONSTANT) as usize],
        }
    }

    #[inline(always)]
    pub(super) fn put32(&mut self, row: Row, values: &[u32; LANES]) {
        let warp = &mut *self.warp;
        let place = &mut warp.r32[row as usize];
        for lane in 0..LANES {
            let mask = warp.mask32[lane];
            place[lane] = (values[lane] & mask) | (place[lane] & !mask);
        }
    }

    #[inline(always)]
    pub(super) fn put64(&mut self, row: Row, values: &[u64; LANES]) {
        let warp = &mut *self.warp;
        let place = &mut warp.r64[row as usize];
        for lane in 0..LANES {
            let mask = warp.mask64[lane];
            place[lane] = (values[lane] & mask) | (place[lane] & !mask);
        }
    }

    #[inline(always)]
    pub(super) fn map1(&mut self, i: &Instruction, f: impl Fn(u32) -> u32) {
        let a = self.get32(i.rows[1]);
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = f(a[lane]);
        }
        self.put32(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn map2(&mut self, i: &Instruction, f: impl Fn(u32, u32) -> u32) {
        let (a, b) = (self.get32(i.rows[1]), self.get32(i.rows[2]));
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = f(a[lane], b[lane]);
        }
        self.put32(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn map3(&mut self, i: &Instruction, f: impl Fn(u32, u32, u32) -> u32) {
        let (a, b, c) = (
            self.get32(i.rows[1]),
            self.get32(i.rows[2]),
            self.get32(i.rows[3]),
        );
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = f(a[lane], b[lane], c[lane]);
        }
        self.put32(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn map64(&mut self, i: &Instruction, f: impl Fn(u64, u64) -> u64) {
        let (a, b) = (self.get64(i.rows[1]), self.get64(i.rows[2]));
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = f(a[lane], b[lane]);
        }
        self.put64(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn shift64(&mut self, i: &Instruction, f: impl Fn(u64, u32) -> u64) {
        let (a, b) = (self.get64(i.rows[1]), self.get32(i.rows[2]));
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = f(a[lane], b[lane]);
        }
        self.put64(i.rows[0], &out);
    }

    /// From 64 to 32 bits.
    #[inline(always)]
    pub(super) fn map_narrow(&mut self, i: &Instruction, f: impl Fn(u64) -> u32) {
        let a = self.get64(i.rows[1]);
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = f(a[lane]);
        }
        self.put32(i.rows[0], &out);
    }

    /// From 32 to 64 bits.
    #[inline(always)]
    pub(super) fn map_wide(&mut self, i: &Instruction, f: impl Fn(u32) -> u64) {
        let a = self.get32(i.rows[1]);
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = f(a[lane]);
        }
        self.put64(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn test32(&mut self, i: &Instruction, f: impl Fn(u32, u32) -> bool) {
        let (a, b) = (self.get32(i.rows[1]), self.get32(i.rows[2]));
        let mut out = 0;
        for lane in 0..LANES {
            out |= u32::from(f(a[lane], b[lane])) << lane;
        }
        self.warp.set_predicate(i.rows[0], out);
    }

    #[inline(always)]
    pub(super) fn test64(&mut self, i: &Instruction, f: impl Fn(u64, u64) -> bool) {
        let (a, b) = (self.get64(i.rows[1]), self.get64(i.rows[2]));
        let mut out = 0;
        for lane in 0..LANES {
            out |= u32::from(f(a[lane], b[lane])) << lane;
        }
        self.warp.set_predicate(i.rows[0], out);
    }

    #[inline(always)]
    pub(super) fn select32(&mut self, i: &Instruction) {
        let (a, b) = (self.get32(i.rows[1]), self.get32(i.rows[2]));
        let chosen = self.warp.predicate(i.rows[3]);
        let mut out = [0; LANES];
        for lane in 0..LANES {
            let mask = ((chosen >> lane) & 1).wrapping_neg();
            out[lane] = (a[lane] & mask) | (b[lane] & !mask);
        }
        self.put32(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn select64(&mut self, i: &Instruction) {
        let (a, b) = (self.get64(i.rows[1]), self.get64(i.rows[2]));
        let chosen = self.warp.predicate(i.rows[3]);
        let mut out = [0; LANES];
        for lane in 0..LANES {
            let mask = u64::from((chosen >> lane) & 1).wrapping_neg();
            out[lane] = (a[lane] & mask) | (b[lane] & !mask);
        }
        self.put64(i.rows[0], &out);
    }
}
