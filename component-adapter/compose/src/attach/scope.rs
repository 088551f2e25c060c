//! A component as a list of its items, in order, with the types that
//! validation found.
//!
//! Reading only. An item defines at most one index space's next indices; what
//! refers to what is the business of `emit`.

use wasmparser::types::Types;
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExport, ComponentExternalKind, ComponentImport, ComponentInstance,
    ComponentOuterAliasKind, ComponentType, ComponentTypeRef, CoreType, Encoding, ExternalKind, Instance, Parser,
    Payload, ValidPayload, Validator, WasmFeatures,
};

use crate::error::{ComposeError, ErrorKind};

/// Components within components, at most. Real ones nest two or three deep;
/// the bound keeps hostile input from using up the stack of what recurses
/// over a component.
const DEPTH_MAX: usize = 64;

/// The index spaces of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Space {
    CoreModule,
    CoreInstance,
    CoreType,
    CoreFunc,
    CoreTable,
    CoreMemory,
    CoreGlobal,
    CoreTag,
    Component,
    Instance,
    Type,
    Func,
    Value,
}

impl Space {
    /// How many spaces there are.
    pub(crate) const COUNT: usize = 13;

    pub(crate) fn of(kind: ComponentExternalKind) -> Space {
        match kind {
            ComponentExternalKind::Module => Space::CoreModule,
            ComponentExternalKind::Func => Space::Func,
            ComponentExternalKind::Value => Space::Value,
            ComponentExternalKind::Type => Space::Type,
            ComponentExternalKind::Instance => Space::Instance,
            ComponentExternalKind::Component => Space::Component,
        }
    }
}

/// One item of a component.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    CoreModule(&'a [u8]),
    CoreInstance(Instance<'a>),
    CoreType(CoreType<'a>),
    Component(Box<Scope<'a>>),
    Instance(ComponentInstance<'a>),
    Alias(ComponentAlias<'a>),
    Type(ComponentType<'a>),
    Canon(CanonicalFunction),
    Import(ComponentImport<'a>),
    Export(ComponentExport<'a>),
    Custom { name: &'a str, data: &'a [u8] },
}

impl Item<'_> {
    /// The space whose next indices this item defines, and how many.
    pub(crate) fn defines(&self) -> Option<(Space, u32)> {
        let space = match self {
            Item::CoreModule(_) => Space::CoreModule,
            Item::CoreInstance(_) => Space::CoreInstance,
            Item::CoreType(CoreType::Rec(group)) => {
                let types = u32::try_from(group.types().len()).unwrap_or(u32::MAX);
                return Some((Space::CoreType, types));
            }
            Item::CoreType(CoreType::Module(_)) => Space::CoreType,
            Item::Component(_) => Space::Component,
            Item::Instance(_) => Space::Instance,
            Item::Alias(ComponentAlias::InstanceExport { kind, .. }) => Space::of(*kind),
            Item::Alias(ComponentAlias::CoreInstanceExport { kind, .. }) => match kind {
                ExternalKind::Func | ExternalKind::FuncExact => Space::CoreFunc,
                ExternalKind::Table => Space::CoreTable,
                ExternalKind::Memory => Space::CoreMemory,
                ExternalKind::Global => Space::CoreGlobal,
                ExternalKind::Tag => Space::CoreTag,
            },
            Item::Alias(ComponentAlias::Outer { kind, .. }) => match kind {
                ComponentOuterAliasKind::CoreModule => Space::CoreModule,
                ComponentOuterAliasKind::CoreType => Space::CoreType,
                ComponentOuterAliasKind::Type => Space::Type,
                ComponentOuterAliasKind::Component => Space::Component,
            },
            Item::Type(_) => Space::Type,
            Item::Canon(CanonicalFunction::Lift { .. }) => Space::Func,
            Item::Canon(_) => Space::CoreFunc,
            Item::Import(import) => match import.ty {
                ComponentTypeRef::Module(_) => Space::CoreModule,
                ComponentTypeRef::Func(_) => Space::Func,
                ComponentTypeRef::Value(_) => Space::Value,
                ComponentTypeRef::Type(_) => Space::Type,
                ComponentTypeRef::Instance(_) => Space::Instance,
                ComponentTypeRef::Component(_) => Space::Component,
            },
            Item::Export(export) => Space::of(export.kind),
            Item::Custom { .. } => return None,
        };
        Some((space, 1))
    }
}

/// A component: its items in order, and its types.
pub(crate) struct Scope<'a> {
    pub(crate) items: Vec<Item<'a>>,
    /// The component's binary.
    pub(crate) bytes: &'a [u8],
    pub(crate) types: Types,
}

impl std::fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").field("items", &self.items).finish_non_exhaustive()
    }
}

impl<'a> Scope<'a> {
    /// Reads and validates a component.
    ///
    /// # Errors
    /// `Invalid`, `NotAComponent`, `Limit` for too deep nesting, `Unsupported`
    /// for start functions of components.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Scope<'a>, ComposeError> {
        if Parser::is_core_wasm(bytes) {
            return Err(ComposeError::new(ErrorKind::NotAComponent, "this is a core module, not a component"));
        }
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        let mut functions = wasmparser::FuncValidatorAllocations::default();
        // One entry for each open component or module; modules have no items.
        let mut open: Vec<Open<'a>> = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            let types = match validator.payload(&payload)? {
                ValidPayload::Func(function, body) => {
                    let mut function = function.into_validator(functions);
                    function.validate(&body)?;
                    functions = function.into_allocations();
                    None
                }
                ValidPayload::End(types) => Some(types),
                ValidPayload::Ok | ValidPayload::Parser(_) => None,
            };
            match payload {
                Payload::Version { encoding, .. } => {
                    if open.len() >= DEPTH_MAX {
                        return Err(ComposeError::new(
                            ErrorKind::Limit,
                            format!("components nest deeper than {DEPTH_MAX}"),
                        ));
                    }
                    // The outermost component's binary is the whole; those of
                    // the others were noted when their section began.
                    let entry = match open.last_mut().and_then(|parent| parent.next.take()) {
                        Some(slice) => Open::new(encoding, slice),
                        None => Open::new(encoding, bytes),
                    };
                    open.push(entry);
                }
                Payload::ModuleSection { unchecked_range, .. } | Payload::ComponentSection { unchecked_range, .. } => {
                    let range =
                        usize::try_from(unchecked_range.start).ok().zip(usize::try_from(unchecked_range.end).ok());
                    let slice = range.and_then(|(start, end)| bytes.get(start..end));
                    let slice = slice.ok_or_else(|| ComposeError::new(ErrorKind::Invalid, "a section is cut off"))?;
                    if let Some(parent) = open.last_mut() {
                        parent.next = Some(slice);
                    }
                }
                Payload::End(_) => {
                    let Some(done) = open.pop() else { break };
                    let item = match (done.encoding, types) {
                        (Encoding::Component, Some(types)) => {
                            Item::Component(Box::new(Scope { items: done.items, bytes: done.bytes, types }))
                        }
                        _ => Item::CoreModule(done.bytes),
                    };
                    match (open.last_mut(), item) {
                        (Some(parent), item) => parent.items.push(item),
                        (None, Item::Component(scope)) => return Ok(*scope),
                        (None, _) => break,
                    }
                }
                payload => {
                    if let Some(scope) = open.last_mut().filter(|scope| scope.encoding == Encoding::Component) {
                        scope.section(payload)?;
                    }
                }
            }
        }
        Err(ComposeError::new(ErrorKind::Invalid, "the component is cut off"))
    }
}

