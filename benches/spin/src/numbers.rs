//! Sums of repetitions.

use serde::Serialize;

/// A count as a number to divide; none here comes near 2^52.
#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}

/// The value below which a part of the sorted values is, a hundredth each:
/// `percentile(sorted, 99)`.
pub(crate) fn percentile<T: Copy>(sorted: &[T], hundredths: usize) -> Option<T> {
    let rank = (sorted.len() * hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// One figure of all repetitions of a cell.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Series {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Series {
    /// None where there is nothing.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let (least, most, upper) = (*sorted.first()?, *sorted.last()?, *sorted.get(middle)?);
        let lower = if sorted.len().is_multiple_of(2) { *sorted.get(middle - 1)? } else { upper };
        Some(Self { median: f64::midpoint(lower, upper), least, most })
    }

    /// Half the distance between the extremes, as a part of the median.
    pub(crate) fn spread(&self) -> f64 {
        (self.most - self.least) / 2.0 / self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values() {
        let sorted: Vec<u32> = (1..=200).collect();
        assert_eq!(percentile(&sorted, 50), Some(100));
        assert_eq!(percentile(&sorted, 99), Some(198));
        assert_eq!(percentile(&[5], 99), Some(5));
        assert_eq!(percentile::<u32>(&[], 50), None);
    }

    #[test]
    fn medians_are_in_the_middle() {
        let median = |values: &[f64]| Series::of(values.iter().copied()).unwrap().median;
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(Series::of(std::iter::empty()).is_none());
    }
}
