//! Kinds of files that few programs write.
