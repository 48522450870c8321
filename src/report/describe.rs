//! What a message of the procedure is called, and which identifiers it carries, in few words. Subscribers are masked.

use crate::avp::dictionary::{
    self, Declared, ErrorMessage, ExperimentalResult, ExperimentalResultCode, OldPduid, OriginAppLayerUserId,
    Pduid as PduidAvp, PduidValidityTime, ProseFunctionAddress, ProseFunctionId, ProseSubscriptionData, RefusalCause,
    ResultCode, SubscriptionData, UeContext, UserName,
};
use crate::avp::{Avps, Key};
use crate::interfaces::{self, names, pc2, pc3, pc4, s6a};
use crate::message::text::write_escaped;
use crate::message::{HEADER_LENGTH, Header, find};
use crate::registration::identifiers::{Imsi, Pduid};

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// `5`, `6`, `1` to `4`, `G1`, `G2`, `U1`, `U2`; empty for a message that the procedure does not number.
    pub number: &'static str,
    /// `XAR`; unknown commands by their number.
    pub abbreviation: String,
    /// `PC2`; other applications by their name, the base protocol by none.
    pub reference_point: &'static str,
    /// `ID1 00f110..., ID2 ...`.
    pub identifiers: String,
    /// True for a request.
    pub request: bool,
    /// True for an answer that refuses.
    pub refused: bool,
}

