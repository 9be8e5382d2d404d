//! Ways to load a file, and to save what was loaded.

use crate::files::is_small;
use imagecuda::{
    Channels, Compression, Depth, Device, Format, Image, JpegDecoder, JpegEncoder, LoadOptions,
    Result, SaveOptions, Subsampling,
};
use std::{fs, path::Path};

/// Frames of an animation that are looked at.
const FRAMES: usize = 5;

/// Pixels that a buffer has room for.
const ROOM: usize = 3840 * 2160;

/// What came of an operation: a sum over all pixels or bytes, or what is wrong.
pub(crate) type Outcome = std::result::Result<u32, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Load,
    LoadInto,
    LoadU8,
    Memory,
    Host,
    Kernels,
    Truncated,
    Frames,
    SavePng,
    SavePng16,
    SaveFastPng,
    SaveJpeg,
    SaveJpegByHost,
    SaveJpegByKernels,
    SaveProgressiveJpeg,
    SaveGrayJpeg,
    SaveWebP,
    SaveTiff,
    SaveBmp,
    SaveQoi,
    Encode,
}

pub(crate) const WAYS: [Way; 21] = [
    Way::Load,
    Way::LoadInto,
    Way::LoadU8,
    Way::Memory,
    Way::Host,
    Way::Kernels,
    Way::Truncated,
    Way::Frames,
    Way::SavePng,
    Way::SavePng16,
    Way::SaveFastPng,
    Way::SaveJpeg,
    Way::SaveJpegByHost,
    Way::SaveJpegByKernels,
    Way::SaveProgressiveJpeg,
    Way::SaveGrayJpeg,
    Way::SaveWebP,
    Way::SaveTiff,
    Way::SaveBmp,
    Way::SaveQoi,
    Way::Encode,
];

impl Way {
    /// Whether it is taken for a file: what takes long, for small ones only.
    pub(crate) fn suits(self, file: &Path) -> bool {
        let format = Format::from_path(file);
        match self {
            Self::Host | Self::Kernels => format == Some(Format::Jpeg),
            Self::Frames => matches!(format, Some(Format::Gif | Format::WebP | Format::Png)),
            Self::SavePng
            | Self::SavePng16
            | Self::SaveWebP
            | Self::SaveProgressiveJpeg
            | Self::SaveTiff
            | Self::Encode => is_small(file),
            _ => true,
        }
    }

    /// Takes it. Files are written to `scratch`, with an extension.
    pub(crate) fn take(
        self,
        device: &Device,
        file: &Path,
        scratch: &Path,
        reused: &mut Option<Image>,
    ) -> Outcome {
        let options = LoadOptions::new();
        let save = SaveOptions::new();
        let jpeg = save.clone().quality(87);
        let saved = |extension: &str, options: SaveOptions| {
            let target = scratch.with_extension(extension);
            LoadOptions::new()
                .load(device, file)
                .and_then(|image| options.save(&image, &target))
                .map_err(|error| error.kind().to_string())
                .and_then(|()| written(&target))
        };
        match self {
            Self::Load => outcome(options.load(device, file).as_ref()),
            Self::LoadInto => {
                let image = match reused {
                    Some(image) => Ok(image),
                    None => Image::with_capacity(device, 1, 1, ROOM).map(|new| reused.insert(new)),
                };
                let loaded = image.and_then(|image| {
                    options.load_into(file, image)?;
                    Ok(image)
                });
                match loaded {
                    Ok(image) => outcome(Ok(image)),
                    Err(error) => outcome(Err(&error)),
                }
            }
            Self::LoadU8 => sum(options
                .load_u8(device, file)
                .and_then(|image| Ok((image.width(), image.height(), image.download()?)))),
            Self::Memory => match fs::read(file) {
                Ok(bytes) => outcome(options.decode(device, &bytes).as_ref()),
                Err(error) => Err(error.to_string()),
            },
            Self::Host => {
                let options = options.jpeg_decoder(JpegDecoder::Host);
                outcome(options.load(device, file).as_ref())
            }
            Self::Kernels => {
                let options = options.jpeg_decoder(JpegDecoder::Kernels);
                outcome(options.load(device, file).as_ref())
            }
            Self::Truncated => outcome(options.allow_truncated(true).load(device, file).as_ref()),
            Self::Frames => frames(device, file).map_err(|error| error.kind().to_string()),
            Self::SavePng => saved("png", save),
            Self::SavePng16 => saved("png", save.depth(Depth::U16)),
            Self::SaveFastPng => saved("png", save.compression(Compression::Fast)),
            Self::SaveJpeg => saved("jpg", jpeg),
            Self::SaveJpegByHost => saved("jpg", jpeg.jpeg_encoder(JpegEncoder::Host)),
            Self::SaveJpegByKernels => saved(
                "jpg",
                jpeg.jpeg_encoder(JpegEncoder::Kernels)
                    .subsampling(Subsampling::Yuv422)
                    .optimize_huffman(true),
            ),
            Self::SaveProgressiveJpeg => saved("jpg", jpeg.progressive(true)),
            Self::SaveGrayJpeg => saved("jpg", jpeg.channels(Channels::Gray).restart_interval(9)),
            Self::SaveWebP => saved("webp", save.quality(80)),
            Self::SaveTiff => saved("tiff", save),
            Self::SaveBmp => saved("bmp", save),
            Self::SaveQoi => saved("qoi", save),
            Self::Encode => options
                .load(device, file)
                .and_then(|image| jpeg.encode(&image, Format::Jpeg))
                .map(|bytes| crc32fast::hash(&bytes))
                .map_err(|error| error.kind().to_string()),
        }
    }
}

/// All of an image's pixels.
pub(crate) fn outcome(image: std::result::Result<&Image, &imagecuda::Error>) -> Outcome {
    let pixels = |image: &Image| Ok((image.width(), image.height(), image.download()?));
    match image {
        Ok(image) => sum(pixels(image)),
        Err(error) => Err(error.kind().to_string()),
    }
}

fn sum<T: bytemuck::Pod>(image: Result<(u32, u32, Vec<T>)>) -> Outcome {
    match image {
        Ok((width, height, samples)) => {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&width.to_le_bytes());
            hasher.update(&height.to_le_bytes());
            hasher.update(bytemuck::cast_slice(&samples));
            Ok(hasher.finalize())
        }
        Err(error) => Err(error.kind().to_string()),
    }
}

/// All of a file's bytes.
pub(crate) fn written(path: &Path) -> Outcome {
    match fs::read(path) {
        Ok(bytes) => Ok(crc32fast::hash(&bytes)),
        Err(error) => Err(error.to_string()),
    }
}

fn frames(device: &Device, file: &Path) -> Result<u32> {
    let mut frames = LoadOptions::new().frames(device, file)?;
    let mut image = Image::new(device, 1, 1)?;
    let mut hasher = crc32fast::Hasher::new();
    for _ in 0..FRAMES {
        let Some(delay) = frames.next_into(&mut image)? else {
            break;
        };
        hasher.update(&delay.as_millis().to_le_bytes());
        hasher.update(bytemuck::cast_slice(&image.download()?));
    }
    Ok(hasher.finalize())
}
