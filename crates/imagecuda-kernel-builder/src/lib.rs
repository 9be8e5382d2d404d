//! Compiles a `no_std` Rust kernel crate to PTX with the stable toolchain.
//!
//! This does the job of Rust-CUDA's `cuda_builder`, in the same shape, with rustc's own
//! `nvptx64-nvidia-cuda` back end: no CUDA toolkit, no LLVM 7 and no nightly. From a build
//! script:
//!
//! ```no_run
//! // build.rs
//! use std::{env, path::Path};
//!
//! use imagecuda_kernel_builder::KernelBuilder;
//!
//! fn main() {
//!     let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
//!     let ptx = KernelBuilder::new("kernels")
//!         .arch("sm_52")
//!         .copy_to(Path::new(&out).join("kernels.ptx"))
//!         .build();
//!     if let Err(error) = ptx {
//!         panic!("{error}");
//!     }
//! }
//! ```
//!
//! and in the program `const PTX: &str = include_str!(concat!(env!("OUT_DIR"),
//! "/kernels.ptx"));`, which `cust`'s `Module::from_ptx` loads. The same call works in an
//! xtask or in any program.
//!
//! # The kernel crate
//!
//! An ordinary library crate. Its entry points exist on the GPU target alone, and so does its
//! panic handler:
//!
//! ```text
//! #![no_std]
//! #![cfg_attr(target_arch = "nvptx64", feature(abi_ptx, stdarch_nvptx))]
//!
//! #[cfg(target_arch = "nvptx64")]
//! #[panic_handler]
//! fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
//!     // SAFETY: trap has no preconditions.
//!     unsafe { core::arch::nvptx::trap() }
//! }
//!
//! /// # Safety
//! ///
//! /// `values` must point to `len` floats that no other thread touches.
//! #[cfg(target_arch = "nvptx64")]
//! #[unsafe(no_mangle)]
//! pub unsafe extern "ptx-kernel" fn double(values: *mut f32, len: usize) { /* … */ }
//! ```
//!
//! Bodies may panic, index and call into `core`: everything is linked into one module (fat
//! LTO), and a build that would leave a symbol for the driver to stumble over is an error.
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
