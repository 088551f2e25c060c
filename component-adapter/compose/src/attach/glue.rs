//! The generated core modules: `$shim`, `$gate` and `$fixup`.
//!
//! The store has to be instantiated before the app's modules, which import
//! its gates, but what it imports itself exists only after them. So `$shim`
//! has a table, through which the store and the gates call, and `$fixup`
//! fills it in the end. A call before that traps.

use std::collections::BTreeMap;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, ImportSection, Module, RefType, TableSection, TableType, TypeSection, ValType,
};

use super::interfaces::{Dispatch, HOST_FUNCTIONS};

/// A number of things as an index. What is counted here is bounded far below
/// by the limits of planning and of WebAssembly.
pub(crate) fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}

/// Set in the handles of the store, never in those of a host: the component
/// model bounds a table of handles at 2^28 entries.
const TAG: i32 = 0x4000_0000;

/// A core function's type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Signature {
    pub(crate) params: Vec<ValType>,
    pub(crate) results: Vec<ValType>,
}

/// Function types, each once.
#[derive(Default)]
struct Types {
    section: TypeSection,
    known: BTreeMap<Vec<u8>, u32>,
}

impl Types {
    fn index(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let mut key = Vec::new();
        for ty in params {
            wasm_encoder::Encode::encode(ty, &mut key);
        }
        key.push(0);
        for ty in results {
            wasm_encoder::Encode::encode(ty, &mut key);
        }
        let next = self.section.len();
        let section = &mut self.section;
        *self.known.entry(key).or_insert_with(|| {
            section.ty().function(params.iter().copied(), results.iter().copied());
            next
        })
    }
}

/// How many places a context has.
const PER_CONTEXT: u32 = 4;

/// Places in the table: those of each context, then the store's host
/// functions, then the hosts of the gates, then what the store forwards to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    pub(crate) contexts: u32,
    pub(crate) gates: u32,
    pub(crate) forwards: u32,
}

impl Places {
    pub(crate) fn get(context: u32) -> u32 {
        context * PER_CONTEXT
    }

    pub(crate) fn put(context: u32) -> u32 {
        context * PER_CONTEXT + 1
    }

    pub(crate) fn realloc(context: u32) -> u32 {
        context * PER_CONTEXT + 2
    }

    /// Writes `none` into the app's memory.
    pub(crate) fn none(context: u32) -> u32 {
        context * PER_CONTEXT + 3
    }

    pub(crate) fn host(self, index: u32) -> u32 {
        self.contexts * PER_CONTEXT + index
    }

    pub(crate) fn gate(self, index: u32) -> u32 {
        self.host(count(HOST_FUNCTIONS.len())) + index
    }

    pub(crate) fn forward(self, index: u32) -> u32 {
        self.gate(self.gates) + index
    }

    fn all(self) -> u32 {
        self.forward(self.forwards)
    }
}

fn table_type(places: Places) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: u64::from(places.all()),
        maximum: Some(u64::from(places.all())),
        shared: false,
    }
}

