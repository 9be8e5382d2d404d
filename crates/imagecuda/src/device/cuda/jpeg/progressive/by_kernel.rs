//! Progressive files of a batch, in whose scans a kernel finds where blocks begin.
//!
//! A thread block goes through each scan from its first block to its last, which is sequential and takes longer
//! than on the host. But it takes little of the GPU, and nearly nothing of the host. So many pictures are under
//! way at a time.

use super::{
    super::{
        super::{Context, pinned::Pinned, scratch::Scratch},
        Coefficients, Parts, bytes,
        launch::Grid,
        put,
    },
    Layout, room,
};
use crate::{ErrorKind, Result, device::GroupMember, jpeg::Jpeg};
use bytemuck::{cast_slice, cast_slice_mut};
use cust::stream::Stream;
use imagecuda_kernels::jpeg::{
    progressive::jobs::{POSITIONS_THREADS, PositionsJob},
    scaled::Scaled,
};
use std::{fmt, sync::Arc};

/// A progressive picture of a batch, which waits for others or for a kernel.
pub(crate) struct ProgressiveJpeg {
    context: Arc<Context>,
    scaled: Scaled,
    layout: Layout,
    /// The bits of each scan's data.
    bits: Vec<u32>,
    /// For each component, where it is kept which of its coefficients are not zero.
    nonzero: [usize; 4],
    /// The bytes of device memory.
    end: usize,
    state: State,
}

/// How far a picture has come.
enum State {
    /// What goes up is in pinned memory.
    Waiting(Pinned),
    /// The kernel works, or has found all blocks. The pinned memory is kept until then.
    UnderWay {
        memory: Scratch,
        thread_blocks: u32,
        upload: Option<Pinned>,
    },
    /// Something failed.
    Lost,
}

impl fmt::Debug for ProgressiveJpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} scans of blocks to find", self.bits.len())
    }
}

impl Context {
    /// Readies a progressive file for the kernel. `None` if the kernel does not know such files, or if the
    /// host finds an irregularity.
    pub(crate) fn prepare_progressive(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
    ) -> Result<Option<Box<ProgressiveJpeg>>> {
        let Some(positions) = jpeg.positions().filter(|p| p.is_for_kernels()) else {
            return Ok(None);
        };
        let layout = Layout::of(&positions, jpeg.picture());
        let Some(layout) = layout.filter(|layout| !layout.scans.is_empty()) else {
            return Ok(None);
        };
        let mut parts = Parts { end: layout.end };
        let mut nonzero = [0; 4];
        for scan in &layout.scans {
            if let Some(place @ 0) = nonzero.get_mut(scan.component) {
                *place = parts.add(scan.blocks * size_of::<u64>());
            }
        }
        let mut pinned = self.pinned(layout.made)?;
        let (before, dc) = pinned.split_at_mut(layout.dc);
        let data = &mut before[layout.data..][..positions.room()];
        let Some(bits) = positions.find_dc(data, cast_slice_mut(dc)) else {
            return Ok(None);
        };
        layout.write(jpeg, &positions, &mut pinned);
        Ok(Some(Box::new(ProgressiveJpeg {
            context: Arc::clone(self),
            scaled: *jpeg.scaled(),
            layout,
            bits,
            nonzero,
            end: parts.end,
            state: State::Waiting(pinned),
        })))
    }
}

