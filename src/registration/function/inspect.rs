//! What an operator asks of a running function. The values are in `view.rs`.

use super::deliveries::Parcel;
use super::lifecycle::{Cause, FAREWELLS, Farewell};
use super::moving::{MOVES, RELEASES, move_key, parse_key};
use super::standard::Procedure;
use super::subscription::PURGES;
use super::view::{BindingView, Delivery, MoveView, Moves, UeLine, UePage, UeView};
use super::{Function, seconds};
use crate::registration::element::{Action, Inquiry, NoReply, Now};
use crate::registration::identifiers::{Imsi, Pduid};
use crate::store::{ContextReader, StoreError, UeContext, UeState};

/// UEs of one page at the most.
const MOST_OF_A_PAGE: usize = 1000;

impl From<StoreError> for NoReply {
    fn from(why: StoreError) -> Self {
        Self::Store(why.to_string())
    }
}

impl<R: ContextReader> Function<R> {
    pub(super) fn answer_operator(
        &mut self,
        now: Now,
        question: &Inquiry,
        actions: &mut Vec<Action>,
    ) -> Result<serde_json::Value, NoReply> {
        let value = match question {
            Inquiry::Ues { after, limit } => serde_json::to_value(self.ues(now, after.as_deref(), *limit)?),
            Inquiry::Ue { ue } => serde_json::to_value(self.ue(now, ue)?),
            Inquiry::Moves { after, limit } => serde_json::to_value(self.moves(now, after.as_deref(), *limit)?),
            Inquiry::Revoke { ue } => Ok(self.end(now, ue, Cause::Revoked, actions)?),
            Inquiry::Begin { wish } => Ok(self.begin(now, wish, actions)?),
            Inquiry::News { procedure } => Ok(self.all_news(Procedure(*procedure))),
            Inquiry::Deregister { ue } => Ok(self.end(now, ue, Cause::Deregistered, actions)?),
        };
        value.map_err(|why| NoReply::Store(why.to_string()))
    }

    /// A page of the UEs, 1 to 1000 of them: those after `after`, which is `next` of the page before.
    ///
    /// # Errors
    /// The store failed, or `after` is no position.
    pub fn ues(&self, now: Now, after: Option<&str>, limit: usize) -> Result<UePage, NoReply> {
        let position = |text: &str| u64::from_str_radix(text, 16).ok().and_then(Imsi::from_packed);
        let after = after.map(|text| position(text).ok_or(NoReply::NoPosition)).transpose()?;
        let limit = limit.clamp(1, MOST_OF_A_PAGE);
        let page = self.reader.contexts(after, limit)?;
        let last = page.last().filter(|_| page.len() == limit);
        let next = last.map(|stored| format!("{:016x}", stored.context.imsi.packed()));
        let line = |context: &UeContext| UeLine {
            imsi: context.imsi.to_string(),
            id1: context.id1.id1.to_string(),
            valid_for: seconds(now).until(context.id1.valid_until),
            state: state(context),
            bindings: context.bindings.len(),
        };
        let ues = page.iter().map(|stored| line(&stored.context)).collect();
        Ok(UePage { total: self.reader.count()?, ues, next })
    }

    /// All of one UE, by IMSI or ID1.
    ///
    /// # Errors
    /// The store failed, or there is no such UE.
    pub fn ue(&self, now: Now, who: &str) -> Result<UeView, NoReply> {
        let stored = self.find(who)?;
        let context = &stored.context;
        let to = match &context.state {
            UeState::Registered => None,
            UeState::Moving { to, .. } | UeState::Moved { to, .. } => Some(to.to_string()),
        };
        let arrival = match &context.moved_from {
            Some(_) => Some(self.arrival(now, context)?),
            None => None,
        };
        let binding = |binding: &crate::store::Binding| BindingView {
            application: binding.application.to_string(),
            app_server: binding.app_server_host.to_string(),
            id2: binding.id2.as_str().to_owned(),
            bound_at: binding.bound_at.0,
        };
        Ok(UeView {
            imsi: context.imsi.to_string(),
            msisdn: context.msisdn.map(|msisdn| msisdn.to_string()),
            id1: context.id1.id1.to_string(),
            valid_for: seconds(now).until(context.id1.valid_until),
            previous_id1: context.previous_id1.iter().map(|grant| grant.id1.to_string()).collect(),
            state: state(context),
            to,
            permission: context.subscription.permission,
            forgotten_in: stored.expires_at.map(|at| seconds(now).until(at)),
            bindings: context.bindings.iter().map(binding).collect(),
            arrival,
            waiting: self.turns.waiting_for(context.imsi),
        })
    }

