//! Every row of RFC 6733 section 5.6, played by a peer: brought into the state, given the event, looked at from outside.

use super::tests::{expected, node, request};
use super::*;
use crate::avp::dictionary::DisconnectCause;
use crate::interfaces::s6a;
use crate::message::declare::finish_message;
use crate::peer::table::tests::RFC;

/// The connection that we open, the one that the peer opens, and one more of the peer's.
const OURS: ConnectionId = ConnectionId(1);
const THEIRS: ConnectionId = ConnectionId(2);
const SECOND: ConnectionId = ConnectionId(3);

/// `a.example` with its peer `b.example`, which wins elections; `c.example` wins them.
fn peer(identity: &str) -> Peer<()> {
    let settings = Settings { connect: true, ..Settings::default() };
    Peer::new(node(identity, &[s6a::APPLICATION]), expected("b.example"), settings, 1, Duration::ZERO)
}

/// A message of `b.example` between neighbours.
fn base(code: u32, is_request: bool, more: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    use crate::avp::dictionary::{OriginHost, OriginRealm, write_avp};
    use crate::message::CommandFlags;
    let flags = CommandFlags(if is_request { CommandFlags::REQUEST } else { 0 });
    let header = Header { version: 1, length: 0, flags, code, application: 0, hop_by_hop: 9, end_to_end: 9 };
    let mut out = header.to_bytes().to_vec();
    if !is_request {
        write_avp::<ResultCode>(&ResultCode::DIAMETER_SUCCESS, &mut out);
    }
    write_avp::<OriginHost>(&"b.example", &mut out);
    write_avp::<OriginRealm>(&"example", &mut out);
    more(&mut out);
    finish_message(0, &mut out);
    out.into()
}

fn dpr() -> Bytes {
    use crate::avp::dictionary::write_avp;
    base(DISCONNECT_PEER, true, |out| write_avp::<DisconnectCause>(&DisconnectCause::REBOOTING, out))
}

fn cea() -> Bytes {
    let request = Header::parse(&base(CAPABILITIES_EXCHANGE, true, |_| ())).unwrap();
    capabilities::cea(&node("b.example", &[s6a::APPLICATION]), &request, 2001, None).into()
}

fn receive_cer(peer: &mut Peer<()>, connection: ConnectionId) {
    let cer = Header::parse(&base(CAPABILITIES_EXCHANGE, true, |_| ())).unwrap();
    let (identity, realm) = ("b.example".to_owned(), "example".to_owned());
    let applications = vec![s6a::APPLICATION];
    let theirs = Capabilities { identity, realm, applications, ..Capabilities::default() };
    peer.handle_cer(Duration::ZERO, connection, cer, theirs);
}

/// Brings a peer into a state; `initiator` says over whose connection where both are possible.
fn bring(peer: &mut Peer<()>, state: State, initiator: bool) {
    const NOW: Duration = Duration::ZERO;
    match state {
        State::Closed => {}
        State::WaitConnAck => peer.handle_timeout(NOW),
        State::WaitICea => {
            bring(peer, State::WaitConnAck, true);
            peer.handle_connected(NOW, OURS);
        }
        State::WaitConnAckElect => {
            bring(peer, State::WaitConnAck, true);
            receive_cer(peer, THEIRS);
        }
        State::WaitReturns => {
            bring(peer, State::WaitICea, true);
            receive_cer(peer, THEIRS);
        }
        State::ROpen => receive_cer(peer, THEIRS),
        State::IOpen => {
            bring(peer, State::WaitICea, true);
            peer.handle_message(NOW, OURS, cea());
        }
        State::Closing => {
            bring(peer, if initiator { State::IOpen } else { State::ROpen }, initiator);
            peer.stop(NOW, DisconnectCause::REBOOTING);
        }
    }
    assert_eq!(peer.state(), state);
    while peer.poll_output().is_some() {}
}

