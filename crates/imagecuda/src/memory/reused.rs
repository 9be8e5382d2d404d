//! Memory of the host for numbers of any type, which is used again: the pixels of images on the CPU device,
//! and what an encoder has between two passes.

use super::{Block, Pool, size_class, zeroed};
use crate::{ErrorKind, Result};
use bytemuck::{Pod, Zeroable, cast_slice, cast_slice_mut};
use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

/// How many bytes of idle memory are kept.
const KEEP: usize = 1 << 30;

/// The smallest memory that is kept. The pages of less are no work.
const SMALLEST: usize = 1 << 20;

static IDLE: Pool<Vec<Line>> = Pool::new(KEEP);

/// Bytes that are aligned for any number.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Block for Vec<Line> {
    fn bytes(&self) -> usize {
        size_of_val(&self[..])
    }

    fn is_free(&self) -> bool {
        true
    }
}

/// A fixed number of `T`. Dropping it keeps the memory for others, because fresh pages cost more time than
/// to write pixels to them.
pub(crate) struct Reused<T> {
    block: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Pod> Reused<T> {
    /// `len` elements with any values.
    pub(crate) fn for_overwrite(len: usize) -> Result<Self> {
        Self::with_age(len).map(|(memory, _)| memory)
    }

    /// `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Result<Self> {
        let (mut memory, is_fresh) = Self::with_age(len)?;
        if !is_fresh {
            memory.fill(T::zeroed());
        }
        Ok(memory)
    }

    /// And whether the memory is fresh, and all zeros.
    fn with_age(len: usize) -> Result<(Self, bool)> {
        let bytes = len.checked_mul(size_of::<T>());
        let bytes = bytes.ok_or(ErrorKind::OutOfMemory {
            requested: usize::MAX,
            free: None,
        })?;
        let of = PhantomData;
        if bytes < SMALLEST {
            let block = zeroed(bytes.div_ceil(size_of::<Line>()))?;
            return Ok((Self { block, len, of }, true));
        }
        match IDLE.take(bytes) {
            // An image may live long, so its memory must not be much larger than it is.
            Some(block) if block.bytes() / 4 <= bytes / 3 => {
                return Ok((Self { block, len, of }, false));
            }
            Some(block) => IDLE.put(block),
            None => {}
        }
        let block = zeroed(size_class(bytes).div_ceil(size_of::<Line>()))?;
        Ok((Self { block, len, of }, true))
    }
}

impl<T: Pod> Deref for Reused<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let bytes: &[u8] = cast_slice(&self.block);
        cast_slice(&bytes[..self.len * size_of::<T>()])
    }
}

impl<T: Pod> DerefMut for Reused<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let bytes: &mut [u8] = cast_slice_mut(&mut self.block);
        cast_slice_mut(&mut bytes[..self.len * size_of::<T>()])
    }
}

impl<T> Drop for Reused<T> {
    fn drop(&mut self) {
        if self.block.bytes() >= SMALLEST {
            IDLE.put(std::mem::take(&mut self.block));
        }
    }
}

/// Prints the length, not the elements.
impl<T> fmt::Debug for Reused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reused").field("len", &self.len).finish()
    }
}

/// What is idle.
pub(super) fn pool() -> &'static Pool<impl Block> {
    &IDLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_used_again_can_be_zeros() {
        for len in [0, 1, 1000, 300_000, 1_000_001] {
            for round in 0..3 {
                let mut memory = Reused::<u64>::zeroed(len).unwrap();
                assert!(
                    memory.len() == len && memory.iter().all(|&v| v == 0),
                    "{len} {round}"
                );
                memory.fill(round + 1);
                drop(memory);
                let memory = Reused::<[f32; 4]>::for_overwrite(len).unwrap();
                assert!(memory.len() == len && memory.as_ptr().addr().is_multiple_of(64));
            }
        }
        assert!(Reused::<u64>::zeroed(usize::MAX).is_err());
        assert!(Reused::<u64>::zeroed(usize::MAX / 16).is_err());
    }
}
