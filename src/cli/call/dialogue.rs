//! One connection to a peer: CER and CEA, messages out and in, DPR and DPA.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::Value;

use super::{Caller, Early};
use crate::avp::dictionary::{DisconnectCause, ErrorMessage, ResultCode};
use crate::avp::{Avps, Key, dictionary};
use crate::interfaces::base::{APPLICATION, DeviceWatchdogAnswer, DisconnectPeerAnswer, DisconnectPeerRequest};
use crate::message::{Command, Envelope, HEADER_LENGTH, Header, find, json};
use crate::net::{Association, Incoming, Info, Outgoing, Sender, Transport};
use crate::peer::{Capabilities, Expected, Local, answers, capabilities};

const CAPABILITIES_EXCHANGE: u32 = 257;
const DEVICE_WATCHDOG: u32 = 280;
const DISCONNECT_PEER: u32 = 282;

/// How long DPA is waited for.
const PARTING: Duration = Duration::from_secs(3);

/// An open connection.
pub struct Dialogue {
    association: Association,
    local: Local,
    peer: Capabilities,
    identifier: u32,
    /// Why the peer parts, once it has said so.
    parting: Option<String>,
}

/// What the peer says.
#[derive(Debug)]
pub enum Heard {
    /// An answer, to whatever.
    Answer(Header, Bytes),
    /// The connection has ended, in words.
    End(String),
}

impl Dialogue {
    pub(super) async fn open(caller: &Caller, mut local: Local) -> Result<Self, Early> {
        let default = Transport::Sctp;
        let connecting = caller.net.connect_to(&caller.peer, default, &caller.from, caller.peer_udp_port());
        let mut association = connecting.await.map_err(|error| {
            let (backend, why) = caller.net.sctp_backend();
            let words = match caller.net.backend(caller.peer.transport_or(default)) {
                Ok(used) if used == backend && caller.peer.transport_or(default) == Transport::Sctp => {
                    format!(
                        "{error}; SCTP here is {backend} ({why}), write tcp:, sctp-kernel: or sctp-embedded: before \
                             the host for another transport, and see `proselink doctor`"
                    )
                }
                _ => error.to_string(),
            };
            Early::environment(words)
        })?;
        local.addresses = vec![association.info().local.ip()];
        let identifier = seed();
        let ours = capabilities::cer(&local, identifier, identifier);
        let cer = match &caller.cer {
            Some(changes) => change(&ours, changes).map_err(Early::usage)?,
            None => ours,
        };
        association.sender().try_send(Outgoing::new(cer.into())).map_err(Early::environment)?;
        let remote = association.info().remote;
        let first = match tokio::time::timeout(caller.timeout, association.recv()).await {
            Ok(Ok(Some(message))) => message.bytes,
            Ok(Ok(None)) => {
                let words = format!(
                    "{remote} closed the connection without a CEA: it does not want {} as a peer; add it to its peers, \
                     or say who we are with --identity and --realm",
                    local.identity
                );
                return Err(Early::environment(words));
            }
            Ok(Err(error)) => {
                let words = format!(
                    "{error}, without a CEA: it does not want {} as a peer, or speaks no Diameter on this port",
                    local.identity
                );
                return Err(Early::environment(words));
            }
            Err(_) => {
                let words = format!("{remote} took the connection and sent no CEA within {:?}", caller.timeout);
                return Err(Early::environment(words));
            }
        };
        let peer = judge(caller, &local, &first)?;
        judge_certificate(caller, association.info(), &peer)?;
        if let (None, Some(name)) = (&caller.expected, caller.name_of_uri())
            && !name.eq_ignore_ascii_case(&peer.identity)
        {
            eprintln!(
                "proselink: the peer at {name} calls itself {}; --peer-identity insists on a name",
                peer.identity
            );
        }
        Ok(Self { association, local, peer, identifier, parting: None })
    }

    /// The connection itself, who we are on it, who the peer is, and the last identifier used: for whoever answers the
    /// peer's requests in another way.
    pub fn into_parts(self) -> (Association, Local, Capabilities, u32) {
        (self.association, self.local, self.peer, self.identifier)
    }

    /// Us.
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The peer, as it has presented itself.
    pub fn peer(&self) -> &Capabilities {
        &self.peer
    }

