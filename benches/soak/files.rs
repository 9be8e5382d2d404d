//! What is loaded.

use crate::scene;
use imagecuda::{
    Channels, Compression, Depth, Device, Format, Image, Layout, Result, SaveOptions, Subsampling,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Files of a corpus that are taken.
const MOST_BYTES: u64 = 64 << 10;

/// Makes files of all formats and of some sizes, and damaged ones; and finds those of a corpus.
pub(crate) fn make(folder: &Path) -> Result<Vec<PathBuf>> {
    let device = Device::cpu();
    let mut files = Vec::new();
    for (width, height) in [
        (1, 1),
        (33, 17),
        (256, 256),
        (800, 600),
        (1920, 1080),
        (3840, 2160),
    ] {
        let pixels = scene::render(width, height);
        let image = Image::from_pixels(&device, width, height, Layout::Rgb8, &pixels)?;
        let options = SaveOptions::new();
        let jpeg = options.clone().quality(90);
        let mut kinds = vec![
            ("420.jpg", jpeg.clone().subsampling(Subsampling::Yuv420)),
            ("444.jpg", jpeg.clone().subsampling(Subsampling::Yuv444)),
            ("8.png", options.clone()),
        ];
        if width < 3840 {
            kinds.extend([
                ("restarts.jpg", jpeg.clone().restart_interval(7)),
                ("gray.jpg", jpeg.clone().channels(Channels::Gray)),
                ("progressive.jpg", jpeg.clone().progressive(true)),
                ("16.png", options.clone().depth(Depth::U16)),
                ("lossy.webp", options.clone().quality(80)),
                ("lzw.tiff", options.clone().compression(Compression::Lzw)),
                ("a.bmp", options.clone()),
                ("a.qoi", options.clone()),
            ]);
        }
        if width < 800 {
            kinds.extend([
                ("a.exr", options.clone()),
                ("a.hdr", options.clone()),
                ("a.tga", options.clone()),
                ("a.ppm", options.clone()),
                ("lossless.webp", options.clone().lossless(true)),
                ("deflate.tiff", options.clone().depth(Depth::U16)),
            ]);
        }
        for (name, options) in kinds {
            let path = folder.join(format!("{width}x{height}-{name}"));
            options.save(&image, &path)?;
            files.push(path);
        }
        if width == 256 {
            for name in ["moving.gif", "moving.webp"] {
                let path = folder.join(name);
                let frames = (0..5).map(|_| (&image, Duration::from_millis(40)));
                options.save_animation(&path, frames, None)?;
                files.push(path);
            }
        }
        if width == 800 {
            for name in ["420.jpg", "8.png", "lossy.webp", "lzw.tiff"] {
                let whole = fs::read(folder.join(format!("{width}x{height}-{name}")))?;
                let path = folder.join(format!("cut-{name}"));
                fs::write(&path, &whole[..whole.len() * 2 / 3])?;
                files.push(path);
                let mut spoiled = whole;
                for at in (spoiled.len() / 2..spoiled.len()).step_by(997) {
                    spoiled[at] ^= 0x5a;
                }
                let path = folder.join(format!("spoiled-{name}"));
                fs::write(&path, &spoiled)?;
                files.push(path);
            }
        }
    }
    if let Some(corpus) = env::var_os("IMAGECUDA_CORPUS") {
        find(Path::new(&corpus), &mut files)?;
    }
    Ok(files)
}

/// Files of small pictures, as training sets have them: JPEGs of which no two have the same pixels, some
/// of other kinds, and some damaged.
pub(crate) fn make_small(folder: &Path) -> Result<Vec<PathBuf>> {
    const SCENE: (u32, u32) = (1200, 900);
    let scene = scene::render(SCENE.0, SCENE.1);
    let mut files = Vec::new();
    for number in 0..96 {
        let (width, height) = match number % 4 {
            0 => (256, 256),
            1 => (375, 500),
            _ => (500, 375),
        };
        let (left, top) = (
            number * 53 % (SCENE.0 - width),
            number * 37 % (SCENE.1 - height),
        );
        let row = |y: u32| {
            let at = 3 * ((top + y) * SCENE.0 + left) as usize;
            &scene[at..at + 3 * width as usize]
        };
        let pixels: Vec<u8> = (0..height).flat_map(row).copied().collect();
        let image = Image::from_pixels(&Device::cpu(), width, height, Layout::Rgb8, &pixels)?;
        let subsampling = [Subsampling::Yuv420, Subsampling::Yuv444][number as usize % 5 / 4];
        let plain = SaveOptions::new().quality(75 + (number % 6 * 5).min(24) as u8);
        let jpeg = plain.clone().subsampling(subsampling);
        let (name, options) = match number % 12 {
            5 => ("png", SaveOptions::new()),
            7 => ("jpg", jpeg.progressive(true)),
            9 => ("jpg", plain.channels(Channels::Gray)),
            10 => ("jpg", jpeg.restart_interval(5)),
            11 => ("jpg", jpeg.optimize_huffman(true)),
            _ => ("jpg", jpeg),
        };
        let path = folder.join(format!("small{number}.{name}"));
        options.save(&image, &path)?;
        if number % 16 == 3 {
            let mut bytes = fs::read(&path)?;
            match number % 32 {
                3 => bytes.truncate(bytes.len() * 2 / 3),
                _ => (bytes.len() / 2..bytes.len())
                    .step_by(97)
                    .for_each(|at| bytes[at] ^= 0x5a),
            }
            fs::write(&path, bytes)?;
        }
        files.push(path);
    }
    Ok(files)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut paths: Vec<_> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, files)?;
        } else if Format::from_path(&path).is_some_and(Format::can_load)
            && fs::metadata(&path)?.len() <= MOST_BYTES
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether an image of it may stay for a while.
pub(crate) fn is_small(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with("3840") && !name.starts_with("1920")
}
