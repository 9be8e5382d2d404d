//! One decoder of an engine, with its parser.

use super::{
    abi::{self, *},
    library::Library,
};
use crate::device::video::{VideoCodec, VideoSignal};
use std::{
    ffi::{c_int, c_short, c_ulong, c_void},
    fmt,
    ptr::{self, NonNull},
    time::{Duration, Instant},
};

/// Why an engine did not decode a picture. The host decodes it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no library.
    NoLibrary(&'static str),
    /// The engines do not decode such pictures.
    Unsupported,
    /// No decoder was free, and to make one takes longer than the host.
    NotWorthIt,
    /// The data are not those of one picture of the expected kind.
    Unexpected(&'static str),
    /// The engine says that the data are damaged.
    Damaged(i32),
    /// An engine that gives up takes so long, and says nothing.
    TimedOut,
    /// A call failed.
    Failed { call: &'static str, code: i32 },
    /// The GPU has too little memory.
    NoMemory,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLibrary(why) => write!(f, "there is no libnvcuvid: {why}"),
            Self::Unsupported => f.write_str("the video engines do not decode such pictures"),
            Self::NotWorthIt => f.write_str("the host is faster than a new decoder"),
            Self::Unexpected(what) => f.write_str(what),
            Self::Damaged(status) => write!(f, "the engine reports damage (status {status})"),
            Self::TimedOut => f.write_str("the engine took too long"),
            Self::Failed { call, code } => write!(f, "{call} failed with code {code}"),
            Self::NoMemory => f.write_str("the GPU has too little memory"),
        }
    }
}

pub(super) type Attempt<T> = Result<T, Refusal>;

/// What a decoder is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) codec: VideoCodec,
    pub(super) is_444: bool,
    pub(super) bits: u8,
    /// VP8 decoders remember segments, and use them for pictures that have none.
    pub(super) has_segments: bool,
}

impl Kind {
    pub(super) fn codec(self) -> i32 {
        match self.codec {
            VideoCodec::Hevc => abi::codec::HEVC,
            VideoCodec::Vp8 => abi::codec::VP8,
            VideoCodec::Av1 => abi::codec::AV1,
        }
    }

    pub(super) fn chroma(self) -> i32 {
        match self.is_444 {
            true => abi::chroma::YUV444,
            false => abi::chroma::YUV420,
        }
    }

    pub(super) fn surface(self) -> i32 {
        match (self.is_444, self.bits > 8) {
            (false, false) => surface::NV12,
            (false, true) => surface::P016,
            (true, false) => surface::YUV444,
            (true, true) => surface::YUV444_16,
        }
    }

    /// VP8 has no status of pictures.
    fn has_status(self) -> bool {
        self.codec != VideoCodec::Vp8
    }
}

/// Pictures that a decoder has in work at a time. With two, one engine is always busy. The library
/// blocks at four.
pub(super) const IN_WORK: usize = 3;

/// What the parser said about a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) coded: [u32; 2],
    /// What is shown: left, top, right, bottom.
    pub(super) shown: [u32; 4],
    pub(super) signal: VideoSignal,
}

/// A frame in device memory, until it is unmapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) address: u64,
    pub(super) pitch: usize,
    /// The rows of luma.
    pub(super) rows: usize,
}

/// What the parser's callbacks work on.
struct Session {
    library: &'static Library,
    kind: Kind,
    decoder: *mut c_void,
    /// The size that the decoder is configured for.
    coded: [u32; 2],
    largest: [u32; 2],
    surface: c_int,
    format: Option<Format>,
    pictures: u32,
    refusal: Option<Refusal>,
}

/// The library's decoder and parser. Its calls need the context that was current when it was made.
pub(super) struct Decoder {
    /// Owned. The parser has the address too, and calls back from [`start`](Self::start) alone.
    session: NonNull<Session>,
    parser: *mut c_void,
    /// Whether a call failed, after which the decoder is not used again.
    pub(super) is_broken: bool,
}

// SAFETY: the library's handles are tied to a context and to no thread; NVIDIA asks that one thread at a
// time uses a decoder, and every method takes `&mut self`.
unsafe impl Send for Decoder {}

