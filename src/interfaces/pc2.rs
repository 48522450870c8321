//! PC2, between ProSe Function and ProSe Application Server. TS 29.343.
//!
//! PXR goes from the function to the app server, XAR the other way. Message 2 of the registration procedure is a XAR
//! with a ProSe-Request-Type of our own; PDUID, Origin-App-Layer-User-Id and ProSe-App-Id ride in its `*[AVP]`.

use crate::message::declare::commands;

/// Application-Id of the second allocation, which has XAR: what we send unless configured otherwise. IANA lists both
/// ids against TS 29.343; one tool that follows recent releases knows only this one.
pub const APPLICATION: u32 = 16_777_350;
/// Application-Id of the first allocation (release 12, PXR alone). Accepted, and answered on.
pub const APPLICATION_FIRST: u32 = 16_777_337;

commands! {
    /// A message of PC2.
    enum Message;

    /// ProSe Function to ProSe Application Server. TS 29.343 6.6.2.
    ProXimityActionRequest = "ProXimity-Action-Request" "PXR" 8388676 request proxiable, "TS 29.343 6.6.2"
    {
        session_id: fixed SessionId, auth_application_id: 1 AuthApplicationId, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, destination_realm: 1 DestinationRealm,
        destination_host: ? DestinationHost, origin_state_id: ? OriginStateId, proxy_info: * ProxyInfo, route_record:
        * RouteRecord, prose_request_type: 1 ProseRequestType, origin_app_layer_user_id: ? OriginAppLayerUserId,
        target_app_layer_user_id: ? TargetAppLayerUserId, requesting_epuid: ? RequestingEpuid, prose_function_id: ?
        ProseFunctionId, requesting_rpauid: ? RequestingRpauid, prose_app_id: ? ProseAppId, application_data: ?
        ApplicationData, allowed_suffixes_number: ? AllowedSuffixesNumber, target_rpauid: ? TargetRpauid,
        banned_user_target: * BannedUserTarget,
    }

    /// ProSe Application Server to ProSe Function. TS 29.343 6.6.3.
    ProXimityActionAnswer = "ProXimity-Action-Answer" "PXA" 8388676 answer proxiable, "TS 29.343 6.6.3"
    {
        session_id: fixed SessionId, auth_application_id: 1 AuthApplicationId, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, result_code: ? ResultCode, experimental_result: ?
        ExperimentalResult, error_message: ? ErrorMessage, error_reporting_host: ? ErrorReportingHost, failed_avp: ?
        FailedAvp, origin_state_id: ? OriginStateId, redirect_host: * RedirectHost, redirect_host_usage: ?
        RedirectHostUsage, redirect_max_cache_time: ? RedirectMaxCacheTime, proxy_info: * ProxyInfo,
        prose_request_type: 1 ProseRequestType, targeted_epuid: ? TargetedEpuid, prose_function_id: ? ProseFunctionId,
        pduid: * Pduid, prose_restricted_code_suffix_range: * ProseRestrictedCodeSuffixRange,
        prose_app_code_suffix_range: * ProseAppCodeSuffixRange, prose_code_suffix_mask: * ProseCodeSuffixMask,
        monitor_target: * MonitorTarget, target_pduid: * TargetPduid, prose_application_metadata: ?
        ProseApplicationMetadata, application_data: ? ApplicationData, load: * Load,
    }

    /// ProSe Application Server to ProSe Function. TS 29.343 6.6.4.
    ProXimityApplicationRequest = "ProXimity-Application-Request" "XAR" 8388727 request proxiable, "TS 29.343 6.6.4"
    {
        session_id: fixed SessionId, auth_application_id: 1 AuthApplicationId, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, destination_realm: 1 DestinationRealm,
        destination_host: ? DestinationHost, origin_state_id: ? OriginStateId, proxy_info: * ProxyInfo, route_record:
        * RouteRecord, prose_request_type: 1 ProseRequestType, requesting_rpauid: ? RequestingRpauid,
        banned_user_target: * BannedUserTarget,
    }

    /// ProSe Function to ProSe Application Server. TS 29.343 6.6.5.
    ProXimityApplicationAnswer = "ProXimity-Application-Answer" "XAA" 8388727 answer proxiable, "TS 29.343 6.6.5"
    {
        session_id: fixed SessionId, auth_application_id: 1 AuthApplicationId, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, result_code: ? ResultCode, experimental_result: ?
        ExperimentalResult, error_message: ? ErrorMessage, error_reporting_host: ? ErrorReportingHost, failed_avp: ?
        FailedAvp, origin_state_id: ? OriginStateId, redirect_host: * RedirectHost, redirect_host_usage: ?
        RedirectHostUsage, redirect_max_cache_time: ? RedirectMaxCacheTime, proxy_info: * ProxyInfo,
        prose_request_type: 1 ProseRequestType,
    }
}
