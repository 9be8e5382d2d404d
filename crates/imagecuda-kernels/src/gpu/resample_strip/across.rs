//! The second pass: a block sums along the rows of a batch.

use super::{LINE, NOTHING, Strip, memory::read_quad, place};
use crate::{
    gpu::{shared::load_quad, thread},
    pixel::RgbaF32,
    resample::{STRIP_THREADS, accumulate, strip_batch},
};

impl Strip<'_> {
    /// A pixel of a row of the batch, by its column of the strip.
    ///
    /// # Safety
    ///
    /// The batch has the row, and the strip the column.
    #[inline(always)]
    unsafe fn line_pixel(self, row: u32, column: u32) -> RgbaF32 {
        let from = self.lines + row * LINE + place(column);
        // SAFETY: what the caller promised.
        RgbaF32(unsafe { load_quad(from).map(f32::from_bits) })
    }

    /// Stores a pixel, if it is one of the strip.
    #[inline(always)]
    fn leave(self, x: u32, y: u32, sum: RgbaF32, store: &impl Fn(usize, usize, RgbaF32)) {
        if y < self.below {
            store(x as usize, y as usize, self.job.last.leave(sum));
        }
    }

    /// Sums along the rows of a batch, which begins at row `y` of the result, and calls `store` with their
    /// pixels. A thread makes one column of half of the rows.
    ///
    /// # Safety
    ///
    /// The rows are written.
    #[inline(always)]
    pub(super) unsafe fn sum_across<const SUMS: u32>(
        self,
        y: u32,
        store: &impl Fn(usize, usize, RgbaF32),
    ) {
        // Each half of the block takes half of the rows.
        let rows = strip_batch(SUMS) / 2;
        let thread = thread::thread_idx_x() as u32;
        let row = thread / (STRIP_THREADS / 2) * rows;
        let mut x = self.left + thread % (STRIP_THREADS / 2);
        while x < self.right {
            // SAFETY: one of the result's columns.
            let (first, mut count) = unsafe { self.across().window(x as usize) };
            let mut column = first - self.start;
            let at = x * self.job.column_words;
            let mut weights = (self.job.by_column as *const f32).wrapping_add(at as usize);
            let mut sums = [NOTHING; 4];
            let mut tap = |weight: f32| {
                // SAFETY: the rows have the column.
                let pixel = |number: u32| unsafe { self.line_pixel(row + number, column) };
                sums[0] = accumulate(sums[0], weight, pixel(0));
                sums[1] = accumulate(sums[1], weight, pixel(1));
                sums[2] = accumulate(sums[2], weight, pixel(2));
                if rows > 3 {
                    sums[3] = accumulate(sums[3], weight, pixel(3));
                }
                column += 1;
            };
            while count > 0 {
                // SAFETY: the weights of a position are a multiple of four.
                let [a, b, c, d] = unsafe { read_quad(weights) };
                weights = weights.wrapping_add(4);
                tap(a);
                if count > 1 {
                    tap(b);
                }
                if count > 2 {
                    tap(c);
                }
                if count > 3 {
                    tap(d);
                }
                count = count.saturating_sub(4);
            }
            self.leave(x, y + row, sums[0], store);
            self.leave(x, y + row + 1, sums[1], store);
            self.leave(x, y + row + 2, sums[2], store);
            if rows > 3 {
                self.leave(x, y + row + 3, sums[3], store);
            }
            x += STRIP_THREADS / 2;
        }
    }
}
