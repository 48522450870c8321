//! The rows of the failure table: who takes part, what is done, and every message that may cross.
//!
//! `expected` names each message of an application that crosses, in the order of the capture, and no other may: so a row
//! whose answer is that nothing is sent is proved by the capture.

use super::super::network::{
    APP_SERVER, FUNCTION, FUNCTION_2, HSS, MME, OTHER_APPLICATION, Plan, UE, address, imsi, peer_function,
};
use super::messages::{self, Known};
use crate::registration::ALL_SERVICES;
use crate::registration::identifiers::FunctionAddress;
use crate::registration::mme::KnownSubscriber;

/// One case of the failure table.
#[derive(Debug)]
pub struct Row {
    /// What it is called on the command line and in `captures/failures/`.
    pub name: &'static str,
    /// Where, as the table says.
    pub place: &'static str,
    /// The case, as the table says.
    pub case: &'static str,
    /// The answer, as the table says.
    pub answer: &'static str,
    /// How it comes about here.
    pub story: &'static str,
    /// The requirements it shows.
    pub requirements: &'static [&'static str],
    /// Who connects to whom.
    pub links: &'static [(usize, usize)],
    /// What is set up otherwise than in the demo.
    pub stage: fn(&mut Plan, usize),
    /// What is done, one after the other.
    pub acts: &'static [Act],
    /// Every message of an application that crosses.
    pub expected: &'static [&'static str],
    /// What `verify` has to say: requirement and AVP of each finding.
    pub findings: &'static [(&'static str, &'static str)],
}

/// Something that is done in a row.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// The UE asks for ID1, and has its message 6.
    Attach,
    /// The UE registers, message 5 first where it has no ID1, and has its result.
    Register,
    /// The UE changes hands: its other user registers.
    RegisterOther,
    /// A party sends a message of the tour's own making to another, and has its answer.
    Send(usize, usize, fn(&Known) -> Vec<u8>),
    /// The first function stops, in order.
    Stop,
    /// The first function takes requests and does nothing any more.
    Hang,
    /// ID1 runs out.
    Expire,
}

const UE_MME: (usize, usize) = (UE, MME);
const UE_SERVER: (usize, usize) = (UE, APP_SERVER);
const MME_HSS: (usize, usize) = (MME, HSS);
const MME_FUNCTION: (usize, usize) = (MME, FUNCTION);
const FUNCTION_HSS: (usize, usize) = (FUNCTION, HSS);
const SERVER_FUNCTION: (usize, usize) = (APP_SERVER, FUNCTION);
const FUNCTIONS: (usize, usize) = (FUNCTION_2, FUNCTION);
const SECOND_SERVER: (usize, usize) = (APP_SERVER, FUNCTION_2);

/// The links of one registration.
const WHOLE: &[(usize, usize)] = &[UE_MME, MME_FUNCTION, FUNCTION_HSS, UE_SERVER, SERVER_FUNCTION];

/// Messages 5 and 6, then what is given.
macro_rules! attached {
    ($($then:literal),* $(,)?) => {
        &[
            "ue > mme: 5", "mme > function: 5", "function > hss: PIR", "hss > function: PIA 2001",
            "function > mme: 6 2001", "mme > ue: 6 2001", $($then,)*
        ]
    };
}

/// Messages 5, 6 and 1 to 4, then what is given.
macro_rules! registered {
    ($($then:literal),* $(,)?) => {
        attached![
            "ue > app-server: 1", "app-server > function: 2", "function > app-server: 3 2001",
            "app-server > ue: 4 2001", $($then,)*
        ]
    };
}

mod beyond;

pub use beyond::BEYOND;

fn as_it_is(_: &mut Plan, _: usize) {}

/// The MME judges by its list, which keeps captures short where the judgement is not the matter.
fn by_list(plan: &mut Plan, place: usize) {
    plan.mme.hss = None;
    plan.mme.subscribers =
        imsi(place).map(|imsi| KnownSubscriber { imsi, prose_permission: ALL_SERVICES }).into_iter().collect();
}

