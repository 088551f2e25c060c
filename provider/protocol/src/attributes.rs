//! What is known of a node.

use larder_core::{FileType, MetadataHash};
use larder_store_service as store;

use crate::messages::{Attributes, Content, NodeType};
use crate::node::{from_node, to_node};
use crate::times::{from_timestamp, to_timestamp};

pub(crate) fn from_attributes(attributes: &store::Attributes) -> Attributes {
    let kind = match attributes.file_type {
        FileType::RegularFile => NodeType::RegularFile,
        FileType::Directory => NodeType::Directory,
        FileType::SymbolicLink => NodeType::SymbolicLink,
    };
    Attributes {
        node: Some(from_node(attributes.node)),
        r#type: kind.into(),
        identity_lower: attributes.identity.lower,
        identity_upper: attributes.identity.upper,
        link_count: attributes.link_count,
        size: attributes.size,
        version: attributes.version,
        accessed: Some(from_timestamp(attributes.accessed)),
        modified: Some(from_timestamp(attributes.modified)),
        changed: Some(from_timestamp(attributes.changed)),
    }
}

/// None where something is missing or not known.
pub(crate) fn to_attributes(attributes: &Attributes) -> Option<store::Attributes> {
    let file_type = match NodeType::try_from(attributes.r#type).ok()? {
        NodeType::Unspecified => return None,
        NodeType::RegularFile => FileType::RegularFile,
        NodeType::Directory => FileType::Directory,
        NodeType::SymbolicLink => FileType::SymbolicLink,
    };
    Some(store::Attributes {
        node: to_node(attributes.node.as_ref()?),
        file_type,
        identity: MetadataHash { lower: attributes.identity_lower, upper: attributes.identity_upper },
        link_count: attributes.link_count,
        size: attributes.size,
        version: attributes.version,
        accessed: to_timestamp(attributes.accessed.as_ref()?)?,
        modified: to_timestamp(attributes.modified.as_ref()?)?,
        changed: to_timestamp(attributes.changed.as_ref()?)?,
    })
}

pub(crate) fn from_content(content: store::Content) -> Content {
    Content { bytes: content.bytes, at_end: content.at_end }
}

/// None for more than a call may bring.
pub(crate) fn to_content(content: Content) -> Option<store::Content> {
    (content.bytes.len() <= store::MAX_TRANSFER)
        .then_some(store::Content { bytes: content.bytes, at_end: content.at_end })
}
