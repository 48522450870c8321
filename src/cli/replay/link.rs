//! The connections of a replay: opened or accepted, with capabilities exchange, watchdog and disconnect done live.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::super::call::{Caller, Dialogue, Early};
use crate::avp::dictionary::{DisconnectCause, ResultCode};
use crate::interfaces::base::{
    APPLICATION, DeviceWatchdogAnswer, DeviceWatchdogRequest, DisconnectPeerAnswer, DisconnectPeerRequest,
};
use crate::message::{Command, Envelope, Header};
use crate::net::{Association, Outgoing, Sender};
use crate::peer::{Capabilities, Expected, Local, capabilities};

const DEVICE_WATCHDOG: u32 = 280;
const DISCONNECT_PEER: u32 = 282;

/// How long a connection is silent before the peer is asked whether it lives. RFC 3539 section 3.4.1.
const WATCHDOG: Duration = Duration::from_secs(30);

/// How long DPA is waited for.
const PARTING: Duration = Duration::from_secs(3);

/// What happens on a connection.
#[derive(Debug)]
pub enum Heard {
    /// A message of an application.
    Message(Bytes),
    /// DPA: the peer agrees that we part.
    Parted,
    /// DWA: the peer is there, and has taken our CEA.
    Alive,
    /// The end; why, where it was not in order.
    End(Option<String>),
}

/// An open connection that nobody reads yet.
pub struct Opened {
    association: Association,
    pub local: Local,
    pub peer: Capabilities,
    identifier: u32,
}

impl Opened {
    /// Of a connection we have opened ourselves.
    pub fn called(dialogue: Dialogue) -> Self {
        let (association, local, peer, identifier) = dialogue.into_parts();
        Self { association, local, peer, identifier }
    }

    /// Answers the CER of a connection that has come in. `name` says who we are to that peer.
    ///
    /// # Errors
    /// Why the peer is none.
    pub async fn accepted(
        caller: &Caller,
        mut association: Association,
        name: impl FnOnce(&str) -> Option<(String, String)>,
    ) -> Result<Self, String> {
        let remote = association.info().remote;
        let first = match tokio::time::timeout(caller.timeout, association.recv()).await {
            Ok(Ok(Some(message))) => message,
            Ok(Ok(None)) => return Err(format!("{remote} connected and said nothing")),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("{remote} connected and sent no CER within {:?}", caller.timeout)),
        };
        let header = Header::parse(&first.bytes).ok_or_else(|| format!("{remote} sent no Diameter message"))?;
        let mut local = caller.local().clone();
        local.addresses = vec![association.info().local.ip()];
        let mut expected = Expected { identity: String::new(), realm: None, addresses: Vec::new() };
        let identity = crate::message::find::<crate::avp::dictionary::OriginHost>(crate::avp::Avps::new(
            first.bytes.get(crate::message::HEADER_LENGTH..).unwrap_or_default(),
        ));
        identity.unwrap_or_default().clone_into(&mut expected.identity);
        let named = name(&expected.identity);
        let free = named.is_some();
        if let Some((identity, realm)) = named {
            (local.identity, local.realm) = (identity, realm);
        }
        let judged = capabilities::judge_cer(&local, remote.ip(), &first.bytes, &header, |_| free.then_some(&expected));
        match judged {
            Ok(peer) => {
                let cea = capabilities::cea(&local, &header, ResultCode::DIAMETER_SUCCESS, None);
                association.send(Outgoing::new(cea.into())).await.map_err(|error| error.to_string())?;
                Ok(Self { association, local, peer, identifier: header.end_to_end ^ 0x5555_5555 })
            }
            Err(refusal) => {
                if let Some(answer) = refusal.answer.clone() {
                    let _ = association.send(Outgoing::new(answer.into())).await;
                }
                let _ = association.close().await;
                Err(refusal.to_string())
            }
        }
    }

    /// Our address.
    pub fn address(&self) -> std::net::IpAddr {
        self.association.info().local.ip()
    }

    /// Reads it from now on and tells `heard` under this number.
    pub fn start(self, link: usize, heard: mpsc::Sender<(usize, Heard)>) -> Link {
        let sender = self.association.sender();
        let left = Arc::new(AtomicBool::new(false));
        let link = Link { sender: sender.clone(), local: self.local.clone(), number: link, left: left.clone() };
        tokio::spawn(self.read(link.number, left, heard));
        link
    }

    async fn read(mut self, link: usize, left: Arc<AtomicBool>, heard: mpsc::Sender<(usize, Heard)>) {
        let mut asked = false;
        loop {
            let message = match tokio::time::timeout(WATCHDOG, self.association.recv()).await {
                Err(_) if asked => {
                    let words = format!("the peer is silent and answers no watchdog for {WATCHDOG:?}");
                    let _ = heard.send((link, Heard::End(Some(words)))).await;
                    return self.association.abort();
                }
                Err(_) => {
                    asked = true;
                    self.watch();
                    continue;
                }
                Ok(Ok(Some(message))) => message,
                Ok(Ok(None)) => {
                    let _ = heard.send((link, Heard::End(None))).await;
                    return;
                }
                Ok(Err(error)) => {
                    let _ = heard.send((link, Heard::End(Some(error.to_string())))).await;
                    return;
                }
            };
            asked = false;
            let Some(header) = Header::parse(&message.bytes) else { continue };
            let tell = match (header.application, header.code, header.is_request()) {
                (APPLICATION, DEVICE_WATCHDOG, false) => Heard::Alive,
                (APPLICATION, DISCONNECT_PEER, false) => Heard::Parted,
                (APPLICATION, DEVICE_WATCHDOG | DISCONNECT_PEER, true) => {
                    // Behind a DPA of ours no DPR of ours may go: the peer closes when it has the DPA.
                    left.fetch_or(header.code == DISCONNECT_PEER, Ordering::Relaxed);
                    let answer = self.answer(&header);
                    let outgoing = Outgoing::new(answer.into()).on_stream(message.stream);
                    let _ = self.association.send(outgoing).await;
                    continue;
                }
                _ => Heard::Message(message.bytes),
            };
            if heard.send((link, tell)).await.is_err() {
                return;
            }
        }
    }

    fn watch(&mut self) {
        self.identifier = self.identifier.wrapping_add(1);
        let request = watchdog(&self.local, self.identifier);
        let _ = self.association.sender().try_send(Outgoing::new(request.into()));
    }

    fn answer(&self, header: &Header) -> Vec<u8> {
        let envelope = Envelope::answering(header);
        let (origin_host, origin_realm) = (self.local.identity.as_str(), self.local.realm.as_str());
        let result_code = ResultCode::DIAMETER_SUCCESS;
        if header.code == DEVICE_WATCHDOG {
            DeviceWatchdogAnswer { result_code, origin_host, origin_realm, ..Default::default() }.to_bytes(envelope)
        } else {
            DisconnectPeerAnswer { result_code, origin_host, origin_realm, ..Default::default() }.to_bytes(envelope)
        }
    }
}

