//! `seeds FOLDER`: small files of all kinds, made here, for each target a folder to begin with.

mod containers;
mod kinds;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "of the tests, not all is used here"
)]
mod support;
mod tiff;

use imagecuda::{
    Channels, Compression, Depth, Device, Format, ImageU8, Layout, Metadata, SaveOptions,
    Subsampling,
};
use std::{env, fs, io, path::PathBuf};
use support::{Noise, animations, jpegs};

/// Larger ones are left out.
const MOST_BYTES: usize = 8000;

struct Seeds {
    folder: PathBuf,
    count: usize,
}

impl Seeds {
    fn add(&mut self, target: &str, file: &[u8]) -> io::Result<()> {
        if file.len() > MOST_BYTES {
            return Ok(());
        }
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        self.count += 1;
        fs::write(folder.join(format!("{:04}", self.count)), file)
    }
}

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).expect("a folder");
    let mut seeds = Seeds {
        folder: folder.into(),
        count: 0,
    };
    stills(&mut seeds)?;
    moving(&mut seeds)?;
    for seed in 0..400 {
        seeds.add("load_jpeg", &jpegs::random(seed).bytes)?;
    }
    for rare in &jpegs::RARE {
        seeds.add("load_jpeg", &rare.bytes())?;
    }
    for file in containers::pngs() {
        seeds.add("load_png", &file)?;
    }
    for data in containers::deflated() {
        seeds.add("png_stream", &data)?;
    }
    for file in tiff::tiffs() {
        seeds.add("load_tiff", &file)?;
    }
    for file in containers::others() {
        seeds.add("load_other", &file)?;
    }
    for file in kinds::exrs() {
        seeds.add("load_other", &file)?;
    }
    for file in kinds::gifs() {
        seeds.add("load_gif", &file)?;
    }
    let small = picture(5, 4).to_f32().unwrap();
    let inside =
        [Format::Png, Format::Jpeg].map(|format| SaveOptions::new().encode(&small, format));
    let [png, jpeg] = inside.map(Result::unwrap);
    for file in kinds::bitmaps(&png, &jpeg) {
        seeds.add("load_other", &file)?;
    }
    for file in containers::metadata() {
        seeds.add("metadata", &file)?;
    }
    choices(&mut seeds)?;
    println!("{} files", seeds.count);
    Ok(())
}

fn target(format: Format) -> &'static str {
    match format {
        Format::Avif | Format::Heif => "load_heif",
        Format::Gif => "load_gif",
        Format::Jpeg => "load_jpeg",
        Format::Png => "load_png",
        Format::Tiff => "load_tiff",
        Format::WebP => "load_webp",
        _ => "load_other",
    }
}

/// Waves and noise, with alpha.
fn picture(width: u32, height: u32) -> ImageU8 {
    let mut noise = Noise::new(u64::from(width * height));
    let samples: Vec<u8> = (0..width * height)
        .flat_map(|i| {
            let (x, y) = (i % width, i / width);
            let grain = (noise.next() >> 61) as u32;
            [x * 9 + grain, y * 13, (x * y) ^ grain, 255 - x * 3].map(|v| v as u8)
        })
        .collect();
    ImageU8::from_pixels(&Device::cpu(), width, height, Layout::Rgba8, &samples).unwrap()
}

/// What the library itself saves, with each option that a format has.
fn stills(seeds: &mut Seeds) -> io::Result<()> {
    let plain = SaveOptions::new;
    let mut options = vec![plain(), plain().background([9, 99, 200])];
    options.extend([1, 50, 80, 95, 100].map(|q| plain().quality(q)));
    options.extend([Depth::U8, Depth::U16, Depth::F32].map(|depth| plain().depth(depth)));
    for compression in [
        Compression::Uncompressed,
        Compression::Fast,
        Compression::Balanced,
        Compression::Small,
        Compression::Lzw,
        Compression::PackBits,
    ] {
        options.push(plain().compression(compression));
        options.push(plain().compression(compression).depth(Depth::U16));
        options.push(plain().compression(compression).depth(Depth::F32));
    }
    for channels in [
        Channels::Auto,
        Channels::Gray,
        Channels::GrayAlpha,
        Channels::Rgb,
    ] {
        options.push(plain().channels(channels));
        options.push(plain().channels(channels).depth(Depth::U16));
    }
    for subsampling in [
        Subsampling::Yuv444,
        Subsampling::Yuv422,
        Subsampling::Yuv420,
    ] {
        let quality = plain().quality(60).subsampling(subsampling);
        options.push(quality.clone());
        options.push(quality.clone().progressive(true));
        options.push(quality.clone().optimize_huffman(true));
        options.push(quality.restart_interval(2));
    }
    options.extend([0, 3, 6].map(|effort| plain().effort(effort)));
    options.push(plain().effort(6).quality(30));
    options.extend([true, false].map(|lossless| plain().lossless(lossless)));
    let exif = containers::exif(6, true);
    let profile = containers::profiles().swap_remove(0);
    options.push(plain().metadata(Metadata::new().with_exif(exif).with_icc_profile(profile)));

    let mut files: Vec<(Format, Vec<u8>)> = Vec::new();
    for (width, height) in [(23, 17), (8, 1), (40, 33)] {
        let image = picture(width, height).to_f32().unwrap();
        for options in &options {
            for &format in Format::ALL {
                // Options that a format does not have are refused.
                if let Ok(file) = options.encode(&image, format) {
                    files.push((format, file));
                }
            }
        }
    }
    files.sort_by(|a, b| a.1.cmp(&b.1));
    files.dedup();
    for (format, file) in &files {
        seeds.add(target(*format), file)?;
        if let Format::Avif | Format::Heif = format {
            for file in kinds::heifs(file).unwrap_or_default() {
                seeds.add(target(*format), &file)?;
            }
        }
    }
    Ok(())
}

fn moving(seeds: &mut Seeds) -> io::Result<()> {
    let size = [19, 14];
    for seed in 0..6 {
        let parts = animations::parts(seed, size, 3, &[0, 128, 255]);
        let solid = animations::parts(seed, size, 4, &[0, 255]);
        let plays = (seed % 3) as u16;
        let repeat = [
            None,
            Some(gif::Repeat::Infinite),
            Some(gif::Repeat::Finite(3)),
        ];
        let repeat = repeat[seed as usize % 3];
        seeds.add("load_gif", &animations::gif_file(size, &solid, repeat))?;
        seeds.add("load_webp", &animations::webp_file(size, &parts, plays))?;
        let png = animations::Png {
            interlaced: seed % 2 == 1,
            stand_in: seed % 3 == 1,
            ..animations::RGBA8
        };
        seeds.add("load_png", &animations::png_file(size, &parts, png))?;
    }
    Ok(())
}

/// Bytes from which the targets that save choose.
fn choices(seeds: &mut Seeds) -> io::Result<()> {
    let mut noise = Noise::new(7);
    for choice in 0..56 {
        let samples = picture(20, 20).download().unwrap();
        let mut data = vec![choice];
        data.extend(noise.bytes(7));
        data.extend(&samples[..usize::from(choice) * 20 + 16]);
        seeds.add("save", &data)?;
        seeds.add("save_jpeg", &data)?;
    }
    Ok(())
}