    /// What is known of the connection.
    pub fn info(&self) -> &Info {
        self.association.info()
    }

    /// Sends beside the dialogue.
    pub fn sender(&self) -> Sender {
        self.association.sender()
    }

    /// An identifier that was not used on this connection.
    pub fn next_identifier(&mut self) -> u32 {
        self.identifier = self.identifier.wrapping_add(1);
        self.identifier
    }

    /// The next that the peer says; its requests are answered meanwhile. Cancel-safe.
    pub async fn hear(&mut self) -> Heard {
        loop {
            match self.association.recv().await {
                Ok(Some(message)) => {
                    if let Some((header, bytes)) = self.sort(message) {
                        return Heard::Answer(header, bytes);
                    }
                }
                Ok(None) => {
                    let words = self.parting.clone();
                    return Heard::End(words.unwrap_or_else(|| "the peer closed the connection".to_owned()));
                }
                Err(error) => return Heard::End(error.to_string()),
            }
        }
    }

    /// The next answer that is there already.
    pub fn hear_now(&mut self) -> Option<(Header, Bytes)> {
        while let Some(message) = self.association.try_recv() {
            if let Some(answer) = self.sort(message) {
                return Some(answer);
            }
        }
        None
    }

    /// Keeps answers; answers the peer's own requests.
    fn sort(&mut self, message: Incoming) -> Option<(Header, Bytes)> {
        let header = Header::parse(&message.bytes)?;
        if !header.is_request() {
            return Some((header, message.bytes));
        }
        let envelope = Envelope::answering(&header);
        let Local { identity, realm, .. } = &self.local;
        let answer = match (header.application, header.code) {
            (APPLICATION, DEVICE_WATCHDOG) => DeviceWatchdogAnswer {
                result_code: ResultCode::DIAMETER_SUCCESS,
                origin_host: identity,
                origin_realm: realm,
                ..Default::default()
            }
            .to_bytes(envelope),
            (APPLICATION, DISCONNECT_PEER) => {
                let body = Avps::new(message.bytes.get(HEADER_LENGTH..).unwrap_or_default());
                let cause = find::<DisconnectCause>(body).unwrap_or_default();
                let definition = <DisconnectCause as dictionary::Declared>::DEFINITION;
                let name = definition.value_name(i64::from(cause)).unwrap_or("no known cause");
                self.parting = Some(format!("the peer disconnects: {name} ({cause})"));
                DisconnectPeerAnswer {
                    result_code: ResultCode::DIAMETER_SUCCESS,
                    origin_host: identity,
                    origin_realm: realm,
                    ..Default::default()
                }
                .to_bytes(envelope)
            }
            _ => {
                let code = ResultCode::DIAMETER_COMMAND_UNSUPPORTED;
                answers::refuse(identity, realm, &message.bytes, &header, code, "this node is a client")
            }
        };
        let _ = self.association.sender().try_send(Outgoing::new(answer.into()).on_stream(message.stream));
        None
    }

    /// Parts in order: DPR, DPA, the end of the connection. Nothing of it is an error: all that was wanted is done.
    pub async fn close(mut self) {
        if self.parting.is_none() {
            let identifier = self.next_identifier();
            let request = DisconnectPeerRequest {
                origin_host: &self.local.identity,
                origin_realm: &self.local.realm,
                disconnect_cause: DisconnectCause::DO_NOT_WANT_TO_TALK_TO_YOU,
                ..Default::default()
            };
            let envelope = Envelope { application: APPLICATION, hop_by_hop: identifier, end_to_end: identifier };
            let message = request.to_bytes(envelope);
            if self.association.sender().try_send(Outgoing::new(message.into())).is_ok() {
                let parted = async {
                    while let Heard::Answer(header, _) = self.hear().await {
                        if header.application == APPLICATION && header.code == DISCONNECT_PEER {
                            break;
                        }
                    }
                };
                let _ = tokio::time::timeout(PARTING, parted).await;
            }
        }
        let _ = self.association.close().await;
    }
}

