//! What is chosen when the program runs, by what the processor has.

use super::{
    assemble,
    dc::{self, DcScan},
    part::Part,
    places::{LOOKUP, LookingUp},
    scan::AcScan,
};
use std::ops::Range;

/// Which functions are used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Whether the processor has what those of [`bmi2`] need.
    #[cfg(target_arch = "x86_64")]
    bmi2: bool,
}

#[cfg(target_arch = "x86_64")]
macro_rules! if_chosen {
    ($choice:expr, $function:ident($($argument:expr),*)) => {
        if $choice.bmi2 {
            #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
            // SAFETY: a function of safe code, whose only condition is that the processor has
            // certain features; only `Choice::best` sets the flag, and has asked for them.
            return unsafe { bmi2::$function($($argument),*) };
        }
    };
}

#[cfg(not(target_arch = "x86_64"))]
macro_rules! if_chosen {
    ($choice:expr, $function:ident($($argument:expr),*)) => {};
}

impl Choice {
    /// The fastest that this processor has.
    pub(super) fn best() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            bmi2: bmi2::is_fast(),
        }
    }

    /// Those for any processor.
    #[cfg(test)]
    pub(super) fn portable() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            bmi2: false,
        }
    }

    /// See [`AcScan::read`].
    pub(super) fn read_ac(self, scan: &mut AcScan<'_>, part: &mut Part) -> Option<()> {
        if_chosen!(self, read_ac(scan, part));
        scan.read(part, LookingUp(&LOOKUP))
    }

    /// See [`DcScan::read`].
    pub(super) fn read_dc(
        self,
        scan: &mut DcScan<'_>,
        rows: &Range<usize>,
        out: &mut dc::Band,
    ) -> Option<()> {
        if_chosen!(self, read_dc(scan, rows, out));
        scan.read(rows, out)
    }

    /// See [`assemble::row`].
    pub(super) fn assemble_row(
        self,
        part: &Part,
        row: usize,
        dc: &[i16],
        refined: &[u8],
        out: &mut [[i16; 64]],
    ) -> Option<()> {
        if_chosen!(self, assemble_row(part, row, dc, refined, out));
        assemble::row(part, row, dc, refined, out)
    }
}

/// The same functions for processors whose instruction that deposits bits is fast.
#[cfg(target_arch = "x86_64")]
mod bmi2 {
    use super::{
        super::{
            assemble,
            dc::{self, DcScan},
            part::Part,
            places::Depositing,
            scan::AcScan,
        },
        Range,
    };
    use std::{
        arch::{
            is_x86_feature_detected,
            x86_64::{__cpuid, _pdep_u64},
        },
        sync::LazyLock,
    };

    pub(super) fn is_fast() -> bool {
        static FAST: LazyLock<bool> = LazyLock::new(|| {
            is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt")
                && !is_early_zen()
        });
        *FAST
    }

    /// AMD's processors before Zen 3, and Hygon's, have microcode for it.
    fn is_early_zen() -> bool {
        let vendor = __cpuid(0);
        let vendor = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes);
        let is_amd = matches!(vendor.as_flattened(), b"AuthenticAMD" | b"HygonGenuine");
        let version = __cpuid(1).eax;
        let family = (version >> 8 & 15) + (version >> 20 & 255);
        is_amd && family < 0x19
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn read_ac(scan: &mut AcScan<'_>, part: &mut Part) -> Option<()> {
        scan.read(part, Depositing(|bits, mask| _pdep_u64(bits, mask)))
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn read_dc(
        scan: &mut DcScan<'_>,
        rows: &Range<usize>,
        out: &mut dc::Band,
    ) -> Option<()> {
        scan.read(rows, out)
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn assemble_row(
        part: &Part,
        row: usize,
        dc: &[i16],
        refined: &[u8],
        out: &mut [[i16; 64]],
    ) -> Option<()> {
        assemble::row(part, row, dc, refined, out)
    }
}
