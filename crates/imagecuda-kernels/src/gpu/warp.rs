//! Communication between the 32 threads of a warp.
//!
//! These are LLVM's intrinsics, and not assembly. LLVM knows of its intrinsics that threads must
//! call them together, so it neither copies them nor moves them into branches.

/// All lanes.
const ALL: u32 = u32::MAX;

/// The last lane: no shuffle goes past it.
const LAST: u32 = 31;

#[allow(improper_ctypes)]
unsafe extern "C" {
    #[link_name = "llvm.nvvm.shfl.sync.down.i32"]
    fn shfl_sync_down(mask: u32, value: u32, delta: u32, last: u32) -> u32;
    #[link_name = "llvm.nvvm.shfl.sync.up.i32"]
    fn shfl_sync_up(mask: u32, value: u32, delta: u32, first: u32) -> u32;
    #[link_name = "llvm.nvvm.shfl.sync.idx.i32"]
    fn shfl_sync_idx(mask: u32, value: u32, lane: u32, last: u32) -> u32;
    #[link_name = "llvm.nvvm.vote.ballot.sync"]
    fn vote_ballot_sync(mask: u32, value: bool) -> u32;
    #[link_name = "llvm.nvvm.vote.any.sync"]
    fn vote_any_sync(mask: u32, value: bool) -> bool;
    #[link_name = "llvm.nvvm.bar.warp.sync"]
    fn bar_warp_sync(mask: u32);
}

/// The `value` of the lane `delta` further up in the warp; a lane past the last gets its own.
///
/// # Safety
///
/// All 32 lanes of the warp must call this together.
#[inline(always)]
pub unsafe fn shuffle_down(value: u32, delta: u32) -> u32 {
    // SAFETY: the full mask is what the caller promised.
    unsafe { shfl_sync_down(ALL, value, delta, LAST) }
}

/// The `value` of the lane `delta` further down in the warp; a lane before the first gets its own.
///
/// # Safety
///
/// All 32 lanes of the warp must call this together.
#[inline(always)]
pub unsafe fn shuffle_up(value: u32, delta: u32) -> u32 {
    // SAFETY: the full mask is what the caller promised.
    unsafe { shfl_sync_up(ALL, value, delta, 0) }
}

/// The `value` of lane `lane`, below 32.
///
/// # Safety
///
/// All 32 lanes of the warp must call this together.
#[inline(always)]
pub unsafe fn shuffle(value: u32, lane: u32) -> u32 {
    // SAFETY: the full mask is what the caller promised.
    unsafe { shfl_sync_idx(ALL, value, lane, LAST) }
}

/// Whether `value` holds in any lane of the warp.
///
/// # Safety
///
/// All 32 lanes of the warp must call this together.
#[inline(always)]
pub unsafe fn any(value: bool) -> bool {
    // SAFETY: the full mask is what the caller promised.
    unsafe { vote_any_sync(ALL, value) }
}

/// A bit for each lane of the warp, the first the lowest: whether `value` holds there.
///
/// # Safety
///
/// All 32 lanes of the warp must call this together.
#[inline(always)]
pub unsafe fn ballot(value: bool) -> u32 {
    // SAFETY: the full mask is what the caller promised.
    unsafe { vote_ballot_sync(ALL, value) }
}

/// Waits until all lanes of the warp have come here. What they wrote before can be read afterwards.
///
/// # Safety
///
/// All 32 lanes of the warp must call this together.
#[inline(always)]
pub unsafe fn sync() {
    // SAFETY: the full mask is what the caller promised.
    unsafe { bar_warp_sync(ALL) }
}
