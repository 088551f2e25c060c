//! The page: what is in `page/`, as it stands there.

use crate::answer::{self, Answer};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const PARTS: &[(&str, &str, &str)] = &[
    ("", HTML, include_str!("../page/index.html")),
    ("page.css", CSS, include_str!("../page/page.css")),
    ("page.js", SCRIPT, include_str!("../page/page.js")),
    ("api.js", SCRIPT, include_str!("../page/api.js")),
    ("dialogs.js", SCRIPT, include_str!("../page/dialogs.js")),
    ("table.js", SCRIPT, include_str!("../page/table.js")),
    ("uploads.js", SCRIPT, include_str!("../page/uploads.js")),
    ("words.js", SCRIPT, include_str!("../page/words.js")),
];

/// The page needs nothing but itself and this service.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A part of the page, by its name.
pub fn get(name: &str) -> Option<Answer> {
    let (_, kind, content) = PARTS.iter().find(|(known, ..)| *known == name)?;
    let mut answer = answer::content(200, kind, *content);
    answer::set(&mut answer, "content-security-policy", POLICY);
    answer::set(&mut answer, "referrer-policy", "no-referrer");
    Some(answer)
}
