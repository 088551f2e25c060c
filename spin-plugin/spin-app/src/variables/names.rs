//! Names of variables.

use thiserror::Error;

/// Most bytes of a name. Guards messages and names of environment variables.
const MOST_BYTES: usize = 256;

/// Before the name, in capitals, of the environment variable with a value.
const PREFIX: &str = "SPIN_VARIABLE_";

/// Why a text is no name of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// It is empty or too long.
    #[error("it has from 1 to {MOST_BYTES} characters")]
    Length,
    /// It has another character.
    #[error("it is of lower-case letters, digits and underscores")]
    Character,
    /// It begins with another character.
    #[error("it begins with a letter")]
    Start,
    /// It ends with an underscore.
    #[error("it ends with a letter or a digit")]
    End,
    /// It has underscores beside each other.
    #[error("it has no two underscores beside each other")]
    Underscores,
}

/// Checks a name by Spin's rule, which lets it be part of an environment
/// variable's name.
///
/// # Errors
/// The part of the rule that it breaks.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let usual = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    if name.is_empty() || name.len() > MOST_BYTES {
        Err(NameError::Length)
    } else if !name.chars().all(usual) {
        Err(NameError::Character)
    } else if !name.starts_with(|character: char| character.is_ascii_lowercase()) {
        Err(NameError::Start)
    } else if name.ends_with('_') {
        Err(NameError::End)
    } else if name.contains("__") {
        Err(NameError::Underscores)
    } else {
        Ok(())
    }
}

/// The environment variable that gives the value of a variable.
#[must_use]
pub fn environment_name(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "abc", "a1b2c3", "a_1", "a_1_b_3"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for (name, error) in [
            ("", NameError::Length),
            ("a".repeat(257).as_str(), NameError::Length),
            ("aX", NameError::Character),
            ("1bc", NameError::Start),
            ("_x", NameError::Start),
            ("x.y", NameError::Character),
            ("x_", NameError::End),
            ("a__b", NameError::Underscores),
            ("x-y", NameError::Character),
            ("é", NameError::Character),
        ] {
            assert_eq!(check_name(name), Err(error), "{name}");
        }
        assert_eq!(environment_name("api_key"), "SPIN_VARIABLE_API_KEY");
    }
}
