//! Mutated components: an error or a valid component, never a panic, and
//! never a result that fails its own checks.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use larder_compose::ErrorKind;
use larder_compose::attach::{AttachOptions, Bridge, attach};
use support::apps::app;
use support::{empty_store, guest};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// A small generator of numbers, the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).expect("it is below a usize")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next(256)).expect("it is below 256")
    }
}

/// The places that are not in core modules: there is what attaching reads.
fn places(component: &[u8]) -> Vec<usize> {
    let mut inside = vec![false; component.len()];
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload.expect("the guest is valid") {
            let range = usize::try_from(unchecked_range.start).expect("fits")
                ..usize::try_from(unchecked_range.end).expect("fits");
            inside[range].fill(true);
        }
    }
    (0..component.len()).filter(|place| !inside[*place]).collect()
}

fn mutate(random: &mut Random, seed: &[u8], places: &[usize]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.next(3) {
        let place = places[random.next(places.len())].min(bytes.len() - 1);
        match random.next(8) {
            0 => bytes[place] = random.byte(),
            1 => bytes[place] ^= 1 << random.next(8),
            2 => bytes[place] = bytes[place].wrapping_add(1),
            3 => bytes[place] = bytes[place].wrapping_sub(1),
            4 => drop(bytes.remove(place)),
            5 => bytes.insert(place, random.byte()),
            6 => {
                let other = places[random.next(places.len())].min(bytes.len() - 1);
                bytes.swap(place, other);
            }
            _ => {
                if random.next(20) == 0 {
                    bytes.truncate(place.max(1));
                }
            }
        }
    }
    bytes
}

/// Attaches to `count` mutations of `seed`; answers how many were attached.
fn attach_mutations(seed: &[u8], count: usize, random: &mut Random) -> usize {
    let places = places(seed);
    let module = empty_store();
    let mut attached = 0;
    for number in 0..count {
        let bridge = if number % 2 == 0 { Bridge::SingleMemory } else { Bridge::MultiMemory };
        let options =
            AttachOptions { bridge, module: module.as_slice().into(), image: None, environment: number % 3 == 0 };
        match attach(&mutate(random, seed, &places), &options) {
            Ok(result) => {
                let valid = Validator::new_with_features(WasmFeatures::all()).validate_all(&result.component);
                assert!(valid.is_ok(), "mutation {number}: {:?}", valid.err());
                attached += 1;
            }
            Err(error) => assert_ne!(error.kind(), ErrorKind::Defect, "mutation {number}: {error}"),
        }
    }
    attached
}

#[test]
fn thousands_of_mutations_of_a_small_app() {
    let seed = app(
        r#"(import "wasi:clocks/wall-clock@0.2.0" (instance (type $t (record (field "seconds" u64) (field "nanoseconds" u32))) (export "datetime" (type (eq $t)))))"#,
        "",
    );
    let attached = attach_mutations(&seed, 20_000, &mut Random(0x9e37_79b9_7f4a_7c15));
    assert!(attached > 100, "only {attached} mutations were attached: they say nothing");
}

#[test]
fn mutations_of_real_guests() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    for name in ["http-files", "puppet"] {
        attach_mutations(&guest(name), 400, &mut random);
    }
}
