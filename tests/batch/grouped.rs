//! JPEGs of a batch, which a GPU decodes in groups.

use crate::support::{
    Noise, bits,
    jpegs::{self, Picture},
    same,
};
use imagecuda::{
    ColorPolicy, Device, Filter, Image, JpegDecoder, LoadOptions, SaveOptions, Scale,
    TensorChannels, TensorElement, TensorLayout, TensorOptions,
    batch::{CancelToken, Loader},
};
use libtest_mimic::Trial;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        pictures_are_those_of_another_decoder,
        damaged_files_have_the_errors_of_single_loads,
        files_that_the_kernels_give_up_are_decoded_by_the_host,
        colours_and_orientations_are_those_of_single_loads,
        smaller_pictures_are_those_of_single_loads,
        tensors_are_those_of_single_loads,
        a_cancelled_batch_of_jpegs_ends,
        few_images_in_flight_are_enough,
        a_file_s_own_options_are_asked_for_once,
    ])
}

fn bytes(image: &Image) -> Picture {
    let samples = image.download().unwrap();
    Picture {
        size: [image.width() as usize, image.height() as usize],
        rgba: samples.iter().map(|v| (v * 255.0 + 0.5) as u8).collect(),
    }
}

pub(super) fn kernels() -> LoadOptions {
    LoadOptions::new().jpeg_decoder(JpegDecoder::Kernels)
}

/// Files of all kinds and sizes side by side, from memory and from a folder.
fn pictures_are_those_of_another_decoder(device: &Device) {
    let mut files = jpegs::encoded();
    files.extend((0..60).map(jpegs::random));
    let expected: Vec<_> = files
        .iter()
        .map(|file| jpegs::reference(&file.bytes).map(|picture| picture.picture()))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..files.len())
        .map(|i| {
            let path = folder.path().join(format!("{i}.jpg"));
            fs::write(&path, &files[i].bytes).unwrap();
            path
        })
        .collect();
    let memory: Vec<Vec<u8>> = files.iter().map(|file| file.bytes.clone()).collect();
    for threads in [1, 4, 16] {
        let loader = Loader::new(device).threads(threads).options(kernels());
        let of_memory = loader.load(memory.clone()).map(|(_, image)| image);
        let of_folder = loader.load(paths.clone()).map(|(_, image)| image);
        let mut count = 0;
        for (i, image) in of_memory.enumerate().chain(of_folder.enumerate()) {
            let what = &files[i].what;
            match (&expected[i], image) {
                (Some(expected), Ok(image)) => {
                    let difference = jpegs::difference(&bytes(&image), expected);
                    assert!(difference.is_none(), "{what}: {difference:?}");
                }
                (None, _) => {}
                (Some(_), Err(error)) => panic!("{what}: {error}"),
            }
            count += 1;
        }
        assert_eq!(count, 2 * files.len());
    }
}

/// Damage in some of the files of a group, whose neighbours stay whole.
fn damaged_files_have_the_errors_of_single_loads(device: &Device) {
    let mut noise = Noise::new(11);
    let files: Vec<Vec<u8>> = (0..120)
        .map(|i| {
            let file = jpegs::soft(i % 10).bytes;
            match i % 3 {
                0 => jpegs::damaged(&file, i, &mut noise).0,
                _ => file,
            }
        })
        .collect();
    for options in [kernels(), kernels().allow_truncated(true)] {
        let loader = Loader::new(device).threads(8).options(options.clone());
        for (i, (file, image)) in loader.load(files.clone()).enumerate() {
            match (options.decode(&Device::cpu(), &file), image) {
                (Ok(expected), Ok(image)) => {
                    let difference = jpegs::difference(&bytes(&image), &bytes(&expected));
                    assert!(difference.is_none(), "{i}: {difference:?}");
                }
                (Err(expected), Err(error)) => {
                    assert_eq!(error.to_string(), expected.to_string(), "{i}");
                }
                (expected, got) => panic!("{i}: {got:?}, expected {expected:?}"),
            }
        }
    }
}

