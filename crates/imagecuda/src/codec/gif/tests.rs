use super::*;
use crate::{
    SaveOptions,
    codec::{self, EncodeRequest, animation as animations},
    picture::Pixels,
};
use std::time::Duration;

const ALPHAS: [u8; 6] = [0, 1, 127, 128, 254, 255];

/// A pixel of each alpha. The colours are all different, and not black.
fn pixels(first: u8) -> Vec<u8> {
    let pixel = |(i, &alpha): (usize, &u8)| [first + i as u8, 90, 200, alpha];
    ALPHAS.iter().enumerate().flat_map(pixel).collect()
}

fn picture(data: &[u8]) -> Pixels<'_> {
    Pixels {
        width: ALPHAS.len() as u32,
        height: 1,
        layout: Layout::Rgba8,
        data,
    }
}

/// The frames of a file as they are composed.
fn frames(file: Vec<u8>) -> Vec<Vec<u8>> {
    let options = crate::LoadOptions::new();
    let mut sequence = codec::open_sequence(Format::Gif, file, &options).unwrap();
    let mut frames = Vec::new();
    loop {
        let Some((frame, _)) = sequence.peek().unwrap() else {
            break;
        };
        let mut out = vec![0xa5; frame.header().bytes()];
        frame.read_into(&mut out).unwrap();
        frames.push(out);
        sequence.skip().unwrap();
    }
    frames
}

/// An alpha of a half or more is opaque, and so it is in the frames of an animation.
#[test]
fn alpha_is_on_or_off() {
    let expected = |first: u8| -> Vec<u8> {
        let shown = |(i, &alpha): (usize, &u8)| match alpha {
            ..128 => [0; 4],
            _ => [first + i as u8, 90, 200, 255],
        };
        ALPHAS.iter().enumerate().flat_map(shown).collect()
    };
    let options = SaveOptions::new();
    let (one, two) = (pixels(10), pixels(50));
    let mut file = Cursor::new(Vec::new());
    codec::encode(
        Format::Gif,
        EncodeRequest::new(picture(&one), &options),
        &mut file,
    )
    .unwrap();
    assert_eq!(frames(file.into_inner()), [expected(10)]);

    let mut writer = animations::open(Format::Gif, &options, None).unwrap();
    for frame in [&one, &two, &two] {
        let delay = Duration::from_millis(10);
        writer.push(picture(frame), delay).unwrap();
    }
    let found = frames(writer.finish().unwrap());
    assert_eq!(found, [expected(10), expected(50), expected(50)]);
}