impl ProgressiveJpeg {
    /// The bytes of its coefficients.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.scaled.picture)
    }

    /// The scans in which blocks are to be found.
    pub(super) fn scans(&self) -> usize {
        self.bits.len()
    }

    /// What is needed to make its coefficients, once the kernel has found all blocks.
    pub(in super::super::super) fn into_coefficients(self: Box<Self>) -> Result<Coefficients> {
        match self.state {
            State::UnderWay {
                memory,
                thread_blocks,
                upload: None,
            } => {
                let _current = self.context.enter()?;
                let made = self.context.scratch(room(&self.scaled.picture))?;
                let layout = &self.layout;
                Ok(layout.coefficients(self.scaled, memory, made, thread_blocks))
            }
            _ => Err(ErrorKind::DeviceMismatch.into()),
        }
    }

    /// Starts the upload in `stream`.
    fn start_upload(&mut self, stream: &Stream) -> Result<()> {
        let State::Waiting(mut upload) = std::mem::replace(&mut self.state, State::Lost) else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        let mut memory = self.context.scratch(self.end)?;
        let base = memory.pointer().as_raw();
        let thread_blocks = self.layout.write_jobs(base, &mut upload);
        memory.wait_on(stream)?;
        let queued = upload.start_upload_of(0..self.layout.made, memory.pointer(), stream);
        // From here on dropping the memory waits for the device.
        self.state = State::UnderWay {
            memory,
            thread_blocks,
            upload: Some(upload),
        };
        queued
    }

    /// The jobs of its scans. `progress` gives the address of the progress of each of them.
    fn jobs(&self, status: u64, progress: impl Fn(usize) -> u64) -> Vec<PositionsJob> {
        let State::UnderWay { memory, .. } = &self.state else {
            return Vec::new();
        };
        let at = |part: usize| memory.pointer().as_raw() + part as u64;
        let mut before = None;
        let scans = self.layout.scans.iter().zip(&self.bits).enumerate();
        let job = |(number, (scan, &bits))| {
            let scan: &super::ScanParts = scan;
            let last = before.replace((number, scan.component));
            let last = last.filter(|&(_, component)| component == scan.component);
            PositionsJob {
                data: at(scan.data),
                symbols: at(scan.symbols),
                nonzero: at(self.nonzero[scan.component]),
                starts: at(scan.starts),
                progress: progress(number),
                before: last.map_or(0, |(number, _)| progress(number)),
                status,
                band: scan.band,
                bits,
                blocks: scan.blocks as u32,
            }
        };
        scans.map(job).collect()
    }

    /// Notes that the kernel is done, or that all work of the device was waited for.
    fn end(&mut self, is_found: bool) {
        match &mut self.state {
            State::UnderWay { memory, upload, .. } => {
                memory.mark_idle();
                *upload = None;
            }
            State::Waiting(_) | State::Lost => {}
        }
        if !is_found {
            self.state = State::Lost;
        }
    }
}

/// Pictures whose blocks a kernel finds.
pub(super) struct Flight<T: GroupMember> {
    members: Vec<T>,
    /// The statuses, then what the kernel needs besides the pictures' memory.
    table: Scratch,
    staging: Pinned,
    /// The number of its stream.
    pub(super) stream: usize,
    /// The scans of all pictures.
    pub(super) scans: usize,
}

impl<T: GroupMember> Flight<T> {
    /// Starts the kernel. Calls `fail` with the pictures for which it could not be started.
    pub(super) fn launch(
        context: &Arc<Context>,
        members: Vec<T>,
        (number, stream): (usize, &Stream),
        mut fail: impl FnMut(T),
    ) -> Option<Self> {
        let mut uploaded = Vec::with_capacity(members.len());
        for mut member in members {
            let jpeg = member.progressive();
            // Where there is no memory for one, there may be for a smaller one.
            match jpeg.is_some_and(|jpeg| jpeg.start_upload(stream).is_ok()) {
                true => uploaded.push(member),
                false => fail(member),
            }
        }
        if uploaded.is_empty() {
            return None;
        }
        match start(context, &mut uploaded, stream) {
            Ok((table, staging, scans)) => Some(Self {
                members: uploaded,
                table,
                staging,
                stream: number,
                scans,
            }),
            Err(_) => {
                let _ = context.wait_for_all();
                for mut member in uploaded {
                    member.progressive().into_iter().for_each(|j| j.end(false));
                    fail(member);
                }
                None
            }
        }
    }

