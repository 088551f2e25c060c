//! Where the instances, functions and components of a component come from, as
//! far as attaching has to know.

use std::collections::BTreeMap;
use std::rc::Rc;

use wasmparser::{ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentTypeRef};

use super::interfaces::Interface;
use super::scope::{Item, Scope, Space};

/// The interfaces that a nested component is given, by the names of its
/// imports.
pub(crate) type Given = BTreeMap<String, Interface>;

/// A function that an imported interface has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) interface: Interface,
    pub(crate) name: &'a str,
}

/// The exports of an instance that was put together from items.
type Bundle<'a> = Rc<BTreeMap<&'a str, (ComponentExternalKind, u32)>>;

/// What a component's indices stand for.
#[derive(Debug, Default)]
pub(crate) struct Names<'a> {
    /// By instance index: the interface that was imported.
    pub(crate) instances: Vec<Option<Interface>>,
    /// By instance index: the exports of an instance that was put together.
    bundles: Vec<Bundle<'a>>,
    /// By function index.
    pub(crate) funcs: Vec<Option<Origin<'a>>>,
    /// By component index: the item that defines it.
    pub(crate) components: Vec<Option<usize>>,
    /// Imported instances of the interfaces: instance index and item.
    pub(crate) imports: Vec<(Interface, u32, usize)>,
}

impl<'a> Names<'a> {
    /// Reads `scope`. The outermost component knows its imports by their
    /// names (`given` is `None`), a nested one by what it is given.
    pub(crate) fn read(scope: &Scope<'a>, given: Option<&Given>) -> Names<'a> {
        let mut names = Names::default();
        for (position, item) in scope.items.iter().enumerate() {
            match item {
                Item::Import(import) if matches!(import.ty, ComponentTypeRef::Instance(_)) => {
                    let interface = match given {
                        None => Interface::parse(&import.name.full_name()),
                        Some(given) => given.get(import.name.name).copied(),
                    };
                    if let Some(interface) = interface {
                        names.imports.push((interface, names.instance_count(), position));
                    }
                    names.instance(interface, Bundle::default());
                }
                Item::Instance(ComponentInstance::FromExports(exports)) => {
                    let bundle = exports.iter().map(|export| (export.name.name, (export.kind, export.index)));
                    names.instance(None, Rc::new(bundle.collect()));
                }
                Item::Instance(ComponentInstance::Instantiate { .. }) => names.instance(None, Bundle::default()),
                Item::Alias(ComponentAlias::InstanceExport { kind, instance_index, name }) => {
                    names.alias(*kind, *instance_index, name);
                }
                Item::Export(export) => names.same(export.kind, export.index),
                Item::Component(_) => names.components.push(Some(position)),
                item => match item.defines() {
                    Some((Space::Instance, _)) => names.instance(None, Bundle::default()),
                    Some((Space::Func, _)) => names.funcs.push(None),
                    Some((Space::Component, _)) => names.components.push(None),
                    _ => {}
                },
            }
        }
        names
    }

    /// The interface that the instance with index `index` is.
    pub(crate) fn interface(&self, index: u32) -> Option<Interface> {
        self.instances.get(index as usize).copied().flatten()
    }

    /// Where the function with index `index` comes from.
    pub(crate) fn origin(&self, index: u32) -> Option<Origin<'a>> {
        self.funcs.get(index as usize).copied().flatten()
    }

    /// The imported instances of `interface`.
    pub(crate) fn imported(&self, interface: Interface) -> impl Iterator<Item = (u32, usize)> + '_ {
        self.imports
            .iter()
            .filter(move |(imported, ..)| *imported == interface)
            .map(|(_, instance, position)| (*instance, *position))
    }

    fn instance_count(&self) -> u32 {
        u32::try_from(self.instances.len()).unwrap_or(u32::MAX)
    }

    fn instance(&mut self, interface: Option<Interface>, bundle: Bundle<'a>) {
        self.instances.push(interface);
        self.bundles.push(bundle);
    }

    fn alias(&mut self, kind: ComponentExternalKind, instance: u32, name: &'a str) {
        if let Some((kind, index)) = self.bundles.get(instance as usize).and_then(|bundle| bundle.get(name)).copied() {
            return self.same(kind, index);
        }
        match kind {
            ComponentExternalKind::Func => {
                let interface = self.interface(instance);
                self.funcs.push(interface.map(|interface| Origin { interface, name }));
            }
            ComponentExternalKind::Instance => self.instance(None, Bundle::default()),
            ComponentExternalKind::Component => self.components.push(None),
            _ => {}
        }
    }

    /// A new index for what `index` is already.
    fn same(&mut self, kind: ComponentExternalKind, index: u32) {
        match kind {
            ComponentExternalKind::Func => self.funcs.push(self.origin(index)),
            ComponentExternalKind::Instance => {
                let bundle = self.bundles.get(index as usize).cloned().unwrap_or_default();
                self.instance(self.interface(index), bundle);
            }
            ComponentExternalKind::Component => {
                self.components.push(self.components.get(index as usize).copied().flatten());
            }
            _ => {}
        }
    }
}
