//! Memory that is kept for later use.

use super::Inner;
use crate::{Device, Result, color, memory};

/// Bytes of idle memory: of nothing that is in use, but kept so that later work need not allocate it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdleMemory {
    /// Host memory. For a GPU it includes page-locked memory.
    pub host: u64,
    /// Memory of the GPU; 0 for the CPU.
    pub device: u64,
}

/// Allocating takes longer than most work on a picture, so the library keeps what it has allocated: for
/// files and pixels on their way, and on the CPU device for images. A device has its own pools, except
/// that all devices of a program share the pageable host memory.
impl Device {
    /// The memory that is idle now.
    pub fn idle_memory(&self) -> IdleMemory {
        match self.inner() {
            Inner::Cpu => IdleMemory {
                host: memory::idle_bytes() as u64,
                device: 0,
            },
            Inner::Cuda(context) => context.idle_memory(),
        }
    }

    /// Waits for the device, and frees idle memory until at most `keep_bytes` of host memory and
    /// `keep_bytes` of the GPU's memory remain. Images keep theirs. The last ICC profiles and their
    /// conversions, up to 32 MiB of them that all devices share and [`idle_memory`](Self::idle_memory) does
    /// not count, go too where they are beyond that. With 0 it also does what [`release_video_decoders`](Self::release_video_decoders) does.
    ///
    /// The driver gives the GPU's memory back in blocks of 32 MB or more. A block stays as long as an
    /// image has a part of it.
    ///
    /// # Errors
    ///
    /// [`Device`](crate::ErrorKind::Device) if the device failed.
    pub fn trim(&self, keep_bytes: u64) -> Result<()> {
        let keep = bytes(keep_bytes);
        match self.inner() {
            Inner::Cpu => memory::trim(keep),
            Inner::Cuda(context) => context.trim(keep)?,
        }
        color::trim(keep.saturating_sub(bytes(self.idle_memory().host)));
        Ok(())
    }

    /// Sets how much idle memory is kept from now on, and frees what is above it. Zeros keep none: then
    /// each picture allocates its memory. Without limits a GPU keeps up to 4 GiB of host memory, and of its own 1 GiB
    /// or a sixteenth of all if that is more; the CPU keeps 2 GiB. A single picture may need more, and that is kept
    /// too.
    ///
    /// The GPU's memory is given back by [`synchronize`](Self::synchronize), in blocks as by
    /// [`trim`](Self::trim).
    ///
    /// # Errors
    ///
    /// [`Device`](crate::ErrorKind::Device) if the device failed.
    pub fn set_idle_limits(&self, most: IdleMemory) -> Result<()> {
        let host = bytes(most.host);
        match self.inner() {
            Inner::Cpu => {
                memory::set_limit(host);
                Ok(())
            }
            Inner::Cuda(context) => {
                // One half is page-locked.
                memory::set_limit(host / 2);
                context.set_idle_limits(host - host / 2, most.device)
            }
        }
    }
}

/// More than a program can address is as good as all of it.
fn bytes(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
