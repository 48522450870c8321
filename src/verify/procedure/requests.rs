//! Requests of the procedure: what they carry, against what was handed out before.

use crate::avp::dictionary::{
    ContextMove, OldPduid, OldProseFunctionAddress, OldProseFunctionId, OriginAppLayerUserId, Pduid, ProofNonce,
    ProofTime, ProseAppId, ProseFunctionAddress, ProseFunctionId, UeProseCapability, UserCredentialType, private,
};
use crate::capture::CapturedMessage;
use crate::interfaces::{of_application, pc2, pc3, pc4};
use crate::message::Header;

use super::room::FOLLOWED;
use super::{Asked, Judge, Procedure, Registering, avp, find, hex, id1_of, id3_of, mask, no_avp, show};
use crate::verify::Spot;
use crate::verify::checks;
use crate::verify::finding::Report;
use crate::verify::survey::digest;

impl Procedure {
    /// Takes a request that follows its grammar; says what to remember of it, and the UE that it is about.
    pub fn request(
        &mut self,
        message: &CapturedMessage<'_>,
        header: &Header,
        spot: Spot,
        report: &mut Report,
    ) -> (Option<Asked>, Option<u32>) {
        self.make_room(spot.time.0, FOLLOWED, report);
        let mut judge = Judge { spot, report, ue: None };
        let asked = self.asked(message, header, &mut judge);
        let ue = judge.ue.or_else(|| asked.as_ref().and_then(|asked| self.ue_of_request(asked, report)));
        let ue = ue.or_else(|| self.beside(message.bytes));
        (asked, ue)
    }

    fn asked(&mut self, message: &CapturedMessage<'_>, header: &Header, judge: &mut Judge<'_>) -> Option<Asked> {
        let bytes = message.bytes;
        match header.application {
            pc4::hss::APPLICATION => match pc4::hss::Message::decode(bytes).ok()? {
                pc4::hss::Message::ProseSubscriberInformationRequest(request) => {
                    self.subscription_leg = true;
                    Some(Asked::Subscriber { imsi: request.user_name.to_owned() })
                }
                _ => Some(Asked::Result),
            },
            pc3::APPLICATION => match pc3::Message::decode(bytes).ok()? {
                pc3::Message::UeIdentifierAllocationRequest(request) => {
                    self.ue_leg = true;
                    judge.ue = Some(self.ue_of_imsi(request.user_name, judge.report));
                    let old_id3 = id3_of(request.old_prose_function_id, request.old_prose_function_address);
                    judge.both_or_none(request.old_pduid.is_some(), old_id3.is_some());
                    let user = self.users.entry(request.user_name.to_owned()).or_default();
                    user.asked = Some((request.ue_prose_capability, request.old_pduid.and_then(id1_of)));
                    Some(Asked::AllocateAtUe {
                        ue: request.origin_host.to_ascii_lowercase(),
                        imsi: request.user_name.to_owned(),
                    })
                }
                pc3::Message::UserRegistrationRequest(request) => self.message_1(&request, judge),
                _ => None,
            },
            pc4::mme::APPLICATION => match pc4::mme::Message::decode(bytes).ok()? {
                pc4::mme::Message::IdentifierAllocationRequest(request) => self.message_5(&request, judge),
                _ => None,
            },
            pc4::function::APPLICATION => match pc4::function::Message::decode(bytes).ok()? {
                pc4::function::Message::ContextTransferRequest(request) => {
                    let id1 = id1_of(request.pduid)?;
                    judge.ue = Some(self.ue_of_id1(id1, judge.report));
                    let given = !self.knows_issued() || self.issued.contains_key(&id1);
                    judge.require(given, checks::MESSAGE_G1_ID1, avp::<Pduid>, || {
                        (format!("message G1 asks for ID1 {id1:016x}"), "an ID1 that a message 6 gave out".to_owned())
                    });
                    Some(Asked::Fetch { id1, by: request.origin_host.to_ascii_lowercase() })
                }
                pc4::function::Message::ContextReleaseRequest(request) => {
                    let id1 = id1_of(request.pduid)?;
                    judge.ue = Some(self.ue_of_id1(id1, judge.report));
                    let fetched = self.issued.get(&id1).is_none_or(|issued| issued.fetched_by.is_some());
                    judge.require(fetched, checks::RELEASE_UNFETCHED, avp::<Pduid>, || {
                        (
                            format!("ID1 {id1:016x} is released, but no message G2 handed its context over before"),
                            "messages G1 and G2 first".to_owned(),
                        )
                    });
                    if let Some(issued) = self.issued.get_mut(&id1) {
                        issued.release_asked = true;
                    }
                    Some(Asked::Release { id1 })
                }
                _ => None,
            },
            application if of_application(application).is_some_and(|interface| interface.name == "PC2") => {
                match pc2::Message::decode(bytes).ok()? {
                    pc2::Message::ProXimityApplicationRequest(request)
                        if request.prose_request_type == private::REQUEST_TYPE_BIND_USER =>
                    {
                        self.message_2(&request, bytes, judge)
                    }
                    pc2::Message::ProXimityActionRequest(request)
                        if find::<ContextMove>(bytes) == Some(ContextMove::DEREGISTERED) =>
                    {
                        self.farewell(&request, bytes, judge)
                    }
                    pc2::Message::ProXimityActionRequest(request)
                        if find::<ContextMove>(bytes).is_some() || find::<OldPduid>(bytes).is_some() =>
                    {
                        self.message_u1(&request, bytes, judge)
                    }
                    _ => Some(Asked::Result),
                }
            }
            _ => None,
        }
    }

