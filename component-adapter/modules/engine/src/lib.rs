//! What every module of the static form shares.
