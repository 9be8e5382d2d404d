//! What holds of every file, whatever is in it.

use imagecuda::{
    ColorPolicy, Decoded, Device, Error, ErrorKind, Format, Frames, Image, JpegDecoder, Layout,
    LoadOptions, Metadata, PngDecoder, Result, SaveOptions, inspect_bytes,
};
use std::mem::discriminant;

/// What a picture may have, so that none takes long.
const MOST_PIXELS: u64 = 1 << 16;
const MOST_BYTES: u64 = 1 << 21;
/// How many frames are looked at.
const MOST_FRAMES: u32 = 12;

pub(super) fn options(format: Format) -> LoadOptions {
    LoadOptions::new()
        .format(format)
        .max_pixels(MOST_PIXELS)
        .max_bytes(MOST_BYTES)
}

/// A file that was loaded.
pub(super) struct Picture {
    pub(super) size: (u32, u32),
    format: Format,
    layout: Layout,
    truncated: bool,
    metadata: Metadata,
    pub(super) samples: Vec<f32>,
}

impl Picture {
    fn new(decoded: Decoded) -> Self {
        let size = (decoded.width(), decoded.height());
        let (layout, truncated) = (decoded.layout(), decoded.is_truncated());
        let format = decoded.format();
        let pixels = u64::from(size.0) * u64::from(size.1);
        let metadata = decoded.metadata().clone();
        let image = decoded.into_image().unwrap();
        assert_eq!((image.width(), image.height()), size);
        let mut samples = image.download().unwrap();
        assert_eq!(samples.len() as u64, 4 * pixels);
        // Integers are numbers, and colours made of them are.
        if layout.bits() < 32 {
            assert!(samples.iter().all(|sample| sample.is_finite()));
        }
        if !layout.has_alpha() {
            assert!(samples.iter().skip(3).step_by(4).all(|&alpha| alpha == 1.0));
        }
        // Of a damaged picture libde265 gives other pixels each time, and libheif does not tell.
        if format == Format::Heif {
            samples.fill(0.0);
        }
        Self {
            size,
            format,
            layout,
            truncated,
            metadata,
            samples,
        }
    }

    /// Holds it against the limits of [`options`].
    fn is_small(&self) {
        let (width, height) = self.size;
        let pixels = u64::from(width) * u64::from(height);
        assert!((1..=MOST_PIXELS).contains(&pixels), "{width}x{height}");
        assert!(self.layout.bytes(width, height).unwrap() as u64 <= MOST_BYTES);
    }

    /// In the file's layout.
    fn bytes(&self) -> usize {
        self.layout.bytes(self.size.0, self.size.1).unwrap()
    }

    fn bits(&self) -> impl Iterator<Item = u32> {
        self.samples.iter().map(|sample| sample.to_bits())
    }

    /// Fails if the pixels are others.
    #[track_caller]
    fn is(&self, other: &Self, what: &str) {
        assert_eq!(self.size, other.size, "{what}");
        assert_eq!(self.layout, other.layout, "{what}");
        assert!(self.bits().eq(other.bits()), "{what}: other pixels");
    }
}

/// Fills the memory that the next file of as many bytes is decoded to: all that it leaves there is
/// its own.
fn soil(bytes: usize, with: u8) {
    let mut file = format!("P5\n{bytes} 1\n255\n").into_bytes();
    file.resize(file.len() + bytes, with);
    LoadOptions::new()
        .open_bytes(&Device::cpu(), &file)
        .unwrap();
}

fn picture(options: &LoadOptions, file: &[u8]) -> Result<Picture> {
    options
        .open_bytes(&Device::cpu(), file)
        .map(Picture::new)
        .inspect(Picture::is_small)
        .inspect_err(is_about_the_file)
}

/// A file that is as it should be, whatever its size.
pub(super) fn picture_of(format: Format, file: &[u8]) -> Picture {
    let options = LoadOptions::new().format(format);
    Picture::new(options.open_bytes(&Device::cpu(), file).unwrap())
}

/// Files are wrong in these ways alone.
fn is_about_the_file(error: &Error) {
    let known = matches!(
        error.kind(),
        ErrorKind::Decode(_)
            | ErrorKind::LimitExceeded { .. }
            | ErrorKind::UnknownFormat(_)
            | ErrorKind::Unsupported(_)
    );
    let text = error.to_string();
    assert!(known && !text.contains('\n'), "{text:?}");
}

