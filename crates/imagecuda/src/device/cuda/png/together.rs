//! Small pictures that several threads decode at the same time. While some are under way, others gather. One
//! of the threads then launches each kernel once for all of these.

use super::{
    super::{
        Context,
        error::{check, check_raw},
        pinned::Pinned,
    },
    PixelMemory, PngPixels,
    group::{CONTROL, Layout},
    memory::{Prepared, data_range},
    name,
};
use crate::{Result, device::PngData};
use cust::{
    launch,
    memory::DevicePointer,
    stream::Stream,
    sys::{self, CUstream},
};
use imagecuda_kernels::png::decoder::{
    launches::Launch,
    work::{control, status},
};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering};

/// Groups under way, with the small picture that was the first.
const FLIGHTS: usize = 3;

/// The most pictures of a group, and the most bytes of device memory that they take. One of 500x375 takes 15 MB.
const MOST: usize = 8;
const MOST_BYTES: usize = 128 << 20;

/// The most bytes of a small picture's rows, and of its data. Larger ones keep a GPU busy alone.
const LARGEST: usize = 2 << 20;

/// The pictures that wait to be decoded.
#[derive(Default)]
pub(super) struct Together {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Arc<Entry>>,
    flights: usize,
}

/// A picture of a thread, which waits for the answer.
struct Entry {
    prepared: Prepared,
    source: Source,
    answer: Mutex<Option<Answer>>,
}

/// Bytes in page-locked memory, as many as the picture's file has.
struct Source(*const u8);

// SAFETY: the memory belongs to a thread that waits until nobody uses it any more.
unsafe impl Send for Source {}
// SAFETY: it is only read.
unsafe impl Sync for Source {}

/// What becomes of a picture.
enum Answer {
    Pixels(PngPixels),
    /// The host has to decode it.
    ForHost,
    /// It has to be decoded alone: its group failed, or it needs more rounds.
    Alone,
}

/// What a thread does with its picture.
pub(super) enum Way<'a> {
    /// Decode it alone. A small one counts as a group as long as this lives.
    Alone(Option<UnderWay<'a>>),
    /// It is decoded.
    Done(Option<PngPixels>),
}

/// A group, or a picture alone, that is under way.
pub(super) struct UnderWay<'a>(&'a Together);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().flights -= 1;
        self.0.changed.notify_all();
    }
}

impl Together {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a picture that comes while nothing is under way. It is decoded alone, which takes the least time.
    fn begin_if_idle(&self) -> Option<UnderWay<'_>> {
        let mut state = self.lock();
        let is_idle = state.flights == 0 && state.waiting.is_empty();
        is_idle.then(|| {
            state.flights += 1;
            UnderWay(self)
        })
    }

    /// Waits until the entry has an answer, or until it is this thread's turn to decode a group with it.
    fn wait(&self, entry: &Arc<Entry>) -> Option<(Vec<Arc<Entry>>, UnderWay<'_>)> {
        let mut state = self.lock();
        state.waiting.push(Arc::clone(entry));
        loop {
            let own = state.waiting.iter().position(|e| Arc::ptr_eq(e, entry));
            match own {
                Some(own) if state.flights < FLIGHTS => {
                    let mut group = vec![state.waiting.remove(own)];
                    let mut bytes = group[0].prepared.device_bytes();
                    let others = state.waiting.iter().take(MOST - 1).take_while(|other| {
                        bytes += other.prepared.device_bytes();
                        bytes <= MOST_BYTES
                    });
                    let others = others.count();
                    group.extend(state.waiting.drain(..others));
                    state.flights += 1;
                    return Some((group, UnderWay(self)));
                }
                None if entry.has_answer() => return None,
                _ => {}
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Entry {
    fn answer(&self) -> MutexGuard<'_, Option<Answer>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_answer(&self) -> bool {
        self.answer().is_some()
    }
}

/// A group whose pictures all get an answer, whatever happens.
struct Group<'a> {
    context: &'a Context,
    entries: Vec<Arc<Entry>>,
    is_over: bool,
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // The device may still read the sources.
            let _ = self.context.wait_for_all();
        }
        for entry in &self.entries {
            entry.answer().get_or_insert(Answer::Alone);
        }
    }
}

