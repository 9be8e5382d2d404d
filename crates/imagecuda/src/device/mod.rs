//! The devices, and the choice of the default device.

mod buffer;
pub(crate) mod cpu;
#[cfg(feature = "cuda")]
pub(crate) mod cuda;
#[cfg(not(feature = "cuda"))]
#[path = "no_cuda.rs"]
pub(crate) mod cuda;
mod decode_jpeg;
#[cfg_attr(not(feature = "png"), allow(dead_code, reason = "for PNG"))]
mod decode_png;
pub(crate) mod encode_jpeg;
pub(crate) mod encode_png;
pub(crate) mod encode_webp;
mod expand_spec;
mod group_member;
mod idle_memory;
#[cfg_attr(
    not(all(feature = "heif", feature = "webp")),
    allow(dead_code, reason = "for HEIF and WebP")
)]
pub(crate) mod planes;
mod resample;
mod staging;
#[cfg_attr(
    not(all(feature = "cuda", feature = "heif", feature = "webp")),
    allow(dead_code, reason = "for HEIF and WebP on a GPU")
)]
pub(crate) mod video;

pub use self::{buffer::DevicePixel, idle_memory::IdleMemory};
pub(crate) use self::{
    buffer::{Buffer, PendingPicture, SourcePixels, TensorJob},
    cuda::{PictureGroups, PlannedJpeg, ProgressiveGroups, ProgressiveJpeg, UploadedJpeg},
    decode_jpeg::JpegRequest,
    decode_png::PngData,
    expand_spec::{ExpandSpec, NewImage},
    group_member::{DecodedPicture, GroupMember},
    planes::Planes,
    staging::{Payload, Staging},
};

use crate::{Error, ErrorKind, Result, memory};
use std::{env, fmt, str::FromStr, sync::Arc};

/// The device that holds images and works on them: a CUDA device or the CPU.
///
/// A `Device` is a handle that is cheap to clone and usable from any thread. All handles of one
/// CUDA device share its primary context and one stream, on which this crate's work runs in order.
#[derive(Clone)]
pub struct Device(Inner);

#[derive(Clone)]
pub(crate) enum Inner {
    Cpu,
    Cuda(Arc<cuda::Context>),
}

/// The fewest pixels of a file that a GPU decodes or encodes faster than one core does.
const GPU_MIN_PIXELS: usize = 1 << 16;

/// The fewest bytes of a PNG's rows that a GPU decodes. An H200 decodes 192x192 pixels of RGBA in the
/// time of one core, and more in less.
#[cfg_attr(not(feature = "png"), allow(dead_code, reason = "for PNG"))]
const GPU_MIN_PNG_BYTES: u32 = 1 << 18;

/// The fewest pixels that a GPU encodes as PNG: an H200 does 128x128 in the time of 16 cores.
#[cfg_attr(not(feature = "png"), allow(dead_code, reason = "for PNG"))]
const GPU_MIN_PNG_PIXELS: usize = 1 << 14;

/// The environment variable that overrides the default device.
const VARIABLE: &str = "IMAGECUDA_DEVICE";

impl Device {
    /// The CPU, with host memory and all cores. It always exists.
    pub fn cpu() -> Self {
        Self(Inner::Cpu)
    }

    /// The CUDA device `ordinal`, counted from 0 in the order of `CUDA_VISIBLE_DEVICES`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoDevice`] says why there is no such device: the crate was built without the
    /// `cuda` feature, or there is no driver, no GPU, or none with this number.
    pub fn cuda(ordinal: u32) -> Result<Self> {
        cuda::Context::open(ordinal).map(|context| Self(Inner::Cuda(context)))
    }

    /// The default device. The environment variable `IMAGECUDA_DEVICE` selects it: `cpu`, `cuda`,
    /// `cuda:N` or `auto`. Without the variable, it is the first CUDA device if the `cuda` feature
    /// is on and there is a driver and a GPU, else the CPU.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoDevice`] if the variable is invalid or names a device that does not exist;
    /// [`ErrorKind::Device`] if there is a GPU that does not work.
    pub fn try_default() -> Result<Self> {
        match env::var(VARIABLE) {
            Ok(name) => name.parse(),
            Err(env::VarError::NotPresent) => Self::auto(),
            Err(error) => Err(ErrorKind::NoDevice(format!("{VARIABLE}: {error}")).into()),
        }
    }

