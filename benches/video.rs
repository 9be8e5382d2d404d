//! HEIC, AVIF and lossy WebP by the video engines of a GPU and by the host:
//! `cargo bench --features cuda,heif-vendored --bench video -- [engine|host] FILE...`
//!
//! With `save` it saves the pictures instead: HEIC of quality 80 by several efforts (not with `webp`), and WebP of
//! quality 85, one and 16 at a time.
//!
//! Each line is a file: the first picture of the process, files per second by 16 threads, and then, with
//! all decoders there, the median of single files in ms, and the part of it until the file is decoded.

use imagecuda::{Device, Format, LoadOptions, SaveOptions, VideoDecoder};
use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

const SINGLE: usize = 25;
const THREADS: usize = 16;
const BATCH: usize = 160;

fn main() {
    let device = Device::default();
    device.synchronize().unwrap();
    println!("{}", device.name());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |name| arguments.iter().any(|argument| argument == name);
    let names = ["engine", "host", "once", "save", "webp"];
    let files = arguments
        .iter()
        .filter(|name| !name.starts_with('-') && !names.contains(&name.as_str()));
    for name in files {
        let file = fs::read(name).unwrap();
        if is_asked("save") {
            let efforts: &[u8] = if is_asked("webp") { &[] } else { &[5, 4, 2, 0] };
            save(&device, &file, efforts);
            continue;
        }
        for (decoder, other) in [
            (VideoDecoder::Engine, "host"),
            (VideoDecoder::Host, "engine"),
        ] {
            if is_asked(other) {
                continue;
            }
            let options = LoadOptions::new().video_decoder(decoder);
            let ms = |start: Instant| start.elapsed().as_secs_f64() * 1e3;
            let load = || {
                let start = Instant::now();
                let decoded = options.open_bytes(&device, &file).unwrap();
                let opened = ms(start);
                let image = decoded.into_image().unwrap();
                device.synchronize().unwrap();
                drop(image);
                (ms(start), opened)
            };
            let (first, _) = load();
            if is_asked("once") {
                println!("{name} {decoder:?}: first {first:.1} ms");
                continue;
            }
            let slow = first > 100.0 && decoder == VideoDecoder::Host;
            let (single, batch) = if slow { (3, 16) } else { (SINGLE, BATCH) };
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
            let rates = match decoder {
                // The first time decoders are made.
                VideoDecoder::Engine => [all(), all(), all()],
                _ => [all(); 3],
            };
            thread::sleep(Duration::from_millis(100));
            let mut times: Vec<_> = (0..single).map(|_| load()).collect();
            times.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (median, opened) = times[single / 2];
            println!(
                "{name} {decoder:?}: first {first:.1} ms, then {median:.2} ({opened:.2} until decoded; best \
                 {:.2}), {:.0}, {:.0} and {:.0}/s",
                times[0].0, rates[0], rates[1], rates[2]
            );
        }
    }
    println!("{} decoders", device.release_video_decoders());
}

fn save(device: &Device, file: &[u8], efforts: &[u8]) {
    let image = LoadOptions::new().decode(device, file).unwrap();
    let pixels = image.to_u8().unwrap().download().unwrap();
    for &effort in efforts {
        let options = SaveOptions::new().quality(80).effort(effort);
        let start = Instant::now();
        let Ok(saved) = options.encode(&image, Format::Heif) else {
            break;
        };
        let seconds = start.elapsed().as_secs_f64();
        let again = LoadOptions::new().decode(device, &saved).unwrap();
        let again = again.to_u8().unwrap().download().unwrap();
        let square = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
        let sum: f64 = pixels.iter().zip(&again).map(square).sum();
        let psnr = 10.0 * (255.0 * 255.0 / (sum / (pixels.len() as f64 * 0.75))).log10();
        println!(
            "HEIC, effort {effort}: {seconds:.2} s, {} bytes, {psnr:.2} dB",
            saved.len()
        );
    }
    let options = SaveOptions::new().quality(85);
    let start = Instant::now();
    let length = options.encode(&image, Format::WebP).unwrap().len();
    let one = start.elapsed().as_secs_f64();
    let each = 3;
    let start = Instant::now();
    let work = || {
        for _ in 0..each {
            options.encode(&image, Format::WebP).unwrap();
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    let rate = (each * THREADS) as f64 / start.elapsed().as_secs_f64();
    println!("WebP: {one:.3} s, {length} bytes; {THREADS} at a time: {rate:.1}/s");
}
