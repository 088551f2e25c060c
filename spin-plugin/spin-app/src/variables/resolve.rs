//! Values of variables.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use thiserror::Error;

use super::template::Part;
use super::{NameError, Template, TemplateError, check_name, environment_name};
use crate::lock::{Values, Variable};
use crate::suggest::closest;

/// Most bytes of a value, also of a template's result: 1 MiB. Guards memory
/// against a short template that names a long value many times.
pub const MOST_VALUE_BYTES: usize = 1 << 20;

/// A value, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value, for the guest that it belongs to.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What is wrong with one variable or template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A name is none.
    #[error("`{name}` is not the name of a variable: {why}")]
    Name {
        /// As written, escaped and cut.
        name: String,
        /// The rule.
        why: NameError,
    },
    /// No value and no default.
    #[error(
        "the variable `{name}` is required and has no value: set {environment}=VALUE, or give `--variable {name}=VALUE`"
    )]
    Required {
        /// Its name.
        name: String,
        /// What the environment variable is called.
        environment: String,
    },
    /// The environment variable's value is no text.
    #[error("the value of {0} is not UTF-8")]
    NotText(String),
    /// A value, or what a template comes to, is too long.
    #[error("the value of {0} has more than {MOST_VALUE_BYTES} bytes")]
    TooLong(String),
    /// A value was given for a variable that the app does not have.
    #[error("the app has no variable `{0}`{hint}: take it out of `--variable`, or declare it in `[variables]`", hint = meant(.1.as_deref()))]
    NotDeclared(String, Option<String>),
    /// A component's template is none.
    #[error("`[component.{component}.variables] {variable}`: {why}")]
    Template {
        /// The component.
        component: String,
        /// Its variable.
        variable: String,
        /// Why.
        why: TemplateError,
    },
    /// A component's template names a variable that the app does not have.
    #[error("`[component.{component}.variables] {variable}`: the app has no variable `{name}`{hint}: declare it in `[variables]`", hint = meant(.closest.as_deref()))]
    Unknown {
        /// The component.
        component: String,
        /// Its variable.
        variable: String,
        /// The name in the template.
        name: String,
        /// What was probably meant.
        closest: Option<String>,
    },
}

