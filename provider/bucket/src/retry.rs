//! Attempts of a call.
