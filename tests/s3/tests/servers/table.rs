//! The expected.

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) weed: &'static str,
    pub(crate) s3s: &'static str,
}

pub(crate) const ROWS: &[Row] = &[];
