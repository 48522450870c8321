//! How an operator, or whoever speaks PC3 with UEs, begins a procedure and hears what came of it: by the admin socket of
//! a running node.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Function, Model, News, Procedure, ProximityWish, Question, Trigger};
use crate::avp::dictionary::PnrFlags;
use crate::registration::config;
use crate::registration::element::{Action, NoReply, Now};
use crate::registration::identifiers::{Imsi, PlmnId};
use crate::store::ContextReader;

/// What is begun, as the admin socket reads it:
/// `{"begin": "announce", "imsi": "001010123456789", "application": "mcc001.mnc01.ProSeApp.Chat"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "begin", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Wish {
    /// A UE registers an application: PXR type 0. TS 23.303 5.5.4.
    Register {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// ProSe Application ID.
        application: String,
        /// The user's name in it.
        aluid: String,
    },
    /// What may a UE do in another network: PAR. TS 23.303 5.2.
    Authorize {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// The other network.
        #[serde(deserialize_with = "config::parsed")]
        plmn: PlmnId,
    },
    /// A UE wants to hear when another user is near: PXR type 1, PRR. TS 23.303 5.5.5.
    Proximity {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// The application that it registered.
        application: String,
        /// The name (ALUID) of the other user.
        target: String,
        /// For how many seconds.
        window: u32,
        /// Metres that are near; absent: the configured ones.
        #[serde(default)]
        range: Option<u32>,
        /// Where the UE is.
        #[serde(deserialize_with = "config::parsed")]
        location: Estimate,
        /// Seconds between reports of where the target is; absent: whenever it is learnt.
        #[serde(default)]
        interval: Option<u32>,
        /// How many such reports, with `interval`.
        #[serde(default)]
        reports: Option<u32>,
        /// Whether assistance for WLAN direct is wanted.
        #[serde(default)]
        wlan: bool,
    },
    /// The UE wants to hear it no longer: PCR. TS 23.303 5.5.8.
    Cancel {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// The application.
        application: String,
        /// The name (ALUID) of the other user.
        target: String,
    },
    /// A UE is somewhere: PLR to those who asked, ALR when somebody is near. TS 23.303 5.5.6, 5.5.7.
    Location {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// Where it is.
        #[serde(deserialize_with = "config::parsed")]
        location: Estimate,
    },
    /// A UE announces an application: PDR type 0 when it does so in another network. TS 23.303 5.3.3.2.
    Announce {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// ProSe Application ID.
        application: String,
        /// The other network.
        #[serde(default, deserialize_with = "config::parsed_option")]
        plmn: Option<PlmnId>,
        /// ProSe-Application-Metadata for whoever asks for it with a match.
        #[serde(default)]
        metadata: Option<String>,
    },
    /// A UE looks for announcers: PDR type 1. TS 23.303 5.3.3.4.
    Monitor {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// ProSe Application ID.
        application: String,
        /// The network that allots the codes.
        #[serde(deserialize_with = "config::parsed")]
        plmn: PlmnId,
    },
    /// A UE has heard a code: PMR, and PIR where the announcer roams. TS 23.303 5.3.4.
    Match {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// ProSe-App-Code, hexadecimal.
        #[serde(deserialize_with = "config::parsed")]
        code: Octets,
        /// MIC, eight hexadecimal digits.
        #[serde(deserialize_with = "config::parsed")]
        mic: Octets,
        /// UTC-based-Counter.
        counter: u32,
        /// The network in which it was heard.
        #[serde(deserialize_with = "config::parsed")]
        plmn: PlmnId,
    },
    /// A user may be discovered: PXR type 2, PDR type 2. TS 23.303 5.3.3.2A.
    AnnounceRestricted {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// ProSe Application ID.
        application: String,
        /// The user.
        rpauid: String,
        /// The other network.
        #[serde(default, deserialize_with = "config::parsed_option")]
        plmn: Option<PlmnId>,
        /// Whether the UE responds to queries (model B: PXR type 7, PDR type 4) and does not announce by itself.
        #[serde(default)]
        model_b: bool,
    },
    /// A user looks for others: PXR type 4, PDR type 3. TS 23.303 5.3.3.4A.
    MonitorRestricted {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// ProSe Application ID.
        application: String,
        /// The user.
        rpauid: String,
        /// Application-Data: the others, as the app server reads it.
        targets: String,
        /// Whether the UE sends queries (model B: PXR type 8, PDR type 5) and does not only listen.
        #[serde(default)]
        model_b: bool,
        /// The other network in which it sends them (PDR type 6).
        #[serde(default, deserialize_with = "config::parsed_option")]
        plmn: Option<PlmnId>,
    },
    /// A PXR of any authorization type, 2 to 13. TS 29.343 6.3.
    Ask {
        /// ProSe-Request-Type.
        kind: u32,
        /// ProSe Application ID.
        application: String,
        /// Requesting-RPAUID.
        #[serde(default)]
        rpauid: Option<String>,
        /// Target-RPAUID.
        #[serde(default)]
        target: Option<String>,
        /// Application-Data.
        #[serde(default)]
        data: Option<String>,
        /// Allowed-Suffixes-Number.
        #[serde(default)]
        suffixes: Option<u32>,
    },
    /// Where is a UE: PSR to the HSS. TS 29.344 5.6.
    Locate {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
    },
    /// Another network has taken back what a UE may do: PNR. TS 29.344 5.4.
    Withdraw {
        /// The UE.
        #[serde(deserialize_with = "config::parsed")]
        imsi: Imsi,
        /// The other network.
        #[serde(deserialize_with = "config::parsed")]
        plmn: PlmnId,
    },
    /// At an app server: a user may be discovered by another no longer: XAR type 11. TS 23.303 5.3.6A.
    Ban {
        /// The user who bans.
        rpauid: String,
        /// Who is banned.
        banned: String,
    },
    /// At an app server: the ban ends.
    Lift {
        /// The user who has banned.
        rpauid: String,
        /// Who was banned.
        banned: String,
    },
}

