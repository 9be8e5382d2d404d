//! Netpbm: PBM, PGM, PPM and PAM through the `image` crate, PFM by code of our own.

pub(super) mod pfm;
