//! Small stacks: many threads save and load at once, and none of them, nor any of rayon's, needs
//! much of its stack. An overflow ends the program, so each test has one of its own.

use crate::support::{alone_through, pictures::picture};
use imagecuda::{
    Compression, Device, Format, Image, JpegDecoder, JpegEncoder, LoadOptions, PngEncoder,
    SaveOptions, Subsampling,
    batch::{Loader, Pipeline, Saver},
};
use libtest_mimic::Trial;
use std::{convert::Infallible, fs, sync::Barrier, thread};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        jpeg_on_many_threads,
        every_format_on_many_threads,
        batches_beside_each_other,
    ])
}

/// Of the test, and of rayon.
const THREADS: usize = 64;

/// Whether this is the program in which all threads, rayon's too, have stacks of 128 KiB.
fn small_stacks(name: &str, device: &Device) -> bool {
    let few = ["env", "RUST_MIN_STACK=131072", "RAYON_NUM_THREADS=64"];
    alone_through(&few, &format!("hostile::stacks::{name}"), device)
}

/// A way to save, and its name.
type Way = (&'static str, Format, SaveOptions);

fn of_jpeg() -> Vec<Way> {
    let way = |name, options| (name, Format::Jpeg, options);
    let host = || {
        SaveOptions::new()
            .background([0; 3])
            .jpeg_encoder(JpegEncoder::Host)
    };
    let kernels = || {
        SaveOptions::new()
            .background([0; 3])
            .jpeg_encoder(JpegEncoder::Kernels)
    };
    vec![
        way("optimized", host().quality(90).optimize_huffman(true)),
        way("plain", host()),
        way(
            "restarts",
            host().restart_interval(7).optimize_huffman(true),
        ),
        way("progressive", host().quality(80).progressive(true)),
        way("reduced", host().subsampling(Subsampling::Yuv422)),
        way("kernels", kernels()),
        way(
            "kernels, optimized",
            kernels().quality(80).optimize_huffman(true),
        ),
    ]
}

fn of_others() -> Vec<Way> {
    use Compression::{Balanced, Fast, Lzw, PackBits, Small, Uncompressed};
    let options = || SaveOptions::new().background([9; 3]);
    let mut ways: Vec<Way> = Format::ALL
        .iter()
        .filter(|format| format.can_save() && **format != Format::Jpeg)
        .map(|&format| ("plain", format, options()))
        .collect();
    for compression in [Uncompressed, Fast, Balanced, Small] {
        ways.push(("packed", Format::Png, options().compression(compression)));
    }
    let kernels = options().png_encoder(PngEncoder::Kernels);
    ways.push(("packed by kernels", Format::Png, kernels));
    for compression in [Uncompressed, Balanced, Lzw, PackBits] {
        ways.push(("packed", Format::Tiff, options().compression(compression)));
    }
    for format in [Format::WebP, Format::Avif, Format::Heif] {
        if format.can_save() {
            ways.push(("lossy", format, options().quality(70)));
        }
    }
    ways
}

fn image(device: &Device, format: Format) -> Image {
    let (width, height) = match format {
        // Slow ones, in whose own threads the work is; and one that has no larger ones.
        Format::Avif | Format::Heif => (96, 80),
        Format::Ico => (256, 200),
        _ => (1000, 700),
    };
    picture(device, width, height).to_f32().unwrap()
}

/// Saves and loads in each of these ways on many threads at once, on each of them in another order.
fn at_once(device: &Device, ways: &[Way], each: usize) {
    // What one thread with room gives.
    let decoders = [JpegDecoder::Host, JpegDecoder::Kernels];
    let load = |file: &[u8], format, decoder| {
        let options = LoadOptions::new().format(format).jpeg_decoder(decoder);
        options.decode_u8(device, file).unwrap().download().unwrap()
    };
    let expected: Vec<_> = ways
        .iter()
        .map(|(_, format, options)| {
            let file = options.encode(&image(device, *format), *format).unwrap();
            let pixels = decoders.map(|decoder| load(&file, *format, decoder));
            (file, pixels)
        })
        .collect();
    let start = Barrier::new(THREADS);
    let work = |number: usize| {
        start.wait();
        for i in (0..ways.len()).cycle().skip(number).take(each) {
            let (name, format, options) = &ways[i];
            let file = options.encode(&image(device, *format), *format).unwrap();
            assert!(file == expected[i].0, "{format} {name}: another file");
            let which = (number + i) % 2;
            let pixels = load(&file, *format, decoders[which]);
            assert!(
                pixels == expected[i].1[which],
                "{format} {name}: other pixels"
            );
        }
    };
    thread::scope(|scope| {
        let work = &work;
        for number in 0..THREADS {
            scope.spawn(move || work(number));
        }
    });
}

fn jpeg_on_many_threads(device: &Device) {
    if small_stacks("jpeg_on_many_threads", device) {
        let ways = of_jpeg();
        at_once(device, &ways, 4);
    }
}

fn every_format_on_many_threads(device: &Device) {
    if small_stacks("every_format_on_many_threads", device) {
        at_once(device, &of_others(), 2);
    }
}

/// Loaders, savers and pipelines.
fn batches_beside_each_other(device: &Device) {
    if !small_stacks("batches_beside_each_other", device) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut ways = of_jpeg();
    ways.extend(of_others());
    let files: Vec<_> = ways
        .iter()
        .enumerate()
        .map(|(i, (_, format, options))| {
            let name = format!("{i}.{}", format.extensions()[0]);
            let path = folder.path().join(name);
            options.save(&image(device, *format), &path).unwrap();
            path
        })
        .collect();
    let (files, ways) = (&files, &ways);
    let out = |part: &str| {
        let folder = folder.path().join(part);
        fs::create_dir(&folder).unwrap();
        move |i: usize| folder.join(files[i].file_name().unwrap())
    };
    let all = || 0..files.len();
    thread::scope(|scope| {
        for part in ["first", "second"] {
            let to = out(&format!("{part} saver"));
            scope.spawn(move || {
                let saver = Saver::new(SaveOptions::new()).threads(16).in_flight(8);
                for i in all() {
                    let (_, format, options) = &ways[i];
                    saver.save_with(image(device, *format), to(i), options);
                }
                let saved = saver.finish();
                assert!(saved.iter().all(|saved| saved.result.is_ok()), "{saved:?}");
                for i in all() {
                    assert!(fs::read(to(i)).unwrap() == fs::read(&files[i]).unwrap());
                }
            });
            scope.spawn(move || {
                let loader = Loader::new(device).threads(16).in_flight(8);
                for (path, loaded) in loader.load(files.clone()) {
                    loaded.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                }
            });
            let to = out(&format!("{part} pipeline"));
            scope.spawn(move || {
                let jobs: Vec<_> = all().map(|i| (files[i].clone(), to(i))).collect();
                let options = SaveOptions::new().background([0; 3]);
                let pipeline = Pipeline::new(device).threads(16).save_options(options);
                let report = pipeline.run(jobs, |_, _| Ok::<_, Infallible>(()));
                assert_eq!(report.saved, files.len(), "{report:?}");
            });
        }
    });
}
