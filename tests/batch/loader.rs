//! Many files at a time, on every device.

use crate::support::{Noise, alone, bits};
use imagecuda::{
    Device, ErrorKind, Format, Image, LoadOptions, SaveOptions,
    batch::{CancelToken, Loader, Saver},
};
use libtest_mimic::Trial;
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        images_are_those_of_single_loads_in_order,
        two_thousand_files_of_which_some_are_broken,
        unordered_images_are_all_there,
        several_devices_take_turns,
        a_consumer_that_keeps_everything_gets_everything,
        a_consumer_may_leave_or_stall,
        a_file_larger_than_the_bounds_is_loaded_alone,
        a_panic_of_the_sources_reaches_the_consumer,
        a_cancelled_batch_ends,
    ]);
    trials.extend(crate::support::on_each_device(crate::device_tests![
        no_image_has_an_allocation_of_its_own,
        buffers_are_reused_as_documented,
    ]));
    trials
}

/// PNGs of many sizes, in memory, some of them no pictures.
pub(crate) fn files(count: usize, broken: impl Fn(usize) -> bool) -> Vec<Vec<u8>> {
    let device = Device::cpu();
    let mut noise = Noise::new(9);
    (0..count)
        .map(|i| {
            if broken(i) {
                return noise.bytes(40);
            }
            // Mostly small, now and then large: neighbours take very different times.
            let side = if i % 7 == 3 { 300 } else { 1 + i as u32 % 40 };
            let mut image = Image::new(&device, side, 1 + side / 2).unwrap();
            let samples = noise.floats(image.width() as usize * image.height() as usize * 4);
            image.upload(&samples).unwrap();
            let format = [Format::Png, Format::Qoi, Format::Tiff, Format::Bmp][i % 4];
            SaveOptions::new().encode(&image, format).unwrap()
        })
        .collect()
}

fn single(device: &Device, file: &[u8]) -> Option<(u32, u32, Vec<u32>)> {
    let image = LoadOptions::new().decode(device, file).ok()?;
    Some(content(&image))
}

fn content(image: &Image) -> (u32, u32, Vec<u32>) {
    let samples = image.download().unwrap();
    (image.width(), image.height(), bits(&samples))
}

fn images_are_those_of_single_loads_in_order(device: &Device) {
    let files = files(60, |i| i % 11 == 5);
    let expected: Vec<_> = files.iter().map(|file| single(device, file)).collect();
    for (threads, prefetch) in [(1, 1), (1, 4), (2, 2), (2, 1), (16, 3), (16, 32), (64, 100)] {
        let loader = Loader::new(device).threads(threads).in_flight(prefetch);
        let numbered: Vec<_> = files.iter().cloned().zip(0..).collect();
        let mut count = 0;
        for ((_, index), image) in loader.load(numbered) {
            assert_eq!(index, count, "{threads} threads");
            match (&expected[index], image) {
                (None, Err(_)) => {}
                (Some(expected), Ok(image)) => assert!(content(&image) == *expected, "{index}"),
                (expected, got) => panic!("{index}: {got:?}, {}", expected.is_some()),
            }
            count += 1;
        }
        assert_eq!(count, files.len());
    }
}

fn two_thousand_files_of_which_some_are_broken(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let is_broken = |i: usize| i % 20 == 13;
    let kinds = files(80, is_broken);
    let paths: Vec<PathBuf> = (0..2000)
        .map(|i| {
            let path = folder.path().join(format!("{i:04}.png"));
            fs::write(&path, &kinds[i % 80]).unwrap();
            path
        })
        .collect();
    let loaded = Loader::new(device).load(paths.clone());
    let mut failed = Vec::new();
    for (i, (path, image)) in loaded.enumerate() {
        assert_eq!(path, paths[i]);
        if let Err(error) = image {
            assert_eq!(error.path(), Some(&*path), "{error}");
            assert!(!matches!(error.kind(), ErrorKind::Io(_)), "{error}");
            failed.push(i);
        }
    }
    let expected: Vec<usize> = (0..2000).filter(|&i| is_broken(i)).collect();
    assert_eq!(failed, expected);
}

fn unordered_images_are_all_there(device: &Device) {
    let files: Vec<_> = files(50, |i| i == 20).into_iter().zip(0..50).collect();
    let loader = Loader::new(device).threads(8).unordered();
    let mut seen: Vec<i32> = loader.load(files).map(|((_, index), _)| index).collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..50));
}

fn several_devices_take_turns(device: &Device) {
    let files = files(30, |i| i == 11);
    let devices = [device.clone(), Device::cpu()];
    let loader = Loader::new(device).devices(devices.clone()).in_flight(5);
    for (i, (file, image)) in loader.load(files).enumerate() {
        match image {
            Ok(image) => {
                assert_eq!(*image.device(), devices[i % 2]);
                assert!(
                    Some(content(&image)) == single(&Device::cpu(), &file),
                    "{i}"
                );
            }
            Err(_) => assert_eq!(i, 11),
        }
    }
}

