//! One decoder of an engine, with its parser.

use super::{
    abi::*,
    kind::{Attempt, Kind, Refusal},
    library::Library,
    session::{Format, Session, area, check, on_display, on_picture, on_sequence, target},
};
use crate::device::video::VideoCodec;
use std::{
    ffi::{c_int, c_ulong, c_void},
    fmt,
    ptr::{self, NonNull},
    time::{Duration, Instant},
};

/// Pictures that a decoder has in work at a time. With two, one engine is always busy. The library
/// blocks at four.
pub(super) const IN_WORK: usize = 3;

/// Surfaces of a decoder: one more, whose frame is mapped and copied meanwhile.
pub(super) const SURFACES: usize = IN_WORK + 1;

/// A frame in device memory, until it is unmapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) address: u64,
    pub(super) pitch: usize,
    /// The rows of luma.
    pub(super) rows: usize,
}

/// The library's decoder and parser. Its calls need the context that was current when it was made.
pub(super) struct Decoder {
    /// Owned. The parser has the address too, and calls back from [`start`](Self::start) alone.
    session: NonNull<Session>,
    parser: *mut c_void,
    /// The frame that is mapped.
    mapped: Option<u64>,
    /// Whether a call failed, after which the decoder is not used again.
    pub(super) is_broken: bool,
}

