//! Components inside components: composed before the store is attached.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use larder_compose::ErrorKind;
use larder_compose::attach::{AttachOptions, attach};
use support::run::{Guest, compose, run};
use support::{empty_store, guest};

fn options() -> AttachOptions<'static> {
    AttachOptions { module: empty_store().into(), ..AttachOptions::default() }
}

#[test]
fn the_one_component_that_uses_files_gets_the_store() {
    let composed = compose(&[("app", guest("rust-files"))], &[("app", "wasi:cli/run@0.2.0", "wasi:cli/run@0.2.0")]);
    let attached = attach(&composed, &AttachOptions::default()).expect("it attaches");
    assert_eq!(attached.removed.len(), 2);
    let out = run(&Guest::new(&attached.component), &[]);
    assert!(out.contains("5000 files removed"), "{out}");
    // And one level deeper.
    let twice = compose(&[("app", composed)], &[("app", "wasi:cli/run@0.2.0", "wasi:cli/run@0.2.0")]);
    attach(&twice, &options()).expect("it attaches");
}

#[test]
fn several_that_use_files_are_refused() {
    let run = "wasi:cli/run@0.2.0";
    let two = compose(
        &[("one", guest("rust-files")), ("two", guest("bench-guest"))],
        &[("one", run, run), ("two", run, "second")],
    );
    let error = attach(&two, &options()).expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::SeveralConsumers, "{error}");
    let twice = compose(
        &[("one", guest("rust-files")), ("one", guest("rust-files"))],
        &[("one", run, run), ("one", run, "second")],
    );
    let error = attach(&twice, &options()).expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::SeveralConsumers, "{error}");
}
