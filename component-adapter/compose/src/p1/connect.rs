//! The generated core module `$connect`: puts the app's entry and the copies
//! into the main module's function table, and tells it where they are.

use wasm_encoder::{
    CodeSection, ElementSection, Elements, EntityType, Function, FunctionSection, ImportSection, Module, RefType,
    StartSection, TableType, TypeSection, ValType,
};

use super::template::CONNECT;

/// The main module's function table, as LLVM names it.
const TABLE: &str = "__indirect_function_table";

/// The module. It runs when it is instantiated, and imports `main`'s table and
/// function, `app`'s `_start`, and `copy` of `get` and of `put`.
pub(super) fn module() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function([ValType::I32; 3], []);
    let (nothing, three) = (0, 1);

    let mut imports = ImportSection::new();
    let table = TableType { element_type: RefType::FUNCREF, table64: false, minimum: 0, maximum: None, shared: false };
    imports.import("main", TABLE, table);
    imports.import("main", CONNECT, EntityType::Function(three));
    imports.import("app", "_start", EntityType::Function(nothing));
    imports.import("get", "copy", EntityType::Function(three));
    imports.import("put", "copy", EntityType::Function(three));
    let (connect, placed, run) = (0, [1_u32, 2, 3], 4);

    let mut functions = FunctionSection::new();
    functions.function(nothing);
    let mut elements = ElementSection::new();
    elements.declared(Elements::Functions((&placed).into()));

    // Growing gives the place of what is added, -1 if the host refuses:
    // calling that traps.
    let mut body = Function::new([]);
    let mut code = body.instructions();
    for function in placed {
        code.ref_func(function).i32_const(1).table_grow(0);
    }
    code.call(connect).end();
    let mut bodies = CodeSection::new();
    bodies.function(&body);

    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions);
    module.section(&StartSection { function_index: run }).section(&elements).section(&bodies);
    module
}
