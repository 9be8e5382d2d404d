//! Images on their device, and other libraries' images.

mod buffers;
#[cfg(feature = "cudarc")]
mod cudarc;
#[cfg(feature = "dlpack")]
#[allow(unsafe_code, reason = "tensors as C has them")]
mod dlpack;
mod idle_memory;
mod images;
mod interop;
mod kernels;
mod packing;
mod pixels;
mod resize;
mod tensor;
mod transfers;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        buffers::trials(),
        #[cfg(feature = "cudarc")]
        cudarc::trials(),
        #[cfg(feature = "dlpack")]
        dlpack::trials(),
        idle_memory::trials(),
        images::trials(),
        interop::trials(),
        kernels::trials(),
        packing::trials(),
        pixels::trials(),
        resize::trials(),
        tensor::trials(),
        transfers::trials(),
    ];
    trials.into_iter().flatten().collect()
}
