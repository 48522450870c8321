//! Whether the node at the other end of a connection is who it says: its certificate beside its CER or CEA.

use std::sync::Arc;

use super::Driver;
use crate::avp::dictionary::ResultCode;
use crate::message::Header;
use crate::net::{Association, Info, Transport};
use crate::peer::ConnectionId;
use crate::peer::capabilities::{self, Refusal};
use crate::registration::element::{Element, Now, Sender};

/// Why a connection is not good enough for its peer.
#[derive(Debug)]
pub(super) struct Distrust {
    /// What a CEA says.
    result_code: u32,
    words: String,
}

impl<E: Element + Send + 'static> Driver<E> {
    /// A connection to or from a peer: is it protected where that is wanted, and does its certificate name the peer?
    /// RFC 6733 section 13.1. `called`: we opened it.
    pub(super) fn judge_protection(&self, at: usize, info: &Info, called: bool) -> Result<(), Distrust> {
        let Some(entry) = self.peers.get(at) else { return Ok(()) };
        let (identity, local) = (&entry.machine.expected().identity, &self.local.identity);
        let named = entry.machine.certificate_name();
        let Some(protection) = &info.protection else {
            let transport = entry.connect_to.as_ref().map(|to| to.transport_or(self.settings.transport));
            let key = match (named, transport) {
                (Some(_), _) => "a certificate_name",
                (None, Some(Transport::Tls)) => "a connect_to over TLS",
                _ => return Ok(()),
            };
            let words = format!(
                "{identity} comes over {} in the clear, and its [[peer]] section at {local} has {key}; let it connect to a \
                 \"tls:\" endpoint of {local}, or take that out of its section",
                info.backend
            );
            return Err(Distrust { result_code: ResultCode::DIAMETER_NO_COMMON_SECURITY, words });
        };
        let certificate = &protection.certificate;
        let wanted = named.unwrap_or(identity);
        if certificate.covers(wanted) {
            entry.span.in_scope(|| {
                let (version, suite) = (protection.version, protection.cipher_suite.as_str());
                tracing::info!(remote = %info.remote, version, suite, %certificate, "the peer's certificate is good");
            });
            return Ok(());
        }
        let who = match (called, named) {
            (true, None) => format!("{identity}, which is expected there"),
            (false, None) => format!("{identity}, as its CER says"),
            (_, Some(named)) => format!("{named}, the certificate_name of {identity}"),
        };
        let mut words = format!(
            "the certificate of {} names {certificate} and not {who}; give that node a certificate of {wanted}",
            info.remote
        );
        if let Some(name) = certificate.names().next() {
            words.push_str(&format!(
                ", or, if this one is its own, write certificate_name = \"{}\" into the [[peer]] section of {identity} at \
                 {local}",
                name.escape_debug()
            ));
        }
        Err(Distrust { result_code: ResultCode::DIAMETER_UNABLE_TO_COMPLY, words })
    }

    /// The node that we have called is not who we wanted: nothing is told to it.
    pub(super) fn refuse_called(&mut self, now: Now, at: usize, association: Association, distrust: Distrust) {
        association.sender().begin_close();
        let Some(entry) = self.peers.get_mut(at) else { return };
        entry.machine.handle_connect_failed(now.elapsed, &distrust.words);
    }

    /// A node whose CER may be good, but whose certificate says otherwise.
    pub(super) fn refuse_caller(&self, at: usize, id: ConnectionId, cer: &Header) -> Option<Refusal> {
        let info = self.connections.get(&id)?.sender.info();
        let Distrust { result_code, words } = self.judge_protection(at, info, false).err()?;
        let answer = Some(capabilities::cea(&self.local, cer, result_code, Some(&words)));
        Some(Refusal { result_code, words, answer })
    }

    /// Who sent what comes by a connection, and whether that is protected.
    pub(super) fn sender_over(&mut self, at: usize, id: ConnectionId) -> Arc<Sender> {
        let protected = self.connections.get(&id).is_some_and(|one| one.sender.info().protection.is_some());
        let sender = &mut self.peers[at].sender;
        if sender.protected != protected {
            Arc::make_mut(sender).protected = protected;
        }
        Arc::clone(sender)
    }
}
