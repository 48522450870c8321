//! S6a and S6d, between MME or SGSN and HSS. TS 29.272.
//!
//! The MME's judgement over a UE (requirement MME-1) rests on the ProSe-Subscription-Data that ULA and IDR carry. Rarely
//! used AVPs of these commands are not named here; they ride in `extra`, known to the dictionary or not.

use crate::message::declare::commands;

/// Application-Id of S6a and S6d.
pub const APPLICATION: u32 = 16_777_251;

commands! {
    /// A message of S6a.
    enum Message;

    /// The MME tells the HSS where the UE is, and gets its subscription.
    UpdateLocationRequest = "Update-Location-Request" "ULR" 316 request proxiable, "TS 29.272 7.2.3"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
        supported_features: * SupportedFeatures, terminal_information: ? TerminalInformation, rat_type: 1 RatType,
        ulr_flags: 1 UlrFlags, ue_srvcc_capability: ? UeSrvccCapability, visited_plmn_id: 1 VisitedPlmnId,
        sgsn_number: ? SgsnNumber, homogeneous_support: ? HomogeneousSupportOfImsVoiceOverPsSessions, gmlc_address: ?
        GmlcAddress, active_apn: * ActiveApn, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The subscription; ProSe-Subscription-Data stands in Subscription-Data.
    UpdateLocationAnswer = "Update-Location-Answer" "ULA" 316 answer proxiable, "TS 29.272 7.2.4"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, oc_supported_features: ? OcSupportedFeatures, oc_olr:
        ? OcOlr, load: * Load, supported_features: * SupportedFeatures, ula_flags: ? UlaFlags, subscription_data: ?
        SubscriptionData, reset_id: * ResetId, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: *
        RouteRecord,
    }

    /// The HSS ends a registration.
    CancelLocationRequest = "Cancel-Location-Request" "CLR" 317 request proxiable, "TS 29.272 7.2.7"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: 1 DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
        supported_features: * SupportedFeatures, cancellation_type: 1 CancellationType, clr_flags: ? ClrFlags,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The registration is gone.
    CancelLocationAnswer = "Cancel-Location-Answer" "CLA" 317 answer proxiable, "TS 29.272 7.2.8"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, oc_supported_features: ? OcSupportedFeatures, oc_olr:
        ? OcOlr, load: * Load, supported_features: * SupportedFeatures, failed_avp: ? FailedAvp, proxy_info: *
        ProxyInfo, route_record: * RouteRecord,
    }

    /// The MME asks for authentication vectors.
    AuthenticationInformationRequest = "Authentication-Information-Request" "AIR" 318 request proxiable, "TS 29.272 7.2.5"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
        supported_features: * SupportedFeatures, requested_eutran_authentication_info: ?
        RequestedEutranAuthenticationInfo, requested_utran_geran_authentication_info: ?
        RequestedUtranGeranAuthenticationInfo, visited_plmn_id: 1 VisitedPlmnId, proxy_info: * ProxyInfo,
        route_record: * RouteRecord,
    }

    /// The vectors.
    AuthenticationInformationAnswer = "Authentication-Information-Answer" "AIA" 318 answer proxiable, "TS 29.272 7.2.6"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, oc_supported_features: ? OcSupportedFeatures, oc_olr:
        ? OcOlr, load: * Load, supported_features: * SupportedFeatures, authentication_info: ? AuthenticationInfo,
        failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The HSS changes subscription data at the MME.
    InsertSubscriberDataRequest = "Insert-Subscriber-Data-Request" "IDR" 319 request proxiable, "TS 29.272 7.2.9"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: 1 DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
        supported_features: * SupportedFeatures, subscription_data: 1 SubscriptionData, idr_flags: ? IdrFlags,
        reset_id: * ResetId, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The data is in place; on request with the state and location of the UE.
    InsertSubscriberDataAnswer = "Insert-Subscriber-Data-Answer" "IDA" 319 answer proxiable, "TS 29.272 7.2.10"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, oc_supported_features: ? OcSupportedFeatures, oc_olr:
        ? OcOlr, load: * Load, supported_features: * SupportedFeatures, ims_voice_over_ps_sessions_supported: ?
        ImsVoiceOverPsSessionsSupported, last_ue_activity_time: ? LastUeActivityTime, rat_type: ? RatType, ida_flags:
        ? IdaFlags, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The HSS removes subscription data from the MME.
    DeleteSubscriberDataRequest = "Delete-Subscriber-Data-Request" "DSR" 320 request proxiable, "TS 29.272 7.2.11"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: 1 DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
        supported_features: * SupportedFeatures, dsr_flags: 1 DsrFlags, context_identifier: * ContextIdentifier,
        ts_code: * TsCode, ss_code: * SsCode, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The data is gone.
    DeleteSubscriberDataAnswer = "Delete-Subscriber-Data-Answer" "DSA" 320 answer proxiable, "TS 29.272 7.2.12"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, oc_supported_features: ? OcSupportedFeatures, oc_olr:
        ? OcOlr, load: * Load, supported_features: * SupportedFeatures, dsa_flags: ? DsaFlags, failed_avp: ?
        FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The MME has forgotten the UE.
    PurgeUeRequest = "Purge-UE-Request" "PUR" 321 request proxiable, "TS 29.272 7.2.13"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
        supported_features: * SupportedFeatures, pur_flags: ? PurFlags, proxy_info: * ProxyInfo, route_record: *
        RouteRecord,
    }

    /// The HSS knows.
    PurgeUeAnswer = "Purge-UE-Answer" "PUA" 321 answer proxiable, "TS 29.272 7.2.14"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, oc_supported_features: ? OcSupportedFeatures, oc_olr:
        ? OcOlr, load: * Load, supported_features: * SupportedFeatures, pua_flags: ? PuaFlags, failed_avp: ?
        FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The HSS restarted or lost data.
    ResetRequest = "Reset-Request" "RSR" 322 request proxiable, "TS 29.272 7.2.15"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: 1 DestinationHost, destination_realm: 1 DestinationRealm, supported_features: *
        SupportedFeatures, user_id: * UserId, reset_id: * ResetId, proxy_info: * ProxyInfo, route_record: *
        RouteRecord,
    }

    /// The MME knows.
    ResetAnswer = "Reset-Answer" "RSA" 322 answer proxiable, "TS 29.272 7.2.16"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, oc_supported_features: ? OcSupportedFeatures, oc_olr:
        ? OcOlr, load: * Load, supported_features: * SupportedFeatures, failed_avp: ? FailedAvp, proxy_info: *
        ProxyInfo, route_record: * RouteRecord,
    }

    /// The MME reports a change, such as a new packet gateway.
    NotifyRequest = "Notify-Request" "NOR" 323 request proxiable, "TS 29.272 7.2.17"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
        destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
        supported_features: * SupportedFeatures, terminal_information: ? TerminalInformation, context_identifier: ?
        ContextIdentifier, service_selection: ? ServiceSelection, alert_reason: ? AlertReason, ue_srvcc_capability: ?
        UeSrvccCapability, nor_flags: ? NorFlags, homogeneous_support: ? HomogeneousSupportOfImsVoiceOverPsSessions,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// The HSS knows.
    NotifyAnswer = "Notify-Answer" "NOA" 323 answer proxiable, "TS 29.272 7.2.18"
    {
        session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
        result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1 AuthSessionState,
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, oc_supported_features: ? OcSupportedFeatures, oc_olr:
        ? OcOlr, load: * Load, supported_features: * SupportedFeatures, failed_avp: ? FailedAvp, proxy_info: *
        ProxyInfo, route_record: * RouteRecord,
    }
}
