//! Colours become sRGB.

mod cicp;
mod cmyk;
mod conversion;
mod icc;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        cicp::trials(),
        cmyk::trials(),
        conversion::trials(),
        icc::trials(),
    ];
    trials.into_iter().flatten().collect()
}
