//! The functions that the linker finds in place of libcuda's, and the table of
//! addresses that they jump through.
//!
//! All of it stands in one module because rustc then puts it into one object file.
//! Whatever makes the linker take that object (`KEEP` does, and so does a call of
//! [`fill`]) brings all the functions along, and they win over those of any libcuda.so
//! or cuda.lib on the linker's command line.

#[cfg(feature = "count")]
use std::sync::atomic::AtomicU64;
use std::{
    arch::naked_asm,
    ffi::c_void,
    sync::atomic::{AtomicPtr, Ordering},
};

use crate::{driver, symbols::with_symbols};

/// `CUresult` as the ABI sees it. The values below are ones that
/// `cust_raw::cudaError_enum` lists: it is a Rust enum, where any other is undefined
/// behaviour.
pub(crate) type Code = u32;

/// `CUDA_ERROR_NOT_INITIALIZED`: what the driver itself answers before `cuInit`.
const NOT_INITIALIZED: Code = 3;

/// `CUDA_ERROR_NOT_SUPPORTED`: what a driver answers to a feature that it has not got,
/// so that a caller needs one branch for both. `CUDA_ERROR_NOT_FOUND` would read as
/// "no kernel of that name".
const NOT_SUPPORTED: Code = 801;

/// In every slot until the driver is loaded.
///
/// It takes no arguments and stands in for functions that take many. That is sound in
/// the C calling conventions of all targets: the caller places the arguments and
/// removes them, and a callee may leave them unread.
extern "C" fn not_initialized() -> Code {
    NOT_INITIALIZED
}

/// In the slots of functions that the loaded driver lacks; see [`not_initialized`] on
/// its arguments.
extern "C" fn not_supported() -> Code {
    NOT_SUPPORTED
}

type Slot = AtomicPtr<c_void>;

const fn slot(function: extern "C" fn() -> Code) -> Slot {
    AtomicPtr::new(function as *mut c_void)
}

/// Hides a function from the shared libraries of the process: the program's own calls
/// bind to it when the program is linked, and no other library's ever do. One that wants
/// libcuda gets the real one.
#[cfg(not(windows))]
macro_rules! visibility {
    ($name:ident) => {
        concat!(".hidden ", stringify!($name))
    };
}

/// A library of Windows names the library of each function that it imports, so nothing
/// need be hidden.
#[cfg(windows)]
macro_rules! visibility {
    ($name:ident) => {
        ""
    };
}

macro_rules! define_trampolines {
    ($($name:ident)*) => {
        /// The place of each function in `NAMES` and `SLOTS`.
        #[allow(non_camel_case_types, reason = "named as the functions are")]
        #[derive(Clone, Copy)]
        enum Index { $($name),* }

        /// The names of all functions, in the order of `SLOTS` and of ASCII.
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(
            // SAFETY: the name is libcuda's own and this is what the program is to
            // call for it; `links` in Cargo.toml keeps a second copy of this crate
            // out. The body leaves every argument, on the stack and in registers, and
            // the return address where the caller put them, so it is correct for the
            // real function's signature whatever that is; Rust code never calls it
            // under the signature given here.
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            #[allow(non_snake_case, reason = "the C name")]
            unsafe extern "C" fn $name() -> Code {
                #[cfg(all(target_arch = "x86_64", feature = "count"))]
                naked_asm!(
                    visibility!($name),
                    "lock inc qword ptr [rip + {calls} + {offset}]",
                    "jmp qword ptr [rip + {slots} + {offset}]",
                    calls = sym CALLS,
                    slots = sym SLOTS,
                    offset = const Index::$name as usize * size_of::<Slot>(),
                );
                #[cfg(all(target_arch = "x86_64", not(feature = "count")))]
                naked_asm!(
                    visibility!($name),
                    "jmp qword ptr [rip + {slots} + {offset}]",
                    slots = sym SLOTS,
                    offset = const Index::$name as usize * size_of::<Slot>(),
                );
                // x16 is the register that the ABI sets aside for code between a call
                // and its target. The acquiring load pairs with the release in `fill`.
                // x14 and x15 are for whoever is called.
                #[cfg(all(target_arch = "aarch64", feature = "count"))]
                naked_asm!(
                    visibility!($name),
                    "adrp x16, {calls} + {offset}",
                    "add x16, x16, :lo12:{calls} + {offset}",
                    "2: ldxr x15, [x16]",
                    "add x15, x15, #1",
                    "stxr w14, x15, [x16]",
                    "cbnz w14, 2b",
                    "adrp x16, {slots} + {offset}",
                    "add x16, x16, :lo12:{slots} + {offset}",
                    "ldar x16, [x16]",
                    "br x16",
                    calls = sym CALLS,
                    slots = sym SLOTS,
                    offset = const Index::$name as usize * size_of::<Slot>(),
                );
                #[cfg(all(target_arch = "aarch64", not(feature = "count")))]
                naked_asm!(
                    visibility!($name),
                    "adrp x16, {slots} + {offset}",
                    "add x16, x16, :lo12:{slots} + {offset}",
                    "ldar x16, [x16]",
                    "br x16",
                    slots = sym SLOTS,
                    offset = const Index::$name as usize * size_of::<Slot>(),
                );
            }
        )*
    };
}

