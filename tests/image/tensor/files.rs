//! Tensors of files, which on the CPU are made without an image of floats: the elements are those of the image's
//! tensor.

use super::bytes;
use crate::support::{
    Noise,
    pictures::picture,
    profiles::{Icc, PRO_PHOTO, para},
    same,
};
use imagecuda::{
    Channels, ColorPolicy, Depth, Device, Filter, Format, Image, Layout, LoadOptions, Metadata,
    SaveOptions, TensorChannels, TensorElement, TensorFit, TensorLayout, TensorOptions,
    batch::Loader, encode,
};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        files_become_tensors,
        tensors_of_files_are_those_of_their_images,
    ])
}

fn files_become_tensors(device: &Device) {
    let rgb: Vec<u8> = Noise::new(7).bytes(30 * 20 * 3);
    let picture = Image::from_pixels(&Device::cpu(), 30, 20, Layout::Rgb8, &rgb).unwrap();
    let file = encode(&picture, Format::Png).unwrap();
    let options = TensorOptions::new()
        .layout(TensorLayout::Nhwc)
        .element(TensorElement::U8);
    let tensor = LoadOptions::new()
        .decode_tensor(device, &file, &options)
        .unwrap();
    assert_eq!(tensor.device(), device);
    same(&tensor.download::<u8>().unwrap(), &rgb, "decoded");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, &file).unwrap();
    let tensor = LoadOptions::new()
        .load_tensor(device, &path, &options)
        .unwrap();
    same(&tensor.download::<u8>().unwrap(), &rgb, "loaded");
    let missing = folder.path().join("b.png");
    let error = LoadOptions::new()
        .load_tensor(device, &missing, &options)
        .unwrap_err();
    assert_eq!(error.path(), Some(&*missing));
}

fn metadata(orientation: u8, profile: bool) -> Metadata {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let metadata = Metadata::new().with_exif(exif);
    match profile {
        true => metadata.with_icc_profile(Icc::rgb(PRO_PHOTO, &para(0, &[1.8])).bytes()),
        false => metadata,
    }
}

/// Files of many layouts, with and without an orientation and a profile.
fn files() -> Vec<(String, Vec<u8>)> {
    let image = picture(&Device::cpu(), 43, 34).to_f32().unwrap();
    let new = SaveOptions::new;
    let mut files = Vec::new();
    let mut add = |format: Format, options: SaveOptions| {
        let what = format!("{format} {}", files.len());
        // What this library was built without has no file.
        if format.can_save() {
            files.push((what, options.encode(&image, format).unwrap()));
        }
    };
    for (orientation, profile) in [(1, false), (6, false), (3, true)] {
        for format in [Format::Png, Format::Jpeg, Format::Tiff] {
            add(format, new().metadata(metadata(orientation, profile)));
        }
        let deep = new().depth(Depth::U16);
        add(Format::Png, deep.metadata(metadata(orientation, profile)));
    }
    add(Format::Png, new().channels(Channels::Gray));
    add(Format::WebP, new().quality(80));
    for format in [
        Format::Bmp,
        Format::Gif,
        Format::Exr,
        Format::Hdr,
        Format::Pnm,
    ] {
        add(format, new());
    }
    files
}

fn tensors_of_files_are_those_of_their_images(device: &Device) {
    let loads = [
        LoadOptions::new(),
        LoadOptions::new().region(5, 3, 20, 17),
        LoadOptions::new()
            .apply_orientation(false)
            .color_policy(ColorPolicy::Raw),
        LoadOptions::new().fit(15, 15),
    ];
    let new = TensorOptions::new;
    let tensors = [
        new(),
        new()
            .channels(TensorChannels::Rgba)
            .background([9, 90, 200]),
        new()
            .size(20, 31)
            .filter(Filter::Lanczos3)
            .channels(TensorChannels::Rgba),
        new()
            .size(9, 7)
            .fit(TensorFit::Cover)
            .element(TensorElement::F16)
            .mean([0.5, 0.4, 0.3])
            .std([0.2, 0.3, 0.4]),
        new()
            .size(24, 50)
            .fit(TensorFit::Contain([0.1, 0.2, 0.3, 1.0]))
            .element(TensorElement::U8)
            .layout(TensorLayout::Nhwc)
            .channels(TensorChannels::Gray),
        new()
            .size(13, 11)
            .filter(Filter::Nearest)
            .background([255, 0, 0]),
    ];
    for (what, file) in files() {
        for (number, load) in loads.iter().enumerate() {
            let image = load.decode(device, &file).unwrap();
            for options in &tensors {
                let expected = bytes(&image.to_tensor(options).unwrap());
                let tensor = load.decode_tensor(device, &file, options).unwrap();
                let what = format!("{what}, {number}, {options:?}");
                same(&bytes(&tensor), &expected, &what);
                let [_, rows @ ..] = tensor.shape();
                let [height, width] = match tensor.layout() {
                    TensorLayout::Nhwc => [rows[0], rows[1]],
                    _ => [rows[1], rows[2]],
                };
                let sized = options.size(width as u32, height as u32);
                let loader = Loader::new(device).options(load.clone());
                let mut batches = loader.tensors(vec![file.clone(); 3], &sized, 2);
                for pictures in [2, 1] {
                    let batch = batches.next().unwrap().unwrap();
                    assert!(batch.results().iter().all(|(_, result)| result.is_ok()));
                    same(&bytes(batch.tensor()), &expected.repeat(pictures), &what);
                }
                assert!(batches.next().is_none());
            }
        }
    }
}
