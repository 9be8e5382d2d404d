//! The kernels against the host: emulated, and on a GPU where the tests are to use one.

mod adversarial;
mod deflate;
mod files;
mod many;
mod structures;

use super::{
    super::{chunks::Head, decode},
    data,
};
use crate::{
    ColorPolicy, Device, LoadOptions, PngDecoder,
    device::{Payload, Staging},
};
use files::{File, Random};
use imagecuda_kernels::png::cpu_emulation::{self, Input};
use std::{env, sync::OnceLock};

/// The GPU, if the tests are to use it.
fn gpu() -> Option<&'static Device> {
    static GPU: OnceLock<Option<Device>> = OnceLock::new();
    let open = || match env::var("IMAGECUDA_TEST_DEVICE") {
        Ok(name) if name != "cpu" => Some(name.parse().unwrap()),
        _ => None,
    };
    GPU.get_or_init(open).as_ref()
}

/// What the host makes of a file.
fn by_host(file: &[u8]) -> Option<Vec<u8>> {
    let decoder = decode::open(file).ok()?;
    let mut out = vec![0; decoder.header().bytes()];
    decoder.read_into(&mut out).ok()?;
    Some(out)
}

/// A status that says that the file is none for the kernels.
const NOT_TAKEN: u32 = u32::MAX;

/// What the kernels make of it, or their status.
fn by_kernels(file: &[u8], backwards: bool) -> Result<Vec<u8>, u32> {
    let head = Head::read(file).map_err(|_| NOT_TAKEN)?;
    let png = data(&head, file).ok_or(NOT_TAKEN)?;
    let words = cpu_emulation::decode(Input {
        picture: png.picture,
        pieces: &png.pieces,
        palette: &png.palette,
        backwards,
    })?;
    Ok(bytemuck::cast_slice(&words)[..png.pixel_bytes].to_vec())
}

/// Whether the kernels on the GPU take a file.
fn gpu_takes(gpu: &Device, file: &[u8]) -> bool {
    let Ok(head) = Head::read(file) else {
        return false;
    };
    let Some(png) = data(&head, file) else {
        return false;
    };
    let payload = gpu.decode_png(&png, PngDecoder::Kernels, None::<&Staging>, || true);
    matches!(payload.unwrap(), Some(Payload::Png(_)))
}

/// That the GPU's kernels make of a file what the host makes of it, and take it if they are `to_take`
/// it. Returns whether they took it, and true without a GPU.
#[track_caller]
fn gpu_agrees(what: &str, file: &[u8], to_take: bool) -> bool {
    let Some(gpu) = gpu() else {
        return true;
    };
    let is_taken = gpu_takes(gpu, file);
    if is_taken {
        assert!(by_host(file).is_some(), "{what}: wrong on the GPU");
        let [kernels, host] = [PngDecoder::Kernels, PngDecoder::Host].map(|d| floats(gpu, file, d));
        assert!(kernels == host, "{what}: other pixels on the GPU");
    } else {
        assert!(!to_take, "{what}: not on the GPU");
    }
    is_taken
}

/// The float pixels of a file on a device.
fn floats(device: &Device, file: &[u8], decoder: PngDecoder) -> Vec<f32> {
    let options = LoadOptions::new()
        .color_policy(ColorPolicy::Raw)
        .png_decoder(decoder);
    options.decode(device, file).unwrap().download().unwrap()
}

/// That the kernels decode a file, to what the host makes of it.
#[track_caller]
fn check(what: &str, file: &[u8]) {
    let host = by_host(file).unwrap_or_else(|| panic!("{what}: the host fails"));
    for backwards in [false, true] {
        match by_kernels(file, backwards) {
            Ok(pixels) => assert!(pixels == host, "{what}: other pixels"),
            Err(status) => panic!("{what}: status {status}, backwards {backwards}"),
        }
    }
    gpu_agrees(what, file, true);
}

/// The status that kernels give a file which the host refuses as well, or also if it does not.
#[track_caller]
fn refused(what: &str, file: &[u8]) -> u32 {
    let status = by_kernels(file, false).expect_err(what);
    assert_eq!(by_kernels(file, true).err(), Some(status), "{what}");
    if let Some(gpu) = gpu() {
        assert!(!gpu_takes(gpu, file), "{what}: the GPU takes it");
    }
    status
}

/// That kernels and host are of one mind, or that the kernels leave the file to the host. Returns
/// whether they took it.
#[track_caller]
fn agree(what: &str, file: &[u8]) -> bool {
    let kernels = by_kernels(file, false).ok();
    if let Some(pixels) = &kernels {
        assert!(
            by_host(file).as_ref() == Some(pixels),
            "{what}: wrong pixels"
        );
    }
    gpu_agrees(what, file, false);
    kernels.is_some()
}

#[test]
fn a_comparison_can_fail() {
    let file = File::photo(&mut Random(3), (64, 64), 2, 8);
    let mut other = file.rows.clone();
    other[100] ^= 1;
    let [a, b] = [&file.rows, &other].map(|rows| file.with(&deflate::zlib(6, rows), 1000));
    assert!(by_kernels(&a, false).unwrap() != by_kernels(&b, false).unwrap());
}
