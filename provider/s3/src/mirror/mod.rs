//! Which names each inode has.
