//! The CPU device: host memory, and the kernels' bodies on all cores.

use super::{
    Expansion,
    pool::{Block, Pool, size_class},
};
#[cfg(feature = "jpeg")]
use crate::codec::jpeg::{Jpeg, Plan};
use crate::{ErrorKind, Result, color::Conversion, parallel};
use bytemuck::Zeroable;
#[cfg(feature = "jpeg")]
use imagecuda_kernels::jpeg::{picture::BLOCK, twin};
use imagecuda_kernels::{
    expand::{Curve, Expand},
    host,
    layout::Layout,
    orient::Orientation,
    pack::{Background, Packing, Traits},
    pixel::RgbaF32,
};
use std::ops::{Deref, DerefMut};

/// Pixels a task. Smaller images are not worth waking other threads for.
const TASK: usize = 64 * 1024;

pub(crate) fn zeroed<T: Zeroable>(len: usize) -> Result<Vec<T>> {
    // The allocator's zero pages; fails where `vec!` would abort.
    bytemuck::allocation::try_zeroed_vec(len)
        .or_else(|()| {
            // What is only kept for later may be what is missing now.
            STAGING.clear();
            bytemuck::allocation::try_zeroed_vec(len)
        })
        .map_err(|()| {
            let requested = len.saturating_mul(size_of::<T>());
            ErrorKind::OutOfMemory {
                requested,
                free: None,
            }
            .into()
        })
}

/// Makes `memory` so long, with zeros where it grows.
#[cfg(any(feature = "gif", feature = "png"))]
pub(crate) fn resize<T: Zeroable + Clone>(memory: &mut Vec<T>, len: usize) -> Result<()> {
    reserve(memory, len.saturating_sub(memory.len()))?;
    memory.resize(len, T::zeroed());
    Ok(())
}

/// Makes room for so many more; fails where a `Vec` that grows would abort.
pub(crate) fn reserve<T>(memory: &mut Vec<T>, more: usize) -> Result<()> {
    memory.try_reserve_exact(more).map_err(|_| {
        let requested = (memory.len().saturating_add(more)).saturating_mul(size_of::<T>());
        ErrorKind::OutOfMemory {
            requested,
            free: None,
        }
        .into()
    })
}

/// A copy, for which there may be no memory.
#[cfg(any(feature = "gif", feature = "hdr", feature = "webp"))]
pub(crate) fn copied<T: Copy>(of: &[T]) -> Result<Vec<T>> {
    let mut copy = Vec::new();
    reserve(&mut copy, of.len())?;
    copy.extend_from_slice(of);
    Ok(copy)
}

/// Idle bytes of staging memory that are kept.
const KEEP: usize = 1 << 30;

static STAGING: Pool<Vec<u8>> = Pool::new(KEEP);

impl Block for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn is_free(&self) -> bool {
        true
    }
}

/// Host memory between a codec and an image, which goes back to its pool when dropped: fresh
/// pages cost as much as an expansion.
#[derive(Debug)]
pub(crate) struct Pageable {
    block: Vec<u8>,
    len: usize,
}

impl Pageable {
    /// `len` bytes with anything in them.
    pub(crate) fn new(len: usize) -> Result<Self> {
        let block = match STAGING.take(len) {
            Some(block) => block,
            None => {
                let block = zeroed(size_class(len))?;
                STAGING.count();
                block
            }
        };
        Ok(Self { block, len })
    }
}

impl Deref for Pageable {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.block[..self.len]
    }
}

impl DerefMut for Pageable {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.block[..self.len]
    }
}

impl Drop for Pageable {
    fn drop(&mut self) {
        STAGING.put(std::mem::take(&mut self.block));
    }
}

/// Buffers of staging memory that were made since the start.
pub(crate) fn transfer_buffers() -> u64 {
    STAGING.made()
}