// SAFETY: the library's handles are tied to a context and to no thread; NVIDIA asks that one thread at a
// time uses a decoder, and every method takes `&mut self`.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder for pictures of this coded size, which may change up to the `largest`. The context
    /// must be current.
    pub(super) fn new(
        library: &'static Library,
        kind: Kind,
        coded: [u32; 2],
        largest: [u32; 2],
    ) -> Attempt<Self> {
        let mut info = CreateInfo::zero();
        let [width, height] = coded.map(c_ulong::from);
        info.width = width;
        info.height = height;
        info.decode_surfaces = SURFACES as c_ulong;
        info.codec = kind.codec();
        info.chroma = kind.chroma();
        info.flags = PREFER_CUVID;
        info.bits_minus_8 = c_ulong::from(kind.bits - 8);
        info.intra_only = c_ulong::from(kind.codec == VideoCodec::Hevc);
        [info.most_width, info.most_height] = largest.map(c_ulong::from);
        info.surface = kind.surface();
        [info.target_width, info.target_height] = target(coded).map(c_ulong::from);
        info.display_area = area(coded);
        info.output_surfaces = 1;
        let mut decoder = ptr::null_mut();
        // SAFETY: both pointers are to locals of the types that the library writes and reads.
        check("cuvidCreateDecoder", unsafe {
            (library.cuvidCreateDecoder)(&mut decoder, &mut info)
        })?;
        let session = Box::new(Session {
            library,
            kind,
            decoder,
            coded,
            largest,
            surface: 0,
            format: None,
            pictures: 0,
            in_work: 0,
            refusal: None,
        });
        Ok(Self {
            session: NonNull::from(Box::leak(session)),
            parser: ptr::null_mut(),
            mapped: None,
            is_broken: false,
        })
    }

    fn session(&mut self) -> &mut Session {
        // SAFETY: this owns the session until it drops. The library uses it only while it runs one of
        // the calls of `start`, during which no reference is alive.
        unsafe { self.session.as_mut() }
    }

    /// Whether pictures were started that are not unmapped yet.
    pub(super) fn has_work(&mut self) -> bool {
        self.session().in_work > 0
    }

    fn make_parser(&mut self) -> Attempt<()> {
        let user = self.session.as_ptr().cast();
        let session = self.session();
        let mut params = ParserParams::zero();
        params.codec = session.kind.codec();
        params.most_surfaces = SURFACES as u32;
        // Pictures with damage come, too: the engine says that they are.
        params.error_threshold = 100;
        params.user = user;
        params.on_sequence = Some(on_sequence);
        params.on_picture = Some(on_picture);
        params.on_display = Some(on_display);
        let create = session.library.cuvidCreateVideoParser;
        let mut parser = ptr::null_mut();
        // SAFETY: both pointers are to locals of the types that the library writes and reads. The
        // session that it keeps the address of outlives the parser: `drop` ends that first.
        check("cuvidCreateVideoParser", unsafe {
            create(&mut parser, &mut params)
        })?;
        self.parser = parser;
        Ok(())
    }

    fn drop_parser(&mut self) {
        if !self.parser.is_null() {
            let destroy = self.session().library.cuvidDestroyVideoParser;
            // SAFETY: the parser came from the library, and is ended only here.
            unsafe { destroy(self.parser) };
            self.parser = ptr::null_mut();
        }
    }

    /// Gives a picture to the engine, to be decoded to surface `surface`. The library copies the data.
    pub(super) fn start(&mut self, packet: &[u8], surface: usize) -> Attempt<Format> {
        if self.parser.is_null() {
            self.make_parser()?;
        }
        let session = self.session();
        session.surface = surface as c_int;
        session.pictures = 0;
        session.refusal = None;
        let parse = session.library.cuvidParseVideoData;
        let mut data = Packet::zero();
        data.flags = END_OF_PICTURE;
        data.size = packet.len() as c_ulong;
        data.data = packet.as_ptr();
        // SAFETY: the parser is alive, and the packet describes one slice, which outlives the call. No
        // reference to the session is alive, which the callbacks use.
        let parsed = check("cuvidParseVideoData", unsafe {
            parse(self.parser, &mut data)
        });
        let session = self.session();
        let (refusal, pictures) = (session.refusal.take(), session.pictures);
        let format = session.format;
        let outcome = match (refusal, parsed, pictures, format) {
            (Some(refusal), ..) => Err(refusal),
            (None, Err(refusal), ..) => Err(refusal),
            (None, Ok(()), 1, Some(format)) => {
                session.in_work += 1;
                Ok(format)
            }
            _ => Err(Refusal::Unexpected("the data are not those of one picture")),
        };
        if outcome.is_err() {
            // What is left of damaged data must not meet the next picture.
            self.drop_parser();
            // More pictures than one may be in work, of which nobody knows.
            self.is_broken |= pictures > 0;
        }
        outcome
    }

    /// Waits for the picture in `surface`, and calls `take` with its frame. The frame is there in the
    /// order of `stream`, and until [`unmap`](Self::unmap). The frame before must be unmapped.
    pub(super) fn finish<T>(
        &mut self,
        surface: usize,
        stream: *mut c_void,
        take: impl FnOnce(Frame) -> Attempt<T>,
    ) -> Attempt<T> {
        let session = self.session();
        let (library, decoder) = (session.library, session.decoder);
        let (kind, coded) = (session.kind, session.coded);
        let mut params = ProcParams::zero();
        params.progressive_frame = 1;
        params.top_field_first = 1;
        params.stream = stream;
        let (mut address, mut pitch) = (0, 0);
        let start = Instant::now();
        // SAFETY: the decoder is alive, and the pointers are to locals of the types that the library
        // writes and reads.
        let mapped = unsafe {
            (library.cuvidMapVideoFrame64)(
                decoder,
                surface as c_int,
                &mut address,
                &mut pitch,
                &mut params,
            )
        };
        let took = start.elapsed();
        if let Err(refusal) = check("cuvidMapVideoFrame64", mapped) {
            self.is_broken = true;
            return Err(refusal);
        }
        self.mapped = Some(address);
        let frame = Frame {
            address,
            pitch: pitch as usize,
            rows: target(coded)[1] as usize,
        };
        let sound = match kind.has_status() {
            true => status(library, decoder, surface),
            false if took > PATIENCE => Err(Refusal::TimedOut),
            false => Ok(()),
        };
        sound.and_then(|()| take(frame))
    }

    /// Whether there is a frame to unmap.
    pub(super) fn is_mapped(&self) -> bool {
        self.mapped.is_some()
    }

    /// Gives the frame back. What reads it must be done.
    pub(super) fn unmap(&mut self) -> Attempt<()> {
        let Some(address) = self.mapped.take() else {
            return Ok(());
        };
        let session = self.session();
        session.in_work -= 1;
        let (library, decoder) = (session.library, session.decoder);
        // SAFETY: the frame was mapped, and is unmapped only here.
        let unmapped = unsafe { (library.cuvidUnmapVideoFrame64)(decoder, address) };
        let outcome = check("cuvidUnmapVideoFrame64", unmapped);
        self.is_broken |= outcome.is_err();
        outcome
    }
}

/// The library gives a VP8 picture up after 315 ms, without a word.
const PATIENCE: Duration = Duration::from_millis(250);

/// That a picture was decoded without an error.
fn status(library: &Library, decoder: *mut c_void, surface: usize) -> Attempt<()> {
    let mut status = DecodeStatus::zero();
    // SAFETY: the decoder is alive, and the pointer is to a local of the type that the library writes.
    check("cuvidGetDecodeStatus", unsafe {
        (library.cuvidGetDecodeStatus)(decoder, surface as c_int, &mut status)
    })?;
    match status.status {
        STATUS_SUCCESS => Ok(()),
        other => Err(Refusal::Damaged(other)),
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.drop_parser();
        let _ = self.unmap();
        let session = self.session();
        // SAFETY: the decoder came from the library, and is ended only here.
        unsafe { (session.library.cuvidDestroyDecoder)(session.decoder) };
        // SAFETY: leaked from a box by `new`, and freed only here; nothing else has the address now.
        drop(unsafe { Box::from_raw(self.session.as_ptr()) });
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder")
    }
}