/// Octets in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Octets(pub Box<[u8]>);

/// Where a UE is: octets of TS 23.032 in hexadecimal, or `LATITUDE,LONGITUDE` in degrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate(pub Box<[u8]>);

/// A text that is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRead(&'static str);

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl FromStr for Octets {
    type Err = NotRead;

    fn from_str(text: &str) -> Result<Self, NotRead> {
        let octets = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes());
        octets.map(|octets| Self(octets.into())).map_err(|_| NotRead("octets in hexadecimal"))
    }
}

impl FromStr for Estimate {
    type Err = NotRead;

    fn from_str(text: &str) -> Result<Self, NotRead> {
        let wrong = NotRead("octets of TS 23.032 in hexadecimal, or LATITUDE,LONGITUDE in degrees, e.g. 52.52,13.40");
        let Some((latitude, longitude)) = text.split_once(',') else {
            return text.parse::<Octets>().map(|octets| Self(octets.0)).map_err(|_| wrong);
        };
        let degrees = |text: &str, most: f64| text.trim().parse::<f64>().ok().filter(|it| it.abs() <= most);
        let (latitude, longitude) = degrees(latitude, 90.0).zip(degrees(longitude, 180.0)).ok_or(wrong)?;
        Ok(Self(super::location::Point { latitude, longitude }.to_estimate().into()))
    }
}

const fn model(b: bool) -> Model {
    if b { Model::B } else { Model::A }
}

