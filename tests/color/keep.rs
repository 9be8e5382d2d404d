//! Colours that stay as they are in the file, and go on with their profile.

use crate::{color::conversion::png, support::Noise, support::same};
use image::ExtendedColorType::{L8, Rgb8};
use imagecuda::{
    ColorPolicy, Device, Format, ImageU8, Layout, LoadOptions, SaveOptions, batch::Pipeline,
    inspect,
};
use libtest_mimic::Trial;
use moxcms::ColorProfile;
use std::{convert::Infallible, fs};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        a_profile_for_rgb_stays_with_its_numbers,
        all_else_becomes_srgb,
        a_damaged_profile_does_not_stay,
        a_pipeline_keeps_metadata,
    ])
}

fn keep() -> LoadOptions {
    LoadOptions::new().color_policy(ColorPolicy::Keep)
}

fn p3() -> Vec<u8> {
    ColorProfile::new_display_p3().encode().unwrap()
}

fn a_profile_for_rgb_stays_with_its_numbers(device: &Device) {
    let samples = Noise::new(31).bytes(64 * 48 * 3);
    let file = png(&samples, 64, Rgb8, &p3());
    let plain = ImageU8::from_pixels(device, 64, 48, Layout::Rgb8, &samples).unwrap();
    let plain = plain.download().unwrap();
    let decoded = keep().open_bytes(device, &file).unwrap();
    let metadata = decoded.metadata().clone();
    assert_eq!(metadata.icc_profile(), Some(&*p3()));
    let image = decoded.into_image().unwrap();
    same(
        &image.to_u8().unwrap().download().unwrap(),
        &plain,
        "loaded",
    );
    // From file to file without loss, and with the same meaning.
    let copy = SaveOptions::new().metadata(metadata);
    let copy = copy.encode(&image, Format::Tiff).unwrap();
    let again = keep().open_bytes(device, &copy).unwrap();
    assert_eq!(again.metadata().icc_profile(), Some(&*p3()));
    same(
        &again.into_image_u8().unwrap().download().unwrap(),
        &plain,
        "a copy",
    );
    let converted = LoadOptions::new().decode_u8(device, &file).unwrap();
    assert!(converted.download().unwrap() != plain);
}

fn all_else_becomes_srgb(device: &Device) {
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let samples: Vec<u8> = (0..=255).collect();
    let linear = SaveOptions::new();
    let image = ImageU8::from_pixels(device, 16, 16, Layout::L8, &samples).unwrap();
    let exr = linear.encode_u8(&image, Format::Exr).unwrap();
    // cICP (BT.2020, PQ) goes before the profile in a PNG.
    let mut cicp = png(&Noise::new(5).bytes(16 * 16 * 3), 16, Rgb8, &p3());
    let data = [&b"cICP"[..], &[9, 16, 0, 1]].concat();
    let crc = crate::support::crc32(&data).to_be_bytes();
    let chunk = [&[0, 0, 0, 4][..], &data, &crc].concat();
    cicp.splice(33..33, chunk);
    for (name, file) in [
        ("gray profile", png(&samples, 16, L8, &gray)),
        ("profile of other channels", png(&samples, 16, L8, &p3())),
        ("linear light", exr),
        ("code points", cicp),
    ] {
        let kept = keep().open_bytes(device, &file).unwrap();
        let default = LoadOptions::new().open_bytes(device, &file).unwrap();
        assert_eq!(kept.metadata().icc_profile(), None, "{name}");
        let [kept, default] = [kept, default].map(|decoded| {
            let image = decoded.into_image().unwrap();
            crate::support::bits(&image.download().unwrap())
        });
        same(&kept, &default, name);
    }
}

/// What is ignored means nothing, and is not to be taken for something later.
fn a_damaged_profile_does_not_stay(device: &Device) {
    let mut damaged = p3();
    damaged.truncate(200);
    let file = png(&Noise::new(6).bytes(16 * 16 * 3), 16, Rgb8, &damaged);
    let kept = keep().open_bytes(device, &file).unwrap();
    assert_eq!(kept.metadata().icc_profile(), None);
    let raw = LoadOptions::new().color_policy(ColorPolicy::Raw);
    let raw = raw.open_bytes(device, &file).unwrap();
    assert_eq!(raw.metadata().icc_profile(), Some(&*damaged));
}

fn a_pipeline_keeps_metadata(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("a.png"), folder.path().join("b.jpg"));
    let samples = Noise::new(8).bytes(32 * 16 * 3);
    fs::write(&source, png(&samples, 32, Rgb8, &p3())).unwrap();
    let run = |keep_metadata: bool, policy: ColorPolicy, target: &std::path::Path| {
        let report = Pipeline::new(device)
            .load_options(LoadOptions::new().color_policy(policy))
            .keep_metadata(keep_metadata)
            .run([(source.clone(), target.to_owned())], |_, _| {
                Ok::<(), Infallible>(())
            });
        report.failures.into_iter().next().map(|f| f.error)
    };
    for (keep_metadata, policy, profile) in [
        (true, ColorPolicy::Keep, Some(p3())),
        (true, ColorPolicy::ToSrgb, None),
        (false, ColorPolicy::Keep, None),
    ] {
        assert!(run(keep_metadata, policy, &target).is_none());
        let info = inspect(&target).unwrap();
        assert_eq!(info.icc_profile(), profile.as_deref());
    }
    // What a format cannot hold is an error, as everywhere.
    let error = run(true, ColorPolicy::Keep, &folder.path().join("b.bmp")).unwrap();
    assert!(error.to_string().contains("metadata"), "{error}");
}