    /// Message 5 on the leg to the function.
    fn message_5(
        &mut self,
        request: &pc4::mme::IdentifierAllocationRequest<'_>,
        judge: &mut Judge<'_>,
    ) -> Option<Asked> {
        self.function_leg = true;
        let imsi = request.user_name;
        judge.ue = Some(self.ue_of_imsi(imsi, judge.report));
        let old_id1 = request.old_pduid.and_then(id1_of);
        let old_id3 = id3_of(request.old_prose_function_id, request.old_prose_function_address);
        judge.both_or_none(request.old_pduid.is_some(), old_id3.is_some());
        let user = self.users.entry(imsi.to_owned()).or_default();
        let capability = request.ue_prose_capability;
        judge.require(capability != 0, checks::MESSAGE_5_INCAPABLE, avp::<UeProseCapability>, || {
            (format!("message 5 left for {}, whose UE is capable of nothing", mask(imsi)), "no message 5".to_owned())
        });
        if let Some(permission) = self.permissions.get(&digest(Some(imsi.as_bytes()))).copied() {
            let allowed = permission & capability != 0;
            judge.require(allowed, checks::MESSAGE_5_NOT_ALLOWED, avp::<UeProseCapability>, || {
                (
                    format!(
                        "message 5 left for {}, whose capability {capability:#x} and subscription {permission:#x} have \
                         nothing in common",
                        mask(imsi)
                    ),
                    "no message 5".to_owned(),
                )
            });
        }
        match user.asked {
            Some((said, old)) => {
                judge.require(said == capability, checks::MESSAGE_5_ALTERED, avp::<UeProseCapability>, || {
                    (format!("the capability is {capability:#x}"), format!("{said:#x} as the UE said"))
                });
                judge.require(old == old_id1, checks::MESSAGE_5_ALTERED, avp::<OldPduid>, || {
                    (format!("the old ID1 is {}", hex(old_id1)), format!("{} as the UE said", hex(old)))
                });
            }
            None => judge.require(!self.ue_leg || self.forgotten > 0, checks::MESSAGE_5_UNASKED, no_avp, || {
                (
                    format!("message 5 leaves the MME for {}, whose UE sent none", mask(imsi)),
                    "a message 5 of the UE before".to_owned(),
                )
            }),
        }
        if let Some(old) = old_id1
            && let Some(issued) = self.issued.get(&old)
        {
            judge.require(old_id3 == issued.id3, checks::MESSAGE_5_OLD, avp::<OldProseFunctionId>, || {
                (
                    format!("the old ID3 is {}", show(&old_id3)),
                    format!("{} as message 6 gave it in {}", show(&issued.id3), issued.told),
                )
            });
        }
        Some(Asked::AllocateAtMme { imsi: imsi.to_owned(), old_id1 })
    }

