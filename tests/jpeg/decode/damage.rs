//! Damaged files.

use super::{DECODERS, Found, SMALL, decode, variable};
use crate::support::{
    Noise,
    jpegs::{self, difference},
};
use imagecuda::{Device, JpegDecoder, Result};
use libtest_mimic::Failed;
use std::{
    mem::discriminant,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

/// How many damages of a file there are by default.
const DAMAGES: u64 = 200;
/// How long all damages of a file may take, which they never do but in a loop without end.
const PATIENCE: Duration = Duration::from_secs(3600);

/// All kinds of damage: never a panic, never for ever, and all decoders of one mind.
pub(super) fn check(device: &Device, bytes: Vec<u8>, what: String) -> Result<(), Failed> {
    let now = Arc::new(Mutex::new(String::new()));
    let (done, wait) = mpsc::channel();
    let (device, doing) = (device.clone(), now.clone());
    let work = thread::spawn(move || {
        let mut noise = Noise::new(bytes.len() as u64);
        for round in 0..variable("IMAGECUDA_TEST_JPEGS").unwrap_or(DAMAGES) {
            let (damaged, how) = jpegs::damaged(&bytes, round, &mut noise);
            doing.lock().unwrap().clone_from(&how);
            for tolerant in [false, true] {
                of_one_mind(&device, &damaged, tolerant)
                    .map_err(|error| format!("{how}, tolerant {tolerant}: {error}: {what}"))?;
            }
        }
        let _ = done.send(());
        Ok(())
    });
    let doing = || now.lock().unwrap().clone();
    match wait.recv_timeout(PATIENCE) {
        Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("no end of {}", doing()).into()),
        _ => match work.join() {
            Ok(result) => result.map_err(|error: String| error.into()),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                Err(format!("panic of {}: {}", doing(), text.unwrap_or_default()).into())
            }
        },
    }
}

/// The CPU's host decoder and all others: the same pixels, or the same kind of error.
fn of_one_mind(device: &Device, file: &[u8], tolerant: bool) -> Result<(), String> {
    let first = decode(&Device::cpu(), file, JpegDecoder::Host, tolerant, SMALL);
    for decoder in DECODERS {
        let other = decode(device, file, decoder, tolerant, SMALL);
        match (&first, &other) {
            (Ok(a), Ok(b)) => {
                if let Some(difference) = difference(&b.picture, &a.picture) {
                    return Err(format!("{decoder:?}: {difference}"));
                }
                if a.truncated != b.truncated {
                    return Err(format!("{decoder:?}: truncated {}", b.truncated));
                }
            }
            (Err(a), Err(b)) if discriminant(a.kind()) == discriminant(b.kind()) => {}
            (a, b) => {
                let text = |found: &Result<Found>| match found {
                    Ok(_) => "a picture".to_owned(),
                    Err(error) => error.to_string(),
                };
                return Err(format!("{decoder:?}: {}, Host: {}", text(b), text(a)));
            }
        }
    }
    Ok(())
}
