//! Host memory between a codec and an image, which is used again and again.

use super::{Block, Pool, size_class, zeroed};
use crate::Result;
use std::{
    fmt,
    ops::{Deref, DerefMut},
};

/// Idle bytes of staging memory that are kept.
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

/// Host memory between a codec and an image, which goes back to its pool when dropped: fresh
/// pages cost as much as an expansion.
pub(crate) struct Pageable {
    block: Vec<u8>,
    len: usize,
}

/// Its length, not millions of bytes.
impl fmt::Debug for Pageable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pageable").field("len", &self.len).finish()
    }
}

impl Pageable {
    /// `len` bytes with anything in them.
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

/// Buffers of staging memory that were made since the start.
pub(crate) fn transfer_buffers() -> u64 {
    STAGING.made()
}

/// Frees what is kept for later.
pub(super) fn clear() {
    STAGING.clear();
}