/// `$shim`: the table and the functions that the store imports. `features`
/// are the bits that the host function of that name answers, `forwards` the
/// functions that a store of the forwarding variant imports.
pub(crate) fn shim(places: Places, features: u32, forwards: &[(String, Signature)]) -> Module {
    let mut types = Types::default();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    let mut add = |name: &str, ty: u32, body: &Function| {
        exports.export(name, ExportKind::Func, functions.len());
        functions.function(ty);
        code.function(body);
    };

    let copy = types.index(&[ValType::I32; 3], &[]);
    let through_context = types.index(&[ValType::I32; 4], &[]);
    for (name, place) in [("get", Places::get(0)), ("put", Places::put(0))] {
        let mut body = Function::new([]);
        body.instructions().local_get(1).local_get(2).local_get(3);
        context_place(&mut body, places, place);
        body.instructions().call_indirect(0, copy).end();
        add(name, through_context, &body);
    }

    // alloc(ctx, align, n): the app's realloc; what it answers has to be
    // aligned, as the canonical ABI demands.
    let realloc = types.index(&[ValType::I32; 4], &[ValType::I32]);
    let mut body = Function::new([(1, ValType::I32)]);
    body.instructions().i32_const(0).i32_const(0).local_get(1).local_get(2);
    context_place(&mut body, places, Places::realloc(0));
    body.instructions()
        .call_indirect(0, realloc)
        .local_tee(3)
        .local_get(1)
        .i32_const(1)
        .i32_sub()
        .i32_and()
        .if_(BlockType::Empty)
        .unreachable()
        .end()
        .local_get(3)
        .end();
    let alloc = types.index(&[ValType::I32; 3], &[ValType::I32]);
    add("alloc", alloc, &body);

    let mut body = Function::new([]);
    body.instructions().i32_const(features.cast_signed()).end();
    add("features", types.index(&[], &[ValType::I32]), &body);

    let hosts = (0_u32..).zip(HOST_FUNCTIONS);
    let hosts = hosts.map(|(index, host)| (host.name.to_owned(), host.signature(), places.host(index)));
    let forwards = (0_u32..).zip(forwards);
    let forwards =
        forwards.map(|(index, (name, signature))| (forward_name(name), signature.clone(), places.forward(index)));
    for (name, signature, place) in hosts.chain(forwards) {
        let ty = types.index(&signature.params, &signature.results);
        let mut body = Function::new([]);
        for (param, _) in (0_u32..).zip(&signature.params) {
            body.instructions().local_get(param);
        }
        body.instructions().i32_const(place.cast_signed()).call_indirect(0, ty).end();
        add(&name, ty, &body);
    }

    let mut tables = TableSection::new();
    tables.table(table_type(places));
    exports.export("table", ExportKind::Table, 0);
    let mut module = Module::new();
    module.section(&types.section).section(&functions).section(&tables).section(&exports).section(&code);
    module
}

/// Pushes the place of a context's function: the context is local 0.
fn context_place(body: &mut Function, places: Places, first: u32) {
    let mut sink = body.instructions();
    if places.contexts <= 1 {
        sink.i32_const(first.cast_signed());
    } else {
        sink.local_get(0).i32_const(PER_CONTEXT.cast_signed()).i32_mul().i32_const(first.cast_signed()).i32_add();
    }
}

/// The name among `$shim`'s exports of a function of `larder:fs/store`.
pub(crate) fn forward_name(name: &str) -> String {
    format!("store#{name}")
}

/// One gate: what the app calls in place of a lowered import.
#[derive(Debug)]
pub(crate) struct GateSpec {
    pub(crate) signature: Signature,
    /// The store's function.
    pub(crate) export: String,
    pub(crate) dispatch: Dispatch,
    pub(crate) context: u32,
}

/// The store's function that says that an error has no code.
pub(crate) const NO_ERROR_CODE: &str = "larder#no-error-code";

/// The name of the `index`th gate among `$gate`'s exports.
pub(crate) fn gate_name(index: u32) -> String {
    index.to_string()
}

/// `$gate`: one function for each intercepted lowering.
pub(crate) fn gates(gates: &[&GateSpec], places: Places) -> Module {
    let mut types = Types::default();
    let mut imports = ImportSection::new();
    let mut imported: BTreeMap<&str, u32> = BTreeMap::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    for gate in gates {
        for name in gate.imports() {
            let next = count(imported.len());
            imported.entry(name).or_insert_with(|| {
                let signature = gate.store_signature();
                let ty = types.index(&signature.params, &signature.results);
                imports.import("store", name, EntityType::Function(ty));
                next
            });
        }
    }
    let first = count(imported.len());
    imports.import("shim", "table", table_type(places));
    for (index, gate) in (0_u32..).zip(gates) {
        let ty = types.index(&gate.signature.params, &gate.signature.results);
        let none = types.index(&[ValType::I32], &[]);
        functions.function(ty);
        exports.export(&gate_name(index), ExportKind::Func, first + index);
        code.function(&gate.body(&imported, places.gate(index), ty, none));
    }
    let mut module = Module::new();
    module.section(&types.section).section(&imports).section(&functions).section(&exports).section(&code);
    module
}

impl GateSpec {
    /// The store's functions that this gate calls.
    pub(crate) fn imports(&self) -> Vec<&str> {
        match self.dispatch {
            Dispatch::NoErrorCode => vec![NO_ERROR_CODE],
            _ => vec![&self.export],
        }
    }

