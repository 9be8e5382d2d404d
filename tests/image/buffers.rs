//! Loading and saving through memory of the caller, and the ways that lead to the same.

use crate::support::{
    Noise, bits,
    pictures::{flattened, folder, picture},
    same,
};
use imagecuda::{Device, ErrorKind, Format, Image, ImageU8, Layout, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{
    fs::{self, File},
    io::BufReader,
    path::PathBuf,
};
use tempfile::TempDir;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        path_bytes_and_reader_give_the_same,
        load_into_sets_the_size,
        load_into_a_small_buffer_changes_nothing,
        eight_bits_pass_through_the_callers_buffer,
        deeper_files_leave_the_callers_buffer_alone,
        a_hundred_loads_into_one_buffer,
        a_batch_through_one_pair_of_buffers,
        save_via_writes_the_same_file,
        save_u8_writes_the_same_file,
        the_stages_make_the_whole,
    ])
}

fn path_bytes_and_reader_give_the_same(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    SaveOptions::new()
        .save_u8(&picture(device, 40, 30), &path)
        .unwrap();
    let options = LoadOptions::new();
    let expected = bits(&options.load(device, &path).unwrap().download().unwrap());
    let bytes = fs::read(&path).unwrap();
    let from_bytes = options.decode(device, &bytes).unwrap();
    same(&bits(&from_bytes.download().unwrap()), &expected, "bytes");
    let reader = BufReader::new(File::open(&path).unwrap());
    let from_reader = options.decode_from(device, reader).unwrap();
    same(&bits(&from_reader.download().unwrap()), &expected, "reader");
    let mut into = Image::new(device, 100, 100).unwrap();
    options.decode_into(&bytes, &mut into).unwrap();
    same(&bits(&into.download().unwrap()), &expected, "bytes into");
    let u8s = options.load_u8(device, &path).unwrap();
    same(
        &bits(&u8s.to_f32().unwrap().download().unwrap()),
        &expected,
        "load_u8",
    );
    let mut written = Vec::new();
    let image = options.load(device, &path).unwrap();
    SaveOptions::new()
        .encode_to(&image, Format::Png, &mut written)
        .unwrap();
    assert!(written == bytes);
}

fn load_into_sets_the_size(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    let picture = picture(device, 40, 30);
    SaveOptions::new().save_u8(&picture, &path).unwrap();
    assert_eq!(
        LoadOptions::new().load(device, &path).unwrap().capacity(),
        1200
    );
    let mut image = Image::new(device, 64, 64).unwrap();
    imagecuda::load_into(&path, &mut image).unwrap();
    assert_eq!(
        (image.width(), image.height(), image.capacity()),
        (40, 30, 4096)
    );
    same(
        &image.to_u8().unwrap().download().unwrap(),
        &picture.download().unwrap(),
        "pixels",
    );
    let mut bytes = ImageU8::new(device, 64, 64).unwrap();
    imagecuda::load_u8_into(&path, &mut bytes).unwrap();
    assert_eq!((bytes.width(), bytes.height()), (40, 30));
    same(
        &bytes.download().unwrap(),
        &picture.download().unwrap(),
        "bytes",
    );
}

fn load_into_a_small_buffer_changes_nothing(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    SaveOptions::new()
        .save_u8(&picture(device, 40, 30), &path)
        .unwrap();
    let mut small = Image::new(device, 30, 30).unwrap();
    small.upload(&[0.25; 3600]).unwrap();
    let mut room = ImageU8::new(device, 64, 64).unwrap();
    room.upload(&[7; 16_384]).unwrap();
    for attempt in 0..3 {
        let error = match attempt {
            0 => imagecuda::load_into(&path, &mut small),
            1 => imagecuda::load_into_via(&path, &mut small, &mut room),
            _ => LoadOptions::new().decode_into(&fs::read(&path).unwrap(), &mut small),
        }
        .unwrap_err();
        let ErrorKind::OverCapacity {
            width,
            height,
            capacity,
        } = *error.kind()
        else {
            panic!("{error}");
        };
        assert_eq!((width, height, capacity), (40, 30, 900));
        assert_eq!(error.path(), (attempt < 2).then_some(&*path));
        assert_eq!((small.width(), small.height()), (30, 30));
        assert_eq!(small.download().unwrap(), [0.25; 3600]);
        assert_eq!(room.download().unwrap(), [7; 16_384]);
    }
    // Room in the image, none in the buffer between.
    let mut image = Image::new(device, 64, 64).unwrap();
    let mut small = ImageU8::new(device, 8, 8).unwrap();
    imagecuda::load_into_via(&path, &mut image, &mut small).unwrap_err();
    assert_eq!((image.width(), image.height(), small.width()), (64, 64, 8));
    assert_eq!(image.download().unwrap(), [0.0; 16_384]);
}

/// An RGB PNG of 40 × 30 pixels in `folder`, and the picture that it was flattened from.
fn saved_rgb(device: &Device, folder: &TempDir) -> (PathBuf, ImageU8) {
    let path = folder.path().join("a.png");
    let picture = picture(device, 40, 30);
    let options = SaveOptions::new().background([0; 3]);
    options.save_u8(&picture, &path).unwrap();
    (path, picture)
}

