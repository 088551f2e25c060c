//! Writing the composed component: the template, and behind it the app, the
//! bridges and what connects them.

use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentSection, ComponentSectionId, ExportKind, InstanceSection, ModuleArg,
    RawSection,
};

use super::app::{App, MODULE};
use super::connect;
use super::template::{FUNCTION_PREFIX, Template};
use crate::attach::Bridge;
use crate::attach::bridge::{destination, multi_memory, source};

/// The component behind the template's end.
struct Appended {
    bytes: Vec<u8>,
    modules: u32,
    instances: u32,
}

impl Appended {
    fn section(&mut self, section: &impl ComponentSection) {
        section.append_to_component(&mut self.bytes);
    }

    fn module(&mut self, module: &[u8]) -> u32 {
        self.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data: module });
        self.modules += 1;
        self.modules - 1
    }

    fn instantiate(&mut self, module: u32, arguments: &[(&str, u32)]) -> u32 {
        let mut section = InstanceSection::new();
        section.instantiate(module, arguments.iter().map(|(name, instance)| (*name, ModuleArg::Instance(*instance))));
        self.section(&section);
        self.instances += 1;
        self.instances - 1
    }
}

pub(super) fn component(template: &Template<'_>, app: &App<'_>, bridge: Bridge) -> Vec<u8> {
    let main = template.main;
    let mut out = Appended { bytes: template.bytes.to_vec(), modules: template.modules, instances: template.instances };
    let module = out.module(&app.bytes);
    let functions = functions(&mut out, template, app);
    let arguments = [(MODULE, functions)];
    let app = out.instantiate(module, if app.imports.is_empty() { &[] } else { &arguments });
    let [get, put] = copies(&mut out, bridge, [(main, app), (app, main)]);
    let module = out.module(&connect::module().finish());
    out.instantiate(module, &[("main", main), ("app", app), ("get", get), ("put", put)]);
    out.bytes
}

/// An instance with the functions that the app imports.
fn functions(out: &mut Appended, template: &Template<'_>, app: &App<'_>) -> u32 {
    let mut aliases = ComponentAliasSection::new();
    for import in &app.imports {
        let name = format!("{FUNCTION_PREFIX}{}", import.function);
        aliases.alias(Alias::CoreInstanceExport { instance: template.main, kind: ExportKind::Func, name: &name });
    }
    out.section(&aliases);
    let mut section = InstanceSection::new();
    let exports = (template.core_functions..).zip(&app.imports);
    let exports: Vec<_> = exports.map(|(index, import)| (import.name.as_str(), ExportKind::Func, index)).collect();
    section.export_items(exports);
    out.section(&section);
    out.instances += 1;
    out.instances - 1
}

/// Instances with a function `copy`, for each pair of instances with a memory:
/// the one to copy to, and the one to copy from.
fn copies<const N: usize>(out: &mut Appended, bridge: Bridge, pairs: [(u32, u32); N]) -> [u32; N] {
    match bridge {
        Bridge::MultiMemory => {
            let copy = out.module(&multi_memory().finish());
            pairs.map(|(to, from)| out.instantiate(copy, &[("to", to), ("from", from)]))
        }
        Bridge::SingleMemory => {
            let (destination, source) = (out.module(&destination().finish()), out.module(&source().finish()));
            pairs.map(|(to, from)| {
                let side = out.instantiate(destination, &[("to", to)]);
                out.instantiate(source, &[("to", side), ("from", from)])
            })
        }
    }
}
