//! Progressive JPEGs of a batch, whose blocks a kernel finds together on a GPU.

use super::grouped::{kernels, with_segment};
use crate::support::{
    Noise, bits,
    jpegs::{self, Jpeg},
    pictures::exif,
    profiles::{Icc, curv},
    same,
};
use imagecuda::{
    Device, Image, LoadOptions, Scale, TensorElement, TensorOptions,
    batch::{CancelToken, Loader},
};
use libtest_mimic::Trial;
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        pictures_are_those_of_single_loads,
        damaged_files_have_the_errors_of_single_loads_and_their_paths,
        smaller_turned_and_converted_pictures_are_those_of_single_loads,
        tensors_are_those_of_single_loads,
        a_file_s_own_options_are_asked_for_once,
        few_images_in_flight_are_enough,
        a_cancelled_batch_ends,
    ])
}

/// Progressive files of two encoders, and of scripts that none writes.
fn progressive() -> Vec<Vec<u8>> {
    let encoded = jpegs::encoded().into_iter();
    let encoded = encoded.filter(|file| file.what.ends_with("progressive true"));
    let unusual = (0..24).map(jpegs::unusual);
    let flat = [jpegs::flat_and_refined([640, 480])];
    let all = encoded.chain(unusual).chain(flat);
    all.map(|Jpeg { bytes, .. }| bytes).collect()
}

/// The same between files that kernels decode in groups of their own, and those of others.
fn mixed() -> Vec<Vec<u8>> {
    let pngs = super::loader::files(8, |i| i == 5);
    let mut files = Vec::new();
    for (i, file) in progressive().into_iter().enumerate() {
        files.push(file);
        match i % 3 {
            0 => files.push(jpegs::soft(i as u64).bytes),
            1 => files.push(pngs[i % pngs.len()].clone()),
            _ => {}
        }
    }
    files
}

type Content = Result<((u32, u32), Vec<u32>), String>;

fn content(image: imagecuda::Result<impl AsRef<Image>>) -> Content {
    let image = image.map_err(|error| error.to_string())?;
    let image = image.as_ref();
    Ok((image.dimensions(), bits(&image.download().unwrap())))
}

/// That a batch's images and errors are those of loads on the device `single`, in order. Returns the number of
/// errors.
fn check(
    (device, single): (&Device, &Device),
    options: &LoadOptions,
    files: &[Vec<u8>],
    threads: usize,
) -> usize {
    let loader = Loader::new(device)
        .threads(threads)
        .options(options.clone());
    let (mut count, mut errors) = (0, 0);
    for (i, (file, image)) in loader.load(files.to_vec()).enumerate() {
        let expected = options.decode(single, &file);
        match (content(image), content(expected)) {
            (Ok((size, got)), Ok((expected_size, expected))) => {
                assert_eq!(size, expected_size, "{i}");
                same(&got, &expected, i);
            }
            (got, expected) => {
                assert_eq!(got.err(), expected.err(), "{i}");
                errors += 1;
            }
        }
        count += 1;
    }
    assert_eq!(count, files.len());
    errors
}

fn pictures_are_those_of_single_loads(device: &Device) {
    let files = mixed();
    for (options, threads) in [
        (kernels(), 1),
        (kernels(), 8),
        (LoadOptions::new(), 1),
        (LoadOptions::new(), 8),
    ] {
        let errors = check((device, &Device::cpu()), &options, &files, threads);
        assert!(errors < files.len() / 3, "{errors}");
    }
}

/// Broken files among whole ones, from a folder.
fn damaged_files_have_the_errors_of_single_loads_and_their_paths(device: &Device) {
    let mut noise = Noise::new(23);
    let files = progressive().into_iter().enumerate().flat_map(|(i, file)| {
        let damaged = jpegs::damaged(&file, i as u64, &mut noise).0;
        [file, damaged]
    });
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .enumerate()
        .map(|(i, file)| {
            let path = folder.path().join(format!("{i}.jpg"));
            fs::write(&path, file).unwrap();
            path
        })
        .collect();
    for options in [kernels(), kernels().allow_truncated(true)] {
        let loader = Loader::new(device).threads(4).options(options.clone());
        let (mut whole, mut broken) = (0, 0);
        for (path, image) in loader.load(paths.clone()) {
            match (options.load(&Device::cpu(), &path), image) {
                (Ok(expected), Ok(image)) => {
                    assert_eq!(image.dimensions(), expected.dimensions(), "{path:?}");
                    let [got, expected] =
                        [&*image, &expected].map(|image| bits(&image.download().unwrap()));
                    same(&got, &expected, &path);
                    whole += 1;
                }
                (Err(expected), Err(error)) => {
                    assert_eq!(error.to_string(), expected.to_string());
                    assert_eq!(error.path(), Some(&*path));
                    broken += 1;
                }
                (expected, got) => panic!("{path:?}: {got:?}, expected {expected:?}"),
            }
        }
        assert_eq!(whole + broken, paths.len());
        assert!(whole > 30 && broken > 1, "{whole} {broken}");
    }
}

