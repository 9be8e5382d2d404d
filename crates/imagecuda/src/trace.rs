//! Spans of the crate `tracing`, with the feature of that name; without it, nothing.

/// Opens a span until the end of the block. Its fields are evaluated only if someone listens.
macro_rules! span {
    ($name:literal, $($fields:tt)*) => {
        #[cfg(feature = "tracing")]
        let _span = tracing::debug_span!($name, $($fields)*).entered();
    };
}

pub(crate) use span;
