//! Making, moving and removing.

use std::fs;

use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::place::Place;

pub fn make_directory(place: &Place) -> Result<Answer, Failure> {
    fs::create_dir(place.entry()?)?;
    Ok(answer::done(201))
}

pub fn remove(place: &Place) -> Result<Answer, Failure> {
    let path = place.entry()?;
    if fs::symlink_metadata(&path)?.is_dir() {
        fs::remove_dir(&path)?;
    } else {
        fs::remove_file(&path)?;
    }
    Ok(answer::done(200))
}

/// The query is `to=PATH`.
pub fn rename(place: &Place, query: &str) -> Result<Answer, Failure> {
    let to = query.strip_prefix("to=").ok_or_else(|| Failure::new(400, "`to=` is missing"))?;
    let (from, to) = (place.entry()?, Place::parse(to)?.entry()?);
    // Two that rename to one name at the same moment both see it free, and the
    // second wins; files that are uploaded are safe from it, see `upload`.
    if fs::symlink_metadata(&to).is_ok() {
        return Err(Failure::new(409, "there is something of that name already"));
    }
    fs::rename(from, to)?;
    Ok(answer::done(200))
}
