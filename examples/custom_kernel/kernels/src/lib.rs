//! A tone curve and a vignette: the body, once, and the kernel that runs it on a GPU.
//!
//! The program depends on this crate as on any other, and its build script compiles it again,
//! to PTX.
#![no_std]
#![cfg_attr(target_arch = "nvptx64", feature(abi_ptx, stdarch_nvptx))]

use imagecuda_kernels::{
    color,
    pixel::{RgbaF32, clamp_unit},
};

/// Pixel (`x`, `y`) of a picture of `width` × `height`, developed: more contrast (0.0 is none,
/// negative is less) and darker corners (0.0 is as they are, 1.0 is black). Alpha is kept.
#[inline]
pub fn develop(
    [x, y]: [u32; 2],
    [width, height]: [u32; 2],
    contrast: f32,
    vignette: f32,
    RgbaF32([r, g, b, a]): RgbaF32,
) -> RgbaF32 {
    let tone = |v| s_curve(v, contrast);
    // Light falls off, not the numbers that encode it.
    let light = color::decode_rgb(RgbaF32([tone(r), tone(g), tone(b), a]));
    let left = 1.0 - vignette * smooth(distance(x, width), distance(y, height));
    let RgbaF32([r, g, b, a]) = light;
    let fall = |v| if f32::is_finite(v) { v * left } else { v };
    color::encode_rgb(RgbaF32([fall(r), fall(g), fall(b), a]))
}

/// `v` moved towards an S between 0.0 and 1.0; what is outside stays. So do NaN and infinities,
/// here and above: which NaN arithmetic gives is the processor's choice.
fn s_curve(v: f32, contrast: f32) -> f32 {
    if !v.is_finite() {
        return v;
    }
    let t = clamp_unit(v);
    v + contrast * (t * t * (3.0 - 2.0 * t) - t)
}

/// How far the middle of pixel `i` of `n` is from the centre: 0.0, at the edge almost 1.0.
fn distance(i: u32, n: u32) -> f32 {
    let (i, n) = (i as f32, n as f32);
    ((2.0 * i + 1.0) / n - 1.0).abs()
}

/// From 0.0 in the centre to 1.0 in the corners, flat at both ends.
fn smooth(x: f32, y: f32) -> f32 {
    let t = clamp_unit((x * x + y * y) / 2.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(target_arch = "nvptx64")]
mod gpu {
    use imagecuda_kernels::{gpu::thread, pixel::RgbaF32};

    /// [`develop`](super::develop) for every pixel, in place, on a grid of any size along x.
    ///
    /// # Safety
    ///
    /// `pixels` is valid for `width` × `height` pixels, which nothing else uses meanwhile.
    #[unsafe(no_mangle)]
    pub unsafe extern "ptx-kernel" fn develop_all(
        pixels: *mut RgbaF32,
        width: u32,
        height: u32,
        contrast: f32,
        vignette: f32,
    ) {
        let n = width as usize * height as usize;
        let threads = thread::grid_dim_x() * thread::block_dim_x();
        let mut i = thread::block_idx_x() * thread::block_dim_x() + thread::thread_idx_x();
        while i < n {
            let place = [i % width as usize, i / width as usize].map(|v| v as u32);
            // SAFETY: `i` is below `n`, and this thread alone has it.
            let pixel = unsafe { &mut *pixels.add(i) };
            *pixel = super::develop(place, [width, height], contrast, vignette, *pixel);
            i += threads;
        }
    }

    /// A kernel cannot unwind, nor print: the thread traps, and the launch reports it.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        // SAFETY: `trap` stops the kernel; nothing runs after it.
        unsafe { core::arch::nvptx::trap() }
    }
}