/// Loads `file` as `format` in several ways, all of which must agree.
pub(super) fn check(format: Format, file: &[u8]) {
    let options = options(format);
    soil(1, 0x11);
    let strict = picture(&options, file);
    told_before(format, file, &strict);
    if let Ok(strict) = &strict {
        assert!(!strict.truncated);
        turned(&options, file, strict);
        carried(strict);
    }
    elsewhere(&options, file, &strict);
    soil(strict.as_ref().map_or(1, Picture::bytes), 0x55);
    let tolerant = picture(&options.clone().allow_truncated(true), file);
    match (&strict, &tolerant) {
        (Ok(strict), Ok(tolerant)) => {
            assert!(!tolerant.truncated);
            tolerant.is(strict, "tolerant");
        }
        (Ok(_), Err(error)) => panic!("only if strict: {error}"),
        (Err(error), Ok(tolerant)) => {
            assert!(tolerant.truncated && matches!(error.kind(), ErrorKind::Decode(_)));
        }
        (Err(_), Err(_)) => {}
    }
    for (tolerant, first) in [(false, &strict), (true, &tolerant)] {
        soil(first.as_ref().map_or(1, Picture::bytes), 0xaa);
        frames(&options.clone().allow_truncated(tolerant), file, first);
    }
    if matches!(format, Format::Jpeg | Format::Png) {
        by_kernels(&options, file);
    }
}

/// HEIF or AVIF, where there is a codec.
pub(super) fn check_heif(file: &[u8]) {
    let format = match Format::sniff(file) {
        Some(Format::Avif) => Format::Avif,
        _ => Format::Heif,
    };
    check(format, file);
}

/// Any file, and what is none: by its content, else as a TGA, which has no mark.
pub(super) fn check_other(file: &[u8]) {
    let format = Format::sniff(file);
    if format.is_none() && !file.is_empty() {
        let error = LoadOptions::new().decode(&Device::cpu(), file).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::UnknownFormat(_)),
            "{error}"
        );
    }
    let format = format.unwrap_or(Format::Tga);
    if format.can_load() {
        check(format, file);
    }
}

/// What is said of a file without decoding it.
fn told_before(format: Format, file: &[u8], strict: &Result<Picture>) {
    if Format::sniff(file) != Some(format) {
        return;
    }
    let info = inspect_bytes(file).inspect_err(is_about_the_file);
    let (Ok(info), Ok(picture)) = (&info, strict) else {
        // With a header, but without what is behind it.
        assert!(info.is_ok() || strict.is_err());
        return;
    };
    assert_eq!(info.format(), format);
    assert_eq!((info.width(), info.height()), picture.size);
    assert_eq!(info.layout(), picture.layout);
    assert!(info.frame_count() > 0);
}

/// The pixels as they are stored are the same ones elsewhere.
fn turned(options: &LoadOptions, file: &[u8], picture: &Picture) {
    let upright = Format::sniff(file).is_some() && inspect_bytes(file).is_ok();
    let stored = self::picture(&options.clone().apply_orientation(false), file).unwrap();
    if !upright {
        return;
    }
    let orientation = inspect_bytes(file).unwrap().orientation();
    let (width, height) = picture.size;
    assert_eq!(orientation.size(width, height), stored.size);
    let (width, height) = (width as usize, height as usize);
    for y in 0..height {
        for x in 0..width {
            let from = orientation.source(x, y, width, height);
            let [a, b] = [
                &picture.samples[(y * width + x) * 4..],
                &stored.samples[from * 4..],
            ]
            .map(|samples| [0, 1, 2, 3].map(|i| samples[i].to_bits()));
            assert_eq!(a, b, "{x}, {y}, {orientation:?}");
        }
    }
}

/// Into an image that is there come the same pixels or nothing, and as bytes what they round to.
fn elsewhere(options: &LoadOptions, file: &[u8], strict: &Result<Picture>) {
    let cpu = Device::cpu();
    let (width, height) = strict.as_ref().map_or((1, 1), |picture| picture.size);
    let mut image = Image::new(&cpu, width, height).unwrap();
    let before = vec![0.25; width as usize * height as usize * 4];
    image.upload(&before).unwrap();
    let read = options.decode_into(file, &mut image);
    let bytes = options.decode_u8(&cpu, file);
    assert_eq!((image.width(), image.height()), (width, height));
    match strict {
        Ok(strict) => {
            read.unwrap();
            let bytes = bytes.unwrap();
            assert_eq!((bytes.width(), bytes.height()), strict.size);
            if strict.format == Format::Heif {
                return;
            }
            let samples = image.download().unwrap();
            assert!(
                strict
                    .bits()
                    .eq(samples.iter().map(|sample| sample.to_bits()))
            );
            let rounded = image.to_u8().unwrap().download().unwrap();
            assert!(bytes.download().unwrap() == rounded, "other bytes");
        }
        Err(_) => {
            assert!(read.is_err() && bytes.is_err());
            assert!(image.download().unwrap() == before, "an error that writes");
        }
    }
}

