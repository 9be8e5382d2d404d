//! A GPU on which a kernel has failed: CUDA then refuses every call of the process.

use super::names;
use crate::support::{Noise, alone_through, bits, pictures::folder};
use imagecuda::{
    Device, Error, ErrorKind, Format, Image, ImageU8, JpegDecoder, LoadOptions, SaveOptions,
    batch::{Loader, Pipeline, Saver},
    cust::{launch, module::Module},
};
use libtest_mimic::Trial;
use std::{convert::Infallible, path::PathBuf};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_both_devices(crate::device_tests![
        after_a_failed_kernel_every_call_is_an_error,
    ])
}

/// A kernel that ends in an error, as one of a caller's own might.
const PTX: &str = "
.version 6.0
.target sm_52
.address_size 64
.visible .entry fail() { trap; }
";

fn fail(device: &Device) {
    device.make_current().unwrap();
    let module = Module::from_ptx(PTX, &[]).unwrap();
    let stream = device.stream().unwrap();
    let kernel = module.get_function("fail").unwrap();
    // SAFETY: the kernel has no parameters and touches no memory.
    unsafe { launch!(kernel<<<1, 1, 0, stream>>>()) }.unwrap();
    assert_failed(device.synchronize());
}

#[track_caller]
fn assert_failed<T>(result: Result<T, Error>) {
    let error = result.err().expect("an error");
    let ErrorKind::Device { call, code, .. } = *error.kind() else {
        panic!("{error}")
    };
    assert!(call.starts_with("cu") && code != 0, "{error}");
}

/// In a program of its own, which must end, and with success.
fn after_a_failed_kernel_every_call_is_an_error(device: &Device) {
    let name = "hostile::faults::poisoned::after_a_failed_kernel_every_call_is_an_error";
    if !alone_through(&["timeout", "--signal=KILL", "3600"], name, device) {
        return;
    }
    let folder = folder();
    // What is decoded by kernels, by the host for the kernels, and by the host alone.
    let noise = Noise::new(3).floats(700 * 500 * 4);
    let mut image = Image::new(device, 700, 500).unwrap();
    image.upload(&noise).unwrap();
    let files: Vec<PathBuf> = ["a.jpg", "b.jpg", "c.png", "d.bmp", "e.gif"]
        .map(|name| folder.path().join(name))
        .into();
    for path in &files {
        let progressive = path.ends_with("b.jpg");
        let options = SaveOptions::new().background([0; 3]);
        match progressive {
            true => options.progressive(true).save(&image, path).unwrap(),
            false => options.save(&image, path).unwrap(),
        }
    }
    let before = names(folder.path());
    let many = |times| -> Vec<PathBuf> {
        let repeated = std::iter::repeat_n(&files, times);
        repeated.flatten().cloned().collect()
    };

    // All of this is there when it happens, or underway, and dropped at the end.
    let options = LoadOptions::new();
    let mut bytes = ImageU8::new(device, 700, 500).unwrap();
    let decoded: Vec<_> = files
        .iter()
        .map(|path| options.open(device, path).unwrap())
        .collect();
    let mut frames = options.frames(device, &files[4]).unwrap();
    let packed = SaveOptions::new().pack(&image, "a.png").unwrap();
    let mut loading = Loader::new(device).threads(3).in_flight(4).load(many(20));
    let first = loading.next().unwrap().1.unwrap();
    let saver = Saver::new(SaveOptions::new()).threads(2);
    saver.save(&image, folder.path().join("before.png"));

    let on_cpu = || {
        let image = options.load(&Device::cpu(), &files[2]).unwrap();
        bits(&image.download().unwrap())
    };
    let expected = on_cpu();

    fail(device);

    let (saved, cpu) = (folder.path().join("new.png"), Device::cpu());
    for _ in 0..3 {
        assert_failed(device.synchronize());
        assert_failed(Image::new(device, 64, 64));
        assert_failed(ImageU8::new(device, 64, 64));
        assert_failed(image.upload(&noise));
        assert_failed(image.download());
        assert_failed(bytes.download());
        assert_failed(image.to_u8());
        assert_failed(image.to_u8_into(&mut bytes));
        assert_failed(image.to_device(&cpu));
        assert_failed(Image::new(&cpu, 8, 8).unwrap().to_device(device));
        for path in &files {
            for decoder in [JpegDecoder::Auto, JpegDecoder::Host, JpegDecoder::Kernels] {
                let options = LoadOptions::new().jpeg_decoder(decoder);
                assert_failed(options.load(device, path));
                assert_failed(options.load_u8(device, path));
                assert_failed(options.load_into(path, &mut image));
            }
        }
        for format in [Format::Jpeg, Format::Png, Format::Exr] {
            assert_failed(SaveOptions::new().encode(&image, format));
        }
        assert_failed(SaveOptions::new().encode_u8(&bytes, Format::Png));
        assert_failed(imagecuda::save(&image, &saved));
        assert_failed(SaveOptions::new().pack(&image, &saved));
    }
    for decoded in decoded {
        assert_failed(decoded.into_image());
    }
    assert!(frames.next().unwrap().is_err());
    // This is in host memory already.
    packed.encode().unwrap();

    // What was underway comes to its end, with an error for each that was not done.
    let rest: Vec<_> = loading.collect();
    assert_eq!(rest.len(), files.len() * 20 - 1);
    rest.into_iter()
        .filter(|(_, image)| image.is_err())
        .for_each(|(path, image)| {
            assert_eq!(image.as_ref().err().unwrap().path(), Some(&*path));
            assert_failed(image);
        });
    saver.save(&image, &saved);
    let results = saver.finish();
    assert_eq!(results.len(), 2);
    assert!(results[1].result.is_err() && !saved.exists());
    drop(first);

    // And so does what begins only now.
    for (path, image) in Loader::new(device).threads(3).load(many(4)) {
        assert_eq!(image.as_ref().err().unwrap().path(), Some(&*path));
        assert_failed(image);
    }
    let jobs: Vec<_> = files
        .iter()
        .map(|path| (path.clone(), path.with_extension("tif")))
        .collect();
    let report = Pipeline::new(device).run(jobs.clone(), |_, _| Ok::<(), Infallible>(()));
    assert_eq!((report.saved, report.failures.len()), (0, jobs.len()));

    // Nothing is left behind, and the CPU is another device.
    let mut after = names(folder.path());
    after.remove("before.png");
    assert_eq!(after, before);
    assert!(on_cpu() == expected);
}