fn watchdog(local: &Local, identifier: u32) -> Vec<u8> {
    let (origin_host, origin_realm) = (local.identity.as_str(), local.realm.as_str());
    let envelope = Envelope { application: APPLICATION, hop_by_hop: identifier, end_to_end: identifier };
    DeviceWatchdogRequest { origin_host, origin_realm, ..Default::default() }.to_bytes(envelope)
}

/// Our side of a connection that is read.
pub struct Link {
    sender: Sender,
    local: Local,
    number: usize,
    /// The peer has said DPR.
    left: Arc<AtomicBool>,
}

impl Link {
    /// Sends a message.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn send(&self, message: Bytes, stream: u16) -> Result<(), Early> {
        let sent = self.sender.send(Outgoing::new(message).on_stream(stream)).await;
        sent.map_err(|error| Early::environment(format!("a message was not sent: {error}")))
    }

    /// Says DWR.
    pub fn watch(&self, identifier: u32) {
        let _ = self.sender.try_send(Outgoing::new(watchdog(&self.local, identifier).into()));
    }

    /// Says DPR, unless the peer has.
    pub fn part(&self, identifier: u32) {
        if self.left.load(Ordering::Relaxed) {
            return;
        }
        let request = DisconnectPeerRequest {
            origin_host: &self.local.identity,
            origin_realm: &self.local.realm,
            disconnect_cause: DisconnectCause::DO_NOT_WANT_TO_TALK_TO_YOU,
            ..Default::default()
        };
        let envelope = Envelope { application: APPLICATION, hop_by_hop: identifier, end_to_end: identifier };
        let _ = self.sender.try_send(Outgoing::new(request.to_bytes(envelope).into()));
    }
}

/// Parts in order on all that are open.
pub async fn close(links: Vec<Link>, heard: &mut mpsc::Receiver<(usize, Heard)>, identifier: u32) {
    let mut open = std::collections::HashSet::new();
    for link in &links {
        link.part(identifier);
        open.insert(link.number);
    }
    let parted = async {
        while !open.is_empty() {
            match heard.recv().await {
                Some((link, Heard::Parted | Heard::End(_))) => {
                    open.remove(&link);
                }
                Some(_) => {}
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(PARTING, parted).await;
    for link in &links {
        link.sender.begin_close();
    }
    for link in links {
        let _ = tokio::time::timeout(PARTING, link.sender.ended()).await;
    }
}
