//! Rows beside those of the table.

use super::*;

/// What no row of the table shows and crosses the wire all the same; played by name.
pub const BEYOND: &[Row] = &[
    Row {
        name: "f-1-renewed",
        place: "function on 5",
        case: "the same UE asks again",
        answer: "the same ID1, its validity renewed",
        story: "The UE asks for its identifier a second time, before it runs out.",
        requirements: &["F-1 [0017]", "F-1 [0021]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS],
        stage: by_list,
        acts: &[Act::Attach, Act::Attach],
        expected: attached![
            "ue > mme: 5",
            "mme > function: 5",
            "function > hss: PIR",
            "hss > function: PIA 2001",
            "function > mme: 6 2001",
            "mme > ue: 6 2001",
        ],
        findings: &[],
    },
    Row {
        name: "f-5-repeated",
        place: "function on 2",
        case: "the same bind again",
        answer: "success, and nothing is doubled",
        story: "A registered user registers once more: the same ID2 is bound to the same ID1.",
        requirements: &["F-5"],
        links: WHOLE,
        stage: by_list,
        acts: &[Act::Register, Act::Register],
        expected: registered![
            "ue > app-server: 1",
            "app-server > function: 2",
            "function > app-server: 3 2001",
            "app-server > ue: 4 2001",
        ],
        findings: &[],
    },
    Row {
        name: "f-5-replaced",
        place: "function on 2",
        case: "a different user on the same ID1 and application",
        answer: "success: the new user takes the place of the old one",
        story: "A phone changes hands. It keeps its ID1; the ID2 of its new user replaces that of the first.",
        requirements: &["F-5", "F-1 [0021]", "AS-2 [0042]"],
        links: WHOLE,
        stage: |plan, place| {
            by_list(plan, place);
            if let [first, second] = plan.ue.devices.as_mut_slice() {
                second.imsi = first.imsi;
            }
        },
        acts: &[Act::Register, Act::RegisterOther],
        expected: registered![
            "ue > mme: 5",
            "mme > function: 5",
            "function > hss: PIR",
            "hss > function: PIA 2001",
            "function > mme: 6 2001",
            "mme > ue: 6 2001",
            "ue > app-server: 1",
            "app-server > function: 2",
            "function > app-server: 3 2001",
            "app-server > ue: 4 2001",
        ],
        findings: &[],
    },
    Row {
        name: "f-6-bind-during-a-move",
        place: "function on 2",
        case: "the UE is between two functions",
        answer: "a retryable error that names the new function",
        story: "The other function has fetched the context and has not confirmed yet. Who binds now is sent there.",
        requirements: &["F-6", "F-4 [0027]"],
        links: &[UE_MME, MME_FUNCTION, FUNCTION_HSS, UE_SERVER, SERVER_FUNCTION, FUNCTIONS],
        stage: by_list,
        acts: &[Act::Attach, Act::Send(FUNCTION_2, FUNCTION, messages::asks_for_the_context), Act::Register],
        expected: attached![
            "function2 > function: G1",
            "function > function2: G2 2001",
            "ue > app-server: 1",
            "app-server > function: 2",
            "function > app-server: 3 experimental 4001 MOVING",
            "app-server > ue: 4 experimental 4001 MOVING",
        ],
        findings: &[],
    },
    Row {
        name: "ue-3-id3-as-an-address",
        place: "UE on 1",
        case: "the function names itself by an IPv4 address",
        answer: "ID3 is that address in messages 6 and 1, and message 2 goes there",
        story: "The same registration with an address for ID3: the app server knows whose it is.",
        requirements: &["UE-3 [0013]", "UE-3 [0014]", "AS-3 [0035]"],
        links: WHOLE,
        stage: |plan, place| {
            by_list(plan, place);
            let [first, _] = &mut plan.functions;
            first.address = Some(FunctionAddress::from(address(FUNCTION)));
        },
        acts: &[Act::Register],
        expected: registered![],
        findings: &[],
    },
];
