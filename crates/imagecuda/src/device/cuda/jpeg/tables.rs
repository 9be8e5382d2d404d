//! Huffman tables that stay in device memory: many files have the same ones, and they are larger than all
//! else that a small picture needs uploaded besides its data.

use super::super::{Context, error::check, memory::DeviceBytes};
use crate::{Result, parallel::lock};
use bytemuck::cast_slice;
use cust::memory::DevicePointer;
use imagecuda_kernels::jpeg::{huffman::Table, jobs::MAX_TABLES};
use std::sync::{Arc, Mutex, atomic::Ordering};

/// As many as are remembered on the host.
const MOST: usize = 8;

/// The tables of a scan.
pub(super) struct ScanTables {
    on_host: Arc<[Table]>,
    memory: DeviceBytes,
}

impl ScanTables {
    pub(super) fn pointer(&self) -> DevicePointer<u8> {
        self.memory.pointer()
    }
}

/// The tables of the last scans. Whoever uses some keeps them until the kernels are done.
#[derive(Default)]
pub(in super::super) struct DeviceTables {
    recent: Mutex<Vec<Arc<ScanTables>>>,
}

impl DeviceTables {
    pub(in super::super) fn clear(&self) {
        lock(&self.recent).clear();
    }

    /// The bytes of all of them.
    pub(in super::super) fn bytes(&self) -> usize {
        let recent = lock(&self.recent);
        recent.iter().map(|made| size_of_val(&*made.on_host)).sum()
    }
}

impl Context {
    /// Whether the limit of idle memory has room for them.
    pub(in super::super) fn keeps_jpeg_tables(&self) -> bool {
        let most = MOST * MAX_TABLES * size_of::<Table>();
        self.device_limit.load(Ordering::Relaxed) >= most
    }

    /// The address of tables in device memory, where they are when this returns. The context must be
    /// current.
    pub(super) fn scan_tables(self: &Arc<Self>, tables: &Arc<[Table]>) -> Result<Arc<ScanTables>> {
        let mut recent = lock(&self.jpeg_tables.recent);
        let known = |made: &&Arc<ScanTables>| Arc::ptr_eq(&made.on_host, tables);
        if let Some(made) = recent.iter().find(known) {
            return Ok(Arc::clone(made));
        }
        let bytes: &[u8] = cast_slice(tables);
        let mut pinned = self.pinned(bytes.len())?;
        pinned.copy_from_slice(bytes);
        let memory = DeviceBytes::uninitialized(self, bytes.len())?;
        pinned.start_upload(memory.pointer(), bytes.len(), &self.stream)?;
        // Once for many pictures.
        check("cuStreamSynchronize", self.stream.synchronize())?;
        let made = Arc::new(ScanTables {
            on_host: Arc::clone(tables),
            memory,
        });
        if recent.len() == MOST {
            recent.remove(0);
        }
        if self.keeps_jpeg_tables() {
            recent.push(Arc::clone(&made));
        }
        Ok(made)
    }
}