/// Judges what should be a CEA.
fn judge(caller: &Caller, local: &Local, message: &[u8]) -> Result<Capabilities, Early> {
    let is_cea = Header::parse(message).is_some_and(|header| {
        !header.is_request() && header.code == CAPABILITIES_EXCHANGE && header.application == APPLICATION
    });
    if !is_cea {
        let words = format!("{} answers CER with something that is no CEA", caller.peer);
        return Err(Early::environment(words));
    }
    let body = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
    let identity = find::<dictionary::OriginHost>(body);
    let expected = Expected {
        identity: caller.expected.as_deref().or(identity).unwrap_or_default().to_owned(),
        realm: None,
        addresses: Vec::new(),
    };
    // With a CER of the user's own nobody but the peer can say whether it fits.
    let trying = caller.cer.is_some() && find::<ResultCode>(body).is_some_and(|code| code / 1000 == 2);
    let judged = if trying {
        let as_relay = Local { applications: vec![crate::interfaces::base::APPLICATION_RELAY], ..local.clone() };
        capabilities::judge_cea(&as_relay, &expected, message)
    } else {
        capabilities::judge_cea(local, &expected, message)
    };
    judged.map_err(|refusal| {
        let mut words = refusal.to_string();
        let mine = find::<ResultCode>(body).is_none_or(|code| code / 1000 == 2);
        if mine && caller.expected.is_some() && refusal.result_code == ResultCode::DIAMETER_UNKNOWN_PEER {
            words = format!(
                "the peer calls itself {}, --peer-identity says {}",
                identity.unwrap_or_default(),
                expected.identity
            );
        } else if refusal.result_code == ResultCode::DIAMETER_UNKNOWN_PEER {
            words.push_str(", or say with --identity and --realm who we are");
        } else if refusal.result_code == ResultCode::DIAMETER_NO_COMMON_APPLICATION {
            words.push_str("; --application says what we advertise");
        }
        if find::<ErrorMessage>(body).is_none() && !mine {
            words.push_str("; it gives no reason of its own");
        }
        Early::environment(words)
    })
}

/// Whether the peer's certificate names it. RFC 6733 section 13.1.
fn judge_certificate(caller: &Caller, info: &Info, peer: &Capabilities) -> Result<(), Early> {
    let Some(protection) = &info.protection else { return Ok(()) };
    let wanted = caller.certificate_name.as_deref().unwrap_or(&peer.identity);
    let (version, suite, certificate) = (protection.version, &protection.cipher_suite, &protection.certificate);
    tracing::info!(version, %suite, %certificate, "protected");
    if certificate.covers(wanted) {
        return Ok(());
    }
    let what = match &caller.certificate_name {
        Some(_) => "as --certificate-name wants",
        None => "as its CEA says; --certificate-name allows another",
    };
    Err(Early::environment(format!("the certificate of {} names {certificate} and not {wanted}, {what}", info.remote)))
}

/// Our CER with the user's changes.
fn change(ours: &[u8], changes: &Value) -> Result<Vec<u8>, String> {
    let text = json::message_to_json(ours).unwrap_or_default();
    let mut cer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let key = |avp: &Value| -> Option<Key> {
        let number = |name: &str| avp.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        match (number("code"), avp.get("name").and_then(Value::as_str)) {
            (Some(code), _) => Some(Key::new(number("vendor").unwrap_or(0), code)),
            (None, Some(name)) => dictionary::by_name(name).map(|definition| definition.key),
            (None, None) => None,
        }
    };
    for field in ["version", "flags", "code", "application", "hop_by_hop", "end_to_end", "rest"] {
        if let (Some(value), Some(object)) = (changes.get(field), cer.as_object_mut()) {
            object.insert(field.to_owned(), value.clone());
        }
    }
    let new = changes.get("avps").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut gone: Vec<Key> = new.iter().filter_map(key).collect();
    for name in changes.get("remove").and_then(Value::as_array).into_iter().flatten() {
        let definition = name.as_str().and_then(dictionary::by_name);
        gone.push(definition.ok_or_else(|| format!("--cer: remove: the dictionary has no {name}"))?.key);
    }
    if let Some(avps) = cer.get_mut("avps").and_then(Value::as_array_mut) {
        avps.retain(|avp| key(avp).is_none_or(|key| !gone.contains(&key)));
        avps.extend(new);
    }
    json::message_from_json(&cer, &|_, _| None).map_err(|error| format!("--cer: {error}"))
}

/// Where the identifiers of a connection begin: they differ from call to call.
fn seed() -> u32 {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.subsec_nanos());
    getrandom::u32().unwrap_or_else(|_| clock())
}
