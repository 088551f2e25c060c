//! PAX extended headers (POSIX.1-2017, `pax` utility): records of
//! `LENGTH KEY=VALUE\n`, where the length counts the whole record. Values may
//! hold anything, line breaks included.

use larder_core::Timestamp;

use super::number::{decimal, time};
use super::sparse::{MOST_SEGMENTS, Segment};

/// What the records before a member say of it.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) linkpath: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<Timestamp>,
    pub(super) accessed: Option<Timestamp>,
    pub(super) sparse: PaxSparse,
}

/// GNU tar's sparse files in PAX form, versions 0.0, 0.1 and 1.0.
#[derive(Debug, Default)]
pub(super) struct PaxSparse {
    /// The member is sparse.
    pub(super) is_sparse: bool,
    /// The map is at the head of the content (version 1.0).
    pub(super) map_in_content: bool,
    pub(super) name: Option<Vec<u8>>,
    /// Length of the file, holes included, in bytes.
    pub(super) size: Option<u64>,
    /// The map, in versions 0.0 and 0.1.
    pub(super) map: Vec<Segment>,
    offset: Option<u64>,
}

impl Pax {
    /// Takes the records of one extended header.
    pub(super) fn take(&mut self, mut records: &[u8]) -> Result<(), &'static str> {
        while !records.is_empty() {
            let (key, value, rest) = next(records).ok_or("a PAX record is malformed")?;
            self.record(key, value)?;
            records = rest;
        }
        Ok(())
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        let text = || (!value.is_empty()).then(|| value.to_vec());
        let number = || decimal(value).filter(|_| !value.is_empty()).ok_or("a PAX record holds no number");
        let instant = || match value {
            [] => Ok(None),
            _ => time(value).map(Some).ok_or("a PAX record holds no time"),
        };
        match key {
            b"path" => self.path = text(),
            b"linkpath" => self.linkpath = text(),
            b"size" => self.size = Some(number()?),
            b"mtime" => self.modified = instant()?,
            b"atime" => self.accessed = instant()?,
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.is_sparse = true;
                    return self.sparse.record(key, value, number);
                }
            }
        }
        Ok(())
    }
}

impl PaxSparse {
    fn record(
        &mut self,
        key: &[u8],
        value: &[u8],
        number: impl Fn() -> Result<u64, &'static str>,
    ) -> Result<(), &'static str> {
        match key {
            b"major" if number()? > 1 => return Err("a sparse file of an unknown format"),
            b"major" => self.map_in_content = number()? == 1,
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(number()?),
            b"offset" => self.offset = Some(number()?),
            b"numbytes" => {
                let offset = self.offset.take().ok_or("a sparse map without an offset")?;
                self.map.push(Segment { offset, length: number()? });
            }
            b"map" => self.map = pairs(value).ok_or("a sparse map is malformed")?,
            // The number of segments and the minor version tell nothing more.
            _ => {}
        }
        if self.map.len() > MOST_SEGMENTS { Err("a sparse file of too many pieces") } else { Ok(()) }
    }
}

/// `offset,length,offset,length,…`
fn pairs(value: &[u8]) -> Option<Vec<Segment>> {
    let mut numbers = value.split(|byte| *byte == b',').filter(|number| !number.is_empty());
    let mut map = Vec::new();
    while let Some(offset) = numbers.next() {
        map.push(Segment { offset: decimal(offset)?, length: decimal(numbers.next()?)? });
    }
    Some(map)
}

/// Splits the first record into key and value.
fn next(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(records.get(..space)?)?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let (last, pair) = record.get(space + 1..)?.split_last()?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (key, value) = pair.split_at_checked(equals)?;
    (*last == b'\n').then_some((key, value.get(1..)?, rest))
}

/// Appends a record.
pub(super) fn push(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    // " KEY=VALUE\n", and the digits of the length, which count themselves.
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_round_trip_at_every_length() {
        for length in 0..1_100 {
            let mut value = vec![b'\n'; length];
            value.extend_from_slice(b"= 7 x=\n");
            let mut records = Vec::new();
            push(&mut records, "path", &value);
            push(&mut records, "comment", b"other");
            let mut pax = Pax::default();
            pax.take(&records).unwrap();
            assert_eq!(pax.path.as_ref(), Some(&value));
        }
    }

    #[test]
    fn malformed_records_are_refused() {
        for bad in
            ["x", "5 a=b", "999 path=x\n", "0 path=x\n", "6 path\n", "18446744073709551616 a=\n", "12 size=1x\n\n"]
        {
            assert!(Pax::default().take(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
