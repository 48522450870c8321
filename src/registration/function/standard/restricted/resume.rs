//! What of restricted discovery an earlier run has left.

use std::time::Duration;

use super::super::Entry;
use super::super::lasting::octets;
use super::{Announced, Ban, RestrictedCode, State};
use crate::registration::identifiers::Imsi;

impl State {
    /// What an earlier run has left; `None` when it makes no sense, or there is no room.
    pub fn resume(&mut self, now: Duration, until: Duration, entry: Entry) -> Option<()> {
        let restricted = |text: &str| RestrictedCode::try_from(octets(text)).ok();
        let room = match entry {
            Entry::Restricted { rpauid, code, pduid, imsi, application } => {
                let (code, pduid, imsi) = (restricted(&code)?, pduid.parse().ok()?, Imsi::from_packed(imsi)?);
                let rpauid: Box<str> = rpauid.into();
                self.by_ue.insert((imsi, rpauid.clone()));
                let announced = Announced { code, pduid, imsi, application: application.into() };
                self.announced.insert(now, until, rpauid, announced)
            }
            Entry::RestrictedGuest { host, code } => {
                self.guests.insert(now, until, (host.into(), restricted(&code)?), ())
            }
            Entry::Monitor { code, host, rpauid } => {
                self.monitors.insert(now, until, (restricted(&code)?, host.into(), rpauid.into()), ())
            }
            Entry::Monitored { code, rpauid, imsi } => {
                self.monitored.insert(now, until, (restricted(&code)?, rpauid.into()), Imsi::from_packed(imsi)?)
            }
            Entry::Ban { entry, code, application, requesting, banned, pduid, host } => {
                let ban = Ban {
                    entry,
                    code: restricted(&code)?,
                    application: application.into(),
                    requesting: requesting.into(),
                    banned: banned.into(),
                    pduid: pduid.parse().ok()?,
                    host: host.into(),
                };
                self.again.push((now, ban.clone()));
                self.bans.insert(now, until, entry, ban)
            }
            _ => false,
        };
        room.then_some(())
    }

    /// Bans of an earlier run that nobody has reported meanwhile, once time has passed since the start.
    pub fn bans_to_send_again(&mut self, now: Duration) -> Vec<Ban> {
        let (due, wait) = std::mem::take(&mut self.again).into_iter().partition(|(since, _)| *since < now);
        self.again = wait;
        let due: Vec<(Duration, Ban)> = due;
        due.into_iter().map(|(_, ban)| ban).filter(|ban| self.bans.get(now, &ban.entry).is_some()).collect()
    }
}
