//! What tests of a GPU's video engines share: pictures and damage by the engines and by the host.

use crate::{
    Device, LoadOptions, VideoDecoder,
    device::{Payload, video::test_gpu},
};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The pixels, and whether engines decoded them.
pub(in crate::codec) fn pixels(
    device: &Device,
    file: &[u8],
    decoder: VideoDecoder,
) -> (Vec<f32>, bool) {
    let options = LoadOptions::new().video_decoder(decoder);
    let decoded = options.open_bytes(device, file).unwrap();
    let by_engines = matches!(decoded.payload, Payload::Video(_));
    (
        decoded.into_image().unwrap().download().unwrap(),
        by_engines,
    )
}

/// The pixels, or the error's text.
pub(in crate::codec) fn load(
    device: &Device,
    file: &[u8],
    decoder: VideoDecoder,
) -> Result<Vec<f32>, String> {
    let options = LoadOptions::new().video_decoder(decoder);
    let image = options.decode(device, file);
    let image = image.map(|image| image.download().unwrap());
    image.map_err(|error| error.to_string())
}

/// Calls `work` with all numbers below `count`, by several threads. They take the numbers in turn.
pub(in crate::codec) fn by_threads(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                number if number < count => work(number),
                _ => break,
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

/// What became of damaged files.
#[derive(Debug, Default)]
pub(in crate::codec) struct Outcomes {
    /// The engines' way had the host's error.
    pub(in crate::codec) errors: usize,
    /// Both read the same pixels.
    pub(in crate::codec) same: usize,
    /// Both read pixels, of which so many differ in all.
    pub(in crate::codec) other: usize,
    pub(in crate::codec) other_pixels: usize,
    /// The engines read what the host refuses.
    pub(in crate::codec) unseen: usize,
}

/// Reads damaged files by the host and by the engines of the GPU, if there is one. The environment may say
/// how many. Errors have to be the host's, and nothing may be left over.
pub(in crate::codec) fn compare_damaged(
    file: impl Fn(usize) -> Vec<u8> + Sync,
) -> Option<Outcomes> {
    let device = test_gpu()?;
    let count = std::env::var("IMAGECUDA_DAMAGES").ok();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(1000);
    let outcomes = Mutex::new(Outcomes::default());
    let wrong = Mutex::new(Vec::new());
    by_threads(count, |number| {
        let file = file(number);
        let host = load(&device, &file, VideoDecoder::Host);
        let engine = load(&device, &file, VideoDecoder::Engine);
        let mut outcomes = outcomes.lock().unwrap();
        match (&host, &engine) {
            (Err(host), Err(engine)) if host == engine => outcomes.errors += 1,
            (Ok(host), Ok(engine)) if host == engine => outcomes.same += 1,
            (Ok(host), Ok(engine)) => {
                let pairs = host.chunks(4).zip(engine.chunks(4));
                outcomes.other += 1;
                outcomes.other_pixels += pairs.filter(|(host, engine)| host != engine).count();
            }
            (Err(_), Ok(_)) => outcomes.unseen += 1,
            (host, Err(engine)) => {
                let host = host.as_ref().map(|_| ());
                let text = format!("{number}: {host:?} and {engine}");
                wrong.lock().unwrap().push(text);
            }
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    println!("of {count}: {outcomes:?}");
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    // There are only as many decoders as may be.
    let ended = device.release_video_decoders();
    assert!(ended <= 24, "{ended}");
    Some(outcomes)
}
