//! What counts as a difference, as a file says it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::path::Pattern;
use crate::avp::Key;
use crate::folding::Folding;
use crate::interfaces::names;
use crate::message::Header;

/// What counts as a difference. `Rules::default()` leaves out nothing but Hop-by-Hop and End-to-End identifiers.
///
/// ```toml
/// ignore = ["Origin-State-Id", "Subscription-Data/APN-Configuration[2]"]
/// order = "grammar"
/// flags = true
/// header = ["version", "flags", "code", "application"]
///
/// [normalise]
/// identities = { "hss.lab.example" = "hss.example" }
/// ids = ["Session-Id", "PDUID | Target-PDUID"]
/// time = ["Event-Timestamp"]
///
/// [[tolerance]]
/// path = "Validity-Timer"
/// within = 5
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rules {
    /// AVPs that do not count, with all that is in them. A number such as `[2]` is the expected message's.
    pub ignore: Vec<Pattern>,
    /// Where the order of AVPs counts.
    pub order: Order,
    /// Whether the flags of AVPs count.
    pub flags: bool,
    /// The fields of the header that count. Message Length never does: it follows from the AVPs.
    pub header: Vec<HeaderField>,
    /// What is made alike before it is compared.
    pub normalise: Normalise,
    /// Numbers and times that need not be the same.
    pub tolerance: Vec<Tolerance>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ignore: Vec::new(),
            order: Order::Grammar,
            flags: true,
            header: vec![HeaderField::Version, HeaderField::Flags, HeaderField::Code, HeaderField::Application],
            normalise: Normalise::default(),
            tolerance: Vec::new(),
        }
    }
}

impl Rules {
    /// For the same conversation held twice: sessions and identifiers given out are new, Origin-State-Id, proofs and the
    /// node's addresses do not count, moments are as far apart.
    #[must_use]
    pub fn renewed() -> Self {
        let patterns = |names: &[&str]| -> Vec<Pattern> { names.iter().filter_map(|name| name.parse().ok()).collect() };
        Self {
            ignore: patterns(&[
                "Origin-State-Id",
                "Host-IP-Address",
                "Firmware-Revision",
                "User-Credential",
                "Proof-Time",
                "Proof-Nonce",
            ]),
            normalise: Normalise {
                ids: [
                    "Session-Id | Acct-Multi-Session-Id",
                    "PDUID | Target-PDUID | Banned-PDUID | Old-PDUID",
                    "Origin-App-Layer-User-Id | Target-App-Layer-User-Id",
                ]
                .map(str::to_owned)
                .into_iter()
                .collect(),
                time: patterns(&["Event-Timestamp"]),
                ..Normalise::default()
            },
            // What is left of it when a function hands the UE over, in seconds.
            tolerance: patterns(&["PDUID-Validity-Time"])
                .into_iter()
                .map(|path| Tolerance { path, within: 60.0 })
                .collect(),
            ..Self::default()
        }
    }

    /// Judges what a file can say wrongly beyond its form.
    ///
    /// # Errors
    /// The first thing that can not be used, with what was expected.
    pub fn judge(&self) -> Result<(), String> {
        for ids in &self.normalise.ids {
            for pattern in ids.split('|') {
                pattern.trim().parse::<Pattern>().map_err(|error| format!("normalise.ids: {error}"))?;
            }
        }
        for tolerance in &self.tolerance {
            if !tolerance.within.is_finite() || tolerance.within < 0.0 {
                return Err(format!("tolerance of {}: `within` is to be a number from 0 up", tolerance.path));
            }
        }
        Ok(())
    }
}

/// Where the order of AVPs counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Where the grammar fixes it, and for Route-Record and Proxy-Info among themselves.
    #[default]
    Grammar,
    /// Everywhere.
    Strict,
    /// Nowhere.
    Free,
}

/// A field of the Diameter header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderField {
    /// Version.
    Version,
    /// Command Flags.
    Flags,
    /// Command Code.
    Code,
    /// Application-Id.
    Application,
    /// Hop-by-Hop Identifier.
    HopByHop,
    /// End-to-End Identifier.
    EndToEnd,
}

impl HeaderField {
    /// The name in rules, paths and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Flags => "flags",
            Self::Code => "code",
            Self::Application => "application",
            Self::HopByHop => "hop-by-hop",
            Self::EndToEnd => "end-to-end",
        }
    }

    pub(super) fn of(self, header: &Header) -> u64 {
        u64::from(match self {
            Self::Version => u32::from(header.version),
            Self::Flags => u32::from(header.flags.0),
            Self::Code => header.code,
            Self::Application => header.application,
            Self::HopByHop => header.hop_by_hop,
            Self::EndToEnd => header.end_to_end,
        })
    }

    pub(super) fn meaning(self, header: &Header) -> String {
        match self {
            Self::Flags => header.flags.to_string(),
            Self::Code => names::command_name(header).map(|name| name.to_string()).unwrap_or_default(),
            Self::Application => names::application_name(header.application).unwrap_or_default().to_owned(),
            Self::Version | Self::HopByHop | Self::EndToEnd => String::new(),
        }
    }
}

