//! AVPs of the IETF: RFC 6733 and its companions. Vendor 0, so V is never set.

use super::declare::avps;

avps! {
    vendor 0;

    UserName = "User-Name" 1 UTF8String must, "RFC 6733 8.14";
    Class = "Class" 25 OctetString must, "RFC 6733 8.20";
    SessionTimeout = "Session-Timeout" 27 Unsigned32 must, "RFC 6733 8.13";
    ProxyState = "Proxy-State" 33 OctetString must, "RFC 6733 6.7.4";
    AcctSessionId = "Acct-Session-Id" 44 OctetString must, "RFC 6733 9.8.4";
    AcctMultiSessionId = "Acct-Multi-Session-Id" 50 UTF8String must, "RFC 6733 9.8.5";
    EventTimestamp = "Event-Timestamp" 55 Time must, "RFC 6733 8.21";
    AcctInterimInterval = "Acct-Interim-Interval" 85 Unsigned32 must, "RFC 6733 9.8.2";
    HostIpAddress = "Host-IP-Address" 257 Address must, "RFC 6733 5.3.5";
    AuthApplicationId = "Auth-Application-Id" 258 Unsigned32 must, "RFC 6733 6.8";
    AcctApplicationId = "Acct-Application-Id" 259 Unsigned32 must, "RFC 6733 6.9";
    VendorSpecificApplicationId = "Vendor-Specific-Application-Id" 260 Grouped must, "RFC 6733 6.11" closed {
        vendor_id: 1 VendorId,
        auth_application_id: ? AuthApplicationId,
        acct_application_id: ? AcctApplicationId,
    };
    RedirectHostUsage = "Redirect-Host-Usage" 261 Enumerated must, "RFC 6733 6.13" values {
        DONT_CACHE = 0,
        ALL_SESSION = 1,
        ALL_REALM = 2,
        REALM_AND_APPLICATION = 3,
        ALL_APPLICATION = 4,
        ALL_HOST = 5,
        ALL_USER = 6,
    };
    RedirectMaxCacheTime = "Redirect-Max-Cache-Time" 262 Unsigned32 must, "RFC 6733 6.14";
    SessionId = "Session-Id" 263 UTF8String must, "RFC 6733 8.8";
    OriginHost = "Origin-Host" 264 DiameterIdentity must, "RFC 6733 6.3";
    SupportedVendorId = "Supported-Vendor-Id" 265 Unsigned32 must, "RFC 6733 5.3.6";
    VendorId = "Vendor-Id" 266 Unsigned32 must, "RFC 6733 5.3.3" values { TGPP = 10415 };
    FirmwareRevision = "Firmware-Revision" 267 Unsigned32 mustnot, "RFC 6733 5.3.4";
    ResultCode = "Result-Code" 268 Unsigned32 must, "RFC 6733 7.1" values {
        DIAMETER_MULTI_ROUND_AUTH = 1001,
        DIAMETER_SUCCESS = 2001,
        DIAMETER_LIMITED_SUCCESS = 2002,
        DIAMETER_COMMAND_UNSUPPORTED = 3001,
        DIAMETER_UNABLE_TO_DELIVER = 3002,
        DIAMETER_REALM_NOT_SERVED = 3003,
        DIAMETER_TOO_BUSY = 3004,
        DIAMETER_LOOP_DETECTED = 3005,
        DIAMETER_REDIRECT_INDICATION = 3006,
        DIAMETER_APPLICATION_UNSUPPORTED = 3007,
        DIAMETER_INVALID_HDR_BITS = 3008,
        DIAMETER_INVALID_AVP_BITS = 3009,
        DIAMETER_UNKNOWN_PEER = 3010,
        DIAMETER_AUTHENTICATION_REJECTED = 4001,
        DIAMETER_OUT_OF_SPACE = 4002,
        ELECTION_LOST = 4003,
        DIAMETER_AVP_UNSUPPORTED = 5001,
        DIAMETER_UNKNOWN_SESSION_ID = 5002,
        DIAMETER_AUTHORIZATION_REJECTED = 5003,
        DIAMETER_INVALID_AVP_VALUE = 5004,
        DIAMETER_MISSING_AVP = 5005,
        DIAMETER_RESOURCES_EXCEEDED = 5006,
        DIAMETER_CONTRADICTING_AVPS = 5007,
        DIAMETER_AVP_NOT_ALLOWED = 5008,
        DIAMETER_AVP_OCCURS_TOO_MANY_TIMES = 5009,
        DIAMETER_NO_COMMON_APPLICATION = 5010,
        DIAMETER_UNSUPPORTED_VERSION = 5011,
        DIAMETER_UNABLE_TO_COMPLY = 5012,
        DIAMETER_INVALID_BIT_IN_HEADER = 5013,
        DIAMETER_INVALID_AVP_LENGTH = 5014,
        DIAMETER_INVALID_MESSAGE_LENGTH = 5015,
        DIAMETER_INVALID_AVP_BIT_COMBO = 5016,
        DIAMETER_NO_COMMON_SECURITY = 5017,
    };
    ProductName = "Product-Name" 269 UTF8String mustnot, "RFC 6733 5.3.7";
    SessionBinding = "Session-Binding" 270 Unsigned32 must, "RFC 6733 8.17" bits {
        RE_AUTH = 1,
        STR = 2,
        ACCOUNTING = 4,
    };
    SessionServerFailover = "Session-Server-Failover" 271 Enumerated must, "RFC 6733 8.18" values {
        REFUSE_SERVICE = 0,
        TRY_AGAIN = 1,
        ALLOW_SERVICE = 2,
        TRY_AGAIN_ALLOW_SERVICE = 3,
    };
    MultiRoundTimeOut = "Multi-Round-Time-Out" 272 Unsigned32 must, "RFC 6733 8.19";
    DisconnectCause = "Disconnect-Cause" 273 Enumerated must, "RFC 6733 5.4.3" values {
        REBOOTING = 0,
        BUSY = 1,
        DO_NOT_WANT_TO_TALK_TO_YOU = 2,
    };
    AuthRequestType = "Auth-Request-Type" 274 Enumerated must, "RFC 6733 8.7" values {
        AUTHENTICATE_ONLY = 1,
        AUTHORIZE_ONLY = 2,
        AUTHORIZE_AUTHENTICATE = 3,
    };
    AuthGracePeriod = "Auth-Grace-Period" 276 Unsigned32 must, "RFC 6733 8.10";
    AuthSessionState = "Auth-Session-State" 277 Enumerated must, "RFC 6733 8.11" values {
        STATE_MAINTAINED = 0,
        NO_STATE_MAINTAINED = 1,
    };
    OriginStateId = "Origin-State-Id" 278 Unsigned32 must, "RFC 6733 8.16";
    FailedAvp = "Failed-AVP" 279 Grouped must, "RFC 6733 7.5" open {  };
    ProxyHost = "Proxy-Host" 280 DiameterIdentity must, "RFC 6733 6.7.3";
    ErrorMessage = "Error-Message" 281 UTF8String mustnot, "RFC 6733 7.3";
    RouteRecord = "Route-Record" 282 DiameterIdentity must, "RFC 6733 6.7.1";
    DestinationRealm = "Destination-Realm" 283 DiameterIdentity must, "RFC 6733 6.6";
    ProxyInfo = "Proxy-Info" 284 Grouped must, "RFC 6733 6.7.2" open {
        proxy_host: 1 ProxyHost,
        proxy_state: 1 ProxyState,
    };
    ReAuthRequestType = "Re-Auth-Request-Type" 285 Enumerated must, "RFC 6733 8.12" values {
        AUTHORIZE_ONLY = 0,
        AUTHORIZE_AUTHENTICATE = 1,
    };
    AccountingSubSessionId = "Accounting-Sub-Session-Id" 287 Unsigned64 must, "RFC 6733 9.8.6";
    AuthorizationLifetime = "Authorization-Lifetime" 291 Unsigned32 must, "RFC 6733 8.9";
    RedirectHost = "Redirect-Host" 292 DiameterURI must, "RFC 6733 6.12";
    DestinationHost = "Destination-Host" 293 DiameterIdentity must, "RFC 6733 6.5";
    ErrorReportingHost = "Error-Reporting-Host" 294 DiameterIdentity mustnot, "RFC 6733 7.4";
    TerminationCause = "Termination-Cause" 295 Enumerated must, "RFC 6733 8.15" values {
        DIAMETER_LOGOUT = 1,
        DIAMETER_SERVICE_NOT_PROVIDED = 2,
        DIAMETER_BAD_ANSWER = 3,
        DIAMETER_ADMINISTRATIVE = 4,
        DIAMETER_LINK_BROKEN = 5,
        DIAMETER_AUTH_EXPIRED = 6,
        DIAMETER_USER_MOVED = 7,
        DIAMETER_SESSION_TIMEOUT = 8,
    };
    OriginRealm = "Origin-Realm" 296 DiameterIdentity must, "RFC 6733 6.4";
    ExperimentalResult = "Experimental-Result" 297 Grouped must, "RFC 6733 7.6" closed {
        vendor_id: 1 VendorId,
        experimental_result_code: 1 ExperimentalResultCode,
    };
    ExperimentalResultCode = "Experimental-Result-Code" 298 Unsigned32 must, "RFC 6733 7.7; values TS 29.230" values {
        DIAMETER_ERROR_USER_UNKNOWN = 5001,
        DIAMETER_ERROR_FEATURE_UNSUPPORTED = 5011,
        DIAMETER_ERROR_UNAUTHORIZED_SERVICE = 5511,
        DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN = 5590,
        DIAMETER_ERROR_TARGET_ALUID_UNKNOWN = 5591,
        DIAMETER_ERROR_PFID_UNKNOWN = 5592,
        DIAMETER_ERROR_APP_REGISTER_REJECT = 5593,
        DIAMETER_ERROR_PROSE_MAP_REQUEST_DISALLOWED = 5594,
        DIAMETER_ERROR_MAP_REQUEST_REJECT = 5595,
        DIAMETER_ERROR_REQUESTING_RPAUID_UNKNOWN = 5596,
        DIAMETER_ERROR_UNKNOWN_OR_INVALID_TARGET_SET = 5597,
        DIAMETER_ERROR_MISSING_APPLICATION_DATA = 5598,
        DIAMETER_ERROR_AUTHORIZATION_REJECT = 5599,
        DIAMETER_ERROR_DISCOVERY_NOT_PERMITTED = 5600,
        DIAMETER_ERROR_TARGET_RPAUID_UNKNOWN = 5601,
        DIAMETER_ERROR_INVALID_APPLICATION_DATA = 5602,
        DIAMETER_ERROR_UNKNOWN_PROSE_SUBSCRIPTION = 5610,
        DIAMETER_ERROR_PROSE_NOT_ALLOWED = 5611,
        DIAMETER_ERROR_UE_LOCATION_UNKNOWN = 5612,
        DIAMETER_ERROR_NO_ASSOCIATED_DISCOVERY_FILTER = 5630,
        DIAMETER_ERROR_ANNOUNCING_UNAUTHORIZED_IN_PLMN = 5631,
        DIAMETER_ERROR_INVALID_APPLICATION_CODE = 5632,
        DIAMETER_ERROR_PROXIMITY_UNAUTHORIZED = 5633,
        DIAMETER_ERROR_PROXIMITY_REJECTED = 5634,
        DIAMETER_ERROR_NO_PROXIMITY_REQUEST = 5635,
        DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN = 5636,
        DIAMETER_ERROR_PROXIMITY_CANCELLED = 5637,
        DIAMETER_ERROR_INVALID_TARGET_PDUID = 5638,
        DIAMETER_ERROR_INVALID_TARGET_RPAUID = 5639,
        DIAMETER_ERROR_NO_ASSOCIATED_RESTRICTED_CODE = 5640,
        DIAMETER_ERROR_INVALID_DISCOVERY_TYPE = 5641,
    };
    InbandSecurityId = "Inband-Security-Id" 299 Unsigned32 must, "RFC 6733 6.10" values {
        NO_INBAND_SECURITY = 0,
        TLS = 1,
    };
    E2eSequence = "E2E-Sequence" 300 Grouped must, "RFC 3588 6.15 (not carried into RFC 6733)" closed {  };
    Drmp = "DRMP" 301 Enumerated mustnot, "RFC 7944" values {
        PRIORITY_0 = 0,
        PRIORITY_1 = 1,
        PRIORITY_2 = 2,
        PRIORITY_3 = 3,
        PRIORITY_4 = 4,
        PRIORITY_5 = 5,
        PRIORITY_6 = 6,
        PRIORITY_7 = 7,
        PRIORITY_8 = 8,
        PRIORITY_9 = 9,
        PRIORITY_10 = 10,
        PRIORITY_11 = 11,
        PRIORITY_12 = 12,
        PRIORITY_13 = 13,
        PRIORITY_14 = 14,
        PRIORITY_15 = 15,
    };
    EapMasterSessionKey = "EAP-Master-Session-Key" 464 OctetString must, "RFC 4072 4.1.4";
    AccountingRecordType = "Accounting-Record-Type" 480 Enumerated must, "RFC 6733 9.8.1" values {
        EVENT_RECORD = 1,
        START_RECORD = 2,
        INTERIM_RECORD = 3,
        STOP_RECORD = 4,
    };
    AccountingRealtimeRequired = "Accounting-Realtime-Required" 483 Enumerated must, "RFC 6733 9.8.7" values {
        DELIVER_AND_GRANT = 1,
        GRANT_AND_STORE = 2,
        GRANT_AND_LOSE = 3,
    };
    AccountingRecordNumber = "Accounting-Record-Number" 485 Unsigned32 must, "RFC 6733 9.8.3";
    OcSupportedFeatures = "OC-Supported-Features" 621 Grouped mustnot, "RFC 7683 7.1" open {
        oc_feature_vector: ? OcFeatureVector,
        sourceid: ? SourceID,
        oc_peer_algo: ? OcPeerAlgo,
    };
    OcFeatureVector = "OC-Feature-Vector" 622 Unsigned64 mustnot, "RFC 7683 7.2" bits { OLR_DEFAULT_ALGO = 0x1 };
    OcOlr = "OC-OLR" 623 Grouped mustnot, "RFC 7683 7.3" open {
        oc_sequence_number: 1 OcSequenceNumber,
        oc_report_type: 1 OcReportType,
        oc_reduction_percentage: ? OcReductionPercentage,
        oc_validity_duration: ? OcValidityDuration,
        sourceid: ? SourceID,
    };
    OcSequenceNumber = "OC-Sequence-Number" 624 Unsigned64 mustnot, "RFC 7683 7.4";
    OcValidityDuration = "OC-Validity-Duration" 625 Unsigned32 mustnot, "RFC 7683 7.5";
    OcReportType = "OC-Report-Type" 626 Enumerated mustnot, "RFC 7683 7.6; RFC 8581" values {
        HOST_REPORT = 0,
        REALM_REPORT = 1,
        PEER_REPORT = 2,
    };
    OcReductionPercentage = "OC-Reduction-Percentage" 627 Unsigned32 mustnot, "RFC 7683 7.7";
    OcPeerAlgo = "OC-Peer-Algo" 648 Unsigned64 mustnot, "RFC 8581";
    SourceID = "SourceID" 649 DiameterIdentity mustnot, "RFC 8581/RFC 8583";
    Load = "Load" 650 Grouped mustnot, "RFC 8583 7.1" open {
        load_type: ? LoadType,
        load_value: ? LoadValue,
        sourceid: ? SourceID,
    };
    LoadType = "Load-Type" 651 Enumerated mustnot, "RFC 8583 7.2" values { HOST = 0, PEER = 1 };
    LoadValue = "Load-Value" 652 Unsigned64 mustnot, "RFC 8583 7.3";
    AccountingInputOctets = "Accounting-Input-Octets" 363 Unsigned64 must, "RFC 4005/7155";
    AccountingOutputOctets = "Accounting-Output-Octets" 364 Unsigned64 must, "RFC 4005/7155";

    /// The APN; S6a reuses it.
    ServiceSelection = "Service-Selection" 493 UTF8String must, "RFC 5778 6.2";
    /// The mobility agent; S6a reuses it for the packet gateway.
    Mip6AgentInfo = "MIP6-Agent-Info" 486 Grouped must, "RFC 5447 4.2.1" open {
        mip_home_agent_address: * MipHomeAgentAddress,
        mip_home_agent_host: ? MipHomeAgentHost,
    };
    MipHomeAgentAddress = "MIP-Home-Agent-Address" 334 Address must, "RFC 4004 7.4";
    MipHomeAgentHost = "MIP-Home-Agent-Host" 348 Grouped must, "RFC 4004 7.11" open {
        destination_realm: 1 DestinationRealm,
        destination_host: 1 DestinationHost,
    };
}
