//! Pictures as planes of luma, chroma and alpha, on their way to a device.

use super::{ExpandSpec, Staging, cpu};
use crate::{Device, Error, Result, color::Conversion, memory};
use imagecuda_kernels::{
    host,
    layout::Layout,
    pack::Packing,
    pixel::RgbaF32,
    planes::{Picture, Plane, View, alpha, model},
};
use std::{fmt, ops::Range};

/// Room for a [`Picture`] before the planes, for the kernels of a GPU.
pub(crate) const PICTURE_BYTES: usize = 256;

const _: () = assert!(size_of::<Picture>() <= PICTURE_BYTES);

/// The planes of a picture, in staging memory.
pub(crate) struct Planes {
    pub(crate) memory: Staging,
    pub(crate) picture: Picture,
    /// The bytes of each plane.
    places: [Range<usize>; 4],
}

impl Planes {
    /// Memory for planes of these widths and heights in samples, which the caller fills. A plane that
    /// does not exist has no samples.
    pub(crate) fn new(
        device: &Device,
        sample_bytes: usize,
        coded: [u32; 2],
        sizes: [[u32; 2]; 4],
    ) -> Result<Self> {
        let mut end = PICTURE_BYTES;
        let places = sizes.map(|[width, height]| {
            let start = end.next_multiple_of(64);
            let samples = (width as usize).saturating_mul(height as usize);
            end = start.saturating_add(samples.saturating_mul(sample_bytes));
            start..end
        });
        let mut planes = [Plane::default(); 4];
        for ((plane, place), [width, _]) in planes.iter_mut().zip(&places).zip(sizes) {
            plane.start = (place.start / sample_bytes) as u64;
            plane.pitch = width;
            plane.step = 1;
        }
        Ok(Self {
            memory: device.staging(end)?,
            picture: Picture {
                planes,
                sample_bytes: sample_bytes as u32,
                coded,
                view: View::whole(coded[0], coded[1]),
                ..Picture::default()
            },
            places,
        })
    }

    /// The bytes of a plane, row by row.
    pub(crate) fn plane_mut(&mut self, number: usize) -> &mut [u8] {
        &mut self.memory[self.places[number].clone()]
    }

    /// The bytes of all planes, each row by row.
    pub(crate) fn planes_mut(&mut self) -> [&mut [u8]; 4] {
        let mut rest = &mut self.memory[..];
        let mut at = 0;
        self.places.clone().map(|place| {
            let (_, tail) = std::mem::take(&mut rest).split_at_mut(place.start - at);
            let (plane, tail) = tail.split_at_mut(place.len());
            (rest, at) = (tail, place.end);
            plane
        })
    }

    /// Writes what the planes are before them, as `spec` turns the picture.
    pub(crate) fn describe(&mut self, spec: &ExpandSpec) -> Result<Picture> {
        let picture = self.viewed(spec)?;
        self.memory[..size_of::<Picture>()].copy_from_slice(bytemuck::bytes_of(&picture));
        Ok(picture)
    }

    /// The picture as `spec` turns it.
    pub(super) fn viewed(&self, spec: &ExpandSpec) -> Result<Picture> {
        viewed(self.picture, spec)
    }

    /// Writes the pixels in `layout`, without any orientation but the picture's own.
    pub(crate) fn write(&self, layout: Layout, out: &mut [u8]) -> Result<()> {
        let packing = match layout {
            Layout::L8 => Packing::L8,
            Layout::La8 => Packing::La8,
            Layout::Rgb8 => Packing::Rgb8,
            Layout::Rgba8 => Packing::Rgba8,
            Layout::L16 => Packing::L16,
            Layout::La16 => Packing::La16,
            Layout::Rgb16 => Packing::Rgb16,
            _ => Packing::Rgba16,
        };
        let [width, _] = self.picture.view.size;
        let mut row = memory::zeroed::<RgbaF32>(width as usize)?;
        let rows = out.chunks_exact_mut(width as usize * packing.layout().bytes_per_pixel());
        for (y, out) in (0..).zip(rows) {
            host::planes(&self.picture, &self.memory, 0, y, &mut row);
            host::pack(packing, [0.0; 3], &row, out);
        }
        Ok(())
    }

    /// Whether every pixel is black.
    pub(crate) fn is_black(&self) -> Result<bool> {
        let [width, height] = self.picture.view.size;
        let mut row = memory::zeroed::<RgbaF32>(width as usize)?;
        Ok((0..height).all(|y| {
            host::planes(&self.picture, &self.memory, 0, y, &mut row);
            row.iter()
                .all(|RgbaF32([r, g, b, _])| [*r, *g, *b] == [0.0; 3])
        }))
    }
}

/// `picture` as `spec` turns and crops it. Fails if that is not as large as `spec` says, or too large for the
/// kernels, which count in 32 bits.
pub(super) fn viewed(picture: Picture, spec: &ExpandSpec) -> Result<Picture> {
    let part = spec.view;
    let whole = picture.view.oriented(part.orientation);
    if whole.size != [part.width, part.height] {
        return Err(Error::decode("the planes are of another size"));
    }
    let view = whole.cropped([part.left, part.top], [spec.width, spec.height]);
    let [width, height] = picture.coded.map(u64::from);
    if width * height > i32::MAX as u64 {
        return Err(Error::unsupported("planes of more than 2^31 samples"));
    }
    Ok(Picture { view, ..picture })
}

/// Whether the pixels are samples of 8 bits, not results of a matrix.
pub(super) fn has_eight_bits(picture: &Picture) -> bool {
    picture.model == model::WEBP && picture.alpha != alpha::PREMULTIPLIED
}

impl fmt::Debug for Planes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [width, height] = self.picture.coded;
        write!(f, "planes of {width}x{height}")
    }
}

/// Makes pixels of planes on the CPU.
pub(super) fn expand<P: imagecuda_kernels::expand::Expand + Send>(
    planes: &Planes,
    spec: &ExpandSpec,
    dst: &mut [P],
) -> Result<()> {
    cpu::expand_planes(&planes.viewed(spec)?, &planes.memory, dst);
    Ok(())
}

/// As [`expand`], and converts the colours.
pub(super) fn expand_converted(
    planes: &Planes,
    spec: &ExpandSpec,
    conversion: &Conversion,
    dst: &mut [RgbaF32],
) -> Result<()> {
    cpu::expand_planes_converted(&planes.viewed(spec)?, conversion, &planes.memory, dst);
    Ok(())
}
