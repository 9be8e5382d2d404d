//! What a decoder and its parser share, and the functions that the parser calls back.

use super::{
    abi::*,
    decoder::SURFACES,
    kind::{Attempt, Kind, Refusal},
    library::Library,
};
use crate::device::video::VideoSignal;
use std::ffi::{c_int, c_short, c_void};

/// What the parser said about a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) coded: [u32; 2],
    /// What is shown: left, top, right, bottom.
    pub(super) shown: [u32; 4],
    pub(super) signal: VideoSignal,
}

/// What the parser's callbacks work on.
pub(super) struct Session {
    pub(super) library: &'static Library,
    pub(super) kind: Kind,
    pub(super) decoder: *mut c_void,
    /// The size that the decoder is configured for.
    pub(super) coded: [u32; 2],
    pub(super) largest: [u32; 2],
    pub(super) surface: c_int,
    pub(super) format: Option<Format>,
    pub(super) pictures: u32,
    /// Pictures that were started and are not unmapped yet.
    pub(super) in_work: u32,
    pub(super) refusal: Option<Refusal>,
}

pub(super) fn check(call: &'static str, code: c_int) -> Attempt<()> {
    match code {
        0 => Ok(()),
        // CUDA_ERROR_OUT_OF_MEMORY.
        2 => Err(Refusal::NoMemory),
        code => Err(Refusal::Failed { call, code }),
    }
}

/// The size of frames in memory, which is even.
pub(super) fn target(coded: [u32; 2]) -> [u32; 2] {
    coded.map(|side| side.next_multiple_of(2))
}

/// All of a frame.
pub(super) fn area(coded: [u32; 2]) -> [c_short; 4] {
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
            // The library would give the frames in work the new size.
            if self.in_work > 0 {
                return Err(Refusal::Unexpected("the tiles have different coded sizes"));
            }
            let mut info = ReconfigureInfo::zero();
            [info.width, info.height] = coded;
            [info.target_width, info.target_height] = target(coded);
            info.decode_surfaces = SURFACES as u32;
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

pub(super) extern "C" fn on_sequence(user: *mut c_void, format: *mut VideoFormat) -> c_int {
    // SAFETY: the library passes the session that the parser was made with, to which no other
    // reference is alive, and a format that begins with these fields.
    let (session, format) = unsafe { (&mut *user.cast::<Session>(), &*format) };
    let outcome = session.begin(format);
    session.answer(outcome)
}

pub(super) extern "C" fn on_picture(user: *mut c_void, picture: *mut PicParams) -> c_int {
    // SAFETY: as above, with the parameters of a picture.
    let (session, picture) = unsafe { (&mut *user.cast::<Session>(), &mut *picture) };
    let outcome = session.decode(picture);
    session.answer(outcome)
}

/// Pictures are fetched in the order in which they were given.
pub(super) extern "C" fn on_display(_: *mut c_void, _: *mut c_void) -> c_int {
    1
}
