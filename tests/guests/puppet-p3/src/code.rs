//! The names of error codes.

use wasip3::filesystem::types::ErrorCode;

/// The name in the WIT: the bindings know the name in Rust alone.
pub fn code(code: ErrorCode) -> String {
    let name = format!("{code:?}");
    let mut kebab = String::new();
    for letter in name.trim_start_matches("ErrorCode::").chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
