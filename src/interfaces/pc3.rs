//! PC3, the UE's side: to its MME for ID1, and to the app server for the registration.
//!
//! 3GPP's PC3 (TS 24.334) is HTTP with XML, and 3GPP leaves the path between UE and app server open (PC1). This framed
//! binary PC3 is the design of this adapter: a private application with the two command codes for experiments.

use crate::message::declare::commands;

/// Application-Id; private, see [`crate::avp::dictionary::private`].
pub use crate::avp::dictionary::private::APPLICATION_PC3 as APPLICATION;

commands! {
    /// A message of the framed PC3.
    enum Message;

    /// Message 5 on the leg from UE to MME: the UE asks for ID1.
    UeIdentifierAllocationRequest = "UE-Identifier-Allocation-Request" "IAR" 16777214 request proxiable, "registration procedure, message 5"
    {
        session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
        ue_prose_capability: 1 UeProseCapability, visited_plmn_id: ? VisitedPlmnId, old_pduid: ? OldPduid,
        old_prose_function_id: ? OldProseFunctionId, old_prose_function_address: ? OldProseFunctionAddress,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Message 6 on the leg from MME to UE: ID1, ID3 and the validity time, or the cause of a refusal.
    UeIdentifierAllocationAnswer = "UE-Identifier-Allocation-Answer" "IAA" 16777214 answer proxiable, "registration procedure, message 6"
    {
        session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, result_code: ? ResultCode, experimental_result: ? ExperimentalResult,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, pduid: ? Pduid, pduid_validity_time: ?
        PduidValidityTime, prose_function_id: ? ProseFunctionId, prose_function_address: ? ProseFunctionAddress,
        refusal_cause: ? RefusalCause, error_message: ? ErrorMessage, error_reporting_host: ? ErrorReportingHost,
        failed_avp: ? FailedAvp, proxy_info: * ProxyInfo,
    }

    /// Message 1: the UE registers its user with the app server. ID3 is optional \[0013\].
    UserRegistrationRequest = "User-Registration-Request" "URR" 16777215 request proxiable, "registration procedure, message 1"
    {
        session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, pduid: 1 Pduid, prose_function_id:
        ? ProseFunctionId, prose_function_address: ? ProseFunctionAddress, prose_app_id: 1 ProseAppId, user_name: 1
        UserName, user_credential_type: 1 UserCredentialType, user_credential: 1 UserCredential, proof_time: ? ProofTime,
        proof_nonce: ? ProofNonce, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Message 4: the result of the registration, and ID2.
    UserRegistrationAnswer = "User-Registration-Answer" "URA" 16777215 answer proxiable, "registration procedure, message 4"
    {
        session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, result_code: ? ResultCode, experimental_result: ? ExperimentalResult,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, origin_app_layer_user_id: ? OriginAppLayerUserId,
        refusal_cause: ? RefusalCause, error_message: ? ErrorMessage, error_reporting_host: ? ErrorReportingHost,
        failed_avp: ? FailedAvp, proxy_info: * ProxyInfo,
    }
}