struct Open<'a> {
    encoding: Encoding,
    items: Vec<Item<'a>>,
    bytes: &'a [u8],
    /// The binary of the module or component that begins next.
    next: Option<&'a [u8]>,
}

impl<'a> Open<'a> {
    fn new(encoding: Encoding, bytes: &'a [u8]) -> Self {
        Open { encoding, items: Vec::new(), bytes, next: None }
    }

    fn section(&mut self, payload: Payload<'a>) -> Result<(), ComposeError> {
        match payload {
            Payload::InstanceSection(section) => self.all(section, Item::CoreInstance),
            Payload::CoreTypeSection(section) => self.all(section, Item::CoreType),
            Payload::ComponentInstanceSection(section) => self.all(section, Item::Instance),
            Payload::ComponentAliasSection(section) => self.all(section, Item::Alias),
            Payload::ComponentTypeSection(section) => self.all(section, Item::Type),
            Payload::ComponentCanonicalSection(section) => self.all(section, Item::Canon),
            Payload::ComponentImportSection(section) => self.all(section, Item::Import),
            Payload::ComponentExportSection(section) => self.all(section, Item::Export),
            Payload::CustomSection(section) => {
                self.items.push(Item::Custom { name: section.name(), data: section.data() });
                Ok(())
            }
            _ => Err(ComposeError::new(
                ErrorKind::Unsupported,
                "the component has a section that attaching does not know (a start function of the component?)",
            )),
        }
    }

    fn all<T>(
        &mut self,
        section: wasmparser::SectionLimited<'a, T>,
        item: impl Fn(T) -> Item<'a>,
    ) -> Result<(), ComposeError>
    where
        T: wasmparser::FromReader<'a>,
    {
        for part in section {
            self.items.push(item(part?));
        }
        Ok(())
    }
}
