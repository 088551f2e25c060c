//! Writes the new component: the app's items in their order, without what
//! goes away, with the store put in.

use std::collections::BTreeMap;

use wasm_encoder::{CanonicalOption as Option_, ComponentExportKind, ExportKind};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentType,
    CompositeInnerType,
};

use super::bridge::{self, Bridge};
use super::extend;
use super::forward::{self, Forward};
use super::glue::{self, GateSpec, Places, Signature, count};
use super::interfaces::{Dispatch, HOST_FUNCTIONS, HostSource, feature};
use super::mapper::{Indices, Mapper};
use super::name_section;
use super::output::Output;
use super::plan::{AttachPlan, Gate, Plan};
use super::scope::{Item, Scope, Space};
use super::store::signature;
use crate::error::{ComposeError, ErrorKind};

/// What is put in.
pub(crate) struct Store<'s> {
    pub(crate) module: &'s [u8],
    pub(crate) bridge: Bridge,
    /// What it imports, if it is of the forwarding variant.
    pub(crate) forward: Option<Forward>,
}

/// Writes `scope` as `plan` says. `outer` are the indices of the components
/// around it.
///
/// # Errors
/// `Escapes` when something that stays is made of what goes away.
pub(crate) fn component(
    scope: &Scope<'_>,
    plan: &Plan,
    store: &Store<'_>,
    outer: &[Indices],
) -> Result<Vec<u8>, ComposeError> {
    let mut scopes = outer.to_vec();
    scopes.push(Indices::default());
    let mut writer = Writer { scope, plan, store, scopes, out: Output::new(), put_in: None, forwarded: None };
    if plan.attach.is_some() || plan.inner.is_some() {
        writer.forwarded = store.forward.as_ref().map(|forward| forward.import(&mut writer.out));
    }
    for (position, item) in scope.items.iter().enumerate() {
        if let Some(attach) = plan.attach.as_ref().filter(|attach| attach.start == position) {
            writer.put_in = Some(writer.start(attach));
        }
        writer.item(position, item)?;
        if let Some(attach) = plan.attach.as_ref().filter(|attach| attach.end == Some(position)) {
            writer.end(attach)?;
        }
    }
    Ok(writer.out.finish())
}

/// Instances in the new component.
#[derive(Debug, Clone, Copy)]
struct PutIn {
    shim: u32,
    store: u32,
    gate: u32,
}

struct Writer<'w, 'a> {
    scope: &'w Scope<'a>,
    plan: &'w Plan,
    store: &'w Store<'w>,
    scopes: Vec<Indices>,
    out: Output,
    put_in: Option<PutIn>,
    /// The imported instance that the forwarding variant forwards to.
    forwarded: Option<u32>,
}