impl<R: ContextReader> Function<R> {
    /// Begins what an operator wishes. The answer names the procedure, and its news as far as there are any.
    ///
    /// # Errors
    /// There is nothing to do, or it is for an app server.
    pub(in crate::registration::function) fn begin(
        &mut self,
        now: Now,
        wish: &Wish,
        actions: &mut Vec<Action>,
    ) -> Result<Value, NoReply> {
        let begun = |done: bool, why: &str| match done {
            true => Ok(json!({ "begun": true })),
            false => Err(NoReply::Refused(why.to_owned())),
        };
        let procedure = match wish {
            Wish::Register { imsi, application, aluid } => {
                self.register_application(*imsi, application, aluid, actions)
            }
            Wish::Authorize { imsi, plmn } => self.authorize(*imsi, *plmn, actions),
            Wish::Proximity { imsi, application, target, window, range, location, interval, reports, wlan } => {
                let trigger = interval.map(|interval| Trigger::Periodic { interval, reports: reports.unwrap_or(1) });
                let wish = ProximityWish {
                    imsi: *imsi,
                    application: application.clone(),
                    target: target.clone(),
                    window: *window,
                    range: *range,
                    location: location.0.to_vec(),
                    trigger,
                    wlan: *wlan,
                };
                self.request_proximity(wish, actions)
            }
            Wish::Announce { imsi, application, plmn, metadata } => {
                self.announce(now, *imsi, application, *plmn, metadata.as_deref(), actions)
            }
            Wish::Monitor { imsi, application, plmn } => self.monitor(now, *imsi, application, *plmn, actions),
            Wish::Match { imsi, code, mic, counter, plmn } => {
                let Ok(mic) = <[u8; 4]>::try_from(&*mic.0) else {
                    return Err(NoReply::Refused("mic: expected eight hexadecimal digits".to_owned()));
                };
                self.report_match(now, *imsi, &code.0, (mic, *counter), *plmn, actions)
            }
            Wish::AnnounceRestricted { imsi, application, rpauid, plmn, model_b } => {
                self.announce_restricted(*imsi, application, rpauid, *plmn, model(*model_b), actions)
            }
            Wish::MonitorRestricted { imsi, application, rpauid, targets, model_b, plmn } => {
                self.monitor_restricted(*imsi, application, (rpauid, targets), *plmn, model(*model_b), actions)
            }
            Wish::Ask { kind, application, rpauid, target, data, suffixes } => {
                let question = Question {
                    kind: *kind,
                    application: application.clone(),
                    rpauid: rpauid.clone(),
                    target: target.clone(),
                    data: data.clone(),
                    suffixes: *suffixes,
                };
                self.ask_app_server(&question, actions)
            }
            Wish::Cancel { imsi, application, target } => {
                let done = self.cancel_proximity(now, *imsi, application, target, actions);
                return begun(done, "no such proximity request runs");
            }
            Wish::Location { imsi, location } => {
                let done = self.report_location(now, *imsi, &location.0, actions);
                return begun(done, "the UE has registered no application, or the location is no shape of TS 23.032");
            }
            Wish::Withdraw { .. } if self.pending.is_full() => {
                return begun(false, "too many requests are under way");
            }
            Wish::Locate { imsi } => self.locate(*imsi, actions),
            Wish::Withdraw { imsi, plmn } => {
                let flags = PnrFlags::DIRECT_DISCOVERY_REVOKED | PnrFlags::DIRECT_COMMUNICATION_REVOKED;
                self.revocation(*imsi, *plmn, flags, actions);
                return begun(true, "");
            }
            Wish::Ban { .. } | Wish::Lift { .. } => return begun(false, "this node is a function: an app server bans"),
        };
        Ok(self.all_news(procedure))
    }

    /// What is new of a procedure: `{"procedure": 1, "news": [...]}`.
    pub(in crate::registration::function) fn all_news(&mut self, procedure: Procedure) -> Value {
        let news: Vec<Value> = std::iter::from_fn(|| self.news(procedure)).map(|news| shown(&news)).collect();
        json!({ "procedure": procedure.0, "news": news })
    }
}

fn shown(news: &News) -> Value {
    let details: Vec<Value> = news.details.iter().map(|(avp, value)| json!({ "avp": avp, "value": value })).collect();
    json!({ "success": news.success, "over": news.over, "text": news.text, "details": details })
}
