//! libjpeg-turbo's pixels, by way of mozjpeg, whose decoder is libjpeg-turbo's.

use mozjpeg::{ColorSpace, DctMethod, Decompress};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Pictures are not larger.
const MOST: usize = 1 << 26;

/// What libjpeg-turbo makes of a file.
pub struct Reference {
    pub width: usize,
    pub height: usize,
    /// 1 for gray, 3 for RGB, 4 for CMYK as libjpeg gives them.
    pub components: usize,
    pub samples: Vec<u8>,
}

/// RGBA of a size, in bytes.
pub struct Picture {
    pub size: [usize; 2],
    pub rgba: Vec<u8>,
}

/// `None` where libjpeg refuses the file; of a damaged one it gives what it can.
///
/// Blocks are not smoothed, which shows only in progressive files that lack bits.
pub fn reference(file: &[u8]) -> Option<Reference> {
    reference_at(file, 8)
}

/// The same at so many eighths of the size.
pub fn reference_at(file: &[u8], eighths: u8) -> Option<Reference> {
    // It fails by unwinding, without calling the panic hook.
    catch_unwind(AssertUnwindSafe(|| decode(file, eighths))).ok()?
}

fn decode(file: &[u8], eighths: u8) -> Option<Reference> {
    let mut decoder = Decompress::new_mem(file).ok()?;
    let (width, height) = decoder.size();
    let (space, components) = match decoder.color_space() {
        ColorSpace::JCS_GRAYSCALE => (ColorSpace::JCS_GRAYSCALE, 1),
        ColorSpace::JCS_YCbCr | ColorSpace::JCS_RGB => (ColorSpace::JCS_RGB, 3),
        ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK => (ColorSpace::JCS_CMYK, 4),
        _ => return None,
    };
    if width * height > MOST {
        return None;
    }
    decoder.dct_method(DctMethod::IntegerSlow);
    decoder.do_fancy_upsampling(true);
    decoder.do_block_smoothing(false);
    decoder.scale(eighths);
    let mut decoder = decoder.to_colorspace(space).ok()?;
    let (width, height) = (decoder.width(), decoder.height());
    let samples = decoder.read_scanlines::<u8>().ok()?;
    Some(Reference {
        width,
        height,
        components,
        samples,
    })
}

impl Reference {
    /// What the library should make of it. Inks are stored as the paper that they leave.
    pub fn picture(&self) -> Picture {
        let mut rgba = Vec::with_capacity(self.width * self.height * 4);
        for pixel in self.samples.chunks_exact(self.components) {
            rgba.extend(match *pixel {
                [gray] => [gray, gray, gray, 255],
                [r, g, b] => [r, g, b, 255],
                [c, m, y, k] => {
                    let [r, g, b, white] = [c, m, y, k].map(|v| f32::from(v) / 255.0);
                    let [r, g, b] = [r, g, b].map(|v| (v * white * 255.0 + 0.5) as u8);
                    [r, g, b, 255]
                }
                _ => unreachable!(),
            });
        }
        Picture {
            size: [self.width, self.height],
            rgba,
        }
    }
}

/// Where two pictures differ first, and by how much.
pub fn difference(got: &Picture, expected: &Picture) -> Option<String> {
    if got.size != expected.size {
        return Some(format!("{:?}, expected {:?}", got.size, expected.size));
    }
    if got.rgba == expected.rgba {
        return None;
    }
    if got.rgba.len() != expected.rgba.len() {
        let lengths = (got.rgba.len(), expected.rgba.len());
        return Some(format!("{} bytes, expected {}", lengths.0, lengths.1));
    }
    let pixels = got.rgba.chunks(4).zip(expected.rgba.chunks(4)).enumerate();
    let wrong: Vec<_> = pixels.filter(|(_, (a, b))| a != b).collect();
    let most = got.rgba.iter().zip(&expected.rgba);
    let most = most.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or_default();
    let (first, (a, b)) = wrong[0];
    let (x, y) = (first % got.size[0], first / got.size[0]);
    Some(format!(
        "{a:?} at {x},{y}, expected {b:?}; {} of {} pixels differ, by {most} at most",
        wrong.len(),
        got.rgba.len() / 4
    ))
}
