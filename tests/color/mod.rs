//! Colours become sRGB.

mod cicp;
pub(crate) mod cmyk;
mod conversion;
mod icc;
mod keep;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        keep::trials(),
        cicp::trials(),
        cmyk::trials(),
        conversion::trials(),
        icc::trials(),
    ];
    trials.into_iter().flatten().collect()
}