fn eight_bits_pass_through_the_callers_buffer(device: &Device) {
    let folder = folder();
    let (path, picture) = saved_rgb(device, &folder);
    let mut image = Image::new(device, 64, 64).unwrap();
    let mut via = ImageU8::new(device, 64, 64).unwrap();
    imagecuda::load_into_via(&path, &mut image, &mut via).unwrap();
    assert_eq!((via.width(), via.height()), (40, 30));
    let rgba = via.download().unwrap();
    same(
        &rgba,
        &flattened(&picture.download().unwrap(), [0; 3]),
        "buffer",
    );
    same(&image.to_u8().unwrap().download().unwrap(), &rgba, "image");
}

fn deeper_files_leave_the_callers_buffer_alone(device: &Device) {
    let samples = Image::new(device, 8, 8).unwrap();
    let file = SaveOptions::new().encode(&samples, Format::Exr).unwrap();
    let folder = folder();
    let path = folder.path().join("a.exr");
    fs::write(&path, file).unwrap();
    let mut image = Image::new(device, 16, 16).unwrap();
    let mut via = ImageU8::new(device, 16, 16).unwrap();
    via.upload(&[7; 1024]).unwrap();
    imagecuda::load_into_via(&path, &mut image, &mut via).unwrap();
    assert_eq!((image.width(), via.width()), (8, 16));
    assert_eq!(via.download().unwrap(), [7; 1024]);
}

fn a_hundred_loads_into_one_buffer(device: &Device) {
    let folder = folder();
    let path = folder.path().join("a.png");
    let picture = picture(device, 40, 30);
    SaveOptions::new().save_u8(&picture, &path).unwrap();
    let expected = picture.to_f32().unwrap().download().unwrap();
    let mut image = Image::new(device, 64, 64).unwrap();
    for _ in 0..100 {
        image.reshape(1, 1).unwrap();
        imagecuda::load_into(&path, &mut image).unwrap();
        same(&bits(&image.download().unwrap()), &bits(&expected), "load");
    }
}

fn a_batch_through_one_pair_of_buffers(device: &Device) {
    let folder = folder();
    let mut image = Image::new(device, 64, 64).unwrap();
    let mut via = ImageU8::new(device, 64, 64).unwrap();
    for i in 1..20u32 {
        let source = picture(device, 3 * i, 64 - 3 * i);
        let input = folder.path().join(format!("in_{i}.png"));
        let output = folder.path().join(format!("out_{i}.tif"));
        SaveOptions::new().save_u8(&source, &input).unwrap();
        imagecuda::load_into_via(&input, &mut image, &mut via).unwrap();
        imagecuda::save_via(&image, &output, &mut via).unwrap();
        let back = LoadOptions::new().load_u8(device, &output).unwrap();
        assert_eq!((back.width(), back.height()), (3 * i, 64 - 3 * i));
        same(&back.download().unwrap(), &source.download().unwrap(), i);
    }
    assert_eq!((image.capacity(), via.capacity()), (4096, 4096));
}

fn save_via_writes_the_same_file(device: &Device) {
    let folder = folder();
    let mut image = Image::new(device, 40, 30).unwrap();
    image.upload(&Noise::new(1).floats(4800)).unwrap();
    for name in ["a.png", "a.jpg", "a.exr"] {
        let (plain, with) = (
            folder.path().join(name),
            folder.path().join(format!("via_{name}")),
        );
        let mut via = ImageU8::new(device, 64, 64).unwrap();
        via.upload(&[7; 16_384]).unwrap();
        imagecuda::save(&image, &plain).unwrap();
        imagecuda::save_via(&image, &with, &mut via).unwrap();
        assert!(
            fs::read(&plain).unwrap() == fs::read(&with).unwrap(),
            "{name}"
        );
        if name == "a.exr" {
            assert_eq!(via.download().unwrap(), [7; 16_384]);
        } else {
            let expected = image.to_u8().unwrap().download().unwrap();
            same(&via.download().unwrap(), &expected, name);
        }
        let mut small = ImageU8::new(device, 5, 5).unwrap();
        let result = imagecuda::save_via(&image, &with, &mut small);
        assert_eq!(result.is_err(), name != "a.exr");
        assert_eq!(small.width(), 5);
    }
}

fn save_u8_writes_the_same_file(device: &Device) {
    let image = picture(device, 40, 30);
    let float = image.to_f32().unwrap();
    for format in [Format::Png, Format::Jpeg, Format::Bmp, Format::Exr] {
        let options = SaveOptions::new();
        let a = options.encode_u8(&image, format).unwrap();
        assert!(a == options.encode(&float, format).unwrap(), "{format}");
    }
}

fn the_stages_make_the_whole(device: &Device) {
    let folder = folder();
    let (path, _) = saved_rgb(device, &folder);
    let decoded = LoadOptions::new().open(device, &path).unwrap();
    assert_eq!(decoded.format(), Format::Png);
    assert_eq!(decoded.layout(), Layout::Rgb8);
    assert_eq!((decoded.width(), decoded.height()), (40, 30));
    let image = decoded.into_image().unwrap();
    let target = folder.path().join("b.bmp");
    let packed = SaveOptions::new().pack(&image, &target).unwrap();
    assert_eq!(
        (packed.format(), packed.layout()),
        (Format::Bmp, Layout::Rgba8)
    );
    packed.save(&target).unwrap();
    assert!(fs::read(&target).unwrap() == SaveOptions::new().encode(&image, Format::Bmp).unwrap());
    assert!(fs::read(&target).unwrap() == packed.encode().unwrap());
}
