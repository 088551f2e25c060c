//! Decides what is done to each component: which imports go away, which
//! lowerings become gates, and where the store is put in.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{CanonicalFunction, CanonicalOption, ComponentExternalKind, ComponentInstance, CompositeInnerType};

use super::escape::Resources;
use super::extend::Extensions;
use super::forward;
use super::glue::{GateSpec, Signature};
use super::interfaces::{Dispatch, HOST_FUNCTIONS, HostSource, Interface, dispatch, feature};
use super::names::{Given, Names};
use super::scope::{Item, Scope, Space};
use super::store::{StoreModule, signature};
use crate::error::{ComposeError, ErrorKind};

/// What is done to one component.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Imports that go away.
    pub(crate) removed: BTreeSet<usize>,
    /// Functions that are added to the types of imported instances, by the
    /// item of the type.
    pub(crate) extended: Extensions,
    /// The store is put in here.
    pub(crate) attach: Option<AttachPlan>,
    /// The store is put into a component inside of this one.
    pub(crate) inner: Option<InnerPlan>,
}

/// The way to a nested component that gets the store.
#[derive(Debug)]
pub(crate) struct InnerPlan {
    /// The item that defines the component.
    pub(crate) component: usize,
    /// The item that instantiates it.
    pub(crate) instance: usize,
    pub(crate) plan: Box<Plan>,
}

/// How the store is put into a component.
#[derive(Debug)]
pub(crate) struct AttachPlan {
    /// The gates, by the item that each replaces.
    pub(crate) gates: BTreeMap<usize, Gate>,
    pub(crate) contexts: Vec<Context>,
    /// The item before which `$shim`, the store and `$gate` are put.
    pub(crate) start: usize,
    /// The item after which `$fixup` is put; `None` when there are no gates
    /// and no imports that the store uses.
    pub(crate) end: Option<usize>,
    /// Sources of the store's host functions: the imported instance.
    pub(crate) hosts: Vec<Option<u32>>,
    pub(crate) features: u32,
}

/// A lowering that the store answers.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Its number among the gates of the component.
    pub(crate) index: u32,
    pub(crate) spec: GateSpec,
    /// The imported instance, and the resource that is dropped: a drop may
    /// name its type by way of an import that goes away.
    pub(crate) dropped: Option<(u32, &'static str)>,
}

/// A memory of the app and the allocator in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) memory: u32,
    pub(crate) realloc: Option<u32>,
}

/// Memories and allocators that one component may use for its lowerings; real
/// ones use one or two. Each costs four instances in the result.
const CONTEXTS_MAX: usize = 64;

/// Lowerings that are replaced, at most; real components have some hundreds.
/// Bounds what is generated below the limits of WebAssembly itself.
const GATES_MAX: usize = 50_000;

/// Instances of nested components that are looked into. Guards against a
/// component that instantiates a component twice, which does the same, and so
/// on: that would be exponential work.
const VISITS_MAX: usize = 1_000;

/// Plans for the component `root`.
///
/// # Errors
/// All that attaching refuses.
pub(crate) fn plan(root: &Scope<'_>, store: &StoreModule, environment: bool) -> Result<Plan, ComposeError> {
    refuse_versions(root)?;
    let names = Names::read(root, None);
    if !names.imports.iter().any(|(interface, ..)| interface.is_replaced()) {
        return Err(ComposeError::new(
            ErrorKind::NothingToAttach,
            "the component imports no wasi:filesystem: it runs without a filesystem as it is",
        ));
    }
    let mut search = Search { store, environment, found: 0, visits: 0 };
    let plan = search.component(root, &names, true)?;
    match (search.found, plan) {
        (0, _) => search.attach_here(root, &names, true),
        (1, Some(plan)) => Ok(plan),
        _ => Err(ComposeError::new(
            ErrorKind::SeveralConsumers,
            "several components inside this one use wasi:filesystem, or one is instantiated several times; attach the \
             store to each before composing them, or use the adapter component (`plug`), which they share",
        )),
    }
}

