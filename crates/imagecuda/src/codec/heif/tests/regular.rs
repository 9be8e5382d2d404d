//! Files that are sloppy around their pictures, and sequences, of which the first frame is the picture.

use super::*;
use crate::codec::heif::boxes::{boxes, child, spans};
use imagecuda_kernels::orient::Orientation;

/// Of which coders code no more.
const SIZE: (u32, u32) = (80, 64);

pub(in crate::codec::heif) fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = (body.len() as u32 + 8).to_be_bytes();
    [&length, &kind[..], &body].concat()
}

/// The place of a box's kind, wherever it is.
fn place(file: &[u8], kind: &[u8; 4]) -> usize {
    file.windows(4).position(|four| four == kind).unwrap()
}

/// The file with its `meta` box at the end, made of other children.
pub(in crate::codec::heif) fn with_meta(
    file: &[u8],
    change: impl Fn(&[u8; 4], &[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let meta = child(file, b"meta").unwrap();
    let children: Vec<u8> = boxes(&meta[4..])
        .flat_map(|(kind, body)| change(kind, body))
        .collect();
    let mut out = file.to_vec();
    out[place(file, b"meta")..][..4].copy_from_slice(b"free");
    out.extend(boxed(b"meta", &[&[0; 4], &children]));
    out
}

fn is_the_same(format: Format, changed: &[u8], whole: &[u8], what: &str) {
    let found = decode(format, changed).unwrap_or_else(|error| panic!("{format} {what}: {error}"));
    assert!(found == decode(format, whole).unwrap(), "{format} {what}");
    assert_eq!(found.0.layout, Layout::Rgba8, "{format} {what}");
    // Also what the engines read is regular.
    let heif = read_header(format, changed, &Limits::default()).unwrap();
    assert!(heif.view.is_some(), "{format} {what}");
}

/// With alpha and EXIF, so that there are several items and references.
fn file(format: Format) -> Vec<u8> {
    let data = picture(SIZE.0, SIZE.1, Layout::Rgba8);
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0";
    let metadata = crate::Metadata::new().with_exif(exif);
    let options = SaveOptions::new().quality(90).metadata(metadata);
    encode(format, SIZE, Layout::Rgba8, &data, &options).unwrap()
}

#[test]
fn the_primary_picture_may_be_unnamed() {
    for format in FORMATS {
        let whole = file(format);
        let mut unnamed = whole.clone();
        let at = place(&whole, b"pitm");
        unnamed[at..][..4].copy_from_slice(b"skip");
        is_the_same(format, &unnamed, &whole, "without pitm");
        let metadata = crate::codec::heif::metadata::metadata;
        assert!(metadata(&whole).exif.is_some(), "{format}");
        assert_eq!(metadata(&unnamed).exif, metadata(&whole).exif, "{format}");
        assert_eq!(metadata(&unnamed).applied, Some(Orientation::Normal));

        // Alpha is not the picture, though it be the first item that is not hidden.
        let turned = with_meta(&unnamed, |kind, body| match kind {
            b"iinf" => {
                let head = if body[0] == 0 { 6 } else { 8 };
                let mut entries: Vec<_> = boxes(&body[head..]).collect();
                entries.reverse();
                let entries = entries.iter().flat_map(|(kind, body)| {
                    let mut entry = boxed(kind, &[body]);
                    entry[11] &= !1;
                    entry
                });
                boxed(kind, &[&body[..head], &entries.collect::<Vec<_>>()])
            }
            _ => boxed(kind, &[body]),
        });
        is_the_same(format, &turned, &whole, "alpha first");
    }
}

#[test]
fn the_meta_box_may_reach_to_the_end() {
    for format in FORMATS {
        let whole = file(format);
        for without_pitm in [false, true] {
            let mut open = with_meta(&whole, |kind, body| match (kind, without_pitm) {
                (b"pitm", true) => Vec::new(),
                _ => boxed(kind, &[body]),
            });
            let start = spans(&open).last().unwrap().start;
            open[start..][..4].fill(0);
            is_the_same(format, &open, &whole, "open meta");
        }
    }
}

#[test]
fn references_may_be_in_several_boxes() {
    for format in FORMATS {
        let whole = file(format);
        for turned in [false, true] {
            for between in [&b""[..], &boxed(b"free", &[b"something"])] {
                let split = with_meta(&whole, |kind, body| match kind {
                    b"iref" => {
                        assert!(boxes(&body[4..]).count() > 1);
                        let mut lists: Vec<_> = boxes(&body[4..])
                            .map(|(kind, entry)| {
                                boxed(b"iref", &[&body[..4], &boxed(kind, &[entry])])
                            })
                            .collect();
                        if turned {
                            lists.reverse();
                        }
                        lists.join(between)
                    }
                    _ => boxed(kind, &[body]),
                });
                is_the_same(format, &split, &whole, "split references");
            }
        }
    }
}

/// A still picture's coded data, and the properties that a description of a track has.
fn coded(still: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let data = child(still, b"mdat").unwrap().to_vec();
    let meta = &child(still, b"meta").unwrap()[4..];
    let properties = child(child(meta, b"iprp").unwrap(), b"ipco").unwrap();
    let known = |kind: &[u8; 4]| matches!(kind, b"av1C" | b"hvcC" | b"colr");
    let properties = boxes(properties).filter(|(kind, _)| known(kind));
    let properties = properties.flat_map(|(kind, body)| boxed(kind, &[body]));
    (data, properties.collect())
}

/// A track of a frame at `offset` and another.
struct Track<'a> {
    id: u32,
    handler: &'a [u8; 4],
    references: Vec<u8>,
    entry: &'a [u8; 4],
    properties: Vec<u8>,
    offset: u32,
    length: u32,
}

impl Track<'_> {
    fn write(&self, same_size: bool, wide: bool) -> Vec<u8> {
        let four = u32::to_be_bytes;
        let header = match wide {
            false => boxed(b"tkhd", &[&[0; 12], &four(self.id), &[0; 68]]),
            true => boxed(
                b"tkhd",
                &[&[1, 0, 0, 3], &[0; 16], &four(self.id), &[0; 72]],
            ),
        };
        let size = [SIZE.0 as u16, SIZE.1 as u16].map(u16::to_be_bytes);
        let entry = boxed(
            self.entry,
            &[&[0; 24], size.as_flattened(), &[0; 50], &self.properties],
        );
        let sizes = match same_size {
            true => [0, self.length, 2].map(four).concat(),
            false => [0, 0, 2, self.length, 1].map(four).concat(),
        };
        let chunks = match wide {
            false => boxed(b"stco", &[&[0, 2, self.offset, 9].map(four).concat()]),
            true => boxed(b"co64", &[&[0, 2, 0, self.offset, 0, 9].map(four).concat()]),
        };
        let samples = boxed(
            b"stbl",
            &[
                &boxed(b"stsd", &[&[0; 4], &four(1), &entry]),
                &boxed(b"stsz", &[&sizes]),
                &chunks,
            ],
        );
        let media = boxed(
            b"mdia",
            &[
                &boxed(b"hdlr", &[&[0; 8], self.handler, &[0; 13]]),
                &boxed(b"minf", &[&samples]),
            ],
        );
        boxed(
            b"trak",
            &[&header, &boxed(b"tref", &[&self.references]), &media],
        )
    }
}

