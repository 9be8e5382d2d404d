//! Pictures of a batch that the host has decoded, and that go up together. Each is copied from its own
//! staging memory and expanded by its own kernel. They share device memory, events and a thread, so
//! that a picture takes little more than these two calls of the driver.

use super::{
    Buffer, Context, counted_stream::QueuedWork, jpeg::Parts, pinned::Pinned, scratch::Scratch,
};
use crate::{
    ErrorKind, Result,
    color::Conversion,
    device::{self, DecodedPicture, GroupMember},
};
use cust::memory::DevicePointer;
use imagecuda_kernels::pixel::RgbaF32;
use std::sync::Arc;

/// The most pictures of a group, and the most bytes of device memory that they take. Conversions of colours
/// take more.
const MAX_PICTURES: usize = 256;
const MAX_BYTES: usize = 32 << 20;

/// Device memory is asked for in few sizes, so that groups of any size use the same blocks again.
const SMALLEST: usize = 8 << 20;

/// How many of the first pictures are a group, of those with so many bytes of [device memory](bytes).
pub(super) fn first_group(bytes: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    let ends = bytes.take(MAX_PICTURES).map(|bytes| {
        sum += bytes;
        sum
    });
    ends.take_while(|&end| end <= MAX_BYTES).count().max(1)
}

/// The bytes of device memory that a picture takes.
pub(super) fn bytes(with: &impl GroupMember) -> usize {
    with.decoded().map_or(0, |decoded| {
        decoded.bytes.len() + orientation_bytes(&decoded).unwrap_or(0)
    })
}

/// The bytes of the oriented pixels, if there are any.
fn orientation_bytes(decoded: &DecodedPicture<'_>) -> Option<usize> {
    match decoded.planes {
        // Their kernel orients them.
        Some(_) => None,
        None => Buffer::<RgbaF32>::orientation_bytes(decoded.spec),
    }
}

/// A group whose kernels run or wait to run.
pub(super) struct PixelFlight<T> {
    memory: Scratch,
    /// Kept until they are copied.
    _numbers: Vec<Pinned>,
    members: Vec<T>,
    /// What is in the kernels' stream up to the group's end.
    queued: QueuedWork,
}

impl<T: GroupMember> PixelFlight<T> {
    /// Starts the uploads and the kernels. If that fails, returns all pictures as not expanded.
    pub(super) fn launch(context: &Arc<Context>, members: Vec<T>) -> Result<Self, Vec<(T, bool)>> {
        match start(context, &members) {
            Ok((memory, numbers, queued)) => Ok(Self {
                memory,
                _numbers: numbers,
                members,
                queued,
            }),
            Err(_) => Err(unexpanded(context, members)),
        }
    }

    /// Waits for the pixels. Returns the pictures, and whether they are expanded.
    pub(super) fn finish(mut self, context: &Context) -> Vec<(T, bool)> {
        let finished = self.memory.finish();
        let members = std::mem::take(&mut self.members);
        match finished {
            Ok(()) => {
                context.stream.note_run(self.queued);
                members.into_iter().map(|with| (with, true)).collect()
            }
            Err(_) => unexpanded(context, members),
        }
    }
}

impl<T> Drop for PixelFlight<T> {
    fn drop(&mut self) {
        // Staging memory may be used again once its copy is done.
        if !self.members.is_empty() {
            let _ = self.memory.finish();
        }
    }
}

/// Waits for all that may still run, so that the images and the staging memory can be used.
fn unexpanded<T>(context: &Context, members: Vec<T>) -> Vec<(T, bool)> {
    let _ = context.wait_for_all();
    members.into_iter().map(|with| (with, false)).collect()
}

/// A picture of a group, and where it is in the group's memory.
struct Picture<'a> {
    decoded: DecodedPicture<'a>,
    image: &'a Buffer<RgbaF32>,
    uploaded: usize,
    oriented: Option<usize>,
    /// The numbers of its conversion.
    numbers: Option<usize>,
}

/// The numbers of a conversion that pictures of a group need.
struct Numbers<'a> {
    conversion: &'a Arc<Conversion>,
    pinned: Pinned,
    place: usize,
}

