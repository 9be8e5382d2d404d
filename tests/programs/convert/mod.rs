//! The example `convert`, as a person runs it.

mod interrupted;
mod sizes;

use crate::support::{example, same};
use imagecuda::{Device, Layout, LoadOptions, Metadata, SaveOptions, inspect};
use libtest_mimic::Trial;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        prints_one_line_of_what_it_did,
        honours_its_options,
        takes_the_frame_that_is_asked_for,
        converts_what_there_is_of_a_damaged_file,
        honours_depth_and_compression,
        decodes_a_jpeg_by_whatever_is_asked_for,
        decodes_a_png_by_whatever_is_asked_for,
        keeps_metadata_if_asked,
        failures_are_one_line_and_leave_no_file,
        gives_the_same_if_the_driver_compiles_the_kernels,
    ]);
    trials.extend(interrupted::trials());
    trials.extend(sizes::trials());
    trials.push(Trial::test("tells_what_a_file_is", tells_what_a_file_is));
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        both_devices_turn_formats_into_each_other_alike,
    ]));
    trials
}

fn convert(device: &Device, args: &[&str], input: &Path, output: &Path) -> Output {
    example("convert")
        .args(["--device", &device.to_string()])
        .args(args)
        .args([input, output])
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn sample() -> PathBuf {
    crate::support::data("examples/data/sample.jpg")
}

fn prints_one_line_of_what_it_did(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("a.png");
    let run = convert(device, &[], &sample(), &output);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let line = text(&run.stdout);
    assert_eq!(line.lines().count(), 1, "{line}");
    let parts = [
        &device.to_string(),
        "1600x1067",
        "JPEG to PNG",
        "decode ",
        "upload+convert ",
        "convert+download ",
        "encode ",
        " ms",
    ];
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
    let loaded = LoadOptions::new().load_u8(device, &output).unwrap();
    let original = LoadOptions::new().load_u8(device, sample()).unwrap();
    same(
        &loaded.download().unwrap(),
        &original.download().unwrap(),
        "pixels",
    );
}

/// As for a GPU that has no machine code of its own.
fn gives_the_same_if_the_driver_compiles_the_kernels(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let outputs = ["0", "1"].map(|compiles| {
        let output = folder.path().join("a.jpg");
        let run = example("convert")
            .env("CUDA_FORCE_PTX_JIT", compiles)
            .args(["--device", &device.to_string()])
            .args([sample(), output.clone()])
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", text(&run.stderr));
        fs::read(output).unwrap()
    });
    assert!(outputs[0] == outputs[1]);
}

fn tells_what_a_file_is() -> Result<(), libtest_mimic::Failed> {
    let run = example("convert").arg("--info").arg(sample()).output()?;
    assert!(run.status.success(), "{}", text(&run.stderr));
    let expected = "1600x1067 JPEG\npixels: RGB, 8 bits a sample\nframes: 1\norientation: 1\n\
                    ICC profile: none\nEXIF: none\n";
    assert_eq!(text(&run.stdout), expected);
    let run = example("convert")
        .args(["--info", "missing.png"])
        .output()?;
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).starts_with("convert: missing.png: "));
    Ok(())
}

fn honours_its_options(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let [clear, flat, small, large] =
        ["a.png", "b.png", "c.jpg", "d.jpg"].map(|name| folder.path().join(name));
    let image = imagecuda::ImageU8::new(device, 8, 8).unwrap();
    imagecuda::save_u8(&image, &clear).unwrap();
    let run = convert(device, &["--background", "10,20,30"], &clear, &flat);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let loaded = LoadOptions::new().load_u8(device, &flat).unwrap();
    assert_eq!(loaded.download().unwrap(), [10, 20, 30, 255].repeat(64));
    for (quality, output) in [("--quality=30", &small), ("--quality=95", &large)] {
        let run = convert(device, &[quality], &sample(), output);
        assert!(run.status.success(), "{}", text(&run.stderr));
    }
    let bytes = |path| fs::metadata(path).unwrap().len();
    assert!(bytes(&small) * 2 < bytes(&large));
}