/// Pictures of a group that become smaller, among damaged ones, and their memory is used again.
fn smaller_pictures_are_those_of_single_loads(device: &Device) {
    let files: Vec<Vec<u8>> = (0..90)
        .map(|i| match i % 9 {
            4 => jpegs::soft(i).bytes[..200].to_vec(),
            5 => jpegs::flat([640, 480], 0xc0).bytes,
            _ => jpegs::soft(i % 12).bytes,
        })
        .collect();
    for options in [
        kernels().fit(60, 50),
        kernels().fit(9, 300),
        kernels().fit(2000, 33),
        kernels().scale(Scale::Half),
        kernels().fit(100, 100).apply_orientation(false),
    ] {
        let loader = Loader::new(device).threads(4).options(options.clone());
        let mut count = 0;
        for (i, (file, image)) in loader.load(files.clone()).enumerate() {
            match (options.decode(device, &file), image) {
                (Ok(expected), Ok(image)) => {
                    assert_eq!(image.dimensions(), expected.dimensions(), "{i}");
                    let [got, expected] =
                        [&*image, &expected].map(|image| bits(&image.download().unwrap()));
                    same(&got, &expected, i);
                }
                (Err(expected), Err(error)) => {
                    assert_eq!(error.to_string(), expected.to_string(), "{i}");
                }
                (expected, got) => panic!("{i}: {got:?}, expected {expected:?}"),
            }
            count += 1;
        }
        assert_eq!(count, files.len());
    }
}

/// In flat pictures decoders never synchronise, if they begin in the middle of one.
fn half_are_given_up() -> Vec<Vec<u8>> {
    (0..40)
        .map(|i| match i % 2 {
            0 => jpegs::flat([640, 480 + i], 0xc0).bytes,
            _ => jpegs::soft(i as u64).bytes,
        })
        .collect()
}

fn files_that_the_kernels_give_up_are_decoded_by_the_host(device: &Device) {
    let files = half_are_given_up();
    let loader = Loader::new(device).threads(4).options(kernels());
    for (i, (file, image)) in loader.load(files).enumerate() {
        let expected = jpegs::reference(&file).unwrap().picture();
        let difference = jpegs::difference(&bytes(&image.unwrap()), &expected);
        assert!(difference.is_none(), "{i}: {difference:?}");
    }
}

fn right_half(options: LoadOptions, width: u32, height: u32) -> LoadOptions {
    options.region(width / 2, 0, width - width / 2, height)
}

/// Whoever decodes a file in the end, the function that chooses its options sees it once.
fn a_file_s_own_options_are_asked_for_once(device: &Device) {
    let calls: Arc<Vec<AtomicUsize>> = Arc::new((0..40).map(|_| AtomicUsize::new(0)).collect());
    let count = calls.clone();
    let loader = Loader::new(device)
        .threads(4)
        .options(kernels())
        .options_by(move |index, info, options| {
            count[index].fetch_add(1, Ordering::Relaxed);
            right_half(options, info.width(), info.height())
        });
    for (i, (file, image)) in loader.load(half_are_given_up()).enumerate() {
        let whole = jpegs::reference(&file).unwrap().picture();
        let [width, height] = whole.size.map(|side| side as u32);
        let part = right_half(LoadOptions::new(), width, height)
            .decode(&Device::cpu(), &file)
            .unwrap();
        let difference = jpegs::difference(&bytes(&image.unwrap()), &bytes(&part));
        assert!(difference.is_none(), "{i}: {difference:?}");
    }
    for (i, calls) in calls.iter().enumerate() {
        assert_eq!(calls.load(Ordering::Relaxed), 1, "{i}");
    }
}

/// A file with an APP segment right after its signature.
pub(super) fn with_segment(file: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&file[..2], &[0xff, marker], &length, content, &file[2..]].concat()
}

/// Neighbours with and without a profile, and turned ones.
fn colours_and_orientations_are_those_of_single_loads(device: &Device) {
    use crate::support::profiles::{Icc, curv};
    let wide = [[0.6, 0.3, 0.02], [0.2, 0.6, 0.07], [0.15, 0.07, 0.74]];
    let profiles = [wide, [wide[1], wide[0], wide[2]]]
        .map(|primaries| Icc::rgb(primaries, &curv(&[0x0200])).bytes());
    let plain: Vec<Vec<u8>> = (0..6).map(|i| jpegs::soft(i).bytes).collect();
    let files: Vec<Vec<u8>> = (0..90)
        .map(|i| {
            let file = &plain[i % 6];
            match i % 5 {
                0 | 1 => {
                    let icc = [b"ICC_PROFILE\0\x01\x01", &profiles[i % 5][..]].concat();
                    with_segment(file, 0xe2, &icc)
                }
                2 => {
                    let mut exif =
                        b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
                    exif.extend([0, 1 + (i % 8) as u8, 0, 0, 0, 0, 0, 0]);
                    with_segment(file, 0xe1, &exif)
                }
                _ => file.clone(),
            }
        })
        .collect();
    let singles: Vec<_> = files
        .iter()
        .map(|file| kernels().decode(device, file).unwrap())
        .collect();
    let sample = |i: usize| singles[i].download().unwrap();
    // The profiles and the orientations make a difference.
    let raw = kernels().color_policy(ColorPolicy::Raw);
    for i in [0, 1] {
        assert!(raw.decode(device, &files[i]).unwrap().download().unwrap() != sample(i));
    }
    let unturned = kernels().apply_orientation(false);
    let is_turned = |i: usize| {
        let plain = unturned.decode(device, &files[i]).unwrap();
        plain.download().unwrap() != sample(i)
    };
    assert!((0..files.len()).filter(|i| i % 5 == 2).any(is_turned));
    let loader = Loader::new(device).threads(8).options(kernels());
    for (i, (_, image)) in loader.load(files).enumerate() {
        let image = image.unwrap();
        assert_eq!(image.dimensions(), singles[i].dimensions(), "{i}");
        assert!(image.download().unwrap() == sample(i), "{i}");
    }
}

