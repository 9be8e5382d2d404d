//! The first pass: a thread goes down through a column of the source.

use super::{
    ANY, BYTES, LINE, NOTHING, Strip,
    memory::{AHEAD, ask_for, read_once, read_quad, read_word_once},
    place, source_pixel,
};
use crate::{
    expand::Expand,
    gpu::{shared::store_quad, thread},
    pixel::{Rgba8, RgbaF32},
    resample::{Pass, accumulate, strip_batch, strip_rows, strip_words, weighted_sum},
};

/// The way of a thread through its column.
pub(super) struct Walk {
    /// The pixel of `row`, which is loaded next.
    next: *const u8,
    row: u32,
    /// The weights of the row.
    weights: *const f32,
    /// The sum of position `p` is number `p` modulo the number of sums.
    sums: [RgbaF32; 8],
    /// The position whose rows come next, and their end.
    pub(super) position: u32,
    end: u32,
    /// A bit for each row of the batch that is no number.
    pub(super) no_numbers: u32,
}

impl Strip<'_> {
    /// The row of the source at which a row of the result is complete. Below the result it is that of the
    /// last one.
    ///
    /// # Safety
    ///
    /// The job is right.
    #[inline(always)]
    unsafe fn end_of(self, position: u32) -> u32 {
        let position = position.min(self.job.last.height - 1) as usize;
        // SAFETY: one of the result's rows.
        unsafe { (self.job.by_row as *const u32).add(position).read() }
    }

    /// The walk of this thread from the first row of the source on. Threads without a column of their own do
    /// what the last one does.
    ///
    /// # Safety
    ///
    /// The job is right.
    #[inline(always)]
    pub(super) unsafe fn walk<const SUMS: u32, const INPUT: u32>(self) -> Walk {
        // SAFETY: the result has these columns and rows, and the source the pixel.
        unsafe {
            let row = self.down().window(self.top as usize).0;
            let mut position = self.top;
            while position > 0 && self.end_of(position - 1) > row {
                position -= 1;
            }
            position -= position % SUMS;
            let column = self.column::<INPUT>();
            let rows = strip_rows(self.job.last.height) + strip_words(SUMS) * row;
            Walk {
                next: column.add(row as usize * self.row_bytes::<INPUT>()),
                row,
                weights: (self.job.by_row as *const u32).add(rows as usize).cast(),
                sums: [NOTHING; 8],
                position,
                end: self.end_of(position),
                no_numbers: 0,
            }
        }
    }

    /// The thread's column of the source.
    ///
    /// # Safety
    ///
    /// The job is right.
    #[inline(always)]
    unsafe fn column<const INPUT: u32>(self) -> *const u8 {
        let column = (self.start + thread::thread_idx_x() as u32).min(self.last_column);
        // SAFETY: what the caller promised.
        unsafe { (self.job.src as *const u8).add(column as usize * source_pixel(INPUT)) }
    }

    /// Bytes of a row of the source.
    #[inline(always)]
    fn row_bytes<const INPUT: u32>(self) -> usize {
        self.job.first.pitch as usize * source_pixel(INPUT)
    }

    /// Loads a pixel of the source.
    ///
    /// # Safety
    ///
    /// The source has the pixel.
    #[inline(always)]
    unsafe fn load<const INPUT: u32>(from: *const u8) -> RgbaF32 {
        // SAFETY: what the caller promised.
        unsafe {
            if INPUT == BYTES {
                RgbaF32::from_encoded(Rgba8(read_word_once(from).to_le_bytes()))
            } else {
                RgbaF32(read_once(from))
            }
        }
    }

    /// A pixel of the source as it is summed.
    #[inline(always)]
    fn enter<const INPUT: u32>(self, pixel: RgbaF32) -> RgbaF32 {
        let first = self.job.first;
        let input = if INPUT == ANY { first.input } else { INPUT };
        Pass { input, ..first }.enter(pixel)
    }

    /// Loads the next pixel, and asks for one further down.
    ///
    /// # Safety
    ///
    /// The walk is the thread's, and the source has both, and the pixel below.
    #[inline(always)]
    unsafe fn next<const INPUT: u32>(self, walk: &mut Walk) -> RgbaF32 {
        let (next, row) = (walk.next, self.row_bytes::<INPUT>());
        walk.next = next.wrapping_add(row);
        // SAFETY: what the caller promised.
        unsafe {
            ask_for(
                next.wrapping_add(AHEAD as usize * row),
                thread::thread_idx_x().is_multiple_of(128 / source_pixel(INPUT)),
            );
            Self::load::<INPUT>(next)
        }
    }

    /// Loads the next pixel. Below the source there are more of the last row.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    unsafe fn next_or_last<const INPUT: u32>(self, walk: &mut Walk) -> RgbaF32 {
        let next = walk.next;
        if walk.row + 1 < self.job.end_row {
            walk.next = next.wrapping_add(self.row_bytes::<INPUT>());
        }
        // SAFETY: what the caller promised.
        unsafe { Self::load::<INPUT>(next) }
    }

    /// Adds a pixel to all sums.
    ///
    /// # Safety
    ///
    /// The walk is the thread's, and the pixel is that of its row.
    #[inline(always)]
    unsafe fn add<const SUMS: u32, const INPUT: u32>(self, walk: &mut Walk, pixel: RgbaF32) {
        // SAFETY: there are weights for all rows.
        let ([a, b, c, d], [e, f, g, h]) = unsafe {
            let first = read_quad(walk.weights);
            let second = match strip_words(SUMS) {
                8 => read_quad(walk.weights.wrapping_add(4)),
                _ => first,
            };
            (first, second)
        };
        walk.weights = walk.weights.wrapping_add(strip_words(SUMS) as usize);
        walk.row += 1;
        let pixel = self.enter::<INPUT>(pixel);
        let sums = &mut walk.sums;
        sums[0] = accumulate(sums[0], a, pixel);
        sums[1] = accumulate(sums[1], b, pixel);
        sums[2] = accumulate(sums[2], c, pixel);
        if SUMS > 3 {
            sums[3] = accumulate(sums[3], d, pixel);
            sums[4] = accumulate(sums[4], e, pixel);
            sums[5] = accumulate(sums[5], f, pixel);
        }
        if SUMS > 6 {
            sums[6] = accumulate(sums[6], g, pixel);
            sums[7] = accumulate(sums[7], h, pixel);
        }
    }

    /// Goes down to the end of the walk's position, whose number in the batch is `NUMBER`. Returns its sum.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    pub(super) unsafe fn go<const SUMS: u32, const INPUT: u32, const NUMBER: u32>(
        self,
        walk: &mut Walk,
    ) -> RgbaF32 {
        let end = walk.end;
        walk.position += 1;
        // SAFETY: the job is right.
        walk.end = unsafe { self.end_of(walk.position) };
        if end + AHEAD <= self.job.end_row {
            // Two pixels at a time: their loads run together.
            while walk.row + 1 < end {
                // SAFETY: the source has the rows, and those that are asked for.
                unsafe {
                    let (first, second) = (self.next::<INPUT>(walk), self.next::<INPUT>(walk));
                    self.add::<SUMS, INPUT>(walk, first);
                    self.add::<SUMS, INPUT>(walk, second);
                }
            }
        }
        while walk.row < end {
            // SAFETY: the walk is the thread's.
            unsafe {
                let pixel = self.next_or_last::<INPUT>(walk);
                self.add::<SUMS, INPUT>(walk, pixel);
            }
        }
        let sum = &mut walk.sums[(NUMBER % SUMS) as usize];
        let RgbaF32([r, g, b, a]) = *sum;
        if INPUT != BYTES {
            walk.no_numbers |= u32::from((r + g + b + a).is_nan()) << NUMBER;
        }
        core::mem::replace(sum, NOTHING)
    }

    /// Goes down through the rows of the strip above that count for the first ones here too, with other sums.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    pub(super) unsafe fn catch_up<const SUMS: u32, const INPUT: u32>(self, walk: &mut Walk) {
        while walk.position < self.top {
            // SAFETY: what the caller promised.
            unsafe {
                self.go::<SUMS, INPUT, 0>(walk);
                self.go::<SUMS, INPUT, 1>(walk);
                self.go::<SUMS, INPUT, 2>(walk);
                if SUMS > 3 {
                    self.go::<SUMS, INPUT, 3>(walk);
                    self.go::<SUMS, INPUT, 4>(walk);
                    self.go::<SUMS, INPUT, 5>(walk);
                }
                if SUMS > 6 {
                    self.go::<SUMS, INPUT, 6>(walk);
                    self.go::<SUMS, INPUT, 7>(walk);
                }
            }
        }
    }

    /// Makes a batch of rows, and calls `put` with the thread's pixel of each.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    pub(super) unsafe fn go_on<const SUMS: u32, const INPUT: u32>(
        self,
        walk: &mut Walk,
        put: impl Fn(u32, RgbaF32),
    ) {
        walk.no_numbers = 0;
        // SAFETY: what the caller promised.
        unsafe {
            put(0, self.go::<SUMS, INPUT, 0>(walk));
            put(1, self.go::<SUMS, INPUT, 1>(walk));
            put(2, self.go::<SUMS, INPUT, 2>(walk));
            put(3, self.go::<SUMS, INPUT, 3>(walk));
            put(4, self.go::<SUMS, INPUT, 4>(walk));
            put(5, self.go::<SUMS, INPUT, 5>(walk));
            if strip_batch(SUMS) > 6 {
                put(6, self.go::<SUMS, INPUT, 6>(walk));
                put(7, self.go::<SUMS, INPUT, 7>(walk));
            }
        }
    }

    /// Writes the thread's pixel of a row of the batch to shared memory.
    ///
    /// # Safety
    ///
    /// The batch has the row.
    #[inline(always)]
    pub(super) unsafe fn put(self, row: u32, RgbaF32(pixel): RgbaF32) {
        let to = self.lines + row * LINE + place(thread::thread_idx_x() as u32);
        // SAFETY: what the caller promised.
        unsafe { store_quad(to, pixel.map(f32::to_bits)) };
    }

    /// Makes the thread's sums again that are no numbers, each of its own rows of the source only, and calls
    /// `put` with them. The batch begins at row `y` of the result.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    pub(super) unsafe fn make_again<const SUMS: u32>(
        self,
        walk: &Walk,
        y: u32,
        put: impl Fn(u32, RgbaF32),
    ) {
        let pitch = self.job.first.pitch as usize;
        // SAFETY: what the caller promised.
        let column = unsafe { self.column::<ANY>().cast::<RgbaF32>() };
        let mut row = 0;
        while row < strip_batch(SUMS) && y + row < self.below {
            if walk.no_numbers >> row & 1 != 0 {
                let position = (y + row) as usize;
                // SAFETY: the result has the row, `k` is below the count, and a window is within the source.
                unsafe {
                    let (start, count) = self.down().window(position);
                    let sum = weighted_sum(
                        count,
                        |k| self.down().weight(position, k),
                        |k| column.add((start + k) as usize * pitch).read(),
                        |pixel| self.job.first.enter(pixel),
                    );
                    put(row, sum);
                }
            }
            row += 1;
        }
    }
}
