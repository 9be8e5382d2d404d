//! Pixels in host memory. Those of a file may wait in the file's own layout until somebody looks at them:
//! a picture that only becomes another file needs no floats.

use super::{PIECE, TASK, expand, vector};
use crate::{
    device::{DevicePixel, ExpandSpec, Staging},
    memory::Reused,
    parallel::{self, lock},
};
use imagecuda_kernels::{
    expand::Curve,
    layout::Layout,
    pack::{Background, Packing},
    pixel::{Rgba8, RgbaF32},
};
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Mutex, OnceLock, PoisonError},
};

/// A fixed number of pixels. Dereferencing it makes them, if that has not been done.
pub(crate) struct Pixels<P: DevicePixel> {
    len: usize,
    /// Not set as long as nobody has looked at the pixels of `file`.
    pixels: OnceLock<Reused<P>>,
    /// What the first pixels are made of.
    file: Option<FilePixels<P>>,
}

struct FilePixels<P> {
    bytes: Staging,
    spec: ExpandSpec,
    /// The memory of the pixels, until they are made.
    room: Mutex<Option<Reused<P>>>,
}

impl<P: DevicePixel> From<Reused<P>> for Pixels<P> {
    fn from(pixels: Reused<P>) -> Self {
        Self {
            len: pixels.len(),
            pixels: pixels.into(),
            file: None,
        }
    }
}

impl<P: DevicePixel> Pixels<P> {
    /// The number of pixels.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Makes the pixels on this thread alone. If other threads helped, this one might meanwhile do other
    /// work, that looks at these pixels and waits for itself.
    fn made(&self) -> &Reused<P> {
        self.pixels.get_or_init(|| {
            let FilePixels { bytes, spec, room } = self
                .file
                .as_ref()
                .expect("pixels, or what they are made of");
            let mut pixels = lock(room).take().expect("room until now");
            let bytes = &bytes[..spec.len() * spec.layout.bytes_per_pixel()];
            vector::expand(spec.layout, spec.curve, bytes, &mut pixels[..spec.len()]);
            pixels
        })
    }
}

impl Pixels<RgbaF32> {
    /// Keeps a file's pixels as they are, for the first ones of these. Returns the bytes if they have to
    /// be expanded at once.
    pub(crate) fn hold(&mut self, bytes: Staging, spec: ExpandSpec) -> Option<Staging> {
        let is_smaller = spec.layout.bits() <= 16 && spec.curve == Curve::Encoded;
        if !is_smaller || !spec.is_stored() || spec.len() > self.len {
            return Some(bytes);
        }
        let room = match (self.pixels.take(), self.file.take()) {
            (Some(pixels), _) => Some(pixels),
            (None, Some(file)) => lock(&file.room).take(),
            (None, None) => None,
        };
        self.file = Some(FilePixels {
            bytes,
            spec,
            room: Mutex::new(room),
        });
        None
    }

    /// Packs the first `len` pixels: the same as packing the floats, whether there are any or not.
    pub(crate) fn pack(
        &self,
        packing: Packing,
        background: Background,
        len: usize,
        dst: &mut [u8],
    ) {
        match &self.file {
            Some(file) if self.pixels.get().is_none() && len <= file.spec.len() => {
                let layout = file.spec.layout;
                let bytes = &file.bytes[..len * layout.bytes_per_pixel()];
                pack_file(layout, bytes, packing, background, dst);
            }
            _ => super::pack(packing, background, &self[..len], dst),
        }
    }
}

/// Packs a file's pixels. Only [`PIECE`] floats per thread exist at a time, or none.
fn pack_file(layout: Layout, src: &[u8], packing: Packing, background: Background, dst: &mut [u8]) {
    let (from, to) = (layout.bytes_per_pixel(), packing.layout().bytes_per_pixel());
    let tasks = dst.chunks_mut(TASK * to).zip(src.chunks(TASK * from));
    let floats = || vec![RgbaF32::default(); PIECE];
    parallel::fold(tasks, floats, |floats, (dst, src)| {
        for (dst, src) in dst.chunks_mut(PIECE * to).zip(src.chunks(PIECE * from)) {
            if packing == Packing::Rgb8 && layout == Layout::Rgb8 {
                dst.copy_from_slice(src);
            } else if packing == Packing::Rgba8
                && let Ok(dst) = bytemuck::try_cast_slice_mut::<_, Rgba8>(dst)
            {
                vector::expand(layout, Curve::Encoded, src, dst);
            } else {
                let floats = &mut floats[..src.len() / from];
                vector::expand(layout, Curve::Encoded, src, floats);
                vector::pack(packing, background, floats, dst);
            }
        }
    });
}

impl<P: DevicePixel> Deref for Pixels<P> {
    type Target = [P];

    fn deref(&self) -> &[P] {
        self.made()
    }
}

