//! What neighbours say to each other: watchdogs and the end of a connection.

use super::Peer;
use crate::avp::dictionary::ResultCode;
use crate::interfaces::base::{
    DeviceWatchdogAnswer, DeviceWatchdogRequest, DisconnectPeerAnswer, DisconnectPeerRequest,
};
use crate::message::{Command, Envelope, Header};
use crate::peer::output::ConnectionId;

impl<T> Peer<T> {
    pub(super) fn send_watchdog(&mut self) {
        if let Some(connection) = self.connection().filter(|_| self.state.is_open()) {
            let identifier = self.next_identifier();
            let request = DeviceWatchdogRequest {
                origin_host: &self.local.identity,
                origin_realm: &self.local.realm,
                origin_state_id: (self.local.origin_state != 0).then_some(self.local.origin_state),
                ..Default::default()
            };
            let message = request.to_bytes(Envelope { application: 0, hop_by_hop: identifier, end_to_end: identifier });
            self.send_base(connection, message);
        }
    }

    pub(super) fn send_dwa(&mut self, connection: ConnectionId, request: &Header) {
        let answer = DeviceWatchdogAnswer {
            result_code: ResultCode::DIAMETER_SUCCESS,
            origin_host: &self.local.identity,
            origin_realm: &self.local.realm,
            origin_state_id: (self.local.origin_state != 0).then_some(self.local.origin_state),
            ..Default::default()
        };
        let message = answer.to_bytes(Envelope::answering(request));
        self.send_base(connection, message);
    }

    pub(super) fn send_dpr(&mut self, connection: ConnectionId, cause: i32) {
        let identifier = self.next_identifier();
        let request = DisconnectPeerRequest {
            origin_host: &self.local.identity,
            origin_realm: &self.local.realm,
            disconnect_cause: cause,
            ..Default::default()
        };
        let message = request.to_bytes(Envelope { application: 0, hop_by_hop: identifier, end_to_end: identifier });
        self.send_base(connection, message);
    }

    pub(super) fn send_dpa(&mut self, connection: ConnectionId, request: &Header) {
        let answer = DisconnectPeerAnswer {
            result_code: ResultCode::DIAMETER_SUCCESS,
            origin_host: &self.local.identity,
            origin_realm: &self.local.realm,
            ..Default::default()
        };
        let message = answer.to_bytes(Envelope::answering(request));
        self.send_base(connection, message);
    }
}