impl<'a> Writer<'_, 'a> {
    fn push(&mut self, space: Space, new: Option<u32>) {
        if let Some(indices) = self.scopes.last_mut() {
            indices.push(space, new);
        }
    }

    fn index(&self, space: Space, old: u32) -> Option<u32> {
        self.scopes.last().and_then(|indices| indices.get(space, old))
    }

    /// Notes that the item that was just written defines its indices.
    fn defined(&mut self, item: &Item<'_>) {
        if let Some((space, many)) = item.defines() {
            let first = self.out.count(space, many);
            for index in first..first.saturating_add(many) {
                self.push(space, Some(index));
            }
        }
    }

    fn item(&mut self, position: usize, item: &Item<'a>) -> Result<(), ComposeError> {
        if self.plan.removed.contains(&position) {
            self.gone(item);
            return Ok(());
        }
        if let Some(gate) = self.plan.attach.as_ref().and_then(|attach| attach.gates.get(&position)) {
            let instance = self.put_in.map(|put_in| put_in.gate).ok_or_else(defect)?;
            let index = self.out.core_export(instance, &glue::gate_name(gate.index), ExportKind::Func);
            self.push(Space::CoreFunc, Some(index));
            return Ok(());
        }
        let inner = self.plan.inner.as_ref();
        match item {
            Item::CoreModule(module) => {
                let index = self.out.core_module(module);
                self.push(Space::CoreModule, Some(index));
                Ok(())
            }
            Item::Component(nested) => {
                let written = match inner.filter(|inner| inner.component == position) {
                    Some(inner) => Some(component(nested, &inner.plan, self.store, &self.scopes)?),
                    None if super::outer::refers_out(nested)? => {
                        Some(component(nested, &Plan::default(), self.store, &self.scopes)?)
                    }
                    None => None,
                };
                let index = self.out.component(written.as_deref().unwrap_or(nested.bytes));
                self.push(Space::Component, Some(index));
                Ok(())
            }
            Item::Instance(ComponentInstance::Instantiate { component_index, args })
                if inner.is_some_and(|inner| inner.instance == position) =>
            {
                let removed = |arg: &&wasmparser::ComponentInstantiationArg<'_>| {
                    arg.kind == ComponentExternalKind::Instance && self.index(Space::Instance, arg.index).is_none()
                };
                let kept: Box<[_]> = args.iter().filter(|arg| !removed(arg)).cloned().collect();
                if let (Some(forward), Some(instance)) = (&self.store.forward, self.forwarded) {
                    return self.instantiate_forwarding(item, *component_index, &kept, (&forward.name, instance));
                }
                self.plain(
                    position,
                    &Item::Instance(ComponentInstance::Instantiate { component_index: *component_index, args: kept }),
                )
            }
            Item::Custom { name: "component-name", data } => {
                let names = self.scopes.last().and_then(|indices| name_section::renumbered(data, indices));
                if let Some(names) = names {
                    self.out.custom("component-name", &names);
                }
                Ok(())
            }
            Item::Custom { name, data } => {
                self.out.custom(name, data);
                Ok(())
            }
            Item::Type(ComponentType::Instance(declarations)) if self.plan.extended.of(position).is_some() => {
                let mut mapper = Mapper::new(&self.scopes);
                let functions = self.plan.extended.of(position).ok_or_else(defect)?;
                let ty = extend::extended(&mut mapper, declarations, functions)?;
                if mapper.gone {
                    return Err(made_of_filesystem("the type of an imported instance"));
                }
                self.out.types().instance(&ty);
                self.defined(item);
                Ok(())
            }
            Item::Canon(CanonicalFunction::Lift { core_func_index, type_index, options }) if self.tells_turns() => {
                self.lift_turn(item, *core_func_index, *type_index, options)
            }
            item => self.plain(position, item),
        }
    }

    /// Instantiates the component that gets the store with the interface that
    /// it forwards to.
    fn instantiate_forwarding(
        &mut self,
        item: &Item<'_>,
        component: u32,
        args: &[wasmparser::ComponentInstantiationArg<'_>],
        forwarded: (&str, u32),
    ) -> Result<(), ComposeError> {
        let component = self.index(Space::Component, component).ok_or_else(defect)?;
        let mut given = vec![(forwarded.0, ComponentExportKind::Instance, forwarded.1)];
        for arg in args {
            let (kind, space) = match arg.kind {
                ComponentExternalKind::Module => (ComponentExportKind::Module, Space::CoreModule),
                ComponentExternalKind::Func => (ComponentExportKind::Func, Space::Func),
                ComponentExternalKind::Value => (ComponentExportKind::Value, Space::Value),
                ComponentExternalKind::Type => (ComponentExportKind::Type, Space::Type),
                ComponentExternalKind::Instance => (ComponentExportKind::Instance, Space::Instance),
                ComponentExternalKind::Component => (ComponentExportKind::Component, Space::Component),
            };
            let index = self.index(space, arg.index).ok_or_else(|| made_of_filesystem(arg.name))?;
            given.push((arg.name, kind, index));
        }
        self.out.instances().instantiate(component, given);
        self.defined(item);
        Ok(())
    }

    /// Whether the functions that the app exports tell the store when they
    /// end.
    fn tells_turns(&self) -> bool {
        let settles = |attach: &AttachPlan| attach.features & feature::SETTLES != 0;
        self.plan.attach.as_ref().is_some_and(settles)
    }

    /// Writes an exported function that ends a turn when it ends.
    fn lift_turn(
        &mut self,
        item: &Item<'_>,
        function: u32,
        ty: u32,
        options: &[CanonicalOption],
    ) -> Result<(), ComposeError> {
        let store = self.put_in.map(|put_in| put_in.store).ok_or_else(defect)?;
        let types = self.scope.types.as_ref();
        if function >= types.function_count() {
            return Err(defect());
        }
        let signature = match types.get(types.core_function_at(function)).map(|ty| &ty.composite_type.inner) {
            Some(CompositeInnerType::Func(ty)) => signature(ty)?,
            _ => return Err(defect()),
        };
        let mut mapped = Vec::new();
        for option in options {
            mapped.push(match option {
                CanonicalOption::UTF8 => Option_::UTF8,
                CanonicalOption::UTF16 => Option_::UTF16,
                CanonicalOption::CompactUTF16 => Option_::CompactUTF16,
                CanonicalOption::Memory(old) => {
                    Option_::Memory(self.index(Space::CoreMemory, *old).ok_or_else(defect)?)
                }
                CanonicalOption::Realloc(old) => {
                    Option_::Realloc(self.index(Space::CoreFunc, *old).ok_or_else(defect)?)
                }
                CanonicalOption::PostReturn(old) => {
                    Option_::PostReturn(self.index(Space::CoreFunc, *old).ok_or_else(defect)?)
                }
                _ => return Err(defect()),
            });
        }
        let ty = self.index(Space::Type, ty).ok_or_else(|| made_of_filesystem("the type of an exported function"))?;
        let app = self.index(Space::CoreFunc, function).ok_or_else(defect)?;
        let app = self.out.core_bundle(&[("f", ExportKind::Func, app)]);
        let module = self.out.core_module(forward::turn(&signature).as_slice());
        let turn = self.out.instantiate(module, &[("app", app), ("store", store)]);
        let function = self.out.core_export(turn, "f", ExportKind::Func);
        self.out.canons().lift(function, ty, mapped);
        self.defined(item);
        Ok(())
    }

    /// Writes an item as it is. What is made of what goes away goes with it,
    /// if nothing but names is lost by that.
    fn plain(&mut self, position: usize, item: &Item<'_>) -> Result<(), ComposeError> {
        if Mapper::new(&self.scopes).write(item, &mut self.out)? {
            self.defined(item);
            return Ok(());
        }
        match item {
            Item::Type(_)
            | Item::Alias(ComponentAlias::InstanceExport { .. } | ComponentAlias::Outer { .. })
            | Item::Instance(ComponentInstance::FromExports(_)) => {
                self.gone(item);
                Ok(())
            }
            Item::Import(import) => Err(made_of_filesystem(&format!("import `{}`", import.name.full_name()))),
            Item::Export(export) => Err(made_of_filesystem(&format!("export `{}`", export.name.full_name()))),
            Item::Instance(ComponentInstance::Instantiate { component_index, .. }) => {
                Err(made_of_filesystem(&format!("an argument of component {component_index}")))
            }
            Item::Canon(CanonicalFunction::Lift { .. }) => Err(made_of_filesystem("the type of an exported function")),
            _ => Err(made_of_filesystem(&format!("item {position}"))),
        }
    }

    fn gone(&mut self, item: &Item<'_>) {
        if let Some((space, many)) = item.defines() {
            for _ in 0..many {
                self.push(space, None);
            }
        }
    }

    /// Puts in `$shim`, the store and `$gate`.
    fn start(&mut self, attach: &AttachPlan) -> PutIn {
        let places = self.places(attach);
        let specs: Vec<&GateSpec> = attach.gates.values().map(|gate| &gate.spec).collect();
        let forwards = self.store.forward.as_ref().map_or(&[][..], |forward| &forward.functions);
        let shim = self.out.core_module(glue::shim(places, attach.features, forwards).as_slice());
        let store = self.out.core_module(self.store.module);
        let gate = self.out.core_module(glue::gates(&specs, places).as_slice());
        let shim = self.out.instantiate(shim, &[]);
        let mut imported = vec![("bridge", shim), ("host", shim)];
        if let Some(forward) = &self.store.forward {
            let functions: Vec<(&str, ExportKind, u32)> = forward
                .functions
                .iter()
                .map(|(name, _)| {
                    (
                        name.as_str(),
                        ExportKind::Func,
                        self.out.core_export(shim, &glue::forward_name(name), ExportKind::Func),
                    )
                })
                .collect();
            imported.push((&forward.name, self.out.core_bundle(&functions)));
        }
        let store = self.out.instantiate(store, &imported);
        let gate = self.out.instantiate(gate, &[("store", store), ("shim", shim)]);
        PutIn { shim, store, gate }
    }

    /// Puts in the bridges, the host's functions and `$fixup`.
    fn end(&mut self, attach: &AttachPlan) -> Result<(), ComposeError> {
        let put_in = self.put_in.ok_or_else(defect)?;
        let places = self.places(attach);
        let mut filled: BTreeMap<u32, (Signature, u32)> = BTreeMap::new();
        let memory = self.out.core_export(put_in.store, "memory", ExportKind::Memory);
        let realloc = self.out.core_export(put_in.store, "cabi_realloc", ExportKind::Func);

        let apps = self.app_memories(attach)?;
        let copiers = self.bridges(&apps, memory);
        for (context, (get, put)) in (0_u32..).zip(copiers) {
            let copy = Signature { params: vec![wasm_encoder::ValType::I32; 3], results: vec![] };
            filled.insert(Places::get(context), (copy.clone(), get));
            filled.insert(Places::put(context), (copy, put));
        }
        let asks_for_codes = |gate: &Gate| gate.spec.dispatch == Dispatch::FilesystemErrorCode;
        if attach.gates.values().any(asks_for_codes) {
            let module = self.out.core_module(bridge::none().as_slice());
            for (context, app) in (0_u32..).zip(&apps) {
                let instance = self.out.instantiate(module, &[("to", *app)]);
                let none = self.out.core_export(instance, "none", ExportKind::Func);
                let signature = Signature { params: vec![wasm_encoder::ValType::I32], results: vec![] };
                filled.insert(Places::none(context), (signature, none));
            }
        }
        for (context, known) in (0_u32..).zip(&attach.contexts) {
            let Some(old) = known.realloc else { continue };
            let function = self.index(Space::CoreFunc, old).ok_or_else(defect)?;
            let i32 = wasm_encoder::ValType::I32;
            filled.insert(Places::realloc(context), (Signature { params: vec![i32; 4], results: vec![i32] }, function));
        }

        for ((index, host), source) in (0_u32..).zip(HOST_FUNCTIONS).zip(&attach.hosts) {
            let Some(instance) = source else { continue };
            let instance = self.index(Space::Instance, *instance).ok_or_else(defect)?;
            let function = match host.source {
                HostSource::Drop(_, name) => {
                    let ty = self.out.alias_type(instance, name);
                    self.out.resource_drop(ty)
                }
                HostSource::Function(_, name) => {
                    let function = self.out.alias_func(instance, name);
                    let options = [Option_::UTF8, Option_::Memory(memory), Option_::Realloc(realloc)];
                    self.out.lower(function, if host.memory { &options } else { &[] })
                }
            };
            filled.insert(places.host(index), (host.signature(), function));
        }

        for (index, (position, gate)) in (0_u32..).zip(&attach.gates) {
            if gate.spec.has_host() {
                let function = self.original(*position, gate)?;
                filled.insert(places.gate(index), (gate.spec.signature.clone(), function));
            }
        }

        if let (Some(forward), Some(instance)) = (&self.store.forward, self.forwarded) {
            for (index, (name, signature)) in (0_u32..).zip(&forward.functions) {
                let function = self.out.alias_func(instance, name);
                let options = [Option_::UTF8, Option_::Memory(memory), Option_::Realloc(realloc)];
                let function = self.out.lower(function, &options);
                filled.insert(places.forward(index), (signature.clone(), function));
            }
        }

        let signatures: Vec<_> = filled.iter().map(|(place, (signature, _))| (*place, signature.clone())).collect();
        let fixup = self.out.core_module(glue::fixup(places, &signatures).as_slice());
        let names: Vec<_> = filled.iter().map(|(place, (_, function))| (place.to_string(), *function)).collect();
        let exports: Vec<_> =
            names.iter().map(|(name, function)| (name.as_str(), ExportKind::Func, *function)).collect();
        let functions = self.out.core_bundle(&exports);
        self.out.instantiate(fixup, &[("shim", put_in.shim), ("", functions)]);
        Ok(())
    }

    fn places(&self, attach: &AttachPlan) -> Places {
        Places {
            contexts: count(attach.contexts.len()),
            gates: count(attach.gates.len()),
            forwards: self.store.forward.as_ref().map_or(0, |forward| count(forward.functions.len())),
        }
    }

    /// The memory of each context, as an instance that exports it.
    fn app_memories(&mut self, attach: &AttachPlan) -> Result<Vec<u32>, ComposeError> {
        let mut apps = Vec::new();
        for context in &attach.contexts {
            let memory = self.index(Space::CoreMemory, context.memory).ok_or_else(defect)?;
            apps.push(self.out.core_bundle(&[("memory", ExportKind::Memory, memory)]));
        }
        Ok(apps)
    }

    /// The copying functions of each context: to the store, and to the app.
    fn bridges(&mut self, apps: &[u32], store: u32) -> Vec<(u32, u32)> {
        if apps.is_empty() {
            return Vec::new();
        }
        let store = self.out.core_bundle(&[("memory", ExportKind::Memory, store)]);
        let mut copiers = Vec::new();
        match self.store.bridge {
            Bridge::MultiMemory => {
                let module = self.out.core_module(bridge::multi_memory().as_slice());
                for app in apps.iter().copied() {
                    let get = self.out.instantiate(module, &[("to", store), ("from", app)]);
                    let put = self.out.instantiate(module, &[("to", app), ("from", store)]);
                    copiers.push((get, put));
                }
            }
            Bridge::SingleMemory => {
                let destination = self.out.core_module(bridge::destination().as_slice());
                let source = self.out.core_module(bridge::source().as_slice());
                let into_store = self.out.instantiate(destination, &[("to", store)]);
                for app in apps.iter().copied() {
                    let into_app = self.out.instantiate(destination, &[("to", app)]);
                    let get = self.out.instantiate(source, &[("to", into_store), ("from", app)]);
                    let put = self.out.instantiate(source, &[("to", into_app), ("from", store)]);
                    copiers.push((get, put));
                }
            }
        }
        let mut copy = |instance| self.out.core_export(instance, "copy", ExportKind::Func);
        copiers.into_iter().map(|(get, put)| (copy(get), copy(put))).collect()
    }

    /// The host's function that the gate stands for, lowered as the app
    /// lowered it.
    fn original(&mut self, position: usize, gate: &Gate) -> Result<u32, ComposeError> {
        match self.scope.items.get(position) {
            Some(Item::Canon(CanonicalFunction::ResourceDrop { resource })) => {
                let ty = match (self.index(Space::Type, *resource), gate.dropped) {
                    (Some(ty), _) => ty,
                    (None, Some((instance, name))) => {
                        let instance = self.index(Space::Instance, instance).ok_or_else(defect)?;
                        self.out.alias_type(instance, name)
                    }
                    (None, None) => return Err(made_of_filesystem("a dropped resource")),
                };
                Ok(self.out.resource_drop(ty))
            }
            Some(item) if Mapper::new(&self.scopes).write(item, &mut self.out)? => {
                Ok(self.out.count(Space::CoreFunc, 1))
            }
            _ => Err(made_of_filesystem(&gate.spec.export)),
        }
    }
}

fn made_of_filesystem(what: &str) -> ComposeError {
    ComposeError::new(
        ErrorKind::Escapes,
        "it uses types of wasi:filesystem, which the store replaces; only the adapter component (`plug`) can serve that",
    )
    .at(what)
}

fn defect() -> ComposeError {
    ComposeError::new(ErrorKind::Defect, "an index that has to exist does not: please report this component")
}