    /// Message 1.
    fn message_1(&mut self, request: &pc3::UserRegistrationRequest<'_>, judge: &mut Judge<'_>) -> Option<Asked> {
        self.server_leg = true;
        let id1 = id1_of(request.pduid);
        judge.require(id1.is_some(), checks::MESSAGE_1_ID1, avp::<Pduid>, || {
            (format!("{} octets are no ID1", request.pduid.len()), "8".to_owned())
        });
        let id1 = id1?;
        judge.ue = Some(self.ue_of_id1(id1, judge.report));
        if request.user_credential_type == UserCredentialType::SIGNED_PROOF {
            let lacks = |what: &str| (format!("message 1 carries a signed proof without {what}"), "it".to_owned());
            let proof = checks::MESSAGE_1_PROOF;
            judge.require(request.proof_time.is_some(), proof, avp::<ProofTime>, || lacks("its time"));
            judge.require(request.proof_nonce.is_some(), proof, avp::<ProofNonce>, || lacks("its nonce"));
        }
        let id3 = id3_of(request.prose_function_id, request.prose_function_address);
        if self.ue_leg {
            let ue = request.origin_host.to_ascii_lowercase();
            let issued = self.issued.get(&id1).filter(|issued| issued.delivered.contains(&ue));
            let known = issued.is_some() || self.forgotten > 0;
            judge.require(known, checks::MESSAGE_1_ID1, avp::<Pduid>, || {
                (format!("message 1 carries ID1 {id1:016x}"), format!("one that a message 6 brought to {ue}"))
            });
            if let Some(issued) = issued {
                judge.require(id3 == issued.id3, checks::MESSAGE_1_ID3, avp::<ProseFunctionId>, || {
                    (format!("ID3 is {}", show(&id3)), format!("{} as message 6 gave it", show(&issued.id3)))
                });
            }
        }
        let application = request.prose_app_id.to_owned();
        let told = judge.spot.told();
        self.registering.insert((id1, application.clone()), Registering { id3, told, ..Default::default() });
        Some(Asked::Register { id1, application })
    }

    /// PXR with Context-Move DEREGISTERED: a UE has gone.
    fn farewell(
        &mut self,
        request: &pc2::ProXimityActionRequest<'_>,
        bytes: &[u8],
        judge: &mut Judge<'_>,
    ) -> Option<Asked> {
        let id1 = find::<Pduid>(bytes).and_then(id1_of);
        judge.ue = id1.map(|id1| self.ue_of_id1(id1, judge.report));
        let incomplete = checks::FAREWELL_INCOMPLETE;
        judge.require(request.origin_app_layer_user_id.is_some(), incomplete, avp::<OriginAppLayerUserId>, || {
            ("a farewell lacks ID2".to_owned(), "the user that was bound".to_owned())
        });
        judge.require(id1.is_some(), incomplete, avp::<Pduid>, || {
            ("a farewell lacks ID1".to_owned(), "8 octets".to_owned())
        });
        let server = request.destination_host.unwrap_or_default().to_ascii_lowercase();
        Some(match request.origin_app_layer_user_id {
            Some(id2) => Asked::Farewell { id2: id2.to_owned(), server },
            None => Asked::Result,
        })
    }

    /// Message 2.
    fn message_2(
        &mut self,
        request: &pc2::ProXimityApplicationRequest<'_>,
        bytes: &[u8],
        judge: &mut Judge<'_>,
    ) -> Option<Asked> {
        let id1 = find::<Pduid>(bytes).and_then(id1_of);
        let id2 = find::<OriginAppLayerUserId>(bytes);
        let application = find::<ProseAppId>(bytes);
        judge.ue = id1.map(|id1| self.ue_of_id1(id1, judge.report));
        let words = |found: &str, expected: &str| (found.to_owned(), expected.to_owned());
        judge.require(id1.is_some(), checks::MESSAGE_2_INCOMPLETE, avp::<Pduid>, || {
            words("message 2 has no ID1 of 8 octets", "the one of message 1")
        });
        judge.require_by(
            id2.is_some(),
            checks::MESSAGE_2_INCOMPLETE,
            "AS-2 [0042]",
            avp::<OriginAppLayerUserId>,
            || words("message 2 has no ID2", "the one that the app server gave the user"),
        );
        judge.require(application.is_some(), checks::MESSAGE_2_INCOMPLETE, avp::<ProseAppId>, || {
            words("message 2 names no application", "that of message 1")
        });
        let (id1, id2, application) = (id1?, id2?, application?);
        let server = request.origin_host.to_ascii_lowercase();
        match self.registering.get_mut(&(id1, application.to_owned())) {
            Some(registering) => {
                registering.binding = Some(id2.to_owned());
                // An ID3 that is an address names no host: the connection shows where message 2 goes.
                let named = registering.id3.as_ref().filter(|id3| id3.parse::<std::net::IpAddr>().is_err());
                let host = request.destination_host.map(str::to_ascii_lowercase);
                let right = named.is_none_or(|named| Some(named) == host.as_ref());
                judge.require(
                    right,
                    checks::MESSAGE_2_FUNCTION,
                    || "Destination-Host (293)".to_owned(),
                    || {
                        (
                            format!("message 2 goes to {}", host.as_deref().unwrap_or("no host")),
                            format!("{} as ID3 of message 1 says", show(&registering.id3)),
                        )
                    },
                );
            }
            None => {
                judge.require(!self.server_leg || self.forgotten > 0, checks::MESSAGE_2_UNASKED, avp::<Pduid>, || {
                    (
                        format!("message 2 carries ID1 {id1:016x} for {application}"),
                        "a message 1 that is open with the same".to_owned(),
                    )
                })
            }
        }
        if let Some(bound) = self.bound.get(&(id2.to_owned(), server.clone())) {
            let same = bound.application == application;
            judge.require(same, checks::MESSAGE_2_ID2, avp::<OriginAppLayerUserId>, || {
                (format!("this ID2 is that of application {}", bound.application), "one of its own".to_owned())
            });
        }
        Some(Asked::Bind { id1, id2: id2.to_owned(), application: application.to_owned(), server })
    }

