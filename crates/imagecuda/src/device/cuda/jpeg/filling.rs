//! Staging memory that several threads fill with pictures: a group that is to go up together.

use super::{super::pinned::Pinned, Parts, prepare::PictureParts, put};
use crate::{color::Conversion, device::GroupMember, jpeg::GpuPlan};
use imagecuda_kernels::jpeg::{
    huffman::Table,
    jobs::{PictureJob, ScanJob},
    picture::{BLOCK, Color},
    scaled::Scaled,
};
use std::{slice, sync::Arc};

/// The most pictures of a group.
pub(super) const MAX_PICTURES: usize = 256;

/// Bytes of a group's staging memory. A larger picture has a group for itself.
const STAGING: usize = 16 << 20;

/// Bytes of device memory that a group takes, unless a single picture takes more. With more than the
/// GPU's cache holds, kernels would wait for what those before them wrote: of 1080p an H200 decodes
/// 16,400 a second in groups of 48 MB, and 11,700 in groups of 256 MB. A group of small pictures may take
/// more, as it needs the driver's calls for fewer of them otherwise.
const DEVICE: usize = 48 << 20;
const DEVICE_OF_SMALL: usize = 64 << 20;

/// Bytes of device memory that a small picture takes at most.
const SMALL: usize = 3 << 20;

/// The status of each picture comes first.
const STATUSES: usize = MAX_PICTURES * size_of::<u32>();

/// A JPEG whose markers have been read, and how kernels decode its scans. It goes up with others.
#[derive(Debug)]
pub(crate) struct PlannedJpeg {
    pub(super) scaled: Scaled,
    pub(super) quantizers: Box<[[u16; BLOCK]; 4]>,
    pub(super) plan: GpuPlan,
}

impl PlannedJpeg {
    /// The bytes of its coefficients.
    pub(crate) fn bytes(&self) -> usize {
        super::bytes(&self.scaled.picture)
    }

    /// Whether 8-bit pixels are all that floats would be.
    pub(crate) fn has_bytes(&self) -> bool {
        matches!(
            self.scaled.picture.color(),
            Color::Gray | Color::Rgb | Color::Ycc
        )
    }
}

/// A picture of a group. Offsets are those of the staging memory.
pub(super) struct Member<T> {
    pub(super) jpeg: PlannedJpeg,
    pub(super) parts: PictureParts,
    /// Where its first region begins.
    pub(super) start: usize,
    /// The tables of each scan.
    pub(super) tables: Vec<usize>,
    /// The curves and the matrix that convert its colours.
    pub(super) shaper: Option<usize>,
    /// The address of its pixels.
    pub(super) pixels: u64,
    pub(super) with: T,
}

impl<T: GroupMember> Member<T> {
    /// The number of the kernel among [`PIXEL_KERNELS`] that makes its pixels.
    pub(super) fn pixel_kernel(&self) -> usize {
        match self.shaper {
            Some(_) => 2,
            None => self.with.takes_bytes().into(),
        }
    }
}

/// The kernels that make pixels of samples.
pub(super) const PIXEL_KERNELS: [&str; 3] = ["jpeg_to_f32", "jpeg_to_u8", "jpeg_to_shaped"];

/// What a picture needs before it is in a group.
pub(super) struct Wanted<'a> {
    pub(super) jpeg: &'a PlannedJpeg,
    pub(super) parts: &'a PictureParts,
    pub(super) shaper: Option<&'a Arc<Conversion>>,
}

impl Wanted<'_> {
    /// Bytes of staging memory, if none of its tables are there yet.
    fn staging(&self) -> usize {
        let scans = &self.jpeg.plan.scans[..];
        let tables: usize = scans.iter().map(|plan| size_of_val(&plan.tables[..])).sum();
        let shaper = self
            .shaper
            .map_or(0, |shaper| size_of_val(shaper.numbers()));
        let gaps = 256 * (scans.len() + 2);
        self.parts.uploaded + tables + shaper + gaps + self.jobs()
    }

    fn jobs(&self) -> usize {
        size_of::<PictureJob>() + self.jpeg.plan.scans.len() * size_of::<ScanJob>()
    }

    fn device(&self) -> usize {
        let samples = self.jpeg.scaled.picture.blocks() * BLOCK;
        self.parts.uploaded + self.parts.work + self.parts.zeros + samples
    }

    /// Bytes of staging memory of a group that is to hold this picture first.
    pub(super) fn staging_of_group(&self) -> usize {
        STAGING.max(STATUSES + self.staging() + 1024)
    }
}

/// The part of the staging memory that is a picture's, until it is written.
pub(super) struct Reserved {
    pub(super) group: u64,
    base: *mut u8,
    pub(super) start: usize,
    /// For each scan where its tables are, and whether this picture writes them.
    tables: Vec<(usize, bool)>,
    shaper: Option<(usize, bool)>,
}

