//! Large pages for large memory. A page comes when it is first touched, and with 4 KiB each, an image in fresh
//! memory waits longer for its pages than for its pixels.

/// Asks for large pages for `memory`, if there is much of it. Nothing is lost where there are none.
pub(super) fn prefer<T>(memory: &mut [T]) {
    #[cfg(target_os = "linux")]
    advise(memory);
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "a call of the system's")]
fn advise<T>(memory: &mut [T]) {
    use rustix::mm::{Advice, madvise};
    /// The size of a large page of most processors.
    const PAGE: usize = 2 << 20;
    let range = memory.as_mut_ptr_range();
    let start = range.start.addr().next_multiple_of(PAGE);
    let end = range.end.addr() / PAGE * PAGE;
    if end <= start {
        return;
    }
    let length = end - start;
    // SAFETY: the whole pages from `start` to `end` lie within `memory`, which is borrowed here alone. The
    // advice changes no byte of it.
    let advised = unsafe {
        let start = range.start.with_addr(start).cast();
        madvise(start, length, Advice::LinuxHugepage)
    };
    // A system may have none, or not allow it.
    let _ = advised;
}
