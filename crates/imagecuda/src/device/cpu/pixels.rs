//! Pixels in host memory. Those of a file may wait in the file's own layout until somebody looks at them:
//! a picture that only becomes another file needs no floats.

use super::{FilePixels, PIECE, TASK, expand, vector};
use crate::{
    Result,
    color::Conversion,
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
    sync::{Arc, Mutex, OnceLock},
};

/// A fixed number of pixels. Dereferencing it makes them, if that has not been done.
pub(crate) struct Pixels<P: DevicePixel> {
    len: usize,
    /// Not set as long as nobody has looked at the pixels of `file`.
    pixels: OnceLock<Reused<P>>,
    /// What the first pixels are made of.
    file: Option<Held<P>>,
}

struct Held<P> {
    bytes: Staging,
    spec: ExpandSpec,
    conversion: Option<Arc<Conversion>>,
    /// The memory of the pixels, until they are made. `None` if it is to be allocated then.
    room: Mutex<Option<Reused<P>>>,
}

impl<P> Held<P> {
    fn pixels(&self) -> FilePixels<'_> {
        FilePixels {
            bytes: &self.bytes,
            spec: self.spec,
            conversion: self.conversion.as_deref(),
        }
    }

    /// Whether the pixels are those of the image but for their layout.
    fn is_stored(&self) -> bool {
        let is_encoded = self.spec.curve == Curve::Encoded;
        is_encoded && self.spec.is_stored() && self.conversion.is_none()
    }
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

    /// Allocates memory for the pixels, if they have none yet. Otherwise looking at them would panic where memory is
    /// missing.
    pub(in crate::device) fn reserve(&self) -> Result<()> {
        if let (None, Some(file)) = (self.pixels.get(), &self.file) {
            let mut room = lock(&file.room);
            if room.is_none() {
                *room = Some(Reused::for_overwrite(self.len)?);
            }
        }
        Ok(())
    }

    /// Makes the pixels on this thread alone. If other threads helped, this one might meanwhile do other
    /// work, that looks at these pixels and waits for itself.
    fn made(&self) -> &Reused<P> {
        self.pixels.get_or_init(|| {
            let held = self
                .file
                .as_ref()
                .expect("pixels, or what they are made of");
            let room = lock(&held.room).take();
            let mut pixels = room.unwrap_or_else(|| {
                Reused::for_overwrite(self.len).expect("memory for pixels that are looked at")
            });
            held.make(&mut pixels[..held.spec.len()]);
            pixels
        })
    }
}

impl<P: DevicePixel> Held<P> {
    /// Makes the pixels on this thread.
    fn make(&self, pixels: &mut [P]) {
        let (file, width) = (self.pixels(), self.spec.width as usize);
        if self.is_stored() {
            let bytes = &file.bytes[..pixels.len() * self.spec.layout.bytes_per_pixel()];
            return vector::expand(self.spec.layout, Curve::Encoded, bytes, pixels);
        }
        let (mut floats, mut turned) = (vec![RgbaF32::default(); width], Vec::new());
        for (y, row) in pixels.chunks_mut(width).enumerate() {
            file.write_row((0, y), &mut floats, &mut turned);
            let floats = bytemuck::cast_slice(&floats);
            vector::expand(Layout::Rgba32F, Curve::Encoded, floats, row);
        }
    }
}

impl Pixels<RgbaF32> {
    /// Pixels of a file that nobody is to look at, but for a tensor that is made of them.
    pub(in crate::device) fn of_file(
        bytes: Staging,
        spec: ExpandSpec,
        conversion: Option<Arc<Conversion>>,
    ) -> Self {
        Self {
            len: spec.len(),
            pixels: OnceLock::new(),
            file: Some(Held {
                bytes,
                spec,
                conversion,
                room: Mutex::new(None),
            }),
        }
    }

    /// Keeps a file's pixels as they are, for the first ones of these. Returns the bytes if there are more
    /// than there is room for.
    pub(in crate::device) fn hold(&mut self, bytes: Staging, spec: ExpandSpec) -> Option<Staging> {
        if spec.len() > self.len {
            return Some(bytes);
        }
        let room = match (self.pixels.take(), self.file.take()) {
            (Some(pixels), _) => Some(pixels),
            (None, Some(file)) => lock(&file.room).take(),
            (None, None) => None,
        };
        self.file = Some(Held {
            bytes,
            spec,
            conversion: None,
            room: Mutex::new(room),
        });
        None
    }

