//! Outgoing requests.

use bytes::Bytes;
use http_body_util::BodyExt;
use spin_sdk::wasip3::http::types::ErrorCode;

use crate::answer::Answer;

pub async fn get(url: &str) -> Answer {
    match send(url).await {
        Ok((status, body)) => Answer::bytes(200, [format!("{status}\n").as_bytes(), &body].concat().into()),
        Err(error) => Answer::text(502, format!("{error}\n")),
    }
}

async fn send(url: &str) -> Result<(u16, Bytes), ErrorCode> {
    let response = spin_sdk::http::get(url).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}
