//! Commands: run once, or again and again.

use std::sync::Arc;

use larder_spin_app::config::Schedule;
use tokio::time::MissedTickBehavior;

use super::telemetry::Tracing;
use crate::runtime::{App, GuestSetup, Outcome, Runtime, Stop, run_command};

/// A trigger of the kind `command`.
pub(super) struct Background {
    /// The component's name.
    pub(super) component: String,
    pub(super) app: App,
    pub(super) setup: GuestSetup,
    pub(super) schedule: Schedule,
}

impl Background {
    /// Runs it until there is no next time. Answers whether every run ended
    /// well. `tracing` makes spans of the runs.
    pub(super) async fn run(self, runtime: Arc<Runtime>, stop: Stop, tracing: Option<Tracing>) -> bool {
        let once = || self.once(&runtime, &stop, tracing.as_ref());
        let Schedule::Every(interval) = self.schedule else { return self.ended_well(&once().await) };
        let mut ticks = tokio::time::interval(interval);
        // A run that takes longer than the interval is not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut well = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.requested() => return well,
            }
            let outcome = once().await;
            well &= self.ended_well(&outcome);
            if matches!(outcome, Outcome::Stopped(_)) {
                return well;
            }
        }
    }

    async fn once(&self, runtime: &Arc<Runtime>, stop: &Stop, tracing: Option<&Tracing>) -> Outcome {
        let span = tracing.map(|tracing| tracing.command(&self.component));
        let outcome = run_command(Arc::clone(runtime), self.app.clone(), self.setup.clone(), None, stop).await;
        if let Some(span) = span {
            span.ended(&outcome, &self.component);
        }
        outcome
    }

    /// Says how a run ended, unless it ended well.
    fn ended_well(&self, outcome: &Outcome) -> bool {
        let failure = outcome.failure_of(&self.component);
        failure.iter().for_each(|failure| crate::notice(failure));
        failure.is_none()
    }
}
