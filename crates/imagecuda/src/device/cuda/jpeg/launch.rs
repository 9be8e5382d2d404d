//! Launches of the kernels that take tables of jobs.

use super::super::{Context, error::check_raw};
use crate::Result;
use cust::{memory::DevicePointer, stream::Stream, sys};
use imagecuda_kernels::jpeg::{
    groups::{GROUP_NODE_BYTES, GROUP_THREADS},
    jobs::{PIXEL_THREADS, ScanJob},
    sections::{JOIN_THREADS, MEND_THREADS, MENDINGS, SECTION},
};
use std::{ffi::c_void, ptr};

/// The thread blocks of a launch.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) blocks: u32,
    pub(super) threads: u32,
    /// Bytes of dynamic shared memory.
    pub(super) shared: u32,
}

impl Grid {
    /// Thread blocks of the kernels that make pixels.
    pub(super) fn of_pixels(blocks: u32) -> Self {
        Self {
            blocks,
            threads: PIXEL_THREADS,
            shared: 0,
        }
    }
}

impl Context {
    /// Launches a kernel whose arguments have eight bytes, or four in the lower half.
    ///
    /// # Safety
    ///
    /// The kernel takes these arguments, and the memory that it uses lives until it has run. The
    /// context is current.
    pub(super) unsafe fn launch(
        &self,
        kernel: &'static str,
        grid: Grid,
        stream: &Stream,
        arguments: &[u64],
    ) -> Result<()> {
        let function = self.function(kernel)?.to_raw();
        let mut pointers = [ptr::null_mut::<c_void>(); 8];
        for (pointer, argument) in pointers.iter_mut().zip(arguments) {
            *pointer = ptr::from_ref(argument).cast_mut().cast();
        }
        // SAFETY: the driver copies the arguments before it returns. Both kinds of machine that have
        // such GPUs are little-endian, so an argument of four bytes is at its address. The rest is
        // the caller's word.
        let result = unsafe {
            sys::cuLaunchKernel(
                function,
                grid.blocks,
                1,
                1,
                grid.threads,
                1,
                1,
                grid.shared,
                stream.as_inner(),
                pointers.as_mut_ptr(),
                ptr::null_mut(),
            )
        };
        check_raw("cuLaunchKernel", result)
    }

    /// Launches the kernels from a file's data to coefficients.
    ///
    /// # Safety
    ///
    /// The jobs are at `table`, and all that they have addresses of lives until the kernels have
    /// run. The context is current.
    pub(super) unsafe fn launch_entropy(
        &self,
        launches: &EntropyLaunches,
        table: DevicePointer<u8>,
        stream: &Stream,
    ) -> Result<()> {
        let (jobs, count) = (table.as_raw(), launches.count.into());
        let launch = |kernel, grid, arguments: &[u64]| {
            // SAFETY: the kernels take these arguments; the rest is the caller's word.
            unsafe { self.launch(kernel, grid, stream, arguments) }
        };
        launch("jpeg_unstuff", launches.unstuff, &[jobs, count])?;
        launch("jpeg_synchronize", launches.synchronize, &[jobs, count])?;
        for round in 0..launches.mendings {
            launch("jpeg_mend", launches.mend, &[jobs, count, round.into()])?;
        }
        launch("jpeg_join", launches.join, &[jobs])?;
        launch("jpeg_write", launches.write, &[jobs, count])
    }
}

/// The launches that decode the scans of some pictures.
pub(super) struct EntropyLaunches {
    count: u32,
    unstuff: Grid,
    synchronize: Grid,
    mend: Grid,
    mendings: u32,
    join: Grid,
    write: Grid,
}

impl EntropyLaunches {
    /// Numbers the thread blocks of the jobs.
    pub(super) fn new(jobs: &mut [ScanJob]) -> Self {
        let (mut groups, mut sections, mut chunks) = (0, 0, 0);
        let (mut tables, mut guessing) = (0, 1);
        for job in &mut *jobs {
            (job.first_group, job.first_section, job.first_chunk) = (groups, sections, chunks);
            groups += job.scan.groups();
            sections += job.scan.sections();
            chunks += job.chunks();
            tables = tables.max(job.table_bytes());
            let starts = (SECTION + job.scan.warm_up()) * job.scan.guesses();
            guessing = guessing.max(starts);
        }
        let count = jobs.len() as u32;
        let grid = |blocks, threads, shared| Grid {
            blocks,
            threads,
            shared,
        };
        Self {
            count,
            unstuff: grid(chunks, GROUP_THREADS, 0),
            synchronize: grid(sections, guessing.next_multiple_of(32), tables),
            mend: grid(sections, MEND_THREADS, tables),
            mendings: MENDINGS,
            join: grid(count, JOIN_THREADS, 0),
            write: grid(groups, GROUP_THREADS, tables.max(GROUP_NODE_BYTES)),
        }
    }

    /// The same launches, but no section is mended. Pictures that need that get the status
    /// `UNSYNCHRONIZED`.
    pub(super) fn without_mending(self) -> Self {
        Self {
            mendings: 0,
            ..self
        }
    }
}