    /// Message U1.
    fn message_u1(
        &mut self,
        request: &pc2::ProXimityActionRequest<'_>,
        bytes: &[u8],
        judge: &mut Judge<'_>,
    ) -> Option<Asked> {
        let id4 = find::<Pduid>(bytes).and_then(id1_of);
        let old = find::<OldPduid>(bytes).and_then(id1_of);
        let id5 = id3_of(request.prose_function_id, find::<ProseFunctionAddress>(bytes));
        let old_id3 = id3_of(find::<OldProseFunctionId>(bytes), find::<OldProseFunctionAddress>(bytes));
        let id2 = request.origin_app_layer_user_id;
        judge.ue = old.or(id4).map(|id1| self.ue_of_id1(id1, judge.report));
        let lacks = |what: &str, why: &str| (format!("message U1 lacks {what}"), why.to_owned());
        let incomplete = checks::MESSAGE_U1_INCOMPLETE;
        judge.require(find::<ContextMove>(bytes).is_some(), incomplete, avp::<ContextMove>, || {
            lacks("the marker of a move", "it: without it the message is an application registration")
        });
        judge.require(id2.is_some(), incomplete, avp::<OriginAppLayerUserId>, || {
            lacks("ID2", "the user that was bound")
        });
        judge.require(id4.is_some(), incomplete, avp::<Pduid>, || lacks("ID4", "8 octets"));
        judge.require(old.is_some(), incomplete, avp::<OldPduid>, || lacks("the old ID1", "8 octets"));
        judge.require(id5.is_some(), incomplete, avp::<ProseFunctionId>, || lacks("ID5", "the function that sends it"));
        let (id2, id4, old) = (id2?, id4?, old?);
        let by = request.origin_host.to_ascii_lowercase();
        let is_address = id5.as_ref().is_some_and(|id5| id5.parse::<std::net::IpAddr>().is_ok());
        judge.require(
            is_address || id5.as_ref() == Some(&by),
            checks::MESSAGE_U1_SENDER,
            avp::<ProseFunctionId>,
            || (format!("ID5 is {}", show(&id5)), format!("{by}, which sends it")),
        );
        let server = request.destination_host.unwrap_or_default().to_ascii_lowercase();
        let binding = checks::MESSAGE_U1_BINDING;
        match self.bound.get_mut(&(id2.to_owned(), server.clone())) {
            Some(bound) => {
                bound.told_of = Some(old);
                judge.require(bound.id1 == old, binding, avp::<OldPduid>, || {
                    (format!("the old ID1 is {old:016x}"), format!("{:016x}, to which ID2 is bound", bound.id1))
                });
                judge.require(old_id3 == bound.id3, binding, avp::<OldProseFunctionId>, || {
                    (format!("the old ID3 is {}", show(&old_id3)), show(&bound.id3).to_owned())
                });
            }
            None => judge.require(!self.server_leg || self.forgotten > 0, binding, avp::<OriginAppLayerUserId>, || {
                (
                    format!("message U1 names an ID2 that no message 3 bound at {server}"),
                    "one that was bound there".to_owned(),
                )
            }),
        }
        if let Some(issued) = self.issued.get(&old) {
            let fetched = issued.fetched_by.as_ref() == Some(&by);
            judge.require(fetched, checks::MESSAGE_U1_UNFETCHED, avp::<OldPduid>, || {
                (
                    format!("{by} updates the context of ID1 {old:016x}, which it did not fetch"),
                    "messages G1 and G2 first".to_owned(),
                )
            });
            let moved_to = self.issued.get(&id4).map(|new| new.imsi.as_str());
            let same = moved_to.is_none_or(|imsi| imsi == issued.imsi);
            judge.require(same, checks::MESSAGE_U1_UE, avp::<Pduid>, || {
                (
                    format!("ID4 {id4:016x} was given to another UE than ID1 {old:016x}"),
                    "the ID1 that the same UE got after its move".to_owned(),
                )
            });
        }
        Some(Asked::Update { id2: id2.to_owned(), server, id4, id5, old })
    }
}
