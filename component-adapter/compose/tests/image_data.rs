//! Images in modules of the store.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use larder_compose::ErrorKind;
use larder_compose::image_data::with_image;
use support::empty_store;
use wasmparser::{DataKind, Operator, Parser, Payload, Validator};

/// The first pages and the data segments (address, bytes) of a module.
fn layout(module: &[u8]) -> (u64, Vec<(i32, Vec<u8>)>) {
    let (mut pages, mut segments) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("it is valid") {
            Payload::MemorySection(memories) => {
                pages = memories.into_iter().next().expect("one memory").expect("it is valid").initial;
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data.expect("it is valid");
                    let DataKind::Active { offset_expr, .. } = data.kind else { continue };
                    let Ok(Operator::I32Const { value }) = offset_expr.get_operators_reader().read() else { continue };
                    segments.push((value, data.data.to_vec()));
                }
            }
            _ => {}
        }
    }
    (pages, segments)
}

#[test]
fn an_image_lies_where_the_memory_ended() {
    let module = empty_store();
    let image = vec![7; 70_000];
    let with = with_image(&module, &image).expect("it fits");
    Validator::new().validate_all(&with).expect("it is valid");
    let (pages, segments) = layout(&with);
    assert_eq!(pages, 3);
    let mut locator = 65_536_u32.to_le_bytes().to_vec();
    locator.extend(70_000_u32.to_le_bytes());
    assert_eq!(segments, [(1024, locator), (65_536, image)]);
}

#[test]
fn the_stores_own_module_takes_an_image() {
    let with = with_image(larder_artifacts::ATTACHMENT, b"image").expect("it fits");
    Validator::new().validate_all(&with).expect("it is valid");
    let (before, after) = (layout(larder_artifacts::ATTACHMENT), layout(&with));
    assert_eq!(after.0, before.0 + 1);
    assert_eq!(after.1.len(), before.1.len() + 2);
    assert_eq!(after.1[..before.1.len()], before.1);
}

#[test]
fn modules_without_a_place_for_it_are_refused() {
    let module = wat::parse_str("(module (memory 1))").expect("it is WebAssembly");
    assert_eq!(with_image(&module, b"image").expect_err("it is refused").kind(), ErrorKind::Module);
    let full = wat::parse_str(r#"(module (memory 1 1) (global (export "LARDER_IMAGE") i32 (i32.const 8)))"#);
    assert_eq!(
        with_image(&full.expect("it is WebAssembly"), b"image").expect_err("it is refused").kind(),
        ErrorKind::Limit
    );
}
