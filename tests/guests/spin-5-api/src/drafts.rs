//! `wasi:config` and `wasi:keyvalue`, by the calls themselves.

use std::collections::BTreeSet;
use std::fmt::Debug;

use anyhow::{Result, anyhow, bail, ensure};

mod bindings {
    spin_sdk::wit_bindgen::generate!({
        inline: "
            package larder:guest;
            world drafts {
                import wasi:config/store@0.2.0-draft-2024-09-27;
                include wasi:keyvalue/imports@0.2.0-draft2;
            }
        ",
        path: ["../../../wit/spin/deps/wasi-config", "../../../wit/spin/deps/wasi-keyvalue"],
        world: "larder:guest/drafts",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

use bindings::wasi::config::store as settings;
use bindings::wasi::keyvalue::atomics::{self, Cas, CasError};
use bindings::wasi::keyvalue::batch;
use bindings::wasi::keyvalue::store::{self, Bucket, Error};

fn told<T>(answer: Result<T, impl Debug>) -> Result<T> {
    answer.map_err(|error| anyhow!("{error:?}"))
}

fn other<T: Debug>(answer: Result<T, Error>, text: &str) -> Result<()> {
    match answer {
        Err(Error::Other(said)) if said.contains(text) => Ok(()),
        other => bail!("instead of {text}: {other:?}"),
    }
}

fn default() -> Result<Bucket> {
    told(store::open("default"))
}

pub(crate) fn config() -> Result<()> {
    ensure!(told(settings::get("greeting"))?.as_deref() == Some("hello"));
    ensure!(told(settings::get("none"))?.is_none());
    ensure!(told(settings::get("No-Name"))?.is_none());
    let mut all = told(settings::get_all())?;
    all.sort();
    ensure!(all == [("empty".to_owned(), String::new()), ("greeting".to_owned(), "hello".to_owned())]);
    Ok(())
}

pub(crate) fn no_bucket_is_left() -> Result<()> {
    other(store::open("default").map(drop), "more than 256 buckets")
}

pub(crate) fn buckets() -> Result<()> {
    ensure!(matches!(store::open("missing"), Err(Error::NoSuchStore)));
    ensure!(matches!(store::open("somebody-elses"), Err(Error::AccessDenied)));
    let bucket = default()?;
    ensure!(told(bucket.get("a"))?.is_none() && !told(bucket.exists("a"))?);
    told(bucket.set("a", b"1"))?;
    told(bucket.set("b", b"2"))?;
    ensure!(told(bucket.get("a"))?.as_deref() == Some(&b"1"[..]) && told(bucket.exists("b"))?);
    let listed = told(bucket.list_keys(None))?;
    ensure!(listed.cursor.is_none() && listed.keys.into_iter().collect::<BTreeSet<_>>().len() == 2);
    // A cursor from before the first key, and one that is none.
    ensure!(told(bucket.list_keys(Some("0")))?.keys.len() == 2);
    other(bucket.list_keys(Some("next")), "the cursor")?;
    other(bucket.get(&"k".repeat(1025)), "more than 1024 bytes")?;
    for key in ["a", "b", "b"] {
        told(bucket.delete(key))?;
    }
    ensure!(told(bucket.list_keys(None))?.keys.is_empty());
    let read_only = told(store::open("read-only"))?;
    other(read_only.set("a", b""), "read-only")?;
    other(atomics::increment(&read_only, "a", 1), "read-only")
}

pub(crate) fn batches() -> Result<()> {
    let bucket = default()?;
    let keys = ["a".to_owned(), "b".to_owned(), "none".to_owned()];
    let values = [("a".to_owned(), b"1".to_vec()), ("b".to_owned(), b"2".to_vec())];
    told(batch::set_many(&bucket, &values))?;
    let got = told(batch::get_many(&bucket, &keys))?;
    ensure!(got.iter().map(|(key, _)| key).eq(&keys));
    let got: Vec<_> = got.iter().map(|(_, value)| value.as_deref()).collect();
    ensure!(got == [Some(&b"1"[..]), Some(b"2"), None], "{got:?}");
    told(batch::delete_many(&bucket, &keys))?;
    ensure!(told(bucket.list_keys(None))?.keys.is_empty());
    ensure!(told(batch::get_many(&bucket, &[]))?.is_empty());
    // What one call would answer has a bound.
    told(bucket.set("large", &vec![1; 1 << 20]))?;
    other(batch::get_many(&bucket, &vec!["large".to_owned(); 64]), "the answer has more than")?;
    told(bucket.delete("large"))?;
    let full = told(store::open("full"))?;
    let many = [("small".to_owned(), b"1".to_vec()), ("large".to_owned(), vec![1; 1 << 20])];
    other(batch::set_many(&full, &many), "no space left in the volume")?;
    ensure!(!told(full.exists("small"))?, "half of a batch");
    Ok(())
}

pub(crate) fn swaps() -> Result<()> {
    let bucket = default()?;
    let first = told(Cas::new(&bucket, "a"))?;
    ensure!(told(first.current())?.is_none());
    told(atomics::swap(first, b"1"))?;
    let late = told(Cas::new(&bucket, "a"))?;
    ensure!(told(late.current())?.as_deref() == Some(&b"1"[..]));
    told(bucket.set("a", b"2"))?;
    let again = match atomics::swap(late, b"3") {
        Err(CasError::CasFailed(again)) => again,
        other => bail!("it was too late: {other:?}"),
    };
    ensure!(told(again.current())?.as_deref() == Some(&b"2"[..]));
    told(atomics::swap(again, b"3"))?;
    ensure!(told(bucket.get("a"))?.as_deref() == Some(&b"3"[..]));
    told(bucket.delete("a"))?;
    let mut swaps = Vec::new();
    for _ in 0..256 {
        swaps.push(told(Cas::new(&bucket, "a"))?);
    }
    other(Cas::new(&bucket, "a"), "compare-and-swap")?;
    swaps.pop();
    told(Cas::new(&bucket, "a"))?;
    let full = told(store::open("full"))?;
    match atomics::swap(told(Cas::new(&full, "a"))?, &vec![1; 1 << 20]) {
        Err(CasError::StoreError(Error::Other(text))) if text.contains("no space left") => Ok(()),
        other => bail!("it has no space: {other:?}"),
    }
}

/// Adds 100 in the steps of one that counts with others.
pub(crate) fn increment() -> Result<()> {
    let bucket = default()?;
    for _ in 0..100 {
        told(atomics::increment(&bucket, "counter", 1))?;
    }
    ensure!(told(atomics::increment(&bucket, "counter", 0))? >= 100);
    told(bucket.set("text", b"12"))?;
    other(atomics::increment(&bucket, "text", 1), "not a number")
}
