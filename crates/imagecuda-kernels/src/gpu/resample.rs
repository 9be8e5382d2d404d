//! Pictures of other sizes. Grids are two-dimensional: a block takes 32 columns, and a row for each of
//! its warps.

use super::tensor::{for_each_pixel, put};
use crate::{
    pixel::RgbaF32,
    resample::{Pass, weighted_sum},
    tensor::TensorSpec,
};

/// Weights in device memory: see [`Weights`](crate::resample::Weights).
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) words: *const u32,
    pub(super) positions: usize,
}

impl Table {
    /// # Safety
    ///
    /// The table has the position.
    #[inline(always)]
    pub(super) unsafe fn window(self, position: usize) -> (u32, u32) {
        // SAFETY: what the caller promised.
        unsafe {
            (
                self.words.add(position).read(),
                self.words.add(self.positions + position).read(),
            )
        }
    }

    /// # Safety
    ///
    /// The position has this weight.
    #[inline(always)]
    pub(super) unsafe fn weight(self, position: usize, k: u32) -> f32 {
        let at = (2 + k as usize) * self.positions + position;
        // SAFETY: what the caller promised.
        f32::from_bits(unsafe { self.words.add(at).read() })
    }
}

/// The pixel of the result at `x`, `y`.
///
/// # Safety
///
/// `words` are the weights of the pass, and `src` is its source.
#[inline(always)]
unsafe fn resampled(
    pass: &Pass,
    src: *const RgbaF32,
    words: *const u32,
    x: usize,
    y: usize,
) -> RgbaF32 {
    let (position, positions) = if pass.is_vertical() {
        (y, pass.height as usize)
    } else {
        (x, pass.width as usize)
    };
    let table = Table { words, positions };
    // SAFETY: the position is one of the result's.
    let (start, count) = unsafe { table.window(position) };
    let step = if pass.is_vertical() {
        pass.pitch as usize
    } else {
        1
    };
    let first = pass.source(x, y, start, 0);
    let sum = weighted_sum(
        count,
        // SAFETY: `k` is below the count.
        |k| unsafe { table.weight(position, k) },
        // SAFETY: a window is within the source.
        |k| unsafe { src.add(first + k as usize * step).read() },
        |pixel| pass.enter(pixel),
    );
    pass.leave(sum)
}

/// One pass to a picture.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn resample(
    pass: Pass,
    src: *const RgbaF32,
    words: *const u32,
    dst: *mut RgbaF32,
) {
    for_each_pixel(pass.width, pass.height, |x, y| {
        let at = y * pass.width as usize + x;
        // SAFETY: the host passes the pass's weights, its source and room for its result.
        unsafe { dst.add(at).write(resampled(&pass, src, words, x, y)) };
    });
}

/// The last pass, to a tensor.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn resample_tensor(
    pass: Pass,
    spec: TensorSpec,
    src: *const RgbaF32,
    words: *const u32,
    dst: *mut u8,
) {
    for_each_pixel(pass.width, pass.height, |x, y| {
        let (column, row) = (spec.left as usize + x, spec.top as usize + y);
        let at = row * spec.width as usize + column;
        // SAFETY: as above, and the result is the inner part of the tensor.
        unsafe { put(&spec, dst, at, resampled(&pass, src, words, x, y)) };
    });
}

/// The pixel of the source that is nearest to that of the result at `x`, `y`.
///
/// # Safety
///
/// `columns` and `rows` are tables of pixels of the source, for each position of the result.
#[inline(always)]
unsafe fn nearest_pixel(
    src: *const RgbaF32,
    pitch: u32,
    (columns, rows): (*const u32, *const u32),
    (x, y): (usize, usize),
) -> RgbaF32 {
    // SAFETY: what the caller promised.
    unsafe {
        let (column, row) = (columns.add(x).read(), rows.add(y).read());
        src.add(row as usize * pitch as usize + column as usize)
            .read()
    }
}

/// The nearest pixels, to a picture.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn nearest(
    src: *const RgbaF32,
    pitch: u32,
    columns: *const u32,
    rows: *const u32,
    dst: *mut RgbaF32,
    width: u32,
    height: u32,
) {
    for_each_pixel(width, height, |x, y| {
        // SAFETY: the host passes whole tables, their source, and room for the result.
        unsafe {
            let pixel = nearest_pixel(src, pitch, (columns, rows), (x, y));
            dst.add(y * width as usize + x).write(pixel);
        }
    });
}

/// The nearest pixels, to a tensor.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn nearest_tensor(
    spec: TensorSpec,
    src: *const RgbaF32,
    pitch: u32,
    columns: *const u32,
    rows: *const u32,
    dst: *mut u8,
) {
    for_each_pixel(spec.inner_width, spec.inner_height, |x, y| {
        let (column, row) = (spec.left as usize + x, spec.top as usize + y);
        let at = row * spec.width as usize + column;
        // SAFETY: as above, and the result is the inner part of the tensor.
        unsafe {
            let pixel = nearest_pixel(src, pitch, (columns, rows), (x, y));
            put(&spec, dst, at, spec.flattened(pixel));
        }
    });
}