fn a_consumer_that_keeps_everything_gets_everything(device: &Device) {
    let files = files(30, |_| false);
    for (prefetch, max_bytes) in [(1, u64::MAX), (3, u64::MAX), (100, 1), (2, 5000)] {
        let loader = Loader::new(device).in_flight(prefetch).max_bytes(max_bytes);
        let kept: Vec<_> = loader
            .load(files.clone())
            .map(|(_, image)| image.unwrap())
            .collect();
        assert_eq!(kept.len(), 30);
        for (image, file) in kept.into_iter().zip(&files) {
            let image = image.into_image();
            assert!(Some(content(&image)) == single(device, file));
        }
    }
}

fn a_consumer_may_leave_or_stall(device: &Device) {
    let files = files(40, |_| false);
    for taken in [0, 1, 7] {
        let mut images = Loader::new(device).threads(4).load(files.clone());
        let kept: Vec<_> = images.by_ref().take(taken).collect();
        if taken == 1 {
            thread::sleep(Duration::from_millis(30));
        }
        drop(images);
        // What it has stays whole.
        for ((_, image), file) in kept.into_iter().zip(&files) {
            assert!(Some(content(&image.unwrap())) == single(device, file));
        }
    }
    // No more is decoded than there is room for.
    let pulled = Arc::new(AtomicUsize::new(0));
    let count = pulled.clone();
    let sources = files.into_iter().inspect(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let mut images = Loader::new(device).threads(2).in_flight(3).load(sources);
    let first = images.next();
    thread::sleep(Duration::from_millis(50));
    assert!(pulled.load(Ordering::Relaxed) <= 4, "{pulled:?}");
    drop((first, images));
}

fn a_file_larger_than_the_bounds_is_loaded_alone(device: &Device) {
    let files = files(20, |_| false);
    let loader = Loader::new(device).threads(4).max_bytes(1);
    let sizes = loader.load(files).map(|(_, image)| image.unwrap().width());
    assert_eq!(sizes.count(), 20);
}

fn a_panic_of_the_sources_reaches_the_consumer(device: &Device) {
    let good = files(5, |_| false);
    let sources = (0..).map(move |i: usize| match good.get(i) {
        Some(file) => file.clone(),
        None => panic!("the list is torn"),
    });
    let images = Loader::new(device).threads(2).load(sources);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| images.count()));
    let payload = caught.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the list is torn"));
}

fn a_cancelled_batch_ends(device: &Device) {
    let token = CancelToken::new();
    let file = files(1, |_| false).remove(0);
    let endless = std::iter::repeat(file);
    let loader = Loader::new(device).cancel_token(&token);
    let mut count = 0;
    for _ in loader.load(endless) {
        count += 1;
        if count == 10 {
            token.cancel();
        }
    }
    assert_eq!(count, 10);
}

pub(crate) fn picture(device: &Device, seed: u64) -> Image {
    let mut image = Image::new(device, 61, 47).unwrap();
    image.upload(&Noise::new(seed).floats(61 * 47 * 4)).unwrap();
    image
}

/// In a program of its own, as buffers are counted for all of a program.
fn no_image_has_an_allocation_of_its_own(device: &Device) {
    if !alone(
        "batch::loader::no_image_has_an_allocation_of_its_own",
        device,
    ) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |side: u32, format| {
        let image = Image::new(device, side, side).unwrap();
        imagecuda::encode(&image, format).unwrap()
    };
    // Sizes and layouts that change.
    let sizes = [300, 200, 320, 256];
    let files: Vec<_> = (0..400)
        .map(|i| file(sizes[i % 4], [Format::Png, Format::Jpeg][i / 4 % 2]))
        .collect();
    let before = device.transfer_buffers();
    let loader = Loader::new(device).threads(4).in_flight(8);
    let mut images = loader.load(files);
    let saver = Saver::new(SaveOptions::new()).threads(2).in_flight(4);
    for i in 0..400 {
        let (_, image) = images.next().unwrap();
        let target = folder.path().join(format!("{}.bmp", i % 8));
        saver.save(image.unwrap(), target);
    }
    // As many as are in flight at most (9 images, and of each the file, the pixels and what is saved),
    // each once more for each larger size of the four. One an image would be 400, and 800.
    let made = device.transfer_buffers() - before;
    assert!(images.allocated() <= 36, "{} images", images.allocated());
    assert!(made <= 110, "{made} buffers");
    assert!(saver.finish().iter().all(|saved| saved.result.is_ok()));
}

/// The document's own loop: no allocation after the first load.
fn buffers_are_reused_as_documented(device: &Device) {
    use imagecuda::{ImageU8, load_into_via, save_via};
    if !alone("batch::loader::buffers_are_reused_as_documented", device) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..10)
        .map(|i| {
            let path = folder.path().join(format!("{i}.png"));
            imagecuda::save(&picture(device, i), &path).unwrap();
            path
        })
        .collect();
    let mut image = Image::new(device, 512, 512).unwrap();
    let mut via = ImageU8::new(device, 512, 512).unwrap();
    let mut counts = Vec::new();
    for path in &paths {
        load_into_via(path, &mut image, &mut via).unwrap();
        save_via(&image, path.with_extension("bmp"), &mut via).unwrap();
        counts.push(device.transfer_buffers());
        assert_eq!((image.capacity(), image.width()), (512 * 512, 61));
    }
    assert!(
        counts[1..].iter().all(|&count| count == counts[1]),
        "{counts:?}"
    );
}
