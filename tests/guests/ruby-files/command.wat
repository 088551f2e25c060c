;; Makes a WASI 0.1 command of the Ruby that npm's package carries, which is a
;; library for JavaScript hosts: `_start` gives Ruby the command's arguments as
;; ARGV, and loads the script that the first of them names.
(module
  (import "ruby" "memory" (memory 1))
  (import "ruby" "_initialize" (func $initialize))
  (import "ruby" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "ruby" "ruby-init: func(args: list<string>) -> ()" (func $init (param i32 i32)))
  (import "ruby" "ruby-init-loadpath: func() -> ()" (func $init_loadpath))
  (import "ruby" "rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>"
    (func $eval (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))

  ;; Passive: Ruby's memory is full of Ruby's data. Ruby wants strings that end
  ;; with NUL, which counts.
  (data $options "ruby\00-EUTF-8\00-e_=0\00--\00")
  (data $script "begin\n  load ARGV.shift\nrescue SystemExit => exit\n  $stdout.flush\n  exit! exit.status\nrescue Exception => error\n  $stdout.flush\n  warn error.full_message(highlight: false)\n  exit! 1\nend\n$stdout.flush\nexit! 0\n\00")
  (global $script_length i32 (i32.const 209))
  ;; The strings of $options.
  (global $own i32 (i32.const 4))

  (func $allocate (param $bytes i32) (result i32)
    (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (local.get $bytes)))

  ;; Writes an element of a list of strings.
  (func $element (param $list i32) (param $at i32) (param $string i32) (param $length i32)
    (local.set $list (i32.add (local.get $list) (i32.shl (local.get $at) (i32.const 3))))
    (i32.store (local.get $list) (local.get $string))
    (i32.store offset=4 (local.get $list) (local.get $length)))

  ;; A string out of $options.
  (func $option (param $list i32) (param $at i32) (param $from i32) (param $length i32)
    (local $string i32)
    (local.set $string (call $allocate (local.get $length)))
    (memory.init $options (local.get $string) (local.get $from) (local.get $length))
    (call $element (local.get $list) (local.get $at) (local.get $string) (local.get $length)))

  ;; A copy of a string that ends with NUL: Ruby frees each for itself.
  (func $copy (param $list i32) (param $at i32) (param $from i32)
    (local $length i32) (local $string i32)
    (block $end
      (loop $next
        (br_if $end (i32.eqz (i32.load8_u (i32.add (local.get $from) (local.get $length)))))
        (local.set $length (i32.add (local.get $length) (i32.const 1)))
        (br $next)))
    (local.set $length (i32.add (local.get $length) (i32.const 1)))
    (local.set $string (call $allocate (local.get $length)))
    (memory.copy (local.get $string) (local.get $from) (local.get $length))
    (call $element (local.get $list) (local.get $at) (local.get $string) (local.get $length)))

  (func (export "_start")
    (local $sizes i32) (local $count i32) (local $argv i32) (local $list i32) (local $at i32) (local $script i32)
    (call $initialize)
    (local.set $sizes (call $allocate (i32.const 8)))
    (if (call $args_sizes_get (local.get $sizes) (i32.add (local.get $sizes) (i32.const 4))) (then (unreachable)))
    (local.set $count (i32.load (local.get $sizes)))
    (local.set $argv (call $allocate (i32.shl (local.get $count) (i32.const 2))))
    (if (call $args_get (local.get $argv) (call $allocate (i32.load offset=4 (local.get $sizes)))) (then (unreachable)))
    (local.set $list (call $allocate (i32.shl (i32.add (local.get $count) (global.get $own)) (i32.const 3))))
    (call $option (local.get $list) (i32.const 0) (i32.const 0) (i32.const 5))
    (call $option (local.get $list) (i32.const 1) (i32.const 5) (i32.const 8))
    (call $option (local.get $list) (i32.const 2) (i32.const 13) (i32.const 6))
    (call $option (local.get $list) (i32.const 3) (i32.const 19) (i32.const 3))
    ;; Without the first argument, the name of the command.
    (local.set $at (i32.const 1))
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $at) (local.get $count)))
        (call $copy (local.get $list) (i32.add (local.get $at) (i32.const 3))
          (i32.load (i32.add (local.get $argv) (i32.shl (local.get $at) (i32.const 2)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (call $init (local.get $list) (i32.add (local.get $count) (i32.const 3)))
    (call $init_loadpath)
    (local.set $script (call $allocate (global.get $script_length)))
    (memory.init $script (local.get $script) (i32.const 0) (global.get $script_length))
    ;; The script ends the process; if it does not, Ruby is broken.
    (drop (call $eval (local.get $script) (global.get $script_length)))
    (unreachable)))
