//! The Rust types of a tensor's elements.

use crate::{Result, memory};
use imagecuda_kernels::tensor::TensorElement;

/// An element of a [`Tensor`](crate::Tensor) in host memory: `u8`, `f32`, or `u16` for the bits of
/// [`TensorElement::F16`] and [`TensorElement::Bf16`]. With the feature `ndarray` also `half::f16` and
/// `half::bf16`.
pub trait TensorSample: Sized + sealed::Sealed {
    /// Whether this is the type of such elements.
    #[doc(hidden)]
    fn holds(element: TensorElement) -> bool;

    /// `len` zeros.
    #[doc(hidden)]
    fn zeros(len: usize) -> Result<Vec<Self>>;

    /// The elements' bytes.
    #[doc(hidden)]
    fn bytes_mut(elements: &mut [Self]) -> &mut [u8];
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! samples {
    ($($sample:ty: $($element:ident)|+;)*) => {$(
        impl sealed::Sealed for $sample {}

        impl TensorSample for $sample {
            fn holds(element: TensorElement) -> bool {
                matches!(element, $(TensorElement::$element)|+)
            }

            fn zeros(len: usize) -> Result<Vec<Self>> {
                memory::zeroed(len)
            }

            fn bytes_mut(elements: &mut [Self]) -> &mut [u8] {
                bytemuck::cast_slice_mut(elements)
            }
        }
    )*};
}

samples! {
    u8: U8;
    u16: F16 | Bf16;
    f32: F32;
}

#[cfg(feature = "ndarray")]
mod halves {
    use super::{Result, TensorElement, TensorSample, memory, sealed::Sealed};
    use half::{bf16, f16, slice::HalfFloatSliceExt, vec::HalfBitsVecExt};

    macro_rules! halves {
        ($($half:ty: $element:ident;)*) => {$(
            impl Sealed for $half {}

            impl TensorSample for $half {
                fn holds(element: TensorElement) -> bool {
                    element == TensorElement::$element
                }

                fn zeros(len: usize) -> Result<Vec<Self>> {
                    memory::zeroed::<u16>(len).map(HalfBitsVecExt::reinterpret_into)
                }

                fn bytes_mut(elements: &mut [Self]) -> &mut [u8] {
                    bytemuck::cast_slice_mut(elements.reinterpret_cast_mut())
                }
            }
        )*};
    }

    halves! {
        f16: F16;
        bf16: Bf16;
    }
}
