//! Huffman tables that stay in device memory: many files have the same ones, and they are larger than all
//! else that a small picture needs uploaded besides its data.

use super::super::{Context, memory::DeviceBytes, recent::Recent};
use crate::Result;
use bytemuck::cast_slice;
use cust::memory::DevicePointer;
use imagecuda_kernels::jpeg::{huffman::Table, jobs::MAX_TABLES};
use std::sync::{Arc, atomic::Ordering};

/// As many as are remembered on the host.
const MOST: usize = 8;

/// The tables of a scan.
pub(in super::super) struct ScanTables {
    memory: DeviceBytes,
}

impl ScanTables {
    pub(super) fn pointer(&self) -> DevicePointer<u8> {
        self.memory.pointer()
    }
}

/// The tables of the last scans. Whoever uses some keeps them until the kernels are done.
pub(in super::super) type DeviceTables = Recent<[Table], ScanTables, MOST>;

impl Context {
    /// The bytes of the tables that are kept.
    pub(in super::super) fn jpeg_table_bytes(&self) -> usize {
        self.jpeg_tables.sum(size_of_val::<[Table]>)
    }

    /// Whether the limit of idle memory has room for them.
    pub(in super::super) fn keeps_jpeg_tables(&self) -> bool {
        let most = MOST * MAX_TABLES * size_of::<Table>();
        self.device_limit.load(Ordering::Relaxed) >= most
    }

    /// The address of tables in device memory, where they are when this returns. The context must be
    /// current.
    pub(super) fn scan_tables(self: &Arc<Self>, tables: &Arc<[Table]>) -> Result<Arc<ScanTables>> {
        if let Some(made) = self.jpeg_tables.find(tables) {
            return Ok(made);
        }
        // No lock is held while this waits, so threads with other tables do not wait for this one. Threads
        // with the same tables upload them twice.
        let bytes: &[u8] = cast_slice(tables);
        let mut pinned = self.pinned(bytes.len())?;
        pinned.copy_from_slice(bytes);
        // In the order of uploads, so that this does not wait for kernels.
        let memory = DeviceBytes::uninitialized_in(self, bytes.len(), &self.uploads)?;
        pinned.start_upload(memory.pointer(), bytes.len(), &self.uploads)?;
        // Memory is freed in the order of another stream, which does not know of the upload.
        pinned.wait()?;
        let made = Arc::new(ScanTables { memory });
        let is_allowed = || self.keeps_jpeg_tables();
        self.jpeg_tables.keep(tables, &made, is_allowed);
        Ok(made)
    }
}
