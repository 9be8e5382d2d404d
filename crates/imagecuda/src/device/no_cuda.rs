//! Replaces the module `cuda` if that feature is off. It has the same names, as types without
//! values. So other code need not ask for the feature, and none of these methods can run.

use super::{
    ExpandSpec, IdleMemory, JpegRequest, Payload, PngData, SourcePixels, Staging,
    encode_webp::WebpSamples,
    video::{Video, VideoSignal},
};
use crate::{
    DevicePixel, ErrorKind, Result, VideoDecoder,
    color::Conversion,
    jpeg::{GpuPlan, Jpeg, encode::Encoding},
    resample::Plan,
};
#[cfg(feature = "dlpack")]
use imagecuda_kernels::layout::Layout;
use imagecuda_kernels::{
    pack::{Background, Packing, PixelUsage},
    planes::{Picture, subsample::WebpPlanes},
    png::encode::scanlines::Scanlines,
    tensor::TensorSpec,
};
use std::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
    sync::Arc,
};

#[derive(Clone, Copy, Debug)]
enum Never {}

/// Declares methods of a type without values.
macro_rules! methods {
    ($($name:ident($($argument:ty),*) -> $result:ty;)*) => {$(
        #[cfg_attr(not(feature = "png"), allow(dead_code, reason = "for PNG"))]
        pub(crate) fn $name(&self, $(_: $argument),*) -> $result {
            match self.0 {}
        }
    )*};
}

macro_rules! bytes {
    ($($type:ty),*) => {$(
        impl Deref for $type {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                match self.0 {}
            }
        }

        impl DerefMut for $type {
            fn deref_mut(&mut self) -> &mut [u8] {
                match self.0 {}
            }
        }
    )*};
}

#[derive(Debug)]
pub(crate) struct Context(Never);

impl Context {
    pub(crate) fn open(ordinal: u32) -> Result<Arc<Self>> {
        Err(ErrorKind::NoDevice(format!(
            "CUDA device {ordinal}: imagecuda was built without its `cuda` feature"
        ))
        .into())
    }

    #[cfg_attr(not(feature = "png"), allow(dead_code, reason = "for PNG"))]
    pub(crate) fn decode_png(
        &self,
        _: &PngData<'_>,
        _: Option<&Staging>,
        _: impl FnOnce() -> bool,
    ) -> Result<Option<PngPixels>> {
        match self.0 {}
    }

    methods! {
        ordinal() -> u32;
        name() -> &str;
        all_memory() -> u64;
        synchronize() -> Result<()>;
        make_current() -> Result<()>;
        transfer_buffers() -> u64;
        pinned(usize) -> Result<Pinned>;
        start_uploading_jpeg(&Staging, usize) -> Option<UploadedJpeg>;
        decode_jpeg(&Jpeg<'_>, &GpuPlan, JpegRequest<'_>) -> Result<Option<Payload>>;
        upload_jpeg(&Jpeg<'_>) -> Result<Coefficients>;
        upload_progressive(&Jpeg<'_>) -> Result<Option<Coefficients>>;
        prepare_progressive(&Jpeg<'_>) -> Result<Option<Box<ProgressiveJpeg>>>;
        plan_jpeg(&Jpeg<'_>, GpuPlan) -> PlannedJpeg;
        decode_video(&Video<'_>, VideoDecoder) -> Option<VideoFrames>;
        trim_videos() -> usize;
        idle_memory() -> IdleMemory;
        trim(usize) -> Result<()>;
        set_idle_limits(usize, u64) -> Result<()>;
    }
}

#[cfg(feature = "dlpack")]
impl Context {
    methods! {
        wait_for_stream() -> Result<()>;
        wait_for_everyone() -> Result<()>;
    }

    /// # Safety
    ///
    /// None: it cannot be called.
    #[allow(unsafe_code, reason = "as the function that it stands in for")]
    pub(crate) unsafe fn order_after(&self, _: *mut std::ffi::c_void) -> Result<()> {
        match self.0 {}
    }
}

/// Pictures to be made together.
pub(crate) enum Strips {}

#[derive(Debug)]
pub(crate) struct Buffer<P>(Never, PhantomData<P>);

impl<P: DevicePixel> Buffer<P> {
    pub(crate) fn zeroed(context: &Context, _: usize) -> Result<Self> {
        match context.0 {}
    }

    pub(crate) fn uninitialized(context: &Context, _: usize) -> Result<Self> {
        match context.0 {}
    }

    pub(crate) fn convert_from<Q: DevicePixel>(&mut self, _: &Buffer<Q>, _: usize) -> Result<()> {
        match self.0 {}
    }

    methods! {
        len() -> usize;
        upload(&[u8]) -> Result<()>;
        download(&mut [u8]) -> Result<()>;
        copy_from(&Self, usize) -> Result<()>;
        expand_bytes(&[u8], ExpandSpec) -> Result<()>;
        expand(Payload, ExpandSpec) -> Result<()>;
        expand_converted(Payload, ExpandSpec, &Conversion) -> Result<()>;
        pack(Packing, Background, usize) -> Result<Pinned>;
        pixel_usage(bool, Option<Background>, usize) -> Result<PixelUsage>;
        fetch(usize) -> Result<Pinned>;
        start_jpeg(&Encoding, Background) -> Result<PendingJpeg>;
        start_png(&Scanlines, Packing, Background) -> Result<PendingPng>;
        start_webp(WebpPlanes, Option<Background>) -> Result<PendingWebp>;
        resample_from(&Self, &Plan, (u32, u32)) -> Result<()>;
        tensor_from(usize, &Self, &Plan, &TensorSpec) -> Result<()>;
        tensor_strips(usize, &Self, &Plan, &TensorSpec, SourcePixels) -> Result<Option<Strips>>;
        expand_own_bytes(usize) -> Result<()>;
        make_strips(&[&Strips]) -> Result<()>;
        clear(usize, usize) -> Result<()>;
    }
}

#[cfg(feature = "dlpack")]
impl<P: DevicePixel> Buffer<P> {
    methods! {
        address() -> u64;
    }

    /// # Safety
    ///
    /// None: it cannot be called.
    #[allow(unsafe_code, reason = "as the function that it stands in for")]
    pub(crate) unsafe fn expand_from_foreign(&mut self, _: u64, _: Layout, _: usize) -> Result<()> {
        match self.0 {}
    }
}

#[derive(Debug)]
pub(crate) struct Pinned(Never);

impl Pinned {
    methods! {
        wait() -> Result<()>;
    }
}

#[derive(Debug)]
pub(crate) struct Coefficients(Never);

impl Coefficients {
    methods! {
        bytes() -> usize;
    }
}

#[cfg_attr(not(feature = "heif"), allow(dead_code, reason = "for HEIF"))]
#[derive(Debug)]
pub(crate) struct VideoFrames {
    never: Never,
    pub(crate) picture: Picture,
    pub(crate) signal: VideoSignal,
}

impl VideoFrames {
    #[cfg_attr(
        not(any(feature = "heif", feature = "webp")),
        allow(dead_code, reason = "for HEIF and WebP")
    )]
    pub(crate) fn add_alpha(&mut self, _: Staging) {
        match self.never {}
    }

    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "for spans"))]
    pub(crate) fn bytes(&self) -> usize {
        match self.never {}
    }
}

