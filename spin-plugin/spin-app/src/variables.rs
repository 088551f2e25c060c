//! The app's variables, and those of components, which are templates over
//! them.
//!
//! The rules are Spin's. A variable's name is of lower-case letters, digits and
//! single underscores ([`check_name`]). A template is text with `{{ name }}` in
//! it; there is no way to escape `{{`, and a value is not a template itself. A
//! value is what the user gave, or the environment variable
//! `SPIN_VARIABLE_NAME`, or the declared default; a variable without a default
//! must have one of the others.
//!
//! Values are never shown: not by `Debug`, and not in errors, whether they are
//! declared as secrets or not.
//!
//! What does not live here: where values come from besides the environment
//! that callers hand in, and the interface by which guests ask.

mod names;
mod resolve;
mod template;

pub use names::{NameError, check_name, environment_name};
pub use resolve::{
    ComponentVariables, ExpandError, LookupError, MOST_VALUE_BYTES, Problem, Secret, VariableErrors, Variables,
};
pub use template::{MOST_TEMPLATE_BYTES, Template, TemplateError};
