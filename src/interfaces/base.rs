//! The base protocol. RFC 6733 sections 5, 8 and 9.
//!
//! Capabilities exchange, watchdog and disconnect have Application-Id 0. Re-auth, session termination, abort and
//! accounting carry the application of their session; ProSe uses none of those four.

use crate::message::declare::commands;

/// Application-Id of the base protocol.
pub const APPLICATION: u32 = 0;
/// Application-Id of base accounting. RFC 6733 section 2.4.
pub const APPLICATION_ACCOUNTING: u32 = 3;
/// Application-Id that a relay advertises. RFC 6733 section 2.4.
pub const APPLICATION_RELAY: u32 = 0xffff_ffff;

commands! {
    /// A message of the base protocol.
    enum Message;

    /// Peer to peer. RFC 6733 5.3.1.
    CapabilitiesExchangeRequest = "Capabilities-Exchange-Request" "CER" 257 request local, "RFC 6733 5.3.1"
    {
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, host_ip_address: + HostIpAddress, vendor_id: 1
        VendorId, product_name: 1 ProductName, origin_state_id: ? OriginStateId, supported_vendor_id: *
        SupportedVendorId, auth_application_id: * AuthApplicationId, inband_security_id: * InbandSecurityId,
        acct_application_id: * AcctApplicationId, vendor_specific_application_id: * VendorSpecificApplicationId,
        firmware_revision: ? FirmwareRevision,
    }

    /// Peer to peer. RFC 6733 5.3.2.
    CapabilitiesExchangeAnswer = "Capabilities-Exchange-Answer" "CEA" 257 answer local, "RFC 6733 5.3.2"
    {
        result_code: 1 ResultCode, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, host_ip_address: +
        HostIpAddress, vendor_id: 1 VendorId, product_name: 1 ProductName, origin_state_id: ? OriginStateId,
        error_message: ? ErrorMessage, failed_avp: ? FailedAvp, supported_vendor_id: * SupportedVendorId,
        auth_application_id: * AuthApplicationId, inband_security_id: * InbandSecurityId, acct_application_id: *
        AcctApplicationId, vendor_specific_application_id: * VendorSpecificApplicationId, firmware_revision: ?
        FirmwareRevision,
    }

    /// Peer to peer. RFC 6733 5.4.1.
    DisconnectPeerRequest = "Disconnect-Peer-Request" "DPR" 282 request local, "RFC 6733 5.4.1"
    {
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, disconnect_cause: 1 DisconnectCause,
    }

    /// Peer to peer. RFC 6733 5.4.2.
    DisconnectPeerAnswer = "Disconnect-Peer-Answer" "DPA" 282 answer local, "RFC 6733 5.4.2"
    {
        result_code: 1 ResultCode, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, error_message: ?
        ErrorMessage, failed_avp: ? FailedAvp,
    }

    /// Peer to peer. RFC 6733 5.5.1.
    DeviceWatchdogRequest = "Device-Watchdog-Request" "DWR" 280 request local, "RFC 6733 5.5.1"
    {
        origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, origin_state_id: ? OriginStateId,
    }

    /// Peer to peer. RFC 6733 5.5.2.
    DeviceWatchdogAnswer = "Device-Watchdog-Answer" "DWA" 280 answer local, "RFC 6733 5.5.2"
    {
        result_code: 1 ResultCode, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, error_message: ?
        ErrorMessage, failed_avp: ? FailedAvp, origin_state_id: ? OriginStateId,
    }

    /// Server to client (unused on PCx). RFC 6733 8.3.1.
    ReAuthRequest = "Re-Auth-Request" "RAR" 258 request proxiable, "RFC 6733 8.3.1"
    {
        session_id: fixed SessionId, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, destination_realm: 1
        DestinationRealm, destination_host: 1 DestinationHost, auth_application_id: 1 AuthApplicationId,
        re_auth_request_type: 1 ReAuthRequestType, user_name: ? UserName, origin_state_id: ? OriginStateId,
        proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Client to server (unused on PCx). RFC 6733 8.3.2.
    ReAuthAnswer = "Re-Auth-Answer" "RAA" 258 answer proxiable, "RFC 6733 8.3.2"
    {
        session_id: fixed SessionId, result_code: 1 ResultCode, origin_host: 1 OriginHost, origin_realm: 1
        OriginRealm, user_name: ? UserName, origin_state_id: ? OriginStateId, error_message: ? ErrorMessage,
        error_reporting_host: ? ErrorReportingHost, failed_avp: ? FailedAvp, redirect_host: * RedirectHost,
        redirect_host_usage: ? RedirectHostUsage, redirect_max_cache_time: ? RedirectMaxCacheTime, proxy_info: *
        ProxyInfo,
    }

    /// Client to server (must not be sent on PCx). RFC 6733 8.4.1.
    SessionTerminationRequest = "Session-Termination-Request" "STR" 275 request proxiable, "RFC 6733 8.4.1"
    {
        session_id: fixed SessionId, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, destination_realm: 1
        DestinationRealm, auth_application_id: 1 AuthApplicationId, termination_cause: 1 TerminationCause, user_name:
        ? UserName, destination_host: ? DestinationHost, class: * Class, origin_state_id: ? OriginStateId, proxy_info:
        * ProxyInfo, route_record: * RouteRecord,
    }

    /// Server to client. RFC 6733 8.4.2.
    SessionTerminationAnswer = "Session-Termination-Answer" "STA" 275 answer proxiable, "RFC 6733 8.4.2"
    {
        session_id: fixed SessionId, result_code: 1 ResultCode, origin_host: 1 OriginHost, origin_realm: 1
        OriginRealm, user_name: ? UserName, class: * Class, error_message: ? ErrorMessage, error_reporting_host: ?
        ErrorReportingHost, failed_avp: ? FailedAvp, origin_state_id: ? OriginStateId, redirect_host: * RedirectHost,
        redirect_host_usage: ? RedirectHostUsage, redirect_max_cache_time: ? RedirectMaxCacheTime, proxy_info: *
        ProxyInfo,
    }

    /// Server to client (unused on PCx). RFC 6733 8.5.1.
    AbortSessionRequest = "Abort-Session-Request" "ASR" 274 request proxiable, "RFC 6733 8.5.1"
    {
        session_id: fixed SessionId, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, destination_realm: 1
        DestinationRealm, destination_host: 1 DestinationHost, auth_application_id: 1 AuthApplicationId, user_name: ?
        UserName, origin_state_id: ? OriginStateId, proxy_info: * ProxyInfo, route_record: * RouteRecord,
    }

    /// Client to server (unused on PCx). RFC 6733 8.5.2.
    AbortSessionAnswer = "Abort-Session-Answer" "ASA" 274 answer proxiable, "RFC 6733 8.5.2"
    {
        session_id: fixed SessionId, result_code: 1 ResultCode, origin_host: 1 OriginHost, origin_realm: 1
        OriginRealm, user_name: ? UserName, origin_state_id: ? OriginStateId, error_message: ? ErrorMessage,
        error_reporting_host: ? ErrorReportingHost, failed_avp: ? FailedAvp, redirect_host: * RedirectHost,
        redirect_host_usage: ? RedirectHostUsage, redirect_max_cache_time: ? RedirectMaxCacheTime, proxy_info: *
        ProxyInfo,
    }

    /// Client to server (not on PC2/PC4a/PC6/PC7). RFC 6733 9.7.1.
    AccountingRequest = "Accounting-Request" "ACR" 271 request proxiable, "RFC 6733 9.7.1"
    {
        session_id: fixed SessionId, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, destination_realm: 1
        DestinationRealm, accounting_record_type: 1 AccountingRecordType, accounting_record_number: 1
        AccountingRecordNumber, acct_application_id: ? AcctApplicationId, vendor_specific_application_id: ?
        VendorSpecificApplicationId, user_name: ? UserName, destination_host: ? DestinationHost,
        accounting_sub_session_id: ? AccountingSubSessionId, acct_session_id: ? AcctSessionId, acct_multi_session_id:
        ? AcctMultiSessionId, acct_interim_interval: ? AcctInterimInterval, accounting_realtime_required: ?
        AccountingRealtimeRequired, origin_state_id: ? OriginStateId, event_timestamp: ? EventTimestamp, proxy_info: *
        ProxyInfo, route_record: * RouteRecord,
    }

    /// Server to client (not on PC2/PC4a/PC6/PC7). RFC 6733 9.7.2.
    AccountingAnswer = "Accounting-Answer" "ACA" 271 answer proxiable, "RFC 6733 9.7.2"
    {
        session_id: fixed SessionId, result_code: 1 ResultCode, origin_host: 1 OriginHost, origin_realm: 1
        OriginRealm, accounting_record_type: 1 AccountingRecordType, accounting_record_number: 1
        AccountingRecordNumber, acct_application_id: ? AcctApplicationId, vendor_specific_application_id: ?
        VendorSpecificApplicationId, user_name: ? UserName, accounting_sub_session_id: ? AccountingSubSessionId,
        acct_session_id: ? AcctSessionId, acct_multi_session_id: ? AcctMultiSessionId, error_message: ? ErrorMessage,
        error_reporting_host: ? ErrorReportingHost, failed_avp: ? FailedAvp, acct_interim_interval: ?
        AcctInterimInterval, accounting_realtime_required: ? AccountingRealtimeRequired, origin_state_id: ?
        OriginStateId, event_timestamp: ? EventTimestamp, proxy_info: * ProxyInfo,
    }
}