/// What is made alike before it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Normalise {
    /// Host and realm names: what the expected side calls by the first name, the actual side calls by the second. Met in
    /// DiameterIdentity, in the host of a DiameterURI, before the first `;` and behind the `@` of a text.
    pub identities: BTreeMap<String, String>,
    /// AVPs whose values are given out anew: an expected value stands for one actual value, and back, over the whole
    /// comparison. An entry is a pattern, or several parted by `|` that share their values.
    pub ids: Vec<String>,
    /// Times that count by their distance: the first pair tells how far the two sides are apart, all others must be as
    /// far apart to a second, or to the tolerance of that AVP.
    pub time: Vec<Pattern>,
}

/// How far apart two numbers or times may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Which AVPs.
    pub path: Pattern,
    /// By how much at most; seconds for times.
    pub within: f64,
}

/// What the rules say of one AVP.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Verdict {
    pub ignored: bool,
    /// The class of ids that share their values.
    pub class: Option<u32>,
    pub time: bool,
    pub within: Option<f64>,
}

impl Verdict {
    /// Compared by more than what one value says.
    pub const fn is_loose(&self) -> bool {
        self.class.is_some() || self.time || self.within.is_some()
    }
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    Ignore,
    Class(u32),
    Time,
    Within(f64),
}

/// The rules, ready to be asked of every AVP: by the AVP that a pattern ends in.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    by_key: HashMap<Key, Vec<usize>, Folding>,
    of_any: Vec<usize>,
    patterns: Vec<(Pattern, Effect)>,
    /// What does not count by its number: which that is on the actual side is known only when the two are paired.
    pub numbered: Vec<Pattern>,
    identities: HashMap<Vec<u8>, Vec<u8>>,
}

impl Compiled {
    pub fn new(rules: &Rules) -> Self {
        let mut compiled = Self::default();
        let mut add = |pattern: &Pattern, effect: Effect| {
            let at = compiled.patterns.len();
            match pattern.last() {
                Some(keys) => keys.iter().for_each(|key| compiled.by_key.entry(*key).or_default().push(at)),
                None => compiled.of_any.push(at),
            }
            compiled.patterns.push((pattern.clone(), effect));
        };
        let (numbered, plain): (Vec<_>, Vec<_>) = rules.ignore.iter().partition(|pattern| pattern.is_numbered());
        plain.into_iter().for_each(|pattern| add(pattern, Effect::Ignore));
        for (class, ids) in (0..).zip(&rules.normalise.ids) {
            // What is no pattern was told by `Rules::judge`; here it meets nothing.
            for pattern in ids.split('|').filter_map(|text| text.trim().parse::<Pattern>().ok()) {
                add(&pattern, Effect::Class(class));
            }
        }
        rules.normalise.time.iter().for_each(|pattern| add(pattern, Effect::Time));
        rules.tolerance.iter().for_each(|tolerance| add(&tolerance.path, Effect::Within(tolerance.within)));
        compiled.numbered = numbered.into_iter().cloned().collect();
        let lower = |name: &String| name.to_ascii_lowercase().into_bytes();
        compiled.identities =
            rules.normalise.identities.iter().map(|(theirs, ours)| (lower(theirs), lower(ours))).collect();
        compiled
    }

    /// What the rules say of the AVP at the end of `steps`.
    pub fn verdict(&self, steps: &[(Key, u32)]) -> Verdict {
        let mut verdict = Verdict::default();
        let Some((key, _)) = steps.last() else { return verdict };
        let named = self.by_key.get(key).into_iter().flatten();
        for at in named.chain(&self.of_any) {
            let Some((pattern, effect)) = self.patterns.get(*at) else { continue };
            if !pattern.meets(steps) {
                continue;
            }
            match effect {
                Effect::Ignore => verdict.ignored = true,
                Effect::Class(class) => verdict.class = Some(*class),
                Effect::Time => verdict.time = true,
                Effect::Within(within) => verdict.within = Some(*within),
            }
        }
        verdict
    }

    /// The name that an expected name, in lower case, stands for.
    pub fn identity<'n>(&'n self, name: &'n [u8]) -> &'n [u8] {
        self.identities.get(name).map_or(name, Vec::as_slice)
    }

    pub fn has_identities(&self) -> bool {
        !self.identities.is_empty()
    }
}
