//! Subscribers by number, each with three applications.

use proselink::registration::identifiers::{Id2, Imsi, Pduid, PlmnId, UnixSeconds};
use proselink::store::{AllowedPlmn, Binding, Condition, Id1Grant, Subscription, UeContext, UeState, Write};

pub const APPLICATIONS: [&str; 3] = ["chat.example.org", "games.example.org", "maps.example.org"];
const REALM: &str = "epc.mnc001.mcc001.3gppnetwork.org";

/// The subscriber of a number: neighbours in number are strangers in every order but that of time.
pub struct Subscriber(pub u64);

impl Subscriber {
    pub fn imsi(&self) -> Imsi {
        // 7,368,787 has no factor in common with ten: every number below 10^10 has an MSIN of its own.
        let msin = self.0 * 7_368_787 % 10_000_000_000;
        format!("00101{msin:010}").parse().expect("fifteen digits")
    }

    pub fn id1(&self) -> Pduid {
        let plmn: PlmnId = "001-01".parse().expect("a network");
        // An odd factor permutes the 40 bits.
        Pduid::new(plmn, self.0.wrapping_mul(0x9e_3779_b97f))
    }

    pub fn id2(&self, application: &str) -> Id2 {
        let number = u128::from(self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | application.len() as u128;
        Id2::from_random(number.to_be_bytes())
    }

    fn binding(&self, application: &str) -> Binding {
        Binding {
            application: application.into(),
            app_server_host: format!("as1.{REALM}").into(),
            app_server_realm: REALM.into(),
            id2: self.id2(application),
            bound_at: UnixSeconds(1_800_000_000),
            update_pending: false,
        }
    }

    /// The write that leaves the subscriber with its first `bound` applications.
    pub fn bound(&self, bound: usize, condition: Condition) -> Write {
        // UEs come over half a day.
        let valid_until = UnixSeconds(1_800_000_000 + self.0 / 24);
        let context = UeContext {
            imsi: self.imsi(),
            msisdn: format!("4917{:08}", self.0).parse().ok(),
            id1: Id1Grant { id1: self.id1(), valid_until },
            previous_id1: Vec::new(),
            subscription: Subscription {
                permission: 3,
                allowed_plmns: vec![AllowedPlmn {
                    plmn: "001-01".parse().ok(),
                    discovery_range: Some(2),
                    direct_allowed: Some(7),
                }],
                visited_plmn: "001-01".parse().ok(),
                hss: Some(format!("hss.{REALM}").into()),
                reset_ids: Vec::new(),
            },
            bindings: APPLICATIONS.iter().take(bound).map(|application| self.binding(application)).collect(),
            state: UeState::Registered,
            moved_from: None,
        };
        Write::Put { context: Box::new(context), expires_at: Some(valid_until.plus(86_400)), condition }
    }

    /// The write that registers it with all applications at once.
    pub fn complete(&self) -> Write {
        self.bound(APPLICATIONS.len(), Condition::Absent)
    }
}
