//! Both passes in one kernel, so that what is between them does not travel through device memory. A block
//! takes a tile of the result. It sums along columns first, into shared memory, and then along rows.
//!
//! A thread sums one column for [`TILE_GROUP`] rows of the result at once, as their windows overlap: each
//! pixel is loaded once for all of them. Outside a row's window its weight is 0.0, which changes no sum,
//! unless a pixel is infinite or no number. Then the sums are no numbers, which is seen at the end, and
//! they are made again, each of its own window.

use super::{
    resample::Table,
    shared::{barrier, load_quad, store_quad},
    tensor::{each, put},
    thread,
};
use crate::{
    pixel::RgbaF32,
    resample::{
        Pass, TILE_COLUMNS, TILE_GROUP, TILE_LOADS, TILE_ROWS, accumulate, add, weighted_sum,
    },
    tensor::TensorSpec,
};
/// Bytes of a pixel, and of the weights of a group for one row of the source.
const QUAD: u32 = 16;

const GROUPS: usize = TILE_ROWS / TILE_GROUP;

const _: () = assert!(TILE_GROUP == 4 && TILE_LOADS == 4, "as `each` has it");

/// Lanes of a warp on each row when it sums along rows: the rows of a tile lie in different banks.
const LANES: usize = 32 / TILE_ROWS;

/// Adds a pixel to four sums, with a weight for each.
#[inline(always)]
fn weigh(sums: [RgbaF32; 4], weights: [u32; 4], pixel: RgbaF32) -> [RgbaF32; 4] {
    each(|j| accumulate(sums[j], f32::from_bits(weights[j]), pixel))
}

/// The memory of a tile: the address of its pixels, the pixels in a row of it, and the address and the rows
/// of the weights of each group.
#[derive(Clone, Copy)]
struct Memory {
    pixels: u32,
    pitch: u32,
    weights: u32,
    rows: u32,
}

impl Memory {
    #[inline(always)]
    fn pixel(self, row: usize, column: u32) -> u32 {
        self.pixels + (row as u32 * self.pitch + column) * QUAD
    }

    #[inline(always)]
    fn weight(self, group: usize, row: u32) -> u32 {
        self.weights + (group as u32 * self.rows + row) * QUAD
    }
}

/// A source, its two passes, and their weights.
#[derive(Clone, Copy)]
struct Job<'a> {
    first: &'a Pass,
    last: &'a Pass,
    src: *const RgbaF32,
    down: Table,
    across: Table,
}

