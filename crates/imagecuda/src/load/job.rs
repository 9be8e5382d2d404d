//! Loads one picture, from the bytes of a file to the device's payload.

use super::{source::StagedFile, wanted::Wanted};
use crate::{
    ColorPolicy, Decoded, Device, Error, ErrorKind, Format, LoadOptions, Result,
    codec::{self, Decode, PayloadTarget},
    color::Conversion,
    device::{ExpandSpec, NewImage, Staging, UploadedJpeg},
    jpeg::LookedAt,
    limits::check_limit,
    metadata::embedded::{Embedded, is_rgb_profile},
    parallel::Loading,
    picture::Header,
    trace::span,
};
use imagecuda_kernels::{
    expand::Curve,
    orient::{Orientation, View},
};
use std::{path::Path, sync::Arc};

/// A callback that gets a picture's header, and its width and height as viewed, before anything is
/// allocated for its pixels. An error ends the loading. For a damaged file it may be called twice.
pub(crate) type OnHeader<'a> = dyn FnMut(&Header, (u32, u32)) -> Result<()> + 'a;

/// The parameters of loading one file.
pub(crate) struct Job<'a> {
    pub(super) options: &'a LoadOptions,
    pub(super) device: &'a Device,
    pub(super) on_header: &'a mut OnHeader<'a>,
    in_group: bool,
    may_wait: Option<&'a MayWait<'a>>,
    is_for_image: bool,
}

/// Says, once the header of a picture is known, whether a kernel may find the blocks of a progressive JPEG
/// together with those of others.
pub(crate) type MayWait<'a> = dyn Fn(&Header) -> bool + 'a;

impl<'a> Job<'a> {
    pub(crate) fn new(
        options: &'a LoadOptions,
        device: &'a Device,
        on_header: &'a mut OnHeader<'a>,
    ) -> Self {
        Self {
            options,
            device,
            on_header,
            in_group: false,
            may_wait: None,
            is_for_image: false,
        }
    }

    /// Lets the device make a new float image at once, where it can.
    pub(super) fn for_image(mut self) -> Self {
        self.is_for_image = true;
        self
    }

    /// Lets a picture that one kernel makes the pixels of be decoded with others.
    pub(crate) fn in_group(mut self, in_group: bool) -> Self {
        self.in_group = in_group;
        self
    }

    /// Lets a progressive JPEG wait for others, if `may_wait` says so.
    pub(crate) fn may_wait(mut self, may_wait: &'a MayWait<'a>) -> Self {
        self.may_wait = Some(may_wait);
        self
    }

    /// Reads the file at `path` and decodes its first picture.
    pub(super) fn open_file(mut self, path: &Path) -> Result<Decoded> {
        self.options
            .stage_alone(self.device, path)
            .and_then(|file| self.open((&file).into(), Some(path)))
            .map_err(|error| error.with_path(path))
    }

    /// Decodes the first picture of a file to what a device expands. All loading goes through this
    /// function.
    pub(crate) fn open(&mut self, file: FileBytes<'_>, path: Option<&Path>) -> Result<Decoded> {
        let FileBytes {
            bytes, looked_at, ..
        } = file;
        let _loading = Loading::start();
        let limits = &self.options.limits;
        check_limit("bytes", Some(bytes.len() as u64), limits.bytes)?;
        let format = self.options.format_of(bytes, path)?;
        let decoded = codec::caught(Error::decode, || {
            let layer = self.options.layer.as_deref();
            let (decoder, metadata) = {
                span!("open", %format, bytes = bytes.len());
                let decoder = match looked_at.filter(|_| format == Format::Jpeg && layer.is_none())
                {
                    Some(looked_at) => codec::open_jpeg(bytes, looked_at)?,
                    None => codec::open_layer(format, bytes, layer, limits, false)?,
                };
                (decoder, codec::metadata(format, bytes))
            };
            self.decode(format, decoder, file, &metadata)
        });
        decoded
            .or_else(|error| self.recover(format, bytes, error))
            .map_err(|error: Error| error.with_format(format))
    }