    /// The type of the store's functions that this gate calls: the context
    /// and the gate's own parameters. `poll` says whether it did anything.
    pub(crate) fn store_signature(&self) -> Signature {
        let mut params = vec![ValType::I32];
        params.extend(&self.signature.params);
        let results = match self.dispatch {
            Dispatch::Poll => vec![ValType::I32],
            Dispatch::Settle => return Signature { params: vec![ValType::I32], results: vec![] },
            _ => self.signature.results.clone(),
        };
        Signature { params, results }
    }

    /// Whether the gate has a host to call.
    pub(crate) fn has_host(&self) -> bool {
        !matches!(self.dispatch, Dispatch::Store | Dispatch::FilesystemErrorCode)
    }

    fn body(&self, imported: &BTreeMap<&str, u32>, place: u32, ty: u32, none: u32) -> Function {
        let mut body = Function::new([]);
        let store = |body: &mut Function, name: &str| {
            let mut sink = body.instructions();
            sink.i32_const(self.context.cast_signed());
            self.push_params(body);
            body.instructions().call(imported.get(name).copied().unwrap_or(u32::MAX));
        };
        let host = |body: &mut Function| {
            self.push_params(body);
            body.instructions().i32_const(place.cast_signed()).call_indirect(0, ty);
        };
        let result = match self.signature.results.as_slice() {
            [] => BlockType::Empty,
            [one] => BlockType::Result(*one),
            _ => BlockType::FunctionType(ty),
        };
        let ours = |body: &mut Function, handles: u32| {
            body.instructions().local_get(0);
            if handles == 2 {
                body.instructions().local_get(1).i32_or();
            }
            body.instructions().i32_const(TAG).i32_and().if_(result);
        };
        match self.dispatch {
            Dispatch::Store => store(&mut body, &self.export),
            Dispatch::Settle => {
                let settle = imported.get(self.export.as_str()).copied().unwrap_or(u32::MAX);
                body.instructions().i32_const(self.context.cast_signed()).call(settle);
                host(&mut body);
            }
            Dispatch::ByHandle | Dispatch::ByEitherHandle => {
                ours(&mut body, if self.dispatch == Dispatch::ByHandle { 1 } else { 2 });
                store(&mut body, &self.export);
                body.instructions().else_();
                host(&mut body);
                body.instructions().end();
            }
            Dispatch::NoErrorCode => {
                ours(&mut body, 1);
                store(&mut body, NO_ERROR_CODE);
                body.instructions().else_();
                host(&mut body);
                body.instructions().end();
            }
            Dispatch::FilesystemErrorCode => {
                ours(&mut body, 1);
                store(&mut body, &self.export);
                body.instructions().else_();
                // An error of the host's is none of the filesystem's.
                body.instructions().local_get(1).i32_const(Places::none(self.context).cast_signed());
                body.instructions().call_indirect(0, none).end();
            }
            Dispatch::Poll => {
                store(&mut body, &self.export);
                body.instructions().i32_eqz().if_(BlockType::Empty);
                host(&mut body);
                body.instructions().end();
            }
        }
        body.instructions().end();
        body
    }

    fn push_params(&self, body: &mut Function) {
        for (param, _) in (0_u32..).zip(&self.signature.params) {
            body.instructions().local_get(param);
        }
    }
}

/// `$fixup`: puts functions into the places of the table. Its imports are
/// named by their places.
pub(crate) fn fixup(places: Places, filled: &[(u32, Signature)]) -> Module {
    let mut types = Types::default();
    let mut imports = ImportSection::new();
    imports.import("shim", "table", table_type(places));
    let mut elements = ElementSection::new();
    for (index, (place, signature)) in (0_u32..).zip(filled) {
        let ty = types.index(&signature.params, &signature.results);
        imports.import("", &place.to_string(), EntityType::Function(ty));
        elements.active(None, &ConstExpr::i32_const(place.cast_signed()), Elements::Functions((&[index]).into()));
    }
    let mut module = Module::new();
    module.section(&types.section).section(&imports).section(&elements);
    module
}
