//! Small apps written in WebAssembly's text format.

/// An app that opens preopened directories, polls, splices and drops: with
/// `imports` among its imports and `items` at its end.
pub(crate) fn app(imports: &str, items: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type $out (sub resource)))
    (alias outer 1 $error (type $error-))
    (export "error" (type $error (eq $error-)))
    (type $stream-error- (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error-)))
    (export "[method]output-stream.splice" (func
      (param "self" (borrow $out)) (param "src" (borrow $in)) (param "len" u64)
      (result (result u64 (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input-stream))
  (import "wasi:filesystem/types@0.2.0" (instance $types (export "descriptor" (type (sub resource)))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $descriptor-))
    (export "descriptor" (type $descriptor (eq $descriptor-)))
    (export "get-directories" (func (result (list (tuple (own $descriptor) string)))))))
  {imports}
  (core module $main
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "number") (result i32) (i32.const 0)))
  (core instance $main (instantiate $main))
  (alias core export $main "memory" (core memory $memory))
  (alias core export $main "realloc" (core func $realloc))
  (alias core export $main "number" (core func $number))
  (core func (canon lower (func $preopens "get-directories") (memory $memory) (realloc $realloc)))
  (core func (canon lower (func $poll "poll") (memory $memory) (realloc $realloc)))
  (core func (canon lower (func $streams "[method]output-stream.splice") (memory $memory)))
  (core func (canon resource.drop $descriptor))
  (core func (canon resource.drop $input-stream))
  {items}
)"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
