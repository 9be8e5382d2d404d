//! Spans of the `tracing` crate, with the feature of that name. Without the feature, `span!` does
//! nothing.

/// Opens a span until the end of the block. The fields are evaluated only if a subscriber wants the
/// span.
macro_rules! span {
    ($name:literal, $($fields:tt)*) => {
        #[cfg(feature = "tracing")]
        let _span = tracing::debug_span!($name, $($fields)*).entered();
    };
}

pub(crate) use span;