    fn auto() -> Result<Self> {
        match Self::cuda(0) {
            Err(error) if matches!(error.kind(), ErrorKind::NoDevice(_)) => Ok(Self::cpu()),
            other => other,
        }
    }

    /// Whether this is a CUDA device.
    pub fn is_cuda(&self) -> bool {
        self.ordinal().is_some()
    }

    /// The number of this CUDA device; `None` for the CPU.
    pub fn ordinal(&self) -> Option<u32> {
        match self.inner() {
            Inner::Cpu => None,
            Inner::Cuda(context) => Some(context.ordinal()),
        }
    }

    /// The name of the GPU that the driver reports, or "CPU".
    pub fn name(&self) -> &str {
        match self.inner() {
            Inner::Cpu => "CPU",
            Inner::Cuda(context) => context.name(),
        }
    }

    /// Waits until the device has done all work of this crate, and reports its errors.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Device`] if the device failed.
    pub fn synchronize(&self) -> Result<()> {
        match self.inner() {
            Inner::Cpu => Ok(()),
            Inner::Cuda(context) => context.synchronize(),
        }
    }

    /// How many transfer buffers this crate has allocated for the device since the program began. A
    /// transfer buffer holds the pixels of a file: in host memory (page-locked for a GPU), or in
    /// GPU memory before they become an image. They are used again, so the number stops rising once
    /// a loop over files has enough of them.
    pub fn transfer_buffers(&self) -> u64 {
        match self.inner() {
            Inner::Cpu => memory::transfer_buffers(),
            Inner::Cuda(context) => context.transfer_buffers(),
        }
    }

    /// The stream on which this crate's work runs in order. `None` for the CPU. Kernels that you
    /// launch on it run after earlier calls and before later ones. The device's context must be
    /// current: call [`make_current`](Self::make_current).
    #[cfg(feature = "cuda")]
    pub fn stream(&self) -> Option<&cust::stream::Stream> {
        match self.inner() {
            Inner::Cpu => None,
            Inner::Cuda(context) => Some(context.stream()),
        }
    }

    /// Makes the device's primary context current on this thread, for your own calls of `cust`.
    /// Does nothing on the CPU.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Device`] if the device failed.
    #[cfg(feature = "cuda")]
    pub fn make_current(&self) -> Result<()> {
        match self.inner() {
            Inner::Cpu => Ok(()),
            Inner::Cuda(context) => context.make_current(),
        }
    }

    /// Makes the device's context current on a thread of this crate's own, so that no call has to.
    pub(crate) fn stay_current(&self) {
        if let Inner::Cuda(context) = self.inner() {
            // If this fails, each call tries again, and says so.
            let _ = context.make_current();
        }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

/// As [`Device::try_default`]. Panics with the message of the error.
impl Default for Device {
    fn default() -> Self {
        Self::try_default().unwrap_or_else(|error| panic!("no default device: {error}"))
    }
}

/// Parses `cpu`, `cuda` (the first CUDA device), `cuda:N`, or `auto` (the first CUDA device, else
/// the CPU).
impl FromStr for Device {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "auto" => return Self::auto(),
            "cpu" => return Ok(Self::cpu()),
            "cuda" => return Self::cuda(0),
            _ => {}
        }
        name.strip_prefix("cuda:")
            .and_then(|ordinal| ordinal.parse().ok())
            .map_or_else(
                || {
                    Err(ErrorKind::NoDevice(format!(
                        "no device is called '{name}': use auto, cpu, cuda or cuda:N"
                    ))
                    .into())
                },
                Self::cuda,
            )
    }
}

impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        self.ordinal() == other.ordinal()
    }
}

impl Eq for Device {}

/// Prints `cpu` or `cuda:N`, which [`FromStr`] can parse.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ordinal() {
            None => f.write_str("cpu"),
            Some(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({self})")
    }
}
