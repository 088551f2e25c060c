//! Connections that stall, are refused, and come back.

use std::net::TcpStream;
use std::time::Duration;

use larder_test_s3::{Fault, Kind, Rule};

use super::Setting;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn what_stalls_stays_without_answer() {
    let setting = Setting::new();
    setting.faults.set(Rule::new(Fault::Stall).path("/before").times(1));
    setting.faults.set(Rule::new(Fault::StallAfter).path("/after").times(1));
    assert!(tokio::time::timeout(SHORT, setting.put("before", "content")).await.is_err());
    assert_eq!(setting.has("before").await, None);
    assert!(tokio::time::timeout(SHORT, setting.put("after", "content")).await.is_err());
    assert_eq!(setting.has("after").await, Some("content".to_owned()));
    assert!(setting.faults.wait_for(LONG, |counts| counts.of(Kind::Put) == 2));
    assert_eq!(setting.put("other", "content").await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn down_ends_all_connections_and_refuses_new_ones() {
    let setting = Setting::new();
    let port = setting.faults.endpoint().rsplit(':').next().unwrap().parse().unwrap();
    let address: (&str, u16) = ("127.0.0.1", port);
    setting.put("key", "content").await.unwrap();
    setting.faults.set(Rule::new(Fault::Stall).times(1));
    let stalled = setting.client.get_object().bucket(super::BUCKET).key("key").send();
    let stalled = tokio::spawn(stalled);
    assert!(setting.faults.wait_for(LONG, |counts| counts.of(Kind::Get) == 1));
    for _ in 0..3 {
        setting.faults.down();
        assert_eq!(setting.put("key", "content").await, Err("no answer".to_owned()));
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        setting.faults.down();
        setting.faults.up();
        setting.faults.up();
        assert_eq!(setting.get("key").await, Ok("content".to_owned()));
    }
    assert!(tokio::time::timeout(LONG, stalled).await.unwrap().unwrap().is_err());
}