/// What goes on with the pixels is what a file may have.
fn carried(picture: &Picture) {
    if picture.metadata.is_empty() {
        return;
    }
    let image = Image::new(&Device::cpu(), 1, 1).unwrap();
    let options = SaveOptions::new().metadata(picture.metadata.clone());
    let file = options.encode(&image, Format::Png).unwrap();
    let info = inspect_bytes(&file).unwrap();
    assert_eq!(info.exif(), picture.metadata.exif());
    assert_eq!(info.icc_profile(), picture.metadata.icc_profile());
}

/// Whether a PNG's default image, which `load` gives, may be no frame: the chunks in front of its
/// data say of an animation, and not how that image is shown.
fn hides_default(file: &[u8]) -> bool {
    let (mut is_animated, mut rest) = (false, file.get(8..).unwrap_or_default());
    while let Some((&[a, b, c, d, ref name @ ..], after)) = rest.split_first_chunk::<8>() {
        match name {
            b"acTL" => is_animated = true,
            b"fcTL" => return false,
            b"IDAT" => return is_animated,
            _ => {}
        }
        let next = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(4);
        rest = after.get(next..).unwrap_or_default();
    }
    false
}

/// The first frame is the picture that `load` gives, but for [`hides_default`], and there are as many
/// as there are said to be.
fn frames(options: &LoadOptions, file: &[u8], first: &Result<Picture>) {
    let opened = options.frames_bytes(&Device::cpu(), file);
    let mut frames = match opened.inspect_err(is_about_the_file) {
        Ok(frames) => frames,
        Err(error) => {
            assert!(
                first.is_err() || hides_default(file),
                "only frames: {error}"
            );
            return;
        }
    };
    let said = frames.frame_count();
    let mut count = 0;
    while count < MOST_FRAMES {
        match frames.open_next().inspect_err(is_about_the_file) {
            Ok(Some((decoded, _))) => {
                let frame = Picture::new(decoded);
                frame.is_small();
                if count == 0 && !hides_default(file) {
                    let first = first.as_ref().unwrap();
                    assert_eq!(first.size, frame.size);
                    assert!(
                        first.bits().eq(frame.bits()),
                        "the first frame has other pixels"
                    );
                }
                count += 1;
            }
            Ok(None) => {
                assert!(count == said || count < said && frames.is_truncated());
                break;
            }
            Err(_) => {
                let may_fail = count > 0 || first.is_err() || hides_default(file);
                assert!(may_fail, "no first frame");
                return;
            }
        }
    }
    assert!(count > 0 || first.is_err(), "no first frame");
    if !frames.is_truncated() {
        skipped(options, file, count, &mut frames);
    }
}

/// Those that are skipped count as those that are read, and what is next is the same.
fn skipped(options: &LoadOptions, file: &[u8], count: u32, read: &mut Frames) {
    let mut frames = options.frames_bytes(&Device::cpu(), file).unwrap();
    assert_eq!(
        frames.skip_frames(count as usize).unwrap().len(),
        count as usize
    );
    let [skipped, read] = [&mut frames, read].map(|frames| {
        let next = frames.open_next().inspect_err(is_about_the_file);
        next.map(|next| next.map(|(decoded, _)| Picture::new(decoded)))
    });
    match (skipped, read) {
        (Ok(Some(skipped)), Ok(Some(read))) => skipped.is(&read, "after others were skipped"),
        (Ok(None), Ok(None)) | (Err(_), Err(_)) => {}
        (skipped, read) => panic!(
            "{:?} is next, and {:?} if others were skipped",
            read.map(|next| next.is_some()),
            skipped.map(|next| next.is_some()),
        ),
    }
}

/// The kernels make of a JPEG, or of a PNG, what the host does.
pub(super) fn by_kernels(options: &LoadOptions, file: &[u8]) {
    for tolerant in [false, true] {
        let decoders = [
            (JpegDecoder::Host, PngDecoder::Host),
            (JpegDecoder::Kernels, PngDecoder::Kernels),
        ];
        let [host, kernels] = decoders.map(|(jpeg, png)| {
            let options = options.clone().allow_truncated(tolerant);
            let options = options.color_policy(ColorPolicy::Raw);
            let options = options.jpeg_decoder(jpeg).png_decoder(png);
            picture(&options, file)
        });
        match (host, kernels) {
            (Ok(host), Ok(kernels)) => {
                kernels.is(&host, "kernels");
                assert_eq!(kernels.truncated, host.truncated);
            }
            (Err(host), Err(kernels)) => {
                assert_eq!(discriminant(host.kind()), discriminant(kernels.kind()));
            }
            (host, kernels) => panic!("{:?}, {:?}", host.err(), kernels.err()),
        }
    }
}
