//! Standard output of the commands that print: buffered, and quiet when the
//! reader goes away (`larder ls … | head`).

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

use anyhow::{Context, Result};
use larder_transfer::TransferError;
use serde::Serialize;

/// A buffered writer to standard output. Errors are given back, so that
/// [`quiet_when_closed`] can tell a closed pipe from a full disk.
pub(crate) struct Output {
    writer: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Locks standard output for the life of the value.
    pub(crate) fn stdout() -> Self {
        Self { writer: BufWriter::with_capacity(64 * 1024, io::stdout().lock()) }
    }

    /// Writes one line.
    ///
    /// # Errors
    /// When standard output does not take it.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) -> Result<()> {
        writeln!(self.writer, "{}", line.as_ref()).context(WRITING)
    }

    /// Writes `value` as indented JSON and a newline.
    ///
    /// # Errors
    /// When standard output does not take it.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer_pretty(&mut self.writer, value).map_err(io::Error::from).context(WRITING)?;
        self.line("")
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// When standard output does not take them.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).context(WRITING)
    }

    /// Hands everything to the system; without it an error of the last
    /// buffer would be lost in the drop.
    ///
    /// # Errors
    /// When standard output does not take the rest.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.writer.flush().context(WRITING)
    }
}

impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.writer.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

const WRITING: &str = "writing to standard output";

/// Turns "the reader closed the pipe" into success: whoever reads our output
/// has what they wanted.
///
/// # Errors
/// Every other error, unchanged.
pub(crate) fn quiet_when_closed(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        other => other,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let error = match cause.downcast_ref::<TransferError>() {
            Some(TransferError::Stream { error, .. }) => Some(error),
            _ => cause.downcast_ref::<io::Error>(),
        };
        error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    })
}

/// Aligns columns of text: every row has one cell a column; `right` tells
/// which columns are aligned to the right.
pub(crate) fn table(rows: &[Vec<String>], right: &[bool]) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if index > 0 {
                    line.push_str("  ");
                }
                if right.get(index).copied().unwrap_or(false) {
                    line.push_str(&format!("{cell:>width$}"));
                } else {
                    line.push_str(&format!("{cell:<width$}"));
                }
            }
            line.trim_end().to_owned()
        })
        .collect()
}

/// Replaces control characters, which could drive the reader's terminal, by
/// escapes. Names in a volume are chosen by guests and are not trusted.
pub(crate) fn printable(name: &str) -> String {
    name.chars()
        .flat_map(|character| {
            let control = character.is_control();
            let escaped = control.then(|| character.escape_default()).into_iter().flatten();
            escaped.chain((!control).then_some(character))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_drive_the_terminal() {
        assert_eq!(printable("plain é.txt"), "plain é.txt");
        assert_eq!(printable("a\x1b[2Jb\n"), "a\\u{1b}[2Jb\\n");
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["a".to_owned(), "1".to_owned()], vec!["bcd".to_owned(), "22".to_owned()]];
        assert_eq!(table(&rows, &[false, true]), ["a     1", "bcd  22"]);
    }
}
