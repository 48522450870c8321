//! The registration procedure followed through PC3, PC4 and PC2: does each message carry the identifiers that the
//! messages before it handed out?
//!
//! What is followed: the subscription the HSS gave (S), message 5 on both legs, the ID1 and ID3 of message 6 on both legs,
//! message 1, messages 2 and 3, message 4, and the move (G1, G2, U1, U2, release). A leg that the capture does not hold is
//! not missed: what it would have said is not asked for.

use std::collections::HashMap;

use crate::avp::dictionary::{
    AppServerHost, ContextMove, Declared, OldPduid, OldProseFunctionAddress, OldProseFunctionId, OriginAppLayerUserId,
    Pduid, PduidValidityTime, ProofNonce, ProofTime, ProseAppId, ProseFunctionAddress, ProseFunctionId,
    ProseRequestType, ProseSubscriptionData, UeProseCapability, UserCredentialType, private,
};
use crate::avp::format::Address;
use crate::avp::{Avps, fault::name_of};
use crate::capture::CapturedMessage;
use crate::interfaces::{of_application, pc2, pc3, pc4, s6a};
use crate::message::{Command, HEADER_LENGTH, Header};
use crate::registration::identifiers::Imsi;

use super::{Report, Spot};

/// A function's address as ID3 and ID5 carry it: the name, or the address.
type Id3 = Option<String>;

/// What is remembered of a request until its answer comes.
#[derive(Debug)]
pub(crate) enum Asked {
    /// S: the MME asks the HSS for the subscription.
    UpdateLocation { imsi: String },
    /// S: the function asks.
    Subscriber { imsi: String },
    /// Message 5 from the UE.
    AllocateAtUe { ue: String, imsi: String },
    /// Message 5 from the MME.
    AllocateAtMme { imsi: String, old_id1: Option<u64> },
    /// Message 1.
    Register { id1: u64, application: String },
    /// Message 2.
    Bind { id1: u64, id2: String, application: String, server: String },
    /// Message G1.
    Fetch { id1: u64, by: String },
    /// Message U1.
    Update { id2: String, server: String, id4: u64, id5: Id3, old: u64 },
    /// The context may go.
    Release { id1: u64 },
    /// A request in which nothing is followed but the result of its answer.
    Result,
}

/// PXR with Context-Move DEREGISTERED: a UE has gone.
fn farewell(request: &pc2::ProXimityActionRequest<'_>, bytes: &[u8], judge: &mut Judge<'_>) -> Option<Asked> {
    let id2 = request.origin_app_layer_user_id;
    judge.require(id2.is_some(), "AS-5 [0038]", avp::<OriginAppLayerUserId>, || "a farewell has no ID2".to_owned());
    let id1 = find::<Pduid>(bytes).and_then(id1_of);
    judge.require(id1.is_some(), "AS-5 [0038]", avp::<Pduid>, || "a farewell has no ID1 of 8 octets".to_owned());
    Some(Asked::Result)
}

/// An ID1 as its function gave it out.
#[derive(Debug, Default)]
struct Issued {
    imsi: String,
    frame: u64,
    /// Origin-Host of the function.
    function: String,
    id3: Id3,
    validity: u32,
    /// The UEs (by Origin-Host) that message 6 brought it to.
    delivered: Vec<String>,
    /// The function that fetched the context.
    fetched_by: Option<String>,
    released: bool,
}

/// A user bound to a UE at an app server.
#[derive(Debug)]
struct Bound {
    id1: u64,
    application: String,
    id3: Id3,
}

/// A message 1 that awaits its message 4.
#[derive(Debug, Default)]
struct Registering {
    id3: Id3,
    frame: u64,
    /// ID2 of the message 2 on its way.
    binding: Option<String>,
    /// ID2, once message 3 said success.
    bound: Option<String>,
}

/// What a UE is allowed, as answers of the HSS said.
#[derive(Debug, Default)]
struct Subscription {
    /// To the MME, in ULA.
    to_mme: Option<u32>,
    /// To a function, in PIA.
    to_function: Option<bool>,
}

