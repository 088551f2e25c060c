//! Both bridges against the rule of `memory.copy`, run by Wasmtime's command.

use std::fmt::Write as _;
use std::process::Command;

/// `(to, from, length)` that are copied between memories of one page each.
const COPIES: [(u32, u32, u32); 12] = [
    (0, 0, 0),
    (65_536, 65_536, 0),
    (1, 2, 1),
    (7, 3, 15),
    (3, 5, 16),
    (1, 0, 17),
    (64, 9, 127),
    (11, 13, 128),
    (0, 1, 129),
    (5, 6, 300),
    (1_000, 2_003, 4_111),
    (0, 0, 65_536),
];

/// Those that trap: a range leaves its memory, by wrapping around too.
const TRAPS: [(u32, u32, u32); 8] = [
    (65_537, 0, 0),
    (0, 65_537, 0),
    (65_536, 0, 1),
    (0, 65_536, 1),
    (1, 0, 65_536),
    (0, 65_409, 128),
    (u32::MAX, 0, 2),
    (0, 0, u32::MAX),
];

#[test]
fn the_single_memory_bridge_copies_as_memory_copy_does() {
    let modules = [("destination", "to"), ("source", "copier")];
    run(&modules, &[super::destination().finish(), super::source().finish()]);
}

#[test]
fn the_multi_memory_bridge_copies_as_memory_copy_does() {
    run(&[("copy", "copier")], &[super::multi_memory().finish()]);
}

/// Instantiates `modules` one after the other, each registered under its name,
/// and copies with the last.
fn run(names: &[(&str, &str)], modules: &[Vec<u8>]) {
    let mut script = String::new();
    for (name, fill) in [("from", 31), ("to", 0)] {
        writeln!(script, "{}", memory(name, fill)).unwrap();
    }
    for ((name, registered), module) in names.iter().zip(modules) {
        let bytes: String = module.iter().map(|byte| format!("\\{byte:02x}")).collect();
        writeln!(script, "(module ${name} binary \"{bytes}\")\n(register \"{registered}\" ${name})").unwrap();
    }
    let copier = names.last().unwrap().0;
    for (to, from, length) in COPIES {
        writeln!(script, "(invoke $to \"clear\")\n(invoke ${copier} \"copy\" {})", args(to, from, length)).unwrap();
        // The sum of the bytes weighed by their places tells what lies where.
        writeln!(script, "(assert_return (invoke $to \"sum\") (i64.const {}))", sum(to, from, length)).unwrap();
    }
    for (to, from, length) in TRAPS {
        let trap = if copier == "copy" { "out of bounds memory access" } else { "unreachable" };
        writeln!(script, "(invoke $to \"clear\")").unwrap();
        writeln!(script, "(assert_trap (invoke ${copier} \"copy\" {}) \"{trap}\")", args(to, from, length)).unwrap();
        writeln!(script, "(assert_return (invoke $to \"sum\") (i64.const 0))").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bridge.wast");
    std::fs::write(&path, script).unwrap();
    let out = Command::new(wasmtime()).args(["wast", "-W", "multi-memory=y"]).arg(&path).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

fn args(to: u32, from: u32, length: u32) -> String {
    format!("(i32.const {to}) (i32.const {from}) (i32.const {length})")
}

/// What byte lies at `place` of the memory that is copied from.
fn byte(place: u32) -> u64 {
    u64::from(place.wrapping_mul(31) & 0xff)
}

fn sum(to: u32, from: u32, length: u32) -> u64 {
    (0..length).map(|place| byte(from + place) * (u64::from(to + place) + 1)).sum()
}

fn memory(name: &str, fill: u32) -> String {
    format!(
        r#"(module ${name} (memory (export "memory") 1)
  (func $fill (local $i i32)
    (loop $next
      (i32.store8 (local.get $i) (i32.mul (local.get $i) (i32.const {fill})))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65536)))))
  (start $fill)
  (func (export "clear") (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)))
  (func (export "sum") (result i64) (local $i i32) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.mul
        (i64.load8_u (local.get $i))
        (i64.add (i64.extend_i32_u (local.get $i)) (i64.const 1)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65536))))
    (local.get $sum)))
(register "{name}" ${name})"#
    )
}

fn wasmtime() -> std::path::PathBuf {
    let cache =
        std::env::var("LARDER_CACHE").unwrap_or_else(|_| format!("{}/.cache/larder", std::env::var("HOME").unwrap()));
    let env = std::fs::read_to_string(format!("{cache}/env")).expect("run tests/tools first");
    env.lines().find_map(|line| line.strip_prefix("export LARDER_WASMTIME=")).expect("tests/tools installs it").into()
}
