//! What a group costs.

use super::{PictureGroups, ProgressiveJpeg};
use crate::{
    Device, Format, Image, JpegDecoder, SaveOptions, Subsampling,
    device::{Buffer, DecodedPicture, GroupMember, Inner, Payload},
    jpeg::Jpeg,
};
use imagecuda_kernels::{layout::Layout, pixel::RgbaF32};

struct Member {
    file: Vec<u8>,
    image: Image,
}

impl GroupMember for Member {
    fn file(&self) -> &[u8] {
        &self.file
    }

    fn decoded(&self) -> Option<DecodedPicture<'_>> {
        None
    }

    fn progressive(&mut self) -> Option<&mut ProgressiveJpeg> {
        None
    }

    fn image(&self) -> &Buffer<RgbaF32> {
        &self.image.buffer
    }

    fn takes_bytes(&self) -> bool {
        false
    }
}

/// A file that no other has the pixels of.
fn file(seed: u32) -> Vec<u8> {
    let (width, height) = (500, 375);
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|i: u32| {
            let (x, y) = (i / 3 % width, i / 3 / width);
            let noise = i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 29;
            ((x * 5 + y * 3 + seed * 40) / 16 + noise * 4) as u8
        })
        .collect();
    let cpu = Device::cpu();
    let picture = Image::from_pixels(&cpu, width, height, Layout::Rgb8, &pixels).unwrap();
    let options = SaveOptions::new()
        .quality(90)
        .subsampling(Subsampling::Yuv420);
    options.encode(&picture, Format::Jpeg).unwrap()
}

/// Decodes all files in groups. Returns the driver's calls, and the samples.
fn decode(device: &Device, files: &[Vec<u8>], images: Vec<Image>) -> (u64, Vec<Image>) {
    let Inner::Cuda(context) = device.inner() else {
        panic!("no GPU")
    };
    context.make_current().unwrap();
    let before = cuda_delay_load::calls();
    let groups = PictureGroups::new(context);
    for (file, image) in files.iter().zip(images) {
        let jpeg = Jpeg::read(file, false).unwrap();
        let Some(Payload::Planned(planned)) = device.plan_jpeg(&jpeg, JpegDecoder::Auto) else {
            panic!("not planned")
        };
        let file = file.clone();
        assert!(groups.add(planned, None, Member { file, image }).is_ok());
    }
    groups.close();
    let mut images = Vec::new();
    groups.run(|pictures| {
        images.extend(pictures.into_iter().map(|(member, is_decoded)| {
            assert!(is_decoded);
            member.image
        }));
    });
    (cuda_delay_load::calls() - before, images)
}

/// The driver's calls of all threads are counted, so the test has a process of its own.
#[test]
fn a_group_needs_few_driver_calls_and_no_memory_of_its_own() {
    if Device::cuda(0).is_err() {
        println!("no GPU");
        return;
    }
    let own = std::env::current_exe().unwrap();
    let test = "device::cuda::jpeg::tests::driver_calls_of_groups";
    let status = std::process::Command::new(own)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .status();
    assert!(status.unwrap().success());
}

#[test]
#[ignore = "runs in a process of its own"]
fn driver_calls_of_groups() {
    let device = Device::cuda(0).unwrap();
    let files: Vec<Vec<u8>> = (0..256).map(file).collect();
    let new = || Image::new(&device, 500, 375).unwrap();
    let mut images: Vec<Image> = files.iter().map(|_| new()).collect();
    let (mut buffers, mut calls) = (0, 0);
    for _ in 0..4 {
        buffers = device.transfer_buffers();
        (calls, images) = decode(&device, &files, images);
        device.synchronize().unwrap();
    }
    assert_eq!(device.transfer_buffers(), buffers);
    println!("{calls} calls for {} files", files.len());
    assert!(2 * calls <= files.len() as u64, "{calls} calls");
    for (file, image) in files.iter().zip(images) {
        let expected = crate::LoadOptions::new().decode(&Device::cpu(), file);
        let expected = expected.unwrap().download().unwrap();
        assert!(image.download().unwrap() == expected);
    }
}