impl Reserved {
    pub(super) fn tables(&self) -> Vec<usize> {
        self.tables.iter().map(|&(at, _)| at).collect()
    }

    pub(super) fn shaper(&self) -> Option<usize> {
        self.shaper.map(|(at, _)| at)
    }

    /// Writes what is uploaded of a picture, whose file's bytes are these.
    pub(super) fn write(&mut self, wanted: &Wanted<'_>, file: &[u8]) {
        let plans = &wanted.jpeg.plan.scans[..];
        let part = |at: usize, bytes: usize| {
            // SAFETY: the group's memory lives until all that is reserved is written. Each part was
            // given to one picture, and is within the memory.
            unsafe { slice::from_raw_parts_mut(self.base.add(at), bytes) }
        };
        let own = part(self.start, wanted.parts.uploaded);
        wanted.parts.write(plans, own);
        wanted.parts.write_files(plans, file, own);
        for (plan, &(at, is_new)) in plans.iter().zip(&self.tables) {
            if is_new {
                let tables = part(at, size_of_val(&plan.tables[..]));
                put::<Table>(tables, 0, &plan.tables);
            }
        }
        if let (Some(shaper), Some((at, true))) = (wanted.shaper, self.shaper) {
            let numbers = shaper.numbers();
            put::<f32>(part(at, size_of_val(numbers)), 0, numbers);
        }
    }
}

/// A group that takes more pictures, or that waits until those that it has are written.
pub(super) struct Filling<T> {
    pub(super) number: u64,
    pub(super) staging: Pinned,
    base: *mut u8,
    len: usize,
    pub(super) parts: Parts,
    /// Bytes of the tables of jobs, which come after the parts.
    jobs: usize,
    device: usize,
    reserved: usize,
    writers: usize,
    /// Whether a picture was reserved and never written, and maybe tables that others share.
    pub(super) is_incomplete: bool,
    /// The tables and the shapers that some picture has written or writes.
    tables: Vec<(Arc<[Table]>, usize)>,
    shapers: Vec<(Arc<Conversion>, usize)>,
    pub(super) members: Vec<Member<T>>,
}

// SAFETY: `base` is the address of `staging`, which is tied to no thread.
unsafe impl<T: Send> Send for Filling<T> {}

impl<T> Filling<T> {
    pub(super) fn new(number: u64, mut staging: Pinned) -> Self {
        let mut parts = Parts::default();
        parts.add(STATUSES);
        Self {
            number,
            base: staging.as_mut_ptr(),
            len: staging.len(),
            staging,
            parts,
            jobs: 0,
            device: 0,
            reserved: 0,
            writers: 0,
            is_incomplete: false,
            tables: Vec::new(),
            shapers: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Whether all that is reserved is written.
    pub(super) fn is_written(&self) -> bool {
        self.writers == 0
    }

    /// Reserves the memory of a picture, if there is enough.
    pub(super) fn reserve(&mut self, wanted: &Wanted<'_>) -> Option<Reserved> {
        let is_first = self.reserved == 0;
        let most = match wanted.device() {
            ..SMALL => DEVICE_OF_SMALL,
            _ => DEVICE,
        };
        let fits = self.parts.end + self.jobs + wanted.staging() + 1024 <= self.len
            && (is_first || self.device + wanted.device() <= most)
            && self.reserved < MAX_PICTURES;
        if !fits {
            return None;
        }
        self.jobs += wanted.jobs();
        self.device += wanted.device();
        self.reserved += 1;
        self.writers += 1;
        let start = self.parts.add(wanted.parts.uploaded);
        let mut place_tables = |tables: &Arc<[Table]>| {
            place(
                &mut self.tables,
                &mut self.parts,
                tables,
                size_of_val(&tables[..]),
            )
        };
        let scans = wanted.jpeg.plan.scans.iter();
        let tables = scans.map(|plan| place_tables(&plan.tables)).collect();
        let shaper = wanted.shaper.map(|shaper| {
            let bytes = size_of_val(shaper.numbers());
            place(&mut self.shapers, &mut self.parts, shaper, bytes)
        });
        Some(Reserved {
            group: self.number,
            base: self.base,
            start,
            tables,
            shaper,
        })
    }

    /// Notes that a picture is written; `None` if it will not be.
    pub(super) fn commit(&mut self, member: Option<Member<T>>) {
        self.writers -= 1;
        self.is_incomplete |= member.is_none();
        self.members.extend(member);
    }
}

/// Where a thing is among those of the group, and whether it is new there.
fn place<T: ?Sized>(
    known: &mut Vec<(Arc<T>, usize)>,
    parts: &mut Parts,
    thing: &Arc<T>,
    bytes: usize,
) -> (usize, bool) {
    if let Some((_, at)) = known.iter().find(|(known, _)| Arc::ptr_eq(known, thing)) {
        return (*at, false);
    }
    let at = parts.add(bytes);
    known.push((Arc::clone(thing), at));
    (at, true)
}
