//! Finds the frames of animated WebP. libwebp checks the whole file.
#![allow(unsafe_code)] // a C interface

use super::compose::Frame;
use crate::{Error, Result, codec::composed::Bytes, memory};
use libwebp_sys::{
    VP8StatusCode, WebPBitstreamFeatures, WebPData, WebPDemuxDelete, WebPDemuxGetI,
    WebPDemuxInternal, WebPDemuxer, WebPFormatFeature, WebPGetDemuxABIVersion, WebPGetFeatures,
};
use std::{
    mem::MaybeUninit,
    ptr::{self, NonNull},
    time::Duration,
};

/// The size of the file's header, after which the chunks begin.
pub(super) const RIFF: usize = 12;

/// Whether the extended header says that the file is animated.
pub(super) fn is_animated(bytes: &[u8]) -> bool {
    bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & 2 != 0)
}

/// How many frames an animation has. If the file is cut short, those count that begin in it.
/// libwebp alone finds either all frames or those that are complete.
pub(super) fn count(bytes: &[u8]) -> u32 {
    let frames = |info: Info| info.frames;
    let cut = || {
        let whole = whole_frames(bytes).ok();
        let whole = whole.and_then(|whole| Info::demux(&whole, false).map(frames));
        Info::demux(bytes, true).map(frames).max(whole)
    };
    let whole = Info::demux(bytes, false).map(frames);
    whole.or_else(cut).unwrap_or(0)
}

/// What an animation says of itself.
#[derive(Clone, Copy)]
pub(super) struct Info {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) loop_count: u32,
    pub(super) frames: u32,
}

impl Info {
    /// Fails unless libwebp takes the file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let info = features(bytes).and_then(|_| Self::demux(bytes, false));
        info.ok_or_else(|| Error::decode("the animation is damaged"))
    }

    /// What libwebp finds. `None` if it rejects the file. It rejects a file that is cut short, unless
    /// `partial` is set.
    fn demux(bytes: &[u8], partial: bool) -> Option<Self> {
        let data = WebPData {
            bytes: bytes.as_ptr(),
            size: bytes.len(),
        };
        // SAFETY: `data` describes one slice, which outlives the demuxer: that is deleted here.
        // libwebp takes null for the state, which is not wanted.
        unsafe {
            let version = WebPGetDemuxABIVersion();
            let demuxer = WebPDemuxInternal(&data, partial.into(), ptr::null_mut(), version);
            let demuxer: NonNull<WebPDemuxer> = NonNull::new(demuxer)?;
            let number = |feature| WebPDemuxGetI(demuxer.as_ptr(), feature);
            let info = Self {
                width: number(WebPFormatFeature::WEBP_FF_CANVAS_WIDTH),
                height: number(WebPFormatFeature::WEBP_FF_CANVAS_HEIGHT),
                loop_count: number(WebPFormatFeature::WEBP_FF_LOOP_COUNT),
                frames: number(WebPFormatFeature::WEBP_FF_FRAME_COUNT),
            };
            WebPDemuxDelete(demuxer.as_ptr());
            Some(info)
        }
    }
}

/// What the header of a picture says.
fn features(bytes: &[u8]) -> Option<WebPBitstreamFeatures> {
    let mut features = MaybeUninit::<WebPBitstreamFeatures>::uninit();
    // SAFETY: the pointer and the length are of one slice, which outlives the call; libwebp writes a
    // whole `WebPBitstreamFeatures` to the second pointer, which has room for one. It zeroes the
    // structure before anything else.
    unsafe {
        let status = WebPGetFeatures(bytes.as_ptr(), bytes.len(), features.as_mut_ptr());
        (status == VP8StatusCode::VP8_STATUS_OK).then(|| features.assume_init())
    }
}

/// The first frame among the chunks from `at` on, and where the chunks after it are. The file is one
/// that libwebp takes. As there, a frame's picture is what comes first in its chunk, and what follows
/// that within the chunk counts as chunks of the file.
pub(super) fn frame_after(file: &[u8], mut at: usize) -> Option<(Frame, usize)> {
    loop {
        let (kind, end) = chunk(file, at)?;
        if kind != b"ANMF" {
            at = end;
            continue;
        }
        let fields: &[u8; 16] = file.get(at + 8..)?.first_chunk()?;
        let three = |i: usize| {
            let [a, b, c] = [0, 1, 2].map(|byte| usize::from(fields[i + byte]));
            a | b << 8 | c << 16
        };
        at += 8 + fields.len();
        let (mut alpha, mut picture) = (None, None);
        while let Some((kind, end)) = chunk(file, at) {
            match kind {
                b"ALPH" if alpha.is_none() && picture.is_none() => alpha = Some(at),
                b"VP8 " | b"VP8L" if picture.is_none() => picture = Some(at..end),
                _ => break,
            }
            at = end;
        }
        // A chunk without a picture is no frame.
        let Some(picture) = picture else { continue };
        let features = features(file.get(picture.clone())?)?;
        let side = |side: i32| usize::try_from(side).ok().filter(|&side| side > 0);
        let (x, y) = (2 * three(0), 2 * three(3));
        let frame = Frame {
            picture: alpha.unwrap_or(picture.start)..picture.end,
            x: x..x + side(features.width)?,
            y: y..y + side(features.height)?,
            has_alpha: alpha.is_some() || features.has_alpha != 0,
            is_blended: fields[15] & 2 == 0,
            is_disposed: fields[15] & 1 != 0,
            delay: Duration::from_millis(three(12) as u64),
        };
        return Some((frame, at));
    }
}

/// The name of the chunk at `at`, and where it ends.
fn chunk(file: &[u8], at: usize) -> Option<(&[u8; 4], usize)> {
    let (kind, rest) = file.get(at..)?.split_first_chunk()?;
    let length = u32::from_le_bytes(*rest.first_chunk()?) as usize;
    // Including the padding byte of odd lengths.
    let end = at.checked_add(8)?.checked_add(length)?;
    let end = end.checked_add(length % 2)?;
    (end <= file.len()).then_some((kind, end))
}

/// The file up to its last complete frame. libwebp rejects an incomplete frame.
pub(super) fn whole_frames(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut end = RIFF;
    while let Some((_, after)) = chunk(bytes, end) {
        end = after;
    }
    let mut whole = memory::copied(bytes.get(..end).unwrap_or_default())?;
    if let Some(length) = whole.get_mut(4..8) {
        length.copy_from_slice(&((end - 8) as u32).to_le_bytes());
    }
    Ok(whole)
}

/// The bytes of a file, borrowed or shared.
pub(super) enum Held<'a> {
    Borrowed(&'a [u8]),
    Shared(Bytes),
}

impl AsRef<[u8]> for Held<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes.as_ref(),
        }
    }
}

impl From<Vec<u8>> for Held<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Shared(bytes.into())
    }
}
