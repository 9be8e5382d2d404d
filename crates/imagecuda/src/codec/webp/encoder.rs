//! libwebp's encoder.
#![allow(unsafe_code)] // a C interface, which reads the caller's memory and calls back

use crate::{Error, Result, device::encode_webp::WebpSamples, memory, picture::Pixels};
use imagecuda_kernels::layout::Layout;
use libwebp_sys::{
    WebPConfig, WebPEncCSP, WebPEncode, WebPEncodingError, WebPPicture, WebPPictureAlloc,
    WebPPictureFree, WebPPictureImportRGB, WebPPictureImportRGBA,
};
use std::ffi::{c_int, c_void};

/// The default configuration of libwebp.
pub(super) fn config() -> Result<WebPConfig> {
    WebPConfig::new().map_err(|()| other_version())
}

fn other_version() -> Error {
    Error::encode("libwebp is of another version than its bindings")
}

/// A picture of libwebp, with the memory that it allocated.
struct Picture(WebPPicture);

impl Picture {
    /// Copies RGB or RGBA: as it is if the file is to be lossless, else as luma, chroma and alpha.
    fn new(pixels: Pixels<'_>, is_lossless: bool) -> Result<Self> {
        let layout = pixels.layout;
        let stride = pixels.width as usize * layout.bytes_per_pixel();
        if pixels.data.len() < stride.saturating_mul(pixels.height as usize) {
            return Err(Error::encode("there are fewer pixels than the size says"));
        }
        let side = |side: usize| c_int::try_from(side).map_err(Error::encode);
        let mut picture = Self(WebPPicture::new().map_err(|()| other_version())?);
        picture.0.use_argb = is_lossless.into();
        picture.0.width = side(pixels.width as usize)?;
        picture.0.height = side(pixels.height as usize)?;
        let (data, stride) = (pixels.data.as_ptr(), side(stride)?);
        // SAFETY: the picture was initialised by libwebp, and its size is set. libwebp reads `height` rows
        // of `width` pixels that are `stride` apart, which the slice has: its length was checked.
        let is_done = unsafe {
            match layout {
                Layout::Rgba8 => WebPPictureImportRGBA(&mut picture.0, data, stride),
                Layout::Rgb8 => WebPPictureImportRGB(&mut picture.0, data, stride),
                other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
            }
        };
        match is_done {
            0 => Err(encode_error(picture.0.error_code)),
            _ => Ok(picture),
        }
    }
}

impl Picture {
    /// Copies planes. libwebp changes what is transparent in its own memory.
    fn of_planes(samples: &WebpSamples) -> Result<Self> {
        let side = |side: u32| c_int::try_from(side).map_err(Error::encode);
        let [width, height] = samples.planes.size;
        let mut picture = Self(WebPPicture::new().map_err(|()| other_version())?);
        picture.0.width = side(width)?;
        picture.0.height = side(height)?;
        picture.0.colorspace = match samples.alpha() {
            Some(_) => WebPEncCSP::WEBP_YUV420A,
            None => WebPEncCSP::WEBP_YUV420,
        };
        // SAFETY: libwebp initialised the picture. It allocates planes of this size for it.
        if unsafe { WebPPictureAlloc(&mut picture.0) } == 0 {
            return Err(encode_error(picture.0.error_code));
        }
        let WebPPicture {
            y,
            u,
            v,
            a,
            y_stride,
            uv_stride,
            a_stride,
            ..
        } = picture.0;
        let [luma, blue, red] = samples.colors();
        let chroma = samples.planes.chroma();
        copy(luma, y, y_stride, [width, height]);
        copy(blue, u, uv_stride, chroma);
        copy(red, v, uv_stride, chroma);
        if let Some(alpha) = samples.alpha() {
            copy(alpha, a, a_stride, [width, height]);
        }
        Ok(picture)
    }
}

