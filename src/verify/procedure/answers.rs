//! Answers of the procedure: what they hand out, and whether they may.

use crate::avp::dictionary::{
    AppServerHost, OriginAppLayerUserId, Pduid, PduidValidityTime, ProseFunctionId, ProseRequestType,
    ProseSubscriptionData, private,
};
use crate::capture::CapturedMessage;
use crate::interfaces::{pc3, pc4, s6a};
use crate::message::Command;

use super::room::FOLLOWED;
use super::{Asked, Bound, Issued, Judge, PERMISSION_LIMIT, Procedure, avp, find, id1_of, id3_of, mask, no_avp, show};
use crate::verify::Spot;
use crate::verify::checks;
use crate::verify::finding::Report;

/// UEs that an ID1 is remembered to have come to.
const DELIVERED: usize = 16;
/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

impl Procedure {
    /// Takes the answer to a request that was remembered. `ue` is the UE of the request.
    pub fn answer(
        &mut self,
        asked: Asked,
        ue: Option<u32>,
        message: &CapturedMessage<'_>,
        spot: Spot,
        report: &mut Report,
    ) {
        let bytes = message.bytes;
        let mut judge = Judge { spot, report, ue };
        let result = find::<crate::avp::dictionary::ResultCode>(bytes);
        let success = result.is_some_and(|code| (2000..3000).contains(&code));
        match asked {
            Asked::Result => {}
            Asked::Subscriber { imsi } => {
                let data = find::<ProseSubscriptionData>(bytes);
                let said = !success || data.is_some();
                judge.require(said, checks::SUBSCRIPTION_MISSING, avp::<ProseSubscriptionData>, || {
                    ("a PIA of success has no subscription".to_owned(), "ProSe-Subscription-Data".to_owned())
                });
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
                    judge.moved();
                    let key = (id2, server);
                    if let Some(bound) = self.bound.get_mut(&key)
                        && bound.id1 == old
                    {
                        bound.id1 = id4;
                        bound.id3 = id5;
                        self.bound_to.entry(id4).or_default().push(key);
                    }
                }
            }
            Asked::Farewell { id2, server } => {
                let key = (id2, server);
                if success
                    && let Some(bound) = self.bound.remove(&key)
                    && let Some(keys) = self.bound_to.get_mut(&bound.id1)
                {
                    keys.retain(|other| *other != key);
                }
            }
            Asked::Release { id1 } => {
                if success && let Some(issued) = self.issued.get_mut(&id1) {
                    issued.released = true;
                }
            }
        }
    }

    /// Takes the answer to an Update-Location-Request: what the subscriber, by digest, is allowed.
    pub fn subscription(&mut self, subscriber: u64, success: bool, has_data: bool, bytes: &[u8]) {
        if !success {
            return;
        }
        let permission = if has_data {
            s6a::UpdateLocationAnswer::decode(bytes)
                .ok()
                .and_then(|answer| answer.subscription_data?.prose_subscription_data)
                .map_or(0, |data| data.prose_permission)
        } else {
            0
        };
        if self.permissions.len() >= PERMISSION_LIMIT {
            self.permissions.clear();
        }
        self.permissions.insert(subscriber, permission);
    }

    /// Message 6 as the function gives it.
    fn message_6(&mut self, imsi: &str, old: Option<u64>, bytes: &[u8], success: bool, judge: &mut Judge<'_>) {
        let Ok(answer) = pc4::mme::IdentifierAllocationAnswer::decode(bytes) else { return };
        if !success {
            judge.refused();
            judge.require(answer.pduid.is_none(), checks::MESSAGE_6_REFUSED, avp::<Pduid>, || {
                ("a refused message 6 carries an ID1".to_owned(), "none".to_owned())
            });
            return;
        }
        let function = answer.origin_host.to_ascii_lowercase();
        let id3 = id3_of(answer.prose_function_id, answer.prose_function_address);
        let id1 = answer.pduid.and_then(id1_of);
        let lacks = |what: &str, expected: &str| (format!("message 6 has no {what}"), expected.to_owned());
        let incomplete = checks::MESSAGE_6_INCOMPLETE;
        judge.require(id1.is_some(), incomplete, avp::<Pduid>, || lacks("ID1 of 8 octets", "one in a success"));
        judge.require_by(
            id3.is_some(),
            incomplete,
            "registration procedure, message 6",
            avp::<ProseFunctionId>,
            || lacks("ID3", "the address of the function"),
        );
        judge.require_by(
            answer.pduid_validity_time.is_some_and(|seconds| seconds > 0),
            incomplete,
            "registration procedure, message 6",
            avp::<PduidValidityTime>,
            || lacks("validity time", "seconds, more than none"),
        );
        let Some(id1) = id1 else { return };
        let (told, now) = (judge.spot.told(), judge.spot.time.0);
        self.make_room(now, FOLLOWED, judge.report);
        if let Some(left) = old.and_then(|old| self.issued.get_mut(&old))
            && left.fetched_by.as_ref() == Some(&function)
        {
            left.moved.get_or_insert(judge.spot);
        }
        let ue = self.ue_of_imsi(imsi, judge.report);
        let user = self.users.entry(imsi.to_owned()).or_default();
        if self.subscription_leg {
            let allowed = user.subscription.to_function == Some(true);
            judge.require(allowed, checks::MESSAGE_6_NOT_ALLOWED, avp::<Pduid>, || {
                (format!("ID1 was allocated for {}, but no PIA allowed it", mask(imsi)), "a refusal".to_owned())
            });
        }
        judge.require_by(old != Some(id1), checks::MESSAGE_6_ID1, "F3-1 [0038]", avp::<Pduid>, || {
            (format!("ID4 is the old ID1 {id1:016x}"), "one of the new function's own".to_owned())
        });
        // The same UE at the same function keeps its ID1; only a move changes it.
        if let Some(before) = user.id1
            && before != id1
            && old.is_none()
            && let Some(issued) = self.issued.get(&before)
        {
            judge.require_by(issued.function != function, checks::MESSAGE_6_ID1, "F-1 [0021]", avp::<Pduid>, || {
                (format!("the UE asked again and got ID1 {id1:016x}"), format!("{before:016x} as in {}", issued.told))
            });
        }
        user.id1 = Some(id1);
        self.ues.insert(id1, ue);
        let issued =
            self.issued.entry(id1).or_insert_with(|| Issued { imsi: imsi.to_owned(), told, ..Default::default() });
        judge.require(issued.imsi == imsi, checks::MESSAGE_6_ID1, avp::<Pduid>, || {
            (
                format!("ID1 {id1:016x} is that of {} since {}", mask(&issued.imsi), issued.told),
                "one of its own".to_owned(),
            )
        });
        issued.function = function;
        issued.id3 = id3;
        issued.validity = answer.pduid_validity_time.unwrap_or(0);
        issued.until = answer.pduid_validity_time.map(|seconds| now.saturating_add(i64::from(seconds) * SECOND));
        issued.seen = now;
    }

    /// Message 6 as the MME carries it back.
    fn message_6_at_ue(&mut self, ue: String, imsi: &str, bytes: &[u8], success: bool, judge: &mut Judge<'_>) {
        let Ok(answer) = pc3::UeIdentifierAllocationAnswer::decode(bytes) else { return };
        if let Some(user) = self.users.get_mut(imsi) {
            user.asked = None;
        }
        if !success {
            judge.refused();
            return;
        }
        let id1 = answer.pduid.and_then(id1_of);
        let altered = checks::MESSAGE_6_ALTERED;
        judge.require(id1.is_some(), altered, avp::<Pduid>, || {
            ("message 6 has no ID1 of 8 octets".to_owned(), "that of the function".to_owned())
        });
        let Some(id1) = id1 else { return };
        let id3 = id3_of(answer.prose_function_id, answer.prose_function_address);
        match self.issued.get_mut(&id1) {
            Some(issued) => {
                judge.require(issued.imsi == imsi, altered, avp::<Pduid>, || {
                    (
                        format!("message 6 brings {} the ID1 of {}", mask(imsi), mask(&issued.imsi)),
                        format!("its own; this one was given in {}", issued.told),
                    )
                });
                if issued.imsi != imsi {
                    return;
                }
                judge.require(id3 == issued.id3, altered, avp::<ProseFunctionId>, || {
                    (format!("ID3 is {}", show(&id3)), format!("{} as the function gave it", show(&issued.id3)))
                });
                let validity = answer.pduid_validity_time.unwrap_or(0);
                judge.require(validity > 0 && validity <= issued.validity, altered, avp::<PduidValidityTime>, || {
                    (
                        format!("the validity time is {validity} s"),
                        format!("{} s as the function gave it", issued.validity),
                    )
                });
                if !issued.delivered.contains(&ue) && issued.delivered.len() < DELIVERED {
                    issued.delivered.push(ue);
                }
            }
            // Without the leg to the function the UE's own leg is all there is.
            None if !self.function_leg => {
                self.make_room(judge.spot.time.0, FOLLOWED, judge.report);
                let number = self.ue_of_imsi(imsi, judge.report);
                self.ues.insert(id1, number);
                let issued = Issued {
                    imsi: imsi.to_owned(),
                    told: judge.spot.told(),
                    id3,
                    delivered: vec![ue],
                    seen: judge.spot.time.0,
                    ..Default::default()
                };
                self.issued.insert(id1, issued);
            }
            None => judge.require(self.forgotten > 0, altered, avp::<Pduid>, || {
                (format!("message 6 brings ID1 {id1:016x}"), "one that the function gave".to_owned())
            }),
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
            checks::MESSAGE_3_TYPE,
            avp::<ProseRequestType>,
            || (format!("the type is {}", kind.unwrap_or_default()), "that of message 2".to_owned()),
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
        let id1_check = checks::MESSAGE_3_ID1;
        judge.require(!self.knows_issued() || known.is_some(), id1_check, avp::<Pduid>, || {
            (format!("message 3 accepts ID1 {id1:016x}"), "a refusal: no message 6 gave it out".to_owned())
        });
        judge.require_by(known.is_none_or(|issued| !issued.released), id1_check, "F-6", avp::<Pduid>, || {
            (
                format!("message 3 accepts ID1 {id1:016x}"),
                "a refusal: its context was handed over and released".to_owned(),
            )
        });
        if let Some(until) = known.and_then(|issued| issued.until) {
            let over = judge.spot.time.0.saturating_sub(until.saturating_add(SECOND)) / SECOND;
            judge.require(over <= 0, checks::ID1_EXPIRED, avp::<Pduid>, || {
                (
                    format!("message 3 accepts ID1 {id1:016x}, whose validity ran out {over} s ago"),
                    "a refusal".to_owned(),
                )
            });
        }
        let id3 = id3.or_else(|| known.and_then(|issued| issued.id3.clone()));
        self.bound_to.entry(id1).or_default().push((id2.clone(), server.clone()));
        self.bound.insert((id2, server), Bound { id1, application, id3, told_of: None });
        if let Some(issued) = self.issued.get_mut(&id1) {
            issued.seen = judge.spot.time.0;
        }
    }

    /// Message 4.
    fn message_4(&mut self, id1: u64, application: String, bytes: &[u8], success: bool, judge: &mut Judge<'_>) {
        let Some(registering) = self.registering.remove(&(id1, application)) else { return };
        if !success {
            judge.refused();
            return;
        }
        judge.require(registering.binding.is_none(), checks::MESSAGE_4_EARLY, no_avp, || {
            ("message 4 leaves before message 3 came".to_owned(), "message 4 after it".to_owned())
        });
        let id2 = find::<OriginAppLayerUserId>(bytes);
        judge.require_by(
            id2.is_some(),
            checks::MESSAGE_4_ID2,
            "registration procedure, message 4",
            avp::<OriginAppLayerUserId>,
            || ("message 4 of success has no ID2".to_owned(), "that of message 2".to_owned()),
        );
        match (&registering.bound, id2) {
            (Some(bound), Some(id2)) => {
                judge.require(bound == id2, checks::MESSAGE_4_ID2, avp::<OriginAppLayerUserId>, || {
                    ("message 4 carries another ID2 than message 2".to_owned(), "the same".to_owned())
                });
                judge.registered();
            }
            (Some(_), None) => {}
            (None, _) => {
                judge.require(self.bound.is_empty() || self.forgotten > 0, checks::MESSAGE_4_UNBOUND, no_avp, || {
                    (
                        format!("message 4 says success to the message 1 of {}", registering.told),
                        "a message 3 of success before".to_owned(),
                    )
                })
            }
        }
    }

    /// Message G2.
    fn message_g2(&mut self, id1: u64, by: String, bytes: &[u8], success: bool, judge: &mut Judge<'_>) {
        let Ok(answer) = pc4::function::ContextTransferAnswer::decode(bytes) else { return };
        if !success {
            return;
        }
        let check = checks::MESSAGE_G2_CONTEXT;
        judge.require(
            answer.ue_context.is_some(),
            check,
            || "UE-Context (10)".to_owned(),
            || ("message G2 of success has no context".to_owned(), "that of the ID1".to_owned()),
        );
        let Some(context) = answer.ue_context else { return };
        judge.require(id1_of(context.pduid) == Some(id1), check, avp::<Pduid>, || {
            ("the context is that of another ID1".to_owned(), format!("{id1:016x} as message G1 asked"))
        });
        if let Some(issued) = self.issued.get_mut(&id1) {
            let same = context.user_name == issued.imsi;
            judge.require(
                same,
                check,
                || "User-Name (1)".to_owned(),
                || (format!("the context is that of {}", mask(context.user_name)), mask(&issued.imsi).to_string()),
            );
            issued.fetched_by = Some(by);
            issued.seen = judge.spot.time.0;
        }
        let keys = self.bound_to.get(&id1).map_or(&[][..], Vec::as_slice);
        for ((id2, server), bound) in keys.iter().filter_map(|key| Some((key, self.bound.get(key)?))) {
            if bound.id1 != id1 {
                continue;
            }
            let listed = context.application_binding.iter().any(|binding| {
                binding.origin_app_layer_user_id == id2
                    && binding.prose_app_id == bound.application
                    && binding.app_server_host.eq_ignore_ascii_case(server)
            });
            judge.require(listed, check, avp::<AppServerHost>, || {
                (
                    format!("the context lacks the binding of {} at {server}", bound.application),
                    "every binding of the UE".to_owned(),
                )
            });
        }
    }
}

impl Judge<'_> {
    fn refused(&mut self) {
        self.report.refusals += 1;
        self.report.capture_mut(self.spot.capture).refusals += 1;
        if let Some(ue) = self.report.ue_mut(self.ue) {
            ue.refusals += 1;
        }
    }

    fn registered(&mut self) {
        self.report.registrations += 1;
        self.report.capture_mut(self.spot.capture).registrations += 1;
        if let Some(ue) = self.report.ue_mut(self.ue) {
            ue.registrations += 1;
        }
    }

    fn moved(&mut self) {
        self.report.moves += 1;
        self.report.capture_mut(self.spot.capture).moves += 1;
        if let Some(ue) = self.report.ue_mut(self.ue) {
            ue.moves += 1;
        }
    }
}