fn meant(closest: Option<&str>) -> String {
    closest.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

/// All that is wrong with variables.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct VariableErrors(pub Vec<Problem>);

/// Most characters of a name in a message that is not a name's.
const MOST_SHOWN: usize = 64;

fn shown(name: &str) -> String {
    name.chars().take(MOST_SHOWN).collect::<String>().escape_debug().to_string()
}

/// The app's variables with their values.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, Secret>);

impl Variables {
    /// The values of all declared variables: from `given`, else from the
    /// environment variable whose name `environment` gets, else the default.
    ///
    /// # Errors
    /// All names that are none, required variables without a value, values
    /// that are no text or too long, and given ones that are not declared.
    pub fn resolve(
        declared: &BTreeMap<String, Variable>,
        given: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, VariableErrors> {
        let mut problems = Vec::new();
        let mut values = BTreeMap::new();
        for name in given.keys().filter(|name| !declared.contains_key(*name)) {
            let meant = closest(name, declared.keys().map(String::as_str)).map(str::to_owned);
            problems.push(Problem::NotDeclared(shown(name), meant));
        }
        for (name, variable) in declared {
            match value_of(name, variable, given.get(name), &environment) {
                Ok(value) => drop(values.insert(name.clone(), value)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(values)) } else { Err(VariableErrors(problems)) }
    }

    /// The value of an app's variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// What a template comes to. `what` it is of is for the message.
    ///
    /// # Errors
    /// The name in it that is no variable's, or [`Problem::TooLong`].
    pub fn expand(&self, template: &Template, what: &str) -> Result<Secret, ExpandError> {
        let mut text = String::new();
        for part in template.parts() {
            let part = match part {
                Part::Text(text) => text,
                Part::Variable(name) => {
                    let value = self.get(name).ok_or_else(|| ExpandError::Unknown {
                        name: shown(name),
                        closest: closest(name, self.0.keys().map(String::as_str)).map(str::to_owned),
                    })?;
                    value.reveal()
                }
            };
            if text.len() + part.len() > MOST_VALUE_BYTES {
                return Err(ExpandError::TooLong(what.to_owned()));
            }
            text.push_str(part);
        }
        Ok(Secret(text))
    }

    /// A component's variables, of which `config` has the templates.
    ///
    /// # Errors
    /// All names that are none, and templates that are none or name what the
    /// app does not have.
    pub fn of_component(&self, component: &str, config: &Values) -> Result<ComponentVariables, VariableErrors> {
        let mut problems = Vec::new();
        let mut values = BTreeMap::new();
        for (variable, text) in &config.0 {
            match self.component_value(component, variable, text) {
                Ok(value) => drop(values.insert(variable.clone(), value)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(ComponentVariables(values)) } else { Err(VariableErrors(problems)) }
    }

    fn component_value(&self, component: &str, variable: &str, text: &str) -> Result<Secret, Problem> {
        check_name(variable).map_err(|why| Problem::Name { name: shown(variable), why })?;
        let names = || (component.to_owned(), variable.to_owned());
        let template = Template::parse(text).map_err(|why| {
            let (component, variable) = names();
            Problem::Template { component, variable, why }
        })?;
        self.expand(&template, &format!("`[component.{component}.variables] {variable}`")).map_err(
            |error| match error {
                ExpandError::TooLong(what) => Problem::TooLong(what),
                ExpandError::Unknown { name, closest } => {
                    let (component, variable) = names();
                    Problem::Unknown { component, variable, name, closest }
                }
            },
        )
    }
}

/// Why a template has no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExpandError {
    /// The app does not have the variable.
    #[error("the app has no variable `{name}`{hint}", hint = meant(.closest.as_deref()))]
    Unknown {
        /// As written, escaped and cut.
        name: String,
        /// What was probably meant.
        closest: Option<String>,
    },
    /// The value is too long.
    #[error("the value of {0} has more than {MOST_VALUE_BYTES} bytes")]
    TooLong(String),
}

fn value_of(
    name: &str,
    variable: &Variable,
    given: Option<&String>,
    environment: &impl Fn(&str) -> Option<OsString>,
) -> Result<Secret, Problem> {
    check_name(name).map_err(|why| Problem::Name { name: shown(name), why })?;
    let variable_name = environment_name(name);
    let value = match (given, environment(&variable_name), &variable.default) {
        (Some(value), _, _) => value.clone(),
        (None, Some(value), _) => value.into_string().map_err(|_| Problem::NotText(variable_name))?,
        (None, None, Some(value)) => value.clone(),
        (None, None, None) => return Err(Problem::Required { name: name.to_owned(), environment: variable_name }),
    };
    if value.len() > MOST_VALUE_BYTES {
        return Err(Problem::TooLong(format!("the variable `{name}`")));
    }
    Ok(Secret(value))
}

/// A component's variables with their values.
#[derive(Clone, Debug, Default)]
pub struct ComponentVariables(BTreeMap<String, Secret>);

/// Why a guest gets no value: the cases of `spin:variables`' error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LookupError {
    /// The name is none: `invalid-name`.
    #[error("`{0}` is not the name of a variable: {1}")]
    InvalidName(String, NameError),
    /// The component has no such variable: `undefined`.
    #[error("the component has no variable `{0}`: add it to its `variables` in spin.toml")]
    Undefined(String),
}

impl ComponentVariables {
    /// The value of a variable that a guest asks for.
    ///
    /// # Errors
    /// As [`LookupError`] says.
    pub fn get(&self, name: &str) -> Result<&Secret, LookupError> {
        check_name(name).map_err(|why| LookupError::InvalidName(shown(name), why))?;
        self.0.get(name).ok_or_else(|| LookupError::Undefined(name.to_owned()))
    }

    /// All names with their values, for `wasi:config`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variable(default: Option<&str>) -> Variable {
        Variable { description: None, default: default.map(str::to_owned), secret: false }
    }

    fn declared() -> BTreeMap<String, Variable> {
        let secret = Variable { secret: true, ..variable(None) };
        [("greeting", variable(Some("hello"))), ("api_key", secret), ("empty", variable(Some("")))]
            .map(|(name, variable)| (name.to_owned(), variable))
            .into()
    }

    fn environment(name: &str) -> Option<OsString> {
        (name == "SPIN_VARIABLE_API_KEY").then(|| "hunter2".into())
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        Values(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn values_come_from_the_user_then_the_environment_then_the_default() {
        let given = |pairs: &[(&str, &str)]| {
            let variables = Variables::resolve(&declared(), &values(pairs).0, environment).unwrap();
            ["greeting", "api_key", "empty"].map(|name| variables.get(name).unwrap().reveal().to_owned())
        };
        assert_eq!(given(&[]), ["hello", "hunter2", ""]);
        assert_eq!(given(&[("api_key", "k"), ("greeting", "hi")]), ["hi", "k", ""]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let mut declared = declared();
        declared.insert("needed".into(), variable(None));
        declared.insert("Bad".into(), variable(None));
        declared.insert("long".into(), variable(Some(&"x".repeat(MOST_VALUE_BYTES + 1))));
        let error = Variables::resolve(&declared, &values(&[("greetin", "hunter2")]).0, |_| None).unwrap_err();
        assert_eq!(error.0.len(), 5);
        let text = error.to_string();
        for expected in [
            "no variable `greetin` (did you mean `greeting`?)",
            "`Bad` is not the name of a variable: it is of lower-case",
            "set SPIN_VARIABLE_NEEDED=VALUE, or give `--variable needed=VALUE`",
            "SPIN_VARIABLE_API_KEY=VALUE",
            "the variable `long` has more than",
        ] {
            assert!(text.contains(expected), "{expected}\n→ {text}");
        }
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn components_have_templates_over_the_apps_variables() {
        let variables = Variables::resolve(&declared(), &BTreeMap::new(), environment).unwrap();
        let config = values(&[("msg", "{{ greeting }}-{{api_key}}!"), ("plain", "x"), ("none", "{{ empty }}")]);
        let component = variables.of_component("web", &config).unwrap();
        assert_eq!(component.get("msg").unwrap().reveal(), "hello-hunter2!");
        assert_eq!(component.get("none").unwrap().reveal(), "");
        assert_eq!(component.iter().count(), 3);
        // The app's variables are not the component's.
        assert_eq!(component.get("greeting"), Err(LookupError::Undefined("greeting".into())));
        assert!(matches!(component.get("x-y"), Err(LookupError::InvalidName(_, NameError::Character))));
        for shown in [format!("{variables:?}"), format!("{component:?}")] {
            assert!(!shown.contains("hunter2") && !shown.contains("hello"), "{shown}");
        }
        let wrong = values(&[("a", "hunter2 {{ greeting"), ("b", "hunter2 {{ greetings }}"), ("C", ""), ("d", "{{}}")]);
        let error = variables.of_component("web", &wrong).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.0.len(), 4);
        for expected in [
            "`[component.web.variables] a`: a `{{` has no `}}`",
            "`[component.web.variables] b`: the app has no variable `greetings` (did you mean `greeting`?)",
            "`C` is not the name of a variable",
            "the app has no variable ``",
        ] {
            assert!(text.contains(expected), "{expected}\n→ {text}");
        }
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn a_value_is_no_template_and_has_a_bound() {
        let declared = [
            ("a".to_owned(), variable(Some("{{ b }}"))),
            ("b".to_owned(), variable(Some(&"x".repeat(MOST_VALUE_BYTES / 2)))),
        ]
        .into();
        let variables = Variables::resolve(&declared, &BTreeMap::new(), |_| None).unwrap();
        let component = variables.of_component("c", &values(&[("v", "{{ a }}")])).unwrap();
        assert_eq!(component.get("v").unwrap().reveal(), "{{ b }}");
        let error = variables.of_component("c", &values(&[("v", "{{ b }}{{ b }}!")])).unwrap_err();
        assert_eq!(error.0, [Problem::TooLong("`[component.c.variables] v`".into())]);
    }

    #[cfg(unix)]
    #[test]
    fn values_are_text() {
        use std::os::unix::ffi::OsStringExt;
        let error = Variables::resolve(&declared(), &BTreeMap::new(), |_| Some(OsString::from_vec(vec![0xff])));
        assert!(matches!(&error.unwrap_err().0[..], [Problem::NotText(_), ..]));
    }

    proptest! {
        #[test]
        fn expanding_puts_values_in_place(parts in prop::collection::vec(("[^{}]{0,4}", prop::bool::ANY), 0..6)) {
            let variables = Variables::resolve(&declared(), &BTreeMap::new(), environment).unwrap();
            let name = |first: &bool| if *first { ("greeting", "hello") } else { ("api_key", "hunter2") };
            let written: String = parts.iter().map(|(text, first)| format!("{text}{{{{{}}}}}", name(first).0)).collect();
            let expected: String = parts.iter().map(|(text, first)| format!("{text}{}", name(first).1)).collect();
            let value = variables.expand(&Template::parse(&written).unwrap(), "it").unwrap();
            prop_assert_eq!(value.reveal(), expected);
        }
    }
}
