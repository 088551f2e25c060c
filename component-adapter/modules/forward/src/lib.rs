//! The forwarding variant: keeps nothing, imports `larder:fs/store`.
