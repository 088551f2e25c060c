//! The bucket is asked at each opening.

use larder_core::{ErrorCode, Operation};

use super::support::{buckets, through};

#[test]
fn an_opening_sees_what_others_wrote() {
    for outside in buckets() {
        outside.put_all(["f", "gone", "d/f"].map(str::to_owned));
        let world = outside.open_with(through());
        assert_eq!((world.text("f"), world.text("d/f")), ("f".into(), "d/f".into()));
        let node = world.node("f");
        let open = world.open_file("f").unwrap();
        assert_eq!(world.node("f"), node);
        outside.put("f", "newer");
        outside.put("d/g", "new");
        outside.delete("gone");
        assert_eq!(world.text("f"), "newer");
        assert_eq!(world.text("d/g"), "new");
        assert_eq!(world.text("gone"), "NoEntry");
        assert_eq!(world.text("never"), "NoEntry");
        assert_eq!(open.read(0, 9).unwrap().into_bytes(), "f");
        assert_eq!(world.names("").unwrap(), ["d", "f"]);
        // What waits for the bucket stays.
        world.apply(&Operation::Write { node: world.node("f"), offset: 0, data: "ours!".into() });
        outside.put("f", "theirs");
        assert_eq!(world.text("f"), "ours!");
        assert_eq!(world.poll(), 0);
    }
}

#[test]
fn what_is_known_can_be_opened_without_the_bucket() {
    for outside in buckets() {
        outside.put("f", "1");
        let (faults, world) = outside.open_spoiled(through());
        assert_eq!(world.text("f"), "1");
        faults.down();
        assert_eq!(world.text("f"), "1");
        assert_eq!(world.text("unknown"), format!("{:?}", ErrorCode::Io));
        faults.up();
        assert_eq!(world.text("unknown"), "NoEntry");
    }
}

#[test]
fn a_bucket_that_is_not_there_takes_nothing_away() {
    let [outside, _] = buckets();
    outside.put("f", "1");
    let (faults, world) = outside.open_spoiled(through());
    assert_eq!(world.text("f"), "1");
    faults.set(larder_test_s3::Rule::new(larder_test_s3::Fault::Answer(larder_test_s3::Answer::NO_BUCKET)));
    assert_eq!(world.text("f"), "1");
    faults.clear();
    assert_eq!(world.text("f"), "1");
}