fn check(call: &'static str, code: c_int) -> Attempt<()> {
    match code {
        0 => Ok(()),
        // CUDA_ERROR_OUT_OF_MEMORY.
        2 => Err(Refusal::NoMemory),
        code => Err(Refusal::Failed { call, code }),
    }
}

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
        info.decode_surfaces = IN_WORK as c_ulong;
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
            refusal: None,
        });
        Ok(Self {
            session: NonNull::from(Box::leak(session)),
            parser: ptr::null_mut(),
            is_broken: false,
        })
    }

    fn session(&mut self) -> &mut Session {
        // SAFETY: this owns the session until it drops. The library uses it only while it runs one of
        // the calls of `start`, during which no reference is alive.
        unsafe { self.session.as_mut() }
    }

    fn make_parser(&mut self) -> Attempt<()> {
        let user = self.session.as_ptr().cast();
        let session = self.session();
        let mut params = ParserParams::zero();
        params.codec = session.kind.codec();
        params.most_surfaces = IN_WORK as u32;
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
            (None, Ok(()), 1, Some(format)) => Ok(format),
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
    /// order of `stream`, and until `take` returns.
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
        let taken = sound.and_then(|()| take(frame));
        // SAFETY: the frame was mapped above, and is unmapped only here.
        let unmapped = unsafe { (library.cuvidUnmapVideoFrame64)(decoder, address) };
        if let Err(refusal) = check("cuvidUnmapVideoFrame64", unmapped) {
            self.is_broken = true;
            return Err(refusal);
        }
        taken
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

/// The size of frames in memory, which is even.
fn target(coded: [u32; 2]) -> [u32; 2] {
    coded.map(|side| side.next_multiple_of(2))
}

/// All of a frame.
fn area(coded: [u32; 2]) -> [c_short; 4] {
    let [right, bottom] = target(coded).map(|side| side as c_short);
    [0, 0, right, bottom]
}

impl Session {
    /// Makes the decoder ready for a sequence.
    fn begin(&mut self, format: &VideoFormat) -> Attempt<()> {
        let bits = self.kind.bits - 8;
        let is_expected = format.codec == self.kind.codec()
            && format.chroma == self.kind.chroma()
            && format.luma_bits_minus_8 == bits
            && format.chroma_bits_minus_8 == bits;
        if !is_expected {
            return Err(Refusal::Unexpected(
                "the data are of another kind than their container says",
            ));
        }
        let coded = [format.coded_width, format.coded_height];
        let fits = (0..2).all(|i| (1..=self.largest[i]).contains(&coded[i]));
        let side = |side: c_int| u32::try_from(side).ok();
        let [left, top, right, bottom] = format.display_area.map(side);
        let shown = (|| Some([left?, top?, right?, bottom?]))();
        let shown = shown.filter(|[left, top, right, bottom]| {
            left < right && top < bottom && *right <= coded[0] && *bottom <= coded[1]
        });
        let (true, Some(shown)) = (fits, shown) else {
            return Err(Refusal::Unexpected(
                "the data are of another size than their container says",
            ));
        };
        if coded != self.coded {
            let mut info = ReconfigureInfo::zero();
            [info.width, info.height] = coded;
            [info.target_width, info.target_height] = target(coded);
            info.decode_surfaces = IN_WORK as u32;
            info.display_area = area(coded);
            // SAFETY: the decoder is alive, and the pointer is to a local of the type that the library
            // reads.
            check("cuvidReconfigureDecoder", unsafe {
                (self.library.cuvidReconfigureDecoder)(self.decoder, &mut info)
            })?;
            self.coded = coded;
        }
        self.format = Some(Format {
            coded,
            shown,
            signal: VideoSignal {
                matrix: format.matrix,
                full_range: format.signal & 8 != 0,
            },
        });
        Ok(())
    }

    fn decode(&mut self, picture: &mut PicParams) -> Attempt<()> {
        if self.pictures > 0 {
            return Err(Refusal::Unexpected(
                "the data are those of several pictures",
            ));
        }
        picture.surface = self.surface;
        // SAFETY: the decoder is alive, and the parser made the parameters.
        check("cuvidDecodePicture", unsafe {
            (self.library.cuvidDecodePicture)(self.decoder, picture)
        })?;
        self.pictures += 1;
        Ok(())
    }

    /// 1 for success, as the parser wants it. The first refusal is the cause.
    fn answer(&mut self, outcome: Attempt<()>) -> c_int {
        match outcome {
            Ok(()) => 1,
            Err(refusal) => {
                self.refusal.get_or_insert(refusal);
                0
            }
        }
    }
}

extern "C" fn on_sequence(user: *mut c_void, format: *mut VideoFormat) -> c_int {
    // SAFETY: the library passes the session that the parser was made with, to which no other
    // reference is alive, and a format that begins with these fields.
    let (session, format) = unsafe { (&mut *user.cast::<Session>(), &*format) };
    let outcome = session.begin(format);
    session.answer(outcome)
}

extern "C" fn on_picture(user: *mut c_void, picture: *mut PicParams) -> c_int {
    // SAFETY: as above, with the parameters of a picture.
    let (session, picture) = unsafe { (&mut *user.cast::<Session>(), &mut *picture) };
    let outcome = session.decode(picture);
    session.answer(outcome)
}

/// Pictures are fetched in the order in which they were given.
extern "C" fn on_display(_: *mut c_void, _: *mut c_void) -> c_int {
    1
}
