//! What there is of files that are cut short or damaged.

use crate::support::{
    animations,
    cuts::{Case, Rest, noise, tolerant},
    pictures::{folder, opaque, picture, psnr},
    same,
};
use imagecuda::{Compression, Device, ErrorKind, Format, ImageU8, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::{fs, io::Cursor};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        webp_rows_are_there_until_the_cut,
        jpeg_is_gray_behind_the_cut,
        a_progressive_jpeg_is_coarse,
        limits_and_capacities_hold,
        damaged_checksums_are_no_loss,
        all_ways_of_loading_take_the_option,
    ])
}

fn webp_rows_are_there_until_the_cut(device: &Device) {
    let rgba = noise(device, false);
    let rgb = noise(device, true);
    for (name, image, options, rest, block) in [
        ("lossless", &rgba, SaveOptions::new(), Rest::Clear, 16),
        ("opaque", &rgb, SaveOptions::new(), Rest::Black, 16),
        (
            "lossy",
            &rgb,
            SaveOptions::new().quality(90),
            Rest::Black,
            16,
        ),
        // Its alpha comes first, all of it.
        (
            "alpha",
            &rgba,
            SaveOptions::new().quality(90),
            Rest::Clear,
            0,
        ),
    ] {
        Case {
            name,
            file: &options.encode_u8(image, Format::WebP).unwrap(),
            format: Format::WebP,
            rest,
            upwards: false,
            block,
        }
        .check(device);
    }
    // Of an animation the first frame, once it is there.
    let parts = animations::parts(1, [40, 30], 4, &[0, 128, 255]);
    let file = animations::webp_file([40, 30], &parts, 0);
    let strict = LoadOptions::new().decode_u8(device, &file).unwrap();
    let mut had = 0;
    for keep in (0..file.len()).step_by(7) {
        match tolerant().open_bytes(device, &file[..keep]) {
            Ok(found) => {
                had += 1;
                assert!(found.is_truncated());
                let found = found.into_image_u8().unwrap();
                same(
                    &found.download().unwrap(),
                    &strict.download().unwrap(),
                    keep,
                );
            }
            Err(_) => assert_eq!(had, 0, "{keep}"),
        }
    }
    assert!(had > 20);
}

fn jpeg_is_gray_behind_the_cut(device: &Device) {
    // Of three units in a row, so that quarter chroma has some.
    let image = opaque(&picture(device, 97, 131));
    for (quality, unit) in [(95, 8), (80, 16)] {
        Case {
            name: &format!("JPEG of quality {quality}"),
            file: &SaveOptions::new()
                .quality(quality)
                .encode_u8(&image, Format::Jpeg)
                .unwrap(),
            format: Format::Jpeg,
            rest: Rest::Gray,
            upwards: false,
            // The row of units at the cut, and what is smoothed with it.
            block: 2 * unit + 1,
        }
        .check(device);
    }
}

fn a_progressive_jpeg_is_coarse(device: &Device) {
    let image = opaque(&picture(device, 97, 131));
    let pixels = image.download().unwrap();
    for quality in [95, 80] {
        let options = SaveOptions::new().quality(quality).progressive(true);
        let file = options.encode_u8(&image, Format::Jpeg).unwrap();
        let case = Case {
            name: "progressive JPEG",
            file: &file,
            format: Format::Jpeg,
            rest: Rest::Coarse,
            upwards: false,
            block: 0,
        };
        case.check(device);
        let mut closer = Vec::new();
        for percent in [50, 95, 100] {
            let keep = file.len() * percent / 100;
            let found = case.read(tolerant(), device, keep).unwrap();
            let found = found.into_image_u8().unwrap().download().unwrap();
            closer.push(psnr(&found, &pixels));
        }
        assert!(closer[0] > 15.0 && closer.is_sorted(), "{closer:?}");
    }
}

fn limits_and_capacities_hold(device: &Device) {
    let file = SaveOptions::new()
        .encode_u8(&noise(device, false), Format::Png)
        .unwrap();
    let cut = &file[..file.len() / 2];
    let error = tolerant().max_pixels(100).decode(device, cut).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LimitExceeded { .. }));
    let mut image = imagecuda::Image::new(device, 10, 10).unwrap();
    let error = tolerant().decode_into(cut, &mut image).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OverCapacity { .. }));
    assert_eq!((image.width(), image.height()), (10, 10));
    // Of a header alone nothing is to be had.
    for keep in [0, 1, 8, 33] {
        let error = tolerant().format(Format::Png).decode(device, &file[..keep]);
        let error = error.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
}

fn damaged_checksums_are_no_loss(device: &Device) {
    let image = noise(device, false);
    let options = SaveOptions::new().compression(Compression::Uncompressed);
    let mut file = options.encode_u8(&image, Format::Png).unwrap();
    let last = file.windows(4).rposition(|w| w == b"IEND").unwrap();
    // Of the image data before it: of the chunk, and of all of them.
    file[last - 5] ^= 1;
    file[last - 9] ^= 1;
    assert!(LoadOptions::new().decode(device, &file).is_err());
    let found = tolerant().open_bytes(device, &file).unwrap();
    assert!(found.is_truncated());
    let found = found.into_image_u8().unwrap().download().unwrap();
    same(&found, &image.download().unwrap(), "PNG");
}

fn all_ways_of_loading_take_the_option(device: &Device) {
    let folder = folder();
    let path = folder.path().join("cut.qoi");
    let image = noise(device, false);
    let file = SaveOptions::new().encode_u8(&image, Format::Qoi).unwrap();
    let cut = &file[..file.len() / 2];
    fs::write(&path, cut).unwrap();
    let options = tolerant();
    let expected = options.decode_u8(device, cut).unwrap().download().unwrap();
    assert_eq!(expected[..400], image.download().unwrap()[..400]);

    let [mut float, mut other] = [0; 2].map(|_| imagecuda::Image::new(device, 61, 47).unwrap());
    let [mut byte, mut via] = [0; 2].map(|_| ImageU8::new(device, 61, 47).unwrap());
    options.load_into(&path, &mut float).unwrap();
    options.load_into_via(&path, &mut other, &mut via).unwrap();
    options.load_u8_into(&path, &mut byte).unwrap();
    let loaded = [
        options.load(device, &path).unwrap(),
        options.decode_from(device, Cursor::new(cut)).unwrap(),
        float,
        other,
    ];
    for image in loaded {
        let image = image.to_u8().unwrap();
        same(&image.download().unwrap(), &expected, "float");
    }
    for image in [options.load_u8(device, &path).unwrap(), byte, via] {
        same(&image.download().unwrap(), &expected, "8 bits");
    }
}
