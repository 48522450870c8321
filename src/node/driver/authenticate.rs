//! Proofs of users are judged beside the node's task: a hash takes tens of milliseconds.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Driver, Input};
use crate::node::users;
use crate::registration::app_server::Question;
use crate::registration::element::{Element, Token};

/// How many are judged at a time. The rest waits; the element bounds how many that are.
#[derive(Debug)]
pub(super) struct Judges {
    /// Hashes of passwords. A core is left for everything else.
    costly: Arc<Semaphore>,
    /// Signatures: they do not wait behind hashes.
    quick: Arc<Semaphore>,
}

impl Default for Judges {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let places = |most: usize| Arc::new(Semaphore::new(most.max(1)));
        Self { costly: places(cores - 1), quick: places(cores) }
    }
}

impl<E: Element + Send + 'static> Driver<E> {
    pub(super) fn authenticate(&self, token: Token, question: Box<Question>) {
        let inputs = self.inputs.clone();
        let places = if question.is_costly() { &self.judges.costly } else { &self.judges.quick };
        let places = Arc::clone(places);
        tokio::spawn(async move {
            let result = match places.acquire_owned().await {
                Ok(place) => {
                    let judged = tokio::task::spawn_blocking(move || {
                        let _place = place;
                        users::judge(&question)
                    });
                    judged.await.unwrap_or_else(|error| Err(error.to_string()))
                }
                Err(error) => Err(error.to_string()),
            };
            let _ = inputs.send(Input::Authenticated { token, result }).await;
        });
    }
}