impl Context {
    /// Decodes a picture together with those of other threads, if it is small and others are under way.
    /// The context must be current.
    pub(super) fn decode_png_together(
        self: &Arc<Self>,
        png: &PngData<'_>,
        file: Option<&Pinned>,
    ) -> Result<Way<'_>> {
        let together = &self.pngs.together;
        let is_small = png.picture.filtered_bytes() as usize <= LARGEST && png.bytes <= LARGEST;
        if !is_small {
            return Ok(Way::Alone(None));
        }
        if let Some(under_way) = together.begin_if_idle() {
            return Ok(Way::Alone(Some(under_way)));
        }
        let range = data_range(png);
        let own = match file {
            Some(_) => None,
            None => {
                let mut own = self.pinned(range.len())?;
                own.copy_from_slice(&png.file[range.clone()]);
                Some(own)
            }
        };
        let source = match (file, &own) {
            (Some(file), _) => file[range].as_ptr(),
            (None, Some(own)) => own.as_ptr(),
            (None, None) => return Ok(Way::Alone(None)),
        };
        let entry = Arc::new(Entry {
            prepared: Prepared::new(png),
            source: Source(source),
            answer: Mutex::new(None),
        });
        if let Some((entries, under_way)) = together.wait(&entry) {
            let mut group = Group {
                context: self,
                entries,
                is_over: false,
            };
            // An error is that of the pictures, which say it again, if they have it alone too.
            let _ = self.decode_group(&mut group);
            drop(group);
            drop(under_way);
        }
        // Nobody uses the source from here on.
        match entry.answer().take() {
            Some(Answer::Pixels(pixels)) => Ok(Way::Done(Some(pixels))),
            Some(Answer::ForHost) => Ok(Way::Done(None)),
            Some(Answer::Alone) | None => Ok(Way::Alone(None)),
        }
    }

    fn decode_group(self: &Arc<Self>, group: &mut Group<'_>) -> Result<()> {
        let number = self.pngs.next.fetch_add(1, Ordering::Relaxed) % super::STREAMS;
        let stream = &self.pngs.all[number];
        let pictures: Vec<&Prepared> = group.entries.iter().map(|e| &e.prepared).collect();
        let layout = Layout::new(&pictures);
        let mut memory = self.scratch(layout.end)?;
        // Memory of its own: pictures may be kept for long.
        let mut pixels = self.scratch(layout.pixels_end)?;
        let base = memory.pointer().as_raw();
        let jobs = layout.jobs(&pictures, base, pixels.pointer().as_raw());
        let mut pinned = self.pinned(layout.uploaded)?;
        layout.put(&pictures, &jobs, &mut pinned);
        let launching = self.lock_launch();
        memory.wait_on(stream)?;
        pixels.wait_on(stream)?;
        pinned.start_upload(memory.pointer(), layout.uploaded, stream)?;
        for (entry, job) in group.entries.iter().zip(&jobs) {
            upload(
                &entry.source,
                job.file,
                entry.prepared.file_bytes,
                stream.as_inner(),
            )?;
        }
        self.zero(
            base + layout.zeros as u64..base + layout.zeros_end as u64,
            stream,
        )?;
        let all = pictures.iter().map(|of| of.sizes.all(&of.picture));
        self.launch_group(all.collect(), base, stream)?;
        let controls = DevicePointer::from_raw(base + layout.controls as u64);
        pinned.start_fetch(controls, jobs.len() * CONTROL, stream)?;
        drop(launching);
        pinned.wait_asleep()?;
        memory.mark_idle();
        pixels.mark_idle();

        let pixels = Arc::new(Mutex::new(pixels));
        let statuses = pinned[..jobs.len() * CONTROL].chunks_exact(CONTROL);
        for ((entry, job), words) in group.entries.iter().zip(&jobs).zip(statuses) {
            let answer = match status_of(words) {
                0 => Answer::Pixels(PngPixels {
                    memory: PixelMemory::Shared(Arc::clone(&pixels), job.pixels),
                    bytes: entry.prepared.pixel_bytes,
                }),
                status::UNFINISHED => Answer::Alone,
                _ => Answer::ForHost,
            };
            *entry.answer() = Some(answer);
        }
        group.is_over = true;
        Ok(())
    }

    /// Launches each kernel for all pictures, each of which has the same launches of other sizes.
    fn launch_group(
        &self,
        mut all: Vec<impl Iterator<Item = Launch>>,
        jobs: u64,
        stream: &Stream,
    ) -> Result<()> {
        let pictures = all.len() as u32;
        loop {
            let step: Vec<Launch> = all.iter_mut().filter_map(Iterator::next).collect();
            let Some(&Launch {
                kernel, threads, ..
            }) = step.first()
            else {
                return Ok(());
            };
            let blocks = step.iter().map(|launch| launch.blocks).max().unwrap_or(0);
            let function = self.function(name(kernel))?;
            let (grid, first) = ((blocks, pictures), 0u32);
            // SAFETY: the kernel takes the address of jobs, one for each row of the grid, and the number of
            // the first block. All memory that the jobs point to lives until the kernels have run.
            let launched = unsafe { launch!(function<<<grid, threads, 0, stream>>>(jobs, first)) };
            check("cuLaunchKernel", launched)?;
        }
    }
}

