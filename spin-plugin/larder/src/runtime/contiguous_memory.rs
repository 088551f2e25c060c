//! Core modules that take all memory behind their own for theirs.
//!
//! Go's runtime notes the size of its memory at start and from then on counts
//! for itself: what `memory.grow` adds is taken to begin where Go's own memory
//! ended (`sbrk` in Go's `runtime/mem_wasm.go`). The WASI 0.1 adapter keeps its
//! state in the same memory and grows it for that, so the two overwrite each
//! other. Here such a module gets its whole memory at once: it grows, in its
//! own count, up to a border, and behind the border is the adapter's part. The
//! host's memory is used only as pages are touched.

use anyhow::{Context, Result, anyhow, bail};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    Instruction, Module, TypeSection, ValType,
};
use wasmparser::{Parser, Payload, TypeRef};

/// Bytes in a page of linear memory.
const PAGE_BYTES: u64 = 64 << 10;

/// Pages for the adapter: its state and its stack take two; the rest is room
/// for newer adapters.
const ADAPTER_PAGES: u32 = 16;

/// The most pages of a memory that is not the whole address space: with one
/// page less than that, no address behind the memory wraps to zero.
const MOST_PAGES: u32 = 65_535;

/// The section by which Go marks what it builds.
const GO_SECTION: &str = "go:buildid";

/// The function that the adapter calls for memory.
const REALLOC: &str = "cabi_realloc";

/// Whether a core module counts its memory by itself.
pub(crate) fn counts_its_memory(module: &[u8]) -> bool {
    Parser::new(0)
        .parse_all(module)
        .any(|payload| matches!(payload, Ok(Payload::CustomSection(section)) if section.name() == GO_SECTION))
}

/// Gives the module all of `memory` bytes from the start, with a part of its
/// own for the adapter.
///
/// # Errors
/// When the module cannot be read, has a memory of another kind than one of
/// its own, or needs more than `memory` to start.
pub(crate) fn separate(module: &[u8], memory: u64) -> Result<Vec<u8>> {
    let pages = u32::try_from(memory / PAGE_BYTES).unwrap_or(MOST_PAGES).min(MOST_PAGES);
    let mut separator = Separator::read(module, pages.saturating_sub(ADAPTER_PAGES))?;
    let mut out = Module::new();
    separator
        .parse_core_module(&mut out, Parser::new(0), module)
        .map_err(|error| anyhow!("its memory cannot be separated from the adapter's: {error}"))?;
    Ok(out.finish())
}

/// What is added, by its index in the new module.
struct Separator {
    /// Where the module's memory ends and the adapter's part begins, in pages.
    border: u32,
    /// Pages that the module begins with.
    initial: u32,
    grow_type: u32,
    realloc_type: u32,
    grow: u32,
    realloc: u32,
    /// Global: the pages that the module believes to have.
    size: u32,
    /// Global: the address of the adapter's first free byte.
    free: u32,
}

impl Separator {
    fn read(module: &[u8], border: u32) -> Result<Self> {
        let (mut types, mut functions, mut globals) = (0, 0, 0);
        let mut initial = None;
        for payload in Parser::new(0).parse_all(module) {
            match payload.context("it is not valid WebAssembly")? {
                Payload::TypeSection(section) => {
                    for group in section {
                        types += u32::try_from(group?.types().len())?;
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            TypeRef::Func(_) | TypeRef::FuncExact(_) => functions += 1,
                            TypeRef::Global(_) => globals += 1,
                            TypeRef::Memory(_) => bail!("it imports its memory, which larder does not provide"),
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(section) => functions += section.count(),
                Payload::GlobalSection(section) => globals += section.count(),
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory?;
                        if initial.is_some() || memory.memory64 || memory.shared {
                            bail!("it has several, shared or 64-bit memories");
                        }
                        initial = Some(u32::try_from(memory.initial)?);
                    }
                }
                _ => {}
            }
        }
        let initial = initial.context("it has no memory")?;
        if initial > border {
            let needed = (u64::from(initial) + u64::from(ADAPTER_PAGES)) * PAGE_BYTES;
            bail!("it needs {needed} bytes of memory to start: raise --memory");
        }
        Ok(Self {
            border,
            initial,
            grow_type: types,
            realloc_type: types + 1,
            grow: functions,
            realloc: functions + 1,
            size: globals,
            free: globals + 1,
        })
    }