fn smaller_turned_and_converted_pictures_are_those_of_single_loads(device: &Device) {
    let wide = [[0.6, 0.3, 0.02], [0.2, 0.6, 0.07], [0.15, 0.07, 0.74]];
    let profile = Icc::rgb(wide, &curv(&[0x0200])).bytes();
    let icc = [b"ICC_PROFILE\0\x01\x01", &profile[..]].concat();
    let mut files = Vec::new();
    for (i, file) in progressive().into_iter().take(16).enumerate() {
        let exif = [b"Exif\0\0", &exif(1 + i as u8 % 8)[..]].concat();
        files.push(with_segment(&file, 0xe1, &exif));
        files.push(with_segment(&file, 0xe2, &icc));
        files.push(file);
    }
    for options in [
        kernels(),
        kernels().fit(31, 40),
        kernels().scale(Scale::Half),
        kernels().scale(Scale::Eighth),
        kernels().region(9, 5, 40, 30),
        kernels().fit(20, 20).apply_orientation(false),
    ] {
        // Where pictures become smaller, a GPU and a CPU begin with other sizes.
        assert_eq!(check((device, device), &options, &files, 4), 0);
    }
}

fn tensors_are_those_of_single_loads(device: &Device) {
    let files = mixed();
    let options = TensorOptions::new()
        .element(TensorElement::F32)
        .size(19, 13);
    let loader = Loader::new(device).threads(4).options(kernels());
    let mut index = 0;
    for batch in loader.tensors(files.clone(), &options, 32) {
        let batch = batch.unwrap();
        let all = batch.tensor().download::<f32>().unwrap();
        let pictures = all.chunks(all.len() / batch.results().len());
        for (got, (file, result)) in pictures.zip(batch.results()) {
            let single = kernels().decode(&Device::cpu(), file);
            assert_eq!(result.is_ok(), single.is_ok(), "{index}");
            if let Ok(image) = single {
                let expected = image.to_tensor(&options).unwrap().download::<f32>();
                same(&bits(got), &bits(&expected.unwrap()), index);
            }
            index += 1;
        }
    }
    assert_eq!(index, files.len());
}

/// Whoever decodes a file in the end, the function that chooses its options sees it once, and they hold.
fn a_file_s_own_options_are_asked_for_once(device: &Device) {
    let mut noise = Noise::new(3);
    let mut files: Vec<Vec<u8>> = progressive().into_iter().take(16).collect();
    for (i, file) in files.iter_mut().enumerate().filter(|(i, _)| i % 3 == 1) {
        *file = jpegs::damaged(file, i as u64, &mut noise).0;
    }
    let own = |index: usize, options: LoadOptions| match index % 2 {
        0 => options.fit(30, 30),
        _ => options.allow_truncated(true),
    };
    let calls: Arc<Vec<AtomicUsize>> =
        Arc::new(files.iter().map(|_| AtomicUsize::new(0)).collect());
    let count = Arc::clone(&calls);
    let loader = Loader::new(device)
        .threads(4)
        .options(kernels())
        .options_by(move |index, _, options| {
            count[index].fetch_add(1, Ordering::Relaxed);
            own(index, options)
        });
    for (i, (file, image)) in loader.load(files).enumerate() {
        // What cannot be inspected has nothing to choose by, and stays an error.
        let is_read = kernels().inspect_bytes(&file).is_ok();
        match is_read {
            true => {
                let expected = own(i, kernels()).decode(device, &file);
                assert!(content(image) == content(expected), "{i}");
            }
            false => assert!(image.is_err(), "{i}"),
        }
        let calls = calls[i].load(Ordering::Relaxed);
        assert_eq!(calls, usize::from(is_read), "{i}");
    }
}

/// Groups do not wait for pictures for which there is no room.
fn few_images_in_flight_are_enough(device: &Device) {
    let file: Arc<[u8]> = progressive()[0].clone().into();
    let expected = content(kernels().decode(&Device::cpu(), &file));
    for options in [kernels(), LoadOptions::new()] {
        for (threads, in_flight, max_bytes) in [(1, 1, u64::MAX), (8, 1, 1), (4, 3, 200_000)] {
            let loader = Loader::new(device)
                .threads(threads)
                .in_flight(in_flight)
                .max_bytes(max_bytes)
                .options(options.clone());
            // One consumer returns all images, and one keeps all.
            for (_, image) in loader.load(vec![file.clone(); 20]) {
                assert!(content(image) == expected);
            }
            let kept: Vec<_> = loader.load(vec![file.clone(); 20]).collect();
            assert!(
                kept.into_iter()
                    .all(|(_, image)| content(image) == expected)
            );
        }
    }
}

fn a_cancelled_batch_ends(device: &Device) {
    let token = CancelToken::new();
    let file: Arc<[u8]> = progressive()[1].clone().into();
    let loader = Loader::new(device).options(kernels()).cancel_token(&token);
    let mut count = 0;
    for _ in loader.load(std::iter::repeat(file.clone())) {
        count += 1;
        if count == 40 {
            token.cancel();
        }
    }
    assert_eq!(count, 40);
    // A consumer that leaves early.
    for taken in [0, 1, 20] {
        let images = loader.clone().cancel_token(&CancelToken::new());
        let kept: Vec<_> = images.load(vec![file.clone(); 100]).take(taken).collect();
        assert!(kept.iter().all(|(_, image)| image.is_ok()));
    }
}
