//! What the kernel finds, and what a group costs.

use super::{ProgressiveGroups, ProgressiveJpeg};
use crate::{
    Device, Image, JpegDecoder, LoadOptions,
    device::{Buffer, DecodedPicture, ExpandSpec, GroupMember, Inner, Payload},
    jpeg::Jpeg,
};
use imagecuda_kernels::{jpeg::progressive::Start, layout::Layout, pixel::RgbaF32};
use mozjpeg::{ColorSpace, Compress};

struct Member {
    number: usize,
    payload: Option<Payload>,
    image: Image,
}

impl GroupMember for Member {
    fn file(&self) -> &[u8] {
        &[]
    }

    fn decoded(&self) -> Option<DecodedPicture<'_>> {
        None
    }

    fn progressive(&mut self) -> Option<&mut ProgressiveJpeg> {
        match &mut self.payload {
            Some(Payload::Progressive(jpeg)) => Some(jpeg),
            _ => None,
        }
    }

    fn image(&self) -> &Buffer<RgbaF32> {
        &self.image.buffer
    }

    fn takes_bytes(&self) -> bool {
        false
    }
}

fn file(seed: usize, [width, height]: [usize; 2]) -> Vec<u8> {
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|i| {
            let (x, y) = (i / 3 % width, i / 3 / width);
            let noise = (i + 77 * seed).wrapping_mul(2_654_435_761) >> 16 & 15;
            ((x * 5 + y * 3 + i % 3 * 40) % 200 + noise * (seed % 4)) as u8
        })
        .collect();
    let mut encoder = Compress::new(ColorSpace::JCS_RGB);
    encoder.set_size(width, height);
    encoder.set_fastest_defaults();
    encoder.set_progressive_mode();
    encoder.set_quality(90.0);
    let mut encoder = encoder.start_compress(Vec::new()).unwrap();
    encoder.write_scanlines(&pixels).unwrap();
    encoder.finish().unwrap()
}

/// Whether the host finds the blocks of a file that is for the kernel.
fn is_regular(file: &[u8]) -> Option<bool> {
    let jpeg = Jpeg::read(file, false).ok()?;
    let positions = jpeg.positions()?;
    let mut data = vec![0; positions.room()];
    let mut dc = vec![0; jpeg.picture().blocks()];
    positions.find_dc(&mut data, &mut dc)?;
    let scans = positions.scans();
    let mut starts: Vec<_> = scans
        .map(|scan| vec![Start::default(); scan.blocks])
        .collect();
    let starts = starts.iter_mut().map(|starts| &mut starts[..]).collect();
    Some(positions.find(&mut data, &mut dc, starts).is_some())
}

/// Lets the kernel find the blocks of all files, and makes the images of those that it has found.
fn decode(device: &Device, files: &[Vec<u8>]) -> Vec<Option<Image>> {
    let Inner::Cuda(context) = device.inner() else {
        panic!("no GPU")
    };
    let groups = ProgressiveGroups::new(context);
    for (number, file) in files.iter().enumerate() {
        let jpeg = Jpeg::read(file, false).unwrap();
        let payload = device.prepare_progressive(&jpeg, JpegDecoder::Kernels);
        assert!(matches!(payload, Some(Payload::Progressive(_))), "{number}");
        let (width, height) = (jpeg.picture().width, jpeg.picture().height);
        let image = Image::new(device, width, height).unwrap();
        groups.add(Member {
            number,
            payload,
            image,
        });
    }
    groups.close();
    let mut images: Vec<Option<Image>> = files.iter().map(|_| None).collect();
    let mut count = 0;
    groups.run(|pictures| {
        for (mut member, is_found) in pictures {
            count += 1;
            let (payload, (width, height)) = (member.payload.take(), member.image.dimensions());
            let spec = ExpandSpec::stored(Layout::Rgb8, width, height);
            let made = member.image.buffer.expand(payload.unwrap(), spec);
            assert_eq!(made.is_ok(), is_found, "{}", member.number);
            images[member.number] = is_found.then_some(member.image);
        }
    });
    assert_eq!(count, files.len());
    images
}

/// That the kernel finds the blocks of those whose blocks the host finds. Returns how many these are.
fn check(device: &Device, files: &[Vec<u8>]) -> usize {
    let mut count = 0;
    for (number, image) in decode(device, files).into_iter().enumerate() {
        let is_found = image.is_some();
        assert_eq!(Some(is_found), is_regular(&files[number]), "{number}");
        if let Some(image) = image {
            let expected = LoadOptions::new().decode(&Device::cpu(), &files[number]);
            let expected = expected.unwrap().download().unwrap();
            assert!(image.download().unwrap() == expected, "{number}");
            count += 1;
        }
    }
    count
}

#[test]
fn a_kernel_finds_the_blocks_of_pictures_of_a_group() {
    let Ok(device) = Device::cuda(0) else {
        println!("no GPU");
        return;
    };
    let files: Vec<Vec<u8>> = (0..9)
        .map(|seed| file(seed, [40 + 31 * seed, 90 - 7 * seed]))
        .collect();
    // Twice, in memory of other values.
    for _ in 0..2 {
        check(&device, &files);
    }
}

#[test]
fn a_kernel_refuses_what_the_host_refuses() {
    let Ok(device) = Device::cuda(0) else {
        println!("no GPU");
        return;
    };
    let sound = [file(3, [90, 61]), file(2, [33, 75])];
    let mut noise = 1u64;
    let mut number = |below: usize| {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (noise >> 33) as usize % below
    };
    let mut files = Vec::new();
    while files.len() < 60 {
        let mut bad = sound[files.len() % 2].clone();
        for _ in 0..1 + number(3) {
            let at = bad.len() / 4 + number(bad.len() * 3 / 4);
            bad[at] ^= 1 << number(8);
        }
        if is_regular(&bad).is_some() {
            files.push(bad);
        }
    }
    let found = check(&device, &files);
    assert!((1..60).contains(&found), "{found}");
}

/// Where a scan is damaged somewhere in the middle, those that refine it wait for it then, one behind the other. All of
/// them must end.
#[test]
fn all_scans_end_that_wait_for_one_that_gives_up() {
    let Ok(device) = Device::cuda(0) else {
        println!("no GPU");
        return;
    };
    let sound = file(3, [512, 384]);
    let mut files = Vec::new();
    let mut at = sound.len() / 8;
    while files.len() < 12 {
        let mut bad = sound.clone();
        bad[at] ^= 0x14;
        bad[at + 1] ^= 0x21;
        at += sound.len() / 40;
        if is_regular(&bad) == Some(false) {
            files.push(bad);
        }
    }
    assert_eq!(check(&device, &files), 0);
}
