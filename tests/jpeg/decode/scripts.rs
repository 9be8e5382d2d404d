//! Scripts of progressive files that no encoder writes.

use super::{DECODERS, LARGE, PARTS, decode, on_devices, seeds};
use crate::support::jpegs::{self, Jpeg, difference, reference};
use imagecuda::{Device, JpegDecoder};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for part in 0..PARTS {
        on_devices(
            &mut trials,
            format!("jpeg::scripts::{part}"),
            move |device| {
                let (mut taken, mut all) = (0, 0);
                for seed in seeds(part) {
                    let is_taken = check(device, &jpegs::unusual(seed));
                    taken += u32::from(is_taken.map_err(|error| format!("seed {seed}: {error}"))?);
                    all += 1;
                }
                // Most of them are files in which nothing is missing.
                match all < 20 || taken > all / 2 {
                    true => Ok(()),
                    false => Err(format!("{taken} of {all} are taken").into()),
                }
            },
        );
    }
    trials
}

/// Whether the file is taken. Then all decoders give libjpeg's pixels, tolerant ones too; else all of them
/// refuse it.
fn check(device: &Device, Jpeg { bytes, what }: &Jpeg) -> Result<bool, String> {
    let expected = reference(bytes).map(|reference| reference.picture());
    let first = decode(&Device::cpu(), bytes, JpegDecoder::Host, false, LARGE);
    for decoder in DECODERS {
        for tolerant in [false, true] {
            let found = decode(device, bytes, decoder, tolerant, LARGE);
            if !tolerant && found.is_ok() != first.is_ok() {
                return Err(format!("{decoder:?} is not of the host's mind: {what}"));
            }
            let (Ok(found), Some(expected), Ok(_)) = (found, &expected, &first) else {
                continue;
            };
            if let Some(difference) = difference(&found.picture, expected) {
                return Err(format!(
                    "{decoder:?}, tolerant {tolerant}: {difference}: {what}"
                ));
            }
        }
    }
    Ok(first.is_ok())
}
