//! Host memory whose allocation may fail. A file that asks for too much causes an error, not an
//! abort.

mod large_pages;
mod pageable;
mod pool;
mod reused;

pub(crate) use self::{
    pageable::{Pageable, transfer_buffers},
    pool::{Block, Pool, size_class},
    reused::Reused,
};

use crate::{ErrorKind, Result};
use bytemuck::Zeroable;

/// Bytes of pageable memory that wait to be used again, of the whole program.
pub(crate) fn idle_bytes() -> usize {
    pageable::pool().idle_bytes() + reused::pool().idle_bytes()
}

/// Frees idle pageable memory until at most `keep` bytes remain.
pub(crate) fn trim(keep: usize) {
    let staging = pageable::pool();
    staging.trim(keep);
    reused::pool().trim(keep.saturating_sub(staging.idle_bytes()));
}

/// Keeps at most `keep` bytes of idle pageable memory from now on.
pub(crate) fn set_limit(keep: usize) {
    pageable::pool().set_limit(keep / 2);
    reused::pool().set_limit(keep - keep / 2);
}

/// `len` zeros.
pub(crate) fn zeroed<T: Zeroable>(len: usize) -> Result<Vec<T>> {
    // The allocator gives zeroed pages. This fails where `vec!` would abort.
    let mut memory = bytemuck::allocation::try_zeroed_vec(len)
        .or_else(|()| {
            // Idle memory may be what is missing. Free it and try again.
            trim(0);
            bytemuck::allocation::try_zeroed_vec(len)
        })
        .map_err(|()| {
            let requested = len.saturating_mul(size_of::<T>());
            ErrorKind::OutOfMemory {
                requested,
                free: None,
            }
        })?;
    large_pages::prefer(&mut memory);
    Ok(memory)
}

/// Resizes `memory` to `len` elements. New elements are zeros.
#[cfg(any(feature = "gif", feature = "png"))]
pub(crate) fn resize<T: Zeroable + Clone>(memory: &mut Vec<T>, len: usize) -> Result<()> {
    reserve(memory, len.saturating_sub(memory.len()))?;
    memory.resize(len, T::zeroed());
    Ok(())
}

/// Reserves room for `more` elements. Fails where a growing `Vec` would abort.
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

/// Appends an element. Fails where a growing `Vec` would abort.
pub(crate) fn push<T>(memory: &mut Vec<T>, element: T) -> Result<()> {
    if memory.len() == memory.capacity() {
        reserve(memory, memory.len().max(64))?;
    }
    memory.push(element);
    Ok(())
}

/// Copies a slice. Fails if there is no memory for it.
pub(crate) fn copied<T: Copy>(of: &[T]) -> Result<Vec<T>> {
    let mut copy = Vec::new();
    reserve(&mut copy, of.len())?;
    copy.extend_from_slice(of);
    Ok(copy)
}
