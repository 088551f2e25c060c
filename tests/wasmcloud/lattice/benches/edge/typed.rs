//! A provider of `larder:test/typed`: an interface of `list<u8>`, as one would
//! write it first, served by wRPC's library from memory.

use anyhow::Result;
use bytes::Bytes;
use futures::StreamExt as _;
use larder_lattice_tests::Lattice;
use tokio::task::JoinHandle;
use wrpc_transport::ServeExt as _;
use wrpc_transport_nats::Client;

/// Its id on the lattice.
pub(crate) const ID: &str = "typed";

const INTERFACE: &str = "larder:test/typed@0.1.0";

/// Nothing of a call is asynchronous.
const NO_PATHS: [Box<[Option<usize>]>; 0] = [];

/// Serves `content` until the tasks are ended.
pub(crate) async fn serve(lattice: &Lattice, content: Bytes) -> Result<[JoinHandle<()>; 2]> {
    let prefix = lattice.subjects(ID);
    let client = Client::new(lattice.control.nats_client(), prefix.clone(), Some(prefix.into())).await?;
    let mut reads = client.serve_values::<(u64, u32), (Bytes,)>(INTERFACE, "read", NO_PATHS).await?.boxed();
    let mut writes = client.serve_values::<(u64, Bytes), (u32,)>(INTERFACE, "write", NO_PATHS).await?.boxed();
    let reads = tokio::spawn(async move {
        while let Some(Ok((_, (offset, length), _, answer))) = reads.next().await {
            let from = offset as usize;
            let _ = answer((content.slice(from..from + length as usize),)).await;
        }
    });
    // What is written is let go: keeping it could only be slower.
    let writes = tokio::spawn(async move {
        while let Some(Ok((_, (_, bytes), _, answer))) = writes.next().await {
            let _ = answer((bytes.len() as u32,)).await;
        }
        drop(client);
    });
    Ok([reads, writes])
}
