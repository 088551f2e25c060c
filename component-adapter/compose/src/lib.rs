//! Composes the store into apps.
