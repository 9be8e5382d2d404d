//! Small pictures that several threads decode at the same time. While some are under way, others gather. One
//! of the threads then launches each kernel once for all of these.

use super::{
    super::{
        Context,
        error::{check, check_raw},
        jpeg::{Parts, put},
        pinned::Pinned,
    },
    PixelMemory, PngPixels,
    memory::{PALETTE, Places, Prepared, data_range},
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
    job::DecodeJob,
    launches::Launch,
    work::{control, status},
};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering};

/// Groups under way, with the small picture that was the first.
const FLIGHTS: usize = 3;

/// The most pictures of a group. Each takes about 15 MB of device memory.
const MOST: usize = 8;

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
                    let others = state.waiting.len().min(MOST - 1);
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
        let layout = Layout::new(&group.entries);
        let mut memory = self.scratch(layout.end)?;
        let base = memory.pointer().as_raw();
        let jobs = layout.jobs(&group.entries, base);
        let mut pinned = self.pinned(layout.uploaded)?;
        layout.put(&group.entries, &jobs, &mut pinned);
        let launching = self.lock_launch();
        memory.wait_on(stream)?;
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
        let all = group.entries.iter().map(|entry| {
            let prepared = &entry.prepared;
            prepared.sizes.all(&prepared.picture)
        });
        self.launch_group(all.collect(), base, stream)?;
        let controls = DevicePointer::from_raw(base + layout.controls as u64);
        pinned.start_fetch(controls, jobs.len() * CONTROL, stream)?;
        drop(launching);
        pinned.wait_asleep()?;
        memory.mark_idle();
        group.is_over = true;

        let memory = Arc::new(Mutex::new(memory));
        let statuses = pinned[..jobs.len() * CONTROL].chunks_exact(CONTROL);
        for ((entry, job), words) in group.entries.iter().zip(&jobs).zip(statuses) {
            let answer = match status_of(words) {
                0 => Answer::Pixels(PngPixels {
                    memory: PixelMemory::Shared(Arc::clone(&memory), job.pixels),
                    bytes: entry.prepared.pixel_bytes,
                }),
                status::UNFINISHED => Answer::Alone,
                _ => Answer::ForHost,
            };
            *entry.answer() = Some(answer);
        }
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

/// Bytes of a picture's control words.
const CONTROL: usize = control::WORDS as usize * 4;

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

/// Where the parts of a group are in its memory.
struct Layout {
    controls: usize,
    /// For each picture, its pieces and its palette.
    heads: Vec<[usize; 2]>,
    uploaded: usize,
    /// For each picture, its work, its tokens, its links, and what strips hand over.
    parts: Vec<[usize; 4]>,
    zeros: usize,
    zeros_end: usize,
    end: usize,
}

impl Layout {
    fn new(entries: &[Arc<Entry>]) -> Self {
        let mut all = Parts::default();
        all.add(entries.len() * size_of::<DecodeJob>());
        let controls = all.add(entries.len() * CONTROL);
        let prepared = || entries.iter().map(|entry| &entry.prepared);
        let heads = prepared()
            .map(|of| [all.add(size_of_val(&of.pieces[..])), all.add(PALETTE)])
            .collect();
        let uploaded = all.end;
        let mut parts: Vec<[usize; 4]> = prepared()
            .map(|of| [all.add(work_bytes(of)), 0, all.add(of.link_bytes()), 0])
            .collect();
        let zeros = all.add(0);
        for (of, [_, tokens, _, hand_over]) in prepared().zip(&mut parts) {
            *tokens = all.add(of.token_bytes());
            *hand_over = all.add(of.hand_over_bytes());
        }
        Self {
            controls,
            heads,
            uploaded,
            parts,
            zeros,
            zeros_end: all.end,
            end: all.end,
        }
    }

    /// The jobs, in memory that begins at `base`.
    fn jobs(&self, entries: &[Arc<Entry>], base: u64) -> Vec<DecodeJob> {
        let address = |at: usize| base + at as u64;
        let parts = self.heads.iter().zip(&self.parts);
        let all = entries.iter().zip(parts).enumerate();
        all.map(|(number, (entry, (head, part)))| {
            let [work, tokens, links, hand_over] = part.map(address);
            let places = Places {
                control: address(self.controls + number * CONTROL),
                pieces: address(head[0]),
                palette: address(head[1]),
                tokens,
                links,
                hand_over,
            };
            let mut own = Parts::default();
            let add = |bytes| work + own.add(bytes) as u64;
            entry.prepared.job(&places, add)
        })
        .collect()
    }

    /// Writes what is uploaded.
    fn put(&self, entries: &[Arc<Entry>], jobs: &[DecodeJob], to: &mut [u8]) {
        put(to, 0, jobs);
        for (number, (entry, [pieces, palette])) in entries.iter().zip(&self.heads).enumerate() {
            Prepared::put_control(to, self.controls + number * CONTROL);
            put(to, *pieces, &entry.prepared.pieces);
            put(to, *palette, &entry.prepared.palette);
        }
    }
}

/// The bytes of a picture's parts that are for its work alone.
fn work_bytes(of: &Prepared) -> usize {
    let places = Places {
        control: 0,
        pieces: 0,
        palette: 0,
        tokens: 0,
        links: 0,
        hand_over: 0,
    };
    let mut parts = Parts::default();
    of.job(&places, |bytes| parts.add(bytes) as u64);
    parts.end
}
