//! Calls all that Spin's interfaces have of variables and key-value stores,
//! through spin-sdk 5, and the drafts `wasi:config` and `wasi:keyvalue`, for
//! which the SDK has no words. Answers `ok` or the first thing that was wrong.
//! spin-plugin/spin-host/tests has what it finds there.

mod drafts;

use anyhow::{Result, bail, ensure};
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::key_value::{Error, Store};
use spin_sdk::{http_component, variables};

#[http_component]
fn handle(request: Request) -> impl IntoResponse {
    let done = match request.path() {
        "/variables" => all_variables(),
        "/values" => values(),
        "/keys" => keys(),
        "/stores" => stores(),
        "/refused" => refused(),
        "/tables" => tables(),
        "/config" => drafts::config(),
        "/buckets" => drafts::buckets(),
        "/batches" => drafts::batches(),
        "/swaps" => drafts::swaps(),
        "/increment" => drafts::increment(),
        other => Err(anyhow::anyhow!("no test is called {other}")),
    };
    let text = match done {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    Response::builder().status(200).body(text).build()
}

fn all_variables() -> Result<()> {
    ensure!(variables::get("greeting")? == "hello");
    ensure!(variables::get("empty")? == "");
    match variables::get("none") {
        Err(variables::Error::Undefined(text)) if text.contains("`none`") => {}
        other => bail!("undefined: {other:?}"),
    }
    match variables::get("No-Name") {
        Err(variables::Error::InvalidName(text)) if text.contains("`No-Name`") => {}
        other => bail!("invalid: {other:?}"),
    }
    Ok(())
}

fn values() -> Result<()> {
    let store = Store::open_default()?;
    ensure!(store.get("a")?.is_none() && !store.exists("a")?);
    store.set("a", b"one")?;
    store.set("a", b"two")?;
    ensure!(store.get("a")?.as_deref() == Some(&b"two"[..]) && store.exists("a")?);
    let large: Vec<u8> = (0..3 << 20).map(|at: u32| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let long = "/é".repeat(341);
    for key in ["", "..", "a/b", "\0", &long] {
        store.set(key, &large)?;
        ensure!(store.get(key)?.as_ref() == Some(&large), "{key}");
        store.delete(key)?;
        store.delete(key)?;
        ensure!(store.get(key)?.is_none(), "{key}");
    }
    // Another that is open sees the same.
    let other = Store::open("default")?;
    ensure!(other.get("a")?.as_deref() == Some(&b"two"[..]));
    other.delete("a")?;
    ensure!(!store.exists("a")?);
    Ok(())
}

fn keys() -> Result<()> {
    let store = Store::open_default()?;
    ensure!(store.get_keys()?.is_empty());
    let mut expected: Vec<String> = (0..500).map(|number| format!("key/{number}")).collect();
    expected.push("long".repeat(200));
    expected.sort();
    for key in &expected {
        store.set(key, key.as_bytes())?;
    }
    let mut found = store.get_keys()?;
    found.sort();
    ensure!(found == expected, "{} keys of {}", found.len(), expected.len());
    for key in &expected {
        store.delete(key)?;
    }
    ensure!(store.get_keys()?.is_empty());
    Ok(())
}

fn stores() -> Result<()> {
    ensure!(matches!(Store::open("missing"), Err(Error::NoSuchStore)));
    ensure!(matches!(Store::open("somebody-elses"), Err(Error::AccessDenied)));
    Ok(())
}

fn other<T: std::fmt::Debug>(answer: Result<T, Error>, text: &str) -> Result<()> {
    match answer {
        Err(Error::Other(said)) if said.contains(text) => Ok(()),
        other => bail!("instead of {text}: {other:?}"),
    }
}

fn refused() -> Result<()> {
    let store = Store::open_default()?;
    let long = "k".repeat(1025);
    other(store.get(&long), "more than 1024 bytes")?;
    other(store.set(&long, b""), "more than 1024 bytes")?;
    other(store.delete(&long), "more than 1024 bytes")?;
    other(store.exists(&long), "more than 1024 bytes")?;
    let read_only = Store::open("read-only")?;
    ensure!(read_only.get("given")?.as_deref() == Some(&b"value"[..]));
    ensure!(read_only.get_keys()? == ["given"]);
    other(read_only.set("given", b""), "read-only")?;
    other(read_only.delete("given"), "read-only")?;
    let full = Store::open("full")?;
    other(full.set("a", &vec![1; 1 << 20]), "no space left in the volume")?;
    ensure!(full.get("a")?.is_none());
    Ok(())
}

fn tables() -> Result<()> {
    let mut stores = Vec::new();
    for _ in 0..256 {
        stores.push(Store::open_default()?);
    }
    ensure!(matches!(Store::open_default(), Err(Error::StoreTableFull)));
    // Buckets count as well.
    drafts::no_bucket_is_left()?;
    stores.pop();
    Store::open_default()?;
    Ok(())
}