/// Refuses versions of WASI that are served in another way.
fn refuse_versions(root: &Scope<'_>) -> Result<(), ComposeError> {
    for item in &root.items {
        let Item::Import(import) = item else { continue };
        let name = import.name.full_name();
        if name.starts_with("wasi:filesystem/") && Interface::parse(&name).is_none() {
            let (kind, advice) = if name.contains("@0.3.") {
                (ErrorKind::Version03, "WASI 0.3 is served by the adapter component for it (`plug`)")
            } else {
                (ErrorKind::Unsupported, "only WASI 0.2 and 0.3 are known")
            };
            return Err(ComposeError::new(kind, advice).at(format!("import `{name}`")));
        }
    }
    Ok(())
}

struct Search<'s> {
    store: &'s StoreModule,
    environment: bool,
    /// Components that use the filesystem, counted by instances.
    found: usize,
    /// Instances that were looked into.
    visits: usize,
}

impl Search<'_> {
    /// The plan for `scope`, if it or a component in it uses the filesystem.
    fn component(&mut self, scope: &Scope<'_>, names: &Names<'_>, root: bool) -> Result<Option<Plan>, ComposeError> {
        let mut plan = None;
        if uses_filesystem(scope, names) {
            self.found += 1;
            if self.found > 1 {
                return Ok(None);
            }
            plan = Some(self.attach_here(scope, names, root)?);
        }
        for (position, item) in scope.items.iter().enumerate() {
            let Item::Instance(ComponentInstance::Instantiate { component_index, args }) = item else { continue };
            let mut given = Given::new();
            for arg in args {
                if arg.kind == ComponentExternalKind::Instance
                    && let Some(interface) = names.interface(arg.index)
                {
                    given.insert(arg.name.to_owned(), interface);
                }
            }
            if !given.values().any(|interface| interface.is_replaced()) {
                continue;
            }
            let place = format!("component {component_index}");
            let definition = names.components.get(*component_index as usize).copied().flatten();
            let nested = definition.and_then(|position| scope.items.get(position).zip(Some(position)));
            let Some((Item::Component(nested), definition)) = nested else {
                return Err(ComposeError::new(
                    ErrorKind::Unsupported,
                    "it is given wasi:filesystem, but is not defined where it is instantiated; use `plug`",
                )
                .at(place));
            };
            self.visits += 1;
            if self.visits > VISITS_MAX {
                return Err(ComposeError::new(
                    ErrorKind::Limit,
                    format!("more than {VISITS_MAX} instances inside are given wasi:filesystem"),
                ));
            }
            let nested_names = Names::read(nested, Some(&given));
            let inner = self.component(nested, &nested_names, false).map_err(|error| error.at(place))?;
            if self.found > 1 {
                return Ok(None);
            }
            if let Some(inner) = inner {
                if instantiations(scope, names, definition) != 1 {
                    self.found += 1;
                    return Ok(None);
                }
                plan = Some(Plan {
                    removed: removed(names),
                    inner: Some(InnerPlan { component: definition, instance: position, plan: Box::new(inner) }),
                    ..Plan::default()
                });
            }
        }
        Ok(plan)
    }

    fn attach_here(&self, scope: &Scope<'_>, names: &Names<'_>, root: bool) -> Result<Plan, ComposeError> {
        let mut extended = Extensions::default();
        let attach = Attaching::new(self, scope, names).plan(root.then_some(&mut extended))?;
        Ok(Plan { removed: removed(names), extended, attach: Some(attach), inner: None })
    }
}

fn removed(names: &Names<'_>) -> BTreeSet<usize> {
    let replaced = names.imports.iter().filter(|(interface, ..)| interface.is_replaced());
    replaced.map(|(.., position)| *position).collect()
}

fn uses_filesystem(scope: &Scope<'_>, names: &Names<'_>) -> bool {
    scope.items.iter().any(|item| match item {
        Item::Canon(CanonicalFunction::Lower { func_index, .. }) => {
            names.origin(*func_index).is_some_and(|origin| origin.interface.is_replaced())
        }
        _ => false,
    })
}

