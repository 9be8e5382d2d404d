//! WebP, through libwebp.
#![allow(unsafe_code)] // a C interface: decoding into the caller's memory

mod alpha;
mod animation;
mod compose;
mod demux;
mod encoder;
mod frames;
mod metadata;
mod planes;
mod riff;
mod video;
mod write;

pub(in crate::codec) use self::write::write_planes;
use self::{
    compose::Animation,
    demux::{Held, whole_frames},
    write::write,
};
use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, Decode, PayloadTarget, SequenceCodec, pixel_payload},
};
use crate::{Error, ErrorKind, Format, Limits, Result, device::Payload, picture::Header};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use libwebp_sys::{
    VP8StatusCode, WEBP_CSP_MODE, WebPBitstreamFeatures, WebPDecode, WebPDecoderConfig,
    WebPGetFeatures, WebPIDecGetRGB, WebPIDecoder, WebPIDelete, WebPINewDecoder, WebPIUpdate,
    WebPRGBABuffer,
};
use std::{
    borrow::Cow,
    mem::MaybeUninit,
    ptr::{self, NonNull},
};

pub(super) static CODEC: Codec = Codec {
    format: Format::WebP,
    open,
    recover,
    encode: |request, out| write(request.pixels, request.options, out),
    metadata: metadata::metadata,
    sequence: Some(SequenceCodec {
        is_sequence: demux::is_animated,
        open: |bytes, _, header, damaged| {
            Ok(Box::new(frames::Frames::new(
                bytes.into(),
                header,
                damaged,
            )?))
        },
        count: demux::count,
        write: Some(|options, loop_count| {
            Ok(Box::new(animation::Writer::new(options, loop_count)?))
        }),
    }),
    capabilities: Capabilities {
        quality: true,
        lossless: true,
        effort: true,
        metadata: true,
        ..PLAIN
    },
};

struct WebP<'a> {
    bytes: Cow<'a, [u8]>,
    header: Header,
    animated: bool,
    /// Whether a still picture is planes of luma and chroma.
    lossy: bool,
    damaged: bool,
}

fn open<'a>(bytes: &'a [u8], _: &Limits) -> Result<Box<dyn Decode + 'a>> {
    Ok(Box::new(read_header(riff::regular(bytes)?)?))
}

/// Decodes the rows of a still picture until the data end. Of an animation, decodes the first frame
/// if it is complete.
fn recover<'a>(bytes: &'a [u8], _: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let mut webp = read_header(bytes.into())?;
    webp.damaged = true;
    Ok(Box::new(webp))
}

/// libwebp's number for lossy pictures.
const LOSSY: i32 = 1;

fn read_header(bytes: Cow<'_, [u8]>) -> Result<WebP<'_>> {
    let mut features = MaybeUninit::<WebPBitstreamFeatures>::uninit();
    // SAFETY: the pointer and the length are of one slice, which outlives the call; libwebp
    // writes a whole `WebPBitstreamFeatures` to the second pointer, which has room for one.
    let status = unsafe { WebPGetFeatures(bytes.as_ptr(), bytes.len(), features.as_mut_ptr()) };
    accept(status, 0)?;
    // SAFETY: libwebp zeroes the structure before anything else, and reported success.
    let features = unsafe { features.assume_init() };

    let animated = features.has_animation != 0;
    // The frames of an animation may not cover the whole canvas.
    let layout = match animated || (features.has_alpha != 0 && !denies_alpha(&bytes)) {
        true => Layout::Rgba8,
        false => Layout::Rgb8,
    };
    let header = Header {
        width: features.width.unsigned_abs(),
        height: features.height.unsigned_abs(),
        layout,
        curve: Curve::Encoded,
    };
    Ok(WebP {
        bytes,
        header,
        animated,
        lossy: features.format == LOSSY,
        damaged: false,
    })
}

/// Whether the extended header says that a lossy picture has no alpha, although it has an alpha
/// chunk.
fn denies_alpha(bytes: &[u8]) -> bool {
    riff::flags(bytes).is_some_and(|flags| flags & riff::ALPHA == 0)
        && riff::chunks(bytes).all(|(kind, _)| kind != b"VP8L")
}

impl Decode for WebP<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        match (self.animated, self.damaged) {
            (true, false) => Self::read_first_frame(Held::Borrowed(&self.bytes), out),
            (true, true) => Self::read_first_frame(whole_frames(&self.bytes)?.into(), out),
            (false, false) => self.read_still(out),
            (false, true) => self.read_rows(out),
        }
    }

    /// A GPU gets the planes of a lossy picture: half of the pixels' bytes. On the CPU libwebp's own
    /// conversion is the faster one, to the same pixels. It also finds the words for damage.
    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        if target.device.is_cuda() && self.lossy && !self.damaged {
            if let Some(frames) = self.frames(target) {
                return Ok(Payload::Video(frames));
            }
            if let Some(planes) = self.planes(target.device)? {
                return Ok(Payload::Planes(planes));
            }
        }
        pixel_payload(self, target)
    }
}