    /// Whether there is memory for the pixels, or there are any.
    pub(in crate::device) fn has_memory(&self) -> bool {
        let has_room = |file: &Held<_>| lock(&file.room).is_some();
        self.pixels.get().is_some() || self.file.as_ref().is_some_and(has_room)
    }

    /// The file's pixels, as long as nobody has looked at them, if they are as many in a row and in all as
    /// asked for.
    pub(in crate::device) fn file(&self, (width, height): (u32, u32)) -> Option<FilePixels<'_>> {
        let held = self.file.as_ref()?;
        let is_it =
            self.pixels.get().is_none() && held.spec.width == width && held.spec.height >= height;
        is_it.then(|| held.pixels())
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
            Some(file)
                if self.pixels.get().is_none() && len <= file.spec.len() && file.is_stored() =>
            {
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
        if self.pixels.get().is_none() {
            let held = self.file.as_ref().expect("what the pixels are made of");
            let room = held.is_stored().then(|| lock(&held.room).take()).flatten();
            match room {
                Some(mut pixels) => {
                    expand(held.spec, &held.bytes, &mut pixels[..held.spec.len()]);
                    self.pixels = pixels.into();
                }
                None => {
                    self.made();
                }
            }
        }
        self.file = None;
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
    use imagecuda_kernels::orient::{Orientation, View};

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
    fn what_has_no_room_is_not_kept() {
        let mut pixels = Pixels::from(Reused::for_overwrite(12).unwrap());
        let bytes = Staging::Pageable(Pageable::new(16 * 3).unwrap());
        let large = ExpandSpec::stored(Layout::Rgb8, 4, 4);
        assert!(pixels.hold(bytes, large).is_some());
    }

    /// Turned pixels, linear ones, and those without memory of their own.
    #[test]
    fn pixels_that_are_not_stored_are_made_too() {
        let spec = ExpandSpec::stored(Layout::Rgb8, 5, 7);
        let mut turned = spec;
        turned.view = View::whole(Orientation::Rotate90, 5, 7);
        let linear = ExpandSpec {
            curve: Curve::Linear,
            ..spec
        };
        for spec in [spec, turned, linear] {
            let mut bytes = Pageable::new(35 * 3).unwrap();
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = (i * 7) as u8;
            }
            let mut floats = vec![RgbaF32::default(); 35];
            expand(spec, &bytes, &mut floats);
            let held = || {
                let mut copy = Pageable::new(35 * 3).unwrap();
                copy.copy_from_slice(&bytes);
                Pixels::of_file(Staging::Pageable(copy), spec, None)
            };
            assert!(held()[..] == floats[..]);
            let mut changed = held();
            changed[1] = floats[0];
            assert!(changed[2..] == floats[2..] && changed[1] == floats[0]);
            let mut packed = [vec![0; 35 * 3], vec![0; 35 * 3]];
            held().pack(Packing::Rgb8, [0.0; 3], 35, &mut packed[0]);
            super::super::pack(Packing::Rgb8, [0.0; 3], &floats, &mut packed[1]);
            assert!(packed[0] == packed[1]);
        }
    }

    #[test]
    fn a_files_pixels_have_memory_once_they_are_looked_at() {
        let (pixels, _) = held(Layout::Rgb8);
        assert!(pixels.file(SIZE).is_some() && pixels.file((SIZE.0 - 1, SIZE.1)).is_none());
        assert!(pixels.has_memory());
        let bytes = Staging::Pageable(Pageable::new(36).unwrap());
        let file = Pixels::of_file(bytes, ExpandSpec::stored(Layout::Rgb8, 4, 3), None);
        assert!(!file.has_memory());
        file.reserve().unwrap();
        assert!(file.has_memory() && file.file((4, 3)).is_some());
        assert_eq!(file[..].len(), 12);
        assert!(file.has_memory() && file.file((4, 3)).is_none());
    }
}
