//! The store as a core module that answers an app's lowered imports.