    /// Who has yet to learn what, 1 to 1000 UEs of it: those after `after`, which is `next` of the page before.
    ///
    /// # Errors
    /// The store failed.
    pub fn moves(&self, now: Now, after: Option<&str>, limit: usize) -> Result<Moves, NoReply> {
        let limit = limit.clamp(1, MOST_OF_A_PAGE);
        let stages = [FAREWELLS, MOVES, PURGES, RELEASES];
        if after.is_some_and(|after| !stages.iter().any(|stage| after.starts_with(stage))) {
            return Err(NoReply::NoPosition);
        }
        let mut moves = Vec::new();
        let mut next = None;
        // In the order of the keys, so that a key alone is the position.
        for stage in stages {
            let from = match after {
                Some(after) if after.starts_with(stage) => Some(after),
                Some(after) if after > stage => continue,
                _ => None,
            };
            let left = limit.saturating_sub(moves.len());
            if left == 0 {
                break;
            }
            let page = self.reader.values(stage, from, left)?;
            next = page.last().filter(|_| page.len() == left).map(|(key, _)| key.clone());
            for (key, value) in page {
                let Some((imsi, id1)) = parse_key(stage, &key) else { continue };
                moves.extend(self.entry(now, stage, &key, &value, (imsi, id1))?);
            }
        }
        Ok(Moves { moves, app_servers: self.deliveries.nodes(now.elapsed), next })
    }

    fn entry(
        &self,
        now: Now,
        stage: &str,
        key: &str,
        value: &[u8],
        (imsi, id1): (Imsi, Pduid),
    ) -> Result<Option<MoveView>, StoreError> {
        let stored = self.reader.get(imsi)?;
        let empty = MoveView {
            kind: "move",
            imsi: imsi.to_string(),
            id1: id1.to_string(),
            old_id1: None,
            from: None,
            release: None,
            app_servers: Vec::new(),
        };
        Ok(match stage {
            FAREWELLS => Farewell::from_value(value).map(|farewell| {
                let parcel = Parcel::Farewell { key: key.into() };
                let delivery = self.deliveries.delivery(now.elapsed, &parcel, &farewell.host, &farewell.application);
                MoveView { kind: "farewell", app_servers: vec![delivery], ..empty }
            }),
            PURGES => {
                let parcel = Parcel::Purge { key: key.into() };
                let delivery = self.deliveries.delivery(now.elapsed, &parcel, &self.hss_lane(), "");
                Some(MoveView { kind: "purge", release: Some(delivery), ..empty })
            }
            MOVES => match stored {
                Some(stored) if stored.context.id1.id1 == id1 => Some(self.arrival(now, &stored.context)?),
                _ => None,
            },
            // One whose app servers are told as well stands under its move.
            _ => {
                let marked = match &stored {
                    Some(stored) => self.reader.value(&move_key(imsi, stored.context.id1.id1))?.is_some(),
                    None => false,
                };
                let host = std::str::from_utf8(value).unwrap_or_default();
                let id4 = stored.as_ref().map_or(id1, |stored| stored.context.id1.id1);
                (!marked).then(|| MoveView {
                    id1: id4.to_string(),
                    old_id1: Some(id1.to_string()),
                    release: Some(self.deliveries.delivery(now.elapsed, &Parcel::Release { imsi, id1 }, host, "")),
                    ..empty
                })
            }
        })
    }

    /// How far the move is that brought a UE here.
    fn arrival(&self, now: Now, context: &UeContext) -> Result<MoveView, StoreError> {
        let imsi = context.imsi;
        let releases = self.reader.values(&format!("{RELEASES}{:016x}/", imsi.packed()), None, 1)?;
        let release = releases.first().and_then(|(key, host)| {
            let (_, id1) = parse_key(RELEASES, key)?;
            let host = std::str::from_utf8(host).ok()?;
            Some(self.deliveries.delivery(now.elapsed, &Parcel::Release { imsi, id1 }, host, ""))
        });
        let app_servers = context.bindings.iter().map(|binding| {
            let (host, application) = (&*binding.app_server_host, &*binding.application);
            if !binding.update_pending {
                let (host, application) = (host.to_owned(), application.to_owned());
                return Delivery { host, application, state: "told", ..Delivery::default() };
            }
            let parcel = Parcel::Update { imsi, application: application.into() };
            self.deliveries.delivery(now.elapsed, &parcel, host, application)
        });
        Ok(MoveView {
            kind: "move",
            imsi: imsi.to_string(),
            id1: context.id1.id1.to_string(),
            old_id1: context.moved_from.as_ref().map(|from| from.id1.to_string()),
            from: context.moved_from.as_ref().map(|from| from.function.to_string()),
            release,
            app_servers: app_servers.collect(),
        })
    }
}

const fn state(context: &UeContext) -> &'static str {
    match context.state {
        UeState::Registered => "registered",
        UeState::Moving { .. } => "moving",
        UeState::Moved { .. } => "moved",
    }
}