/// Each with its alpha in a track of its own, and before the colours.
#[test]
fn the_first_frame_of_a_sequence() {
    let (width, height) = SIZE;
    let rgb = picture(width, height, Layout::Rgb8);
    let gray: Vec<u16> = (0..width * height).map(|i| (i / 13 % 256) as u16).collect();
    for (format, compression, entry, brand) in [
        (Format::Avif, CompressionFormat::Av1, b"av01", b"avis"),
        (Format::Heif, CompressionFormat::Hevc, b"hvc1", b"hevc"),
        (Format::Heif, CompressionFormat::Hevc, b"hev1", b"msf1"),
    ] {
        let options = SaveOptions::new();
        let still = encode(format, SIZE, Layout::Rgb8, &rgb, &options).unwrap();
        let planes = [(Channel::Y, gray.clone())];
        let alpha = encode_planes(compression, ColorSpace::Monochrome, SIZE, 8, &planes);
        let (colors, shown) = (decode(format, &still).unwrap().1, decode(format, &alpha));
        let opacity = shown.unwrap().1;
        let ((color_data, color_properties), (alpha_data, properties)) =
            (coded(&still), coded(&alpha));
        for (same_size, wide, auxiliary) in [
            (true, false, &b""[..]),
            (
                false,
                true,
                b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
            ),
            (
                false,
                false,
                b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0",
            ),
        ] {
            let mut alpha_properties = properties.clone();
            if !auxiliary.is_empty() {
                alpha_properties.extend(boxed(b"auxi", &[&[0; 4], auxiliary]));
            }
            let mut out = boxed(b"ftyp", &[brand, &[0; 4], brand]);
            let data = boxed(b"mdat", &[&color_data, &alpha_data]);
            let offset = out.len() as u32 + 8;
            out.extend(data);
            let tracks = [
                Track {
                    id: 7,
                    handler: b"auxv",
                    references: boxed(b"auxl", &[&3_u32.to_be_bytes()]),
                    entry,
                    properties: alpha_properties.clone(),
                    offset: offset + color_data.len() as u32,
                    length: alpha_data.len() as u32,
                },
                Track {
                    id: 3,
                    handler: b"pict",
                    references: Vec::new(),
                    entry,
                    properties: color_properties.clone(),
                    offset,
                    length: color_data.len() as u32,
                },
            ];
            let tracks = tracks.map(|track| track.write(same_size, wide)).concat();
            out.extend(boxed(b"moov", &[&boxed(b"mvhd", &[&[0; 100]]), &tracks]));

            let (header, found) = decode(format, &out).unwrap();
            assert_eq!((header.width, header.height), SIZE);
            if auxiliary.ends_with(b"depth\0") {
                assert_eq!(header.layout, Layout::Rgb8);
                assert!(found == colors, "{format} without alpha");
            } else {
                assert_eq!(header.layout, Layout::Rgba8, "{format}");
                let colors = colors.as_chunks::<3>().0.iter().zip(&opacity);
                let expected = colors.flat_map(|(rgb, alpha)| [&rgb[..], &[*alpha]].concat());
                assert!(found == expected.collect::<Vec<_>>(), "{format}");
            }
            // A sequence that libheif cannot read does no harm to the picture beside it.
            let mut both = file(format);
            both.extend(boxed(b"moov", &[&boxed(b"trak", &[&[0xff; 40]])]));
            is_the_same(format, &both, &file(format), "beside a broken sequence");

            for at in 0..out.len() {
                let mut damaged = out.clone();
                damaged[at] ^= 0x55;
                if !(offset as usize..offset as usize + color_data.len()).contains(&at) {
                    drop(codec::open(format, &damaged, &Limits::default(), false));
                }
                if at % 7 == 0 {
                    drop(codec::open(format, &out[..at], &Limits::default(), false));
                }
            }
        }
    }
}
