//! The engines of a GPU against the host, where there is a GPU.

use super::{grids::grid, *};
use crate::{
    Device, LoadOptions, VideoDecoder,
    codec::tests::engines::{load, pixels},
    device::video::test_gpu,
};

pub(super) fn compare(device: &Device, file: &[u8], what: &str) -> bool {
    let (host, by_host) = pixels(device, file, VideoDecoder::Host);
    assert!(!by_host, "{what}");
    let (cpu, _) = pixels(&Device::cpu(), file, VideoDecoder::Engine);
    assert!(host == cpu, "{what}: GPU and CPU");
    let (engine, by_engines) = pixels(device, file, VideoDecoder::Engine);
    assert!(host == engine, "{what}: engine");
    by_engines
}

#[test]
fn engines_give_libde265s_pixels() {
    let Some(device) = test_gpu() else {
        return;
    };
    for round in 0..2 {
        for chroma in ["420", "444"] {
            for size in [(144, 144), (200, 160), (333, 257), (640, 480), (1000, 750)] {
                let file = file(CompressionFormat::Hevc, chroma, size);
                let by_engines = compare(&device, &file, &format!("{chroma} {size:?}"));
                assert!(by_engines, "{chroma} {size:?} {round}");
            }
            for (tile, count, cut) in [
                ([256, 256], [2, 1], [0, 0]),
                ([256, 192], [3, 3], [101, 57]),
                ([512, 512], [8, 6], [64, 48]),
            ] {
                let file = grid(chroma, tile, count, cut);
                let by_engines = compare(&device, &file, &format!("{chroma} {tile:?} {count:?}"));
                assert!(by_engines, "{chroma} {tile:?} {round}");
                // A tile with damage is the host's.
                let mut damaged = file.clone();
                let end = damaged.len() - 2000;
                damaged[end..end + 24].fill(0x5a);
                let load = |decoder| load(&device, &damaged, decoder);
                let same = load(VideoDecoder::Host) == load(VideoDecoder::Engine);
                println!("{chroma} {tile:?}: a damaged tile is the same: {same}");
            }
        }
    }
    let small = file(CompressionFormat::Hevc, "420", (100, 100));
    assert!(!compare(&device, &small, "small"));
    println!("{} decoders ended", device.release_video_decoders());
}

/// Real files, where there are some.
#[test]
fn engines_give_the_hosts_pixels_of_real_files() {
    let (Some(device), Some(folder)) = (test_gpu(), std::env::var_os("IMAGECUDA_CORPUS")) else {
        return;
    };
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = std::fs::read(&path).unwrap();
            let Some(Format::Heif | Format::Avif | Format::WebP) = Format::sniff(&file) else {
                continue;
            };
            if LoadOptions::new().decode(&Device::cpu(), &file).is_ok() {
                let name = path.display().to_string();
                println!("{}: {}", compare(&device, &file, &name), name);
            }
        }
    }
}
