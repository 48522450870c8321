//! An element that a scene may put into trouble: deaf, or with a claim that it cannot keep.

use crate::registration::{Action, Element, Event, Now};

/// An element as it is, unless it is told to misbehave.
#[derive(Debug)]
pub struct Staged<E> {
    element: E,
    applications: Vec<u32>,
    claims: bool,
    deaf: bool,
}

impl<E: Element> Staged<E> {
    /// Wraps an element; `claimed` is an application that it advertises and does not have.
    pub fn new(element: E, claimed: Option<u32>) -> Self {
        let applications = element.applications().iter().copied().chain(claimed).collect();
        Self { element, applications, claims: claimed.is_some(), deaf: false }
    }

    /// From now on requests come and nothing happens, as when a process hangs.
    pub const fn fall_silent(&mut self) {
        self.deaf = true;
    }
}

impl<E: Element> Element for Staged<E> {
    fn applications(&self) -> &[u32] {
        &self.applications
    }

    fn vendor_of(&self, application: u32) -> Option<u32> {
        self.element.vendor_of(application)
    }

    fn takes_any_command(&self) -> bool {
        self.claims || self.element.takes_any_command()
    }

    fn start(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.element.start(now, actions);
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        if !(self.deaf && matches!(event, Event::Request { .. })) {
            self.element.handle(now, event, actions);
        }
    }
}
