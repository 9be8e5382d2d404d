//! How many of the driver's calls a picture takes whose pixels the host has decoded.

use super::{Context, PictureGroups, Pinned, ProgressiveJpeg};
use crate::{
    Device, Image,
    device::{Buffer, DecodedPicture, ExpandSpec, GroupMember, Inner, Payload, Staging},
};
use imagecuda_kernels::{layout::Layout, pixel::RgbaF32};
use std::sync::Arc;

const SIZE: (u32, u32) = (500, 375);

/// The driver's calls of all threads are counted, so each test has a process of its own.
fn alone(test: &str) {
    if Device::cuda(0).is_err() {
        println!("no GPU");
        return;
    }
    let own = std::env::current_exe().unwrap();
    let test = format!("device::cuda::tests::{test}");
    let status = std::process::Command::new(own)
        .args(["--exact", &test, "--ignored", "--nocapture"])
        .status();
    assert!(status.unwrap().success());
}

/// A device whose context is current, as on a batch's threads.
fn device() -> (Device, Arc<Context>) {
    let device = Device::cuda(0).unwrap();
    let Inner::Cuda(context) = device.inner() else {
        panic!("no GPU")
    };
    let context = Arc::clone(context);
    context.make_current().unwrap();
    (device, context)
}

/// Pixels that no other picture has.
fn pixels(seed: usize) -> Vec<u8> {
    let samples = 3 * SIZE.0 as usize * SIZE.1 as usize;
    (0..samples)
        .map(|i| (i * 7 + i / 1500 + seed) as u8)
        .collect()
}

fn spec() -> ExpandSpec {
    ExpandSpec::stored(Layout::Rgb8, SIZE.0, SIZE.1)
}

fn staged(context: &Arc<Context>, pixels: &[u8]) -> Pinned {
    let mut staging = context.pinned(pixels.len()).unwrap();
    staging.copy_from_slice(pixels);
    staging
}

fn check(image: &Image, pixels: &[u8]) {
    let got = image.download().unwrap();
    let expected = pixels.chunks(3).flat_map(|rgb| {
        let [r, g, b] = [0, 1, 2].map(|i| f32::from(rgb[i]) / 255.0);
        [r, g, b, 1.0]
    });
    assert!(got.into_iter().eq(expected));
}

#[test]
fn a_single_picture_needs_nine_driver_calls() {
    alone("calls_of_a_single_picture");
}

#[test]
#[ignore = "runs in a process of its own"]
fn calls_of_a_single_picture() {
    let (device, context) = device();
    let pixels = pixels(1);
    let mut image = Image::new(&device, SIZE.0, SIZE.1).unwrap();
    let mut calls = Vec::new();
    for _ in 0..4 {
        let before = cuda_delay_load::calls();
        let staging = Staging::Pinned(staged(&context, &pixels));
        image
            .buffer
            .expand(Payload::Pixels(staging), spec())
            .unwrap();
        calls.push(cuda_delay_load::calls() - before);
        device.synchronize().unwrap();
    }
    check(&image, &pixels);
    println!("{calls:?} calls");
    // Two ask for the context, two whether memory is in use; the rest are the copy, the kernel, and
    // events that order them and the next ones.
    assert!(
        calls[1..].iter().all(|&calls| calls <= 9),
        "{calls:?} calls"
    );
}

/// A picture of a batch.
struct Member {
    pixels: Pinned,
    image: Image,
}

impl GroupMember for Member {
    fn file(&self) -> &[u8] {
        &[]
    }

    fn decoded(&self) -> Option<DecodedPicture<'_>> {
        Some(DecodedPicture {
            bytes: &self.pixels,
            planes: None,
            spec: spec(),
            conversion: None,
        })
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

/// Expands all pictures in groups, in the memory of these images, and returns them in order.
fn expand(context: &Arc<Context>, pictures: &[Vec<u8>], images: Vec<Image>) -> Vec<Image> {
    let groups = PictureGroups::new(context);
    for (pixels, image) in pictures.iter().zip(images) {
        let pixels = staged(context, pixels);
        groups.add_decoded(Member { pixels, image });
    }
    groups.close();
    let mut images = Vec::new();
    groups.run(|pictures| {
        images.extend(pictures.into_iter().map(|(member, is_made)| {
            assert!(is_made);
            member.image
        }));
    });
    images
}

#[test]
fn a_picture_of_a_group_needs_two_driver_calls_and_a_part_of_others() {
    alone("calls_of_groups");
}

#[test]
#[ignore = "runs in a process of its own"]
fn calls_of_groups() {
    let (device, context) = device();
    let pictures: Vec<Vec<u8>> = (0..64).map(pixels).collect();
    let new = |_| Image::new(&device, SIZE.0, SIZE.1).unwrap();
    let mut images: Vec<Image> = (0..pictures.len()).map(new).collect();
    let (mut calls, mut buffers) = (0, 0);
    for _ in 0..3 {
        buffers = device.transfer_buffers();
        let before = cuda_delay_load::calls();
        images = expand(&context, &pictures, images);
        calls = cuda_delay_load::calls() - before;
    }
    println!("{calls} calls for {} pictures", pictures.len());
    assert!(2 * calls <= 5 * pictures.len() as u64, "{calls} calls");
    assert_eq!(device.transfer_buffers(), buffers);
    for (image, pixels) in images.iter().zip(&pictures) {
        check(image, pixels);
    }
}