with_symbols!(define_trampolines);

/// Where each trampoline jumps: always to a function, never to null.
static SLOTS: [Slot; NAMES.len()] = {
    let mut slots = [const { slot(not_initialized) }; NAMES.len()];
    // For good: every cuInit passes through `driver::init`.
    slots[Index::cuInit as usize] = AtomicPtr::new(driver::init as *mut c_void);
    slots
};

/// Calls of each function so far, in the order of `SLOTS`, whose offsets it shares.
#[cfg(feature = "count")]
static CALLS: [AtomicU64; NAMES.len()] = [const { AtomicU64::new(0) }; NAMES.len()];

#[cfg(feature = "count")]
const _: () = assert!(size_of::<AtomicU64>() == size_of::<Slot>());

/// The name of each function, and its calls so far.
#[cfg(feature = "count")]
pub(crate) fn calls_by_name() -> impl Iterator<Item = (&'static str, u64)> {
    let calls = CALLS.iter().map(|calls| calls.load(Ordering::Relaxed));
    NAMES.iter().copied().zip(calls)
}

/// rustc makes every program refer to the `#[used]` statics and `#[no_mangle]`
/// functions of the crates in it, and so the linker takes this object file even where
/// a libcuda.so or cuda.lib has already answered for all of the functions.
#[used]
static KEEP: &[Slot; NAMES.len()] = &SLOTS;

/// Points every trampoline but cuInit's at what `find` gives for its name, or at
/// [`not_supported`].
///
/// # Safety
///
/// A non-null address from `find` is that of the driver's function of that name, and
/// stays valid until the process ends.
pub(crate) unsafe fn fill(find: impl Fn(&str) -> *mut c_void) {
    for (name, slot) in NAMES.iter().zip(&SLOTS) {
        if *name == "cuInit" {
            continue;
        }
        let mut target = find(name);
        if target.is_null() {
            target = not_supported as *mut c_void;
        }
        // Release: a thread that jumps there must see the library as the loader left it.
        slot.store(target, Ordering::Release);
    }
}

/// Whether calls of `name` reach the driver, once there is one.
pub(crate) fn is_filled(name: &str) -> bool {
    let Ok(index) = NAMES.binary_search(&name) else {
        return false;
    };
    let target = SLOTS[index].load(Ordering::Relaxed);
    target != not_initialized as *mut c_void && target != not_supported as *mut c_void
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_in_order() {
        assert_eq!(NAMES.len(), 353);
        assert!(NAMES.is_sorted_by(|a, b| a < b));
        assert_eq!(NAMES[Index::cuInit as usize], "cuInit");
        assert_eq!(NAMES[Index::cuMemAlloc_v2 as usize], "cuMemAlloc_v2");
    }

    #[test]
    fn unknown_names_are_not_filled() {
        assert!(!is_filled("malloc"));
        assert!(!is_filled(""));
    }
}
