//! Why a UE was refused, and what to do about it.

use crate::avp::dictionary::RefusalCause;
use crate::registration::ue::Refused;

/// A paragraph on a refusal: whose word it is, and what to look at.
pub fn explain(refused: &Refused) -> &'static str {
    match refused.cause {
        Some(RefusalCause::UE_NOT_CAPABLE) => {
            "The MME judges the UE's ProSe capability (MME-1): no service of message 5 is one that the network offers. \
             --capability says what the UE can do, `services` of the MME what counts."
        }
        Some(RefusalCause::NOT_SUBSCRIBED) => {
            "The MME found no subscription to ProSe for this IMSI (MME-1), so no message 5 went to the function (MME-2). Give \
             the subscriber prose_permission in the HSS, or add the IMSI to the MME's subscribers."
        }
        Some(RefusalCause::UNKNOWN_SUBSCRIPTION) => {
            "The function's HSS does not know this IMSI (5610, TS 29.344 6.2.2). Add the subscriber to the HSS that the \
             function asks."
        }
        Some(RefusalCause::PROSE_NOT_ALLOWED) => {
            "The function's HSS knows the subscriber, who may not use ProSe or not in this network (5611, TS 29.344 6.2.2). \
             Look at prose_permission and allowed_plmns of the subscriber."
        }
        Some(RefusalCause::BAD_CREDENTIAL) => {
            "The app server does not believe that the user is who they say (AS-1); nothing was told to the function. Look at \
             --user and --password-file, and whether the app server takes this kind of proof over an association without TLS."
        }
        Some(RefusalCause::FUNCTION_REFUSED) => {
            "The app server believes the user, but the function refused to bind them (F-2): ID1 unknown to it or expired, the \
             application not allowed to this app server, or the app server not among its peers. The function's log says which."
        }
        Some(RefusalCause::FUNCTION_UNREACHABLE) => {
            "The app server could not reach the function that ID3 names, or it was silent. `proselink show peers` at the app \
             server tells why; the UE may try again."
        }
        Some(RefusalCause::FUNCTION_NOT_ALLOWED) => {
            "ID3 is no function that the app server may call (AS-3). Add the function to its functions or id3_realms."
        }
        Some(RefusalCause::MOVING) => {
            "The UE is just moving to another function (F-6), which the answer names. Try again in a moment."
        }
        _ => match refused.code {
            Some(3002) => {
                "No node on the way leads to where the request should go. Look at the peers of the node that answered."
            }
            Some(3004) => "A node has more to do than it can (DIAMETER_TOO_BUSY). Try again in a moment.",
            Some(5004 | 5005 | 5014) => {
                "The other side does not accept an AVP of ours; -w records the exchange, and `proselink \
                                         decode` shows the AVP that Failed-AVP names."
            }
            Some(_) => {
                "The answer gives no cause of the procedure's own; -w records the exchange for `proselink decode`."
            }
            None => {
                "No answer came in time. -w records what was sent; `proselink show peers` at the other node tells whom it \
                     reaches."
            }
        },
    }
}

/// The cause by its name, where there is one.
pub fn cause_name(refused: &Refused) -> Option<&'static str> {
    use crate::avp::dictionary::Declared as _;
    RefusalCause::DEFINITION.value_name(i64::from(refused.cause?))
}
