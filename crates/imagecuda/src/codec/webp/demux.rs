//! Decodes animated WebP with libwebp.
#![allow(unsafe_code)] // a C interface, which keeps pointers into what it reads

use crate::{Error, Result, codec::composed::Bytes, memory};
use libwebp_sys::{
    WEBP_CSP_MODE, WebPAnimDecoder, WebPAnimDecoderDelete, WebPAnimDecoderGetInfo,
    WebPAnimDecoderGetNext, WebPAnimDecoderHasMoreFrames, WebPAnimDecoderNew,
    WebPAnimDecoderOptions, WebPAnimDecoderOptionsInit, WebPAnimInfo, WebPData, WebPDemuxDelete,
    WebPDemuxGetI, WebPDemuxInternal, WebPFormatFeature, WebPGetDemuxABIVersion,
};
use std::{
    mem::MaybeUninit,
    ptr::{self, NonNull},
    time::Duration,
};

/// Whether the extended header says that the file is animated.
pub(super) fn is_animated(bytes: &[u8]) -> bool {
    bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & 2 != 0)
}

/// How many frames an animation has. If the file is cut short, those count that begin in it.
/// libwebp alone finds either all frames or those that are complete.
pub(super) fn count(bytes: &[u8]) -> u32 {
    let cut = || {
        let whole = whole_frames(bytes).ok();
        let whole = whole.and_then(|whole| demux(&whole, false));
        demux(bytes, true).max(whole)
    };
    demux(bytes, false).or_else(cut).unwrap_or(0)
}

/// How many frames libwebp finds. `None` if it rejects the file. It rejects a file that is cut
/// short, unless `partial` is set.
fn demux(bytes: &[u8], partial: bool) -> Option<u32> {
    let data = WebPData {
        bytes: bytes.as_ptr(),
        size: bytes.len(),
    };
    // SAFETY: `data` describes one slice, which outlives the demuxer: that is deleted here.
    // libwebp takes null for the state, which is not wanted.
    unsafe {
        let version = WebPGetDemuxABIVersion();
        let demuxer = WebPDemuxInternal(&data, partial.into(), ptr::null_mut(), version);
        let demuxer = NonNull::new(demuxer)?;
        let count = WebPDemuxGetI(demuxer.as_ptr(), WebPFormatFeature::WEBP_FF_FRAME_COUNT);
        WebPDemuxDelete(demuxer.as_ptr());
        Some(count)
    }
}

/// The file up to its last complete frame. libwebp rejects an incomplete frame.
pub(super) fn whole_frames(bytes: &[u8]) -> Result<Vec<u8>> {
    const RIFF: usize = 12;
    let mut end = RIFF;
    while let Some(chunk) = bytes.get(end..)
        && let Some(&length) = chunk.get(4..).and_then(|rest| rest.first_chunk())
    {
        let length = u32::from_le_bytes(length) as usize;
        // Including the padding byte of odd lengths.
        let length = length.saturating_add(8 + length % 2);
        if length > chunk.len() {
            break;
        }
        end += length;
    }
    let mut whole = memory::copied(bytes.get(..end).unwrap_or_default())?;
    if let Some(length) = whole.get_mut(4..8) {
        length.copy_from_slice(&((end - 8) as u32).to_le_bytes());
    }
    Ok(whole)
}

/// The bytes of a file, borrowed or shared. They neither change nor move while this exists.
pub(super) enum Held<'a> {
    Borrowed(&'a [u8]),
    Shared(Bytes),
}

impl From<Vec<u8>> for Held<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Shared(bytes.into())
    }
}

/// libwebp's animation decoder, which composes frames on its own canvas.
pub(super) struct Animation<'a> {
    decoder: NonNull<WebPAnimDecoder>,
    info: WebPAnimInfo,
    /// The decoder's canvas, after the first frame.
    canvas: Option<NonNull<u8>>,
    /// The time at which the current frame ends, in milliseconds.
    end: i32,
    /// The decoder keeps pointers into these.
    _bytes: Held<'a>,
}