impl Described {
    /// `2 XAR PC2`.
    #[must_use]
    pub fn label(&self) -> String {
        let parts = [self.number, &self.abbreviation, self.reference_point];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// Names a message, as far as it can be read; `None` for octets that are no message.
#[must_use]
pub fn describe(message: &[u8]) -> Option<Described> {
    let header = Header::parse(message)?;
    let body = Avps::new(message.get(HEADER_LENGTH..)?);
    let command = interfaces::command_of(&header);
    let abbreviation = command.map_or_else(|| abbreviate(&header), |command| command.abbreviation.to_owned());
    let (words, refused) = identifiers(&header, body);
    let mut identifiers = String::new();
    write_escaped(&words, &mut identifiers);
    Some(Described {
        number: number(&header, body),
        abbreviation,
        reference_point: reference_point(header.application),
        identifiers,
        request: header.is_request(),
        refused,
    })
}

/// The abbreviation of a command that is not typed here, by the first letters of its name's words: `CCR` of
/// Credit-Control. A command without a name is its number, with R or A.
fn abbreviate(header: &Header) -> String {
    let end = if header.is_request() { 'R' } else { 'A' };
    match names::command_stem(header.application, header.code) {
        Some("AA") => format!("AA{end}"),
        Some(stem) => stem.split('-').filter_map(|word| word.chars().next()).chain([end]).collect(),
        None => format!("{}{end}", header.code),
    }
}

/// The room a message belongs to, short: the two private legs of PC4 are PC4 here.
fn reference_point(application: u32) -> &'static str {
    match application {
        pc4::mme::APPLICATION | pc4::function::APPLICATION => "PC4",
        interfaces::base::APPLICATION => "",
        _ => names::application_name(application).unwrap_or_default(),
    }
}

/// The number of a message in the procedure.
fn number(header: &Header, body: Avps<'_>) -> &'static str {
    const PXR: u32 = 8_388_676;
    const XAR: u32 = 8_388_727;
    let pick = |request, answer| if header.is_request() { request } else { answer };
    match (header.application, header.code) {
        (pc3::APPLICATION | pc4::mme::APPLICATION, dictionary::private::COMMAND_A) => pick("5", "6"),
        (pc3::APPLICATION, dictionary::private::COMMAND_B) => pick("1", "4"),
        (pc2::APPLICATION | pc2::APPLICATION_FIRST, XAR) => pick("2", "3"),
        (pc2::APPLICATION | pc2::APPLICATION_FIRST, PXR) => {
            let moves = find::<dictionary::ContextMove>(body).is_some();
            if header.is_request() && !moves { "" } else { pick("U1", "U2") }
        }
        (pc4::function::APPLICATION, dictionary::private::COMMAND_A) => pick("G1", "G2"),
        _ => "",
    }
}

fn identifiers(header: &Header, body: Avps<'_>) -> (String, bool) {
    let mut words = Vec::new();
    let result = result(body);
    if let Some((words_of_result, _)) = &result {
        words.push(words_of_result.clone());
    }
    let of_user = header.application == pc3::APPLICATION && header.code == dictionary::private::COMMAND_B;
    if let Some(name) = find::<UserName>(body) {
        // Message 1 carries the user's name at the application, all others the IMSI.
        match name.parse::<Imsi>() {
            Ok(imsi) if !of_user => words.push(format!("IMSI {imsi}")),
            _ => words.push("user name".to_owned()),
        }
    }
    let moving = header.application != pc4::function::APPLICATION && find::<dictionary::ContextMove>(body).is_some();
    if let Some(id) = find::<PduidAvp>(body).and_then(|octets| Pduid::from_octets(octets).ok()) {
        words.push(format!("{} {id}", if moving { "ID4" } else { "ID1" }));
    }
    if let Some(id) = find::<OriginAppLayerUserId>(body) {
        words.push(format!("ID2 {id}"));
    }
    if let Some(name) = find::<ProseFunctionId>(body) {
        let name = String::from_utf8_lossy(name);
        let short = name.split('.').next().unwrap_or_default().to_owned();
        words.push(format!("{} {short}", if moving { "ID5" } else { "ID3" }));
    }
    if let Some(address) = find::<ProseFunctionAddress>(body) {
        words.push(format!("{} {address}", if moving { "ID5" } else { "ID3" }));
    }
    if let Some(seconds) = find::<PduidValidityTime>(body) {
        words.push(format!("for {seconds} s"));
    }
    if let Some(id) = find::<OldPduid>(body).and_then(|octets| Pduid::from_octets(octets).ok()) {
        words.push(format!("old ID1 {id}"));
    }
    if let Some(context) = find::<UeContext>(body) {
        words.push(format!("context with {} binding(s)", context.application_binding.len()));
    }
    if let Some(permission) = permission(body) {
        words.push(format!("permission {permission:#x}"));
    }
    if let Some(cause) = find::<RefusalCause>(body)
        && let Some(name) = RefusalCause::DEFINITION.value_name(i64::from(cause))
    {
        words.push(name.to_owned());
    }
    if result.as_ref().is_some_and(|(_, refused)| *refused) && find::<ErrorMessage>(body).is_some() {
        words.retain(|word| !word.is_empty());
    }
    (words.join(", "), result.is_some_and(|(_, refused)| refused))
}

/// ProSe-Permission, where the HSS puts it in ULA and PIA.
fn permission(body: Avps<'_>) -> Option<u32> {
    let of = |data: &[u8]| {
        let key = Key(dictionary::ProsePermission::KEY);
        let avp = Avps::new(data).map_while(Result::ok).find(|avp| avp.key == key)?;
        dictionary::ProsePermission::read(avp.data)
    };
    let group = |key: u64, within: Avps<'_>| {
        within.map_while(Result::ok).find(|avp| avp.key.0 == key).map(|avp| avp.data.to_vec())
    };
    let direct = group(ProseSubscriptionData::KEY, body);
    let nested = || group(ProseSubscriptionData::KEY, Avps::new(&group(SubscriptionData::KEY, body)?));
    of(&direct.or_else(nested)?)
}

/// The result in words, and whether it is none of success.
fn result(body: Avps<'_>) -> Option<(String, bool)> {
    let (definition, code) = match find::<ResultCode>(body) {
        Some(code) => (ResultCode::DEFINITION, code),
        None => {
            let group = find::<ExperimentalResult>(body)?;
            (ExperimentalResultCode::DEFINITION, group.experimental_result_code)
        }
    };
    let refused = code / 1000 != 2;
    if !refused {
        return Some(("success".to_owned(), false));
    }
    let name = definition.value_name(i64::from(code)).unwrap_or("refused");
    let name = name.trim_start_matches("DIAMETER_").trim_start_matches("ERROR_");
    Some((format!("{name} ({code})"), true))
}

/// The application ids whose latency a summary tells apart, with the command: a name for each step of the procedure.
#[must_use]
pub fn step(application: u32, code: u32) -> Option<&'static str> {
    const PIR: u32 = 8_388_664;
    const PNR: u32 = 8_388_666;
    const ULR: u32 = 316;
    const PXR: u32 = 8_388_676;
    const XAR: u32 = 8_388_727;
    Some(match (application, code) {
        (pc3::APPLICATION, dictionary::private::COMMAND_A) => "5-6   UE - MME               PC3",
        (s6a::APPLICATION, ULR) => "ULR   MME - HSS              S6a",
        (pc4::mme::APPLICATION, dictionary::private::COMMAND_A) => "5-6   MME - function         PC4",
        (pc4::hss::APPLICATION, PIR) => "PIR   function - HSS         PC4a",
        (pc3::APPLICATION, dictionary::private::COMMAND_B) => "1-4   UE - app server        PC3",
        (pc2::APPLICATION | pc2::APPLICATION_FIRST, XAR) => "2-3   app server - function  PC2",
        (pc4::function::APPLICATION, dictionary::private::COMMAND_A) => "G1-G2 function2 - function   PC4",
        (pc2::APPLICATION | pc2::APPLICATION_FIRST, PXR) => "U1-U2 function2 - app server PC2",
        (pc4::function::APPLICATION, dictionary::private::COMMAND_B) => "CRR   function2 - function   PC4",
        (pc4::hss::APPLICATION, PNR) => "PNR   function2 - HSS        PC4a",
        _ => return None,
    })
}
