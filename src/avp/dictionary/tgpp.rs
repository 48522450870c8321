//! AVPs that 3GPP defines elsewhere and ProSe uses or meets: S6a (TS 29.272), Cx and Sh features (TS 29.229, 29.329),
//! and the charging AVPs of TS 32.299 that carry ProSe information.

use super::declare::avps;

avps! {
    vendor 10415;

    TgppChargingCharacteristics = "3GPP-Charging-Characteristics" 13 UTF8String must, "TS 29.061 16.4.7";
    PublicIdentity = "Public-Identity" 601 UTF8String must, "TS 29.229 6.3.2";
    SupportedFeatures = "Supported-Features" 628 Grouped may, "TS 29.229 6.3.29" open {
        vendor_id: 1 VendorId,
        feature_list_id: 1 FeatureListId,
        feature_list: 1 FeatureList,
    };
    FeatureListId = "Feature-List-ID" 629 Unsigned32 mustnot, "TS 29.229 6.3.30";
    FeatureList = "Feature-List" 630 Unsigned32 mustnot, "TS 29.229 6.3.31";
    UserIdentity = "User-Identity" 700 Grouped must, "TS 29.329 6.3.1" open {
        public_identity: ? PublicIdentity,
        msisdn: ? Msisdn,
        external_identifier: ? ExternalIdentifier,
    };
    Msisdn = "MSISDN" 701 OctetString must, "TS 29.329 6.3.2";
    LocationEstimate = "Location-Estimate" 1242 OctetString must, "TS 32.299 7.2.94 (contents TS 23.032)";
    Pc5RadioTechnology = "PC5-Radio-Technology" 1300 Enumerated mustnot, "TS 32.299 7.2.135C" values {
        EUTRA = 0,
        WLAN = 1,
        BOTH_EUTRA_AND_WLAN = 2,
    };
    SubscriptionData = "Subscription-Data" 1400 Grouped must, "TS 29.272 7.3.2" open {
        subscriber_status: ? SubscriberStatus,
        msisdn: ? Msisdn,
        a_msisdn: ? AMsisdn,
        stn_sr: ? StnSr,
        network_access_mode: ? NetworkAccessMode,
        operator_determined_barring: ? OperatorDeterminedBarring,
        hplmn_odb: ? HplmnOdb,
        regional_subscription_zone_code: * RegionalSubscriptionZoneCode,
        access_restriction_data: ? AccessRestrictionData,
        apn_oi_replacement: ? ApnOiReplacement,
        charging_characteristics: ? TgppChargingCharacteristics,
        ambr: ? Ambr,
        apn_configuration_profile: ? ApnConfigurationProfile,
        rat_frequency_selection_priority_id: ? RatFrequencySelectionPriorityId,
        subscribed_periodic_rau_tau_timer: ? SubscribedPeriodicRauTauTimer,
        prose_subscription_data: ? ProseSubscriptionData,
        reset_id: * ResetId,
    };
    UlrFlags = "ULR-Flags" 1405 Unsigned32 must, "TS 29.272 7.3.7";
    VisitedPlmnId = "Visited-PLMN-Id" 1407 OctetString must, "TS 29.272 7.3.9";
    UserId = "User-Id" 1444 UTF8String mustnot, "TS 29.272 7.3.50";
    IdrFlags = "IDR-Flags" 1490 Unsigned32 must, "TS 29.272 7.3.103";
    EUtranCellGlobalIdentity = "E-UTRAN-Cell-Global-Identity" 1602 OctetString mustnot, "TS 29.272 7.3.117";
    TrackingAreaIdentity = "Tracking-Area-Identity" 1603 OctetString mustnot, "TS 29.272 7.3.118";
    AgeOfLocationInformation = "Age-Of-Location-Information" 1611 Unsigned32 mustnot, "TS 29.272 7.3.126";
    Ssid = "SSID" 1524 UTF8String mustnot, "TS 29.273 5.2.3.22";
    ResetId = "Reset-ID" 1670 OctetString mustnot, "TS 29.272 7.3.184";
    MmeName = "MME-Name" 2402 DiameterIdentity must, "TS 29.173 6.4.4";
    ExternalIdentifier = "External-Identifier" 3111 UTF8String must, "TS 29.336 6.4.11";
    ServiceResult = "Service-Result" 3146 Grouped must, "TS 29.336 8.4.37" open {
        vendor_id: ? VendorId,
        service_result_code: ? ServiceResultCode,
    };
    ServiceResultCode = "Service-Result-Code" 3147 Unsigned32 must, "TS 29.336 8.4.38";
    AnnouncingUeHplmnIdentifier = "Announcing-UE-HPLMN-Identifier" 3426 UTF8String must, "TS 32.299 (charging only)";
    AnnouncingUeVplmnIdentifier = "Announcing-UE-VPLMN-Identifier" 3427 UTF8String must, "TS 32.299 (charging only)";
    CoverageStatus = "Coverage-Status" 3428 Enumerated must, "TS 32.299 (charging only)";
    Layer2GroupId = "Layer-2-Group-ID" 3429 OctetString must, "TS 32.299 (charging only)";
    MonitoredPlmnIdentifier = "Monitored-PLMN-Identifier" 3430 UTF8String must, "TS 32.299 (charging only)";
    MonitoringUeHplmnIdentifier = "Monitoring-UE-HPLMN-Identifier" 3431 UTF8String must, "TS 32.299 (charging only)";
    MonitoringUeIdentifier = "Monitoring-UE-Identifier" 3432 UTF8String must, "TS 32.299 (charging only)";
    MonitoringUeVplmnIdentifier = "Monitoring-UE-VPLMN-Identifier" 3433 UTF8String must, "TS 32.299 (charging only)";
    Pc3ControlProtocolCause = "PC3-Control-Protocol-Cause" 3434 Integer32 must, "TS 32.299 (charging only)";
    Pc3EpcControlProtocolCause = "PC3-EPC-Control-Protocol-Cause" 3435 Integer32 must, "TS 32.299 (charging only)";
    RequestedPlmnIdentifier = "Requested-PLMN-Identifier" 3436 UTF8String must, "TS 32.299 (charging only)";
    RequestorPlmnIdentifier = "Requestor-PLMN-Identifier" 3437 UTF8String must, "TS 32.299 (charging only)";
    RoleOfProseFunction = "Role-Of-ProSe-Function" 3438 Enumerated must, "TS 32.299 (charging only)" values {
        HPLMN = 0,
        VPLMN = 1,
        LOCAL_PLMN = 2,
    };
    UsageInformationReportSequenceNumber = "Usage-Information-Report-Sequence-Number" 3439 Integer32 must, "TS 32.299 (charging only)";
    Prose3rdPartyApplicationId = "ProSe-3rd-Party-Application-ID" 3440 UTF8String must, "TS 32.299 (charging only)";
    ProseDirectCommunicationTransmissionDataContainer = "ProSe-Direct-Communication-Transmission-Data-Container" 3441 Grouped must, "TS 32.299 (charging only)" closed {
        local_sequence_number: ? LocalSequenceNumber,
        coverage_status: ? CoverageStatus,
        tgpp_user_location_info: ? TgppUserLocationInfo,
        accounting_output_octets: ? AccountingOutputOctets,
        change_time: ? ChangeTime,
        change_condition: ? ChangeCondition,
        visited_plmn_id: ? VisitedPlmnId,
        usage_information_report_sequence_number: ? UsageInformationReportSequenceNumber,
        radio_resources_indicator: ? RadioResourcesIndicator,
        radio_frequency: ? RadioFrequency,
    };
    ProseDirectDiscoveryModel = "ProSe-Direct-Discovery-Model" 3442 Enumerated must, "TS 32.299 (charging only)" values {
        MODEL_A = 0,
        MODEL_B = 1,
    };
    ProseEventType = "ProSe-Event-Type" 3443 Enumerated must, "TS 32.299 (charging only)" values {
        ANNOUNCING = 0,
        MONITORING = 1,
        MATCH_REPORT = 2,
    };
    ProseFunctionIpAddress = "ProSe-Function-IP-Address" 3444 Address must, "TS 32.299 (charging only)";
    ProseFunctionality = "ProSe-Functionality" 3445 Enumerated must, "TS 32.299 (charging only)" values {
        DIRECT_DISCOVERY = 0,
        EPC_LEVEL_DISCOVERY = 1,
        DIRECT_COMMUNICATION = 2,
    };
    ProseGroupIpMulticastAddress = "ProSe-Group-IP-Multicast-Address" 3446 Address must, "TS 32.299 (charging only)";
    ProseInformation = "ProSe-Information" 3447 Grouped must, "TS 32.299 (charging only)" closed {
        supported_features: * SupportedFeatures,
        announcing_ue_hplmn_identifier: ? AnnouncingUeHplmnIdentifier,
        announcing_ue_vplmn_identifier: ? AnnouncingUeVplmnIdentifier,
        monitoring_ue_hplmn_identifier: ? MonitoringUeHplmnIdentifier,
        monitoring_ue_vplmn_identifier: ? MonitoringUeVplmnIdentifier,
        monitored_plmn_identifier: ? MonitoredPlmnIdentifier,
        role_of_prose_function: ? RoleOfProseFunction,
        prose_app_id: ? ProseAppId,
        prose_3rd_party_application_id: ? Prose3rdPartyApplicationId,
        application_specific_data: ? ApplicationSpecificData,
        prose_event_type: ? ProseEventType,
        prose_direct_discovery_model: ? ProseDirectDiscoveryModel,
        prose_function_ip_address: ? ProseFunctionIpAddress,
        prose_function_id: ? ProseFunctionId,
        prose_validity_timer: ? ProseValidityTimer,
        prose_role_of_ue: ? ProseRoleOfUe,
        prose_request_timestamp: ? ProseRequestTimestamp,
        pc3_control_protocol_cause: ? Pc3ControlProtocolCause,
        monitoring_ue_identifier: ? MonitoringUeIdentifier,
        prose_function_plmn_identifier: ? ProseFunctionPlmnIdentifier,
        requestor_plmn_identifier: ? RequestorPlmnIdentifier,
        origin_app_layer_user_id: ? OriginAppLayerUserId,
        wlan_link_layer_id: ? WlanLinkLayerId,
        requesting_epuid: ? RequestingEpuid,
        target_app_layer_user_id: ? TargetAppLayerUserId,
        requested_plmn_identifier: ? RequestedPlmnIdentifier,
        time_window: ? TimeWindow,
        prose_range_class: ? ProseRangeClass,
        proximity_alert_indication: ? ProximityAlertIndication,
        proximity_alert_timestamp: ? ProximityAlertTimestamp,
        proximity_cancellation_timestamp: ? ProximityCancellationTimestamp,
        prose_reason_for_cancellation: ? ProseReasonForCancellation,
        pc3_epc_control_protocol_cause: ? Pc3EpcControlProtocolCause,
        prose_ue_id: ? ProseUeId,
        prose_source_ip_address: ? ProseSourceIpAddress,
        layer_2_group_id: ? Layer2GroupId,
        prose_group_ip_multicast_address: ? ProseGroupIpMulticastAddress,
        coverage_info: * CoverageInfo,
        radio_parameter_set_info: * RadioParameterSetInfo,
        transmitter_info: * TransmitterInfo,
        time_first_transmission: ? TimeFirstTransmission,
        time_first_reception: ? TimeFirstReception,
        prose_direct_communication_transmission_data_container: * ProseDirectCommunicationTransmissionDataContainer,
        prose_direct_communication_reception_data_container: * ProseDirectCommunicationReceptionDataContainer,
        announcing_plmn_id: ? AnnouncingPlmnId,
        prose_target_layer_2_id: ? ProseTargetLayer2Id,
        relay_ip_address: ? RelayIpAddress,
        prose_ue_to_network_relay_ue_id: ? ProseUeToNetworkRelayUeId,
        target_ip_address: ? TargetIpAddress,
        pc5_radio_technology: ? Pc5RadioTechnology,
    };
    ProseRangeClass = "ProSe-Range-Class" 3448 Enumerated must, "TS 32.299 (charging only)" values {
        RESERVED = 0,
        RANGE_50_M = 1,
        RANGE_100_M = 2,
        RANGE_200_M = 3,
        RANGE_500_M = 4,
        RANGE_1000_M = 5,
    };
    ProseReasonForCancellation = "ProSe-Reason-For-Cancellation" 3449 Enumerated must, "TS 32.299 (charging only)" values {
        PROXIMITY_ALERT_SENT = 0,
        TIME_EXPIRED_WITH_NO_RENEWAL = 1,
        REQUESTOR_CANCELLATION = 2,
    };
    ProseRequestTimestamp = "ProSe-Request-Timestamp" 3450 Time must, "TS 32.299 (charging only)";
    ProseRoleOfUe = "ProSe-Role-Of-UE" 3451 Enumerated must, "TS 32.299 (charging only)" values {
        ANNOUNCING_UE = 0,
        MONITORING_UE = 1,
        REQUESTOR_UE = 2,
        REQUESTED_UE = 3,
    };
    ProseSourceIpAddress = "ProSe-Source-IP-Address" 3452 Address must, "TS 32.299 (charging only)";
    ProseUeId = "ProSe-UE-ID" 3453 OctetString must, "TS 32.299 (charging only)";
    ProximityAlertIndication = "Proximity-Alert-Indication" 3454 Enumerated must, "TS 32.299 (charging only)" values {
        ALERT = 0,
        NO_ALERT = 1,
    };
    ProximityAlertTimestamp = "Proximity-Alert-Timestamp" 3455 Time must, "TS 32.299 (charging only)";
    ProximityCancellationTimestamp = "Proximity-Cancellation-Timestamp" 3456 Time must, "TS 32.299 (charging only)";
    ProseFunctionPlmnIdentifier = "ProSe-Function-PLMN-Identifier" 3457 UTF8String must, "TS 32.299 (charging only)";
    ApplicationSpecificData = "Application-Specific-Data" 3458 OctetString must, "TS 32.299 (charging only)";
    CoverageInfo = "Coverage-Info" 3459 Grouped must, "TS 32.299 (charging only)" closed {
        coverage_status: ? CoverageStatus,
        change_time: ? ChangeTime,
        location_info: * LocationInfo,
    };
    LocationInfo = "Location-Info" 3460 Grouped must, "TS 32.299 (charging only)" closed {
        tgpp_user_location_info: ? TgppUserLocationInfo,
        change_time: ? ChangeTime,
    };
    ProseDirectCommunicationReceptionDataContainer = "ProSe-Direct-Communication-Reception-Data-Container" 3461 Grouped must, "TS 32.299 (charging only)" closed {
        local_sequence_number: ? LocalSequenceNumber,
        coverage_status: ? CoverageStatus,
        tgpp_user_location_info: ? TgppUserLocationInfo,
        accounting_input_octets: ? AccountingInputOctets,
        change_time: ? ChangeTime,
        change_condition: ? ChangeCondition,
        visited_plmn_id: ? VisitedPlmnId,
        usage_information_report_sequence_number: ? UsageInformationReportSequenceNumber,
        radio_resources_indicator: ? RadioResourcesIndicator,
        radio_frequency: ? RadioFrequency,
    };
    RadioFrequency = "Radio-Frequency" 3462 OctetString must, "TS 32.299 (charging only)";
    RadioParameterSetInfo = "Radio-Parameter-Set-Info" 3463 Grouped must, "TS 32.299 (charging only)" closed {
        radio_parameter_set_values: ? RadioParameterSetValues,
        change_time: ? ChangeTime,
    };
    RadioParameterSetValues = "Radio-Parameter-Set-Values" 3464 OctetString must, "TS 32.299 (charging only)";
    RadioResourcesIndicator = "Radio-Resources-Indicator" 3465 Integer32 must, "TS 32.299 (charging only)";
    TimeFirstReception = "Time-First-Reception" 3466 Time must, "TS 32.299 (charging only)";
    TimeFirstTransmission = "Time-First-Transmission" 3467 Time must, "TS 32.299 (charging only)";
    TransmitterInfo = "Transmitter-Info" 3468 Grouped must, "TS 32.299 (charging only)" closed {
        prose_source_ip_address: ? ProseSourceIpAddress,
        prose_ue_id: ? ProseUeId,
    };
    DiscovereeUeHplmnIdentifier = "Discoveree-UE-HPLMN-Identifier" 4402 UTF8String must, "TS 32.299 (charging only)";
    DiscovereeUeVplmnIdentifier = "Discoveree-UE-VPLMN-Identifier" 4403 UTF8String must, "TS 32.299 (charging only)";
    DiscovererUeHplmnIdentifier = "Discoverer-UE-HPLMN-Identifier" 4404 UTF8String must, "TS 32.299 (charging only)";
    DiscovererUeVplmnIdentifier = "Discoverer-UE-VPLMN-Identifier" 4405 UTF8String must, "TS 32.299 (charging only)";
    AnnouncingPlmnId = "Announcing-PLMN-ID" 4408 UTF8String must, "TS 32.299 (charging only)";
    ProseUeToNetworkRelayUeId = "ProSe-UE-to-Network-Relay-UE-ID" 4409 OctetString must, "TS 32.299 (charging only)";
    ProseTargetLayer2Id = "ProSe-Target-Layer-2-ID" 4410 OctetString must, "TS 32.299 (charging only)";
    RelayIpAddress = "Relay-IP-address" 4411 Address must, "TS 32.299 (charging only)";
    TargetIpAddress = "Target-IP-Address" 4412 Address must, "TS 32.299 (charging only)";
    TgppUserLocationInfo = "3GPP-User-Location-Info" 22 OctetString must, "TS 29.061 (charging only)";
    ChangeCondition = "Change-Condition" 2037 Integer32 must, "TS 32.299 (charging only)";
    ChangeTime = "Change-Time" 2038 Time must, "TS 32.299 (charging only)";
    LocalSequenceNumber = "Local-Sequence-Number" 2063 Unsigned32 must, "TS 32.299 (charging only)";

    // S6a beyond what ProSe needs, so that the messages of a real HSS read with names. TS 29.272.
    TerminalInformation = "Terminal-Information" 1401 Grouped must, "TS 29.272 7.3.3" open {
        imei: ? Imei,
        tgpp2_meid: ? Tgpp2Meid,
        software_version: ? SoftwareVersion,
    };
    Imei = "IMEI" 1402 UTF8String must, "TS 29.272 7.3.4";
    SoftwareVersion = "Software-Version" 1403 UTF8String must, "TS 29.272 7.3.5";
    UlaFlags = "ULA-Flags" 1406 Unsigned32 must, "TS 29.272 7.3.8" bits {
        SEPARATION_INDICATION = 1,
        MME_REGISTERED_FOR_SMS = 2,
    };
    RequestedEutranAuthenticationInfo = "Requested-EUTRAN-Authentication-Info" 1408 Grouped must,
        "TS 29.272 7.3.11" open {
        number_of_requested_vectors: ? NumberOfRequestedVectors,
        immediate_response_preferred: ? ImmediateResponsePreferred,
        re_synchronization_info: ? ReSynchronizationInfo,
    };
    RequestedUtranGeranAuthenticationInfo = "Requested-UTRAN-GERAN-Authentication-Info" 1409 Grouped must,
        "TS 29.272 7.3.12" open {
        number_of_requested_vectors: ? NumberOfRequestedVectors,
        immediate_response_preferred: ? ImmediateResponsePreferred,
        re_synchronization_info: ? ReSynchronizationInfo,
    };
    NumberOfRequestedVectors = "Number-Of-Requested-Vectors" 1410 Unsigned32 must, "TS 29.272 7.3.14";
    ReSynchronizationInfo = "Re-Synchronization-Info" 1411 OctetString must, "TS 29.272 7.3.15";
    ImmediateResponsePreferred = "Immediate-Response-Preferred" 1412 Unsigned32 must, "TS 29.272 7.3.16";
    AuthenticationInfo = "Authentication-Info" 1413 Grouped must, "TS 29.272 7.3.17" open {
        e_utran_vector: * EUtranVector,
        utran_vector: * UtranVector,
        geran_vector: * GeranVector,
    };
    EUtranVector = "E-UTRAN-Vector" 1414 Grouped must, "TS 29.272 7.3.18" open {
        item_number: ? ItemNumber,
        rand: 1 Rand,
        xres: 1 Xres,
        autn: 1 Autn,
        kasme: 1 Kasme,
    };
    UtranVector = "UTRAN-Vector" 1415 Grouped must, "TS 29.272 7.3.19" open {
        item_number: ? ItemNumber,
        rand: 1 Rand,
        xres: 1 Xres,
        autn: 1 Autn,
        confidentiality_key: 1 ConfidentialityKey,
        integrity_key: 1 IntegrityKey,
    };
    GeranVector = "GERAN-Vector" 1416 Grouped must, "TS 29.272 7.3.20" open {
        item_number: ? ItemNumber,
        rand: 1 Rand,
        sres: 1 Sres,
        kc: 1 Kc,
    };
    NetworkAccessMode = "Network-Access-Mode" 1417 Enumerated must, "TS 29.272 7.3.21" values {
        PACKET_AND_CIRCUIT = 0,
        ONLY_PACKET = 2,
    };
    HplmnOdb = "HPLMN-ODB" 1418 Unsigned32 must, "TS 29.272 7.3.22";
    ItemNumber = "Item-Number" 1419 Unsigned32 must, "TS 29.272 7.3.23";
    CancellationType = "Cancellation-Type" 1420 Enumerated must, "TS 29.272 7.3.24" values {
        MME_UPDATE_PROCEDURE = 0,
        SGSN_UPDATE_PROCEDURE = 1,
        SUBSCRIPTION_WITHDRAWAL = 2,
        UPDATE_PROCEDURE_IWF = 3,
        INITIAL_ATTACH_PROCEDURE = 4,
    };
    DsrFlags = "DSR-Flags" 1421 Unsigned32 must, "TS 29.272 7.3.25";
    DsaFlags = "DSA-Flags" 1422 Unsigned32 must, "TS 29.272 7.3.26";
    ContextIdentifier = "Context-Identifier" 1423 Unsigned32 must, "TS 29.272 7.3.27";
    SubscriberStatus = "Subscriber-Status" 1424 Enumerated must, "TS 29.272 7.3.29" values {
        SERVICE_GRANTED = 0,
        OPERATOR_DETERMINED_BARRING = 1,
    };
    OperatorDeterminedBarring = "Operator-Determined-Barring" 1425 Unsigned32 must, "TS 29.272 7.3.30";
    AccessRestrictionData = "Access-Restriction-Data" 1426 Unsigned32 must, "TS 29.272 7.3.31" bits {
        UTRAN_NOT_ALLOWED = 1,
        GERAN_NOT_ALLOWED = 2,
        GAN_NOT_ALLOWED = 4,
        I_HSPA_EVOLUTION_NOT_ALLOWED = 8,
        WB_E_UTRAN_NOT_ALLOWED = 16,
        HO_TO_NON_3GPP_ACCESS_NOT_ALLOWED = 32,
        NB_IOT_NOT_ALLOWED = 64,
    };
    ApnOiReplacement = "APN-OI-Replacement" 1427 UTF8String must, "TS 29.272 7.3.32";
    AllApnConfigurationsIncludedIndicator = "All-APN-Configurations-Included-Indicator" 1428 Enumerated must,
        "TS 29.272 7.3.33" values {
        ALL_APN_CONFIGURATIONS_INCLUDED = 0,
        MODIFIED_ADDED_APN_CONFIGURATIONS_INCLUDED = 1,
    };
    ApnConfigurationProfile = "APN-Configuration-Profile" 1429 Grouped must, "TS 29.272 7.3.34" open {
        context_identifier: 1 ContextIdentifier,
        all_apn_configurations_included_indicator: 1 AllApnConfigurationsIncludedIndicator,
        apn_configuration: + ApnConfiguration,
    };
    ApnConfiguration = "APN-Configuration" 1430 Grouped must, "TS 29.272 7.3.35" open {
        context_identifier: 1 ContextIdentifier,
        served_party_ip_address: * ServedPartyIpAddress,
        pdn_type: 1 PdnType,
        service_selection: 1 ServiceSelection,
        eps_subscribed_qos_profile: ? EpsSubscribedQosProfile,
        vplmn_dynamic_address_allowed: ? VplmnDynamicAddressAllowed,
        mip6_agent_info: ? Mip6AgentInfo,
        visited_network_identifier: ? VisitedNetworkIdentifier,
        pdn_gw_allocation_type: ? PdnGwAllocationType,
        charging_characteristics: ? TgppChargingCharacteristics,
        ambr: ? Ambr,
        specific_apn_info: * SpecificApnInfo,
        apn_oi_replacement: ? ApnOiReplacement,
    };
    EpsSubscribedQosProfile = "EPS-Subscribed-QoS-Profile" 1431 Grouped must, "TS 29.272 7.3.37" open {
        qos_class_identifier: 1 QosClassIdentifier,
        allocation_retention_priority: 1 AllocationRetentionPriority,
    };
    VplmnDynamicAddressAllowed = "VPLMN-Dynamic-Address-Allowed" 1432 Enumerated must, "TS 29.272 7.3.38" values {
        NOTALLOWED = 0,
        ALLOWED = 1,
    };
    StnSr = "STN-SR" 1433 OctetString must, "TS 29.272 7.3.39";
    AlertReason = "Alert-Reason" 1434 Enumerated must, "TS 29.272 7.3.83" values {
        UE_PRESENT = 0,
        UE_MEMORY_AVAILABLE = 1,
    };
    Ambr = "AMBR" 1435 Grouped must, "TS 29.272 7.3.41" open {
        max_requested_bandwidth_ul: 1 MaxRequestedBandwidthUl,
        max_requested_bandwidth_dl: 1 MaxRequestedBandwidthDl,
    };
    PdnGwAllocationType = "PDN-GW-Allocation-Type" 1438 Enumerated must, "TS 29.272 7.3.44" values {
        STATIC = 0,
        DYNAMIC = 1,
    };
    RatFrequencySelectionPriorityId = "RAT-Frequency-Selection-Priority-ID" 1440 Unsigned32 must, "TS 29.272 7.3.46";
    IdaFlags = "IDA-Flags" 1441 Unsigned32 must, "TS 29.272 7.3.47";
    PuaFlags = "PUA-Flags" 1442 Unsigned32 must, "TS 29.272 7.3.48";
    NorFlags = "NOR-Flags" 1443 Unsigned32 must, "TS 29.272 7.3.49";
    RegionalSubscriptionZoneCode = "Regional-Subscription-Zone-Code" 1446 OctetString must, "TS 29.272 7.3.52";
    Rand = "RAND" 1447 OctetString must, "TS 29.272 7.3.53";
    Xres = "XRES" 1448 OctetString must, "TS 29.272 7.3.54";
    Autn = "AUTN" 1449 OctetString must, "TS 29.272 7.3.55";
    Kasme = "KASME" 1450 OctetString must, "TS 29.272 7.3.56";
    Kc = "Kc" 1453 OctetString must, "TS 29.272 7.3.59";
    Sres = "SRES" 1454 OctetString must, "TS 29.272 7.3.60";
    PdnType = "PDN-Type" 1456 Enumerated must, "TS 29.272 7.3.62" values {
        IPV4 = 0,
        IPV6 = 1,
        IPV4V6 = 2,
        IPV4_OR_IPV6 = 3,
    };
    Tgpp2Meid = "3GPP2-MEID" 1471 OctetString must, "TS 29.272 7.3.6";
    SpecificApnInfo = "Specific-APN-Info" 1472 Grouped must, "TS 29.272 7.3.82" open {
        service_selection: 1 ServiceSelection,
        mip6_agent_info: 1 Mip6AgentInfo,
        visited_network_identifier: ? VisitedNetworkIdentifier,
    };
    SsCode = "SS-Code" 1476 OctetString must, "TS 29.272 7.3.87";
    TsCode = "TS-Code" 1487 OctetString must, "TS 29.272 7.3.100";
    SgsnNumber = "SGSN-Number" 1489 OctetString must, "TS 29.272 7.3.102";
    ImsVoiceOverPsSessionsSupported = "IMS-Voice-Over-PS-Sessions-Supported" 1492 Enumerated mustnot,
        "TS 29.272 7.3.106" values { NOT_SUPPORTED = 0, SUPPORTED = 1 };
    HomogeneousSupportOfImsVoiceOverPsSessions = "Homogeneous-Support-of-IMS-Voice-Over-PS-Sessions" 1493
        Enumerated mustnot, "TS 29.272 7.3.107" values { NOT_SUPPORTED = 0, SUPPORTED = 1 };
    LastUeActivityTime = "Last-UE-Activity-Time" 1494 Time mustnot, "TS 29.272 7.3.108";
    ActiveApn = "Active-APN" 1612 Grouped mustnot, "TS 29.272 7.3.127" open {
        context_identifier: 1 ContextIdentifier,
        service_selection: ? ServiceSelection,
        mip6_agent_info: ? Mip6AgentInfo,
        visited_network_identifier: ? VisitedNetworkIdentifier,
        specific_apn_info: * SpecificApnInfo,
    };
    UeSrvccCapability = "UE-SRVCC-Capability" 1615 Enumerated mustnot, "TS 29.272 7.3.130" values {
        UE_SRVCC_NOT_SUPPORTED = 0,
        UE_SRVCC_SUPPORTED = 1,
    };
    SubscribedPeriodicRauTauTimer = "Subscribed-Periodic-RAU-TAU-Timer" 1619 Unsigned32 mustnot,
        "TS 29.272 7.3.134";
    PurFlags = "PUR-Flags" 1635 Unsigned32 mustnot, "TS 29.272 7.3.149";
    ClrFlags = "CLR-Flags" 1638 Unsigned32 mustnot, "TS 29.272 7.3.152";
    AMsisdn = "A-MSISDN" 1643 OctetString mustnot, "TS 29.272 7.3.157";
    GmlcAddress = "GMLC-Address" 2405 Address must, "TS 29.173 6.4.7";
    MaxRequestedBandwidthDl = "Max-Requested-Bandwidth-DL" 515 Unsigned32 must, "TS 29.214 5.3.14";
    MaxRequestedBandwidthUl = "Max-Requested-Bandwidth-UL" 516 Unsigned32 must, "TS 29.214 5.3.15";
    VisitedNetworkIdentifier = "Visited-Network-Identifier" 600 OctetString must, "TS 29.229 6.3.1";
    ConfidentialityKey = "Confidentiality-Key" 625 OctetString must, "TS 29.229 6.3.27";
    IntegrityKey = "Integrity-Key" 626 OctetString must, "TS 29.229 6.3.28";
    ServedPartyIpAddress = "Served-Party-IP-Address" 848 Address must, "TS 32.299 7.2.187";
    QosClassIdentifier = "QoS-Class-Identifier" 1028 Enumerated must, "TS 29.212 5.3.17";
    RatType = "RAT-Type" 1032 Enumerated must, "TS 29.212 5.3.31" values {
        WLAN = 0,
        VIRTUAL = 1,
        UTRAN = 1000,
        GERAN = 1001,
        GAN = 1002,
        HSPA_EVOLUTION = 1003,
        EUTRAN = 1004,
        EUTRAN_NB_IOT = 1005,
        NR = 1006,
        LTE_M = 1007,
    };
    AllocationRetentionPriority = "Allocation-Retention-Priority" 1034 Grouped must, "TS 29.212 5.3.32" open {
        priority_level: 1 PriorityLevel,
        pre_emption_capability: ? PreEmptionCapability,
        pre_emption_vulnerability: ? PreEmptionVulnerability,
    };
    PriorityLevel = "Priority-Level" 1046 Unsigned32 must, "TS 29.212 5.3.45";
    PreEmptionCapability = "Pre-emption-Capability" 1047 Enumerated must, "TS 29.212 5.3.46" values {
        PRE_EMPTION_CAPABILITY_ENABLED = 0,
        PRE_EMPTION_CAPABILITY_DISABLED = 1,
    };
    PreEmptionVulnerability = "Pre-emption-Vulnerability" 1048 Enumerated must, "TS 29.212 5.3.47" values {
        PRE_EMPTION_VULNERABILITY_ENABLED = 0,
        PRE_EMPTION_VULNERABILITY_DISABLED = 1,
    };
}