fn takes_the_frame_that_is_asked_for(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let [animation, output] = ["a.webp", "b.png"].map(|name| folder.path().join(name));
    let mut image = imagecuda::Image::new(device, 4, 4).unwrap();
    let mut encoder = imagecuda::SaveOptions::new()
        .animation(imagecuda::Format::WebP)
        .unwrap();
    for shade in [0.0, 0.2, 0.4] {
        image.upload(&[shade; 64]).unwrap();
        encoder.push(&image, Duration::from_millis(40)).unwrap();
    }
    encoder.save(&animation).unwrap();
    for (frame, shade) in [("0", 0), ("1", 51), ("2", 102)] {
        let run = convert(device, &["--frame", frame], &animation, &output);
        assert!(run.status.success(), "{}", text(&run.stderr));
        let loaded = LoadOptions::new().load_u8(device, &output).unwrap();
        assert_eq!(loaded.download().unwrap(), [shade; 64], "{frame}");
    }
    let run = convert(device, &["--frame=3"], &animation, &output);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("there are 3 frames"));
}

fn converts_what_there_is_of_a_damaged_file(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let [cut, output] = ["a.jpg", "b.png"].map(|name| folder.path().join(name));
    let file = fs::read(sample()).unwrap();
    fs::write(&cut, &file[..file.len() / 2]).unwrap();
    let run = convert(device, &[], &cut, &output);
    assert_eq!(run.status.code(), Some(1));
    assert!(!output.exists());
    let run = convert(device, &["--allow-truncated"], &cut, &output);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let line = text(&run.stdout);
    assert!(
        line.contains("1600x1067, JPEG (truncated) to PNG"),
        "{line}"
    );
    let [found, whole] =
        [&output, &sample()].map(|path| LoadOptions::new().load_u8(device, path).unwrap());
    let [found, whole] = [found, whole].map(|image| image.download().unwrap());
    let rows = 1600 * 4 * 300;
    same(&found[..rows], &whole[..rows], "the upper part");
    let run = convert(device, &["--allow-truncated"], &sample(), &output);
    assert!(!text(&run.stdout).contains("truncated"));
}

fn honours_depth_and_compression(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str], name: &str| {
        let output = folder.path().join(name);
        let run = convert(device, args, &sample(), &output);
        assert!(run.status.success(), "{args:?}: {}", text(&run.stderr));
        fs::read(output).unwrap()
    };
    let layout = |file: &[u8]| {
        LoadOptions::new()
            .open_bytes(device, file)
            .unwrap()
            .layout()
    };
    for (depth, name, expected) in [
        ("8", "a.png", Layout::Rgba8),
        ("16", "a.png", Layout::Rgba16),
        ("16", "a.tif", Layout::Rgba16),
        ("float", "a.tif", Layout::Rgba32F),
        ("16", "a.ppm", Layout::Rgb16),
        ("float", "a.exr", Layout::Rgba32F),
    ] {
        let file = run(&["--depth", depth], name);
        assert_eq!(layout(&file), expected, "{depth} in {name}");
    }
    // The factors of the first component are behind the frame's marker, depth and size.
    for (subsampling, factors) in [("444", 0x11), ("422", 0x21), ("420", 0x22)] {
        for (args, marker) in [(&[][..], 0xc0), (&["--progressive"], 0xc2)] {
            let args = [args, &["--subsampling", subsampling]].concat();
            let file = run(&args, "a.jpg");
            let at = file.windows(4).position(|w| w == [0xff, marker, 0, 17]);
            assert_eq!(file[at.unwrap() + 11], factors, "{args:?}");
        }
    }
    let sizes = ["none", "packbits", "lzw", "small"]
        .map(|name| run(&["--compression", name], "a.tif").len());
    assert!(sizes[3] < sizes[2] && sizes[2] < sizes[0], "{sizes:?}");
    let sizes = ["none", "fast"].map(|name| run(&["--compression", name], "a.png").len());
    assert!(sizes[1] < sizes[0], "{sizes:?}");
    let fast = run(&["--lossless", "--effort", "0"], "a.webp");
    assert!(fast == run(&[], "a.webp"));
}

fn decodes_a_jpeg_by_whatever_is_asked_for(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("a.png");
    let files = [&[][..], &["auto"], &["host"], &["kernels"]].map(|decoder| {
        let args: Vec<_> = decoder
            .iter()
            .flat_map(|name| ["--jpeg-decoder", name])
            .collect();
        let run = convert(device, &args, &sample(), &output);
        assert!(run.status.success(), "{args:?}: {}", text(&run.stderr));
        fs::read(&output).unwrap()
    });
    for file in &files {
        same(file, &files[0], "files");
    }
}

fn decodes_a_png_by_whatever_is_asked_for(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.png");
    let output = folder.path().join("a.bmp");
    let run = convert(device, &[], &sample(), &input);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let files = [&[][..], &["auto"], &["host"], &["kernels"]].map(|decoder| {
        let args: Vec<_> = decoder
            .iter()
            .flat_map(|name| ["--png-decoder", name])
            .collect();
        let run = convert(device, &args, &input, &output);
        assert!(run.status.success(), "{args:?}: {}", text(&run.stderr));
        fs::read(&output).unwrap()
    });
    for file in &files {
        same(file, &files[0], "files");
    }
}

