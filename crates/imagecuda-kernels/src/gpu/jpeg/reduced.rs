//! Coefficients to fewer samples than a block has.

use super::{
    super::{thread::thread_idx_x, warp},
    block_shared::find_job,
    pictures::{Divisors, Row, block_numbers, dc_before},
};
use crate::jpeg::{
    idct, idct_reduced,
    jobs::{PIXEL_THREADS, PictureJob},
};

/// As `jpeg_inverse`, for pictures at a reduced size. The samples of a component are as far from each
/// other down as at full size.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_inverse_reduced(
    jobs: *const PictureJob,
    count: u32,
    coefficients: *const u8,
    samples: *mut u8,
) {
    // SAFETY: the host passes jobs.
    let (job, thread_block) = unsafe { find_job(jobs, count, |job| job.first_inverse) };
    let coefficients = coefficients
        .wrapping_add(job.coefficients as usize)
        .cast::<Row>();
    let samples = samples.wrapping_add(job.samples as usize);
    let thread = thread_idx_x();
    let i = thread_block as usize * PIXEL_THREADS as usize + thread;
    let (block, lane) = ((i / 8) as u32, i % 8);
    let (number, row, column) = job.picture.find_block(block);
    let part = &job.picture.component[number & 3];
    let size = job.sizes[number & 3];
    let is_inside = row < part.blocks_y;

    // SAFETY: the eight threads of a block have its 72 words of shared memory, and they are of one
    // warp. What is read and written of the picture is inside it.
    unsafe {
        let numbers = block_numbers().add(thread / 8 * 72);
        if is_inside {
            let Row(mut row) = coefficients.add(i).read();
            if lane == 0 {
                row[0] = row[0].wrapping_add(dc_before(job, block, number));
            }
            let divisors = (&raw const job.quantizers).cast::<Divisors>();
            let Divisors(divisors) = divisors.add(number * 8 + lane).read();
            each(|x| {
                let number = i32::from(row[x]).wrapping_mul(i32::from(divisors[x]));
                numbers.add(lane * 9 + x).write(number);
            });
        }
        warp::sync();
        let of_column = |y: usize| numbers.add(y * 9 + lane);
        let at = |y: usize| of_column(y).read();
        let whole = || [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
        match size {
            8 => {
                let column = idct::first(whole());
                each(|y| of_column(y).write(column[y]));
            }
            4 => {
                let [a, b, c, d] =
                    idct_reduced::first_4([at(0), at(1), at(2), at(3), at(5), at(6), at(7)]);
                of_column(0).write(a);
                of_column(1).write(b);
                of_column(2).write(c);
                of_column(3).write(d);
            }
            2 => {
                let [a, b] = idct_reduced::first_2([at(0), at(1), at(3), at(5), at(7)]);
                of_column(0).write(a);
                of_column(1).write(b);
            }
            _ => {}
        }
        warp::sync();
        if !is_inside || lane >= size as usize {
            return;
        }
        let at = |x: usize| numbers.add(lane * 9 + x).read();
        let whole = || [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
        let line = row as usize * size as usize + lane;
        let place = part.start() + line * part.stride() + column as usize * size as usize;
        let to = samples.add(place);
        // Planes, rows and blocks begin at multiples of the block's size.
        match size {
            8 => {
                let row = idct::bytes_of_row(idct::second(whole()));
                to.cast::<u64>().write(u64::from_le_bytes(row));
            }
            4 => {
                let row = [at(0), at(1), at(2), at(3), at(5), at(6), at(7)];
                let row = idct_reduced::second_4(row);
                to.cast::<u32>().write(u32::from_le_bytes(row));
            }
            2 => {
                let row = idct_reduced::second_2([at(0), at(1), at(3), at(5), at(7)]);
                to.cast::<u16>().write(u16::from_le_bytes(row));
            }
            _ => to.write(idct_reduced::mean(at(0))),
        }
    }
}

/// Calls `of` for 0 to 7, without a loop.
#[inline(always)]
fn each(of: impl Fn(usize)) {
    of(0);
    of(1);
    of(2);
    of(3);
    of(4);
    of(5);
    of(6);
    of(7);
}
