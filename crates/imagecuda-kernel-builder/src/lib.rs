//! Compiles a `no_std` Rust kernel crate to PTX with the stable toolchain.
//!
//! This does the job of Rust-CUDA's `cuda_builder`, in the same shape, with rustc's own
//! `nvptx64-nvidia-cuda` back end: no CUDA toolkit, no LLVM 7 and no nightly. From a build
//! script:
//!
//! ```no_run
//! // build.rs
//! use std::{env, path::Path, process::ExitCode};
//!
//! use imagecuda_kernel_builder::KernelBuilder;
//!
//! fn main() -> ExitCode {
//!     let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
//!     let built = KernelBuilder::new("kernels") // a folder beside build.rs
//!         .arch("sm_52") // the oldest GPU that shall run them
//!         .copy_to(Path::new(&out).join("kernels.ptx"))
//!         .build();
//!     match built {
//!         Ok(ptx) => {
//!             for line in ptx.warnings().lines() {
//!                 println!("cargo:warning={line}");
//!             }
//!             ExitCode::SUCCESS
//!         }
//!         Err(error) => {
//!             eprintln!("{error}"); // which cargo shows
//!             ExitCode::FAILURE
//!         }
//!     }
//! }
//! ```
//!
//! It runs again when a file changes that the kernels are made of. The same call works in an
//! xtask or in any program.
//!
//! # The program
//!
//! Its `Cargo.toml` has `imagecuda-kernel-builder` under `[build-dependencies]` and, where the
//! host runs the same bodies, the kernel crate under `[dependencies]`. Any loader of PTX will do;
//! with `cust`:
//!
//! ```text
//! const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));
//!
//! let module = Module::from_ptx(PTX, &[])?; // with the device's context current
//! let double = module.get_function("double")?;
//! // SAFETY: the arguments are the kernel's, and `values` holds `len` floats.
//! unsafe { launch!(double<<<len.div_ceil(128) as u32, 128, 0, stream>>>(values, len))? };
//! ```
//!
//! # The kernel crate
//!
//! An ordinary library crate, no member of anything special. Its entry points exist on the GPU
//! target alone, and so does its panic handler:
//!
//! ```text
//! #![no_std]
//! #![cfg_attr(target_arch = "nvptx64", feature(abi_ptx, stdarch_nvptx))]
//!
//! /// The body, for the GPU and for the host.
//! pub fn doubled(value: f32) -> f32 {
//!     value * 2.0
//! }
//!
//! #[cfg(target_arch = "nvptx64")]
//! mod gpu {
//!     use core::arch::nvptx::{_block_dim_x, _block_idx_x, _thread_idx_x, trap};
//!
//!     /// # Safety
//!     ///
//!     /// `values` must point to `len` floats that nothing else touches.
//!     #[unsafe(no_mangle)]
//!     pub unsafe extern "ptx-kernel" fn double(values: *mut f32, len: usize) {
//!         // SAFETY: reading special registers has no conditions.
//!         let i = unsafe { _block_idx_x() * _block_dim_x() + _thread_idx_x() } as usize;
//!         if i < len {
//!             // SAFETY: `i` is below `len`, and this thread alone has it.
//!             unsafe { *values.add(i) = super::doubled(*values.add(i)) };
//!         }
//!     }
//!
//!     #[panic_handler]
//!     fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
//!         // SAFETY: `trap` has no preconditions.
//!         unsafe { trap() }
//!     }
//! }
//! ```
//!
//! For floats it may depend on `libm` (`core` has no `powf`), and for imagecuda's pixels on
//! `imagecuda-kernels`: both give the host's bits. Arguments are scalars and pointers.
//!
//! Bodies may panic, index and call into `core`: everything is linked into one module (fat
//! LTO), and a build that would leave a symbol for the driver to stumble over is an error.
//! Barriers and votes stay where they are: every function is compiled as `convergent`, as C++
//! compilers for GPUs have it, since rustc does not say so by itself. (For what LLVM has an
//! intrinsic for, better use that than assembly, of which it knows nothing.)
//!
//! # What it needs
//!
//! - **rust-src** of exactly the compiler's version, because `core` is compiled for the GPU.
//!   It is looked for in the sysroot; then in the archive that the environment variable
//!   `RUST_SRC_ARCHIVE` or [`KernelBuilder::rust_src_archive`] names; then `rustup component
//!   add rust-src` is tried; then Debian's package of that version. An archive is unpacked
//!   under the target folder, by the system's `tar`; the sysroot is never written to, except
//!   by rustup itself ([`KernelBuilder::rustup`] turns that off).
//! - **crates.io**, or a cargo cache that has been there: cargo resolves the standard
//!   library's own lock file.
//! - **a linker for the host**, which everything else in cargo needs as well.
//!
//! `RUSTC_BOOTSTRAP=1` is set for the inner build: the PTX ABI and `-Zbuild-std` are not
//! stable yet. That is why the compiler's version matters, and why committing the PTX, so
//! that users build none of it, is a good idea.
//!
//! # Reproducible
//!
//! The same sources, lock file, compiler and options give the same bytes, whatever the folder,
//! the user and the workspace's profiles. Cargo derives the hash in every symbol from where a
//! crate lies, so the inner build runs rustc through a small shim (compiled on first use)
//! that derives it from the crate's name, version and features instead.
#![forbid(unsafe_code)]

mod build;
mod builder;
mod error;
mod messages;
mod ptx;
mod rust_src;
mod shim;
mod toolchain;

pub use builder::KernelBuilder;
pub use error::Error;
pub use ptx::Ptx;
