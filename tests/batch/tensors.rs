//! Batches of tensors, on every device.

use super::loader::files;
use crate::support::{Noise, bits, same};
use imagecuda::{
    Channels, Device, ErrorKind, Filter, Format, Image, LoadOptions, SaveOptions, TensorChannels,
    TensorElement, TensorFit, TensorLayout, TensorOptions,
    batch::{Loader, TensorBatch},
    inspect_bytes,
};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        pictures_are_those_of_single_loads_in_order,
        failures_can_be_skipped,
        failures_alone_are_a_tensor_without_pictures,
        memory_is_used_again,
        devices_take_turns,
        a_tensor_that_cannot_be_had_ends_it,
        each_file_has_its_options,
        sharp_filters_make_many_pictures_at_once,
    ])
}

fn options() -> TensorOptions {
    TensorOptions::new()
        .element(TensorElement::F16)
        .size(24, 16)
        .fit(TensorFit::Contain([0.5; 4]))
}

/// The picture of one file; zeros of one that is none.
fn single(device: &Device, file: &[u8]) -> (Vec<u16>, Option<(u32, u32)>) {
    let loaded = LoadOptions::new().decode(device, file).ok();
    match &loaded {
        Some(image) => {
            let tensor = image.to_tensor(&options()).unwrap();
            (tensor.download().unwrap(), Some(image.dimensions()))
        }
        None => (vec![0; 3 * 24 * 16], None),
    }
}

fn check<S: AsRef<[u8]>>(device: &Device, batch: &TensorBatch<S>) {
    let elements = batch.tensor().download::<u16>().unwrap();
    assert_eq!(batch.tensor().shape(), [batch.results().len(), 3, 16, 24]);
    let pictures = elements.chunks(3 * 24 * 16);
    for (picture, (file, result)) in pictures.zip(batch.results()) {
        let (expected, size) = single(device, file.as_ref());
        same(picture, &expected, size);
        assert_eq!(result.as_ref().ok().copied(), size);
    }
}

fn pictures_are_those_of_single_loads_in_order(device: &Device) {
    let files = files(45, |i| i == 3 || i == 19 || i == 20);
    let mut seen = Vec::new();
    for batch in Loader::new(device).tensors(files.clone(), &options(), 10) {
        let batch = batch.unwrap();
        check(device, &batch);
        seen.push(batch.results().len());
        let errors = batch.results().iter().filter(|(_, result)| result.is_err());
        assert_eq!(errors.count(), [1, 1, 1, 0, 0][seen.len() - 1]);
    }
    assert_eq!(seen, [10, 10, 10, 10, 5]);
    let none: Vec<Vec<u8>> = Vec::new();
    assert!(
        Loader::new(device)
            .tensors(none, &options(), 10)
            .next()
            .is_none()
    );
}

fn failures_can_be_skipped(device: &Device) {
    let is_broken = |i| i % 4 == 1;
    let files = files(30, is_broken);
    let batches = Loader::new(device).tensors(files.clone(), &options(), 8);
    let (mut pictures, mut sources) = (Vec::new(), Vec::new());
    for batch in batches.skip_failures() {
        let batch = batch.unwrap();
        let loaded = batch.results().iter().filter(|(_, result)| result.is_ok());
        assert_eq!(batch.tensor().shape()[0], loaded.count());
        pictures.extend(batch.tensor().download::<u16>().unwrap());
        sources.extend(batch.results().iter().map(|(file, _)| file.clone()));
    }
    assert!(sources == files, "every file has its result");
    let whole = files.iter().enumerate().filter(|(i, _)| !is_broken(*i));
    let expected: Vec<u16> = whole.flat_map(|(_, file)| single(device, file).0).collect();
    same(&pictures, &expected, "pictures");
}

fn failures_alone_are_a_tensor_without_pictures(device: &Device) {
    let batches = Loader::new(device).tensors(files(7, |i| i >= 4), &options(), 4);
    let found: Vec<_> = batches
        .skip_failures()
        .map(|batch| {
            let batch = batch.unwrap();
            let elements = batch.tensor().download::<u16>().unwrap();
            assert_eq!(elements.len(), batch.tensor().len());
            (batch.tensor().shape(), batch.results().len())
        })
        .collect();
    assert_eq!(found, [([4, 3, 16, 24], 4), ([0, 3, 16, 24], 3)]);
}

fn memory_is_used_again(device: &Device) {
    let files = files(40, |i| i == 5);
    let mut batches = Loader::new(device).tensors(files, &options(), 4);
    // The first one is kept: another takes its place, and is used for all others.
    let kept = batches.next().unwrap().unwrap();
    let mut places = Vec::new();
    for batch in batches {
        let batch = batch.unwrap();
        check(device, &batch);
        places.extend(batch.tensor().as_bytes().map(<[u8]>::as_ptr));
    }
    check(device, &kept);
    let place = kept.tensor().as_bytes().map(<[u8]>::as_ptr);
    assert!(
        places
            .iter()
            .all(|&at| at == places[0] && Some(at) != place)
    );
    let (tensor, results) = kept.into_parts();
    assert_eq!((tensor.shape()[0], results.len()), (4, 4));
}

