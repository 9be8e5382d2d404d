//! JPEG, against decoders and encoders that this project did not write.

mod decode;
mod encode;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [decode::trials(), encode::trials()];
    trials.into_iter().flatten().collect()
}
