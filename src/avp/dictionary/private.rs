//! Numbers of our own, all in this one place: no standard has them, and every listing prints them as private.
//!
//! The vendor is 32473, the number that RFC 5612 sets aside for documentation; command codes are the two that RFC 6733
//! section 11.2.1 sets aside for experiments. All of them can be renumbered in the configuration where a lab has other
//! plans for them.

use super::declare::avps;

/// The vendor of private AVPs and applications: RFC 5612.
pub const VENDOR: u32 = 32473;

/// Application-Id of the framed binary PC3 between UE and MME or app server. From the range that RFC 6733 section 11.3
/// gives to vendors; 3GPP's PC3 is HTTP and has none.
pub const APPLICATION_PC3: u32 = 4_278_190_083;
/// Application-Id of the leg between MME and function in the PC4 room.
pub const APPLICATION_PC4_MME: u32 = 4_278_190_084;
/// Application-Id between two functions of one network. PC6 and PC7 join different networks.
pub const APPLICATION_FUNCTION: u32 = 4_278_190_085;

/// Command A, the first code for experiments. RFC 6733 section 11.2.1.
pub const COMMAND_A: u32 = 16_777_214;
/// Command B, the second.
pub const COMMAND_B: u32 = 16_777_215;

/// The ProSe-Request-Type of message 2: the app server binds a user (ID2) to a UE (ID1). Far from the values 3GPP
/// counts up from zero.
pub const REQUEST_TYPE_BIND_USER: u32 = 4_278_190_081;

/// Experimental-Result-Code of our own vendor: the UE is between two functions, and the new one is named beside it. From
/// the range of transient failures (RFC 6733 section 7.1.4), so that whoever does not know it tries again later.
pub const EXPERIMENTAL_UE_MOVING: u32 = 4001;

avps! {
    vendor 32473;

    /// What the UE says it can do, in the bits of ProSe-Permission. Message 5.
    UeProseCapability = "UE-ProSe-Capability" 1 Unsigned32 must, "registration procedure, message 5" bits {
        PROSE_DIRECT_DISCOVERY = 1,
        EPC_LEVEL_PROSE_DISCOVERY = 2,
        EPC_SUPPORT_WLAN_DIRECT = 4,
        ONE_TO_MANY_DIRECT_COMMUNICATION = 8,
        ONE_TO_ONE_DIRECT_COMMUNICATION = 16,
        UE_TO_NETWORK_RELAY = 32,
        REMOTE_UE_ACCESS = 64,
        RESTRICTED_DIRECT_DISCOVERY = 128,
    };
    /// ID3 or ID5 as an IP address; as an FQDN it travels in ProSe-Function-ID.
    ProseFunctionAddress = "ProSe-Function-Address" 2 Address must, "registration procedure, ID3 and ID5";
    /// For how many seconds from now ID1 is good.
    PduidValidityTime = "PDUID-Validity-Time" 3 Unsigned32 must, "registration procedure, message 6";
    /// The ID1 that the UE had before it moved.
    OldPduid = "Old-PDUID" 4 OctetString must, "registration procedure, messages 5 and U1";
    /// The ID3 that the UE had before it moved, as an FQDN.
    OldProseFunctionId = "Old-ProSe-Function-ID" 5 OctetString must, "registration procedure, messages 5 and U1";
    /// The ID3 that the UE had before it moved, as an IP address.
    OldProseFunctionAddress = "Old-ProSe-Function-Address" 6 Address must,
        "registration procedure, messages 5 and U1";
    /// What proves the user to the app server: the password, or an Ed25519 signature of what
    /// [`Proof::octets`](crate::registration::credential::Proof::octets) says.
    UserCredential = "User-Credential" 7 OctetString must, "registration procedure, message 1";
    /// How the user is proved.
    UserCredentialType = "User-Credential-Type" 8 Enumerated must, "registration procedure, message 1" values {
        PASSWORD = 0,
        SIGNED_PROOF = 1,
    };
    /// Marks a PXR as the update of a context after a move.
    ContextMove = "Context-Move" 9 Enumerated must, "registration procedure, message U1" values {
        MOVED_TO_FUNCTION = 1,
    };
    /// The context of a UE as one function hands it to another.
    UeContext = "UE-Context" 10 Grouped must, "registration procedure, message G2" open {
        user_name: 1 UserName,
        msisdn: ? Msisdn,
        prose_subscription_data: ? ProseSubscriptionData,
        pduid: 1 Pduid,
        pduid_validity_time: 1 PduidValidityTime,
        application_binding: * ApplicationBinding,
    };
    /// A user bound to a UE for one application. Earlier-Binding stands in it while the app server may know an
    /// older ID1: it has not answered U1 yet, and the UE moves on.
    ApplicationBinding = "Application-Binding" 11 Grouped must, "registration procedure, message G2" open {
        prose_app_id: 1 ProseAppId,
        origin_app_layer_user_id: 1 OriginAppLayerUserId,
        app_server_host: 1 AppServerHost,
        app_server_realm: 1 AppServerRealm,
        earlier_binding: * EarlierBinding,
    };
    /// The app server's Origin-Host.
    AppServerHost = "App-Server-Host" 12 DiameterIdentity must, "registration procedure, message G2";
    /// The app server's Origin-Realm.
    AppServerRealm = "App-Server-Realm" 13 DiameterIdentity must, "registration procedure, message G2";
    /// Why a UE gets no ID1 or no registration.
    RefusalCause = "Refusal-Cause" 14 Enumerated mustnot, "registration procedure, messages 6 and 4" values {
        UE_NOT_CAPABLE = 1,
        NOT_SUBSCRIBED = 2,
        UNKNOWN_SUBSCRIPTION = 3,
        PROSE_NOT_ALLOWED = 4,
        BAD_CREDENTIAL = 5,
        FUNCTION_REFUSED = 6,
        FUNCTION_UNREACHABLE = 7,
        FUNCTION_NOT_ALLOWED = 8,
        MOVING = 9,
        CREDENTIAL_UNPROTECTED = 12,
    };
    /// An ID1 and ID3 that an app server may still know a UE by.
    EarlierBinding = "Earlier-Binding" 15 Grouped must, "registration procedure, message G2" open {
        old_pduid: 1 OldPduid,
        old_prose_function_id: ? OldProseFunctionId,
        old_prose_function_address: ? OldProseFunctionAddress,
    };
    /// When a signed proof was made: milliseconds since 1970-01-01 UTC.
    ProofTime = "Proof-Time" 24 Unsigned64 must, "registration procedure, message 1";
    /// 16 random octets, others in every signed proof.
    ProofNonce = "Proof-Nonce" 25 OctetString must, "registration procedure, message 1";
}
