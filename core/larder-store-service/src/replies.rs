//! The memory of changes that are done, so that a repeated one is answered
//! and not applied again.

use std::collections::VecDeque;

use larder_core::{DescriptorFlags, ErrorCode};

use crate::protocol::{Answer, Attributes};

/// How many of a session's last changes can be repeated, and of its last
/// queries that open or have notes: 64. A caller repeats only what it waits
/// for, so this bounds the calls that it has under way.
pub const REMEMBERED_CHANGES: usize = 64;

/// What a change answered, without content.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Nothing,
    Attributes(Attributes),
    Opened(Attributes, DescriptorFlags),
    Locked(u64),
}

/// The memory of one session.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    last: u64,
    done: VecDeque<(u64, Answer<Done>)>,
    /// Openings that changed nothing but hold a node.
    opened: VecDeque<(u64, Attributes, DescriptorFlags)>,
    /// Queries whose notes were carried out.
    noted: VecDeque<u64>,
    /// The last of those that are not remembered any more.
    last_noted: u64,
}

/// Remembers one more, and forgets the oldest, which it answers.
fn push<T>(remembered: &mut VecDeque<T>, one: T) -> Option<T> {
    let oldest = if remembered.len() == REMEMBERED_CHANGES { remembered.pop_front() } else { None };
    remembered.push_back(one);
    oldest
}

impl Replies {
    /// What the operation answered if it was carried out before; none if it is
    /// new.
    pub(crate) fn repeated(&self, operation: u64) -> Option<Answer<Done>> {
        if operation > self.last {
            return None;
        }
        let found = self.done.iter().find(|(number, _)| *number == operation);
        Some(found.map_or(Err(ErrorCode::NotRecoverable), |(_, answer)| answer.clone()))
    }

    /// What an opening answered that changes nothing, if it is remembered: a
    /// repeated one holds the node no second time.
    pub(crate) fn reopened(&self, operation: u64) -> Option<(Attributes, DescriptorFlags)> {
        let found = self.opened.iter().find(|(number, ..)| *number == operation && operation != 0);
        found.map(|(_, attributes, allows)| (attributes.clone(), *allows))
    }

    /// Remembers such an opening, and forgets the oldest.
    pub(crate) fn remember_opened(&mut self, operation: u64, attributes: Attributes, allows: DescriptorFlags) {
        push(&mut self.opened, (operation, attributes, allows));
    }

    /// Whether a query's notes were not carried out yet. They are from now on:
    /// carried out twice, they would let go of what later answers hold. Of one
    /// too old to be remembered they are taken for done, which at worst keeps a
    /// node until the session ends.
    pub(crate) fn are_notes_new(&mut self, operation: u64) -> bool {
        if operation != 0 {
            if operation <= self.last_noted || self.noted.contains(&operation) {
                return false;
            }
            if let Some(forgotten) = push(&mut self.noted, operation) {
                self.last_noted = self.last_noted.max(forgotten);
            }
        }
        true
    }

    /// The last operation that was carried out; 0 before the first.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// Remembers an answer, and forgets the oldest.
    pub(crate) fn remember(&mut self, operation: u64, answer: Answer<Done>) {
        self.last = self.last.max(operation);
        push(&mut self.done, (operation, answer));
    }
}
