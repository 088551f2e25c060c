//! Reading and writing: in WASI 0.3 through streams alone.

use wasip3::filesystem::types::{Descriptor, ErrorCode};
use wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use wasip3::wit_stream;

pub async fn read(from: &Descriptor, offset: u64, length: usize) -> Result<Vec<u8>, ErrorCode> {
    let (mut stream, end) = from.read_via_stream(offset);
    let mut all = Vec::new();
    while all.len() < length {
        let (status, part) = stream.read(Vec::with_capacity(length - all.len())).await;
        all.extend(part);
        if !matches!(status, StreamResult::Complete(_)) {
            break;
        }
    }
    // Also after a read of no bytes the outcome tells whether it may be read.
    drop(stream);
    end.await.map(|()| all)
}

pub async fn write(
    data: Vec<u8>,
    open: impl FnOnce(StreamReader<u8>) -> FutureReader<Result<(), ErrorCode>>,
) -> Result<(), ErrorCode> {
    let (mut stream, reader) = wit_stream::new();
    let outcome = open(reader);
    let left = stream.write_all(data).await;
    drop(stream);
    outcome.await?;
    assert!(left.is_empty(), "the stream ended early, without an error");
    Ok(())
}
