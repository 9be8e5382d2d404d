//! Host memory that may be refused: what a file asks for is an error, not an abort.

mod pageable;
mod pool;

pub(crate) use self::{
    pageable::{Pageable, transfer_buffers},
    pool::{Block, Pool, size_class},
};

use crate::{ErrorKind, Result};
use bytemuck::Zeroable;

/// `len` zeros.
pub(crate) fn zeroed<T: Zeroable>(len: usize) -> Result<Vec<T>> {
    // The allocator's zero pages; fails where `vec!` would abort.
    bytemuck::allocation::try_zeroed_vec(len)
        .or_else(|()| {
            // What is only kept for later may be what is missing now.
            pageable::clear();
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
#[cfg(any(
    feature = "gif",
    feature = "hdr",
    feature = "heif",
    feature = "pnm",
    feature = "webp"
))]
pub(crate) fn copied<T: Copy>(of: &[T]) -> Result<Vec<T>> {
    let mut copy = Vec::new();
    reserve(&mut copy, of.len())?;
    copy.extend_from_slice(of);
    Ok(copy)
}
