//! Running a plan and writing down what was answered, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use larder_core::{Context, Operation, Timestamp, Volume, VolumeOptions};

use super::plan::{Call, DIRECTORIES, FILES, GENERATION, Plan, id};
use super::{Observed, explain};
use crate::model::Model;

/// A small tree that threads meet in, real and as a model.
#[derive(Debug)]
pub struct Stage {
    /// The real one.
    pub volume: Arc<Volume>,
    /// The same as a model.
    pub model: Model,
}

impl Default for Stage {
    fn default() -> Self {
        let options = VolumeOptions { generation: GENERATION, ..VolumeOptions::default() };
        let mut stage = Self { volume: Volume::new(options.clone()), model: Model::new(&options) };
        let directory = |parent, name: &str, ino| {
            (ino, Operation::CreateDirectory { directory: id(parent), name: name.into(), mode: 0o755 })
        };
        let file = |parent, name: &str, ino| {
            (ino, Operation::CreateFile { directory: id(parent), name: name.into(), mode: 0o644 })
        };
        // Numbers do not grow with depth everywhere: 4 holds 3.
        let made = [
            directory(DIRECTORIES[0], "a", DIRECTORIES[1]),
            directory(DIRECTORIES[0], "b", DIRECTORIES[3]),
            directory(DIRECTORIES[3], "a", DIRECTORIES[2]),
            file(DIRECTORIES[0], "f", FILES[0]),
            file(DIRECTORIES[3], "f", FILES[1]),
        ];
        for (ino, operation) in made {
            let context = Context { now: Timestamp::UNIX_EPOCH, node: Some(id(ino)) };
            stage.volume.apply(&context, &operation).unwrap();
            stage.model.apply(&context, &operation).unwrap();
        }
        stage
    }
}

/// The clock of one history: a counter that all threads share.
#[derive(Debug, Default)]
pub struct Recorder {
    clock: AtomicU64,
}

impl Recorder {
    /// Makes one call and notes it.
    pub fn call(&self, volume: &Arc<Volume>, thread: usize, call: &Call) -> Observed {
        let invoked = self.clock.fetch_add(1, Ordering::SeqCst);
        let answer = volume.apply(&call.context, &call.operation).map_err(|error| error.code());
        let answered = self.clock.fetch_add(1, Ordering::SeqCst);
        Observed { thread, context: call.context, operation: call.operation.clone(), answer, invoked, answered }
    }

    /// Looks at everything, when all threads are done: the last state, too,
    /// must follow from the order that explains the answers.
    #[must_use]
    pub fn aftermath(&self, volume: &Arc<Volume>, plan: &Plan) -> Vec<Observed> {
        let made = plan.iter().flatten().filter_map(|call| call.context.node);
        let nodes = DIRECTORIES.iter().chain(&FILES).map(|ino| id(*ino)).chain(made);
        nodes
            .flat_map(|node| {
                [
                    Operation::GetAttributes { node },
                    Operation::ReadDirectory { directory: node, after: 0, max: 100 },
                    Operation::Read { node, offset: 0, length: 100 },
                ]
            })
            .map(|operation| self.call(volume, usize::MAX, &Call { context: Context::default(), operation, delay: 0 }))
            .collect()
    }
}

impl Stage {
    /// Runs a plan on threads of the system and checks the history.
    ///
    /// # Errors
    /// The history, if nothing explains it, or what is wrong in the end.
    pub fn run(self, plan: &Plan) -> Result<(), String> {
        let recorder = Recorder::default();
        let waiting = AtomicUsize::new(plan.len());
        let volume = &self.volume;
        let mut calls: Vec<Observed> = std::thread::scope(|scope| {
            let threads: Vec<_> = plan
                .iter()
                .enumerate()
                .map(|(thread, calls)| {
                    let (recorder, waiting) = (&recorder, &waiting);
                    scope.spawn(move || {
                        waiting.fetch_sub(1, Ordering::SeqCst);
                        // Not a lock: all should begin within nanoseconds.
                        while waiting.load(Ordering::SeqCst) > 0 {
                            std::thread::yield_now();
                        }
                        calls
                            .iter()
                            .map(|call| {
                                (0..call.delay).for_each(|_| std::hint::spin_loop());
                                recorder.call(volume, thread, call)
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        calls.extend(recorder.aftermath(volume, plan));
        self.check(&calls)
    }

    /// Checks what was seen on this stage.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn check(&self, calls: &[Observed]) -> Result<(), String> {
        explain(&self.model, calls)?;
        let (usage, recount) = (self.volume.usage(), self.volume.recount());
        if usage != recount {
            return Err(format!("charged {usage:?}, counted {recount:?}, after:\n{}", super::check::table(calls, &[])));
        }
        Ok(())
    }
}
