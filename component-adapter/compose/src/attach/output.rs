//! Writes a component item by item: items of one kind that follow each other
//! share a section, and each index space is counted.

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentImportSection, ComponentInstanceSection, ComponentSectionId, ComponentTypeSection,
    CoreTypeSection, CustomSection, ExportKind, InstanceSection, ModuleArg, RawSection,
};

use super::scope::Space;

enum Section {
    Empty,
    CoreInstances(InstanceSection),
    CoreTypes(CoreTypeSection),
    Instances(ComponentInstanceSection),
    Aliases(ComponentAliasSection),
    Types(ComponentTypeSection),
    Canons(CanonicalFunctionSection),
    Imports(ComponentImportSection),
    Exports(ComponentExportSection),
}

/// The component that is being written.
pub(crate) struct Output {
    component: Component,
    section: Section,
    counts: [u32; Space::COUNT],
}

macro_rules! sections {
    ($($method:ident $variant:ident $section:ident;)*) => {$(
        /// The open section of this kind; ends another kind's.
        pub(crate) fn $method(&mut self) -> &mut $section {
            if !matches!(self.section, Section::$variant(_)) {
                self.flush();
                self.section = Section::$variant($section::new());
            }
            match &mut self.section {
                Section::$variant(section) => section,
                _ => unreachable!("the section was opened above"),
            }
        }
    )*};
}

impl Output {
    pub(crate) fn new() -> Self {
        Output { component: Component::new(), section: Section::Empty, counts: [0; Space::COUNT] }
    }

    sections! {
        core_instances CoreInstances InstanceSection;
        core_types CoreTypes CoreTypeSection;
        instances Instances ComponentInstanceSection;
        aliases Aliases ComponentAliasSection;
        types Types ComponentTypeSection;
        canons Canons CanonicalFunctionSection;
        imports Imports ComponentImportSection;
        exports Exports ComponentExportSection;
    }

    fn flush(&mut self) {
        match std::mem::replace(&mut self.section, Section::Empty) {
            Section::Empty => {}
            Section::CoreInstances(section) => drop(self.component.section(&section)),
            Section::CoreTypes(section) => drop(self.component.section(&section)),
            Section::Instances(section) => drop(self.component.section(&section)),
            Section::Aliases(section) => drop(self.component.section(&section)),
            Section::Types(section) => drop(self.component.section(&section)),
            Section::Canons(section) => drop(self.component.section(&section)),
            Section::Imports(section) => drop(self.component.section(&section)),
            Section::Exports(section) => drop(self.component.section(&section)),
        }
    }

    /// Counts `many` new indices of `space` and answers the first.
    pub(crate) fn count(&mut self, space: Space, many: u32) -> u32 {
        let Some(count) = self.counts.get_mut(space as usize) else { return 0 };
        let first = *count;
        *count = count.saturating_add(many);
        first
    }

    pub(crate) fn core_module(&mut self, module: &[u8]) -> u32 {
        self.flush();
        self.component.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data: module });
        self.count(Space::CoreModule, 1)
    }

    pub(crate) fn component(&mut self, component: &[u8]) -> u32 {
        self.flush();
        self.component.section(&RawSection { id: ComponentSectionId::Component.into(), data: component });
        self.count(Space::Component, 1)
    }

    pub(crate) fn custom(&mut self, name: &str, data: &[u8]) {
        self.flush();
        self.component.section(&CustomSection { name: name.into(), data: data.into() });
    }

    pub(crate) fn instantiate(&mut self, module: u32, args: &[(&str, u32)]) -> u32 {
        let args: Vec<_> = args.iter().map(|(name, instance)| (*name, ModuleArg::Instance(*instance))).collect();
        self.core_instances().instantiate(module, args);
        self.count(Space::CoreInstance, 1)
    }

    pub(crate) fn core_bundle(&mut self, exports: &[(&str, ExportKind, u32)]) -> u32 {
        self.core_instances().export_items(exports.iter().copied());
        self.count(Space::CoreInstance, 1)
    }

    pub(crate) fn core_export(&mut self, instance: u32, name: &str, kind: ExportKind) -> u32 {
        self.aliases().alias(Alias::CoreInstanceExport { instance, kind, name });
        self.count(
            match kind {
                ExportKind::Table => Space::CoreTable,
                ExportKind::Memory => Space::CoreMemory,
                ExportKind::Global => Space::CoreGlobal,
                ExportKind::Tag => Space::CoreTag,
                ExportKind::Func => Space::CoreFunc,
            },
            1,
        )
    }

    pub(crate) fn alias_func(&mut self, instance: u32, name: &str) -> u32 {
        self.aliases().alias(Alias::InstanceExport { instance, kind: ComponentExportKind::Func, name });
        self.count(Space::Func, 1)
    }

    pub(crate) fn alias_type(&mut self, instance: u32, name: &str) -> u32 {
        self.aliases().alias(Alias::InstanceExport { instance, kind: ComponentExportKind::Type, name });
        self.count(Space::Type, 1)
    }

    pub(crate) fn lower(&mut self, function: u32, options: &[CanonicalOption]) -> u32 {
        self.canons().lower(function, options.iter().copied());
        self.count(Space::CoreFunc, 1)
    }

    pub(crate) fn resource_drop(&mut self, resource: u32) -> u32 {
        self.canons().resource_drop(resource);
        self.count(Space::CoreFunc, 1)
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.flush();
        self.component.finish()
    }
}