/// How often the component that the item `definition` defines is used.
fn instantiations(scope: &Scope<'_>, names: &Names<'_>, definition: usize) -> usize {
    let is = |index: u32| names.components.get(index as usize) == Some(&Some(definition));
    let uses = scope.items.iter().map(|item| match item {
        Item::Instance(ComponentInstance::Instantiate { component_index, args }) => {
            let passed = args.iter().filter(|arg| arg.kind == ComponentExternalKind::Component && is(arg.index));
            passed.count() + usize::from(is(*component_index))
        }
        Item::Instance(ComponentInstance::FromExports(exports)) => {
            exports.iter().filter(|export| export.kind == ComponentExternalKind::Component && is(export.index)).count()
        }
        Item::Export(export) => usize::from(export.kind == ComponentExternalKind::Component && is(export.index)),
        _ => 0,
    });
    uses.sum()
}

/// Planning for the component that gets the store.
struct Attaching<'s, 'a> {
    store: &'s StoreModule,
    environment: bool,
    scope: &'s Scope<'a>,
    names: &'s Names<'a>,
    resources: Resources,
    gates: BTreeMap<usize, Gate>,
    contexts: Vec<Context>,
}

impl<'s, 'a> Attaching<'s, 'a> {
    fn new(search: &Search<'s>, scope: &'s Scope<'a>, names: &'s Names<'a>) -> Self {
        let mut resources = Resources::default();
        for (interface, instance, _) in &names.imports {
            resources.note(scope.types.as_ref(), *instance, *interface);
        }
        Attaching {
            store: search.store,
            environment: search.environment,
            scope,
            names,
            resources,
            gates: BTreeMap::new(),
            contexts: Vec::new(),
        }
    }

    fn plan(mut self, extended: Option<&mut Extensions>) -> Result<AttachPlan, ComposeError> {
        let mut core_funcs = 0;
        let mut funcs = 0;
        for (position, item) in self.scope.items.iter().enumerate() {
            if let Item::Canon(canon) = item {
                let place = format!("canonical function (core function {core_funcs}, function {funcs})");
                self.canonical(position, canon, core_funcs).map_err(|error| error.at(place))?;
            }
            match item.defines() {
                Some((Space::CoreFunc, many)) => core_funcs += many,
                Some((Space::Func, many)) => funcs += many,
                _ => {}
            }
        }
        let (hosts, mut features) = self.hosts(extended);
        if self.forwards() && forward::turns_end(self.scope) {
            features |= feature::SETTLES;
        }
        let items = &self.scope.items;
        let imports = self.names.imports.iter().filter(|(_, instance, _)| hosts.contains(&Some(*instance)));
        let last_import = imports.map(|(.., position)| *position).max();
        Ok(AttachPlan {
            start: items.iter().position(is_definition).unwrap_or(items.len()),
            end: self.gates.keys().copied().max().max(last_import),
            gates: self.gates,
            contexts: self.contexts,
            hosts,
            features,
        })
    }

    /// Whether the store is of the forwarding variant.
    fn forwards(&self) -> bool {
        !self.store.forwarded.is_empty()
    }