// SAFETY: libwebp's decoder is plain memory of its own, tied to no thread: it keeps no thread
// between calls and uses no thread-local storage. What it points to is `Held`, which is Send and
// only ever read. It is not Sync, nor need it be: all that changes it takes `&mut self`.
unsafe impl Send for Animation<'_> {}

impl<'a> Animation<'a> {
    pub(super) fn new(bytes: Held<'a>) -> Result<Self> {
        let slice = match &bytes {
            Held::Borrowed(bytes) => bytes,
            Held::Shared(bytes) => bytes.as_ref(),
        };
        let data = WebPData {
            bytes: slice.as_ptr(),
            size: slice.len(),
        };
        let mut options = MaybeUninit::<WebPAnimDecoderOptions>::uninit();
        // SAFETY: `options` has room for what the first call writes, and is only read if that
        // call succeeded. `data` describes one slice; the structures themselves are copied. The
        // slice outlives the decoder: it is borrowed for `'a`, or lies on the heap in an `Arc`
        // that is kept beside the decoder, and moving either moves no byte of it.
        let decoder = unsafe {
            if WebPAnimDecoderOptionsInit(options.as_mut_ptr()) == 0 {
                ptr::null_mut()
            } else {
                let options = options.assume_init_mut();
                options.color_mode = WEBP_CSP_MODE::MODE_RGBA;
                options.use_threads = 1;
                WebPAnimDecoderNew(&data, options)
            }
        };
        let decoder =
            NonNull::new(decoder).ok_or_else(|| Error::decode("the animation is damaged"))?;
        let mut animation = Self {
            decoder,
            info: WebPAnimInfo::default(),
            canvas: None,
            end: 0,
            _bytes: bytes,
        };
        // SAFETY: the decoder is alive until `animation` drops, and libwebp writes one structure
        // of that type. It fails for null pointers alone.
        unsafe { WebPAnimDecoderGetInfo(decoder.as_ptr(), &mut animation.info) };
        Ok(animation)
    }

    pub(super) fn info(&self) -> &WebPAnimInfo {
        &self.info
    }

    /// Draws the next frame, and returns how long it is shown. `None` after the last.
    pub(super) fn advance(&mut self) -> Result<Option<Duration>> {
        // SAFETY: the decoder is alive until `self` drops.
        if unsafe { WebPAnimDecoderHasMoreFrames(self.decoder.as_ptr()) } == 0 {
            return Ok(None);
        }
        let mut canvas = ptr::null_mut();
        let mut end = 0;
        // SAFETY: as above, and the other pointers are to locals of the types that libwebp
        // writes.
        let ok =
            unsafe { WebPAnimDecoderGetNext(self.decoder.as_ptr(), &mut canvas, &mut end) != 0 };
        self.canvas = NonNull::new(canvas).filter(|_| ok);
        if self.canvas.is_none() {
            return Err(Error::decode("a frame is damaged or cut short"));
        }
        // libwebp's time is an `int`, which wraps around after 24 days.
        let delay = end.wrapping_sub(self.end);
        self.end = end;
        Ok(Some(Duration::from_millis(u64::from(
            delay.cast_unsigned(),
        ))))
    }

    /// The canvas with the last frame: RGBA of the file's width and height.
    pub(super) fn canvas(&self) -> Option<&[u8]> {
        let length = self.info.canvas_width as usize * self.info.canvas_height as usize * 4;
        // SAFETY: it is the decoder's own buffer of canvas_width x canvas_height RGBA pixels,
        // allocated with it and freed with it, and all of it initialised, as libwebp begins by
        // zeroing it. It is written by `advance` alone, which needs `self` exclusively, while
        // the slice borrows `self`.
        self.canvas
            .map(|canvas| unsafe { std::slice::from_raw_parts(canvas.as_ptr(), length) })
    }
}

impl Drop for Animation<'_> {
    fn drop(&mut self) {
        // SAFETY: the decoder came from WebPAnimDecoderNew, and is deleted only here.
        unsafe { WebPAnimDecoderDelete(self.decoder.as_ptr()) }
    }
}
