//! AVPs that 3GPP defines for proximity services: TS 29.343 (PC2, 3600 to 3612), TS 29.344 (PC4a, 3701 to 3708) and
//! TS 29.345 (PC6 and PC7, 3801 to 3868).

use super::declare::avps;

avps! {
    vendor 10415;

    OriginAppLayerUserId = "Origin-App-Layer-User-Id" 3600 UTF8String must, "TS 29.343 6.4.2";
    TargetAppLayerUserId = "Target-App-Layer-User-Id" 3601 UTF8String must, "TS 29.343 6.4.3";
    ProseFunctionId = "ProSe-Function-ID" 3602 OctetString must, "TS 29.343 6.4.4";
    ProseRequestType = "ProSe-Request-Type" 3603 Unsigned32 must, "TS 29.343 6.4.5" values {
        APPLICATION_REGISTRATION_FOR_PROSE = 0,
        PROSE_MAP_REQUEST = 1,
        AUTHORIZATION_ANNOUNCE = 2,
        AUTHORIZATION_ANNOUNCE_ACE = 3,
        AUTHORIZATION_MONITOR = 4,
        AUTHORIZATION_MONITOR_ACE = 5,
        MONITOR_PERMISSION = 6,
        AUTHORIZATION_RESPONSE = 7,
        AUTHORIZATION_QUERY = 8,
        AUTHORIZATION_MATCH_REPORT = 9,
        QUERY_PERMISSION = 10,
        AUTHORIZATION_UPDATE = 11,
        AUTHORIZATION_ANNOUNCE_ACE_OPEN = 12,
        AUTHORIZATION_MONITOR_ACE_OPEN = 13,
    };
    Pduid = "PDUID" 3604 OctetString mustnot, "TS 29.343 6.4.6";
    ApplicationData = "Application-Data" 3605 UTF8String mustnot, "TS 29.343 6.4.7";
    AllowedSuffixesNumber = "Allowed-Suffixes-Number" 3606 Unsigned32 mustnot, "TS 29.343 6.4.8";
    MonitorTarget = "Monitor-Target" 3607 Grouped mustnot, "TS 29.343 6.4.9" open {
        target_rpauid: 1 TargetRpauid,
        pduid: 1 Pduid,
        metadata_indicator: ? MetadataIndicator,
        prose_code_suffix_mask: * ProseCodeSuffixMask,
    };
    ProseCodeSuffixMask = "ProSe-Code-Suffix-Mask" 3608 Grouped mustnot, "TS 29.343 6.4.10" open {
        suffix_code: 1 SuffixCode,
        suffix_mask: + SuffixMask,
    };
    SuffixCode = "Suffix-Code" 3609 OctetString mustnot, "TS 29.343 6.4.11";
    SuffixMask = "Suffix-Mask" 3610 OctetString mustnot, "TS 29.343 6.4.12";
    BannedUserTarget = "Banned-User-Target" 3611 Grouped mustnot, "TS 29.343 6.4.17" open {
        target_rpauid: 1 TargetRpauid,
        target_pduid: 1 TargetPduid,
    };
    MetadataIndicator = "Metadata-Indicator" 3612 Unsigned32 mustnot, "TS 29.343 6.4.18" values {
        NO_METADATA = 0,
        METADATA_UPDATE_DISALLOWED = 1,
        METADATA_UPDATE_ALLOWED = 2,
    };
    ProseSubscriptionData = "ProSe-Subscription-Data" 3701 Grouped must, "TS 29.344 6.3.2" open {
        prose_permission: 1 ProsePermission,
        prose_allowed_plmn: * ProseAllowedPlmn,
        tgpp_charging_characteristics: ? TgppChargingCharacteristics,
    };
    ProsePermission = "ProSe-Permission" 3702 Unsigned32 must, "TS 29.344 6.3.3" bits {
        PROSE_DIRECT_DISCOVERY = 1,
        EPC_LEVEL_PROSE_DISCOVERY = 2,
        EPC_SUPPORT_WLAN_DIRECT = 4,
        ONE_TO_MANY_DIRECT_COMMUNICATION = 8,
        ONE_TO_ONE_DIRECT_COMMUNICATION = 16,
        UE_TO_NETWORK_RELAY = 32,
        REMOTE_UE_ACCESS = 64,
        RESTRICTED_DIRECT_DISCOVERY = 128,
    };
    ProseAllowedPlmn = "ProSe-Allowed-PLMN" 3703 Grouped must, "TS 29.344 6.3.4" open {
        visited_plmn_id: ? VisitedPlmnId,
        authorized_discovery_range: ? AuthorizedDiscoveryRange,
        prose_direct_allowed: ? ProseDirectAllowed,
    };
    ProseDirectAllowed = "ProSe-Direct-Allowed" 3704 Unsigned32 must, "TS 29.344 6.3.5" bits {
        ANNOUNCE = 1,
        MONITOR = 2,
        COMMUNICATION = 4,
        ONE_TO_ONE_COMMUNICATION = 8,
        DISCOVERER = 16,
        DISCOVEREE = 32,
        RESTRICTED_ANNOUNCE = 64,
        RESTRICTED_MONITORING = 128,
        APPLICATION_CONTROLLED_EXTENSION = 256,
        ON_DEMAND_ANNOUNCING = 512,
    };
    UprFlags = "UPR-Flags" 3705 Unsigned32 must, "TS 29.344 6.3.6" bits {
        UPDATE = 1,
        REMOVAL = 2,
        RESET_ID_UPDATE = 4,
        RESET_ID_REMOVAL = 8,
    };
    PnrFlags = "PNR-Flags" 3706 Unsigned32 must, "TS 29.344 6.3.7" bits {
        DIRECT_DISCOVERY_REVOKED = 1,
        DIRECT_COMMUNICATION_REVOKED = 2,
        PURGED_UE = 4,
    };
    ProseInitialLocationInformation = "ProSe-Initial-Location-Information" 3707 Grouped must, "TS 29.344 6.3.9" open {
        mme_name: ? MmeName,
        e_utran_cell_global_identity: ? EUtranCellGlobalIdentity,
        tracking_area_identity: ? TrackingAreaIdentity,
        age_of_location_information: ? AgeOfLocationInformation,
    };
    // M must be set in five sources and must not in one, whose note misses the AVP in table 6.3.1-1. Sent with M.
    AuthorizedDiscoveryRange = "Authorized-Discovery-Range" 3708 Unsigned32 must, "TS 29.344 6.3.13";
    AppLayerUserId = "App-Layer-User-Id" 3801 UTF8String must, "TS 29.345 6.3.2";
    AssistanceInfo = "Assistance-Info" 3802 Grouped must, "TS 29.345 6.3.3" open {
        wlan_assistance_info: ? WlanAssistanceInfo,
    };
    AssistanceInfoValidityTimer = "Assistance-Info-Validity-Timer" 3803 Unsigned32 must, "TS 29.345 6.3.4";
    DiscoveryType = "Discovery-Type" 3804 Unsigned32 must, "TS 29.345 6.3.5" values {
        ANNOUNCING_REQUEST_FOR_OPEN_PROSE_DIRECT_DISCOVERY = 0,
        MONITORING_REQUEST_FOR_OPEN_PROSE_DIRECT_DISCOVERY = 1,
        ANNOUNCING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY = 2,
        MONITORING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY = 3,
        DISCOVEREE_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY = 4,
        DISCOVERER_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY = 5,
        DISCOVERER_ANNOUNCING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY = 6,
        MONITORING_UPDATE_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY = 7,
        MONITORING_RESPONSE_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY = 8,
    };
    FilterId = "Filter-Id" 3805 OctetString must, "TS 29.345 6.3.9";
    MacAddress = "MAC-Address" 3806 UTF8String must, "TS 29.345 6.3.11";
    MatchReport = "Match-Report" 3807 Grouped must, "TS 29.345 6.3.12" open {
        discovery_type: 1 DiscoveryType,
        prose_app_code: ? ProseAppCode,
        prose_metadata_index_mask: ? ProseMetadataIndexMask,
        prose_app_id: ? ProseAppId,
        prose_validity_timer: ? ProseValidityTimer,
        prose_match_refresh_timer: ? ProseMatchRefreshTimer,
        prose_application_metadata: ? ProseApplicationMetadata,
        pc5_tech: ? Pc5Tech,
    };
    OperatingChannel = "Operating-Channel" 3808 Unsigned32 must, "TS 29.345 6.3.14";
    P2pFeatures = "P2P-Features" 3809 Unsigned32 must, "TS 29.345 6.3.15" bits { GROUP_OWNER_INDICATION = 1 };
    ProseAppCode = "ProSe-App-Code" 3810 OctetString must, "TS 29.345 6.3.16";
    ProseAppId = "ProSe-App-Id" 3811 UTF8String must, "TS 29.345 6.3.17";
    ProseAppMask = "ProSe-App-Mask" 3812 OctetString must, "TS 29.345 6.3.18";
    ProseDiscoveryFilter = "ProSe-Discovery-Filter" 3813 Grouped must, "TS 29.345 6.3.20" open {
        filter_id: 1 FilterId,
        prose_app_id: 1 ProseAppId,
        prose_validity_timer: 1 ProseValidityTimer,
        prose_app_code: 1 ProseAppCode,
        prose_app_mask: * ProseAppMask,
    };
    PrrFlags = "PRR-Flags" 3814 Unsigned32 must, "TS 29.345 6.3.21" bits { WLAN_INDICATION = 1 };
    ProseValidityTimer = "ProSe-Validity-Timer" 3815 Unsigned32 must, "TS 29.345 6.3.22";
    RequestingEpuid = "Requesting-EPUID" 3816 UTF8String must, "TS 29.345 6.3.23";
    TargetedEpuid = "Targeted-EPUID" 3817 UTF8String must, "TS 29.345 6.3.26";
    // TS 29.154 has another AVP of this name, 4204.
    TimeWindow = "Time-Window" 3818 Unsigned32 must, "TS 29.345 6.3.27";
    // WLAN-Link-Layer-Id-List is printed twice in the member list: one for each peer, so it may repeat.
    WifiP2pAssistanceInfo = "WiFi-P2P-Assistance-Info" 3819 Grouped must, "TS 29.345 6.3.30" open {
        ssid: ? Ssid,
        eap_master_session_key: ? EapMasterSessionKey,
        p2p_features: ? P2pFeatures,
        wlan_link_layer_id_list: * WlanLinkLayerIdList,
        operating_channel: ? OperatingChannel,
        assistance_info_validity_timer: ? AssistanceInfoValidityTimer,
    };
    WlanAssistanceInfo = "WLAN-Assistance-Info" 3820 Grouped must, "TS 29.345 6.3.31" open {
        wifi_p2p_assistance_info: ? WifiP2pAssistanceInfo,
    };
    WlanLinkLayerId = "WLAN-Link-Layer-Id" 3821 Grouped must, "TS 29.345 6.3.32" open { mac_address: ? MacAddress };
    WlanLinkLayerIdList = "WLAN-Link-Layer-Id-List" 3822 Grouped must, "TS 29.345 6.3.33" open {
        wlan_link_layer_id: * WlanLinkLayerId,
    };
    LocationUpdateTrigger = "Location-Update-Trigger" 3823 Grouped must, "TS 29.345 6.3.42" open {
        location_update_event_type: 1 LocationUpdateEventType,
        change_of_area_type: ? ChangeOfAreaType,
        periodic_location_type: ? PeriodicLocationType,
    };
    LocationUpdateEventType = "Location-Update-Event-Type" 3824 Unsigned32 must, "TS 29.345 6.3.43" values {
        UE_AVAILABLE = 0,
        CHANGE_OF_AREA = 1,
        PERIODIC_LOCATION = 2,
    };
    ChangeOfAreaType = "Change-Of-Area-Type" 3825 Grouped must, "TS 29.345 6.3.44" open {
        location_update_event_trigger: 1 LocationUpdateEventTrigger,
        report_cardinality: 1 ReportCardinality,
        minimum_interval_time: ? MinimumIntervalTime,
    };
    LocationUpdateEventTrigger = "Location-Update-Event-Trigger" 3826 Unsigned32 must, "TS 29.345 6.3.45" values {
        UE_ENTRY = 0,
        UE_EXIT = 1,
        UE_PRESENCE = 2,
    };
    ReportCardinality = "Report-Cardinality" 3827 Enumerated must, "TS 29.345 6.3.46" values {
        SINGLE = 0,
        MULTIPLE = 1,
    };
    MinimumIntervalTime = "Minimum-Interval-Time" 3828 Unsigned32 must, "TS 29.345 6.3.47";
    PeriodicLocationType = "Periodic-Location-Type" 3829 Grouped must, "TS 29.345 6.3.48" open {
        location_report_interval_time: 1 LocationReportIntervalTime,
        total_number_of_reports: 1 TotalNumberOfReports,
    };
    LocationReportIntervalTime = "Location-Report-Interval-Time" 3830 Unsigned32 must, "TS 29.345 6.3.49";
    TotalNumberOfReports = "Total-Number-Of-Reports" 3831 Unsigned32 must, "TS 29.345 6.3.50";
    ValidityTimeAnnounce = "Validity-Time-Announce" 3832 Unsigned32 must, "TS 29.345 6.3.36";
    ValidityTimeMonitor = "Validity-Time-Monitor" 3833 Unsigned32 must, "TS 29.345 6.3.37";
    ValidityTimeCommunication = "Validity-Time-Communication" 3834 Unsigned32 must, "TS 29.345 6.3.38";
    ProseAppCodeInfo = "ProSe-App-Code-Info" 3835 Grouped must, "TS 29.345 6.3.39" open {
        prose_app_code: 1 ProseAppCode,
        mic: 1 Mic,
        utc_based_counter: 1 UtcBasedCounter,
    };
    Mic = "MIC" 3836 OctetString must, "TS 29.345 6.3.40";
    UtcBasedCounter = "UTC-based-Counter" 3837 Unsigned32 must, "TS 29.345 6.3.41";
    ProseMatchRefreshTimer = "ProSe-Match-Refresh-Timer" 3838 Unsigned32 must, "TS 29.345 6.3.52";
    ProseMetadataIndexMask = "ProSe-Metadata-Index-Mask" 3839 OctetString mustnot, "TS 29.345 6.3.60";
    AppIdentifier = "App-Identifier" 3840 Grouped mustnot, "TS 29.345 6.3.61" open {
        os_id: 1 OsId,
        os_app_id: 1 OsAppId,
    };
    OsId = "OS-ID" 3841 OctetString mustnot, "TS 29.345 6.3.62";
    OsAppId = "OS-App-ID" 3842 UTF8String mustnot, "TS 29.345 6.3.63";
    RequestingRpauid = "Requesting-RPAUID" 3843 UTF8String mustnot, "TS 29.345 6.3.64";
    TargetRpauid = "Target-RPAUID" 3844 UTF8String mustnot, "TS 29.345 6.3.65";
    TargetPduid = "Target-PDUID" 3845 OctetString mustnot, "TS 29.345 6.3.66";
    ProseRestrictedCode = "ProSe-Restricted-Code" 3846 OctetString mustnot, "TS 29.345 6.3.67";
    // Grouped in clause 6.3.68 and in two sources, OctetString in the table of clause 6.3.1 and in two others.
    ProseRestrictedCodeSuffixRange = "ProSe-Restricted-Code-Suffix-Range" 3847 Grouped mustnot, "TS 29.345 6.3.68" open {
        beginning_suffix: 1 BeginningSuffix,
        ending_suffix: ? EndingSuffix,
    };
    BeginningSuffix = "Beginning-Suffix" 3848 OctetString mustnot, "TS 29.345 6.3.69";
    EndingSuffix = "Ending-Suffix" 3849 OctetString mustnot, "TS 29.345 6.3.70";
    DiscoveryEntryId = "Discovery-Entry-ID" 3850 Unsigned32 mustnot, "TS 29.345 6.3.59";
    // Defined, but no grammar that was read uses it.
    MatchTimestamp = "Match-Timestamp" 3851 Time mustnot, "TS 29.345 6.3.71";
    PmrFlags = "PMR-Flags" 3852 Unsigned32 must, "TS 29.345 6.3.57" bits { METADATA_REQUESTED = 1 };
    ProseApplicationMetadata = "ProSe-Application-Metadata" 3853 UTF8String must, "TS 29.345 6.3.58";
    DiscoveryAuthRequest = "Discovery-Auth-Request" 3854 Grouped must, "TS 29.345 6.3.53" open {
        discovery_type: 1 DiscoveryType,
        user_identity: ? UserIdentity,
        prose_app_id: ? ProseAppId,
        prose_app_code: ? ProseAppCode,
        prose_app_code_suffix_range: ? ProseAppCodeSuffixRange,
        prose_validity_timer: ? ProseValidityTimer,
        app_identifier: ? AppIdentifier,
        requesting_rpauid: ? RequestingRpauid,
        target_rpauid: ? TargetRpauid,
        target_pduid: ? TargetPduid,
        prose_restricted_code: ? ProseRestrictedCode,
        // ProSe-Query-Code and ProSe-Response-Code are printed here, but no source gives them a code: they ride along
        // as unknown AVPs.
        prose_restricted_code_suffix_range: * ProseRestrictedCodeSuffixRange,
        banned_rpauid: ? BannedRpauid,
        banned_pduid: ? BannedPduid,
        service_result: ? ServiceResult,
        pc5_tech: ? Pc5Tech,
    };
    DiscoveryAuthResponse = "Discovery-Auth-Response" 3855 Grouped must, "TS 29.345 6.3.54" open {
        discovery_type: 1 DiscoveryType,
        prose_discovery_filter: * ProseDiscoveryFilter,
        visited_plmn_id: ? VisitedPlmnId,
        prose_restricted_code: ? ProseRestrictedCode,
        // ProSe-Query-Code and ProSe-Response-Code are printed here, but no source gives them a code: they ride along
        // as unknown AVPs.
        prose_validity_timer: ? ProseValidityTimer,
        code_sending_security_material: ? CodeSendingSecurityMaterial,
        code_receiving_security_material: ? CodeReceivingSecurityMaterial,
        duik: ? Duik,
        pc5_tech: ? Pc5Tech,
    };
    MatchRequest = "Match-Request" 3856 Grouped must, "TS 29.345 6.3.55" open {
        discovery_type: 1 DiscoveryType,
        user_identity: ? UserIdentity,
        visited_plmn_id: ? VisitedPlmnId,
        prose_app_code_info: * ProseAppCodeInfo,
        pc5_tech: ? Pc5Tech,
    };
    MatchReportInfo = "Match-Report-Info" 3857 Grouped must, "TS 29.345 6.3.56" open {
        discovery_type: 1 DiscoveryType,
        user_identity: ? UserIdentity,
        prose_app_id: * ProseAppId,
    };
    BannedRpauid = "Banned-RPAUID" 3858 UTF8String mustnot, "TS 29.345 6.3.73";
    BannedPduid = "Banned-PDUID" 3859 OctetString mustnot, "TS 29.345 6.3.74";
    CodeReceivingSecurityMaterial = "Code-Receiving-Security-Material" 3860 Grouped mustnot, "TS 29.345 6.3.75" open {
        dusk: ? Dusk,
        duik: ? Duik,
        mic_check_indicator: ? MicCheckIndicator,
        duck: ? Duck,
        encrypted_bitmask: ? EncryptedBitmask,
    };
    CodeSendingSecurityMaterial = "Code-Sending-Security-Material" 3861 Grouped mustnot, "TS 29.345 6.3.76" open {
        dusk: ? Dusk,
        duik: ? Duik,
        duck: ? Duck,
        encrypted_bitmask: ? EncryptedBitmask,
    };
    Dusk = "DUSK" 3862 OctetString mustnot, "TS 29.345 6.3.77";
    Duik = "DUIK" 3863 OctetString mustnot, "TS 29.345 6.3.78";
    Duck = "DUCK" 3864 OctetString mustnot, "TS 29.345 6.3.79";
    MicCheckIndicator = "MIC-Check-Indicator" 3865 Unsigned32 mustnot, "TS 29.345 6.3.80" values {
        MIC_CHECK_BY_PROSE_FUNCTION = 1,
    };
    EncryptedBitmask = "Encrypted-Bitmask" 3866 OctetString mustnot, "TS 29.345 6.3.81";
    // Grouped in clause 6.3.82 and in two sources, OctetString in the table of clause 6.3.1 and in two others.
    ProseAppCodeSuffixRange = "ProSe-App-Code-Suffix-Range" 3867 Grouped mustnot, "TS 29.345 6.3.82" open {
        beginning_suffix: 1 BeginningSuffix,
        ending_suffix: ? EndingSuffix,
    };
    Pc5Tech = "PC5-tech" 3868 OctetString mustnot, "TS 29.345 6.3.84";
}
