//! A CUDA driver in software, for tests on machines without a GPU. `cargo build -p cuda-emulator` builds it;
//! programs load it where `CUDA_DELAY_LOAD_PATH` names the library. `cargo xtask test --emulated` does both.
//!
//! The library takes the place of libcuda. `cuModuleLoadData` takes PTX, and `cuLaunchKernel`
//! interprets it. Each load and store is checked: an address outside of all allocations, or one that
//! is not aligned, ends the launch with `CUDA_ERROR_ILLEGAL_ADDRESS` or
//! `CUDA_ERROR_MISALIGNED_ADDRESS`, and a message on standard error names the kernel, the thread and
//! the line of the PTX. Variables of the environment choose what else is checked; [`options`] has
//! them.
//!
//! It shows that kernels compute what they should with every order of warps and blocks that was
//! tried. It has no memory model and no timing: stores of a thread are seen by others at once and in
//! order.

mod allocation;
mod driver;
mod execute;
mod grid;
mod memory;
mod operands;
pub mod options;
mod program;
mod ptx;
mod race;
mod shared;
#[cfg(test)]
mod tests;
mod warp;
