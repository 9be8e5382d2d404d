//! The planes of a lossy picture, of which kernels make pixels as libwebp does.
#![allow(unsafe_code)] // a C interface: decoding into the caller's memory

use super::WebP;
use crate::{Device, Error, Result, device::Planes};
use imagecuda_kernels::planes::{Range, alpha, model};
use libwebp_sys::{VP8StatusCode, WEBP_CSP_MODE, WebPDecode, WebPDecoderConfig, WebPYUVABuffer};

impl WebP<'_> {
    /// The planes of a sound, lossy, still picture. `None` if libwebp does not decode it.
    pub(super) fn planes(&self, device: &Device) -> Result<Option<Planes>> {
        let coded = [self.header.width, self.header.height];
        let half = coded.map(|side| side.div_ceil(2));
        let has_alpha = self.header.layout.has_alpha();
        let alpha_size = if has_alpha { coded } else { [0, 0] };
        let mut planes = Planes::new(device, 1, coded, [coded, half, half, alpha_size])?;
        let picture = &mut planes.picture;
        picture.model = model::WEBP;
        for plane in &mut picture.planes[1..3] {
            (plane.across, plane.down) = (1, 1);
        }
        picture.ranges[3] = Range {
            black: 0.0,
            whole: 255.0,
        };
        picture.alpha = match has_alpha {
            true => alpha::STRAIGHT,
            false => alpha::NONE,
        };

        let mut config = WebPDecoderConfig::new()
            .map_err(|()| Error::decode("libwebp is of another version than its bindings"))?;
        config.options.use_threads = 1;
        config.output.colorspace = match has_alpha {
            true => WEBP_CSP_MODE::MODE_YUVA,
            false => WEBP_CSP_MODE::MODE_YUV,
        };
        config.output.is_external_memory = 1;
        let side = |side: u32| i32::try_from(side).map_err(Error::decode);
        let [y, u, v, a] = planes.planes_mut();
        config.output.u.YUVA = WebPYUVABuffer {
            y: y.as_mut_ptr(),
            u: u.as_mut_ptr(),
            v: v.as_mut_ptr(),
            a: a.as_mut_ptr(),
            y_stride: side(coded[0])?,
            u_stride: side(half[0])?,
            v_stride: side(half[0])?,
            a_stride: side(alpha_size[0])?,
            y_size: y.len(),
            u_size: u.len(),
            v_size: v.len(),
            a_size: a.len(),
        };
        let bytes = &self.bytes;
        // SAFETY: the input is one slice, and `config` was initialised by libwebp. The planes are
        // borrowed mutably until after the call and do not overlap, and each has its true length
        // as its size: libwebp checks stride x height of what it decodes against that size before
        // it writes, and frees no external memory.
        let status = unsafe { WebPDecode(bytes.as_ptr(), bytes.len(), &mut config) };
        Ok((status == VP8StatusCode::VP8_STATUS_OK).then_some(planes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Format, Limits, SaveOptions,
        codec::{self, EncodeRequest},
        picture::Pixels,
    };
    use imagecuda_kernels::layout::Layout;
    use std::io::Cursor;

    /// Noise and smooth parts, so that all combinations of luma and chroma occur.
    fn picture(width: u32, height: u32, layout: Layout) -> Vec<u8> {
        let mut seed = width * 31 + height;
        let mut data = Vec::new();
        for y in 0..height {
            for x in 0..width {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (seed >> 24) as u8;
                let pixel = match (x / 16 + y / 16) % 3 {
                    0 => [noise, (seed >> 16) as u8, (seed >> 8) as u8, noise],
                    1 => [(x * 7) as u8, (y * 5) as u8, (x * y) as u8, (x + y) as u8],
                    _ => [if noise > 128 { 255 } else { 0 }, 0, 255, 128],
                };
                data.extend_from_slice(&pixel[..layout.channels()]);
            }
        }
        data
    }

    fn file(width: u32, height: u32, layout: Layout, options: &SaveOptions) -> Vec<u8> {
        let data = picture(width, height, layout);
        let pixels = Pixels {
            width,
            height,
            layout,
            data: &data,
        };
        let mut file = Cursor::new(Vec::new());
        codec::encode(Format::WebP, EncodeRequest::new(pixels, options), &mut file).unwrap();
        file.into_inner()
    }

    #[test]
    fn pixels_are_libwebps_bit_for_bit() {
        let sides = [1, 2, 3, 4, 5, 15, 16, 17, 33, 64, 131];
        for width in sides {
            for height in sides {
                for (layout, quality) in
                    [(Layout::Rgb8, 80), (Layout::Rgba8, 30), (Layout::Rgb8, 100)]
                {
                    let options = SaveOptions::new().quality(quality);
                    let file = file(width, height, layout, &options);
                    let open = || super::super::read_header(file.as_slice().into()).unwrap();
                    let webp = open();
                    assert!(webp.lossy);
                    let header = webp.header;
                    let planes = webp.planes(&Device::cpu()).unwrap().unwrap();
                    let mut made = vec![0; header.bytes()];
                    planes.write(header.layout, &mut made).unwrap();
                    let decoder =
                        codec::open(Format::WebP, &file, &Limits::default(), false).unwrap();
                    let mut expected = vec![0; header.bytes()];
                    decoder.read_into(&mut expected).unwrap();
                    assert!(made == expected, "{width}x{height} {layout:?}");
                }
            }
        }
    }

    #[test]
    fn damage_has_no_planes() {
        let options = SaveOptions::new().quality(80);
        let file = file(61, 47, Layout::Rgba8, &options);
        let cut = super::super::riff::regular(&file[..file.len() / 2]).unwrap();
        let webp = super::super::read_header(cut).unwrap();
        assert!(webp.planes(&Device::cpu()).unwrap().is_none());
    }
}