/// Where all pictures and conversions are in the group's memory.
struct Plan<'a> {
    parts: Parts,
    numbers: Vec<Numbers<'a>>,
    pictures: Vec<Picture<'a>>,
}

impl<'a> Plan<'a> {
    fn of<T: GroupMember>(context: &Arc<Context>, members: &'a [T]) -> Result<Self> {
        let mut plan = Self {
            parts: Parts::default(),
            numbers: Vec::new(),
            pictures: Vec::with_capacity(members.len()),
        };
        for with in members {
            let (Some(decoded), device::Buffer::Cuda(image)) = (with.decoded(), with.image())
            else {
                return Err(ErrorKind::DeviceMismatch.into());
            };
            let conversion = decoded.conversion;
            let numbers = conversion.map(|conversion| plan.numbers_of(context, conversion));
            let oriented = orientation_bytes(&decoded);
            plan.pictures.push(Picture {
                image,
                uploaded: plan.parts.add(decoded.bytes.len()),
                oriented: oriented.map(|bytes| plan.parts.add(bytes)),
                numbers: numbers.transpose()?,
                decoded,
            });
        }
        Ok(plan)
    }

    /// Where the numbers of a conversion go, which are copied once for all pictures that need them.
    fn numbers_of(
        &mut self,
        context: &Arc<Context>,
        conversion: &'a Arc<Conversion>,
    ) -> Result<usize> {
        let known = |n: &&Numbers<'_>| Arc::ptr_eq(n.conversion, conversion);
        if let Some(numbers) = self.numbers.iter().find(known) {
            return Ok(numbers.place);
        }
        let numbers: &[u8] = bytemuck::cast_slice(conversion.numbers());
        let mut pinned = context.pinned(numbers.len())?;
        pinned.copy_from_slice(numbers);
        let place = self.parts.add(numbers.len());
        self.numbers.push(Numbers {
            conversion,
            pinned,
            place,
        });
        Ok(place)
    }
}

/// Starts the uploads and the kernels. Returns the group's memory, and that of its conversions.
fn start<T: GroupMember>(
    context: &Arc<Context>,
    members: &[T],
) -> Result<(Scratch, Vec<Pinned>, QueuedWork)> {
    let plan = Plan::of(context, members)?;
    // After `plan`: if a call fails, this waits for copies before the staging memory goes back.
    let mut memory = context.scratch(plan.parts.end.next_power_of_two().max(SMALLEST))?;
    let base = memory.pointer();
    let at = |place: usize| -> DevicePointer<u8> { base.wrapping_add(place) };

    // All copies first: they go on while the kernels of an earlier group run. The group keeps what is
    // copied until its kernels have run.
    memory.wait_on(&context.uploads)?;
    let numbers = plan.numbers.iter().map(|n| (&n.pinned, n.place));
    let pictures = plan.pictures.iter().map(|p| (p.decoded.bytes, p.uploaded));
    for (bytes, place) in numbers.chain(pictures) {
        bytes.start_upload_of(0..bytes.len(), at(place), &context.uploads)?;
    }
    memory.record_on(&context.uploads)?;
    // In the order of the kernels, which may still use the images.
    memory.wait_on(&context.stream.work())?;
    for picture in &plan.pictures {
        let Picture { decoded, image, .. } = picture;
        let (uploaded, spec) = (at(picture.uploaded), decoded.spec);
        match &decoded.planes {
            Some(planes) => image.run_planes(uploaded, decoded.bytes.len(), planes)?,
            None => image.expand_uploaded(uploaded, picture.oriented.map(at), spec)?,
        }
        if let (Some(numbers), Some(conversion)) = (picture.numbers, decoded.conversion) {
            image.run_conversion(conversion, at(numbers), spec.len())?;
        }
    }
    let queued = context.stream.queued();
    memory.record_on(context.stream.uncounted())?;
    let numbers = plan.numbers.into_iter().map(|n| n.pinned).collect();
    Ok((memory, numbers, queued))
}