#[derive(Debug, Default)]
struct Identity {
    /// The ID1 in force.
    id1: Option<u64>,
    subscription: Subscription,
    /// The capability of the message 5 that the UE sent last, when its leg is in the capture.
    asked: Option<(u32, Option<u64>)>,
}

/// What the capture has told so far.
#[derive(Default)]
pub(crate) struct Procedure {
    users: HashMap<String, Identity>,
    issued: HashMap<u64, Issued>,
    registering: HashMap<(u64, String), Registering>,
    /// By ID2 and the app server's host.
    bound: HashMap<(String, String), Bound>,
    /// Legs of which a request was seen.
    ue_leg: bool,
    function_leg: bool,
    server_leg: bool,
    subscription_leg: bool,
}

/// An identity for people: the network, and nothing that tells the subscriber.
fn mask(imsi: &str) -> String {
    imsi.parse::<Imsi>().map_or_else(|_| "a subscriber".to_owned(), |imsi| imsi.to_string())
}

fn id1_of(octets: &[u8]) -> Option<u64> {
    octets.try_into().ok().map(u64::from_be_bytes)
}

fn id3_of(name: Option<&[u8]>, address: Option<Address<'_>>) -> Id3 {
    name.map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).or_else(|| address.map(|a| a.to_string()))
}

fn show(id3: &Id3) -> &str {
    id3.as_deref().unwrap_or("none")
}

/// Reads an AVP that a command's grammar does not name.
fn find<A: Declared>(bytes: &[u8]) -> Option<A::Value<'_>> {
    crate::message::find::<A>(Avps::new(bytes.get(HEADER_LENGTH..).unwrap_or_default()))
}

/// The name of an AVP for a finding.
fn avp<A: Declared>() -> String {
    name_of(A::DEFINITION.key)
}

/// Collects the errors of one message.
struct Judge<'r> {
    spot: Spot,
    report: &'r mut Report,
}

impl Judge<'_> {
    fn error(&mut self, requirement: &str, avp: String, text: String) {
        self.report.push(self.spot.error("procedure", requirement, avp, text));
    }

    /// A message 5 that follows a move carries both the old ID1 and the old ID3.
    fn both_or_none(&mut self, old_id1: bool, old_id3: bool) {
        self.require(old_id1 || !old_id3, "registration procedure, message 5", avp::<OldPduid>, || {
            "message 5 has an old ID3 but no old ID1".to_owned()
        });
        self.require(old_id3 || !old_id1, "registration procedure, message 5", avp::<OldProseFunctionId>, || {
            "message 5 has an old ID1 but no old ID3".to_owned()
        });
    }

    fn require(&mut self, holds: bool, requirement: &str, avp: impl FnOnce() -> String, text: impl FnOnce() -> String) {
        if !holds {
            self.error(requirement, avp(), text());
        }
    }
}