fn give(peer: &mut Peer<()>, event: Event) {
    use Event as E;
    const NOW: Duration = Duration::ZERO;
    match event {
        E::Start => peer.handle_timeout(NOW),
        E::RConnCer => {
            let connection = if peer.responder.is_some() || peer.state().is_open() { SECOND } else { THEIRS };
            receive_cer(peer, connection);
        }
        E::IRcvConnAck => peer.handle_connected(NOW, OURS),
        E::IRcvConnNack => peer.handle_connect_failed(NOW, "connection refused"),
        E::Timeout => peer.handle_timeout(NOW + Settings::default().timeout),
        E::IRcvCea => peer.handle_message(NOW, OURS, cea()),
        E::IRcvNonCea => peer.handle_message(NOW, OURS, base(DEVICE_WATCHDOG, true, |_| ())),
        E::IPeerDisc => peer.handle_closed(NOW, OURS, "closed"),
        E::RPeerDisc => peer.handle_closed(NOW, THEIRS, "closed"),
        // The event that the steps before give themselves: see the test.
        E::WinElection => receive_cer(peer, THEIRS),
        E::SendMessage => peer.send_request(NOW, (), request("a.example", 5)).unwrap(),
        E::RRcvMessage => peer.handle_message(NOW, THEIRS, request("b.example", 5).into()),
        E::IRcvMessage => peer.handle_message(NOW, OURS, request("b.example", 5).into()),
        E::RRcvDwr => peer.handle_message(NOW, THEIRS, base(DEVICE_WATCHDOG, true, |_| ())),
        E::IRcvDwr => peer.handle_message(NOW, OURS, base(DEVICE_WATCHDOG, true, |_| ())),
        E::RRcvDwa => peer.handle_message(NOW, THEIRS, base(DEVICE_WATCHDOG, false, |_| ())),
        E::IRcvDwa => peer.handle_message(NOW, OURS, base(DEVICE_WATCHDOG, false, |_| ())),
        E::RRcvDpr => peer.handle_message(NOW, THEIRS, dpr()),
        E::IRcvDpr => peer.handle_message(NOW, OURS, dpr()),
        E::RRcvDpa => peer.handle_message(NOW, THEIRS, base(DISCONNECT_PEER, false, |_| ())),
        E::IRcvDpa => peer.handle_message(NOW, OURS, base(DISCONNECT_PEER, false, |_| ())),
        E::Stop => peer.stop(NOW, DisconnectCause::REBOOTING),
    }
}

/// The steps that can be seen from outside, by the RFC's names.
fn seen(peer: &mut Peer<()>) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some(output) = peer.poll_output() {
        let side = |connection| if connection == OURS { "I" } else { "R" };
        match output {
            Output::Connect => steps.push("I-Snd-Conn-Req".to_owned()),
            Output::Close { connection: SECOND } => steps.push("R-Reject".to_owned()),
            Output::Close { connection } => steps.push(format!("{}-Disc", side(connection))),
            Output::Request { .. } => steps.push("Process".to_owned()),
            Output::Send { connection, message, .. } => {
                let header = Header::parse(&message).unwrap();
                let what = match (header.code, header.is_request()) {
                    (CAPABILITIES_EXCHANGE, true) => "CER",
                    (CAPABILITIES_EXCHANGE, false) => "CEA",
                    // Ours, where a second connection makes us doubt the first.
                    (DEVICE_WATCHDOG, true) => continue,
                    (DEVICE_WATCHDOG, false) => "DWA",
                    (DISCONNECT_PEER, true) => "DPR",
                    (DISCONNECT_PEER, false) => "DPA",
                    _ => "Message",
                };
                steps.push(format!("{}-Snd-{what}", side(connection)));
            }
            _ => {}
        }
    }
    steps
}

#[test]
fn every_row_is_played() {
    // Steps that nobody outside sees; Cleanup and Error close what is there.
    const INSIDE: [&str; 7] =
        ["R-Accept", "Process-CER", "Process-CEA", "Process-DWR", "Process-DWA", "Elect", "Cleanup"];
    let mut played = 0;
    for row in RFC.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let columns: Vec<_> = row.split('|').map(str::trim).collect();
        let [state, event, action, next] = columns[..] else { panic!("{row}") };
        let state = *State::ALL.iter().find(|one| one.name() == state).unwrap();
        let event = *Event::ALL.iter().find(|one| one.name() == event).unwrap();
        // Whoever wins the election has left Wait-Returns before anyone can look.
        let won = event == Event::WinElection;
        let mut peer = peer(if won { "c.example" } else { "a.example" });
        bring(&mut peer, if won { State::WaitICea } else { state }, !event.name().starts_with("R-"));
        give(&mut peer, event);
        let mut steps = seen(&mut peer);
        if action == "Error" || action == "Cleanup" {
            steps.retain(|step| !step.ends_with("-Disc"));
            assert!(peer.initiator.is_none() && peer.responder.is_none(), "{row}");
        }
        let actions = action.split(", ").filter(|step| !INSIDE.contains(step) && *step != "Error");
        assert_eq!(steps, actions.collect::<Vec<_>>(), "{row}");
        assert_eq!(peer.state().name(), next, "{row}");
        played += 1;
    }
    assert_eq!(played, 43, "the rows of the table");
}