fn status_of(control: &[u8]) -> u32 {
    let at = control::STATUS as usize * 4;
    bytemuck::pod_read_unaligned(&control[at..at + 4])
}

/// Starts to copy a picture's file to `target`, in the order of a stream.
fn upload(source: &Source, target: u64, bytes: usize, stream: CUstream) -> Result<()> {
    // SAFETY: the source has these bytes, is pinned, and stays until the picture has its answer. The target is
    // the group's memory, which has as many bytes there.
    let result = unsafe { sys::cuMemcpyHtoDAsync_v2(target, source.0.cast(), bytes, stream) };
    check_raw("cuMemcpyHtoDAsync", result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagecuda_kernels::png::decoder::picture::Picture;

    /// A picture of 8-bit RGBA with so many bytes of data.
    fn entry(width: u32, height: u32, bytes: usize) -> Arc<Entry> {
        let file = vec![0; bytes];
        let picture = Picture {
            width,
            height,
            depth: 8,
            color: 6,
            ..Picture::default()
        };
        let prepared = Prepared::new(&PngData {
            picture,
            palette: Vec::new(),
            pieces: vec![&file],
            bytes,
            pixel_bytes: width as usize * height as usize * 4,
            file: &file,
        });
        Arc::new(Entry {
            prepared,
            source: Source(std::ptr::null()),
            answer: Mutex::new(None),
        })
    }

    #[test]
    fn a_group_takes_the_first_that_fit_its_memory() {
        for (side, bytes) in [(300, 200_000), (720, LARGEST)] {
            let together = Together::default();
            let others: Vec<_> = (0..9).map(|_| entry(side, side, bytes)).collect();
            together.lock().waiting.extend(others.iter().cloned());
            let own = entry(side, side, bytes);
            let (group, under_way) = together.wait(&own).unwrap();
            let bytes: usize = group.iter().map(|e| e.prepared.device_bytes()).sum();
            assert!((2..=MOST).contains(&group.len()) && bytes <= MOST_BYTES);
            let next = others[group.len() - 1].prepared.device_bytes();
            assert!(group.len() == MOST || bytes + next > MOST_BYTES);
            // Both bounds are reached.
            assert_eq!(group.len() == MOST, side == 300);
            let in_order = [&own].into_iter().chain(&others);
            assert!(group.iter().zip(in_order).all(|(a, b)| Arc::ptr_eq(a, b)));
            assert_eq!(together.lock().waiting.len(), 10 - group.len());
            assert!(together.begin_if_idle().is_none());
            drop(under_way);
            assert_eq!(together.lock().flights, 0);
        }
    }

    /// Pixels that somebody keeps must not keep the memory of the work.
    #[test]
    fn pixels_have_little_memory_of_their_own() {
        let entries: Vec<_> = (0..4).map(|_| entry(500, 375, 300_000)).collect();
        let pictures: Vec<_> = entries.iter().map(|entry| &entry.prepared).collect();
        let layout = Layout::new(&pictures);
        let jobs = layout.jobs(&pictures, 0, 1 << 40);
        let rows = 500 * 375 * 4;
        assert!(layout.pixels_end <= 4 * (4 * rows + 4096) && layout.end > 2 * layout.pixels_end);
        for job in &jobs {
            assert!(job.pixels >= 1 << 40 && job.tokens < layout.end as u64);
        }
    }
}
