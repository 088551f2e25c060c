//! What a transfer tells while it runs, for progress bars.

/// Hears what a transfer does. Called often: it should be quick.
pub trait Progress {
    /// A file, directory or link begins; `path` is relative to what is copied.
    fn entry(&mut self, path: &str) {
        let _ = path;
    }

    /// So many more bytes of content were copied or, for holes, passed.
    fn bytes(&mut self, count: u64) {
        let _ = count;
    }
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}
