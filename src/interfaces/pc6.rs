//! PC6 and PC7, between ProSe Functions of different networks. TS 29.345.
//!
//! PIR here is ProSe-Match-Report-Info, not PC4a's ProSe-Subscriber-Information: commands are told apart by application
//! and code, never by abbreviation.

use crate::message::declare::commands;

/// Application-Id of PC6 and PC7.
pub const APPLICATION: u32 = 16_777_340;

commands! {
    /// A message of PC6 or PC7.
    enum Message;

    /// HPLMN ProSe Function to Local/Visited PLMN ProSe Function. TS 29.345 6.2.3.
    ProseAuthorizationRequest = "ProSe-Authorization-Request" "PAR" 8388668 request proxiable, "TS 29.345 6.2.3"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, user_identity: 1 UserIdentity,
        visited_plmn_id: 1 VisitedPlmnId, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Local/Visited PLMN ProSe Function to HPLMN ProSe Function. TS 29.345 6.2.4.
    ProseAuthorizationAnswer = "ProSe-Authorization-Answer" "PAA" 8388668 answer proxiable, "TS 29.345 6.2.4"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: * SupportedFeatures,
        oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, prose_direct_allowed: ?
        ProseDirectAllowed, validity_time_announce: ? ValidityTimeAnnounce, validity_time_monitor: ?
        ValidityTimeMonitor, validity_time_communication: ? ValidityTimeCommunication, authorized_discovery_range: ?
        AuthorizedDiscoveryRange, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// HPLMN ProSe Function to Local/Visited PLMN ProSe Function. TS 29.345 6.2.5.
    ProseDiscoveryRequest = "ProSe-Discovery-Request" "PDR" 8388669 request proxiable, "TS 29.345 6.2.5"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, discovery_auth_request: 1
        DiscoveryAuthRequest, discovery_entry_id: ? DiscoveryEntryId, proxy_info: * ProxyInfo, route_record: *
        RouteRecord,
    }

    /// Local/Visited PLMN ProSe Function to HPLMN ProSe Function. TS 29.345 6.2.6.
    ProseDiscoveryAnswer = "ProSe-Discovery-Answer" "PDA" 8388669 answer proxiable, "TS 29.345 6.2.6"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: * SupportedFeatures,
        oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, discovery_auth_response: ?
        DiscoveryAuthResponse, discovery_entry_id: ? DiscoveryEntryId, failed_avp: ? FailedAvp, proxy_info: *
        ProxyInfo, route_record: * RouteRecord,
    }

    /// HPLMN ProSe Function to Local/Visited PLMN ProSe Function. TS 29.345 6.2.7.
    ProseMatchRequest = "ProSe-Match-Request" "PMR" 8388670 request proxiable, "TS 29.345 6.2.7"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, match_request: 1 MatchRequest, pmr_flags: ?
        PmrFlags, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Local/Visited PLMN ProSe Function to HPLMN ProSe Function. TS 29.345 6.2.8.
    ProseMatchAnswer = "ProSe-Match-Answer" "PMA" 8388670 answer proxiable, "TS 29.345 6.2.8"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: * SupportedFeatures,
        oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, match_report: * MatchReport,
        failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// HPLMN ProSe Function of monitoring UE to ProSe Function of the PLMN where the announcing UE roams. TS 29.345 6.2.9.
    ProseMatchReportInfoRequest = "ProSe-Match-Report-Info-Request" "PIR" 8388671 request proxiable, "TS 29.345 6.2.9"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, match_report_info: 1 MatchReportInfo,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Reverse of PIR. TS 29.345 6.2.10.
    ProseMatchReportInfoAnswer = "ProSe-Match-Report-Info-Answer" "PIA" 8388671 answer proxiable, "TS 29.345 6.2.10"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: * SupportedFeatures,
        oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, failed_avp: ? FailedAvp,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// HPLMN ProSe Function to ProSe Function of another PLMN. TS 29.345 6.2.11.
    ProseProximityRequest = "ProSe-Proximity-Request" "PRR" 8388672 request proxiable, "TS 29.345 6.2.11"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, prr_flags: 1 PrrFlags, requesting_epuid: 1
        RequestingEpuid, targeted_epuid: 1 TargetedEpuid, time_window: 1 TimeWindow, location_estimate: 1
        LocationEstimate, location_update_trigger: ? LocationUpdateTrigger, proxy_info: * ProxyInfo, route_record: *
        RouteRecord,
    }

    /// Reverse of PRR. TS 29.345 6.2.12.
    ProseProximityAnswer = "ProSe-Proximity-Answer" "PRA" 8388672 answer proxiable, "TS 29.345 6.2.12"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: * SupportedFeatures,
        oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, location_estimate: ?
        LocationEstimate, wlan_link_layer_id: ? WlanLinkLayerId, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo,
        route_record: * RouteRecord,
    }

    /// HPLMN ProSe Function to ProSe Function of another PLMN. TS 29.345 6.2.13.
    ProseLocationUpdateRequest = "ProSe-Location-Update-Request" "PLR" 8388673 request proxiable, "TS 29.345 6.2.13"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, targeted_epuid: 1 TargetedEpuid,
        location_estimate: 1 LocationEstimate, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Reverse of PLR. TS 29.345 6.2.14.
    ProseLocationUpdateAnswer = "ProSe-Location-Update-Answer" "PLA" 8388673 answer proxiable, "TS 29.345 6.2.14"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: * SupportedFeatures,
        oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, failed_avp: ? FailedAvp,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// HPLMN ProSe Function to ProSe Function of another PLMN. TS 29.345 6.2.15.
    ProseAlertRequest = "ProSe-Alert-Request" "ALR" 8388674 request proxiable, "TS 29.345 6.2.15"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, app_layer_user_id: 1 AppLayerUserId,
        targeted_epuid: 1 TargetedEpuid, assistance_info: ? AssistanceInfo, proxy_info: * ProxyInfo, route_record: *
        RouteRecord,
    }

    /// Reverse of ALR. TS 29.345 6.2.16.
    ProseAlertAnswer = "ProSe-Alert-Answer" "ALA" 8388674 answer proxiable, "TS 29.345 6.2.16"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: * SupportedFeatures,
        oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, failed_avp: ? FailedAvp,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// HPLMN ProSe Function to Local/Visited PLMN ProSe Function. TS 29.345 6.2.17.
    ProseCancellationRequest = "ProSe-Cancellation-Request" "PCR" 8388675 request proxiable, "TS 29.345 6.2.17"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, requesting_epuid: 1 RequestingEpuid,
        targeted_epuid: 1 TargetedEpuid, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Local/Visited PLMN ProSe Function to HPLMN ProSe Function. TS 29.345 6.2.18.
    ProseCancellationAnswer = "ProSe-Cancellation-Answer" "PCA" 8388675 answer proxiable, "TS 29.345 6.2.18"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: * SupportedFeatures,
        oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, failed_avp: ? FailedAvp,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }
}
