//! Frames by this library and by libwebp's own decoder of animations.

use super::*;
use crate::{SaveOptions, codec::webp::riff, picture::Pixels};
use imagecuda_kernels::layout::Layout;
use libwebp_sys::{
    WebPAnimDecoder, WebPAnimDecoderDelete, WebPAnimDecoderGetInfo, WebPAnimDecoderGetNext,
    WebPAnimDecoderHasMoreFrames, WebPAnimDecoderNew, WebPAnimDecoderOptions,
    WebPAnimDecoderOptionsInit, WebPAnimInfo, WebPData,
};
use std::{io::Cursor, mem::MaybeUninit, ptr};

/// The canvas of each frame and how long it is shown, up to damage, and whether there is any. `None` if
/// the file is rejected.
type Frames = Option<(Vec<(Vec<u8>, u64)>, bool)>;

fn ours(file: &[u8]) -> Frames {
    let mut animation = Animation::new(Held::Borrowed(file)).ok()?;
    let mut frames = Vec::new();
    loop {
        match animation.advance() {
            Ok(Some(delay)) => {
                let canvas = animation.canvas().unwrap().to_vec();
                frames.push((canvas, delay.as_millis() as u64));
            }
            Ok(None) => return Some((frames, false)),
            Err(_) => {
                assert!(animation.canvas().is_none());
                // It stays damaged.
                assert!(animation.advance().is_err());
                return Some((frames, true));
            }
        }
    }
}

struct Oracle(*mut WebPAnimDecoder);

impl Drop for Oracle {
    fn drop(&mut self) {
        // SAFETY: the decoder is deleted only here. libwebp takes null.
        unsafe { WebPAnimDecoderDelete(self.0) }
    }
}

fn libwebps(file: &[u8]) -> Frames {
    let data = WebPData {
        bytes: file.as_ptr(),
        size: file.len(),
    };
    let mut options = MaybeUninit::<WebPAnimDecoderOptions>::uninit();
    let mut info = WebPAnimInfo::default();
    // SAFETY: the file outlives the decoder, and libwebp writes whole structures to the others.
    let decoder = unsafe {
        assert_ne!(WebPAnimDecoderOptionsInit(options.as_mut_ptr()), 0);
        let decoder = Oracle(WebPAnimDecoderNew(&data, options.as_ptr()));
        WebPAnimDecoderGetInfo(decoder.0, &mut info);
        decoder
    };
    if decoder.0.is_null() {
        return None;
    }
    let length = info.canvas_width as usize * info.canvas_height as usize * PIXEL;
    let (mut frames, mut before) = (Vec::new(), 0);
    // SAFETY: the decoder is alive, and its canvas has the size that it says.
    unsafe {
        while WebPAnimDecoderHasMoreFrames(decoder.0) != 0 {
            let (mut canvas, mut end) = (ptr::null_mut(), 0);
            if WebPAnimDecoderGetNext(decoder.0, &mut canvas, &mut end) == 0 {
                return Some((frames, true));
            }
            let canvas = std::slice::from_raw_parts(canvas, length).to_vec();
            frames.push((canvas, (end - before) as u64));
            before = end;
        }
    }
    Some((frames, false))
}

struct Random(u32);

impl Random {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % most
    }
}

/// The chunks of a picture with any alpha, lossless or lossy.
fn picture(random: &mut Random, [width, height]: [u32; 2]) -> Vec<u8> {
    let layout = if random.below(3) == 0 {
        Layout::Rgb8
    } else {
        Layout::Rgba8
    };
    let mut data = Vec::new();
    for _ in 0..width * height {
        let alpha = [0, 255, random.below(256) as u8, 1][random.below(4) as usize];
        let color = [0; 3].map(|_| random.below(256) as u8);
        data.extend(&[&color[..], &[alpha]].concat()[..layout.channels()]);
    }
    let options = match random.below(2) {
        0 => SaveOptions::new(),
        _ => SaveOptions::new().quality(60),
    };
    let pixels = Pixels {
        width,
        height,
        layout,
        data: &data,
    };
    let mut file = Cursor::new(Vec::new());
    super::super::write(pixels, &options, &mut file).unwrap();
    let mut out = Vec::new();
    for (kind, data) in riff::chunks(&file.into_inner()) {
        if matches!(kind, b"ALPH" | b"VP8 " | b"VP8L") {
            riff::put_chunk(&mut out, kind, data);
        }
    }
    out
}

