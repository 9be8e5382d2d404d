//! Chooses the fastest functions that this processor can run.

use super::{
    assemble::{self, Combine, Row, combine},
    dc::{self, DcScan},
    part::Part,
    places::{LOOKUP, LookingUp, Processor},
    scan::AcScan,
};
use std::ops::Range;

/// A piece of work.
pub(super) enum Task<'t, 'a> {
    /// See [`AcScan::read`].
    ReadAc(&'t mut AcScan<'a>, &'t mut Part<'a>),
    /// See [`DcScan::read`].
    ReadDc(&'t mut DcScan<'a>, Range<usize>, &'t mut dc::Band<'a>),
    /// See [`assemble::row`].
    Assemble(Row<'t>, &'t mut [[i16; 64]]),
}

impl Task<'_, '_> {
    /// Runs with one kind of processor. `None` at any irregularity.
    #[inline(always)]
    fn run(self, processor: impl Processor, combine: impl Combine) -> Option<()> {
        match self {
            Self::ReadAc(scan, part) => scan.read(part, processor),
            Self::ReadDc(scan, rows, out) => scan.read(&rows, out),
            Self::Assemble(row, out) => assemble::row(row, out, combine),
        }
    }
}

/// A kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice(Way);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Any processor.
    Portable,
    /// With AVX2, but with a slow PDEP instruction.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// With AVX2 and a fast PDEP instruction.
    #[cfg(target_arch = "x86_64")]
    Bmi2,
}

impl Choice {
    /// The fastest choice that this processor supports.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        match x86::features() {
            Some(x86::Deposit::Fast) => return Self(Way::Bmi2),
            Some(x86::Deposit::Slow) => return Self(Way::Avx2),
            None => {}
        }
        Self(Way::Portable)
    }

    /// All choices that this processor supports.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let portable = vec![Self(Way::Portable)];
        #[cfg(target_arch = "x86_64")]
        if x86::features().is_some() {
            return [portable, vec![Self(Way::Avx2), Self(Way::Bmi2)]].concat();
        }
        portable
    }

    /// Runs `task`. `None` at any irregularity.
    pub(super) fn run(self, task: Task<'_, '_>) -> Option<()> {
        match self.0 {
            Way::Portable => task.run(LookingUp(&LOOKUP), combine),
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
            // SAFETY: the function is safe code. Its only condition is that the processor has some
            // features, and this choice is made only where `x86::features` has found them.
            Way::Avx2 => unsafe { x86::run_by_look_up(task) },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
            // SAFETY: as above.
            Way::Bmi2 => unsafe { x86::run_by_deposits(task) },
        }
    }
}

/// Whether the processor has fast instructions that deposit and extract bits, and AVX2.
#[cfg(target_arch = "x86_64")]
pub(in crate::jpeg) fn has_fast_deposits() -> bool {
    matches!(x86::features(), Some(x86::Deposit::Fast))
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{
        super::places::{Depositing, LOOKUP, LookingUp},
        Task,
        assemble::combine_avx2,
    };
    use std::{
        arch::{
            is_x86_feature_detected,
            x86_64::{__cpuid, _pdep_u64},
        },
        sync::LazyLock,
    };

    /// The speed of the PDEP instruction.
    #[derive(Clone, Copy)]
    pub(super) enum Deposit {
        Fast,
        Slow,
    }

    /// `None` if the processor lacks a feature that the functions below need.
    pub(super) fn features() -> Option<Deposit> {
        static FOUND: LazyLock<Option<Deposit>> = LazyLock::new(|| {
            let all = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            let deposit = match deposits_by_microcode() {
                true => Deposit::Slow,
                false => Deposit::Fast,
            };
            all.then_some(deposit)
        });
        *FOUND
    }

    /// AMD processors before Zen 3, and Hygon's, run PDEP in slow microcode.
    fn deposits_by_microcode() -> bool {
        let vendor = __cpuid(0);
        let vendor = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes);
        let is_amd = matches!(vendor.as_flattened(), b"AuthenticAMD" | b"HygonGenuine");
        let version = __cpuid(1).eax;
        let family = (version >> 8 & 15) + (version >> 20 & 255);
        is_amd && family < 0x19
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn run_by_look_up(task: Task<'_, '_>) -> Option<()> {
        task.run(LookingUp(&LOOKUP), |planes, negative, values, block| {
            combine_avx2(planes, negative, values, block);
        })
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn run_by_deposits(task: Task<'_, '_>) -> Option<()> {
        let deposit = |bits, mask| _pdep_u64(bits, mask);
        task.run(Depositing(deposit), |planes, negative, values, block| {
            combine_avx2(planes, negative, values, block);
        })
    }
}
