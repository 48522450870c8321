//! What a peer that is open does with a message: the header judged, neighbours' messages answered, requests and answers
//! handed on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{CAPABILITIES_EXCHANGE, DEVICE_WATCHDOG, DISCONNECT_PEER, Hold, Input, Peer};
use crate::avp::dictionary::{DisconnectCause, OriginHost, ResultCode};
use crate::avp::{Avps, Fault, FaultKind};
use crate::interfaces::base::{self, DeviceWatchdogRequest, DisconnectPeerRequest};
use crate::message::{Command, HEADER_LENGTH, Header, find};
use crate::peer::output::{ConnectionId, DownReason, Output};
use crate::peer::requests::Pending;
use crate::peer::table::{Event, State};
use crate::peer::watchdog::WatchdogEvent;
use crate::peer::{answers, routing};

impl<T> Peer<T> {
    pub(super) fn handle_open(
        &mut self,
        now: Duration,
        connection: ConnectionId,
        initiator: bool,
        header: Header,
        message: Bytes,
    ) {
        let watchdog_answer = !header.is_request() && header.code == DEVICE_WATCHDOG && header.application == 0;
        let sign = if watchdog_answer { WatchdogEvent::Dwa } else { WatchdogEvent::NonDwa };
        self.watch(now, sign);
        let local = Arc::clone(&self.local);
        let fault = answers::judge_header(&message, &header, &local);
        let taken = |fault: &Fault| {
            self.settings.any_command
                && header.application != base::APPLICATION
                && matches!(fault.kind, FaultKind::UnknownCommand(_))
        };
        if let Some(fault) = fault.filter(|fault| !taken(fault)) {
            match fault.kind {
                FaultKind::UnknownApplication(_) | FaultKind::UnknownCommand(_) => self.note(fault.to_string()),
                _ => self.malformed(format!("a message with a bad header: {fault}")),
            }
            if header.is_request() {
                let answer = answers::refuse_fault(&local.identity, &local.realm, &message, &header, &fault);
                self.reply(connection, answer);
            }
            return;
        }
        if header.application == base::APPLICATION {
            self.handle_base(now, connection, initiator, header, &message);
        } else if header.is_request() {
            self.handle_request(now, connection, initiator, header, message);
        } else {
            self.handle_answer(now, initiator, &header, message);
        }
    }

    /// CER, DWR and DPR, and their answers.
    fn handle_base(
        &mut self,
        now: Duration,
        connection: ConnectionId,
        initiator: bool,
        header: Header,
        message: &[u8],
    ) {
        let side = |i: Event, r: Event| if initiator { i } else { r };
        let faults = match (header.code, header.is_request()) {
            (DEVICE_WATCHDOG, true) => DeviceWatchdogRequest::decode(message).err(),
            (DISCONNECT_PEER, true) => match DisconnectPeerRequest::decode(message) {
                Ok(request) => {
                    let cause = request.disconnect_cause;
                    self.handle_dpr(now, connection, side(Event::IRcvDpr, Event::RRcvDpr), &header, cause);
                    return;
                }
                Err(faults) => Some(faults),
            },
            (DEVICE_WATCHDOG, false) => {
                self.apply(now, side(Event::IRcvDwa, Event::RRcvDwa), Input::None);
                return;
            }
            (DISCONNECT_PEER, false) => {
                self.apply(now, side(Event::IRcvDpa, Event::RRcvDpa), Input::None);
                return;
            }
            (CAPABILITIES_EXCHANGE, true) => {
                let words = "the capabilities have been exchanged already on this connection";
                self.note(format!("CER refused: {words}"));
                self.refuse(connection, message, &header, ResultCode::DIAMETER_UNABLE_TO_COMPLY, words);
                return;
            }
            (code, true) => {
                let words = format!("command {code} has no place in application 0");
                self.note(words.clone());
                self.refuse(connection, message, &header, ResultCode::DIAMETER_COMMAND_UNSUPPORTED, &words);
                return;
            }
            (code, false) => {
                self.note(format!("an answer to command {code} that nobody asked for is discarded"));
                return;
            }
        };
        match faults.as_deref().map(<[_]>::first) {
            Some(Some(fault)) => {
                self.malformed(format!("a request between neighbours is refused: {fault}"));
                let (identity, realm) = (&self.local.identity, &self.local.realm);
                let answer = answers::refuse_fault(identity, realm, message, &header, fault);
                self.reply(connection, answer);
            }
            _ if self.state == State::Closing => self.send_dwa(connection, &header),
            _ => self.apply(now, side(Event::IRcvDwr, Event::RRcvDwr), Input::Request(&header)),
        }
    }

    fn handle_dpr(&mut self, now: Duration, connection: ConnectionId, event: Event, header: &Header, cause: i32) {
        if self.state == State::Closing {
            // Both sides disconnect at once; without an answer each would wait for the other.
            self.send_dpa(connection, header);
            return;
        }
        self.outputs.push_back(Output::Down(DownReason::PeerDisconnects(cause)));
        // RFC 6733 section 5.4.3: no attempt until there is traffic for the peer; none soon; or one after Tc.
        match cause {
            DisconnectCause::DO_NOT_WANT_TO_TALK_TO_YOU if self.hold == Hold::None => self.hold = Hold::UntilTraffic,
            DisconnectCause::BUSY => self.watchdog.defer(now),
            _ => {}
        }
        self.apply(now, event, Input::Request(header));
    }

    fn handle_request(
        &mut self,
        now: Duration,
        connection: ConnectionId,
        initiator: bool,
        header: Header,
        message: Bytes,
    ) {
        let local = Arc::clone(&self.local);
        if self.state == State::Closing {
            let words = "the connection is being closed";
            self.refuse(connection, &message, &header, ResultCode::DIAMETER_TOO_BUSY, words);
            return;
        }
        let origin = find::<OriginHost>(Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default()));
        if let Some(origin) = origin
            && !self.capabilities.is_relay()
            && !origin.eq_ignore_ascii_case(&self.expected.identity)
        {
            let words = format!(
                "{} is no relay and sends a request with Origin-Host {origin}; let it advertise the relay application, \
                 or correct its Origin-Host",
                self.expected.identity
            );
            self.note(words.clone());
            self.refuse(connection, &message, &header, ResultCode::DIAMETER_UNABLE_TO_COMPLY, &words);
            return;
        }
        if !local.is_agent()
            && let Err(not_ours) = routing::is_ours(&local.identity, &local.realm, &message, &header)
        {
            self.note(format!("a request that is not for us: {}", not_ours.words));
            self.refuse(connection, &message, &header, not_ours.result_code, &not_ours.words);
            return;
        }
        let event = if initiator { Event::IRcvMessage } else { Event::RRcvMessage };
        self.apply(now, event, Input::None);
        self.outputs.push_back(Output::Request { connection, header, message });
    }

    fn handle_answer(&mut self, now: Duration, initiator: bool, header: &Header, message: Bytes) {
        let event = if initiator { Event::IRcvMessage } else { Event::RRcvMessage };
        if self.state.is_open() {
            self.apply(now, event, Input::None);
        }
        match self.requests.take(header.hop_by_hop) {
            Some(pending) => {
                let took = now.saturating_sub(pending.sent);
                let Pending { token, message: request, .. } = pending;
                self.outputs.push_back(Output::Answer { token, request, message, took });
            }
            None => self.note(format!(
                "an answer with Hop-by-Hop Identifier {:#010x} that no request waits for is discarded",
                header.hop_by_hop
            )),
        }
    }
}