impl WebP<'_> {
    fn read_still(&self, out: &mut [u8]) -> Result<()> {
        let status = self.decode(&self.bytes, out)?;
        self.accept(status, out)
    }

    /// Decodes a picture of the same size.
    fn decode(&self, bytes: &[u8], out: &mut [u8]) -> Result<VP8StatusCode> {
        let mut config = self.config(out)?;
        config.options.use_threads = 1;
        // SAFETY: the input is one slice, and `config` was initialised by libwebp. The output
        // is `out`, borrowed mutably for the whole call, with its true length as its size:
        // libwebp checks stride x height of what it decodes against that size before it
        // writes, and frees no external memory, so the config needs no clean-up.
        Ok(unsafe { WebPDecode(bytes.as_ptr(), bytes.len(), &mut config) })
    }

    /// Decodes as many rows as the data hold.
    fn read_rows(&self, out: &mut [u8]) -> Result<()> {
        out.fill(0);
        let mut config = self.config(out)?;
        // SAFETY: the structure in `config` was initialised by libwebp and describes `out`, with
        // its true length. The decoder keeps a pointer to it, and is deleted in this function,
        // before `config` goes.
        let decoder = unsafe { WebPINewDecoder(&mut config.output) };
        let decoder =
            NonNull::new(decoder).ok_or_else(|| Error::decode("libwebp is out of memory"))?;
        let decoder = Incremental(decoder);
        let mut rows = 0;
        // SAFETY: the decoder is alive until the end of the function, and so are `out`, which
        // nothing else touches meanwhile, and the input, which is one slice. libwebp checks
        // stride x height against the output's size before it writes. The second call writes
        // one `int`, and takes null for what is not wanted.
        let status = unsafe {
            let status = WebPIUpdate(decoder.0.as_ptr(), self.bytes.as_ptr(), self.bytes.len());
            let none = ptr::null_mut();
            WebPIDecGetRGB(decoder.0.as_ptr(), &mut rows, none, none, none);
            status
        };
        drop(decoder);
        match rows {
            1.. => Ok(()),
            _ => self.accept(status, out),
        }
    }

    /// Fails unless the picture was decoded. After a failure the content of `out` may be lost.
    fn accept(&self, status: VP8StatusCode, out: &mut [u8]) -> Result<()> {
        // libwebp reports damaged alpha as missing memory.
        if status == VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY && self.has_damaged_alpha(out)? {
            return Err(Error::decode("the alpha is damaged"));
        }
        accept(status, self.header.bytes())
    }

    /// A configuration that makes libwebp write pixels to `out`.
    fn config(&self, out: &mut [u8]) -> Result<WebPDecoderConfig> {
        let mut config = WebPDecoderConfig::new()
            .map_err(|()| Error::decode("libwebp is of another version than its bindings"))?;
        let stride = self.header.width as usize * self.header.layout.bytes_per_pixel();
        config.output.colorspace = match self.header.layout {
            Layout::Rgba8 => WEBP_CSP_MODE::MODE_RGBA,
            _ => WEBP_CSP_MODE::MODE_RGB,
        };
        config.output.is_external_memory = 1;
        config.output.u.RGBA = WebPRGBABuffer {
            rgba: out.as_mut_ptr(),
            stride: i32::try_from(stride).map_err(Error::decode)?,
            size: out.len(),
        };
        Ok(config)
    }

    /// Decodes the first frame of an animation, on its canvas.
    fn read_first_frame(file: Held<'_>, out: &mut [u8]) -> Result<()> {
        let mut animation = Animation::new(file)?;
        animation.advance()?;
        match animation.canvas() {
            Some(canvas) if canvas.len() == out.len() => out.copy_from_slice(canvas),
            _ => return Err(Error::decode("the first frame is damaged or cut short")),
        }
        Ok(())
    }
}