    /// Decodes a picture of a file.
    pub(super) fn decode(
        &mut self,
        format: Format,
        mut decoder: Box<dyn Decode + '_>,
        from: FileBytes<'_>,
        metadata: &Embedded,
    ) -> Result<Decoded> {
        let options = self.options;
        let target = PayloadTarget {
            device: self.device,
            file: from.staging,
            uploaded: from.uploaded,
            new_image: None,
            jpeg_decoder: options.jpeg_decoder,
            in_group: false,
            may_wait: false,
            color_policy: options.color_policy,
            png_decoder: options.png_decoder,
            video_decoder: options.video_decoder,
        };
        let orientation = metadata.turn(options.apply_orientation);
        let wanted = Wanted::of(options, &mut *decoder, orientation, target)?;
        let (width, height) = wanted.size();
        let header = decoder.header();
        codec::check(&header, &options.limits)?;
        (self.on_header)(&header, (width, height))?;
        span!("decode", %format, width, height, bytes = header.bytes());
        let whole = View::whole(Orientation::Normal, wanted.width, wanted.height);
        let is_whole = wanted.view == whole;
        let Colors {
            curve,
            conversion,
            profile_holds,
        } = Colors::of(options.color_policy, metadata, &header);
        let spec = ExpandSpec {
            layout: header.layout,
            curve,
            view: wanted.view,
            width: wanted.width,
            height: wanted.height,
        };
        let new_image = NewImage {
            spec,
            conversion: conversion.as_deref(),
        };
        let payload = decoder.payload(PayloadTarget {
            in_group: self.in_group && is_whole && header.layout.channels() < 4,
            may_wait: self.may_wait.is_some_and(|may_wait| may_wait(&header)),
            new_image: (self.is_for_image && wanted.resampling.is_none()).then_some(new_image),
            ..target
        })?;
        Ok(Decoded {
            device: self.device.clone(),
            format,
            spec,
            resampling: wanted.resampling,
            conversion,
            metadata: metadata.carried(options.apply_orientation, profile_holds),
            payload,
            truncated: false,
        })
    }
}

/// How a picture's colours are converted.
struct Colors {
    curve: Curve,
    conversion: Option<Arc<Conversion>>,
    /// Whether the file's profile still describes the image's colours.
    profile_holds: bool,
}

impl Colors {
    fn of(policy: ColorPolicy, metadata: &Embedded, header: &Header) -> Self {
        let kept = |curve| Self {
            curve,
            conversion: None,
            profile_holds: true,
        };
        if policy == ColorPolicy::Raw {
            return kept(Curve::Encoded);
        }
        let conversion = Conversion::of(metadata.color(), header.layout);
        let has_rgb_profile = || metadata.icc.as_deref().is_some_and(is_rgb_profile);
        if policy == ColorPolicy::Keep
            && conversion.is_some()
            && has_rgb_profile()
            && !metadata.icc_is_overruled()
        {
            return kept(header.curve);
        }
        let is_gray = header.layout.channels() < 3;
        let converted = conversion.is_some();
        Self {
            curve: header.curve,
            conversion,
            profile_holds: metadata.profile_holds(policy, is_gray, converted),
        }
    }
}

impl LoadOptions {
    /// The format of a file's bytes, by content. If the content shows none, the extension can only
    /// mean TGA, which has no magic bytes.
    pub(super) fn format_of(&self, bytes: &[u8], path: Option<&Path>) -> Result<Format> {
        if bytes.is_empty() {
            return Err(Error::decode("the file is empty"));
        }
        let by_name = || path.and_then(Format::from_path);
        self.format
            .or_else(|| Format::sniff(bytes))
            .or_else(|| by_name().filter(|&format| format == Format::Tga))
            .ok_or_else(|| {
                let why = "the content is of none that is known".to_owned();
                ErrorKind::UnknownFormat(why).into()
            })
    }
}

/// The bytes of a file, and the staging memory that holds them, if any.
#[derive(Clone, Copy)]
pub(crate) struct FileBytes<'a> {
    bytes: &'a [u8],
    staging: Option<&'a Staging>,
    uploaded: Option<&'a UploadedJpeg>,
    looked_at: Option<&'a LookedAt>,
}

impl<'a> FileBytes<'a> {
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl<'a> From<&'a [u8]> for FileBytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            staging: None,
            uploaded: None,
            looked_at: None,
        }
    }
}

impl<'a> From<&'a Staging> for FileBytes<'a> {
    fn from(file: &'a Staging) -> Self {
        let bytes: &[u8] = file;
        Self {
            staging: Some(file),
            ..bytes.into()
        }
    }
}

impl<'a> From<&'a StagedFile> for FileBytes<'a> {
    fn from(file: &'a StagedFile) -> Self {
        Self {
            uploaded: file.uploaded.as_ref(),
            looked_at: file.looked_at.as_ref(),
            ..(&file.memory).into()
        }
    }
}
