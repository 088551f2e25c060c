//! Copies between the app's memory and the store's.
//!
//! Both bridges obey the rule of `memory.copy`: a range that leaves its
//! memory traps, also when it is empty, and then nothing was copied.

use wasm_encoder::{
    BlockType, CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    InstructionSink, MemArg, MemArgTarget, MemoryType, Module, TypeSection, ValType,
};

/// Which way bytes go between the memories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bridge {
    /// No module sees both memories: 128 bytes go over in each call as SIMD
    /// values. Runs wherever WebAssembly 2.0 runs.
    #[default]
    SingleMemory,
    /// `memory.copy` from one memory to the other. Needs a runtime with
    /// multi-memory.
    MultiMemory,
}

const ANY_MEMORY: MemoryType =
    MemoryType { minimum: 0, maximum: None, memory64: false, shared: false, page_size_log2: None };

fn at(offset: u64) -> MemArg {
    // Alignment is a hint only, and pointers may have any.
    MemArg { offset, align: 0, target: MemArgTarget::Memory(0), ordering: None }
}

/// `copy(to, from, n)` from memory `from` to memory `to`.
pub(crate) fn multi_memory() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 3], []);
    let mut imports = ImportSection::new();
    imports.import("to", "memory", ANY_MEMORY);
    imports.import("from", "memory", ANY_MEMORY);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut exports = ExportSection::new();
    exports.export("copy", ExportKind::Func, 0);
    let mut copy = Function::new([]);
    copy.instructions().local_get(0).local_get(1).local_get(2).memory_copy(0, 1).end();
    let mut code = CodeSection::new();
    code.function(&copy);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
    module
}

/// `none(ret)` writes an `option` without a value to the memory.
pub(crate) fn none() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    let mut imports = ImportSection::new();
    imports.import("to", "memory", ANY_MEMORY);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut exports = ExportSection::new();
    exports.export("none", ExportKind::Func, 0);
    let mut none = Function::new([]);
    none.instructions().local_get(0).i32_const(0).i32_store8(at(0)).end();
    let mut code = CodeSection::new();
    code.function(&none);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
    module
}

/// The functions of the destination's side, in the order of their indices in
/// both modules.
const CHECK: u32 = 0;
const STORE_128: u32 = 1;
const STORE_16: u32 = 2;
const STORE_8: u32 = 3;
const STORE_4: u32 = 4;
const STORE_1: u32 = 5;
/// The source's own function, after those that it imports.
const COPY: u32 = 6;
const SIDE: [(&str, u32); COPY as usize] = [
    ("check", CHECK),
    ("store-128", STORE_128),
    ("store-16", STORE_16),
    ("store-8", STORE_8),
    ("store-4", STORE_4),
    ("store-1", STORE_1),
];

fn side_types() -> TypeSection {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 2], []);
    let mut block = vec![ValType::I32];
    block.extend([ValType::V128; 8]);
    types.ty().function(block, []);
    types.ty().function([ValType::I32, ValType::V128], []);
    types.ty().function([ValType::I32, ValType::I64], []);
    types.ty().function([ValType::I32; 2], []);
    types.ty().function([ValType::I32; 2], []);
    types
}

/// Traps unless `address + length` (locals) lies in the memory.
fn check_range(code: &mut InstructionSink<'_>, address: u32, length: u32) {
    code.local_get(address).i64_extend_i32_u().local_get(length).i64_extend_i32_u().i64_add();
    code.memory_size(0).i64_extend_i32_u().i64_const(16).i64_shl();
    code.i64_gt_u().if_(BlockType::Empty).unreachable().end();
}

