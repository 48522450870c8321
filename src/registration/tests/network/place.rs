//! Who there is.

use super::*;

/// Where an element stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    Ue,
    Mme,
    Hss,
    Function,
    Other,
    AppServer,
    SecondAppServer,
    /// The function of another network.
    Foreign,
}

pub const PLACES: [Place; 8] = [
    Place::Ue,
    Place::Mme,
    Place::Hss,
    Place::Function,
    Place::Other,
    Place::AppServer,
    Place::SecondAppServer,
    Place::Foreign,
];

impl Place {
    pub fn host(self) -> String {
        host(match self {
            Self::Ue => "ue",
            Self::Mme => "mme",
            Self::Hss => "hss",
            Self::Function => "pf1",
            Self::Other => "pf2",
            Self::AppServer => "as1",
            Self::SecondAppServer => "as2",
            Self::Foreign => return format!("pf.{FOREIGN_REALM}"),
        })
    }

    pub fn realm(self) -> &'static str {
        if self == Self::Foreign { FOREIGN_REALM } else { REALM }
    }

    pub fn of(host: &str) -> Option<Self> {
        PLACES.into_iter().find(|place| same_host(&place.host(), host))
    }

    pub fn identity(self) -> Identity {
        Identity { host: self.host(), realm: self.realm().to_owned() }
    }

    pub fn sender(self) -> Sender {
        Sender { peer: self.host(), realm: self.realm().to_owned(), protected: false }
    }
}
