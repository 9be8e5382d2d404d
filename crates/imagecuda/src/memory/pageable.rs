//! Staging memory on the CPU device, which is used again.

use super::{Block, Pool, size_class, zeroed};
use crate::Result;
use std::{
    fmt,
    ops::{Deref, DerefMut},
};

/// How many bytes of idle staging memory are kept.
const KEEP: usize = 1 << 30;

static STAGING: Pool<Vec<u8>> = Pool::new(KEEP);

impl Block for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn is_free(&self) -> bool {
        true
    }
}

/// Host memory between a codec and an image. Dropping it returns it to its pool, because fresh
/// pages cost as much time as expanding the pixels.
pub(crate) struct Pageable {
    block: Vec<u8>,
    len: usize,
}

/// Prints the length, not the bytes.
impl fmt::Debug for Pageable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pageable").field("len", &self.len).finish()
    }
}

impl Pageable {
    /// `len` bytes with any values.
    pub(crate) fn new(len: usize) -> Result<Self> {
        let block = match STAGING.take(len) {
            Some(block) => block,
            None => {
                let block = zeroed(size_class(len))?;
                STAGING.count();
                block
            }
        };
        Ok(Self { block, len })
    }
}

impl Deref for Pageable {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.block[..self.len]
    }
}

impl DerefMut for Pageable {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.block[..self.len]
    }
}

impl Drop for Pageable {
    fn drop(&mut self) {
        STAGING.put(std::mem::take(&mut self.block));
    }
}

/// How many buffers of staging memory were ever allocated.
pub(crate) fn transfer_buffers() -> u64 {
    STAGING.made()
}

/// The idle buffers.
pub(super) fn pool() -> &'static Pool<Vec<u8>> {
    &STAGING
}