impl Job<'_> {
    /// The windows of the rows of a group, which begins at row `y` of the result: their first rows and
    /// their ends. Rows past the result have none.
    ///
    /// # Safety
    ///
    /// The weights are those of the passes, and the result has row `y`.
    #[inline(always)]
    unsafe fn windows(self, y: usize) -> [(u32, u32); TILE_GROUP] {
        each(|j| {
            let row = (y + j).min(self.down.positions - 1);
            // SAFETY: one of the rows.
            let (start, count) = unsafe { self.down.window(row) };
            let is_there = y + j < self.down.positions;
            (start, if is_there { start + count } else { start })
        })
    }

    /// A pixel of the source.
    ///
    /// # Safety
    ///
    /// The source has it.
    #[inline(always)]
    unsafe fn pixel(self, column: u32, row: u32) -> RgbaF32 {
        let at = row as usize * self.first.pitch as usize + column as usize;
        // SAFETY: what the caller promised.
        unsafe { self.src.add(at).read() }
    }

    /// Writes the weights of a group to shared memory, a quad for each row of the source.
    ///
    /// # Safety
    ///
    /// All threads of the block call this, and the memory has room.
    #[inline(always)]
    unsafe fn share_weights(self, memory: Memory, group: usize, y: usize) {
        // SAFETY: the result has the row.
        let windows = unsafe { self.windows(y) };
        let first = windows[0].0;
        let mut row = thread::thread_idx_x() as u32;
        while row < memory.rows {
            let quad = each(|j| {
                let (start, end) = windows[j];
                let at = first + row;
                if start <= at && at < end {
                    // SAFETY: within the window.
                    unsafe { self.down.weight(y + j, at - start).to_bits() }
                } else {
                    0
                }
            });
            // SAFETY: one of the rows.
            unsafe { store_quad(memory.weight(group, row), quad) };
            row += thread::block_dim_x() as u32;
        }
    }

    /// Sums one column for the rows of a group.
    ///
    /// # Safety
    ///
    /// The weights are in shared memory, and the source has the column.
    #[inline(always)]
    unsafe fn sum_column(
        self,
        memory: Memory,
        group: usize,
        y: usize,
        column: u32,
    ) -> [RgbaF32; 4] {
        // SAFETY: the result has the row.
        let windows = unsafe { self.windows(y) };
        let first = windows[0].0;
        let end = windows.iter().fold(first, |end, window| end.max(window.1));
        let count = end - first;
        let mut sums = [RgbaF32([0.0; 4]); TILE_GROUP];
        let mut row = 0;
        while row < count {
            // Past the end there are weights of 0.0.
            let pixels = each(|i| {
                let at = (row + i as u32).min(count - 1);
                // SAFETY: within a window.
                unsafe { self.pixel(column, first + at) }
            });
            let pixels = each(|i| self.first.enter(pixels[i]));
            // SAFETY: there is a quad for each row, and for those to a multiple of the loads.
            let quad = |i: usize| unsafe { load_quad(memory.weight(group, row + i as u32)) };
            sums = weigh(sums, quad(0), pixels[0]);
            sums = weigh(sums, quad(1), pixels[1]);
            sums = weigh(sums, quad(2), pixels[2]);
            sums = weigh(sums, quad(3), pixels[3]);
            row += TILE_LOADS as u32;
        }
        let is_nan =
            |RgbaF32([r, g, b, a]): RgbaF32| r.is_nan() | g.is_nan() | b.is_nan() | a.is_nan();
        if !(is_nan(sums[0]) | is_nan(sums[1]) | is_nan(sums[2]) | is_nan(sums[3])) {
            return each(|j| add(RgbaF32([0.0; 4]), sums[j]));
        }
        each(|j| {
            let (start, end) = windows[j];
            weighted_sum(
                end - start,
                // SAFETY: within the window.
                |k| unsafe { self.down.weight(y + j, k) },
                // SAFETY: as above.
                |k| unsafe { self.pixel(column, start + k) },
                |pixel| self.first.enter(pixel),
            )
        })
    }

    /// Makes a tile, and calls `store` for each pixel of it.
    ///
    /// # Safety
    ///
    /// All threads of the block call this. The weights are those of the passes, the source is theirs, and
    /// the dynamic shared memory has room for `memory`.
    #[inline(always)]
    unsafe fn tile(self, memory: Memory, store: impl Fn(usize, usize, RgbaF32)) {
        let (width, height) = (self.last.width as usize, self.last.height as usize);
        let left = thread::block_idx_x() * TILE_COLUMNS;
        let top = thread::block_idx_y() * TILE_ROWS;
        let right = (left + TILE_COLUMNS).min(width);
        // SAFETY: the result has these columns.
        let ((start, _), (last, count)) =
            unsafe { (self.across.window(left), self.across.window(right - 1)) };
        let columns = last + count - start;
        for group in 0..GROUPS {
            let y = top + group * TILE_GROUP;
            if y < height {
                // SAFETY: what the caller promised.
                unsafe { self.share_weights(memory, group, y) };
            }
        }
        // SAFETY: what the caller promised.
        unsafe { barrier() };
        let mut column = thread::thread_idx_x() as u32;
        while column < columns {
            for group in 0..GROUPS {
                let y = top + group * TILE_GROUP;
                if y < height {
                    // SAFETY: the weights are there, and the column is within a window.
                    let sums = unsafe { self.sum_column(memory, group, y, start + column) };
                    each(|j| {
                        let address = memory.pixel(group * TILE_GROUP + j, column);
                        // SAFETY: one of the tile's pixels.
                        unsafe { store_quad(address, sums[j].0.map(f32::to_bits)) };
                    });
                }
            }
            column += thread::block_dim_x() as u32;
        }
        // SAFETY: what the caller promised.
        unsafe { barrier() };
        let (lane, warp) = (thread::thread_idx_x() % 32, thread::thread_idx_x() / 32);
        let (row, y) = (lane % TILE_ROWS, top + lane % TILE_ROWS);
        let mut x = left + warp * LANES + lane / TILE_ROWS;
        while x < right {
            if y < height {
                // SAFETY: one of the result's columns.
                let (first, count) = unsafe { self.across.window(x) };
                let address = memory.pixel(row, first - start);
                let sum = weighted_sum(
                    count,
                    // SAFETY: below the count.
                    |k| unsafe { self.across.weight(x, k) },
                    // SAFETY: one of the tile's pixels.
                    |k| RgbaF32(unsafe { load_quad(address + k * QUAD) }.map(f32::from_bits)),
                    |pixel| pixel,
                );
                store(x, y, self.last.leave(sum));
            }
            x += thread::block_dim_x() / 32 * LANES;
        }
    }
}

/// The memory of a tile with rows of `pitch` pixels and `rows` rows of weights.
fn memory(pitch: u32, rows: u32) -> Memory {
    let pixels = super::shared::address(super::shared::dynamic::<u8>());
    Memory {
        pixels,
        pitch,
        weights: pixels + TILE_ROWS as u32 * pitch * QUAD,
        rows,
    }
}

/// Both passes, to a picture. `pitch` and `rows` are those of a tile's memory: its pixels in a row, and the
/// rows of the source that a group needs.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn resample_tile(
    first: Pass,
    last: Pass,
    src: *const RgbaF32,
    down: *const u32,
    across: *const u32,
    dst: *mut RgbaF32,
    pitch: u32,
    rows: u32,
) {
    let job = Job {
        first: &first,
        last: &last,
        src,
        down: Table {
            words: down,
            positions: last.height as usize,
        },
        across: Table {
            words: across,
            positions: last.width as usize,
        },
    };
    // SAFETY: the host passes the passes' weights and source, room for the result, and shared memory for
    // a tile.
    unsafe {
        job.tile(memory(pitch, rows), |x, y, pixel| {
            dst.add(y * last.width as usize + x).write(pixel);
        });
    }
}

/// Both passes, to a tensor.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn resample_tile_tensor(
    first: Pass,
    last: Pass,
    src: *const RgbaF32,
    down: *const u32,
    across: *const u32,
    dst: *mut u8,
    pitch: u32,
    rows: u32,
    spec: TensorSpec,
) {
    let job = Job {
        first: &first,
        last: &last,
        src,
        down: Table {
            words: down,
            positions: last.height as usize,
        },
        across: Table {
            words: across,
            positions: last.width as usize,
        },
    };
    // SAFETY: as above, and the result is the inner part of the tensor.
    unsafe {
        job.tile(memory(pitch, rows), |x, y, pixel| {
            let (column, row) = (spec.left as usize + x, spec.top as usize + y);
            put(&spec, dst, row * spec.width as usize + column, pixel);
        });
    }
}
