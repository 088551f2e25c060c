//! Calling exported functions of components on the lattice, as `wash call`
//! does, with parameters and results.

use std::time::Duration;

use anyhow::{Context, Result};
use wrpc_transport::{InvokeExt as _, TupleDecode, TupleEncode};
use wrpc_transport_nats::Client;

use crate::Lattice;

/// Longest call.
const LONGEST: Duration = Duration::from_secs(120);

/// Nothing of a call is asynchronous.
const NO_PATHS: [&[Option<usize>]; 0] = [];

impl Lattice {
    /// Calls a function of a component, in an instance of its own.
    ///
    /// # Errors
    /// When nobody answers in time, or the instance trapped.
    pub async fn call<P, R>(&self, component: &str, interface: &str, function: &str, parameters: P) -> Result<R>
    where
        P: TupleEncode<wrpc_transport_nats::ParamWriter> + Send,
        <P::Encoder as tokio_util::codec::Encoder<P>>::Error: std::error::Error + Send + Sync + 'static,
        R: TupleDecode<wrpc_transport_nats::Reader> + Send,
        <R::Decoder as tokio_util::codec::Decoder>::Error: std::error::Error + Send + Sync + 'static,
    {
        let client = Client::new(self.control.nats_client(), self.subjects(component), None).await?;
        let asked = client.invoke_values_blocking(None, interface, function, parameters, NO_PATHS);
        let answer = tokio::time::timeout(LONGEST, asked).await;
        answer.with_context(|| format!("{component} did not answer {function}"))?
    }
}