/// Owns libwebp's incremental decoder.
struct Incremental(NonNull<WebPIDecoder>);

impl Drop for Incremental {
    fn drop(&mut self) {
        // SAFETY: the decoder came from WebPINewDecoder, and is deleted only here.
        unsafe { WebPIDelete(self.0.as_ptr()) }
    }
}

/// Converts the status of decoding a picture of `bytes` bytes.
fn accept(status: VP8StatusCode, bytes: usize) -> Result<()> {
    use VP8StatusCode::*;
    Err(Error::decode(match status {
        VP8_STATUS_OK => return Ok(()),
        VP8_STATUS_OUT_OF_MEMORY => {
            // The size that failed is not known; at least the picture was needed.
            let (requested, free) = (bytes, None);
            return Err(ErrorKind::OutOfMemory { requested, free }.into());
        }
        VP8_STATUS_INVALID_PARAM => "libwebp was called wrongly",
        VP8_STATUS_BITSTREAM_ERROR => "the bitstream is damaged",
        VP8_STATUS_UNSUPPORTED_FEATURE => {
            return Err(Error::unsupported("a feature of WebP that libwebp lacks"));
        }
        VP8_STATUS_USER_ABORT => "libwebp was stopped",
        VP8_STATUS_SUSPENDED | VP8_STATUS_NOT_ENOUGH_DATA => "the file is cut short",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Format, Limits, SaveOptions, codec, picture::Pixels};
    use std::io::Cursor;

    fn encode(pixels: Pixels<'_>, options: &SaveOptions) -> Result<Vec<u8>> {
        let mut file = Cursor::new(Vec::new());
        write(pixels, options, &mut file)?;
        Ok(file.into_inner())
    }

    fn decode(bytes: &[u8]) -> Result<(Header, Vec<u8>)> {
        let decoder = codec::open(Format::WebP, bytes, &Limits::default(), false)?;
        let header = decoder.header();
        let mut out = vec![0xa5; header.bytes()];
        decoder.read_into(&mut out)?;
        Ok((header, out))
    }

    #[test]
    fn lossless_keeps_the_colours_under_alpha_0() {
        let data: Vec<u8> = (0..5 * 3 * 4).map(|i| (i * 37 % 251) as u8).collect();
        let mut data = data;
        data.chunks_exact_mut(8).for_each(|two| two[3] = 0);
        let pixels = Pixels {
            width: 5,
            height: 3,
            layout: Layout::Rgba8,
            data: &data,
        };
        let file = encode(pixels, &SaveOptions::default()).unwrap();
        let (header, out) = decode(&file).unwrap();
        assert_eq!((header.width, header.height), (5, 3));
        assert_eq!(header.layout, Layout::Rgba8);
        assert_eq!(out, data);

        for keep in [file.len() - 4, file.len() / 2, 12] {
            let error = decode(&file[..keep]).unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Decode(_)),
                "{keep}: {error}"
            );
        }
    }

    #[test]
    fn refuses_sides_that_the_format_cannot_say() {
        let data = vec![0; 16_384 * 3];
        let pixels = Pixels {
            width: 16_384,
            height: 1,
            layout: Layout::Rgb8,
            data: &data,
        };
        let error = encode(pixels, &SaveOptions::default()).unwrap_err();
        assert!(error.to_string().contains("16383"), "{error}");
    }
}
