//! The image: options and file trees that a composed component carries.
