//! The steps of each UE, kept for ladder diagrams and reports when the caller asks for them.

use crate::avp::dictionary::{
    DestinationHost, ExperimentalResult, OldPduid, OriginHost, Pduid, ResultCode, UserName, private,
};
use crate::capture::CapturedMessage;
use crate::interfaces::{self, pc2, pc3, pc4};
use crate::message::Header;

use super::{Asked, Procedure, find, id1_of};
use crate::verify::Spot;
use crate::verify::finding::{Report, STEP_LIMIT, Step};

/// What messages of the procedure are called: the number in it where they have one, else the command's abbreviation.
fn name_of(header: &Header, abbreviation: &'static str) -> &'static str {
    const PXR: u32 = 8_388_676;
    const XAR: u32 = 8_388_727;
    let pick = |request, answer| if header.is_request() { request } else { answer };
    match (header.application, header.code) {
        (pc3::APPLICATION | pc4::mme::APPLICATION, private::COMMAND_A) => pick("5", "6"),
        (pc3::APPLICATION, private::COMMAND_B) => pick("1", "4"),
        (pc2::APPLICATION | pc2::APPLICATION_FIRST, XAR) => pick("2", "3"),
        (pc2::APPLICATION | pc2::APPLICATION_FIRST, PXR) => pick("U1", "U2"),
        (pc4::function::APPLICATION, private::COMMAND_A) => pick("G1", "G2"),
        _ => abbreviation,
    }
}

impl Procedure {
    /// The UE that a request is about; a new one where message 5 or an ID1 names one.
    pub(super) fn ue_of_request(&mut self, asked: &Asked, report: &mut Report) -> Option<u32> {
        match asked {
            Asked::AllocateAtUe { imsi, .. } | Asked::AllocateAtMme { imsi, .. } => Some(self.ue_of_imsi(imsi, report)),
            Asked::Register { id1, .. }
            | Asked::Bind { id1, .. }
            | Asked::Fetch { id1, .. }
            | Asked::Release { id1 } => Some(self.ue_of_id1(*id1, report)),
            Asked::Update { id4, old, .. } => {
                let ue = self.ue_of_id1(*old, report);
                self.ues.entry(*id4).or_insert(ue);
                Some(ue)
            }
            Asked::Subscriber { imsi } => self.users.get(imsi).and_then(|user| user.ue),
            Asked::Result | Asked::Farewell { .. } => None,
        }
    }

    /// Keeps a step, when steps are kept. `peer` is who stands at the other end of the connection.
    pub fn step(
        &self,
        ue: Option<u32>,
        message: &CapturedMessage<'_>,
        header: &Header,
        spot: Spot,
        peer: Option<&str>,
        report: &mut Report,
    ) {
        if !self.keeps_steps {
            return;
        }
        let Some(command) = interfaces::command_of(header) else { return };
        let Some(ue) = report.ue_mut(ue) else { return };
        if ue.steps.len() >= STEP_LIMIT {
            ue.steps_dropped += 1;
            return;
        }
        let bytes = message.bytes;
        let to = peer.or_else(|| find::<DestinationHost>(bytes));
        let result = find::<ResultCode>(bytes)
            .or_else(|| find::<ExperimentalResult>(bytes).map(|group| group.experimental_result_code));
        ue.steps.push(Step {
            name: name_of(header, command.abbreviation),
            command: command.name,
            request: header.is_request(),
            capture: spot.capture,
            frame: spot.frame,
            index: spot.index,
            time: message.time,
            from: find::<OriginHost>(bytes).map_or_else(|| message.source.to_string(), str::to_owned),
            to: to.map_or_else(|| message.destination.to_string(), str::to_owned),
            result: result.filter(|_| !header.is_request()),
        });
    }

    /// Who sent a request, for the step of its answer.
    pub fn asker(&self, message: &CapturedMessage<'_>) -> Option<String> {
        if !self.keeps_steps {
            return None;
        }
        Some(find::<OriginHost>(message.bytes).map_or_else(|| message.source.to_string(), str::to_owned))
    }

    /// The UE of a message that a ladder shows though the procedure does not follow it: PNR, for one.
    pub(super) fn beside(&self, bytes: &[u8]) -> Option<u32> {
        if !self.keeps_steps {
            return None;
        }
        let user = find::<UserName>(bytes).and_then(|imsi| self.users.get(imsi)).and_then(|user| user.ue);
        let id1 = || find::<Pduid>(bytes).or_else(|| find::<OldPduid>(bytes)).and_then(id1_of);
        user.or_else(|| self.ues.get(&id1()?).copied())
    }
}