/// Of pictures that a group leaves as 8-bit pixels, and of those that need floats: with other filters and channels
/// than its kernels have, of CMYK, and with profiles.
fn tensors_are_those_of_single_loads(device: &Device) {
    let mut files: Vec<Vec<u8>> = jpegs::encoded().into_iter().map(|f| f.bytes).collect();
    files.extend((0..20).map(|i| jpegs::random(i).bytes));
    files.extend((0..8).map(|i| jpegs::soft(i).bytes));
    let mut noise = Noise::new(5);
    for (i, file) in files.iter_mut().enumerate().filter(|(i, _)| i % 9 == 4) {
        *file = jpegs::damaged(file, i as u64, &mut noise).0;
    }
    let small = TensorOptions::new()
        .element(TensorElement::F32)
        .size(19, 13);
    let ways = [
        small,
        small.filter(Filter::Box).channels(TensorChannels::Gray),
        small
            .filter(Filter::Lanczos3)
            .channels(TensorChannels::Bgr)
            .layout(TensorLayout::Nhwc),
        small.filter(Filter::Nearest),
        small
            .filter(Filter::Mitchell)
            .channels(TensorChannels::Rgba),
        small.background([9, 99, 199]),
        TensorOptions::new()
            .element(TensorElement::F32)
            .size(90, 300)
            .filter(Filter::CatmullRom),
    ];
    for (way, options) in ways.iter().enumerate() {
        let loader = Loader::new(device).threads(8).options(kernels());
        let mut index = 0;
        for batch in loader.tensors(files.clone(), options, 64) {
            let batch = batch.unwrap();
            let all = batch.tensor().download::<f32>().unwrap();
            let pictures = all.chunks(all.len() / batch.results().len());
            for (got, (file, result)) in pictures.zip(batch.results()) {
                let single = kernels().decode(&Device::cpu(), file);
                assert_eq!(result.is_ok(), single.is_ok(), "{way} {index}");
                match single {
                    Ok(image) => {
                        let expected = image.to_tensor(options).unwrap().download::<f32>();
                        same(&bits(got), &bits(&expected.unwrap()), (way, index));
                    }
                    Err(_) => assert!(got.iter().all(|&v| v == 0.0)),
                }
                index += 1;
            }
        }
        assert_eq!(index, files.len());
    }
}

fn a_cancelled_batch_of_jpegs_ends(device: &Device) {
    let token = CancelToken::new();
    let file: Arc<[u8]> = jpegs::soft(3).bytes.into();
    let loader = Loader::new(device).options(kernels()).cancel_token(&token);
    let mut count = 0;
    for _ in loader.load(std::iter::repeat(file.clone())) {
        count += 1;
        if count == 100 {
            token.cancel();
        }
    }
    assert_eq!(count, 100);
    // A consumer that leaves early.
    for taken in [0, 1, 50] {
        let images = loader.clone().cancel_token(&CancelToken::new());
        let kept: Vec<_> = images.load(vec![file.clone(); 300]).take(taken).collect();
        assert!(kept.iter().all(|(_, image)| image.is_ok()));
    }
}

/// Groups do not wait for pictures for which there is no room.
fn few_images_in_flight_are_enough(device: &Device) {
    let image = Image::new(&Device::cpu(), 70, 64).unwrap();
    let file = SaveOptions::new()
        .encode(&image, imagecuda::Format::Jpeg)
        .unwrap();
    for (threads, in_flight, max_bytes) in [(1, 1, u64::MAX), (8, 1, 1), (4, 3, 200_000)] {
        let loader = Loader::new(device).threads(threads).in_flight(in_flight);
        let loader = loader.max_bytes(max_bytes).options(kernels());
        // One consumer returns all images, and one keeps all.
        assert_eq!(loader.load(vec![file.clone(); 50]).count(), 50);
        let kept: Vec<_> = loader.load(vec![file.clone(); 50]).collect();
        assert!(kept.into_iter().all(|(_, image)| image.is_ok()));
    }
}