    /// Whether the kernel is done.
    pub(super) fn is_done(&self) -> bool {
        self.table.has_passed()
    }

    /// Waits for the kernel. Returns the pictures, and whether all their blocks are found.
    pub(super) fn finish(mut self, context: &Context) -> Vec<(T, bool)> {
        let statuses = self.statuses(context);
        if statuses.is_err() {
            let _ = context.wait_for_all();
        }
        self.table.mark_idle();
        let statuses = statuses.unwrap_or_default();
        let members = std::mem::take(&mut self.members).into_iter().enumerate();
        members
            .map(|(number, mut member)| {
                let is_found = statuses.get(number) == Some(&0);
                let jpeg = member.progressive();
                jpeg.into_iter().for_each(|jpeg| jpeg.end(is_found));
                (member, is_found)
            })
            .collect()
    }

    /// The statuses of all pictures. Their copy begins after the kernel has ended: a copy that waits in its stream
    /// may keep those of other streams waiting.
    fn statuses(&mut self, context: &Context) -> Result<Vec<u32>> {
        let stream = &context.position_streams()[self.stream];
        self.table.finish()?;
        self.table.wait_on(stream)?;
        let bytes = size_of::<u32>() * self.members.len();
        self.staging.wait()?;
        self.staging
            .start_fetch(self.table.pointer(), bytes, stream)?;
        self.staging.wait()?;
        Ok(cast_slice(&self.staging[..bytes]).to_vec())
    }
}

impl<T: GroupMember> Drop for Flight<T> {
    fn drop(&mut self) {
        // The pictures' memory may be used again once the kernel is done.
        if !self.members.is_empty() {
            let _ = self.table.finish();
            let jpegs = self.members.iter_mut().filter_map(T::progressive);
            jpegs.for_each(|jpeg| jpeg.end(false));
        }
    }
}

/// Starts the kernel for pictures whose uploads are queued in `stream`. Returns how many scans they have, too.
fn start<T: GroupMember>(
    context: &Arc<Context>,
    members: &mut [T],
    stream: &Stream,
) -> Result<(Scratch, Pinned, usize)> {
    let jpegs: Vec<&mut ProgressiveJpeg> = members
        .iter_mut()
        .filter_map(|member| member.progressive())
        .collect();
    let count = jpegs.iter().map(|jpeg| jpeg.bits.len()).sum::<usize>();
    let mut parts = Parts::default();
    let statuses_at = parts.add(size_of::<u32>() * jpegs.len());
    let next_at = parts.add(size_of::<u32>());
    let progress_at = parts.add(size_of::<u32>() * count);
    let jobs_at = parts.add(size_of::<PositionsJob>() * count);
    let mut table = context.scratch(parts.end)?;
    let base = table.pointer().as_raw();
    let word = |at: usize, number: usize| base + (at + size_of::<u32>() * number) as u64;
    let mut jobs = Vec::with_capacity(count);
    for (number, jpeg) in jpegs.iter().enumerate() {
        let first = jobs.len();
        let status = word(statuses_at, number);
        jobs.extend(jpeg.jobs(status, |scan| word(progress_at, first + scan)));
    }
    let mut staging = context.pinned(parts.end)?;
    staging[..jobs_at].fill(0);
    put(&mut staging, jobs_at, &jobs);
    let _launching = context.lock_launch();
    table.wait_on(stream)?;
    staging.start_upload(table.pointer(), parts.end, stream)?;
    let grid = Grid {
        blocks: jobs.len() as u32,
        threads: POSITIONS_THREADS,
        shared: 0,
    };
    let arguments = [base + jobs_at as u64, base + next_at as u64];
    // SAFETY: the kernel takes as many jobs as it has thread blocks. They have addresses of the table and of the
    // pictures' memory, which live until the kernel has run.
    unsafe { context.launch("jpeg_positions", grid, stream, &arguments)? };
    table.record_on(stream)?;
    Ok((table, staging, jobs.len()))
}
