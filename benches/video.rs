//! HEIC, AVIF and lossy WebP by the video engines of a GPU and by the host:
//! `cargo bench --features cuda,heif-vendored --bench video -- FILE...`
//!
//! Each line is a file: the first picture of the process, the median of single files in ms, and files
//! per second by 16 threads.

use imagecuda::{Device, LoadOptions, VideoDecoder};
use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

const SINGLE: usize = 15;
const THREADS: usize = 16;
const BATCH: usize = 96;

fn main() {
    let device = Device::default();
    device.synchronize().unwrap();
    println!("{}", device.name());
    let files = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'));
    for name in files {
        let file = fs::read(&name).unwrap();
        for decoder in [VideoDecoder::Engine, VideoDecoder::Host] {
            let options = LoadOptions::new().video_decoder(decoder);
            let load = || {
                let start = Instant::now();
                let image = options.decode(&device, &file).unwrap();
                device.synchronize().unwrap();
                drop(image);
                start.elapsed().as_secs_f64() * 1e3
            };
            let first = load();
            let slow = first > 100.0 && decoder == VideoDecoder::Host;
            let (single, batch) = if slow { (3, 16) } else { (SINGLE, BATCH) };
            let mut times: Vec<f64> = (0..single).map(|_| load()).collect();
            times.sort_by(f64::total_cmp);
            let next = AtomicUsize::new(0);
            let work = || {
                while next.fetch_add(1, Ordering::Relaxed) < batch {
                    options.decode(&device, &file).unwrap();
                }
            };
            let all = || {
                next.store(0, Ordering::Relaxed);
                let start = Instant::now();
                thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
                device.synchronize().unwrap();
                batch as f64 / start.elapsed().as_secs_f64()
            };
            // The second time all decoders are there.
            let rates = [all(), all()];
            println!(
                "{name} {decoder:?}: first {first:.1} ms, then {:.2} (best {:.2}), {:.0} and {:.0}/s",
                times[single / 2],
                times[0],
                rates[0],
                rates[1]
            );
        }
    }
    println!("{} decoders", device.release_video_decoders());
}
