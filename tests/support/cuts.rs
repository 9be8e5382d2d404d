//! Files cut at every length, and what is to be had of them.

use super::{Noise, bits, same};
use imagecuda::{Decoded, Device, ErrorKind, Format, ImageU8, Layout, LoadOptions, Result};

pub fn tolerant() -> LoadOptions {
    LoadOptions::new().allow_truncated(true)
}

/// What is to be seen where nothing decodes.
#[derive(Clone, Copy, PartialEq)]
pub enum Rest {
    Black,
    Clear,
    Gray,
    /// Anything.
    Coarse,
}

pub struct Case<'a> {
    pub name: &'a str,
    pub file: &'a [u8],
    pub format: Format,
    pub rest: Rest,
    /// Whether the bottom row comes first.
    pub upwards: bool,
    /// The rows that decode together; 0 if they all do.
    pub block: usize,
}

impl Case<'_> {
    pub fn read(&self, options: LoadOptions, device: &Device, keep: usize) -> Result<Decoded> {
        let options = options.format(self.format);
        options.open_bytes(device, &self.file[..keep])
    }

    /// Cuts the file at many lengths. A cut loses the end of the picture, and no more than that.
    pub fn check(&self, device: &Device) {
        let name = self.name;
        let whole = self.read(LoadOptions::new(), device, self.file.len());
        let whole = whole.unwrap().into_image().unwrap();
        let (width, height) = (whole.width(), whole.height());
        let whole = bits(&whole.download().unwrap());
        let row = width as usize * 4;

        let untouched = self.read(tolerant(), device, self.file.len()).unwrap();
        assert!(!untouched.is_truncated(), "{name}");
        let untouched = untouched.into_image().unwrap().download().unwrap();
        same(&bits(&untouched), &whole, name);

        let mut before = None;
        let step = (self.file.len() / 60).max(1);
        for keep in (0..self.file.len()).step_by(step) {
            let strict = self.read(LoadOptions::new(), device, keep);
            let found = self.read(tolerant(), device, keep);
            let found = match (strict, found) {
                (Ok(_), Ok(found)) => {
                    assert!(!found.is_truncated(), "{name} of {keep}");
                    let found = found.into_image().unwrap().download().unwrap();
                    same(&bits(&found), &whole, (name, keep));
                    continue;
                }
                (Ok(_), Err(error)) => panic!("{name} of {keep}: {error}"),
                (Err(error), Err(_)) => {
                    assert_eq!(before, None, "{name} of {keep}: {error}");
                    continue;
                }
                (Err(error), Ok(found)) => {
                    let kind = error.kind();
                    assert!(matches!(kind, ErrorKind::Decode(_)), "{name}: {error}");
                    found
                }
            };
            assert!(found.is_truncated(), "{name} of {keep}");
            let found = found.into_image().unwrap();
            assert_eq!((found.width(), found.height()), (width, height), "{name}");
            let found = bits(&found.download().unwrap());
            let mut rows: Vec<_> = found.chunks(row).zip(whole.chunks(row)).collect();
            if self.upwards {
                rows.reverse();
            }
            let good = rows.iter().take_while(|(a, b)| a == b).count();
            if self.rest != Rest::Coarse {
                let before = before.unwrap_or(0);
                assert!(
                    good >= before,
                    "{name} of {keep}: {good} rows, then {before}"
                );
            }
            // The share of the rows is about the share of the bytes.
            if self.block > 0 {
                let expected = height as usize * keep / self.file.len();
                let expected = (expected * 3 / 4).saturating_sub(2 * self.block);
                assert!(good >= expected, "{name} of {keep}: only {good} rows");
            }
            before = Some(good);
            self.check_rest(&rows[good..], keep);
        }
        assert!(
            before.is_some(),
            "{name}: nothing was to be had of any part"
        );
    }

    /// Past the rows at the cut, which may be there in part, there is nothing.
    fn check_rest(&self, rows: &[(&[u32], &[u32])], keep: usize) {
        let empty = |pixel: &[u32]| match self.rest {
            Rest::Black => pixel == [0, 0, 0, 1_f32.to_bits()],
            Rest::Clear => pixel == [0; 4],
            Rest::Gray => pixel[..3] == [128.0_f32 / 255.0; 3].map(f32::to_bits),
            Rest::Coarse => true,
        };
        for (found, _) in rows.iter().skip(self.block.max(1)) {
            let wrong = found.chunks(4).find(|pixel| !empty(pixel));
            assert_eq!(wrong, None, "{} of {keep}", self.name);
        }
    }
}

/// Noise, so that every row takes as many bytes.
pub fn noise(device: &Device, opaque: bool) -> ImageU8 {
    noise_of(device, [61, 47], opaque)
}

pub fn noise_of(device: &Device, [width, height]: [usize; 2], opaque: bool) -> ImageU8 {
    let mut pixels = Noise::new(5).bytes(width * height * 4);
    for alpha in pixels.iter_mut().skip(3).step_by(4) {
        *alpha = if opaque { 255 } else { *alpha | 1 };
    }
    let (width, height) = (width as u32, height as u32);
    ImageU8::from_pixels(device, width, height, Layout::Rgba8, &pixels).unwrap()
}
