//! Calls all that Spin's interfaces have of variables and key-value stores,
//! through spin-sdk 7, and answers `ok` or the first thing that was wrong.
//! spin-plugin/spin-host/tests has what it finds there.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::key_value::{Error, Store};
use spin_sdk::{http_service, variables};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let done = match request.uri().path() {
        "/variables" => all_variables().await,
        "/values" => values().await,
        "/keys" => keys().await,
        "/stores" => stores().await,
        "/refused" => refused().await,
        "/tables" => tables().await,
        other => Err(anyhow::anyhow!("no test is called {other}")),
    };
    match done {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

async fn all_variables() -> Result<()> {
    ensure!(variables::get("greeting").await? == "hello");
    ensure!(variables::get("empty").await? == "");
    match variables::get("none").await {
        Err(variables::Error::Undefined(text)) if text.contains("`none`") => {}
        other => bail!("undefined: {other:?}"),
    }
    match variables::get("No-Name").await {
        Err(variables::Error::InvalidName(text)) if text.contains("`No-Name`") => {}
        other => bail!("invalid: {other:?}"),
    }
    Ok(())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Customer {
    name: String,
}

async fn values() -> Result<()> {
    let store = Store::open_default().await?;
    ensure!(store.get("a").await?.is_none() && !store.exists("a").await?);
    store.set("a", b"one").await?;
    store.set("a", b"two").await?;
    ensure!(store.get("a").await?.as_deref() == Some(&b"two"[..]) && store.exists("a").await?);
    let large: Vec<u8> = (0..3 << 20).map(|at: u32| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let long = "/é".repeat(341);
    for key in ["", "..", "a/b", "\0", &long] {
        store.set(key, &large).await?;
        ensure!(store.get(key).await?.as_ref() == Some(&large), "{key}");
        store.delete(key).await?;
        store.delete(key).await?;
        ensure!(store.get(key).await?.is_none(), "{key}");
    }
    let customer = Customer { name: "Alice".to_owned() };
    store.set_json("customer", &customer).await?;
    ensure!(store.get_json::<Customer>("customer").await? == Some(customer));
    // Another that is open sees the same.
    let other = Store::open("default").await?;
    ensure!(other.get("a").await?.as_deref() == Some(&b"two"[..]));
    other.delete("a").await?;
    other.delete("customer").await?;
    ensure!(!store.exists("a").await?);
    Ok(())
}

async fn keys() -> Result<()> {
    let store = Store::open_default().await?;
    ensure!(store.get_keys().await.collect().await?.is_empty());
    let mut expected: Vec<String> = (0..500).map(|number| format!("key/{number}")).collect();
    expected.push("long".repeat(200));
    expected.sort();
    for key in &expected {
        store.set(key, key.as_bytes()).await?;
    }
    let mut found = store.get_keys().await.collect().await?;
    found.sort();
    ensure!(found == expected, "{} keys of {}", found.len(), expected.len());
    let mut some = store.get_keys().await;
    for _ in 0..3 {
        some.next().await.context("the list ended")?;
    }
    // One that is not read to its end has not failed.
    let (stream, result) = some.into_inner();
    drop(stream);
    result.await?;
    for key in &expected {
        store.delete(key).await?;
    }
    ensure!(store.get_keys().await.collect().await?.is_empty());
    Ok(())
}

async fn stores() -> Result<()> {
    ensure!(matches!(Store::open("missing").await, Err(Error::NoSuchStore)));
    ensure!(matches!(Store::open("somebody-elses").await, Err(Error::AccessDenied)));
    Ok(())
}

fn other<T: std::fmt::Debug>(answer: Result<T, Error>, text: &str) -> Result<()> {
    match answer {
        Err(Error::Other(said)) if said.contains(text) => Ok(()),
        other => bail!("instead of {text}: {other:?}"),
    }
}

async fn refused() -> Result<()> {
    let store = Store::open_default().await?;
    let long = "k".repeat(1025);
    other(store.get(&long).await, "more than 1024 bytes")?;
    other(store.set(&long, b"").await, "more than 1024 bytes")?;
    other(store.delete(&long).await, "more than 1024 bytes")?;
    other(store.exists(&long).await, "more than 1024 bytes")?;
    let read_only = Store::open("read-only").await?;
    ensure!(read_only.get("given").await?.as_deref() == Some(&b"value"[..]));
    ensure!(read_only.get_keys().await.collect().await? == ["given"]);
    other(read_only.set("given", b"").await, "read-only")?;
    other(read_only.delete("given").await, "read-only")?;
    let full = Store::open("full").await?;
    other(full.set("a", vec![1; 1 << 20]).await, "no space left in the volume")?;
    ensure!(full.get("a").await?.is_none());
    Ok(())
}

async fn tables() -> Result<()> {
    let mut stores = Vec::new();
    for _ in 0..256 {
        stores.push(Store::open_default().await?);
    }
    ensure!(matches!(Store::open_default().await, Err(Error::StoreTableFull)));
    stores.pop();
    stores.push(Store::open_default().await?);
    stores.truncate(1);
    let store = &stores[0];
    store.set("a", b"").await?;
    let mut lists = Vec::new();
    for _ in 0..256 {
        lists.push(store.get_keys().await);
    }
    other(store.get_keys().await.collect().await, "more than 256 lists of keys")?;
    lists.pop();
    ensure!(store.get_keys().await.collect().await? == ["a"]);
    store.delete("a").await?;
    Ok(())
}