/// The destination's side of the single-memory bridge: writes into its memory
/// what it is given as values.
pub(crate) fn destination() -> Module {
    let types = side_types();
    let mut imports = ImportSection::new();
    imports.import("to", "memory", ANY_MEMORY);
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    for (name, index) in SIDE {
        functions.function(index);
        exports.export(name, ExportKind::Func, index);
    }
    let mut code = CodeSection::new();
    let mut check = Function::new([]);
    check_range(&mut check.instructions(), 0, 1);
    check.instructions().end();
    code.function(&check);
    let mut block = Function::new([]);
    for part in 0..8_u32 {
        block.instructions().local_get(0).local_get(part + 1).v128_store(at(u64::from(part) * 16));
    }
    block.instructions().end();
    code.function(&block);
    let mut part = Function::new([]);
    part.instructions().local_get(0).local_get(1).v128_store(at(0)).end();
    code.function(&part);
    let mut long = Function::new([]);
    long.instructions().local_get(0).local_get(1).i64_store(at(0)).end();
    code.function(&long);
    let mut word = Function::new([]);
    word.instructions().local_get(0).local_get(1).i32_store(at(0)).end();
    code.function(&word);
    let mut byte = Function::new([]);
    byte.instructions().local_get(0).local_get(1).i32_store8(at(0)).end();
    code.function(&byte);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
    module
}

/// The source's side: `copy(to, from, n)` reads its memory and calls the
/// destination's side.
pub(crate) fn source() -> Module {
    let mut types = side_types();
    let copy_type = types.len();
    types.ty().function([ValType::I32; 3], []);
    let mut imports = ImportSection::new();
    imports.import("from", "memory", ANY_MEMORY);
    for (name, index) in SIDE {
        imports.import("to", name, EntityType::Function(index));
    }
    let mut functions = FunctionSection::new();
    functions.function(copy_type);
    let mut exports = ExportSection::new();
    exports.export("copy", ExportKind::Func, COPY);

    let (to, from, left, length) = (0, 1, 2, 3);
    let mut copy = Function::new([(1, ValType::I32)]);
    let mut sink = copy.instructions();
    check_range(&mut sink, from, left);
    sink.local_get(to).local_get(left).call(CHECK);
    sink.local_get(left).local_set(length);
    steps(&mut sink, 128, |sink| {
        sink.local_get(to);
        for part in 0..8_u64 {
            sink.local_get(from).v128_load(at(part * 16));
        }
        sink.call(STORE_128);
    });
    steps(&mut sink, 16, |sink| {
        sink.local_get(to).local_get(from).v128_load(at(0)).call(STORE_16);
    });
    // What is left of fewer than 16 bytes: the last 16, 8 or 4 bytes as one, over
    // some that are there already. Small results and paths are most of all copies.
    sink.local_get(left).i32_eqz().if_(BlockType::Empty).return_().end();
    sink.local_get(length).i32_const(16).i32_ge_u().if_(BlockType::Empty);
    let end = |sink: &mut InstructionSink<'_>, place, size| {
        sink.local_get(place).local_get(left).i32_add().i32_const(size).i32_sub();
    };
    end(&mut sink, to, 16);
    end(&mut sink, from, 16);
    sink.v128_load(at(0)).call(STORE_16).return_().end();
    sink.local_get(left).i32_const(8).i32_ge_u().if_(BlockType::Empty);
    sink.local_get(to).local_get(from).i64_load(at(0)).call(STORE_8);
    end(&mut sink, to, 8);
    end(&mut sink, from, 8);
    sink.i64_load(at(0)).call(STORE_8).return_().end();
    sink.local_get(left).i32_const(4).i32_ge_u().if_(BlockType::Empty);
    sink.local_get(to).local_get(from).i32_load(at(0)).call(STORE_4);
    end(&mut sink, to, 4);
    end(&mut sink, from, 4);
    sink.i32_load(at(0)).call(STORE_4).return_().end();
    steps(&mut sink, 1, |sink| {
        sink.local_get(to).local_get(from).i32_load8_u(at(0)).call(STORE_1);
    });
    sink.end();
    let mut code = CodeSection::new();
    code.function(&copy);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
    module
}

/// `while left >= size { step; to += size; from += size; left -= size }`
fn steps(sink: &mut InstructionSink<'_>, size: i32, step: impl Fn(&mut InstructionSink<'_>)) {
    let (to, from, left) = (0, 1, 2);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    sink.local_get(left).i32_const(size).i32_lt_u().br_if(1);
    step(sink);
    for local in [to, from] {
        sink.local_get(local).i32_const(size).i32_add().local_set(local);
    }
    sink.local_get(left).i32_const(size).i32_sub().local_set(left);
    sink.br(0).end().end();
}

#[cfg(test)]
#[path = "bridge_tests.rs"]
mod tests;
