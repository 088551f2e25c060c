//! Best, median and spread of repetitions.

use serde::Serialize;

use crate::rig::Sample;

/// What the repetitions of one contestant come to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series {
    /// Nanoseconds of one operation: the middle one of all repetitions.
    pub(crate) median: f64,
    /// The fastest repetition.
    pub(crate) best: f64,
    /// Half the distance between the quartiles, as a part of the median.
    pub(crate) spread: f64,
    /// As `median`, in processor time of the process.
    pub(crate) processor_median: f64,
    /// As `best`, in processor time of the process.
    pub(crate) processor_best: f64,
    /// Bytes of one operation.
    pub(crate) bytes: f64,
    samples: Vec<Sample>,
}

impl Series {
    pub(crate) fn of(samples: Vec<Sample>) -> Self {
        let wall = sorted(&samples, |sample| sample.nanoseconds);
        let processor = sorted(&samples, |sample| sample.processor_nanoseconds);
        let median = quantile(&wall, 0.5);
        let operations: u64 = samples.iter().map(|sample| sample.operations).sum();
        let bytes: u64 = samples.iter().map(|sample| sample.bytes).sum();
        Self {
            median,
            best: quantile(&wall, 0.0),
            spread: (quantile(&wall, 0.75) - quantile(&wall, 0.25)) / 2.0 / median,
            processor_median: quantile(&processor, 0.5),
            processor_best: quantile(&processor, 0.0),
            bytes: bytes as f64 / operations.max(1) as f64,
            samples,
        }
    }
}

fn sorted(samples: &[Sample], time: impl Fn(&Sample) -> u64) -> Vec<f64> {
    let mut times: Vec<f64> =
        samples.iter().map(|sample| time(sample) as f64 / sample.operations.max(1) as f64).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// Between the two nearest of sorted values.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * sorted.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of the slice, rounded down")]
    let below = place.floor() as usize;
    let value = |index: usize| sorted.get(index).or(sorted.last()).copied().unwrap_or(f64::NAN);
    let (low, high) = (value(below), value(below + 1));
    low + (high - low) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&sorted, 0.0), 1.0);
        assert_eq!(quantile(&sorted, 0.5), 3.0);
        assert_eq!(quantile(&sorted, 1.0), 8.0);
        assert_eq!(quantile(&[5.0], 0.5), 5.0);
    }
}