/// Copies a plane of that size to one of libwebp, whose rows are `stride` apart.
fn copy(from: &[u8], to: *mut u8, stride: c_int, [width, height]: [u32; 2]) {
    let (width, stride) = (width as usize, stride.unsigned_abs() as usize);
    assert!(!to.is_null() && stride >= width && from.len() == width * height as usize);
    for (y, row) in from.chunks_exact(width).enumerate() {
        // SAFETY: libwebp allocated `height` rows of `stride` bytes, and nothing else uses them now.
        unsafe {
            to.add(y * stride)
                .copy_from_nonoverlapping(row.as_ptr(), width)
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: libwebp initialised the picture, and frees only what it allocated itself.
        unsafe { WebPPictureFree(&mut self.0) }
    }
}

/// Encodes RGB or RGBA to a file.
pub(super) fn encode(pixels: Pixels<'_>, config: &WebPConfig) -> Result<Vec<u8>> {
    encode_picture(Picture::new(pixels, config.lossless != 0)?, config)
}

/// Encodes luma, chroma and alpha to a lossy file: the same as of the pixels that they were made of.
pub(super) fn encode_planes(samples: &WebpSamples, config: &WebPConfig) -> Result<Vec<u8>> {
    encode_picture(Picture::of_planes(samples)?, config)
}

fn encode_picture(mut picture: Picture, config: &WebPConfig) -> Result<Vec<u8>> {
    let mut file: Vec<u8> = Vec::new();
    picture.0.writer = Some(append);
    picture.0.custom_ptr = (&raw mut file).cast::<c_void>();
    // SAFETY: both structures were initialised by libwebp. It calls `append` during this call alone, in
    // this thread, with the address of `file`, which nothing else uses meanwhile.
    let is_done = unsafe { WebPEncode(config, &mut picture.0) };
    match is_done {
        0 => Err(encode_error(picture.0.error_code)),
        _ => Ok(file),
    }
}

/// Appends a part of the file. 0 stops libwebp.
unsafe extern "C" fn append(data: *const u8, length: usize, picture: *const WebPPicture) -> c_int {
    if length == 0 {
        return 1;
    }
    // SAFETY: libwebp passes the picture whose `custom_ptr` is the vector of `encode`, and so many bytes.
    let (file, data) = unsafe {
        let file = &mut *(*picture).custom_ptr.cast::<Vec<u8>>();
        (file, std::slice::from_raw_parts(data, length))
    };
    match memory::reserve(file, length) {
        Ok(()) => {
            file.extend_from_slice(data);
            1
        }
        Err(_) => 0,
    }
}

fn encode_error(error: WebPEncodingError) -> Error {
    use WebPEncodingError::*;
    Error::encode(match error {
        VP8_ENC_ERROR_OUT_OF_MEMORY
        | VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY
        // `append` fails for nothing else.
        | VP8_ENC_ERROR_BAD_WRITE => "libwebp is out of memory",
        VP8_ENC_ERROR_BAD_DIMENSION => "the picture is too large",
        VP8_ENC_ERROR_PARTITION0_OVERFLOW | VP8_ENC_ERROR_PARTITION_OVERFLOW => {
            "the picture is too complex at this quality; a lower one, or none, will do"
        }
        VP8_ENC_ERROR_FILE_TOO_BIG => "the file would exceed 4 GB",
        _ => "libwebp failed",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Device,
        device::{Buffer, video::test_gpu},
    };
    use imagecuda_kernels::{pack::Packing, pixel::RgbaF32, planes::subsample::WebpPlanes};

    /// Noise and smooth parts, and alpha of that kind: opaque, everywhere, or in places.
    fn pixels([width, height]: [u32; 2], alpha: u32) -> Vec<RgbaF32> {
        let mut seed = width * 31 + height;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 24) as f32
        };
        (0..width * height)
            .map(|i| {
                let (x, y) = (i % width, i / width);
                let covered = match alpha {
                    0 => 1.0,
                    1 => noise(),
                    _ if (x / 4 + y / 4) % 3 == 0 => noise(),
                    _ => ((x / 4 + y / 4) % 2) as f32,
                };
                match (x / 8 + y / 8) % 2 {
                    0 => RgbaF32([noise(), noise(), noise(), covered]),
                    _ => RgbaF32([x as f32 / 40.0, y as f32 / 50.0, 0.3, covered]),
                }
            })
            .collect()
    }

    #[test]
    fn planes_make_the_file_that_pixels_make() {
        planes_and_pixels(&Device::cpu());
    }

    #[test]
    fn engines_of_kernels_make_it_on_a_gpu() {
        if let Some(device) = test_gpu() {
            planes_and_pixels(&device);
        }
    }

    fn planes_and_pixels(device: &Device) {
        let mut config = config().unwrap();
        for (quality, [width, height], alpha, background) in cases() {
            config.quality = quality;
            let size = [width, height];
            let pixels = pixels(size, alpha);
            let mut buffer = Buffer::<RgbaF32>::zeroed(device, pixels.len()).unwrap();
            buffer.upload(bytemuck::cast_slice(&pixels)).unwrap();
            let packing = match background {
                Some(_) => Packing::Rgb8,
                None => Packing::Rgba8,
            };
            let mut bytes = buffer
                .pack(
                    device,
                    packing,
                    background.unwrap_or_default(),
                    pixels.len(),
                )
                .unwrap();
            bytes.wait().unwrap();
            let expected = Pixels {
                width,
                height,
                layout: packing.layout(),
                data: &bytes,
            };
            let expected = encode(expected, &config).unwrap();
            let samples = buffer.start_webp(device, WebpPlanes { size }, background);
            let samples = samples.unwrap().finish().unwrap();
            assert_eq!(samples.alpha().is_some(), alpha > 0 && background.is_none());
            let made = encode_planes(&samples, &config).unwrap();
            assert!(made == expected, "{size:?} {alpha} {background:?}");
        }
    }

    type Case = (f32, [u32; 2], u32, Option<[f32; 3]>);

    fn cases() -> Vec<Case> {
        let mut cases = Vec::new();
        for quality in [30.0, 85.0] {
            for size in [[1, 1], [2, 3], [17, 5], [64, 33], [131, 77]] {
                for alpha in 0..3 {
                    cases.push((quality, size, alpha, None));
                    cases.push((quality, size, alpha, Some([0.2, 0.5, 0.9])));
                }
            }
        }
        cases
    }
}
