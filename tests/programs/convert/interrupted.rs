//! Ctrl-C while `convert` works.

use crate::support::{
    Noise, example,
    interrupts::{has_failed, interrupt, interruptible},
};
use imagecuda::{Device, Format, ImageU8};
use libtest_mimic::Trial;
use std::{fs, io::Write, process::Stdio};

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![interrupted_keeps_the_old_file])
}

fn interrupted_keeps_the_old_file(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a.png");
    let small = ImageU8::new(device, 9, 5).unwrap();
    imagecuda::save_u8(&small, &target).unwrap();
    let old = fs::read(&target).unwrap();

    // More than a pipe holds, so that the program has begun to read once all of it is written.
    let (width, height) = (800, 600);
    let mut large = ImageU8::new(device, width, height).unwrap();
    let samples = (width * height * 4) as usize;
    large.upload(&Noise::new(1).bytes(samples)).unwrap();
    let file = imagecuda::encode_u8(&large, Format::Bmp).unwrap();
    let (last, start) = file.split_last().unwrap();

    for is_interrupted in [true, false] {
        let mut convert = example("convert");
        interruptible(&mut convert)
            .args(["--device", &device.to_string(), "-"])
            .arg(&target)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = convert.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(start).unwrap();
        if is_interrupted {
            if !interrupt(&mut child) {
                return;
            }
            assert!(has_failed(child.wait().unwrap()));
            assert!(fs::read(&target).unwrap() == old);
        } else {
            input.write_all(&[*last]).unwrap();
            drop(input);
            assert!(child.wait().unwrap().success());
            let new = imagecuda::inspect(&target).unwrap();
            assert_eq!((new.width(), new.height()), (width, height));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
