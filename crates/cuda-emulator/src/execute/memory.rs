//! Loads, stores and atomic operations, each address of which is checked.

use super::{Engine, Fault, FaultKind};
use crate::{
    memory::SHARED_BASE,
    program::{Access, AtomicOp, Instruction, LANES, Space},
};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Where an address of a lane leads.
#[derive(Clone, Copy)]
enum Place {
    Host(u64),
    /// Index in the block's shared memory.
    Shared(usize),
    /// Index in the warp's local memory.
    Local(usize),
}

/// How a kernel means an access.
#[derive(Clone, Copy)]
struct Intent {
    is_write: bool,
    /// Whether others may use the place at the same time.
    is_shared: bool,
}

impl Engine<'_> {
    /// The lanes' addresses.
    #[inline(always)]
    fn addresses(&self, access: Access, row: u32, n: i32) -> [u64; LANES] {
        let mut out = [0; LANES];
        if access.is_short {
            let base = self.get32(row);
            for lane in 0..LANES {
                out[lane] = u64::from(base[lane].wrapping_add(n as u32));
            }
        } else {
            let base = self.get64(row);
            for lane in 0..LANES {
                out[lane] = base[lane].wrapping_add(i64::from(n) as u64);
            }
        }
        out
    }

    /// Checks an address.
    #[inline(always)]
    fn place(
        &mut self,
        access: Access,
        address: u64,
        lane: usize,
        intent: Intent,
    ) -> Result<Place, Fault> {
        let size = usize::from(access.size) * usize::from(access.count);
        if address & (size as u64 - 1) != 0 {
            return Err(self.fault(FaultKind::Misaligned, lane as u32, address));
        }
        match access.space {
            Space::Shared => self.shared_place(address, size, lane, intent),
            Space::Generic if address >= SHARED_BASE => {
                self.shared_place(address - SHARED_BASE, size, lane, intent)
            }
            Space::Generic | Space::Global => {
                let slot = self.warp.pc as usize % self.known.len();
                let (start, end) = self.known[slot];
                // Never true of a slot that is not in use, where both are zero.
                if address >= start && address.wrapping_add(size as u64) <= end && address < end {
                    return Ok(Place::Host(address));
                }
                match self.memory.around(address) {
                    Some((start, end)) if size as u64 <= end - address => {
                        self.known[slot] = (start, end);
                        Ok(Place::Host(address))
                    }
                    _ => Err(self.fault(FaultKind::Address, lane as u32, address)),
                }
            }
            Space::Local => {
                let bytes = self.program.local_bytes;
                if address
                    .checked_add(size as u64)
                    .is_none_or(|end| end > bytes as u64)
                {
                    return Err(self.fault(FaultKind::Address, lane as u32, address));
                }
                Ok(Place::Local(lane * bytes + address as usize))
            }
        }
    }

    #[inline(always)]
    fn shared_place(
        &mut self,
        offset: u64,
        size: usize,
        lane: usize,
        intent: Intent,
    ) -> Result<Place, Fault> {
        let Some(at) = self.shared.index(offset, size) else {
            return Err(self.fault(FaultKind::Address, lane as u32, SHARED_BASE + offset));
        };
        let warp = self.warp.number;
        if let Some(race) = &mut self.shared.race
            && race.access(at..at + size, warp, intent.is_write, intent.is_shared)
        {
            return Err(self.fault(FaultKind::Race, lane as u32, SHARED_BASE + offset));
        }
        Ok(Place::Shared(at))
    }

    #[inline(always)]
    fn read(&self, place: Place, offset: usize, size: u8) -> u64 {
        let bytes = match place {
            Place::Host(address) => return read_host(address + offset as u64, size),
            Place::Shared(at) => &self.shared.bytes[at + offset..],
            Place::Local(at) => &self.warp.local[at + offset..],
        };
        match size {
            1 => u64::from(bytes[0]),
            2 => u64::from(u16::from_le_bytes([bytes[0], bytes[1]])),
            4 => u64::from(u32::from_le_bytes(*bytes.first_chunk().unwrap_or(&[0; 4]))),
            _ => u64::from_le_bytes(*bytes.first_chunk().unwrap_or(&[0; 8])),
        }
    }

    #[inline(always)]
    fn write(&mut self, place: Place, offset: usize, size: u8, value: u64) {
        let bytes = match place {
            Place::Host(address) => return write_host(address + offset as u64, size, value),
            Place::Shared(at) => &mut self.shared.bytes[at + offset..],
            Place::Local(at) => &mut self.warp.local[at + offset..],
        };
        let value = value.to_le_bytes();
        match size {
            1 => bytes[0] = value[0],
            2 => bytes[..2].copy_from_slice(&value[..2]),
            4 => bytes[..4].copy_from_slice(&value[..4]),
            _ => bytes[..8].copy_from_slice(&value),
        }
    }

    pub(super) fn load(&mut self, access: Access, i: &Instruction) -> Result<(), Fault> {
        let count = usize::from(access.count);
        let addresses = self.addresses(access, i.rows[count], i.n);
        let intent = Intent {
            is_write: false,
            is_shared: access.is_volatile,
        };
        for lane in self.lanes() {
            let place = self.place(access, addresses[lane], lane, intent)?;
            for (element, row) in i.rows[..count].iter().enumerate() {
                let mut value = self.read(place, element * usize::from(access.size), access.size);
                if access.is_signed {
                    let above = 64 - 8 * u32::from(access.size);
                    value = ((value << above) as i64 >> above) as u64;
                }
                match access.is_wide {
                    true => self.warp.r64[*row as usize][lane] = value,
                    false => self.warp.r32[*row as usize][lane] = value as u32,
                }
            }
        }
        Ok(())
    }

    pub(super) fn store(&mut self, access: Access, i: &Instruction) -> Result<(), Fault> {
        let count = usize::from(access.count);
        let addresses = self.addresses(access, i.rows[count], i.n);
        let intent = Intent {
            is_write: true,
            is_shared: access.is_volatile,
        };
        for lane in self.lanes() {
            let place = self.place(access, addresses[lane], lane, intent)?;
            for (element, row) in i.rows[..count].iter().enumerate() {
                let value = match access.is_wide {
                    true => self.get64(*row)[lane],
                    false => u64::from(self.get32(*row)[lane]),
                };
                self.write(
                    place,
                    element * usize::from(access.size),
                    access.size,
                    value,
                );
            }
        }
        Ok(())
    }

    pub(super) fn atomic(
        &mut self,
        op: AtomicOp,
        access: Access,
        i: &Instruction,
    ) -> Result<(), Fault> {
        let addresses = self.addresses(access, i.rows[1], i.n);
        let a = *self.get32(i.rows[2]);
        let b = match op {
            AtomicOp::CompareExchange => *self.get32(i.rows[3]),
            _ => a,
        };
        let intent = Intent {
            is_write: true,
            is_shared: true,
        };
        for lane in self.lanes() {
            let place = self.place(access, addresses[lane], lane, intent)?;
            let (a, b) = (a[lane], b[lane]);
            let new = |old: u32| match op {
                AtomicOp::Add => old.wrapping_add(a),
                AtomicOp::And => old & a,
                AtomicOp::Or => old | a,
                AtomicOp::Xor => old ^ a,
                AtomicOp::Min => old.min(a),
                AtomicOp::Max => old.max(a),
                AtomicOp::Exchange => a,
                AtomicOp::CompareExchange => {
                    if old == a {
                        b
                    } else {
                        old
                    }
                }
            };
            let old = self.read(place, 0, 4) as u32;
            self.write(place, 0, 4, u64::from(new(old)));
            self.warp.r32[i.rows[0] as usize][lane] = old;
        }
        Ok(())
    }
}