    /// `memory.grow`, in the module's own count.
    fn grow_body(&self) -> Function {
        let mut body = Function::new([]);
        for instruction in [
            // All that the module may still get is there already.
            Instruction::LocalGet(0),
            Instruction::I32Const(self.border.cast_signed()),
            Instruction::GlobalGet(self.size),
            Instruction::I32Sub,
            Instruction::I32GtU,
            Instruction::If(BlockType::Empty),
            Instruction::I32Const(-1),
            Instruction::Return,
            Instruction::End,
            Instruction::GlobalGet(self.size),
            Instruction::GlobalGet(self.size),
            Instruction::LocalGet(0),
            Instruction::I32Add,
            Instruction::GlobalSet(self.size),
            Instruction::End,
        ] {
            body.instruction(&instruction);
        }
        body
    }

    /// `cabi_realloc(old, old size, alignment, new size)` for the adapter,
    /// which never gives anything back. The whole part is less than 4 GiB away
    /// from the end of the address space by the page that is never used, and
    /// sizes are the adapter's own.
    fn realloc_body(&self) -> Function {
        let end = (self.border + ADAPTER_PAGES) << 16;
        let mut body = Function::new([(1, ValType::I32)]);
        for instruction in [
            // The next address that is a multiple of the alignment.
            Instruction::GlobalGet(self.free),
            Instruction::LocalGet(2),
            Instruction::I32Add,
            Instruction::I32Const(1),
            Instruction::I32Sub,
            Instruction::I32Const(0),
            Instruction::LocalGet(2),
            Instruction::I32Sub,
            Instruction::I32And,
            Instruction::LocalTee(4),
            Instruction::LocalGet(3),
            Instruction::I32Add,
            Instruction::GlobalSet(self.free),
            Instruction::GlobalGet(self.free),
            Instruction::I32Const(end.cast_signed()),
            Instruction::I32GtU,
            Instruction::If(BlockType::Empty),
            Instruction::Unreachable,
            Instruction::End,
            Instruction::LocalGet(4),
            Instruction::End,
        ] {
            body.instruction(&instruction);
        }
        body
    }
}

impl Reencode for Separator {
    type Error = std::convert::Infallible;

    fn memory_type(
        &mut self,
        memory: wasmparser::MemoryType,
    ) -> Result<wasm_encoder::MemoryType, reencode::Error<Self::Error>> {
        let mut memory = reencode::utils::memory_type(self, memory)?;
        memory.minimum = u64::from(self.border + ADAPTER_PAGES);
        memory.maximum = Some(memory.minimum);
        Ok(memory)
    }

    fn parse_instruction<'a>(
        &mut self,
        reader: &mut wasmparser::OperatorsReader<'a>,
    ) -> Result<Instruction<'a>, reencode::Error<Self::Error>> {
        Ok(match reencode::utils::parse_instruction(self, reader)? {
            Instruction::MemorySize(_) => Instruction::GlobalGet(self.size),
            Instruction::MemoryGrow(_) => Instruction::Call(self.grow),
            other => other,
        })
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        reencode::utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32], [ValType::I32]);
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        reencode::utils::parse_function_section(self, functions, section)?;
        functions.function(self.grow_type).function(self.realloc_type);
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        reencode::utils::parse_global_section(self, globals, section)?;
        let number = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(number, &ConstExpr::i32_const(self.initial.cast_signed()));
        globals.global(number, &ConstExpr::i32_const((self.border << 16).cast_signed()));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        reencode::utils::parse_export_section(self, exports, section)?;
        exports.export(REALLOC, ExportKind::Func, self.realloc);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        reencode::utils::parse_code_section(self, code, section)?;
        code.function(&self.grow_body()).function(&self.realloc_body());
        Ok(())
    }
}