impl Procedure {
    /// Takes a request that follows its grammar; says what to remember of it.
    pub fn request(
        &mut self,
        message: &CapturedMessage<'_>,
        header: &Header,
        spot: Spot,
        report: &mut Report,
    ) -> Option<Asked> {
        let mut judge = Judge { spot, report };
        let bytes = message.bytes;
        match header.application {
            s6a::APPLICATION => match s6a::Message::decode(bytes).ok()? {
                s6a::Message::UpdateLocationRequest(request) => {
                    Some(Asked::UpdateLocation { imsi: request.user_name.to_owned() })
                }
                _ => None,
            },
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
                    let old_id3 = id3_of(request.old_prose_function_id, request.old_prose_function_address);
                    judge.both_or_none(request.old_pduid.is_some(), old_id3.is_some());
                    let user = self.users.entry(request.user_name.to_owned()).or_default();
                    user.asked = Some((request.ue_prose_capability, request.old_pduid.and_then(id1_of)));
                    Some(Asked::AllocateAtUe {
                        ue: request.origin_host.to_ascii_lowercase(),
                        imsi: request.user_name.to_owned(),
                    })
                }
                pc3::Message::UserRegistrationRequest(request) => self.message_1(&request, &mut judge),
                _ => None,
            },
            pc4::mme::APPLICATION => match pc4::mme::Message::decode(bytes).ok()? {
                pc4::mme::Message::IdentifierAllocationRequest(request) => self.message_5(&request, &mut judge),
                _ => None,
            },
            pc4::function::APPLICATION => match pc4::function::Message::decode(bytes).ok()? {
                pc4::function::Message::ContextTransferRequest(request) => {
                    let id1 = id1_of(request.pduid)?;
                    judge.require(
                        self.issued.is_empty() || self.issued.contains_key(&id1),
                        "F-4 [0026]",
                        avp::<Pduid>,
                        || format!("message G1 asks for ID1 {id1:016x}, which no message 6 gave out"),
                    );
                    Some(Asked::Fetch { id1, by: request.origin_host.to_ascii_lowercase() })
                }
                pc4::function::Message::ContextReleaseRequest(request) => {
                    let id1 = id1_of(request.pduid)?;
                    let fetched = self.issued.get(&id1).is_none_or(|issued| issued.fetched_by.is_some());
                    judge.require(fetched, "F-6", avp::<Pduid>, || {
                        format!("ID1 {id1:016x} is released, but no message G2 handed its context over before")
                    });
                    Some(Asked::Release { id1 })
                }
                _ => None,
            },
            application if of_application(application).is_some_and(|interface| interface.name == "PC2") => {
                match pc2::Message::decode(bytes).ok()? {
                    pc2::Message::ProXimityApplicationRequest(request)
                        if request.prose_request_type == private::REQUEST_TYPE_BIND_USER =>
                    {
                        self.message_2(&request, bytes, &mut judge)
                    }
                    pc2::Message::ProXimityActionRequest(request)
                        if find::<ContextMove>(bytes) == Some(ContextMove::DEREGISTERED) =>
                    {
                        farewell(&request, bytes, &mut judge)
                    }
                    pc2::Message::ProXimityActionRequest(request)
                        if find::<ContextMove>(bytes).is_some() || find::<OldPduid>(bytes).is_some() =>
                    {
                        self.message_u1(&request, bytes, &mut judge)
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
        let old_id1 = request.old_pduid.and_then(id1_of);
        let old_id3 = id3_of(request.old_prose_function_id, request.old_prose_function_address);
        judge.both_or_none(request.old_pduid.is_some(), old_id3.is_some());
        let user = self.users.entry(imsi.to_owned()).or_default();
        judge.require(request.ue_prose_capability != 0, "MME-2 [0015]", avp::<UeProseCapability>, || {
            format!("message 5 left for {}, whose UE is capable of nothing", mask(imsi))
        });
        if let Some(permission) = user.subscription.to_mme {
            judge.require(permission & request.ue_prose_capability != 0, "MME-2 [0015]", avp::<UeProseCapability>, || {
                format!(
                    "message 5 left for {}, whose capability {:#x} and subscription {permission:#x} have nothing in common",
                    mask(imsi),
                    request.ue_prose_capability
                )
            });
        }
        match user.asked {
            Some((capability, old)) => {
                judge.require(
                    capability == request.ue_prose_capability,
                    "UE-2 [0010]",
                    avp::<UeProseCapability>,
                    || {
                        format!(
                            "the capability is {:#x}, expected {capability:#x} as the UE said",
                            request.ue_prose_capability
                        )
                    },
                );
                judge.require(old == old_id1, "UE-2 [0010]", avp::<OldPduid>, || {
                    format!("the old ID1 is {}, expected {} as the UE said", hex(old_id1), hex(old))
                });
            }
            None => judge.require(!self.ue_leg, "UE-2 [0010]", String::new, || {
                format!("message 5 leaves the MME for {}, whose UE sent none", mask(imsi))
            }),
        }
        if let Some(old) = old_id1
            && let Some(issued) = self.issued.get(&old)
        {
            judge.require(
                old_id3 == issued.id3,
                "registration procedure, message 5",
                avp::<OldProseFunctionId>,
                || format!("the old ID3 is {}, expected {} as message 6 gave it", show(&old_id3), show(&issued.id3)),
            );
        }
        Some(Asked::AllocateAtMme { imsi: imsi.to_owned(), old_id1 })
    }

    /// Message 1.
    fn message_1(&mut self, request: &pc3::UserRegistrationRequest<'_>, judge: &mut Judge<'_>) -> Option<Asked> {
        self.server_leg = true;
        let Some(id1) = id1_of(request.pduid) else {
            judge.error(
                "UE-1 [0006]",
                avp::<Pduid>(),
                format!("{} octets are no ID1, expected 8", request.pduid.len()),
            );
            return None;
        };
        if request.user_credential_type == UserCredentialType::SIGNED_PROOF {
            judge.require(request.proof_time.is_some(), "AS-1 [0036]", avp::<ProofTime>, || {
                "message 1 carries a signed proof and does not say when it was made".to_owned()
            });
            judge.require(request.proof_nonce.is_some(), "AS-1 [0036]", avp::<ProofNonce>, || {
                "message 1 carries a signed proof that has no nonce".to_owned()
            });
        }
        let id3 = id3_of(request.prose_function_id, request.prose_function_address);
        if self.ue_leg {
            let ue = request.origin_host.to_ascii_lowercase();
            match self.issued.get(&id1) {
                Some(issued) if issued.delivered.contains(&ue) => {
                    judge.require(id3 == issued.id3, "UE-3 [0013]", avp::<ProseFunctionId>, || {
                        format!("ID3 is {}, expected {} as message 6 gave it", show(&id3), show(&issued.id3))
                    });
                }
                _ => judge.error(
                    "UE-1 [0006]",
                    avp::<Pduid>(),
                    format!("message 1 carries ID1 {id1:016x}, which no message 6 brought to {ue}"),
                ),
            }
        }
        let application = request.prose_app_id.to_owned();
        self.registering
            .insert((id1, application.clone()), Registering { id3, frame: judge.spot.frame, ..Default::default() });
        Some(Asked::Register { id1, application })
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
        judge.require(id1.is_some(), "F-2 [0019]", avp::<Pduid>, || "message 2 has no ID1 of 8 octets".to_owned());
        judge.require(id2.is_some(), "AS-2 [0042]", avp::<OriginAppLayerUserId>, || "message 2 has no ID2".to_owned());
        judge.require(application.is_some(), "F-2", avp::<ProseAppId>, || "message 2 names no application".to_owned());
        let (id1, id2, application) = (id1?, id2?, application?);
        let server = request.origin_host.to_ascii_lowercase();
        match self.registering.get_mut(&(id1, application.to_owned())) {
            Some(registering) => {
                registering.binding = Some(id2.to_owned());
                // An ID3 that is an address names no host: the connection shows where message 2 goes.
                let named = registering.id3.as_ref().filter(|id3| id3.parse::<std::net::IpAddr>().is_err());
                let host = request.destination_host.map(str::to_ascii_lowercase);
                judge.require(
                    named.is_none_or(|named| Some(named) == host.as_ref()),
                    "AS-3 [0035]",
                    || "Destination-Host (293)".to_owned(),
                    || {
                        format!(
                            "message 2 goes to {}, expected {} as ID3 of message 1 says",
                            host.as_deref().unwrap_or("no host"),
                            show(&registering.id3)
                        )
                    },
                );
            }
            None => judge.require(!self.server_leg, "AS-1 [0036]", avp::<Pduid>, || {
                format!("message 2 carries ID1 {id1:016x} for {application}, of which no message 1 is open")
            }),
        }
        if let Some(bound) = self.bound.get(&(id2.to_owned(), server.clone())) {
            judge.require(bound.application == application, "AS-2 [0042]", avp::<OriginAppLayerUserId>, || {
                format!("this ID2 is that of application {}, expected one of its own", bound.application)
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
        judge.require(find::<ContextMove>(bytes).is_some(), "AS-5 [0038]", avp::<ContextMove>, || {
            "message U1 lacks the marker of a move, without which it is an application registration".to_owned()
        });
        let id4 = find::<Pduid>(bytes).and_then(id1_of);
        let old = find::<OldPduid>(bytes).and_then(id1_of);
        let id5 = id3_of(request.prose_function_id, find::<ProseFunctionAddress>(bytes));
        let old_id3 = id3_of(find::<OldProseFunctionId>(bytes), find::<OldProseFunctionAddress>(bytes));
        let id2 = request.origin_app_layer_user_id;
        judge.require(id2.is_some(), "AS-5 [0038]", avp::<OriginAppLayerUserId>, || "message U1 has no ID2".to_owned());
        judge.require(id4.is_some(), "AS-5 [0038]", avp::<Pduid>, || "message U1 has no ID4 of 8 octets".to_owned());
        judge.require(old.is_some(), "AS-5", avp::<OldPduid>, || "message U1 has no old ID1 of 8 octets".to_owned());
        judge.require(id5.is_some(), "AS-5 [0038]", avp::<ProseFunctionId>, || "message U1 has no ID5".to_owned());
        let (id2, id4, old) = (id2?, id4?, old?);
        let by = request.origin_host.to_ascii_lowercase();
        let is_address = id5.as_ref().is_some_and(|id5| id5.parse::<std::net::IpAddr>().is_ok());
        judge.require(is_address || id5.as_ref() == Some(&by), "AS-6 [0039]", avp::<ProseFunctionId>, || {
            format!("ID5 is {}, expected {by}, which sends it", show(&id5))
        });
        let server = request.destination_host.unwrap_or_default().to_ascii_lowercase();
        match self.bound.get(&(id2.to_owned(), server.clone())) {
            Some(bound) => {
                judge.require(bound.id1 == old, "AS-5 [0038]", avp::<OldPduid>, || {
                    format!("the old ID1 is {old:016x}, expected {:016x}, to which ID2 is bound", bound.id1)
                });
                judge.require(old_id3 == bound.id3, "AS-5", avp::<OldProseFunctionId>, || {
                    format!("the old ID3 is {}, expected {}", show(&old_id3), show(&bound.id3))
                });
            }
            None => judge.require(!self.server_leg, "AS-5 [0038]", avp::<OriginAppLayerUserId>, || {
                format!("message U1 names an ID2 that no message 3 bound at {server}")
            }),
        }
        if let Some(issued) = self.issued.get(&old) {
            judge.require(issued.fetched_by.as_ref() == Some(&by), "F3-1 [0026]", avp::<OldPduid>, || {
                format!("{by} updates the context of ID1 {old:016x}, which it did not fetch")
            });
            let moved_to = self.issued.get(&id4).map(|new| new.imsi.as_str());
            judge.require(moved_to.is_none_or(|imsi| imsi == issued.imsi), "F3-1 [0038]", avp::<Pduid>, || {
                format!("ID4 {id4:016x} was given to another UE than ID1 {old:016x}")
            });
        }
        Some(Asked::Update { id2: id2.to_owned(), server, id4, id5, old })
    }

    /// Takes the answer to a request that was remembered.
    pub fn answer(
        &mut self,
        asked: Asked,
        message: &CapturedMessage<'_>,
        header: &Header,
        spot: Spot,
        report: &mut Report,
    ) {
        let bytes = message.bytes;
        let mut judge = Judge { spot, report };
        let result = find::<crate::avp::dictionary::ResultCode>(bytes);
        let experimental = find::<crate::avp::dictionary::ExperimentalResult>(bytes);
        judge.require(
            header.flags.is_error() || result.is_some() != experimental.is_some(),
            "TS 29.229 section 6.2: one of the two",
            || "Result-Code (268)".to_owned(),
            || "expected exactly one of Result-Code and Experimental-Result".to_owned(),
        );
        let success = result.is_some_and(|code| (2000..3000).contains(&code));
        match asked {
            Asked::Result => {}
            Asked::UpdateLocation { imsi } => {
                if let Ok(answer) = s6a::UpdateLocationAnswer::decode(bytes)
                    && success
                {
                    let permission = answer
                        .subscription_data
                        .and_then(|data| data.prose_subscription_data)
                        .map_or(0, |data| data.prose_permission);
                    self.users.entry(imsi).or_default().subscription.to_mme = Some(permission);
                }
            }
            Asked::Subscriber { imsi } => {
                let data = find::<ProseSubscriptionData>(bytes);
                judge.require(
                    !success || data.is_some(),
                    "TS 29.344 section 5.2",
                    avp::<ProseSubscriptionData>,
                    || "a PIA of success has no subscription".to_owned(),
                );
                let allowed = success && data.is_some_and(|data| data.prose_permission != 0);
                self.users.entry(imsi).or_default().subscription.to_function = Some(allowed);
            }
            Asked::AllocateAtMme { imsi, old_id1 } => self.message_6(&imsi, old_id1, bytes, success, &mut judge),
            Asked::AllocateAtUe { ue, imsi } => self.message_6_at_ue(ue, &imsi, bytes, success, &mut judge),
            Asked::Bind { id1, id2, application, server } => {
                self.message_3(id1, id2, application, server, success, bytes, &mut judge);
            }
            Asked::Register { id1, application } => self.message_4(id1, application, bytes, success, &mut judge),
            Asked::Fetch { id1, by } => self.message_g2(id1, by, bytes, success, &mut judge),
            Asked::Update { id2, server, id4, id5, old } => {
                if success {
                    judge.report.moves += 1;
                    if let Some(bound) = self.bound.get_mut(&(id2, server))
                        && bound.id1 == old
                    {
                        bound.id1 = id4;
                        bound.id3 = id5;
                    }
                }
            }
            Asked::Release { id1 } => {
                if success && let Some(issued) = self.issued.get_mut(&id1) {
                    issued.released = true;
                }
            }
        }
    }

    /// Message 6 as the function gives it.
    fn message_6(&mut self, imsi: &str, old: Option<u64>, bytes: &[u8], success: bool, judge: &mut Judge<'_>) {
        let Ok(answer) = pc4::mme::IdentifierAllocationAnswer::decode(bytes) else { return };
        if !success {
            judge.report.refusals += 1;
            judge.require(answer.pduid.is_none(), "F-1 [0017]", avp::<Pduid>, || {
                "a refused message 6 carries an ID1".to_owned()
            });
            return;
        }
        let function = answer.origin_host.to_ascii_lowercase();
        let id3 = id3_of(answer.prose_function_id, answer.prose_function_address);
        let id1 = answer.pduid.and_then(id1_of);
        judge.require(id1.is_some(), "F-1 [0017]", avp::<Pduid>, || "message 6 has no ID1 of 8 octets".to_owned());
        judge.require(id3.is_some(), "registration procedure, message 6", avp::<ProseFunctionId>, || {
            "message 6 has no ID3".to_owned()
        });
        judge.require(
            answer.pduid_validity_time.is_some_and(|seconds| seconds > 0),
            "registration procedure, message 6",
            avp::<PduidValidityTime>,
            || "message 6 has no validity time".to_owned(),
        );
        let Some(id1) = id1 else { return };
        let user = self.users.entry(imsi.to_owned()).or_default();
        if self.subscription_leg {
            judge.require(user.subscription.to_function == Some(true), "F-1 [0017]", avp::<Pduid>, || {
                format!("ID1 was allocated for {}, but no PIA allowed it", mask(imsi))
            });
        }
        judge.require(old != Some(id1), "F3-1 [0038]", avp::<Pduid>, || {
            format!("ID4 is the old ID1 {id1:016x}, expected one of the new function's own")
        });
        // The same UE at the same function keeps its ID1; only a move changes it.
        if let Some(before) = user.id1
            && before != id1
            && old.is_none()
            && let Some(issued) = self.issued.get(&before)
        {
            judge.require(issued.function != function, "F-1 [0021]", avp::<Pduid>, || {
                format!(
                    "the UE asked again and got ID1 {id1:016x}, expected {before:016x} as in frame {}",
                    issued.frame
                )
            });
        }
        user.id1 = Some(id1);
        let frame = judge.spot.frame;
        let issued =
            self.issued.entry(id1).or_insert_with(|| Issued { imsi: imsi.to_owned(), frame, ..Default::default() });
        judge.require(issued.imsi == imsi, "F-1 [0017]", avp::<Pduid>, || {
            format!(
                "ID1 {id1:016x} is that of {} since frame {}, expected one of its own",
                mask(&issued.imsi),
                issued.frame
            )
        });
        issued.function = function;
        issued.id3 = id3;
        issued.validity = answer.pduid_validity_time.unwrap_or(0);
    }

    /// Message 6 as the MME carries it back.
    fn message_6_at_ue(&mut self, ue: String, imsi: &str, bytes: &[u8], success: bool, judge: &mut Judge<'_>) {
        let Ok(answer) = pc3::UeIdentifierAllocationAnswer::decode(bytes) else { return };
        if let Some(user) = self.users.get_mut(imsi) {
            user.asked = None;
        }
        if !success {
            judge.report.refusals += 1;
            return;
        }
        let Some(id1) = answer.pduid.and_then(id1_of) else {
            judge.error("MME-3 [0012]", avp::<Pduid>(), "message 6 has no ID1 of 8 octets".to_owned());
            return;
        };
        let id3 = id3_of(answer.prose_function_id, answer.prose_function_address);
        match self.issued.get_mut(&id1) {
            Some(issued) if issued.imsi == imsi => {
                judge.require(id3 == issued.id3, "MME-3 [0012]", avp::<ProseFunctionId>, || {
                    format!("ID3 is {}, expected {} as the function gave it", show(&id3), show(&issued.id3))
                });
                let validity = answer.pduid_validity_time.unwrap_or(0);
                judge.require(
                    validity > 0 && validity <= issued.validity,
                    "MME-3 [0012]",
                    avp::<PduidValidityTime>,
                    || {
                        format!(
                            "the validity time is {validity} s, expected {} s as the function gave it",
                            issued.validity
                        )
                    },
                );
                if !issued.delivered.contains(&ue) {
                    issued.delivered.push(ue);
                }
            }
            Some(issued) => {
                let (of, at) = (mask(&issued.imsi), issued.frame);
                judge.error(
                    "MME-3 [0012]",
                    avp::<Pduid>(),
                    format!("message 6 brings {} the ID1 of {of}, given in frame {at}", mask(imsi)),
                );
            }
            // Without the leg to the function the UE's own leg is all there is.
            None if !self.function_leg => {
                let frame = judge.spot.frame;
                self.issued.insert(
                    id1,
                    Issued { imsi: imsi.to_owned(), frame, id3, delivered: vec![ue], ..Default::default() },
                );
            }
            None => judge.error(
                "MME-3 [0012]",
                avp::<Pduid>(),
                format!("message 6 brings ID1 {id1:016x}, which the function did not give"),
            ),
        }
    }

    /// Message 3.
    #[allow(clippy::too_many_arguments, reason = "the parts of message 2, taken apart where they were remembered")]
    fn message_3(
        &mut self,
        id1: u64,
        id2: String,
        application: String,
        server: String,
        success: bool,
        bytes: &[u8],
        judge: &mut Judge<'_>,
    ) {
        let kind = find::<ProseRequestType>(bytes);
        judge.require(
            kind.is_none_or(|kind| kind == private::REQUEST_TYPE_BIND_USER),
            "TS 29.343 section 6.6.5",
            avp::<ProseRequestType>,
            || "message 3 does not repeat the type of message 2".to_owned(),
        );
        let registering = self.registering.get_mut(&(id1, application.clone()));
        let id3 = match registering {
            Some(registering) => {
                registering.binding = None;
                if success {
                    registering.bound = Some(id2.clone());
                }
                registering.id3.clone()
            }
            None => None,
        };
        if !success {
            return;
        }
        let known = self.issued.get(&id1);
        judge.require(self.issued.is_empty() || known.is_some(), "F-2 [0019]", avp::<Pduid>, || {
            format!("message 3 accepts ID1 {id1:016x}, which no message 6 gave out")
        });
        judge.require(known.is_none_or(|issued| !issued.released), "F-6", avp::<Pduid>, || {
            format!("message 3 accepts ID1 {id1:016x}, whose context was handed over and released")
        });
        let id3 = id3.or_else(|| known.and_then(|issued| issued.id3.clone()));
        self.bound.insert((id2, server), Bound { id1, application, id3 });
    }

    /// Message 4.
    fn message_4(&mut self, id1: u64, application: String, bytes: &[u8], success: bool, judge: &mut Judge<'_>) {
        let Some(registering) = self.registering.remove(&(id1, application)) else { return };
        if !success {
            judge.report.refusals += 1;
            return;
        }
        judge.require(registering.binding.is_none(), "AS-4 [0031]", String::new, || {
            "message 4 leaves before message 3 came".to_owned()
        });
        let id2 = find::<OriginAppLayerUserId>(bytes);
        judge.require(id2.is_some(), "registration procedure, message 4", avp::<OriginAppLayerUserId>, || {
            "message 4 of success has no ID2".to_owned()
        });
        match (&registering.bound, id2) {
            (Some(bound), Some(id2)) => {
                judge.require(bound == id2, "AS-2 [0042]", avp::<OriginAppLayerUserId>, || {
                    "message 4 carries another ID2 than message 2".to_owned()
                });
                judge.report.registrations += 1;
            }
            (Some(_), None) => {}
            (None, _) => judge.require(self.bound.is_empty(), "AS-4 [0032]", String::new, || {
                format!(
                    "message 4 says success to the message 1 of frame {}, for which no message 3 did",
                    registering.frame
                )
            }),
        }
    }

    /// Message G2.
    fn message_g2(&mut self, id1: u64, by: String, bytes: &[u8], success: bool, judge: &mut Judge<'_>) {
        let Ok(answer) = pc4::function::ContextTransferAnswer::decode(bytes) else { return };
        if !success {
            return;
        }
        let Some(context) = answer.ue_context else {
            judge.error("F-4 [0027]", "UE-Context (10)".to_owned(), "message G2 of success has no context".to_owned());
            return;
        };
        judge.require(id1_of(context.pduid) == Some(id1), "F-4 [0027]", avp::<Pduid>, || {
            format!("the context is that of another ID1, expected {id1:016x} as message G1 asked")
        });
        if let Some(issued) = self.issued.get_mut(&id1) {
            judge.require(
                context.user_name == issued.imsi,
                "F-4 [0027]",
                || "User-Name (1)".to_owned(),
                || format!("the context is that of {}, expected {}", mask(context.user_name), mask(&issued.imsi)),
            );
            issued.fetched_by = Some(by);
        }
        for ((id2, server), bound) in self.bound.iter().filter(|(_, bound)| bound.id1 == id1) {
            let listed = context.application_binding.iter().any(|binding| {
                binding.origin_app_layer_user_id == id2
                    && binding.prose_app_id == bound.application
                    && binding.app_server_host.eq_ignore_ascii_case(server)
            });
            judge.require(listed, "F-4 [0027]", avp::<AppServerHost>, || {
                format!("the context lacks the binding of {} at {server}", bound.application)
            });
        }
    }
}

fn hex(id1: Option<u64>) -> String {
    id1.map_or_else(|| "none".to_owned(), |id1| format!("{id1:016x}"))
}
