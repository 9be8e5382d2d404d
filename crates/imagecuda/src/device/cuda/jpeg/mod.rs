//! JPEG decoding: compressed data are uploaded, and kernels decode them.
//!
//! Entropy decoding has streams of its own, so that pictures are decoded while earlier ones become
//! pixels. A picture that is loaded for itself takes the next of these streams for everything up to its
//! samples. Its thread waits only for the status, which comes while the samples are made. The pictures of
//! a batch go up in groups.

mod early;
mod filling;
mod flight;
mod groups;
mod launch;
mod pictures;
mod prepare;
mod progressive;
mod single;
mod tables;
#[cfg(test)]
mod tests;

pub(super) use self::pictures::is_direct;
pub(super) use self::tables::DeviceTables;
pub(crate) use self::{
    early::UploadedJpeg,
    groups::{PictureGroups, PlannedJpeg},
    progressive::{ProgressiveGroups, ProgressiveJpeg},
};
use self::{pictures::can_be_direct, single::File};

use super::{Context, scratch::Scratch};
use crate::{
    Result,
    device::{JpegRequest, Payload, Staging},
    jpeg::{GpuPlan, Jpeg},
    trace::span,
};
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use imagecuda_kernels::jpeg::{
    jobs::{DcAddresses, PictureJob},
    picture::{BLOCK, Picture},
    scaled::Scaled,
};
use std::sync::{Arc, atomic::Ordering};

/// The streams of entropy decoding. While the last thread blocks of one picture still synchronise, the
/// kernels of the next one use the rest of the device.
pub(super) const STREAMS: usize = 8;

/// A picture's coefficients in device memory, and the samples that are made of them.
pub(crate) struct Coefficients {
    scaled: Scaled,
    /// The addresses of the [`PictureJob`], of the coefficients and of the samples.
    job: u64,
    coefficients: u64,
    samples: u64,
    /// Whether the samples are made, or being made.
    has_samples: bool,
    /// The memory of all of them, unless the job is in that of `blocks`.
    memory: Scratch,
    /// The kernel that makes the coefficients first, of a progressive picture.
    blocks: Option<BlockKernel>,
}

/// A launch of `jpeg_blocks`.
struct BlockKernel {
    /// The address of the [`BlocksJob`](imagecuda_kernels::jpeg::progressive::jobs::BlocksJob).
    job: u64,
    thread_blocks: u32,
    /// The memory of the job.
    memory: Scratch,
}

impl std::fmt::Debug for Coefficients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "coefficients of {} x {} pixels",
            self.scaled.picture.width, self.scaled.picture.height
        )
    }
}

impl Coefficients {
    /// The size of the coefficients in bytes.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.scaled.picture)
    }
}

fn bytes(picture: &Picture) -> usize {
    picture.blocks() * BLOCK * size_of::<i16>()
}

impl Context {
    /// The number of the stream that decodes or encodes the next file.
    pub(super) fn next_decode(&self) -> usize {
        self.jpegs.fetch_add(1, Ordering::Relaxed) % STREAMS
    }

    /// Decodes a file's entropy-coded data on the device, and makes the pixels of a new image where one
    /// kernel can. Returns `None` if the data are damaged, or if the decoders did not synchronise.
    pub(crate) fn decode_jpeg(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
        plan: &GpuPlan,
        request: JpegRequest<'_>,
    ) -> Result<Option<Payload>> {
        let _current = self.enter()?;
        let file = match (request.uploaded, request.file) {
            (Some(uploaded), _) if uploaded.is_for(plan) => File::Uploaded(uploaded),
            (_, Some(Staging::Pinned(pinned)))
                if pinned.as_ptr_range() == jpeg.bytes().as_ptr_range() =>
            {
                File::Pinned(pinned)
            }
            _ => File::Other,
        };
        let stream = match file {
            File::Uploaded(uploaded) => uploaded.stream(),
            _ => self.next_decode(),
        };
        let new_image = request.new_image.filter(|image| can_be_direct(image));
        let mut decoding = self.start_jpeg(jpeg, plan, file, stream, new_image)?;
        span!("wait",);
        let is_good = decoding.wait()? == 0;
        Ok(is_good.then(|| decoding.finish()))
    }

    /// Decodes the entropy-coded data on the host, and uploads the coefficients.
    pub(crate) fn upload_jpeg(self: &Arc<Self>, jpeg: &Jpeg<'_>) -> Result<Coefficients> {
        let _current = self.enter()?;
        let scaled = *jpeg.scaled();
        let bytes = bytes(&scaled.picture);
        let mut parts = Parts::default();
        let job = parts.add(size_of::<PictureJob>());
        let coefficients = parts.add(bytes);
        let uploaded = parts.end;
        let samples = parts.add(scaled.picture.blocks() * BLOCK);
        let mut pinned = self.pinned(uploaded)?;
        put(&mut pinned, job, &[picture_job(&scaled, jpeg.quantizers())]);
        jpeg.coefficients(cast_slice_mut(&mut pinned[coefficients..uploaded]))?;
        let mut memory = self.scratch(parts.end)?;
        memory.wait_on(&self.uploads)?;
        pinned.start_upload(memory.pointer(), uploaded, &self.uploads)?;
        memory.record_on(&self.uploads)?;
        let base = memory.pointer().as_raw();
        Ok(Coefficients {
            scaled,
            job: base + job as u64,
            coefficients: base + coefficients as u64,
            samples: base + samples as u64,
            has_samples: false,
            memory,
            blocks: None,
        })
    }
}

/// The job of a picture alone, whose memory is at the addresses that the launch passes.
fn picture_job(scaled: &Scaled, quantizers: &[[u16; BLOCK]; 4]) -> PictureJob {
    PictureJob {
        picture: scaled.picture,
        quantizers: *quantizers,
        dc: [DcAddresses::default(); 4],
        block_origins: 0,
        coefficients: 0,
        samples: 0,
        pixels: 0,
        shaper: 0,
        first_inverse: 0,
        first_row: 0,
        sizes: scaled.sizes,
    }
}

/// The kernel that makes samples of coefficients, of pictures at `unit` eighths of their size or more.
fn inverse_kernel(unit: u32) -> &'static str {
    match unit {
        8 => "jpeg_inverse",
        _ => "jpeg_inverse_reduced",
    }
}

/// Lays out the parts of a buffer, one after the other.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) end: usize,
}

impl Parts {
    /// Adds a part of `bytes` bytes, and returns its offset, which is aligned for every kernel.
    pub(super) fn add(&mut self, bytes: usize) -> usize {
        let start = self.end.next_multiple_of(256);
        self.end = start + bytes;
        start
    }
}

pub(super) fn put<T: Pod>(buffer: &mut [u8], at: usize, items: &[T]) {
    let bytes: &[u8] = cast_slice(items);
    buffer[at..at + bytes.len()].copy_from_slice(bytes);
}
