//! The planes of a lossy WebP, which a kernel makes of an image: libwebp encodes them.

use super::{Buffer, Device, Staging, cuda};
use crate::Result;
use imagecuda_kernels::{
    pack::Background,
    pixel::RgbaF32,
    planes::subsample::{HEAD, WebpPlanes, flattened, straight},
};

/// Planes that are on their way to host memory.
#[derive(Debug)]
pub(crate) enum PendingWebp {
    Host(WebpSamples),
    Cuda(cuda::PendingWebp),
}

/// Planes in host memory.
#[derive(Debug)]
pub(crate) struct WebpSamples {
    pub(crate) planes: WebpPlanes,
    /// What is before alpha.
    pub(super) colors: Staging,
    /// `None` if all pixels are opaque.
    pub(super) alpha: Option<Staging>,
}

#[cfg_attr(not(feature = "webp"), allow(dead_code, reason = "for WebP"))]
impl WebpSamples {
    /// Luma and both chromas.
    pub(crate) fn colors(&self) -> [&[u8]; 3] {
        let [luma, blue, red, end, _] = self.planes.places();
        [
            &self.colors[luma..blue],
            &self.colors[blue..red],
            &self.colors[red..end],
        ]
    }

    pub(crate) fn alpha(&self) -> Option<&[u8]> {
        self.alpha.as_deref()
    }
}

impl Buffer<RgbaF32> {
    /// Starts to make the planes of the first pixels, which may be changed afterwards. Alpha is flattened onto
    /// the background, if there is one.
    pub(crate) fn start_webp(
        &self,
        device: &Device,
        planes: WebpPlanes,
        background: Option<Background>,
    ) -> Result<PendingWebp> {
        match self {
            Self::Cpu(pixels) => {
                emulated(device, planes, background, pixels).map(PendingWebp::Host)
            }
            Self::Cuda(pixels) => pixels.start_webp(planes, background).map(PendingWebp::Cuda),
        }
    }
}

/// What the kernel does, on the CPU.
fn emulated(
    device: &Device,
    planes: WebpPlanes,
    background: Option<Background>,
    pixels: &[RgbaF32],
) -> Result<WebpSamples> {
    let [.., start, end] = planes.places();
    let mut colors = device.staging(start)?;
    let mut alpha = device.staging(end - start)?;
    colors[..HEAD].fill(0);
    let [width, height] = planes.chroma();
    let pixel = |x: u32, y: u32| {
        let pixel = pixels[y as usize * planes.size[0] as usize + x as usize];
        match background {
            Some(background) => flattened(pixel, background),
            None => straight(pixel),
        }
    };
    let mut is_translucent = false;
    for number in 0..width * height {
        is_translucent |=
            planes.block(
                [number % width, number / width],
                pixel,
                |place, sample| match place.checked_sub(start) {
                    Some(place) => alpha[place] = sample,
                    None => colors[place] = sample,
                },
            );
    }
    Ok(WebpSamples {
        planes,
        colors,
        alpha: is_translucent.then_some(alpha),
    })
}

impl PendingWebp {
    /// Waits for the planes.
    pub(crate) fn finish(self) -> Result<WebpSamples> {
        match self {
            Self::Host(samples) => Ok(samples),
            Self::Cuda(pending) => pending.finish(),
        }
    }
}
