//! What a group costs.

use super::{PictureGroups, ProgressiveJpeg};
use crate::{
    Device, Format, Image, JpegDecoder, SaveOptions, Subsampling,
    device::{Buffer, DecodedPicture, GroupMember, Inner, Payload},
    jpeg::Jpeg,
};
use imagecuda_kernels::{layout::Layout, pixel::RgbaF32};
use std::collections::BTreeMap;

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
fn file(seed: u32, (width, height): (u32, u32)) -> Vec<u8> {
    let pixels = (0..width * height * 3).map(|i| {
        let (x, y) = (i / 3 % width, i / 3 / width);
        let noise = i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 29;
        ((x * 5 + y * 3 + seed * 40) / 16 + noise * 4) as u8
    });
    encode(&pixels.collect::<Vec<_>>(), (width, height), 90)
}

/// A file with so many bits a block that some decoders synchronise only when sections are mended.
fn dense_file((width, height): (u32, u32)) -> Vec<u8> {
    let pixels = (0..width * height * 3).map(|i| {
        let noise = (i ^ i >> 15).wrapping_mul(0x2c1b_3c6d);
        ((noise ^ noise >> 12).wrapping_mul(0x297a_2d39) >> 24) as u8
    });
    encode(&pixels.collect::<Vec<_>>(), (width, height), 100)
}

fn encode(pixels: &[u8], (width, height): (u32, u32), quality: u8) -> Vec<u8> {
    let picture = Image::from_pixels(&Device::cpu(), width, height, Layout::Rgb8, pixels).unwrap();
    let options = SaveOptions::new()
        .quality(quality)
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

/// Runs a test in a process of its own, as the driver's calls of all threads are counted.
fn alone(test: &str) {
    if Device::cuda(0).is_err() {
        println!("no GPU");
        return;
    }
    let own = std::env::current_exe().unwrap();
    let test = format!("device::cuda::jpeg::tests::{test}");
    let status = std::process::Command::new(own)
        .args(["--exact", &test, "--ignored", "--nocapture"])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_group_needs_few_driver_calls_and_no_memory_of_its_own() {
    alone("driver_calls_of_groups");
}

#[test]
fn a_group_needs_eleven_driver_calls() {
    alone("driver_calls_of_one_group");
}

#[test]
#[ignore = "runs in a process of its own"]
fn driver_calls_of_one_group() {
    const SIZE: (u32, u32) = (96, 64);
    let device = Device::cuda(0).unwrap();
    let files: Vec<Vec<u8>> = (0..24).map(|seed| file(seed, SIZE)).collect();
    let new = |_| Image::new(&device, SIZE.0, SIZE.1).unwrap();
    let mut images: Vec<Image> = files.iter().map(new).collect();
    let all = || cuda_delay_load::calls_by_name().collect::<BTreeMap<_, _>>();
    let mut made_by_group = |uses_images: bool| {
        if uses_images {
            // Whoever uses the images puts work into the stream, which nobody waits for.
            let copy = images[1].try_clone().unwrap();
            images[0].copy_from(&copy).unwrap();
        }
        let before = all();
        images = decode(&device, &files, std::mem::take(&mut images)).1;
        let more = all().into_iter();
        let more = more.map(|(name, calls)| (name, calls - before.get(name).unwrap_or(&0)));
        more.filter(|&(_, calls)| calls > 0).collect::<Vec<_>>()
    };
    let first = made_by_group(false);
    // What made the images has run, as the first group waited for it.
    let mut expected = vec![
        // Makes the context current, once for all groups.
        ("cuCtxGetCurrent", 1),
        ("cuCtxSetCurrent", 1),
        ("cuEventRecord", 1),
        ("cuEventSynchronize", 1),
        ("cuLaunchKernel", 6),
        ("cuMemcpyDtoHAsync_v2", 1),
        ("cuMemcpyHtoDAsync_v2", 1),
        ("cuMemsetD8Async", 1),
    ];
    assert!(first.len() > expected.len(), "{first:?}");
    assert_eq!(made_by_group(false), expected);
    assert_eq!(made_by_group(false), expected);
    expected[2].1 += 1;
    expected.push(("cuStreamWaitEvent", 1));
    assert_eq!(made_by_group(true), expected);
    expected.pop();
    expected[2].1 -= 1;
    assert_eq!(made_by_group(false), expected);
    // Work of other libraries is not known of.
    assert!(device.stream().is_some());
    expected[2].1 += 1;
    expected.push(("cuStreamWaitEvent", 1));
    assert_eq!(made_by_group(false), expected);
}

#[test]
fn a_group_mends_the_files_that_need_it() {
    alone("launches_of_a_group_with_a_dense_file");
}

#[test]
#[ignore = "runs in a process of its own"]
fn launches_of_a_group_with_a_dense_file() {
    const SIZE: (u32, u32) = (320, 240);
    let device = Device::cuda(0).unwrap();
    let mut files: Vec<Vec<u8>> = (0..4).map(|seed| file(seed, SIZE)).collect();
    let launches = || {
        let mut all = cuda_delay_load::calls_by_name();
        all.find(|call| call.0 == "cuLaunchKernel")
            .map_or(0, |call| call.1)
    };
    let decode = |files: &[Vec<u8>]| {
        let new = |_| Image::new(&device, SIZE.0, SIZE.1).unwrap();
        let images = files.iter().map(new).collect();
        let before = launches();
        // None is given up.
        let images = decode(&device, files, images).1;
        (launches() - before, images)
    };
    assert_eq!(decode(&files).0, 6);
    files.insert(2, dense_file(SIZE));
    let (launches, images) = decode(&files);
    // And again, with two that mend.
    assert_eq!(launches, 6 + 8);
    let is_dense = |image: &Image| {
        let expected = crate::LoadOptions::new().decode(&Device::cpu(), &files[2]);
        image.download().unwrap() == expected.unwrap().download().unwrap()
    };
    assert_eq!(images.iter().filter(|image| is_dense(image)).count(), 1);
}

/// Each picture is used in the order of the device's stream after a group has made it, and before
/// another group makes another one in its place.
#[test]
fn a_group_waits_for_those_who_use_the_images() {
    const SIZE: (u32, u32) = (96, 64);
    let Ok(device) = Device::cuda(0) else {
        println!("no GPU");
        return;
    };
    let new = || Image::new(&device, SIZE.0, SIZE.1).unwrap();
    let mut images: Vec<Image> = (0..6).map(|_| new()).collect();
    let mut copies = Vec::new();
    for round in 0..4 {
        let files: Vec<Vec<u8>> = (0..6).map(|i| file(6 * round + i, SIZE)).collect();
        images = decode(&device, &files, images).1;
        for (image, file) in images.iter().zip(files) {
            let mut copy = new();
            copy.copy_from(image).unwrap();
            copies.push((file, copy));
        }
    }
    for (file, copy) in copies {
        let expected = crate::LoadOptions::new().decode(&Device::cpu(), &file);
        assert!(copy.download().unwrap() == expected.unwrap().download().unwrap());
    }
}

#[test]
#[ignore = "runs in a process of its own"]
fn driver_calls_of_groups() {
    let device = Device::cuda(0).unwrap();
    let files: Vec<Vec<u8>> = (0..256).map(|seed| file(seed, (500, 375))).collect();
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
    assert!(4 * calls <= files.len() as u64, "{calls} calls");
    for (file, image) in files.iter().zip(images) {
        let expected = crate::LoadOptions::new().decode(&Device::cpu(), file);
        let expected = expected.unwrap().download().unwrap();
        assert!(image.download().unwrap() == expected);
    }
}
