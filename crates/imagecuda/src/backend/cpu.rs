//! The CPU device: host memory, and the kernels' bodies on all cores.

use super::Expansion;
use crate::{ErrorKind, Result, color::Conversion};
use bytemuck::{Pod, Zeroable};
use imagecuda_kernels::{
    expand::Expand,
    host,
    orient::Orientation,
    pack::{Background, Packing},
    pixel::RgbaF32,
};
use rayon::prelude::*;

/// Pixels a task. Smaller images are not worth waking other threads for.
const TASK: usize = 64 * 1024;

pub(crate) fn zeroed<T: Zeroable>(len: usize) -> Result<Vec<T>> {
    // The allocator's zero pages; fails where `vec!` would abort.
    bytemuck::allocation::try_zeroed_vec(len).map_err(|()| {
        let requested = len.saturating_mul(size_of::<T>());
        ErrorKind::OutOfMemory {
            requested,
            free: None,
        }
        .into()
    })
}

pub(crate) fn expand<P: Expand + Send>(how: Expansion, src: &[u8], dst: &mut [P]) {
    let Expansion { layout, curve, .. } = how;
    let bytes_per_pixel = layout.bytes_per_pixel();
    if how.orientation == Orientation::Normal {
        dst.par_chunks_mut(TASK)
            .zip(src.par_chunks(TASK * bytes_per_pixel))
            .for_each(|(dst, src)| host::expand(layout, curve, src, dst));
        return;
    }
    let (width, height) = (how.width as usize, how.height as usize);
    let rows = (TASK / width).max(1);
    dst.par_chunks_mut(rows * width)
        .enumerate()
        .for_each(|(task, dst)| {
            let mut row = vec![0; width * bytes_per_pixel];
            for (i, dst) in dst.chunks_mut(width).enumerate() {
                let y = task * rows + i;
                host::orient_row(how.orientation, bytes_per_pixel, src, y, height, &mut row);
                host::expand(layout, curve, &row, dst);
            }
        });
}

pub(crate) fn convert<S: Pod + Sync, D: From<S> + Send>(src: &[S], dst: &mut [D]) {
    dst.par_chunks_mut(TASK)
        .zip(src.par_chunks(TASK))
        .for_each(|(dst, src)| {
            for (d, s) in dst.iter_mut().zip(src) {
                *d = D::from(*s);
            }
        });
}

pub(crate) fn convert_colors(conversion: &Conversion, pixels: &mut [RgbaF32]) {
    pixels.par_chunks_mut(TASK).for_each(|pixels| {
        for pixel in pixels {
            *pixel = conversion.apply(*pixel);
        }
    });
}

pub(crate) fn pack(packing: Packing, background: Background, src: &[RgbaF32], dst: &mut [u8]) {
    let bytes = TASK * packing.layout().bytes_per_pixel();
    dst.par_chunks_mut(bytes)
        .zip(src.par_chunks(TASK))
        .for_each(|(dst, src)| host::pack(packing, background, src, dst));
}
