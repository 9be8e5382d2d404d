//! The CPU device: host memory, and the kernels' bodies on all cores.

use crate::{ErrorKind, Result};
use bytemuck::{Pod, Zeroable};
use imagecuda_kernels::{
    expand::{Curve, Expand},
    host,
    layout::Layout,
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

pub(crate) fn expand<P: Expand + Send>(layout: Layout, curve: Curve, src: &[u8], dst: &mut [P]) {
    let bytes = TASK * layout.bytes_per_pixel();
    dst.par_chunks_mut(TASK)
        .zip(src.par_chunks(bytes))
        .for_each(|(dst, src)| host::expand(layout, curve, src, dst));
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

pub(crate) fn pack(packing: Packing, background: Background, src: &[RgbaF32], dst: &mut [u8]) {
    let bytes = TASK * packing.layout().bytes_per_pixel();
    dst.par_chunks_mut(bytes)
        .zip(src.par_chunks(TASK))
        .for_each(|(dst, src)| host::pack(packing, background, src, dst));
}