pub(crate) fn expand<P: Expand + Send>(how: Expansion, src: &[u8], dst: &mut [P]) {
    let Expansion { layout, curve, .. } = how;
    if how.orientation == Orientation::Normal {
        return expand_stored(layout, curve, src, dst);
    }
    let bytes_per_pixel = layout.bytes_per_pixel();
    let (width, height) = (how.width as usize, how.height as usize);
    let rows = (TASK / width).max(1);
    let tasks = dst.chunks_mut(rows * width).enumerate();
    let row = || vec![0; width * bytes_per_pixel];
    parallel::fold(tasks, row, |row, (task, dst)| {
        for (i, dst) in dst.chunks_mut(width).enumerate() {
            let y = task * rows + i;
            host::orient_row(how.orientation, bytes_per_pixel, src, y, height, row);
            host::expand(layout, curve, row, dst);
        }
    });
}

/// Pixels of `layout`, sRGB-encoded and as they are to be viewed.
pub(crate) fn expand_encoded<P: Expand + Send>(layout: Layout, src: &[u8], dst: &mut [P]) {
    expand_stored(layout, Curve::Encoded, src, dst);
}

fn expand_stored<P: Expand + Send>(layout: Layout, curve: Curve, src: &[u8], dst: &mut [P]) {
    let texels = src.chunks(TASK * layout.bytes_per_pixel());
    parallel::for_each(dst.chunks_mut(TASK).zip(texels), |(dst, src)| {
        host::expand(layout, curve, src, dst);
    });
}

pub(crate) fn convert_colors(conversion: &Conversion, pixels: &mut [RgbaF32]) {
    parallel::for_each(pixels.chunks_mut(TASK), |pixels| {
        for pixel in pixels {
            *pixel = conversion.apply(*pixel);
        }
    });
}

/// Replaces each pixel of rows of `width` by what `body` makes of its place and of itself.
pub(crate) fn map<P: Copy + Send>(
    width: usize,
    pixels: &mut [P],
    body: impl Fn(u32, u32, P) -> P + Sync,
) {
    // By pixels, not by rows: one row may be the whole picture.
    let tasks = pixels.chunks_mut(TASK).enumerate();
    parallel::for_each(tasks, |(task, mut pixels)| {
        let start = task * TASK;
        let (mut x, mut y) = (start % width, start / width);
        while !pixels.is_empty() {
            let (row, rest) = pixels.split_at_mut(pixels.len().min(width - x));
            for (x, pixel) in (x..).zip(row) {
                *pixel = body(x as u32, y as u32, *pixel);
            }
            (x, y, pixels) = (0, y + 1, rest);
        }
    });
}

/// The coefficients of a picture, by the kernels' own way; `None` if something is wrong with its
/// data, or decoders do not fall into step.
#[cfg(feature = "jpeg")]
pub(crate) fn decode_jpeg(jpeg: &Jpeg<'_>, plan: &Plan) -> Result<Option<Vec<i16>>> {
    let mut coefficients: Vec<i16> = zeroed(jpeg.picture().blocks() * BLOCK)?;
    for plan in &plan.scans {
        let (scan, segments) = (&plan.scan, &plan.segments[..]);
        let words = twin::unstuff(scan, segments, &jpeg.bytes()[plan.data.clone()], &plan.kept);
        let input = twin::Input {
            scan,
            tables: &plan.tables,
            words: &words,
            segments,
        };
        if twin::decode(input, jpeg.picture(), &mut coefficients) != 0 {
            return Ok(None);
        }
    }
    Ok(Some(coefficients))
}

pub(crate) fn pack(packing: Packing, background: Background, src: &[RgbaF32], dst: &mut [u8]) {
    let bytes = TASK * packing.layout().bytes_per_pixel();
    let tasks = dst.chunks_mut(bytes).zip(src.chunks(TASK));
    parallel::for_each(tasks, |(dst, src)| {
        host::pack(packing, background, src, dst)
    });
}

pub(crate) fn traits(deep: bool, background: Option<Background>, src: &[RgbaF32]) -> Traits {
    let all = parallel::fold(src.chunks(TASK), Traits::default, |all, src| {
        *all = all.or(host::traits(deep, background, src));
    });
    all.into_iter().fold(Traits::default(), Traits::or)
}