impl<P: DevicePixel> DerefMut for Pixels<P> {
    fn deref_mut(&mut self) -> &mut [P] {
        let file = self.file.take();
        if self.pixels.get().is_none() {
            let FilePixels { bytes, spec, room } = file.expect("what the pixels are made of");
            let room = room.into_inner().unwrap_or_else(PoisonError::into_inner);
            let mut pixels = room.expect("room until now");
            expand(spec, &bytes, &mut pixels[..spec.len()]);
            self.pixels = pixels.into();
        }
        self.pixels.get_mut().expect("made before")
    }
}

impl<P: DevicePixel> fmt::Debug for Pixels<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pixels", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Pageable;

    const SIZE: (u32, u32) = (300, 7);
    const LEN: usize = 2100;

    fn held(layout: Layout) -> (Pixels<RgbaF32>, Vec<RgbaF32>) {
        let mut bytes = Pageable::new(LEN * layout.bytes_per_pixel()).unwrap();
        for (i, byte) in (0u32..).zip(bytes.iter_mut()) {
            *byte = (i.wrapping_mul(2_654_435_761) >> 23) as u8;
        }
        let spec = ExpandSpec::stored(layout, SIZE.0, SIZE.1);
        let mut floats = vec![RgbaF32::default(); LEN];
        expand(spec, &bytes, &mut floats);
        let mut pixels = Pixels::from(Reused::for_overwrite(LEN + 5).unwrap());
        assert!(pixels.hold(Staging::Pageable(bytes), spec).is_none());
        (pixels, floats)
    }

    #[test]
    fn packing_is_that_of_the_floats() {
        use Layout::{Cmyk8, L8, L16, La8, La16, Rgb8, Rgb16, Rgba8, Rgba16};
        for layout in [L8, La8, Rgb8, Rgba8, L16, La16, Rgb16, Rgba16, Cmyk8] {
            let (pixels, floats) = held(layout);
            for packing in [
                Packing::L8,
                Packing::Rgb8,
                Packing::Rgba8,
                Packing::Rgb16,
                Packing::Rgba16,
                Packing::Rgba32F,
            ] {
                for len in [LEN, 1, 1025] {
                    let bytes = len * packing.layout().bytes_per_pixel();
                    let (mut packed, mut expected) = (vec![1; bytes], vec![2; bytes]);
                    let background = [0.25, 0.5, 1.0];
                    pixels.pack(packing, background, len, &mut packed);
                    super::super::pack(packing, background, &floats[..len], &mut expected);
                    assert!(packed == expected, "{layout:?} {packing:?} {len}");
                }
            }
            assert!(pixels.pixels.get().is_none(), "floats were made");
        }
    }

    #[test]
    fn looking_at_them_makes_them_and_changes_last() {
        let (mut pixels, floats) = held(Layout::Rgb8);
        assert!(pixels[..LEN] == floats[..] && pixels.len() == LEN + 5);
        pixels[7] = RgbaF32([1.0, 0.0, 0.0, 1.0]);
        let mut packed = vec![0; 3 * LEN];
        pixels.pack(Packing::Rgb8, [0.0; 3], LEN, &mut packed);
        assert_eq!(packed[21..24], [255, 0, 0]);
        assert!(pixels.file.is_none());
        // The memory is used again, whether the pixels were made or not.
        for _ in 0..3 {
            let place = pixels.as_ptr();
            let (mut other, floats) = held(Layout::L16);
            let bytes = other.file.take().unwrap().bytes;
            let spec = ExpandSpec::stored(Layout::L16, SIZE.0, SIZE.1);
            assert!(pixels.hold(bytes, spec).is_none());
            assert!(pixels[..LEN] == floats[..] && pixels.as_ptr() == place);
        }
    }

    /// None of them waits for itself.
    #[test]
    fn many_threads_look_at_once() {
        use rayon::prelude::*;
        for _ in 0..50 {
            let (pixels, floats) = held(Layout::Rgb8);
            (0..64).into_par_iter().for_each(|i| {
                assert!(pixels[i] == floats[i]);
            });
        }
    }

    #[test]
    fn floats_and_turned_pixels_are_not_kept() {
        let mut pixels = Pixels::from(Reused::for_overwrite(12).unwrap());
        let bytes = || Staging::Pageable(Pageable::new(12 * 12).unwrap());
        let floats = ExpandSpec::stored(Layout::Rgb32F, 4, 3);
        assert!(pixels.hold(bytes(), floats).is_some());
        let mut turned = ExpandSpec::stored(Layout::Rgb8, 4, 3);
        turned.view.orientation = imagecuda_kernels::orient::Orientation::Rotate180;
        assert!(pixels.hold(bytes(), turned).is_some());
        let large = ExpandSpec::stored(Layout::Rgb8, 4, 4);
        assert!(pixels.hold(bytes(), large).is_some());
    }
}
