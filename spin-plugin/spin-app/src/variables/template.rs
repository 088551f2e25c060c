//! Texts with `{{ name }}` in them.

use std::fmt;

use thiserror::Error;

/// Most bytes of a template: 64 KiB. Guards the time and the memory of a start.
pub const MOST_TEMPLATE_BYTES: usize = 64 << 10;

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// Why a text is no template. It never repeats the text, in which there may be
/// a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// It is too long.
    #[error("a template has at most {MOST_TEMPLATE_BYTES} bytes")]
    TooLong,
    /// A `{{` has no `}}`.
    #[error("a `{{{{` has no `}}}}` behind it")]
    Unclosed,
}

/// A template.
#[derive(Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Variable(String),
}

impl Template {
    /// Reads a template, whose names are not checked.
    ///
    /// # Errors
    /// When it is too long or a `{{` is not closed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MOST_TEMPLATE_BYTES {
            return Err(TemplateError::TooLong);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(OPEN) {
            let (name, after) = behind.split_once(CLOSE).ok_or(TemplateError::Unclosed)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Variable(name.trim().to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Whether there is no variable in it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.names().next().is_none()
    }

    /// The names in it, also repeated ones.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }
}

impl fmt::Debug for Template {
    /// The names only: the text may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.names().collect::<Vec<_>>()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The template's text again, with one space around each name.
    fn text(template: &Template) -> String {
        let parts = template.parts().iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable(name) => format!("{{{{ {name} }}}}"),
        });
        parts.collect()
    }

    #[test]
    fn texts_and_names() {
        for (written, names, again) in [
            ("", &[][..], ""),
            ("a", &[], "a"),
            ("a-{{ b }}-c", &["b"], "a-{{ b }}-c"),
            ("{{b}}{{  c\t}}", &["b", "c"], "{{ b }}{{ c }}"),
            ("}} {b}", &[], "}} {b}"),
            ("{{ b }}}}", &["b"], "{{ b }}}}"),
            // No escaping: what is not a name is refused when it is resolved.
            ("{{{{ b }}", &["{{ b"], "{{ {{ b }}"),
            ("{{ }}", &[""], "{{  }}"),
            ("{{{ b }}", &["{ b"], "{{ { b }}"),
        ] {
            let template = Template::parse(written).unwrap();
            assert_eq!(template.names().collect::<Vec<_>>(), names, "{written}");
            assert_eq!(text(&template), again, "{written}");
        }
        assert_eq!(Template::parse("{{ a }} {{ b"), Err(TemplateError::Unclosed));
        assert_eq!(TemplateError::Unclosed.to_string(), "a `{{` has no `}}` behind it");
        assert_eq!(Template::parse(&"x".repeat(MOST_TEMPLATE_BYTES + 1)), Err(TemplateError::TooLong));
        assert!(!format!("{:?}", Template::parse("hunter2{{ a }}").unwrap()).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn what_is_put_together_is_read_again(parts in prop::collection::vec(("[^{}]{0,4}", "[a-z]{1,3}"), 0..6), end in "[^{]{0,4}") {
            let written = parts.iter().map(|(before, name)| format!("{before}{{{{ {name} }}}}")).collect::<String>() + &end;
            let template = Template::parse(&written).unwrap();
            let names: Vec<&str> = parts.iter().map(|(_, name)| name.as_str()).collect();
            prop_assert_eq!(template.names().collect::<Vec<_>>(), names);
            prop_assert_eq!(text(&template), written);
        }

        #[test]
        fn nothing_panics(written in "[{}a ]{0,24}|\\PC{0,24}") {
            if let Ok(template) = Template::parse(&written) {
                prop_assert_eq!(template.is_plain(), !written.contains(OPEN));
            }
        }
    }
}