    fn canonical(&mut self, position: usize, canon: &CanonicalFunction, core_func: u32) -> Result<(), ComposeError> {
        let types = self.scope.types.as_ref();
        match canon {
            CanonicalFunction::Lower { func_index, options } => {
                let origin = self.names.origin(*func_index);
                if origin.is_some_and(|origin| origin.interface == Interface::Exit) && self.forwards() {
                    return self.gate(position, core_func, forward::SETTLE.to_owned(), Dispatch::Settle, 0, None);
                }
                if let Some(origin) = origin
                    && let Some(dispatch) = dispatch(origin.interface, origin.name, self.environment)
                {
                    let export = format!("{}#{}", origin.interface.name(), origin.name);
                    let context = self.context(options).map_err(|error| error.at(export.clone()))?;
                    return self.gate(position, core_func, export, dispatch, context, None);
                }
                let function = (*func_index < types.component_function_count())
                    .then(|| types.component_function_at(*func_index))
                    .and_then(|id| types.get(id));
                match function.and_then(|function| self.resources.in_params(types, function)) {
                    Some(resource) => Err(escapes("an imported function takes", resource)),
                    None => Ok(()),
                }
            }
            CanonicalFunction::ResourceDrop { resource } => {
                let Some((interface, name, instance)) = self.resources.of_type(types, *resource) else { return Ok(()) };
                let dispatch = if interface.is_replaced() { Dispatch::Store } else { Dispatch::ByHandle };
                let export = format!("{}#[resource-drop]{name}", interface.name());
                let dropped = Some((instance, name));
                self.gate(position, core_func, export, dispatch, 0, dropped)
            }
            CanonicalFunction::Lift { type_index, .. } => {
                let lifted = match (*type_index < types.component_type_count())
                    .then(|| types.component_any_type_at(*type_index))
                {
                    Some(wasmparser::component_types::ComponentAnyTypeId::Func(id)) => {
                        types.get(id).and_then(|function| self.resources.in_result(types, function))
                    }
                    _ => None,
                };
                match lifted {
                    Some(resource) => Err(escapes("an exported function gives", resource)),
                    None => Ok(()),
                }
            }
            CanonicalFunction::StreamWrite { ty, .. } | CanonicalFunction::FutureWrite { ty, .. } => {
                match self.resources.in_type(types, *ty) {
                    Some(resource) => Err(escapes("a stream or future carries", resource)),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn gate(
        &mut self,
        position: usize,
        core_func: u32,
        export: String,
        dispatch: Dispatch,
        context: u32,
        dropped: Option<(u32, &'static str)>,
    ) -> Result<(), ComposeError> {
        let types = self.scope.types.as_ref();
        let unknown = || {
            ComposeError::new(ErrorKind::Unsupported, "the store does not know this function; is it one of WASI 0.2?")
                .at(export.clone())
        };
        if core_func >= types.function_count() {
            return Err(unknown());
        }
        let signature: Signature = match types.get(types.core_function_at(core_func)).map(|ty| &ty.composite_type.inner)
        {
            Some(CompositeInnerType::Func(ty)) => signature(ty)?,
            _ => return Err(unknown()),
        };
        let spec = GateSpec { signature, export: export.clone(), dispatch, context };
        let wanted = spec.store_signature();
        for name in spec.imports() {
            match self.store.function(name) {
                Some(known) if *known == wanted => {}
                Some(_) => {
                    return Err(ComposeError::new(
                        ErrorKind::Unsupported,
                        "its parameters or results are not those of WASI 0.2",
                    )
                    .at(export));
                }
                None => return Err(unknown()),
            }
        }
        if self.gates.len() >= GATES_MAX {
            return Err(ComposeError::new(ErrorKind::Limit, format!("more than {GATES_MAX} lowerings")).at(export));
        }
        let index = u32::try_from(self.gates.len()).unwrap_or(u32::MAX);
        self.gates.insert(position, Gate { index, spec, dropped });
        Ok(())
    }

    /// The context of a lowering, from its own options.
    fn context(&mut self, options: &[CanonicalOption]) -> Result<u32, ComposeError> {
        let refuse = |what: &str| {
            ComposeError::new(
                ErrorKind::Unsupported,
                format!("it is lowered with {what}, which the store cannot answer; use `plug`"),
            )
        };
        let mut memory = None;
        let mut realloc = None;
        for option in options {
            match option {
                CanonicalOption::UTF8 | CanonicalOption::PostReturn(_) | CanonicalOption::Callback(_) => {}
                CanonicalOption::UTF16 | CanonicalOption::CompactUTF16 => return Err(refuse("strings in UTF-16")),
                CanonicalOption::Memory(index) => memory = Some(*index),
                CanonicalOption::Realloc(index) => realloc = Some(*index),
                CanonicalOption::Async => return Err(refuse("`async`")),
                CanonicalOption::CoreType(_) | CanonicalOption::Gc => return Err(refuse("garbage-collected types")),
            }
        }
        let Some(memory) = memory else { return Ok(0) };
        let types = self.scope.types.as_ref();
        if memory < types.memory_count() {
            let ty = types.memory_at(memory);
            if ty.memory64 || ty.shared || ty.page_size_log2.is_some() {
                return Err(refuse("a memory that is 64-bit, shared or has pages of its own size"));
            }
        }
        // A lowering without an allocator shares the context of another one
        // with the same memory.
        for (index, known) in (0_u32..).zip(&mut self.contexts) {
            if known.memory == memory && (known.realloc == realloc || known.realloc.is_none() || realloc.is_none()) {
                known.realloc = known.realloc.or(realloc);
                return Ok(index);
            }
        }
        if self.contexts.len() >= CONTEXTS_MAX {
            return Err(ComposeError::new(
                ErrorKind::Limit,
                format!("lowerings use more than {CONTEXTS_MAX} memories"),
            ));
        }
        self.contexts.push(Context { memory, realloc });
        Ok(u32::try_from(self.contexts.len() - 1).unwrap_or(u32::MAX))
    }

    /// The sources of the store's host functions, and what `features` says.
    /// A function that the app left out of an imported interface is added to
    /// the interface's type, where `extended` allows that.
    fn hosts(&self, mut extended: Option<&mut Extensions>) -> (Vec<Option<u32>>, u32) {
        let gates = |name: &str| self.gates.values().any(|gate| gate.spec.export.ends_with(name));
        let mut wanted = feature::NOW;
        if gates("#[method]output-stream.splice") || gates("#[method]output-stream.blocking-splice") {
            wanted |= feature::SPLICE | feature::POLLABLE;
        }
        if gates("wasi:io/poll#poll") {
            wanted |= feature::POLLABLE;
        }
        if self.environment {
            wanted |= feature::ENVIRONMENT;
        }
        let mut features = wanted;
        let hosts = HOST_FUNCTIONS.iter().map(|host| {
            if wanted & host.feature == 0 {
                return None;
            }
            let source = self.source(host.source, extended.as_deref_mut());
            let promised = source.is_some() || host.optional && self.is_imported(host.source);
            if !promised {
                features &= !host.feature;
            }
            source
        });
        let hosts = hosts.collect();
        (hosts, features)
    }

    fn is_imported(&self, source: HostSource) -> bool {
        let (HostSource::Function(interface, _) | HostSource::Drop(interface, _)) = source;
        self.names.imported(interface).next().is_some()
    }

    fn source(&self, source: HostSource, extended: Option<&mut Extensions>) -> Option<u32> {
        let (HostSource::Function(interface, name) | HostSource::Drop(interface, name)) = source;
        let mut imported = self.names.imported(interface);
        let (instance, position) = imported.next()?;
        // Two versions of one interface have handles of their own each, and
        // the store could not tell whose it was given.
        if imported.next().is_some() && matches!(interface, Interface::Poll | Interface::Streams) {
            return None;
        }
        let types = self.scope.types.as_ref();
        if instance < types.component_instance_count()
            && types.get(types.component_instance_at(instance)).is_some_and(|ty| ty.exports.contains_key(name))
        {
            return Some(instance);
        }
        extended?.add(self.scope, position, name).then_some(instance)
    }
}

fn escapes(who: &str, resource: &str) -> ComposeError {
    ComposeError::new(
        ErrorKind::Escapes,
        format!(
            "{who} a `{resource}`, which may be one of the store; only the adapter component (`plug`) can serve that"
        ),
    )
}

/// Whether the store has to be put in before `item` at the latest.
fn is_definition(item: &Item<'_>) -> bool {
    use wasmparser::ComponentAlias::CoreInstanceExport;
    matches!(
        item,
        Item::CoreModule(_)
            | Item::CoreInstance(_)
            | Item::Component(_)
            | Item::Instance(_)
            | Item::Canon(_)
            | Item::Alias(CoreInstanceExport { .. })
    )
}
