//! The frames of a picture, dealt to decoders.

use super::{
    decoder::{Frame, IN_WORK, SURFACES},
    engine::{Engine, FrameStream},
    kind::{Attempt, Refusal},
    session::Format,
};
use crate::device::video::{Canvas, Video, VideoCodec, VideoSignal};
use cust::sys;
use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// The frames of a picture, which threads take one by one.
pub(super) struct Hand<'a> {
    pub(super) video: &'a Video<'a>,
    /// The numbers of the frames.
    pub(super) order: Vec<usize>,
    pub(super) canvas: &'a Canvas,
    /// The canvas in device memory.
    pub(super) to: u64,
    pub(super) next: AtomicUsize,
    pub(super) decoders: usize,
    pub(super) has_failed: AtomicBool,
}

impl Hand<'_> {
    /// Decodes frames until there are no more, and returns what their headers say. Whatever fails, every
    /// frame that was given to a decoder is taken from it again.
    pub(super) fn play(&self, engine: &mut Engine) -> Attempt<Option<VideoSignal>> {
        let mut in_work = VecDeque::new();
        let mut outcome = Ok(None);
        let mut surfaces = (0..SURFACES).cycle();
        let mut is_more = true;
        loop {
            if is_more && self.may_start(in_work.len()) && !self.has_failed.load(Ordering::Relaxed)
            {
                let next = self.next.fetch_add(1, Ordering::Relaxed);
                let next = self.order.get(next).copied().zip(surfaces.next());
                let Some((number, surface)) = next else {
                    is_more = false;
                    continue;
                };
                let packet = &self.video.packets[number];
                let Engine { decoder, data, .. } = &mut *engine;
                match decoder.start(packet.joined(data), surface) {
                    Ok(format) => in_work.push_back((number, surface, format)),
                    Err(refusal) => {
                        self.has_failed.store(true, Ordering::Relaxed);
                        outcome = Err(refusal);
                    }
                }
                continue;
            }
            let Some((number, surface, format)) = in_work.pop_front() else {
                break;
            };
            let taken = self.take(engine, number, surface, format);
            if taken.is_err() {
                self.has_failed.store(true, Ordering::Relaxed);
            }
            outcome = outcome.and_then(|signal| {
                taken?;
                match signal {
                    Some(signal) if signal != format.signal => Err(OTHER_COLOURS),
                    _ => Ok(Some(format.signal)),
                }
            });
        }
        let released = engine.release();
        outcome.and_then(|signal| released.map(|()| signal))
    }

    /// Whether a decoder that has so many frames in work may start one more. The GPU deals frames to its
    /// engines in turn, and a frame waits for the one before in its decoder. So all decoders have one
    /// before any has two: else engines wait for each other.
    fn may_start(&self, in_work: usize) -> bool {
        let is_turn = || self.next.load(Ordering::Relaxed) >= self.decoders * in_work;
        in_work < IN_WORK && (in_work == 0 || is_turn())
    }

    /// Waits for a frame, and starts to copy it.
    fn take(
        &self,
        engine: &mut Engine,
        number: usize,
        surface: usize,
        format: Format,
    ) -> Attempt<()> {
        // The copy of the frame before is done, mostly.
        engine.release()?;
        let Engine {
            decoder, stream, ..
        } = engine;
        decoder.finish(surface, stream.raw().cast(), |frame| {
            let corner = corner(self.video, format)?;
            self.copy(number, frame, corner, stream)
        })
    }

    /// Starts to copy what is shown of a frame to its place.
    fn copy(
        &self,
        number: usize,
        frame: Frame,
        corner: [u32; 2],
        stream: &FrameStream,
    ) -> Attempt<()> {
        let rows = self
            .video
            .copies(self.canvas, number, frame.pitch, frame.rows, corner);
        for rows in rows {
            let copy = sys::CUDA_MEMCPY2D {
                srcXInBytes: 0,
                srcY: 0,
                srcMemoryType: sys::CUmemorytype_enum::CU_MEMORYTYPE_DEVICE,
                srcHost: std::ptr::null(),
                srcDevice: frame.address + rows.from as u64,
                srcArray: std::ptr::null_mut(),
                srcPitch: frame.pitch,
                dstXInBytes: 0,
                dstY: 0,
                dstMemoryType: sys::CUmemorytype_enum::CU_MEMORYTYPE_DEVICE,
                dstHost: std::ptr::null_mut(),
                dstDevice: self.to + rows.to as u64,
                dstArray: std::ptr::null_mut(),
                dstPitch: rows.to_pitch,
                WidthInBytes: rows.width,
                Height: rows.height,
            };
            // SAFETY: the rows lie within the frame, which is mapped, and within the canvas; the driver
            // reads the description before it returns.
            match unsafe { sys::cuMemcpy2DAsync_v2(&copy, stream.raw()) } {
                sys::CUresult::CUDA_SUCCESS => {}
                code => {
                    return Err(Refusal::Failed {
                        call: "cuMemcpy2DAsync",
                        code: code as i32,
                    });
                }
            }
        }
        Ok(())
    }
}

pub(super) const OTHER_COLOURS: Refusal = Refusal::Unexpected("the tiles have different colours");

/// The first pixel of a frame that is shown. The frame has to be as large as its container says.
fn corner(video: &Video<'_>, format: Format) -> Attempt<[u32; 2]> {
    let [left, top, right, bottom] = format.shown;
    if video.codec == VideoCodec::Vp8 {
        // The parser rounds odd sizes down.
        let fits = (0..2).all(|i| format.coded[i] >= video.tile[i]);
        return match fits && [left, top] == [0, 0] {
            true => Ok([0, 0]),
            false => Err(WRONG_SIZE),
        };
    }
    match [right - left, bottom - top] == video.tile {
        true => Ok([left, top]),
        false => Err(WRONG_SIZE),
    }
}

const WRONG_SIZE: Refusal =
    Refusal::Unexpected("a frame is of another size than its container says");
