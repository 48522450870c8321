//! PC4: PC4a between function and HSS (TS 29.344), and two legs that no standard has: between MME and function, and
//! between two functions of one network.

/// PC4a, between ProSe Function and HSS. TS 29.344.
///
/// PIR, PNR and PSR go from the function to the HSS, UPR and RSR the other way.
pub mod hss {
    use crate::message::declare::commands;

    /// Application-Id of PC4a.
    pub const APPLICATION: u32 = 16_777_336;

    commands! {
        /// A message of PC4a.
        enum Message also
            /// The other code of Reset: the text of TS 29.344 has 322, the code of S6a; IANA lists this one. We send
            /// 322 and accept both.
            RESET_SECOND_CODE = 8388667 as 322;

        /// ProSe Function to HSS. TS 29.344 6.2.3.
        ProseSubscriberInformationRequest = "ProSe-Subscriber-Information-Request" "PIR" 8388664 request proxiable, "TS 29.344 6.2.3"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
            destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
            supported_features: * SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, proxy_info: *
            ProxyInfo, route_record: * RouteRecord,
        }

        /// HSS to ProSe Function. TS 29.344 6.2.4.
        ProseSubscriberInformationAnswer = "ProSe-Subscriber-Information-Answer" "PIA" 8388664 answer proxiable, "TS 29.344 6.2.4"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1
            AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, prose_subscription_data: ?
            ProseSubscriptionData, msisdn: ? Msisdn, visited_plmn_id: ? VisitedPlmnId, supported_features: *
            SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load, reset_id:
            * ResetId, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
        }

        /// HSS to ProSe Function. TS 29.344 6.2.5.
        UpdateProseSubscriberDataRequest = "Update-ProSe-Subscriber-Data-Request" "UPR" 8388665 request proxiable, "TS 29.344 6.2.5"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
            destination_host: 1 DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
            supported_features: * SupportedFeatures, prose_subscription_data: ? ProseSubscriptionData,
            visited_plmn_id: ? VisitedPlmnId, upr_flags: 1 UprFlags, reset_id: * ResetId, proxy_info: * ProxyInfo,
            route_record: * RouteRecord,
        }

        /// ProSe Function to HSS. TS 29.344 6.2.6.
        UpdateProseSubscriberDataAnswer = "Update-ProSe-Subscriber-Data-Answer" "UPA" 8388665 answer proxiable, "TS 29.344 6.2.6"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            supported_features: * SupportedFeatures, result_code: ? ResultCode, experimental_result: ?
            ExperimentalResult, auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1
            OriginRealm, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
        }

        /// ProSe Function to HSS. TS 29.344 6.2.7.
        ProseNotifyRequest = "ProSe-Notify-Request" "PNR" 8388666 request proxiable, "TS 29.344 6.2.7"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
            destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: ? UserName,
            prose_permission: ? ProsePermission, visited_plmn_id: ? VisitedPlmnId, pnr_flags: ? PnrFlags,
            supported_features: * SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, proxy_info: *
            ProxyInfo, route_record: * RouteRecord,
        }

        /// HSS to ProSe Function. TS 29.344 6.2.8.
        ProseNotifyAnswer = "ProSe-Notify-Answer" "PNA" 8388666 answer proxiable, "TS 29.344 6.2.8"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1
            AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, supported_features: *
            SupportedFeatures, oc_supported_features: ? OcSupportedFeatures, oc_olr: ? OcOlr, load: * Load,
            failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
        }

        /// HSS to ProSe Function. TS 29.344 6.2.9.
        ResetRequest = "Reset-Request" "RSR" 322 request proxiable, "TS 29.344 6.2.9"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, destination_host: 1 DestinationHost,
            destination_realm: 1 DestinationRealm, supported_features: * SupportedFeatures, user_id: * UserId,
            reset_id: * ResetId, proxy_info: * ProxyInfo, route_record: * RouteRecord,
        }

        /// ProSe Function to HSS. TS 29.344 6.2.10.
        ResetAnswer = "Reset-Answer" "RSA" 322 answer proxiable, "TS 29.344 6.2.10"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            supported_features: * SupportedFeatures, result_code: ? ResultCode, experimental_result: ?
            ExperimentalResult, auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1
            OriginRealm, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: * RouteRecord,
        }

        /// ProSe Function to HSS. TS 29.344 6.2.11.
        ProseInitialLocationInformationRequest = "ProSe-Initial-Location-Information-Request" "PSR" 8388713 request proxiable, "TS 29.344 6.2.11"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
            destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
            supported_features: * SupportedFeatures, proxy_info: * ProxyInfo, route_record: * RouteRecord,
        }

        /// HSS to ProSe Function. TS 29.344 6.2.12.
        ProseInitialLocationInformationAnswer = "ProSe-Initial-Location-Information-Answer" "PSA" 8388713 answer proxiable, "TS 29.344 6.2.12"
        {
            session_id: fixed SessionId, drmp: ? Drmp, vendor_specific_application_id: ? VendorSpecificApplicationId,
            result_code: ? ResultCode, experimental_result: ? ExperimentalResult, auth_session_state: 1
            AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
            prose_initial_location_information: ? ProseInitialLocationInformation, visited_plmn_id: ? VisitedPlmnId,
            supported_features: * SupportedFeatures, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo, route_record: *
            RouteRecord,
        }
    }
}