/// Frames of any place, blending and disposal, and chunks between and within them that are not frames.
fn animation(seed: u32) -> Vec<u8> {
    let random = &mut Random(seed);
    let (width, height) = (2 + random.below(19), 2 + random.below(13));
    let mut body = Vec::new();
    riff::put_chunk(&mut body, b"ANIM", &[1, 2, 3, 4, 5, 0]);
    for _ in 0..1 + random.below(7) {
        if random.below(4) == 0 {
            riff::put_chunk(&mut body, b"any ", &[7; 3]);
        }
        let [x, y] = [width, height].map(|side| random.below(side) / 2 * 2);
        let size = match random.below(3) {
            0 => [width, height],
            _ => [1 + random.below(width - x), 1 + random.below(height - y)],
        };
        let [x, y] = if size == [width, height] {
            [0, 0]
        } else {
            [x, y]
        };
        let mut frame = [x / 2, y / 2, size[0] - 1, size[1] - 1, random.below(999)]
            .map(riff::three)
            .concat();
        frame.push(random.below(4) as u8);
        match random.below(12) {
            // No picture, and something before it.
            0 => {}
            1 => riff::put_chunk(&mut frame, b"what", b"odd"),
            _ => frame.extend(picture(random, size)),
        }
        if random.below(4) == 0 {
            riff::put_chunk(&mut frame, b"more", b"even");
        }
        riff::put_chunk(&mut body, b"ANMF", &frame);
    }
    let metadata = crate::Metadata::new();
    let mut file = riff::extended(
        riff::ANIMATION | riff::ALPHA,
        (width, height),
        &metadata,
        &body,
    )
    .unwrap();
    if random.below(3) == 0 {
        file.extend(b"ALPH\x04\0\0\0rest");
    }
    file
}

#[test]
fn frames_are_libwebps_bit_for_bit() {
    let (mut frames, mut blended) = (0, 0);
    for seed in 0..120 {
        let file = animation(seed * 7919);
        let found = ours(&file);
        assert!(found == libwebps(&file), "seed {seed}");
        let found = found.map_or(Vec::new(), |(frames, _)| frames);
        frames += found.len();
        blended += found
            .iter()
            .filter(|(canvas, _)| canvas[3] % 255 != 0)
            .count();
    }
    assert!(frames > 200 && blended > 10, "{frames}, {blended}");
}

#[test]
fn damage_ends_where_it_does_for_libwebp() {
    let files: Vec<Vec<u8>> = (0..32).map(|seed| animation(seed * 31)).collect();
    let (mut rejected, mut stopped) = (0, 0);
    // After the extended header, as a giant canvas takes long.
    const HEADER: u32 = 30;
    for seed in 0..320 {
        let mut file = files[seed as usize % files.len()].clone();
        let random = &mut Random(seed);
        for _ in 0..1 + random.below(3) {
            let at = HEADER + random.below(file.len() as u32 - HEADER);
            file[at as usize] ^= 1 << random.below(8);
        }
        let found = ours(&file);
        assert!(found == libwebps(&file), "seed {seed}");
        match found {
            None => rejected += 1,
            Some((_, true)) => stopped += 1,
            _ => {}
        }
        let whole = super::super::demux::whole_frames(&file[..file.len() / 2]).unwrap();
        assert!(ours(&whole) == libwebps(&whole), "a half of seed {seed}");
    }
    assert!(rejected > 5 && stopped > 0, "{rejected}, {stopped}");
}

/// Each frame is looked for where the one before it ends, not among all of them.
#[test]
fn frames_are_found_one_after_another() {
    let file = (0..)
        .map(animation)
        .find(|file| ours(file).is_some_and(|(all, _)| all.len() > 4));
    let file = file.unwrap();
    let mut animation = Animation::new(Held::Borrowed(&file)).unwrap();
    let mut before = super::super::demux::RIFF;
    while animation.advance().unwrap().is_some() {
        let (frame, _) = animation.last.as_ref().unwrap();
        assert!(before < frame.picture.start && frame.picture.end <= animation.at);
        before = animation.at;
    }
}
