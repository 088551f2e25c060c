//! Nodes, names below them, and notes on them.

use larder_store_service as store;

use crate::messages;

pub(crate) const fn from_node(node: store::Node) -> messages::Node {
    messages::Node { mount: node.mount, ino: node.ino, generation: node.generation }
}

pub(crate) const fn to_node(node: &messages::Node) -> store::Node {
    store::Node { mount: node.mount, ino: node.ino, generation: node.generation }
}

pub(crate) fn from_place(place: store::Place<'_>) -> messages::Place {
    messages::Place { directory: Some(from_node(place.directory)), path: place.path.to_owned() }
}

/// None without a directory.
pub(crate) fn to_place(place: &messages::Place) -> Option<store::Place<'_>> {
    let directory = to_node(place.directory.as_ref()?);
    Some(store::Place { directory, path: &place.path })
}

pub(crate) fn from_call(call: &store::Call) -> messages::Call {
    let note =
        |note: &store::Note| messages::Note { node: Some(from_node(note.node)), read: note.read, closed: note.closed };
    messages::Call { session: call.session, operation: call.operation, notes: call.notes.iter().map(note).collect() }
}

/// None where a note is on no node.
pub(crate) fn to_call(call: &messages::Call) -> Option<store::Call> {
    let note = |note: &messages::Note| {
        let node = to_node(note.node.as_ref()?);
        Some(store::Note { node, read: note.read, closed: note.closed })
    };
    let notes = call.notes.iter().map(note).collect::<Option<_>>()?;
    Some(store::Call { session: call.session, operation: call.operation, notes })
}