pub(crate) enum UploadedJpeg {}

#[derive(Debug)]
pub(crate) struct PlannedJpeg(Never);

impl PlannedJpeg {
    methods! {
        bytes() -> usize;
        has_bytes() -> bool;
    }
}

#[derive(Debug)]
pub(crate) struct PictureGroups<T>(Never, PhantomData<fn() -> T>);

impl<T> PictureGroups<T> {
    pub(crate) fn new(context: &Context) -> Self {
        match context.0 {}
    }

    pub(crate) fn run(&self, _: impl FnMut(Vec<(T, bool)>)) {
        match self.0 {}
    }

    methods! {
        add(PlannedJpeg, Option<&Arc<Conversion>>, T) -> Result<(), T>;
        add_decoded(T) -> ();
        close() -> ();
    }
}

#[derive(Debug)]
pub(crate) struct ProgressiveJpeg(Never);

impl ProgressiveJpeg {
    methods! {
        bytes() -> usize;
    }
}

#[derive(Debug)]
pub(crate) struct ProgressiveGroups<T>(Never, PhantomData<fn() -> T>);

impl<T> ProgressiveGroups<T> {
    pub(crate) fn new(context: &Context) -> Self {
        match context.0 {}
    }

    pub(crate) fn run(&self, _: impl FnMut(Vec<(T, bool)>)) {
        match self.0 {}
    }

    methods! {
        add(T) -> ();
        has_room() -> bool;
        close() -> ();
    }
}

#[derive(Debug)]
pub(crate) struct PngPixels(Never);

impl PngPixels {
    methods! {
        bytes() -> usize;
    }
}

#[derive(Debug)]
pub(crate) struct PendingJpeg(Never);

impl PendingJpeg {
    methods! {
        finish(&mut Encoding) -> Result<EncodedJpeg>;
    }
}

#[derive(Debug)]
pub(crate) struct EncodedJpeg(Never);

#[derive(Debug)]
pub(crate) struct PendingWebp(Never);

impl PendingWebp {
    methods! {
        finish() -> Result<WebpSamples>;
    }
}

#[derive(Debug)]
pub(crate) struct PendingPng(Never);

impl PendingPng {
    methods! {
        finish(&mut dyn FnMut(usize)) -> Result<EncodedPng>;
    }
}

#[derive(Debug)]
pub(crate) struct EncodedPng(Never);

impl EncodedPng {
    methods! {
        stream() -> &[u8];
        remainders() -> &[u32];
    }
}

bytes!(Pinned, EncodedJpeg);
