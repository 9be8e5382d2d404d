//! The alpha of a lossy picture (RFC 9649, 2.7.1.2), beside frames that video engines decode, and whether it
//! is damaged.

use super::{
    WebP,
    riff::{self, Alpha},
};
use crate::{Result, memory};
use libwebp_sys::VP8StatusCode;

impl WebP<'_> {
    /// Writes alpha to `out`, a byte a pixel. `None` if it is damaged, or not where it should be.
    pub(super) fn alpha_samples(&self, out: &mut [u8]) -> Option<()> {
        let is_coded = |(kind, _): &(&[u8; 4], &[u8])| matches!(*kind, b"ALPH" | b"VP8 ");
        let (kind, chunk) = riff::chunks(&self.bytes).find(is_coded)?;
        if kind != b"ALPH" {
            return None;
        }
        match riff::alpha(chunk, out.len()) {
            Alpha::Plain => out.copy_from_slice(chunk.get(1..)?.get(..out.len())?),
            Alpha::Unknown => return None,
            Alpha::Lossless(data) => {
                let mut rgba = memory::zeroed::<u8>(self.header.bytes()).ok()?;
                let picture = self.lossless(data).ok()?;
                if self.decode(&picture, &mut rgba).ok()? != VP8StatusCode::VP8_STATUS_OK {
                    return None;
                }
                // Green is what counts.
                let (pixels, _) = rgba.as_chunks::<4>();
                out.iter_mut()
                    .zip(pixels)
                    .for_each(|(out, rgba)| *out = rgba[1]);
            }
        }
        unfilter(chunk.first()? >> 2 & 3, self.header.width as usize, out);
        Some(())
    }

    pub(super) fn has_damaged_alpha(&self, out: &mut [u8]) -> Result<bool> {
        let mut chunks = riff::chunks(&self.bytes);
        let Some((_, alpha)) = chunks.find(|(kind, _)| *kind == b"ALPH") else {
            return Ok(false);
        };
        let pixels = self.header.width as usize * self.header.height as usize;
        Ok(match riff::alpha(alpha, pixels) {
            Alpha::Plain => false,
            Alpha::Unknown => true,
            Alpha::Lossless(data) => {
                let status = self.decode(&self.lossless(data)?, out)?;
                use VP8StatusCode::*;
                !matches!(status, VP8_STATUS_OK | VP8_STATUS_OUT_OF_MEMORY)
            }
        })
    }

    /// The picture of an alpha chunk: its data are those of a lossless picture without its header.
    fn lossless(&self, data: &[u8]) -> Result<Vec<u8>> {
        let side = |pixels: u32| pixels.wrapping_sub(1) & 0x3fff;
        let size = side(self.header.width) | side(self.header.height) << 14;
        let mut picture = Vec::new();
        memory::reserve(&mut picture, 5 + data.len())?;
        picture.push(0x2f);
        picture.extend(size.to_le_bytes());
        picture.extend(data);
        Ok(picture)
    }
}

/// Adds to each sample what the filter predicts of its neighbours.
fn unfilter(filter: u8, width: usize, samples: &mut [u8]) {
    if filter == 0 || width == 0 {
        return;
    }
    for start in (0..samples.len()).step_by(width) {
        let end = samples.len().min(start + width);
        for at in start..end {
            let left = (at > start).then(|| samples[at - 1]);
            let above = (start > 0).then(|| samples[at - width]);
            let predicted = match (filter, left, above) {
                (_, None, None) => 0,
                // The first row has left neighbours alone, and the first column those above.
                (_, Some(left), None) => left,
                (_, None, Some(above)) => above,
                (1, Some(left), _) => left,
                (2, _, Some(above)) => above,
                (_, Some(left), Some(above)) => {
                    let corner = samples[at - width - 1];
                    let slope = i16::from(left) + i16::from(above) - i16::from(corner);
                    slope.clamp(0, 255) as u8
                }
            };
            samples[at] = samples[at].wrapping_add(predicted);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, codec::webp::encoder, picture::Pixels};
    use imagecuda_kernels::layout::Layout;

    #[test]
    fn alpha_is_libwebps() {
        for (size, compression) in [([2, 1], 1), ([5, 9], 1), ([131, 77], 1), ([40, 31], 0)] {
            for filtering in 0..3 {
                for quality in [100, 40] {
                    let [width, height] = size;
                    let data: Vec<u8> = (0..width * height)
                        .flat_map(|i| {
                            let (x, y) = (i % width, i / width);
                            let alpha = if x > y { x * y / 3 } else { 200 - y };
                            [x as u8, y as u8, 90, (alpha % 256) as u8]
                        })
                        .collect();
                    let mut config = encoder::config().unwrap();
                    config.alpha_compression = compression;
                    config.alpha_filtering = filtering;
                    config.alpha_quality = quality;
                    let pixels = Pixels {
                        width,
                        height,
                        layout: Layout::Rgba8,
                        data: &data,
                    };
                    let file = encoder::encode(pixels, &config).unwrap();
                    let webp = super::super::read_header(file.as_slice().into()).unwrap();
                    let mut planes = webp.planes(&Device::cpu()).unwrap().unwrap();
                    let expected = planes.plane_mut(3).to_vec();
                    let mut made = vec![7; expected.len()];
                    webp.alpha_samples(&mut made).unwrap();
                    assert!(
                        made == expected,
                        "{size:?} {compression} {filtering} {quality}"
                    );
                }
            }
        }
    }
}