/// Reads memory that other threads may write at the same time.
#[inline(always)]
fn read_host(address: u64, size: u8) -> u64 {
    // SAFETY: the caller has found the address in the table of allocations, and it is a multiple of
    // the size. Nothing is freed while a kernel runs. Memory of a device is used only so, or copied
    // while no kernel runs.
    unsafe {
        match size {
            1 => u64::from(AtomicU8::from_ptr(address as *mut u8).load(Relaxed)),
            2 => u64::from(AtomicU16::from_ptr(address as *mut u16).load(Relaxed)),
            4 => u64::from(AtomicU32::from_ptr(address as *mut u32).load(Relaxed)),
            _ => AtomicU64::from_ptr(address as *mut u64).load(Relaxed),
        }
    }
}

#[inline(always)]
fn write_host(address: u64, size: u8, value: u64) {
    // SAFETY: as in `read_host`.
    unsafe {
        match size {
            1 => AtomicU8::from_ptr(address as *mut u8).store(value as u8, Relaxed),
            2 => AtomicU16::from_ptr(address as *mut u16).store(value as u16, Relaxed),
            4 => AtomicU32::from_ptr(address as *mut u32).store(value as u32, Relaxed),
            _ => AtomicU64::from_ptr(address as *mut u64).store(value, Relaxed),
        }
    }
}
