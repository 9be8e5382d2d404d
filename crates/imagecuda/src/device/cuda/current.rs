//! The context that is current on a thread.

use super::error::check_raw;
use crate::Result;
use cust::sys::{self, CUcontext};
use std::{marker::PhantomData, ptr};

/// What knows and sets the current context of the calling thread: the driver, or a test's.
pub(super) trait Contexts {
    fn current() -> Result<CUcontext>;

    fn set(context: CUcontext) -> Result<()>;
}

pub(super) enum Driver {}

impl Contexts for Driver {
    fn current() -> Result<CUcontext> {
        let mut current = ptr::null_mut();
        // SAFETY: the driver writes one pointer, to a local variable that has room for it. A driver
        // that is not initialised returns an error.
        let result = unsafe { sys::cuCtxGetCurrent(&mut current) };
        check_raw("cuCtxGetCurrent", result)?;
        Ok(current)
    }

    fn set(context: CUcontext) -> Result<()> {
        // SAFETY: the callers' context is the primary one of a device, which is never released, or was
        // current on this thread; null is none. The driver knows which contexts there are.
        let result = unsafe { sys::cuCtxSetCurrent(context) };
        check_raw("cuCtxSetCurrent", result)
    }
}

/// Restores the thread's current context when dropped, if it was another.
pub(super) struct Current<C: Contexts = Driver> {
    previous: Option<CUcontext>,
    contexts: PhantomData<C>,
}

impl Current {
    /// For a caller that makes a context current by itself.
    pub(super) fn remember() -> Result<Self> {
        Ok(Self {
            previous: Some(Driver::current()?),
            contexts: PhantomData,
        })
    }
}

impl<C: Contexts> Current<C> {
    /// Makes `own` current. The driver is asked each time: other code may have changed the context since
    /// an outer guard was made, as a caller's callback may. It answers from memory of the thread.
    pub(super) fn enter(own: CUcontext) -> Result<Self> {
        let previous = C::current()?;
        let is_own = previous == own;
        if !is_own {
            C::set(own)?;
        }
        Ok(Self {
            previous: (!is_own).then_some(previous),
            contexts: PhantomData,
        })
    }
}

impl<C: Contexts> Drop for Current<C> {
    fn drop(&mut self) {
        if let Some(previous) = self.previous {
            // A failure leaves ours current, which does no harm.
            let _ = C::set(previous);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static CURRENT: Cell<CUcontext> = const { Cell::new(ptr::null_mut()) };
        static CALLS: Cell<u32> = const { Cell::new(0) };
    }

    enum Fake {}

    impl Contexts for Fake {
        fn current() -> Result<CUcontext> {
            Ok(CURRENT.get())
        }

        fn set(context: CUcontext) -> Result<()> {
            CALLS.set(CALLS.get() + 1);
            CURRENT.set(context);
            Ok(())
        }
    }

    fn context(number: usize) -> CUcontext {
        ptr::without_provenance_mut(number)
    }

    fn enter(own: CUcontext) -> Current<Fake> {
        Current::enter(own).unwrap()
    }

    const NONE: CUcontext = ptr::null_mut();

    #[test]
    fn guards_restore_what_was_current() {
        let [own, other, users] = [1, 2, 3].map(context);
        for before in [NONE, own, users] {
            CURRENT.set(before);
            let outer = enter(own);
            assert_eq!(CURRENT.get(), own);
            let inner = enter(other);
            assert_eq!(CURRENT.get(), other);
            drop(enter(own));
            assert_eq!(CURRENT.get(), other);
            drop(inner);
            assert_eq!(CURRENT.get(), own);
            drop(outer);
            assert_eq!(CURRENT.get(), before);
        }
    }

    /// As in a caller's callback, in which other libraries work too.
    #[test]
    fn what_others_set_within_a_guard_is_not_taken_for_ours() {
        let [own, users] = [1, 3].map(context);
        CURRENT.set(users);
        let outer = enter(own);
        for foreign in [users, NONE] {
            CURRENT.set(foreign);
            let inner = enter(own);
            assert_eq!(CURRENT.get(), own);
            drop(inner);
            assert_eq!(CURRENT.get(), foreign);
        }
        drop(outer);
        assert_eq!(CURRENT.get(), users);
    }

    #[test]
    fn a_context_that_is_current_is_not_set() {
        let own = context(1);
        CURRENT.set(own);
        let calls = CALLS.get();
        drop((enter(own), enter(own)));
        assert_eq!(CALLS.get(), calls);
        CURRENT.set(NONE);
        drop(enter(own));
        assert_eq!(CALLS.get(), calls + 2);
    }
}