fn permitted(plan: &mut Plan, permission: Option<u32>) {
    plan.hss.subscribers.iter_mut().for_each(|subscriber| subscriber.prose_permission = permission);
}

/// An MME that is out of order, and a function that judges what it sends.
const fn odd(
    name: &'static str,
    case: &'static str,
    answer: &'static str,
    story: &'static str,
    acts: &'static [Act],
    expected: &'static [&'static str],
    findings: &'static [(&'static str, &'static str)],
) -> Row {
    Row {
        name,
        place: "any",
        case,
        answer,
        story,
        requirements: &[],
        links: &[MME_FUNCTION],
        stage: as_it_is,
        acts,
        expected,
        findings,
    }
}

const MESSAGE_5: &str = "registration procedure, message 5, Identifier-Allocation-Request";

/// All rows, in the table's order.
pub const ROWS: &[Row] = &[
    Row {
        name: "mme-not-capable",
        place: "MME",
        case: "not capable",
        answer: "no message 5; a refused message 6 with the cause",
        story: "The UE says that it can do nothing of what proximity services need. The MME refuses at once: neither the \
                HSS nor the function hears of it.",
        requirements: &["MME-1 [0015]", "MME-2 [0015]"],
        links: &[UE_MME, MME_HSS, MME_FUNCTION],
        stage: |plan, _| plan.ue.devices.iter_mut().for_each(|device| device.capability = 0),
        acts: &[Act::Register],
        expected: &["ue > mme: 5", "mme > ue: 6 5003 UE_NOT_CAPABLE"],
        findings: &[],
    },
    Row {
        name: "mme-not-subscribed",
        place: "MME",
        case: "not subscribed",
        answer: "no message 5; a refused message 6 with the cause",
        story: "The UE is capable, but the subscription that the HSS gives the MME by S6a holds no proximity services. No \
                message 5 leaves the MME.",
        requirements: &["MME-1 [0015]", "MME-2 [0015]"],
        links: &[UE_MME, MME_HSS, MME_FUNCTION],
        stage: |plan, _| permitted(plan, None),
        acts: &[Act::Register],
        expected: &["ue > mme: 5", "mme > hss: ULR", "hss > mme: ULA 2001", "mme > ue: 6 5003 NOT_SUBSCRIBED"],
        findings: &[],
    },
    Row {
        name: "function-unknown-subscription",
        place: "function on 5",
        case: "HSS: unknown subscription",
        answer: "Experimental-Result 5610 passed on in message 6",
        story: "The MME judges by a list of its own, and lets message 5 go. The HSS tells the function that it knows of no \
                subscription to proximity services, and message 6 says so on both legs.",
        requirements: &["F-1 [0017]", "MME-3 [0012]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS],
        stage: |plan, place| {
            by_list(plan, place);
            permitted(plan, None);
        },
        acts: &[Act::Register],
        expected: &[
            "ue > mme: 5",
            "mme > function: 5",
            "function > hss: PIR",
            "hss > function: PIA experimental 5610",
            "function > mme: 6 experimental 5610 UNKNOWN_SUBSCRIPTION",
            "mme > ue: 6 experimental 5610 UNKNOWN_SUBSCRIPTION",
        ],
        findings: &[],
    },
    Row {
        name: "function-prose-not-allowed",
        place: "function on 5",
        case: "HSS: not allowed",
        answer: "Experimental-Result 5611 passed on in message 6",
        story: "As before, but the UE has a subscription, and it allows nothing.",
        requirements: &["F-1 [0017]", "MME-3 [0012]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS],
        stage: |plan, place| {
            by_list(plan, place);
            permitted(plan, Some(0));
        },
        acts: &[Act::Register],
        expected: &[
            "ue > mme: 5",
            "mme > function: 5",
            "function > hss: PIR",
            "hss > function: PIA experimental 5611",
            "function > mme: 6 experimental 5611 PROSE_NOT_ALLOWED",
            "mme > ue: 6 experimental 5611 PROSE_NOT_ALLOWED",
        ],
        findings: &[],
    },
    Row {
        name: "app-server-bad-credential",
        place: "app server on 1",
        case: "bad credential",
        answer: "a refused message 4, no ID2, no message 2",
        story: "The UE has its ID1, and its user signs with the wrong key. Message 4 follows message 1 at once: nothing goes to the \
                function.",
        requirements: &["AS-1 [0036]", "UE-4 [0008]"],
        links: WHOLE,
        stage: |plan, place| {
            by_list(plan, place);
            // The other user's key is as good as any that is not this user's.
            if let [first, second] = plan.ue.devices.as_mut_slice() {
                first.credential = second.credential.clone();
            }
        },
        acts: &[Act::Register],
        expected: attached!["ue > app-server: 1", "app-server > ue: 4 4001 BAD_CREDENTIAL"],
        findings: &[],
    },
    Row {
        name: "app-server-id3-malformed",
        place: "app server on 1",
        case: "ID3 malformed",
        answer: "a refused message 4 naming the AVP, no message 2",
        story: "The UE sends a ProSe-Function-ID that is no name. The app server names it in Failed-AVP and asks nobody.",
        requirements: &["AS-3 [0035]"],
        links: WHOLE,
        stage: by_list,
        acts: &[Act::Attach, Act::Send(UE, APP_SERVER, messages::id3_is_no_name)],
        expected: attached!["ue > app-server: 1", "app-server > ue: 4 5004 Failed-AVP ProSe-Function-ID (3602)",],
        findings: &[("UE-3 [0013]", "ProSe-Function-ID (3602)")],
    },
    Row {
        name: "app-server-id3-outside-realms",
        place: "app server on 1",
        case: "ID3 outside the allowed realms",
        answer: "a refused message 4 naming the AVP, no message 2",
        story: "The UE names a host of a realm that the app server does not know as ID3: a phone must not make the server \
                call any host.",
        requirements: &["AS-3 [0035]"],
        links: WHOLE,
        stage: by_list,
        acts: &[Act::Attach, Act::Send(UE, APP_SERVER, messages::id3_of_another_realm)],
        expected: attached![
            "ue > app-server: 1",
            "app-server > ue: 4 5004 FUNCTION_NOT_ALLOWED Failed-AVP ProSe-Function-ID (3602)",
        ],
        findings: &[("UE-3 [0013]", "ProSe-Function-ID (3602)")],
    },
    Row {
        name: "app-server-id3-outside-addresses",
        place: "app server on 1",
        case: "ID3 outside the allowed addresses",
        answer: "a refused message 4 naming the AVP, no message 2",
        story: "The same with an IPv4 address for ID3.",
        requirements: &["AS-3 [0035]"],
        links: WHOLE,
        stage: by_list,
        acts: &[Act::Attach, Act::Send(UE, APP_SERVER, messages::id3_of_another_address)],
        expected: attached![
            "ue > app-server: 1",
            "app-server > ue: 4 5004 FUNCTION_NOT_ALLOWED Failed-AVP ProSe-Function-Address (2)",
        ],
        findings: &[("UE-3 [0013]", "ProSe-Function-ID (3602)")],
    },
    Row {
        name: "app-server-function-unreachable",
        place: "app server on 1",
        case: "function unreachable",
        answer: "DIAMETER_UNABLE_TO_DELIVER in message 4; tentative ID2 dropped",
        story: "The function gives out ID1 and then stops. The app server has proved the user and has nobody to send \
                message 2 to.",
        requirements: &["AS-2 [0042]", "UE-4 [0008]"],
        links: WHOLE,
        stage: by_list,
        acts: &[Act::Attach, Act::Stop, Act::Register],
        expected: attached!["ue > app-server: 1", "app-server > ue: 4 3002 FUNCTION_UNREACHABLE"],
        findings: &[],
    },
    Row {
        name: "app-server-function-silent",
        place: "app server on 1",
        case: "function silent",
        answer: "timeout in message 4; tentative ID2 dropped",
        story: "The function gives out ID1 and then hangs: it takes message 2 and never answers. The app server waits a \
                second here, ten unless told otherwise.",
        requirements: &["AS-2 [0042]", "AS-4 [0031]"],
        links: WHOLE,
        stage: |plan, place| {
            by_list(plan, place);
            plan.answer_wait = Some(std::time::Duration::from_secs(1));
        },
        acts: &[Act::Attach, Act::Hang, Act::Register],
        expected: attached![
            "ue > app-server: 1",
            "app-server > function: 2",
            "app-server > ue: 4 5012 FUNCTION_UNREACHABLE",
        ],
        findings: &[("RFC 6733 section 6.2", "")],
    },
    Row {
        name: "function-id1-unknown",
        place: "function on 2",
        case: "ID1 unknown",
        answer: "Experimental-Result 5593 APP_REGISTER_REJECT",
        story: "The UE registers with an ID1 that no function gave it. The function finds it nowhere, and records nothing.",
        requirements: &["F-2 [0019]", "F-3 [0019]"],
        links: WHOLE,
        stage: by_list,
        acts: &[Act::Attach, Act::Send(UE, APP_SERVER, messages::id1_of_nobody)],
        expected: attached![
            "ue > app-server: 1",
            "app-server > function: 2",
            "function > app-server: 3 experimental 5593",
            "app-server > ue: 4 experimental 5593 FUNCTION_REFUSED",
        ],
        findings: &[("UE-1 [0006]", "PDUID (3604)")],
    },
    Row {
        name: "function-id1-expired",
        place: "function on 2",
        case: "ID1 expired",
        answer: "Experimental-Result 5593 APP_REGISTER_REJECT",
        story: "ID1 is good for a second here. A UE that does not look at the clock registers with it later than that.",
        requirements: &["F-2 [0019]", "F-3 [0019]"],
        links: WHOLE,
        stage: |plan, place| {
            by_list(plan, place);
            plan.functions.iter_mut().for_each(|function| function.id1_validity = 1);
        },
        acts: &[Act::Attach, Act::Expire, Act::Send(UE, APP_SERVER, messages::with_the_id1_it_had)],
        expected: attached![
            "ue > app-server: 1",
            "app-server > function: 2",
            "function > app-server: 3 experimental 5593",
            "app-server > ue: 4 experimental 5593 FUNCTION_REFUSED",
        ],
        findings: &[],
    },
    Row {
        name: "function-application-not-allowed",
        place: "function on 2",
        case: "application not allowed",
        answer: "Experimental-Result 5593 APP_REGISTER_REJECT",
        story: "The app server offers an application that the function does not allow it.",
        requirements: &["F-2 [0019]", "F-3 [0019]"],
        links: WHOLE,
        stage: |plan, place| {
            by_list(plan, place);
            OTHER_APPLICATION.clone_into(&mut plan.ue.application);
            plan.app_server.applications = vec![OTHER_APPLICATION.to_owned()];
        },
        acts: &[Act::Register],
        expected: attached![
            "ue > app-server: 1",
            "app-server > function: 2",
            "function > app-server: 3 experimental 5593",
            "app-server > ue: 4 experimental 5593 FUNCTION_REFUSED",
        ],
        findings: &[],
    },
    Row {
        name: "function-id1-missing",
        place: "function on 2",
        case: "ID1 missing",
        answer: "5005 DIAMETER_MISSING_AVP with Failed-AVP",
        story: "The app server binds a user and does not say to which UE.",
        requirements: &["F-2 [0019]"],
        links: &[SERVER_FUNCTION],
        stage: as_it_is,
        acts: &[Act::Send(APP_SERVER, FUNCTION, messages::without_id1)],
        expected: &["app-server > function: 2", "function > app-server: 3 5005 Failed-AVP PDUID (3604)"],
        findings: &[("F-2 [0019]", "PDUID (3604)")],
    },
    Row {
        name: "function-id2-missing",
        place: "function on 2",
        case: "ID2 missing",
        answer: "5005 DIAMETER_MISSING_AVP with Failed-AVP",
        story: "The app server names a UE, and does not say which user to bind to it.",
        requirements: &["F-2 [0019]", "AS-2 [0042]"],
        links: &[SERVER_FUNCTION],
        stage: as_it_is,
        acts: &[Act::Send(APP_SERVER, FUNCTION, messages::without_id2)],
        expected: &[
            "app-server > function: 2",
            "function > app-server: 3 5005 Failed-AVP Origin-App-Layer-User-Id (3600)",
        ],
        findings: &[("AS-2 [0042]", "Origin-App-Layer-User-Id (3600)")],
    },
    Row {
        name: "function-g1-other-network",
        place: "function on G1",
        case: "other network",
        answer: "5003 DIAMETER_AUTHORIZATION_REJECTED",
        story: "A function of another network, otherwise a good neighbour, asks for the context of a UE that is here.",
        requirements: &["F-4 [0026]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS, FUNCTIONS],
        stage: |plan, place| {
            by_list(plan, place);
            plan.second_realm = messages::ELSEWHERE;
            let [first, _] = &mut plan.functions;
            first.functions = vec![peer_function(FUNCTION_2, messages::ELSEWHERE)];
        },
        acts: &[Act::Attach, Act::Send(FUNCTION_2, FUNCTION, messages::asks_from_elsewhere)],
        expected: attached!["function2 > function: G1", "function > function2: G2 5003"],
        findings: &[],
    },
    Row {
        name: "function-g1-unknown-peer",
        place: "function on G1",
        case: "unknown peer",
        answer: "5003 DIAMETER_AUTHORIZATION_REJECTED",
        story: "A node of the same network asks that the function may talk to, but does not know as a function.",
        requirements: &["F-4 [0026]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS, FUNCTIONS],
        stage: |plan, place| {
            by_list(plan, place);
            plan.functions.iter_mut().for_each(|function| function.functions.clear());
        },
        acts: &[Act::Attach, Act::Send(FUNCTION_2, FUNCTION, messages::asks_for_the_context)],
        expected: attached!["function2 > function: G1", "function > function2: G2 5003"],
        findings: &[],
    },
    Row {
        name: "function-g1-unknown-ue",
        place: "function on G1",
        case: "unknown UE",
        answer: "experimental 5001 DIAMETER_ERROR_USER_UNKNOWN",
        story: "The other function asks for the context of an ID1 that was given to nobody.",
        requirements: &["F-4 [0026]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS, FUNCTIONS],
        stage: by_list,
        acts: &[Act::Attach, Act::Send(FUNCTION_2, FUNCTION, messages::asks_for_a_strange_context)],
        expected: attached!["function2 > function: G1", "function > function2: G2 experimental 5001"],
        findings: &[("F-4 [0026]", "PDUID (3604)")],
    },
    Row {
        name: "app-server-u1-unknown-id2",
        place: "app server on U1",
        case: "ID2 unknown",
        answer: "5590 ORIGIN_ALUID_UNKNOWN",
        story: "A user is registered. The other function tells of a move of somebody else, whom the app server has not \
                bound.",
        requirements: &["AS-5 [0038]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS, UE_SERVER, SERVER_FUNCTION, SECOND_SERVER],
        stage: by_list,
        acts: &[Act::Register, Act::Send(FUNCTION_2, APP_SERVER, messages::moves_a_strange_user)],
        expected: registered!["function2 > app-server: U1", "app-server > function2: U2 experimental 5590"],
        findings: &[("AS-5 [0038]", "Origin-App-Layer-User-Id (3600)"), ("F3-1 [0026]", "Old-PDUID (4)")],
    },
    Row {
        name: "app-server-u1-id5-not-the-peer",
        place: "app server on U1",
        case: "ID5 not the peer",
        answer: "5592 PFID_UNKNOWN",
        story: "The other function names the first one as ID5: where U2 would go is not where U1 came from.",
        requirements: &["AS-6 [0039]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS, UE_SERVER, SERVER_FUNCTION, SECOND_SERVER],
        stage: by_list,
        acts: &[Act::Register, Act::Send(FUNCTION_2, APP_SERVER, messages::moves_to_somebody_else)],
        expected: registered!["function2 > app-server: U1", "app-server > function2: U2 experimental 5592"],
        findings: &[("AS-6 [0039]", "ProSe-Function-ID (3602)"), ("F3-1 [0026]", "Old-PDUID (4)")],
    },
    odd(
        "any-unknown-mandatory-avp",
        "unknown mandatory AVP",
        "5001 DIAMETER_AVP_UNSUPPORTED with Failed-AVP",
        "An AVP that nobody knows, with the M bit, in message 5.",
        &[Act::Send(MME, FUNCTION, messages::unknown_mandatory_avp)],
        &["mme > function: 5", "function > mme: 6 5001 Failed-AVP AVP 999 of vendor 32473"],
        &[(MESSAGE_5, "AVP 999 of vendor 32473")],
    ),
    odd(
        "any-bad-length",
        "bad length",
        "5014 DIAMETER_INVALID_AVP_LENGTH with Failed-AVP",
        "Three octets where an Unsigned32 has four, in message 5.",
        &[Act::Send(MME, FUNCTION, messages::bad_length)],
        &["mme > function: 5", "function > mme: 6 5014 Failed-AVP UE-ProSe-Capability (1)"],
        &[(MESSAGE_5, "UE-ProSe-Capability (1)")],
    ),
    odd(
        "any-bad-value",
        "bad value",
        "5004 DIAMETER_INVALID_AVP_VALUE with Failed-AVP",
        "A User-Name that is no UTF-8, in message 5.",
        &[Act::Send(MME, FUNCTION, messages::bad_value)],
        &["mme > function: 5", "function > mme: 6 5004 Failed-AVP User-Name (1)"],
        &[(MESSAGE_5, "User-Name (1)")],
    ),
    odd(
        "any-missing-avp",
        "missing AVP",
        "5005 DIAMETER_MISSING_AVP with Failed-AVP",
        "Message 5 does not say what the UE can do.",
        &[Act::Send(MME, FUNCTION, messages::missing_avp)],
        &["mme > function: 5", "function > mme: 6 5005 Failed-AVP UE-ProSe-Capability (1)"],
        &[(MESSAGE_5, "UE-ProSe-Capability (1)")],
    ),
    odd(
        "any-too-many",
        "too many",
        "5009 DIAMETER_AVP_OCCURS_TOO_MANY_TIMES with Failed-AVP",
        "Message 5 names two subscribers.",
        &[Act::Send(MME, FUNCTION, messages::too_many)],
        &["mme > function: 5", "function > mme: 6 5009 Failed-AVP User-Name (1)"],
        &[(MESSAGE_5, "User-Name (1)")],
    ),
    odd(
        "any-unknown-command",
        "unknown command",
        "3001 DIAMETER_COMMAND_UNSUPPORTED; no AVP is at fault, so there is no Failed-AVP",
        "A command that nobody knows, in the application of message 5.",
        &[Act::Send(MME, FUNCTION, messages::unknown_command)],
        &["mme > function: 16776960R", "function > mme: 16776960A 3001"],
        &[],
    ),
    Row {
        stage: |plan, _| plan.claimed = Some(messages::NO_APPLICATION),
        ..odd(
            "any-unknown-application",
            "unknown application",
            "3007 DIAMETER_APPLICATION_UNSUPPORTED; no AVP is at fault, so there is no Failed-AVP",
            "Both claim an application in CER and CEA that the function does not have.",
            &[Act::Send(MME, FUNCTION, messages::unknown_application)],
            &["mme > function: 16777214R", "function > mme: 16777214A 3007"],
            &[],
        )
    },
];
