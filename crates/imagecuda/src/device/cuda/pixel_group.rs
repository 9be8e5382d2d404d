//! Pictures of a batch that the host has decoded, and that go up together. Each is copied from its own
//! staging memory and expanded by its own kernel. They share device memory, events and a thread, so
//! that a picture takes little more than these two calls of the driver.

use super::{Buffer, Context, pinned::Pinned, scratch::Scratch};
use crate::{
    ErrorKind, Result,
    device::{self, ExpandSpec, GroupMember},
};
use cust::memory::DevicePointer;
use imagecuda_kernels::pixel::RgbaF32;
use std::sync::Arc;

/// The most pictures of a group, and the most bytes of device memory that they take.
const MAX_PICTURES: usize = 256;
const MAX_BYTES: usize = 32 << 20;

/// Device memory is asked for in few sizes, so that groups of any size use the same blocks again.
const SMALLEST: usize = 8 << 20;

/// Where each picture begins. Kernels read whole words.
const GRAIN: usize = 256;

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
    with.decoded().map_or(0, |(pixels, spec)| {
        let [pixels, oriented] = parts(pixels, spec);
        pixels + oriented
    })
}

/// The bytes of a picture's pixels, and of those that are oriented.
fn parts(pixels: &[u8], spec: ExpandSpec) -> [usize; 2] {
    let oriented = Buffer::<RgbaF32>::orientation_bytes(spec).unwrap_or(0);
    [pixels.len(), oriented].map(|bytes| bytes.next_multiple_of(GRAIN))
}

/// A group whose kernels run or wait to run.
pub(super) struct PixelFlight<T> {
    memory: Scratch,
    members: Vec<T>,
}

impl<T: GroupMember> PixelFlight<T> {
    /// Starts the uploads and the kernels. If that fails, returns all pictures as not expanded.
    pub(super) fn launch(context: &Arc<Context>, members: Vec<T>) -> Result<Self, Vec<(T, bool)>> {
        match start(context, &members) {
            Ok(memory) => Ok(Self { memory, members }),
            Err(_) => Err(unexpanded(context, members)),
        }
    }

    /// Waits for the pixels. Returns the pictures, and whether they are expanded.
    pub(super) fn finish(mut self, context: &Context) -> Vec<(T, bool)> {
        let finished = self.memory.finish();
        let members = std::mem::take(&mut self.members);
        match finished {
            Ok(()) => members.into_iter().map(|with| (with, true)).collect(),
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

/// A picture of a group.
struct Picture<'a> {
    pixels: &'a Pinned,
    spec: ExpandSpec,
    image: &'a Buffer<RgbaF32>,
    /// Where its pixels go in the group's memory, and those that are oriented.
    places: [usize; 2],
}

fn start<T: GroupMember>(context: &Arc<Context>, members: &[T]) -> Result<Scratch> {
    let mut end = 0;
    let pictures = members.iter().map(|with| {
        let (Some((pixels, spec)), device::Buffer::Cuda(image)) = (with.decoded(), with.image())
        else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        let places = parts(pixels, spec).map(|bytes| {
            end += bytes;
            end - bytes
        });
        Ok(Picture {
            pixels,
            spec,
            image,
            places,
        })
    });
    let pictures = pictures.collect::<Result<Vec<_>>>()?;
    let mut memory = context.scratch(end.next_power_of_two().max(SMALLEST))?;
    let base = memory.pointer();
    let at = |place: usize| -> DevicePointer<u8> { base.wrapping_add(place) };

    // All copies first: the copy engine works through them while the kernels of earlier groups run.
    memory.wait_on(&context.uploads)?;
    for picture in &pictures {
        let all = 0..picture.pixels.len();
        let to = at(picture.places[0]);
        // `PixelFlight` keeps the staging memory until the kernels have run.
        picture.pixels.start_upload_of(all, to, &context.uploads)?;
    }
    memory.record_on(&context.uploads)?;
    // In the order of the kernels, which may still use the images.
    memory.wait_on(&context.stream)?;
    for Picture {
        spec,
        image,
        places: [pixels, oriented],
        ..
    } in &pictures
    {
        let is_oriented = Buffer::<RgbaF32>::orientation_bytes(*spec).is_some();
        let oriented = is_oriented.then(|| at(*oriented));
        image.expand_uploaded(at(*pixels), oriented, *spec)?;
    }
    memory.record_on(&context.stream)?;
    Ok(memory)
}