fn keeps_metadata_if_asked(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // Turned by 90 degrees, and of the colours of Display P3.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let metadata = Metadata::new().with_exif(exif).with_icc_profile(&icc);
    let image = imagecuda::Image::new(device, 9, 5).unwrap();
    let source = path("source.jpg");
    let options = SaveOptions::new().metadata(metadata);
    options.save(&image, &source).unwrap();
    let kept = |args: &[&str], name: &str| {
        let run = convert(device, args, &source, &path(name));
        assert!(run.status.success(), "{args:?}: {}", text(&run.stderr));
        let info = inspect(path(name)).unwrap();
        let orientation = info.exif().map(|_| info.orientation() as u32);
        let same = info.icc_profile().map(|profile| profile == icc);
        (info.width(), orientation, same)
    };
    for name in ["a.png", "a.webp", "a.tif", "a.jpg"] {
        let exif = |orientation| match name {
            // The tag is TIFF's own, and no EXIF by itself.
            "a.tif" => None,
            _ => Some(orientation),
        };
        assert_eq!(kept(&[], name), (5, None, None), "{name}");
        let keep = "--keep-metadata";
        assert_eq!(kept(&[keep], name), (5, exif(1), None), "{name}");
        let raw = [keep, "--color=raw"];
        assert_eq!(kept(&raw, name), (5, exif(1), Some(true)), "{name}");
        let stored = [keep, "--no-orientation"];
        assert_eq!(kept(&stored, name), (5, exif(6), None), "{name}");
    }
    let refused = convert(device, &["--keep-metadata"], &source, &path("a.bmp"));
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("metadata: not an option of BMP"));
}

fn failures_are_one_line_and_leave_no_file(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("a.png");
    let missing = folder.path().join("missing.jpg");
    let jpeg = folder.path().join("a.jpg");
    let cases: [(&[&str], &Path, &Path, i32); 15] = [
        (&[], &missing, &output, 1),
        (&[], &sample(), &folder.path().join("a.docx"), 1),
        (&["--quality", "90"], &sample(), &output, 1),
        (&["--quality", "best"], &sample(), &output, 2),
        (&["--background", "1,2"], &sample(), &output, 2),
        (&["--frobnicate"], &sample(), &output, 2),
        (&["--depth", "16"], &sample(), &jpeg, 1),
        (&["--depth", "12"], &sample(), &output, 2),
        (&["--subsampling", "420"], &sample(), &output, 1),
        (&["--subsampling", "411"], &sample(), &jpeg, 2),
        (&["--compression", "lzw"], &sample(), &output, 1),
        (&["--compression", "zip"], &sample(), &output, 2),
        (&["--effort", "7"], &sample(), &output, 1),
        (&["--jpeg-decoder", "gpu"], &sample(), &output, 2),
        (&["--png-decoder", "gpu"], &sample(), &output, 2),
    ];
    for (args, input, output, code) in cases {
        let run = convert(device, args, input, output);
        assert_eq!(run.status.code(), Some(code), "{args:?}");
        assert!(run.stdout.is_empty());
        let message = text(&run.stderr);
        assert!(message.starts_with("convert: "), "{message}");
        if code == 1 {
            assert_eq!(message.lines().count(), 1, "{message}");
        } else {
            assert!(message.contains("Usage: convert"), "{message}");
        }
        assert!(!output.exists());
    }
}

fn both_devices_turn_formats_into_each_other_alike(gpu: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let formats = ["jpg", "png", "webp", "tif"];
    for (i, from) in formats.into_iter().enumerate() {
        let source = folder.path().join(format!("source.{from}"));
        // Each in the lossy or lossless kind that it has; pixels unlike each other.
        let args = [format!("--background={i},99,0")];
        let run = convert(&Device::cpu(), &[&args[0]], &sample(), &source);
        assert!(run.status.success(), "{}", text(&run.stderr));
        for to in formats {
            let [a, b] = [gpu, &Device::cpu()].map(|device| {
                let output = folder
                    .path()
                    .join(format!("{device}.{to}").replace(':', "_"));
                let run = convert(device, &[], &source, &output);
                assert!(run.status.success(), "{}", text(&run.stderr));
                fs::read(output).unwrap()
            });
            same(&a, &b, (from, to));
        }
    }
}