/// The leg between MME and function: messages 5 and 6. Private, see [`crate::avp::dictionary::private`].
pub mod mme {
    use crate::message::declare::commands;

    /// Application-Id; private.
    pub use crate::avp::dictionary::private::APPLICATION_PC4_MME as APPLICATION;

    commands! {
        /// A message between MME and function.
        enum Message;

        /// Message 5 on the leg from MME to function. It leaves only after the MME found the UE capable and subscribed \[0015\].
        IdentifierAllocationRequest = "Identifier-Allocation-Request" "MIR" 16777214 request proxiable, "registration procedure, message 5"
        {
            session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
            destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, user_name: 1 UserName,
            ue_prose_capability: 1 UeProseCapability, visited_plmn_id: ? VisitedPlmnId, old_pduid: ? OldPduid,
            old_prose_function_id: ? OldProseFunctionId, old_prose_function_address: ? OldProseFunctionAddress,
            proxy_info: * ProxyInfo, route_record: * RouteRecord,
        }

        /// Message 6 on the leg from function to MME.
        IdentifierAllocationAnswer = "Identifier-Allocation-Answer" "MIA" 16777214 answer proxiable, "registration procedure, message 6"
        {
            session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, result_code: ? ResultCode, experimental_result: ?
            ExperimentalResult, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, pduid: ? Pduid,
            pduid_validity_time: ? PduidValidityTime, prose_function_id: ? ProseFunctionId, prose_function_address: ?
            ProseFunctionAddress, refusal_cause: ? RefusalCause, error_message: ? ErrorMessage, error_reporting_host:
            ? ErrorReportingHost, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo,
        }
    }
}

/// Between two functions of one network: messages G1 and G2. PC6 and PC7 join different networks. Private, see
/// [`crate::avp::dictionary::private`].
pub mod function {
    use crate::message::declare::commands;

    /// Application-Id; private.
    pub use crate::avp::dictionary::private::APPLICATION_FUNCTION as APPLICATION;

    commands! {
        /// A message between two functions.
        enum Message;

        /// Message G1: the function that now serves the UE asks the one that served it for the context, by ID1 \[0026\].
        ContextTransferRequest = "Context-Transfer-Request" "CTR" 16777214 request proxiable, "registration procedure, message G1"
        {
            session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
            destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, pduid: 1 Pduid, user_name: ?
            UserName, proxy_info: * ProxyInfo, route_record: * RouteRecord,
        }

        /// Message G2: the context \[0027\].
        ContextTransferAnswer = "Context-Transfer-Answer" "CTA" 16777214 answer proxiable, "registration procedure, message G2"
        {
            session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, result_code: ? ResultCode, experimental_result: ?
            ExperimentalResult, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, ue_context: ? UeContext,
            error_message: ? ErrorMessage, error_reporting_host: ? ErrorReportingHost, failed_avp: ? FailedAvp,
            proxy_info: * ProxyInfo,
        }

        /// The new function holds the context durably: the old one may forget it (requirement F-6).
        ContextReleaseRequest = "Context-Release-Request" "CRR" 16777215 request proxiable, "registration procedure, requirement F-6"
        {
            session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm,
            destination_host: ? DestinationHost, destination_realm: 1 DestinationRealm, pduid: 1 Pduid, proxy_info: *
            ProxyInfo, route_record: * RouteRecord,
        }

        /// The old function has let the context go.
        ContextReleaseAnswer = "Context-Release-Answer" "CRA" 16777215 answer proxiable, "registration procedure, requirement F-6"
        {
            session_id: fixed SessionId, vendor_specific_application_id: 1 VendorSpecificApplicationId,
            auth_session_state: 1 AuthSessionState, result_code: ? ResultCode, experimental_result: ?
            ExperimentalResult, origin_host: 1 OriginHost, origin_realm: 1 OriginRealm, error_message: ? ErrorMessage,
            error_reporting_host: ? ErrorReportingHost, failed_avp: ? FailedAvp, proxy_info: * ProxyInfo,
        }
    }
}
