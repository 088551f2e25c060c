//! What has to hold of a composed component, checked on its bytes.

use super::scope::{Item, Scope};
use crate::error::{ComposeError, ErrorKind};

/// Checks `component`, made of `app`: it is valid, no import of
/// `wasi:filesystem` is left in it at any depth, and its other imports and its
/// exports are those of the app, in the same order, besides the import
/// `added`. Answers the names of the
/// imports that are gone.
///
/// # Errors
/// `Defect`, saying what does not hold.
pub(crate) fn attached(app: &Scope<'_>, component: &[u8], added: Option<&str>) -> Result<Vec<String>, ComposeError> {
    let defect = |what: String| {
        ComposeError::new(ErrorKind::Defect, format!("the result failed a check, please report this component: {what}"))
    };
    let result = Scope::read(component).map_err(|error| defect(error.to_string()))?;
    if let Some(name) = left_over(&result) {
        return Err(defect(format!("import `{name}` is left in it")));
    }
    let before = names(app, |item| matches!(item, Item::Import(_)));
    let mut after = names(&result, |item| matches!(item, Item::Import(_)));
    after.retain(|name| Some(name.as_str()) != added);
    let is_removed = |name: &String| name.starts_with("wasi:filesystem/") || name.starts_with("larder:fs/");
    let (removed, kept): (Vec<_>, Vec<_>) = before.into_iter().partition(is_removed);
    if kept != after {
        return Err(defect("its imports are not those of the app".to_owned()));
    }
    if names(app, |item| matches!(item, Item::Export(_))) != names(&result, |item| matches!(item, Item::Export(_))) {
        return Err(defect("its exports are not those of the app".to_owned()));
    }
    Ok(removed)
}

fn names(scope: &Scope<'_>, which: impl Fn(&Item<'_>) -> bool) -> Vec<String> {
    let items = scope.items.iter().filter(|item| which(item));
    let names = items.filter_map(|item| match item {
        Item::Import(import) => Some(import.name.full_name().into_owned()),
        Item::Export(export) => Some(export.name.full_name().into_owned()),
        _ => None,
    });
    names.collect()
}

/// An import of `wasi:filesystem` in `scope` or in a component in it.
fn left_over(scope: &Scope<'_>) -> Option<String> {
    scope.items.iter().find_map(|item| match item {
        Item::Import(import) => {
            let name = import.name.full_name();
            name.starts_with("wasi:filesystem/").then(|| name.into_owned())
        }
        Item::Component(nested) => left_over(nested),
        _ => None,
    })
}
