//! Where the HSS says that a UE is: PSR and PSA, TS 29.344 5.6.

use super::{Function, Pause, Procedure, Waiting, hex, read_answer};
use crate::interfaces::pc4::hss as pc4a;
use crate::registration::element::{Action, NoAnswer};
use crate::registration::exchange::{NO_STATE, send, vendor_specific};
use crate::registration::identifiers::Imsi;
use crate::store::ContextReader;

impl<R: ContextReader> Function<R> {
    /// Asks the HSS where a UE is: PSR. The news carries what PSA says: MME-Name, E-UTRAN-Cell-Global-Identity,
    /// Tracking-Area-Identity, and the age of that in minutes.
    pub fn locate(&mut self, imsi: Imsi, actions: &mut Vec<Action>) -> Procedure {
        let procedure = self.standard.procedures.begin();
        if self.pending.is_full() {
            self.refuse(procedure, "PSR", "too many requests are under way".to_owned(), actions);
            return procedure;
        }
        let session = self.sessions.next();
        let user = imsi.reveal();
        let token = self.pending.insert(Waiting::Standard(Box::new(Pause::Whereabouts(procedure, imsi))));
        let request = pc4a::ProseInitialLocationInformationRequest {
            session_id: &session,
            vendor_specific_application_id: Some(vendor_specific(pc4a::APPLICATION)),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: self.config.hss.host.as_deref(),
            destination_realm: &self.config.hss.realm,
            user_name: &user,
            ..Default::default()
        };
        send(pc4a::APPLICATION, &request, token, self.config.hss.clone(), actions);
        procedure
    }

    /// PSA.
    pub(super) fn whereabouts(
        &mut self,
        (procedure, imsi): (Procedure, Imsi),
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let answer = match read_answer::<pc4a::ProseInitialLocationInformationAnswer<'_>>(result) {
            Ok(answer) => answer,
            Err(why) => return self.refuse(procedure, "PSA", format!("location of {imsi}: {why}"), actions),
        };
        let mut details = Vec::new();
        if let Some(place) = &answer.prose_initial_location_information {
            details.extend(place.mme_name.map(|name| ("MME-Name", name.to_owned())));
            let cell = place.e_utran_cell_global_identity;
            details.extend(cell.map(|cell| ("E-UTRAN-Cell-Global-Identity", hex(cell))));
            details.extend(place.tracking_area_identity.map(|area| ("Tracking-Area-Identity", hex(area))));
            let age = place.age_of_location_information;
            details.extend(age.map(|age| ("Age-Of-Location-Information", age.to_string())));
        }
        self.tell(procedure, "PSA", Ok(format!("the HSS knows where {imsi} is")), details, actions);
    }
}
