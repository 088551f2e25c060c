//! Frames: how messages are told apart on a stream. A frame is the length of
//! the message in 4 bytes, the most significant first, and the message.

use std::io::{Error, ErrorKind, Read, Result, Write};

use bytes::{Buf, Bytes};
use larder_protocol::MOST_REQUEST_BYTES;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Most bytes of a message, in both directions: those of a request, 1 MiB.
/// Guards the memory of whoever reads it.
pub(crate) const MOST_BYTES: usize = MOST_REQUEST_BYTES;

/// Bytes of a message's length.
const HEADER_BYTES: usize = 4;

type Header = [u8; HEADER_BYTES];

fn header(message: &[u8]) -> Result<Header> {
    let fits = u32::try_from(message.len()).ok().filter(|_| message.len() <= MOST_BYTES);
    let length = fits.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the message is too long"))?;
    Ok(length.to_be_bytes())
}

fn length(header: Header) -> Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(header)).ok();
    let fits = length.filter(|length| *length <= MOST_BYTES);
    fits.ok_or_else(|| Error::new(ErrorKind::InvalidData, format!("a message has at most {MOST_BYTES} bytes")))
}

/// The next message; none where the stream ends before it.
///
/// # Errors
/// Those of the stream, also where it ends within a message; and that the
/// message is too long.
pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Bytes>> {
    let mut header = Header::default();
    let [first, rest @ ..] = &mut header;
    if from.read(std::slice::from_mut(first)).await? == 0 {
        return Ok(None);
    }
    from.read_exact(rest).await?;
    let mut message = vec![0; length(header)?];
    from.read_exact(&mut message).await?;
    Ok(Some(message.into()))
}

/// Writes a message.
///
/// # Errors
/// Those of the stream, and that the message is too long.
pub(crate) async fn write(to: &mut (impl AsyncWrite + Unpin), message: Bytes) -> Result<()> {
    let header = header(&message)?;
    let mut frame = Buf::chain(header.as_slice(), message);
    to.write_all_buf(&mut frame).await
}

/// [`read`], which blocks. A stream that ends is an error.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_blocking(from: &mut impl Read) -> Result<Bytes> {
    let mut header = Header::default();
    from.read_exact(&mut header)?;
    let mut message = vec![0; length(header)?];
    from.read_exact(&mut message)?;
    Ok(message.into())
}

/// [`write`], which blocks.
///
/// # Errors
/// As [`write`].
pub(crate) fn write_blocking(to: &mut impl Write, message: &[u8]) -> Result<()> {
    to.write_all(&[header(message)?.as_slice(), message].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_told_apart() {
        let messages = [&b""[..], b"x", &[7; 70_000]].map(Bytes::copy_from_slice);
        let mut stream = Vec::new();
        for message in &messages {
            write(&mut stream, message.clone()).await.unwrap();
            let mut alone = Vec::new();
            write_blocking(&mut alone, message).unwrap();
            assert!(stream.ends_with(&alone));
            assert_eq!(read_blocking(&mut alone.as_slice()).unwrap(), message);
        }
        let mut rest = stream.as_slice();
        for message in messages {
            assert_eq!(read(&mut rest).await.unwrap(), Some(message));
        }
        assert_eq!(read(&mut rest).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frame_that_is_cut_is_an_error() {
        let mut frame = Vec::new();
        write(&mut frame, Bytes::from_static(b"message")).await.unwrap();
        for end in 1..frame.len() {
            let error = read(&mut frame.get(..end).unwrap()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{end}");
        }
    }

    #[tokio::test]
    async fn what_is_too_long_is_neither_read_nor_written() {
        let longest = Bytes::from(vec![1; MOST_BYTES]);
        let mut frame = Vec::new();
        write(&mut frame, longest.clone()).await.unwrap();
        assert_eq!(read(&mut frame.as_slice()).await.unwrap(), Some(longest));
        let error = write(&mut frame, Bytes::from(vec![1; MOST_BYTES + 1])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for length in [u32::try_from(MOST_BYTES).unwrap() + 1, u32::MAX] {
            // Nothing is waited for, nor taken from memory.
            let error = read(&mut length.to_be_bytes().as_slice()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
    }
}