fn devices_take_turns(device: &Device) {
    let files = files(20, |i| i % 6 == 2);
    let devices = [device.clone(), Device::cpu()];
    let loader = Loader::new(device).devices(devices.clone());
    for (i, batch) in loader.tensors(files.clone(), &options(), 3).enumerate() {
        let batch = batch.unwrap();
        assert_eq!(*batch.tensor().device(), devices[i % 2]);
        check(&Device::cpu(), &batch);
    }
    let batches = loader.tensors(files, &options(), 3).skip_failures();
    for (i, batch) in batches.enumerate() {
        assert_eq!(*batch.unwrap().tensor().device(), devices[i % 2]);
    }
}

/// Another part of each picture, larger than the tensor's, so that many are made together.
fn each_file_has_its_options(device: &Device) {
    let files = files(40, |i| i == 7);
    let region = |index: usize, width: u32, height: u32| {
        let (w, h) = (1 + width * 3 / 4, 1 + height * 2 / 3);
        let (right, below) = ((width - w).max(1), (height - h).max(1));
        (index as u32 % right, index as u32 * 7 % below, w, h)
    };
    let loader = Loader::new(device).options_by(move |index, info, options| {
        let (x, y, width, height) = region(index, info.width(), info.height());
        options.region(x, y, width, height)
    });
    let options = TensorOptions::new().size(9, 7);
    let mut index = 0;
    for batch in loader.tensors(files, &options, 16) {
        let batch = batch.unwrap();
        let elements = batch.tensor().download::<f32>().unwrap();
        for (got, (file, result)) in elements.chunks(3 * 9 * 7).zip(batch.results()) {
            let own = inspect_bytes(file).map(|info| region(index, info.width(), info.height()));
            let Ok((x, y, width, height)) = own else {
                assert!(result.is_err() && got.iter().all(|&v| v == 0.0));
                index += 1;
                continue;
            };
            assert_eq!(*result.as_ref().unwrap(), (width, height));
            let part = LoadOptions::new().region(x, y, width, height);
            let expected = part.decode_tensor(device, file, &options).unwrap();
            same(got, &expected.download::<f32>().unwrap(), index);
            index += 1;
        }
    }
    assert_eq!(index, 40);
}

/// Filters whose sums overlap much, of pictures of different sizes that kernels make together: pictures of many
/// rows, with and without alpha.
fn sharp_filters_make_many_pictures_at_once(device: &Device) {
    let files: Vec<Vec<u8>> = (0..24)
        .map(|i| {
            let (width, height) = (150 + i * 13, 260 - i * 5);
            let samples = Noise::new(i.into()).bytes((width * height * 4) as usize);
            let samples: Vec<f32> = samples.iter().map(|&v| f32::from(v) / 255.0).collect();
            let mut image = Image::new(&Device::cpu(), width, height).unwrap();
            image.upload(&samples).unwrap();
            let channels = [Channels::Rgb, Channels::Rgba][i as usize % 2];
            let options = SaveOptions::new().channels(channels);
            options.encode(&image, Format::Png).unwrap()
        })
        .collect();
    // Most of the pictures become half as high, or nearly as high.
    for (filter, size) in [
        (Filter::CatmullRom, (75, 100)),
        (Filter::Lanczos3, (74, 63)),
        (Filter::Lanczos3, (133, 131)),
        (Filter::Mitchell, (20, 120)),
    ] {
        for options in [
            TensorOptions::new().element(TensorElement::F32),
            TensorOptions::new()
                .layout(TensorLayout::Nhwc)
                .channels(TensorChannels::Rgba),
        ] {
            let options = options.size(size.0, size.1).filter(filter);
            let mut index = 0;
            for batch in Loader::new(device).tensors(files.clone(), &options, 10) {
                let batch = batch.unwrap();
                let all = batch.tensor().download::<f32>().unwrap();
                for got in all.chunks(all.len() / batch.results().len()) {
                    let image = LoadOptions::new().decode(&Device::cpu(), &files[index]);
                    let expected = image.unwrap().to_tensor(&options).unwrap();
                    let expected = expected.download::<f32>().unwrap();
                    let [got, expected] = [got, &expected].map(bits);
                    same(&got, &expected, (filter, size, index));
                    index += 1;
                }
            }
            assert_eq!(index, files.len());
        }
    }
}

fn a_tensor_that_cannot_be_had_ends_it(device: &Device) {
    let files = files(5, |_| false);
    let mut batches = Loader::new(device).tensors(files, &TensorOptions::new(), 2);
    let error = batches.next().unwrap().unwrap_err();
    let is_size = matches!(
        error.kind(),
        ErrorKind::InvalidOption { option: "size", .. }
    );
    assert!(is_size, "{error}");
    assert!(batches.next().is_none());
}
