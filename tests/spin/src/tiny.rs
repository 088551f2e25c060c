//! Components of a few lines, for what no guest of `tests/guests` does.

use std::path::PathBuf;

use crate::Project;

/// What a handler of `wasi:http` 0.2 imports, and the export of the core
/// function `handle` of the instance `$code` as one.
fn handler(imports: &str, code: &str) -> String {
    format!(
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $types
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))))
            (alias export $types "incoming-request" (type $request))
            (alias export $types "response-outparam" (type $outparam))
            {imports}
            (core module $module {code})
            (core instance $code (instantiate $module))
            (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
                (canon lift (core func $code "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#
    )
}

const DOES_NOTHING: &str = r#"(func (export "handle") (param i32 i32))"#;

/// A handler that traps with each request.
///
/// # Panics
/// Where there is no place for it.
#[must_use]
pub fn trapping(project: &Project) -> PathBuf {
    let code = r#"(func (export "handle") (param i32 i32) unreachable)"#;
    written(project, "trapping", &handler("", code))
}

/// A handler that computes without an end.
///
/// # Panics
/// Where there is no place for it.
#[must_use]
pub fn hanging(project: &Project) -> PathBuf {
    let code = r#"(func (export "handle") (param i32 i32) (loop $again (br $again)))"#;
    written(project, "hanging", &handler("", code))
}

/// A handler that returns without a response.
///
/// # Panics
/// Where there is no place for it.
#[must_use]
pub fn silent(project: &Project) -> PathBuf {
    written(project, "silent", &handler("", DOES_NOTHING))
}

/// A handler that imports the function `open` of an interface.
///
/// # Panics
/// Where there is no place for it.
#[must_use]
pub fn importing(project: &Project, interface: &str) -> PathBuf {
    let import = format!(
        r#"(import "{interface}" (instance $wanted (export "open" (func (param "name" string) (result u32)))))"#
    );
    written(project, "importing", &handler(&import, DOES_NOTHING))
}

/// A component that exports nothing.
///
/// # Panics
/// Where there is no place for it.
#[must_use]
pub fn empty(project: &Project) -> PathBuf {
    written(project, "empty", "(component)")
}

/// A core module that imports what no component has.
///
/// # Panics
/// Where there is no place for it.
#[must_use]
pub fn module(project: &Project) -> PathBuf {
    written(project, "module", r#"(module (import "env" "call" (func)))"#)
}

fn written(project: &Project, name: &str, text: &str) -> PathBuf {
    let binary = wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    project.write(&format!("target/{name}.wasm"), binary)
}
