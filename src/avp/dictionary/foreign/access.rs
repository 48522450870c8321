//! AVPs of policy (Gx, S9, Sy), mobility (S6a, S13), non-3GPP access, location, short messages and ETSI.

use crate::avp::dictionary::declare::rows;

rows! {
    vendor 10415, "TS 29.212 (Gx)", may {
        "Bearer-Usage" 1000 Enumerated values { "GENERAL" = 0, "IMS_SIGNALLING" = 1 };
        "Charging-Rule-Install" 1001 Grouped;
        "Charging-Rule-Remove" 1002 Grouped;
        "Charging-Rule-Definition" 1003 Grouped;
        "Charging-Rule-Base-Name" 1004 UTF8String;
        "Charging-Rule-Name" 1005 OctetString;
        "Event-Trigger" 1006 Enumerated values {
            "SGSN_CHANGE" = 0, "QOS_CHANGE" = 1, "RAT_CHANGE" = 2, "TFT_CHANGE" = 3, "PLMN_CHANGE" = 4,
            "LOSS_OF_BEARER" = 5, "RECOVERY_OF_BEARER" = 6, "IP-CAN_CHANGE" = 7, "QOS_CHANGE_EXCEEDING_AUTHORIZATION" = 11,
            "RAI_CHANGE" = 12, "USER_LOCATION_CHANGE" = 13, "NO_EVENT_TRIGGERS" = 14, "OUT_OF_CREDIT" = 15,
            "REALLOCATION_OF_CREDIT" = 16, "REVALIDATION_TIMEOUT" = 17, "UE_IP_ADDRESS_ALLOCATE" = 18,
            "UE_IP_ADDRESS_RELEASE" = 19, "DEFAULT_EPS_BEARER_QOS_CHANGE" = 20, "AN_GW_CHANGE" = 21,
            "SUCCESSFUL_RESOURCE_ALLOCATION" = 22, "RESOURCE_MODIFICATION_REQUEST" = 23, "PGW_TRACE_CONTROL" = 24,
            "UE_TIME_ZONE_CHANGE" = 25, "TAI_CHANGE" = 26, "ECGI_CHANGE" = 27, "CHARGING_CORRELATION_EXCHANGE" = 28,
            "APN-AMBR_MODIFICATION_FAILURE" = 29, "USER_CSG_INFORMATION_CHANGE" = 30, "USAGE_REPORT" = 33,
            "DEFAULT-EPS-BEARER-QOS_MODIFICATION_FAILURE" = 34, "USER_CSG_HYBRID_SUBSCRIBED_INFORMATION_CHANGE" = 35,
            "USER_CSG_HYBRID_UNSUBSCRIBED_INFORMATION_CHANGE" = 36, "ROUTING_RULE_CHANGE" = 37,
            "APPLICATION_START" = 39, "APPLICATION_STOP" = 40, "CS_TO_PS_HANDOVER" = 42,
            "UE_LOCAL_IP_ADDRESS_CHANGE" = 43, "HENB_LOCAL_IP_ADDRESS_CHANGE" = 44, "ACCESS_NETWORK_INFO_REPORT" = 45,
            "CREDIT_MANAGEMENT_SESSION_FAILURE" = 46, "DEFAULT_QOS_CHANGE" = 47,
            "CHANGE_OF_UE_PRESENCE_IN_PRESENCE_REPORTING_AREA_REPORT" = 48
        };
        "Metering-Method" 1007 Enumerated values {
            "DURATION" = 0, "VOLUME" = 1, "DURATION_VOLUME" = 2, "EVENT" = 3
        };
        "Offline" 1008 Enumerated values { "DISABLE_OFFLINE" = 0, "ENABLE_OFFLINE" = 1 };
        "Online" 1009 Enumerated values { "DISABLE_ONLINE" = 0, "ENABLE_ONLINE" = 1 };
        "Precedence" 1010 Unsigned32;
        "Reporting-Level" 1011 Enumerated values {
            "SERVICE_IDENTIFIER_LEVEL" = 0, "RATING_GROUP_LEVEL" = 1, "SPONSORED_CONNECTIVITY_LEVEL" = 2
        };
        "TFT-Filter" 1012 IPFilterRule;
        "TFT-Packet-Filter-Information" 1013 Grouped;
        "ToS-Traffic-Class" 1014 OctetString;
        "PDP-Session-Operation" 1015 Enumerated values { "PDP-SESSION-TERMINATION" = 0 };
        "QoS-Information" 1016 Grouped;
        "Charging-Rule-Report" 1018 Grouped;
        "PCC-Rule-Status" 1019 Enumerated values { "ACTIVE" = 0, "INACTIVE" = 1, "TEMPORARILY INACTIVE" = 2 };
        "Bearer-Identifier" 1020 OctetString;
        "Bearer-Operation" 1021 Enumerated values { "TERMINATION" = 0, "ESTABLISHMENT" = 1, "MODIFICATION" = 2 };
        "Access-Network-Charging-Identifier-Gx" 1022 Grouped;
        "Bearer-Control-Mode" 1023 Enumerated values { "UE_ONLY" = 0, "RESERVED" = 1, "UE_NW" = 2 };
        "Network-Request-Support" 1024 Enumerated values {
            "NETWORK_REQUEST NOT SUPPORTED" = 0, "NETWORK_REQUEST SUPPORTED" = 1
        };
        "Guaranteed-Bitrate-DL" 1025 Unsigned32;
        "Guaranteed-Bitrate-UL" 1026 Unsigned32;
        "IP-CAN-Type" 1027 Enumerated values {
            "3GPP-GPRS" = 0, "DOCSIS" = 1, "xDSL" = 2, "WiMAX" = 3, "3GPP2" = 4, "3GPP-EPS" = 5, "Non-3GPP-EPS" = 6,
            "FBA" = 7, "3GPP-5GS" = 8, "Non-3GPP-5GS" = 9
        };
        "QoS-Negotiation" 1029 Enumerated values { "NO_QoS_NEGOTIATION" = 0, "QoS_NEGOTIATION_SUPPORTED" = 1 };
        "QoS-Upgrade" 1030 Enumerated values { "QoS_UPGRADE_NOT_SUPPORTED" = 0, "QoS_UPGRADE_SUPPORTED" = 1 };
        "Rule-Failure-Code" 1031 Enumerated values {
            "UNKNOWN_RULE_NAME" = 1, "RATING_GROUP_ERROR" = 2, "SERVICE_IDENTIFIER_ERROR" = 3,
            "GW/PCEF_MALFUNCTION" = 4, "RESOURCES_LIMITATION" = 5, "MAX_NR_BEARERS_REACHED" = 6,
            "UNKNOWN_BEARER_ID" = 7, "MISSING_BEARER_ID" = 8, "MISSING_FLOW_INFORMATION" = 9,
            "RESOURCE_ALLOCATION_FAILURE" = 10, "UNSUCCESSFUL_QOS_VALIDATION" = 11, "INCORRECT_FLOW_INFORMATION" = 12,
            "PS_TO_CS_HANDOVER" = 13, "TDF_APPLICATION_IDENTIFIER_ERROR" = 14, "NO_BEARER_BOUND" = 15,
            "FILTER_RESTRICTIONS" = 16, "AN_GW_FAILED" = 17, "MISSING_REDIRECT_SERVER_ADDRESS" = 18,
            "CM_END_USER_SERVICE_DENIED" = 19, "CM_CREDIT_CONTROL_NOT_APPLICABLE" = 20,
            "CM_AUTHORIZATION_REJECTED" = 21, "CM_USER_UNKNOWN" = 22, "CM_RATING_FAILED" = 23
        };
        "Event-Report-Indication" 1033 Grouped;
        "CoA-IP-Address" 1035 Address;
        "Tunnel-Header-Filter" 1036 IPFilterRule;
        "Tunnel-Header-Length" 1037 Unsigned32;
        "Tunnel-Information" 1038 Grouped;
        "CoA-Information" 1039 Grouped;
        "APN-Aggregate-Max-Bitrate-DL" 1040 Unsigned32;
        "APN-Aggregate-Max-Bitrate-UL" 1041 Unsigned32;
        "Revalidation-Time" 1042 Time;
        "Rule-Activation-Time" 1043 Time;
        "Rule-Deactivation-Time" 1044 Time;
        "Session-Release-Cause" 1045 Enumerated values {
            "UNSPECIFIED_REASON" = 0, "UE_SUBSCRIPTION_REASON" = 1, "INSUFFICIENT_SERVER_RESOURCES" = 2,
            "IP_CAN_SESSION_TERMINATION" = 3, "UE_IP_ADDRESS_RELEASE" = 4
        };
        "Default-EPS-Bearer-QoS" 1049 Grouped;
        "AN-GW-Address" 1050 Address;
        "QoS-Rule-Install" 1051 Grouped;
        "QoS-Rule-Remove" 1052 Grouped;
        "QoS-Rule-Definition" 1053 Grouped;
        "QoS-Rule-Name" 1054 OctetString;
        "QoS-Rule-Report" 1055 Grouped;
        "Security-Parameter-Index" 1056 OctetString;
        "Flow-Label" 1057 OctetString;
        "Flow-Information" 1058 Grouped;
        "Packet-Filter-Content" 1059 IPFilterRule;
        "Packet-Filter-Identifier" 1060 OctetString;
        "Packet-Filter-Information" 1061 Grouped;
        "Packet-Filter-Operation" 1062 Enumerated values { "DELETION" = 0, "ADDITION" = 1, "MODIFICATION" = 2 };
        "Resource-Allocation-Notification" 1063 Enumerated values { "ENABLE_NOTIFICATION" = 0 };
        "Session-Linking-Indicator" 1064 Enumerated;
        "PDN-Connection-ID" 1065 OctetString;
        "Monitoring-Key" 1066 OctetString;
        "Usage-Monitoring-Information" 1067 Grouped;
        "Usage-Monitoring-Level" 1068 Enumerated values {
            "SESSION_LEVEL" = 0, "PCC_RULE_LEVEL" = 1, "ADC_RULE_LEVEL" = 2
        };
        "Usage-Monitoring-Report" 1069 Enumerated values { "USAGE_MONITORING_REPORT_REQUIRED" = 0 };
        "Usage-Monitoring-Support" 1070 Enumerated values { "USAGE_MONITORING_DISABLED" = 0 };
        "CSG-Information-Reporting" 1071 Enumerated;
        "Packet-Filter-Usage" 1072 Enumerated values { "SEND_TO_UE" = 1 };
        "Charging-Correlation-Indicator" 1073 Enumerated values { "CHARGING_IDENTIFIER_REQUIRED" = 0 };
        "QoS-Rule-Base-Name" 1074 UTF8String;
        "Routing-Rule-Remove" 1075 Grouped;
        "Routing-Rule-Definition" 1076 Grouped;
        "Routing-Rule-Identifier" 1077 OctetString;
        "Routing-Filter" 1078 Grouped;
        "Routing-IP-Address" 1079 Address;
        "Flow-Direction" 1080 Enumerated values {
            "UNSPECIFIED" = 0, "DOWNLINK" = 1, "UPLINK" = 2, "BIDIRECTIONAL" = 3
        };
        "Routing-Rule-Install" 1081 Grouped;
        "Credit-Management-Status" 1082 Unsigned32;
        "Redirect-Information" 1085 Grouped;
        "Redirect-Support" 1086 Enumerated;
        "TDF-Information" 1087 Grouped;
        "TDF-Application-Identifier" 1088 OctetString;
        "TDF-Destination-Host" 1089 DiameterIdentity;
        "TDF-Destination-Realm" 1090 DiameterIdentity;
        "TDF-IP-Address" 1091 Address;
        "ADC-Rule-Install" 1092 Grouped;
        "ADC-Rule-Remove" 1093 Grouped;
        "ADC-Rule-Definition" 1094 Grouped;
        "ADC-Rule-Base-Name" 1095 UTF8String;
        "ADC-Rule-Name" 1096 OctetString;
        "ADC-Rule-Report" 1097 Grouped;
        "Application-Detection-Information" 1098 Grouped;
        "PS-to-CS-Session-Continuity" 1099 Enumerated;
        "TDF-Application-Instance-Identifier" 2802 OctetString;
        "HeNB-Local-IP-Address" 2804 Address;
        "UE-Local-IP-Address" 2805 Address;
        "UDP-Source-Port" 2806 Unsigned32;
        "Mute-Notification" 2809 Enumerated;
        "Monitoring-Time" 2810 Time;
        "AN-GW-Status" 2811 Enumerated;
        "User-Location-Info-Time" 2812 Time;
        "Default-QoS-Information" 2816 Grouped;
        "Default-QoS-Name" 2817 UTF8String;
        "Conditional-APN-Aggregate-Max-Bitrate" 2818 Grouped;
        "RAN-NAS-Release-Cause" 2819 OctetString;
        "Presence-Reporting-Area-Elements-List" 2820 OctetString;
        "Presence-Reporting-Area-Identifier" 2821 OctetString;
        "Presence-Reporting-Area-Information" 2822 Grouped;
        "Presence-Reporting-Area-Status" 2823 Unsigned32;
        "NetLoc-Access-Support" 2824 Unsigned32;
        "Fixed-User-Location-Info" 2825 Grouped;
        "PCSCF-Restoration-Indication" 2826 Unsigned32;
        "IP-CAN-Session-Charging-Scope" 2827 Enumerated;
        "Monitoring-Flags" 2828 Unsigned32;
        "Default-Access" 2829 Enumerated;
        "NBIFOM-Mode" 2830 Enumerated;
        "NBIFOM-Support" 2831 Enumerated;
        "RAN-Rule-Support" 2832 Unsigned32;
        "Access-Availability-Change-Reason" 2833 Unsigned32;
        "Routing-Rule-Failure-Code" 2834 Unsigned32;
        "Routing-Rule-Report" 2835 Grouped;
        "Traffic-Steering-Policy-Identifier-DL" 2836 OctetString;
        "Traffic-Steering-Policy-Identifier-UL" 2837 OctetString;
        "Request-Type" 2838 Unsigned32;
        "Execution-Time" 2839 Time;
        "Conditional-Policy-Information" 2840 Grouped;
        "Resource-Release-Notification" 2841 Enumerated;
        "Removal-Of-Access" 2842 Enumerated;
        "TCP-Source-Port" 2843 Unsigned32;
        "Default-Bearer-Indication" 2844 Enumerated;
        "PRA-Install" 2845 Grouped;
        "PRA-Remove" 2846 Grouped;
        "3GPP-PS-Data-Off-Status" 2847 Enumerated;
        "Extended-APN-AMBR-DL" 2848 Unsigned32;
        "Extended-APN-AMBR-UL" 2849 Unsigned32;
        "Extended-GBR-DL" 2850 Unsigned32;
        "Extended-GBR-UL" 2851 Unsigned32;
        "Max-PLR-DL" 2852 Float32;
        "Max-PLR-UL" 2853 Float32;
        "UE-Status" 2854 Unsigned32;
        "Presence-Reporting-Area-Node" 2855 Unsigned32;
    }

    vendor 10415, "TS 29.215 (S9)", must {
        "Subsession-Decision-Info" 2200 Grouped;
        "Subsession-Enforcement-Info" 2201 Grouped;
        "Subsession-Id" 2202 Unsigned32;
        "Subsession-Operation" 2203 Enumerated values { "TERMINATION" = 0, "ESTABLISHMENT" = 1, "MODIFICATION" = 2 };
        "Multiple-BBERF-Action" 2204 Enumerated;
        "UE-Local-IPv6-Prefix" 2205 OctetString;
        "DRA-Deployment" 2206 Enumerated;
        "DRA-Binding" 2207 Enumerated;
    }

    vendor 10415, "TS 29.219 (Sy)", must {
        "Policy-Counter-Identifier" 2901 UTF8String;
        "Policy-Counter-Status" 2902 UTF8String;
        "Policy-Counter-Status-Report" 2903 Grouped;
        "SL-Request-Type" 2904 Enumerated values { "INITIAL_REQUEST" = 0, "INTERMEDIATE_REQUEST" = 1 };
        "Pending-Policy-Counter-Information" 2905 Grouped;
        "Pending-Policy-Counter-Change-Time" 2906 Time;
        "SN-Request-Type" 2907 Unsigned32;
    }

    vendor 10415, "TS 29.272 (S6a, S13)", must {
        "QoS-Subscribed" 1404 OctetString;
        "CSG-Subscription-Data" 1436 Grouped;
        "CSG-Id" 1437 Unsigned32;
        "Expiration-Date" 1439 Time;
        "Equipment-Status" 1445 Enumerated values { "WHITELISTED" = 0, "BLACKLISTED" = 1, "GREYLISTED" = 2 };
        "Trace-Collection-Entity" 1452 Address;
        "Roaming-Restricted-Due-To-Unsupported-Feature" 1457 Enumerated;
        "Trace-Data" 1458 Grouped;
        "Trace-Reference" 1459 OctetString;
        "Trace-Depth" 1462 Enumerated;
        "Trace-NE-Type-List" 1463 OctetString;
        "Trace-Interface-List" 1464 OctetString;
        "Trace-Event-List" 1465 OctetString;
        "OMC-Id" 1466 OctetString;
        "GPRS-Subscription-Data" 1467 Grouped;
        "Complete-Data-List-Included-Indicator" 1468 Enumerated;
        "PDP-Context" 1469 Grouped;
        "PDP-Type" 1470 OctetString;
        "LCS-Info" 1473 Grouped;
        "GMLC-Number" 1474 OctetString;
        "LCS-PrivacyException" 1475 Grouped;
        "SS-Status" 1477 OctetString;
        "Notification-To-UE-User" 1478 Enumerated;
        "External-Client" 1479 Grouped;
        "Client-Identity" 1480 OctetString;
        "GMLC-Restriction" 1481 Enumerated;
        "PLMN-Client" 1482 Enumerated;
        "Service-Type" 1483 Grouped;
        "ServiceTypeIdentity" 1484 Unsigned32;
        "MO-LR" 1485 Grouped;
        "Teleservice-List" 1486 Grouped;
        "Call-Barring-Info" 1488 Grouped;
    }

    vendor 10415, "TS 29.272 (S6a, S13)", mustnot {
        "ICS-Indicator" 1491 Enumerated values { "FALSE" = 0, "TRUE" = 1 };
        "EPS-User-State" 1495 Grouped;
        "EPS-Location-Information" 1496 Grouped;
        "MME-User-State" 1497 Grouped;
        "SGSN-User-State" 1498 Grouped;
        "User-State" 1499 Enumerated values {
            "DETACHED" = 0, "ATTACHED_NOT_REACHABLE_FOR_PAGING" = 1, "ATTACHED_REACHABLE_FOR_PAGING" = 2,
            "CONNECTED_NOT_REACHABLE_FOR_PAGING" = 3, "CONNECTED_REACHABLE_FOR_PAGING" = 4, "RESERVED" = 5
        };
        "MME-Location-Information" 1600 Grouped;
        "SGSN-Location-Information" 1601 Grouped;
        "Cell-Global-Identity" 1604 OctetString;
        "Routing-Area-Identity" 1605 OctetString;
        "Location-Area-Identity" 1606 OctetString;
        "Service-Area-Identity" 1607 OctetString;
        "Geographical-Information" 1608 OctetString;
        "Geodetic-Information" 1609 OctetString;
        "Current-Location-Retrieved" 1610 Enumerated values { "ACTIVE-LOCATION-RETRIEVAL" = 0 };
        "SIPTO-Permission" 1613 Enumerated values { "SIPTO_ALLOWED" = 0, "SIPTO_NOTALLOWED" = 1 };
        "Error-Diagnostic" 1614 Enumerated values {
            "GPRS_DATA_SUBSCRIBED" = 0, "NO_GPRS_DATA_SUBSCRIBED" = 1, "ODB-ALL-APN" = 2, "ODB-HPLMN-APN" = 3,
            "ODB-VPLMN-APN" = 4
        };
        "MPS-Priority" 1616 Unsigned32;
        "VPLMN-LIPA-Allowed" 1617 Enumerated;
        "LIPA-Permission" 1618 Enumerated;
        "Ext-PDP-Type" 1620 OctetString;
        "Ext-PDP-Address" 1621 Address;
        "MDT-Configuration" 1622 Grouped;
        "Job-Type" 1623 Enumerated;
        "Area-Scope" 1624 Grouped;
        "List-Of-Measurements" 1625 Unsigned32;
        "Reporting-Trigger" 1626 Unsigned32;
        "Report-Interval" 1627 Enumerated;
        "Report-Amount" 1628 Enumerated;
        "Event-Threshold-RSRP" 1629 Unsigned32;
        "Event-Threshold-RSRQ" 1630 Unsigned32;
        "Logging-Interval" 1631 Enumerated;
        "Logging-Duration" 1632 Enumerated;
        "Relay-Node-Indicator" 1633 Enumerated;
        "MDT-User-Consent" 1634 Enumerated;
        "Subscribed-VSRVCC" 1636 Enumerated;
        "Equivalent-PLMN-List" 1637 Grouped;
        "UVR-Flags" 1639 Unsigned32;
        "UVA-Flags" 1640 Unsigned32;
        "VPLMN-CSG-Subscription-Data" 1641 Grouped;
        "Time-Zone" 1642 UTF8String;
        "MME-Number-for-MT-SMS" 1645 OctetString;
        "SMS-Register-Request" 1648 Enumerated values {
            "SMS_REGISTRATION_REQUIRED" = 0, "SMS_REGISTRATION_NOT_PREFERRED" = 1, "NO_PREFERENCE" = 2
        };
        "Local-Time-Zone" 1649 Grouped;
        "Daylight-Saving-Time" 1650 Enumerated;
        "Subscription-Data-Flags" 1654 Unsigned32;
        "Measurement-Period-LTE" 1655 Enumerated;
        "Measurement-Period-UMTS" 1656 Enumerated;
        "Collection-Period-RRM-LTE" 1657 Enumerated;
        "Collection-Period-RRM-UMTS" 1658 Enumerated;
        "Positioning-Method" 1659 OctetString;
        "Measurement-Quantity" 1660 OctetString;
        "Event-Threshold-Event-1F" 1661 Integer32;
        "Event-Threshold-Event-1I" 1662 Integer32;
        "Restoration-Priority" 1663 Unsigned32;
        "SGs-MME-Identity" 1664 UTF8String;
        "SIPTO-Local-Network-Permission" 1665 Unsigned32;
        "Coupled-Node-Diameter-ID" 1666 DiameterIdentity;
        "WLAN-offloadability" 1667 Grouped;
        "WLAN-offloadability-EUTRAN" 1668 Unsigned32;
        "WLAN-offloadability-UTRAN" 1669 Unsigned32;
        "MDT-Allowed-PLMN-Id" 1671 OctetString;
        "Adjacent-PLMNs" 1672 Grouped;
        "Adjacent-Access-Restriction-Data" 1673 Grouped;
        "DL-Buffering-Suggested-Packet-Count" 1674 Integer32;
        "IMSI-Group-Id" 1675 Grouped;
        "Group-Service-Id" 1676 Unsigned32;
        "Group-PLMN-Id" 1677 OctetString;
        "Local-Group-Id" 1678 OctetString;
        "AIR-Flags" 1679 Unsigned32;
        "UE-Usage-Type" 1680 Unsigned32;
        "Non-IP-PDN-Type-Indicator" 1681 Enumerated;
        "Non-IP-Data-Delivery-Mechanism" 1682 Unsigned32;
        "Additional-Context-Identifier" 1683 Unsigned32;
        "SCEF-Realm" 1684 DiameterIdentity;
        "Subscription-Data-Deletion" 1685 Grouped;
        "Preferred-Data-Mode" 1686 Unsigned32;
        "Emergency-Info" 1687 Grouped;
        "V2X-Subscription-Data" 1688 Grouped;
        "V2X-Permission" 1689 Unsigned32;
        "PDN-Connection-Continuity" 1690 Unsigned32;
        "eDRX-Cycle-Length" 1691 Grouped;
        "eDRX-Cycle-Length-Value" 1692 OctetString;
        "UE-PC5-AMBR" 1693 Unsigned32;
    }

    vendor 10415, "TS 29.273 (SWx, SWm, S6b, STa)", may {
        "Non-3GPP-User-Data" 1500 Grouped;
        "Non-3GPP-IP-Access" 1501 Enumerated values {
            "NON_3GPP_SUBSCRIPTION_ALLOWED" = 0, "NON_3GPP_SUBSCRIPTION_BARRED" = 1
        };
        "Non-3GPP-IP-Access-APN" 1502 Enumerated values { "NON_3GPP_APNS_ENABLE" = 0, "NON_3GPP_APNS_DISABLE" = 1 };
        "AN-Trusted" 1503 Enumerated values { "TRUSTED" = 0, "UNTRUSTED" = 1 };
        "ANID" 1504 UTF8String;
        "Trace-Info" 1505 Grouped;
        "MIP-FA-RK" 1506 OctetString;
        "MIP-FA-RK-SPI" 1507 Unsigned32;
        "PPR-Flags" 1508 Unsigned32;
        "WLAN-Identifier" 1509 Grouped;
        "TWAN-Access-Info" 1510 Grouped;
        "Access-Authorization-Flags" 1511 Unsigned32;
        "TWAN-Default-APN-Context-Id" 1512 Unsigned32;
        "Full-Network-Name" 1516 OctetString;
        "Short-Network-Name" 1517 OctetString;
        "AAA-Failure-Indication" 1518 Unsigned32;
        "Transport-Access-Type" 1519 Enumerated;
        "DER-Flags" 1520 Unsigned32;
        "DEA-Flags" 1521 Unsigned32;
        "RAR-Flags" 1522 Unsigned32;
        "DER-S6b-Flags" 1523 Unsigned32;
        "HESSID" 1525 UTF8String;
        "Access-Network-Info" 1526 Grouped;
        "TWAN-Connection-Mode" 1527 Unsigned32;
        "TWAN-Connectivity-Parameters" 1528 Grouped;
        "Connectivity-Flags" 1529 Unsigned32;
        "TWAN-PCO" 1530 OctetString;
        "TWAG-CP-Address" 1531 Address;
        "TWAG-UP-Address" 1532 UTF8String;
        "TWAN-S2a-Failure-Cause" 1533 Unsigned32;
        "SM-Back-Off-Timer" 1534 Unsigned32;
        "WLCP-Key" 1535 OctetString;
        "Origination-Time-Stamp" 1536 Unsigned64;
        "Maximum-Wait-Time" 1537 Unsigned32;
        "Emergency-Services" 1538 Unsigned32;
        "AAR-Flags" 1539 Unsigned32;
        "IMEI-Check-In-VPLMN-Result" 1540 Unsigned32;
    }

    vendor 10415, "TS 29.173 (SLh)", must {
        "LMSI" 2400 OctetString;
        "Serving-Node" 2401 Grouped;
        "MSC-Number" 2403 OctetString;
        "LCS-Capabilities-Sets" 2404 Unsigned32;
        "Additional-Serving-Node" 2406 Grouped;
        "PPR-Address" 2407 Address;
        "MME-Realm" 2408 DiameterIdentity;
        "SGSN-Name" 2409 DiameterIdentity;
        "SGSN-Realm" 2410 DiameterIdentity;
        "RIA-Flags" 2411 Unsigned32;
    }

    vendor 10415, "TS 29.172 (SLg)", must {
        "SLg-Location-Type" 2500 Enumerated values {
            "CURRENT_LOCATION" = 0, "CURRENT_OR_LAST_KNOWN_LOCATION" = 1, "INITIAL_LOCATION" = 2,
            "ACTIVATE_DEFERRED_LOCATION" = 3, "CANCEL_DEFERRED_LOCATION" = 4, "NOTIFICATION_VERIFICATION_ONLY" = 5
        };
        "LCS-EPS-Client-Name" 2501 Grouped;
        "LCS-Requestor-Name" 2502 Grouped;
        "LCS-Priority" 2503 Unsigned32;
        "LCS-QoS" 2504 Grouped;
        "Horizontal-Accuracy" 2505 Unsigned32;
        "Vertical-Accuracy" 2506 Unsigned32;
        "Vertical-Requested" 2507 Enumerated;
        "Velocity-Requested" 2508 Enumerated;
        "Response-Time" 2509 Enumerated values { "LOW_DELAY" = 0, "DELAY_TOLERANT" = 1 };
        "Supported-GAD-Shapes" 2510 Unsigned32;
        "LCS-Codeword" 2511 UTF8String;
        "LCS-Privacy-Check" 2512 Enumerated;
        "Accuracy-Fulfilment-Indicator" 2513 Enumerated;
        "Age-Of-Location-Estimate" 2514 Unsigned32;
        "Velocity-Estimate" 2515 OctetString;
        "EUTRAN-Positioning-Data" 2516 OctetString;
        "ECGI" 2517 OctetString;
        "Location-Event" 2518 Enumerated;
        "Pseudonym-Indicator" 2519 Enumerated;
        "LCS-Service-Type-ID" 2520 Unsigned32;
        "LCS-Privacy-Check-Non-Session" 2521 Grouped;
        "LCS-Privacy-Check-Session" 2522 Grouped;
        "LCS-QoS-Class" 2523 Enumerated;
        "GERAN-Positioning-Info" 2524 Grouped;
        "GERAN-Positioning-Data" 2525 OctetString;
        "GERAN-GANSS-Positioning-Data" 2526 OctetString;
        "UTRAN-Positioning-Info" 2527 Grouped;
        "UTRAN-Positioning-Data" 2528 OctetString;
        "UTRAN-GANSS-Positioning-Data" 2529 OctetString;
        "LRR-Flags" 2530 Unsigned32;
        "LCS-Reference-Number" 2531 OctetString;
        "Deferred-Location-Type" 2532 Unsigned32;
        "Area-Event-Info" 2533 Grouped;
        "Area-Definition" 2534 Grouped;
        "Area" 2535 Grouped;
        "Area-Type" 2536 Unsigned32;
        "Area-Identification" 2537 OctetString;
        "Occurrence-Info" 2538 Enumerated;
        "Interval-Time" 2539 Unsigned32;
        "Periodic-LDR-Information" 2540 Grouped;
        "Reporting-Amount" 2541 Unsigned32;
        "Reporting-Interval" 2542 Unsigned32;
        "Reporting-PLMN-List" 2543 Grouped;
        "PLMN-ID-List" 2544 Grouped;
        "PLR-Flags" 2545 Unsigned32;
        "PLA-Flags" 2546 Unsigned32;
        "Deferred-MT-LR-Data" 2547 Grouped;
        "LRA-Flags" 2549 Unsigned32;
        "Periodic-Location-Support-Indicator" 2550 Enumerated;
        "Prioritized-List-Indicator" 2551 Enumerated;
        "ESMLC-Cell-Info" 2552 Grouped;
        "Cell-Portion-ID" 2553 Unsigned32;
        "1xRTT-RCID" 2554 OctetString;
    }

    vendor 10415, "TS 29.336 (S6m, S6t)", must {
        "IP-SM-GW-Number" 3100 OctetString;
        "IP-SM-GW-Name" 3101 DiameterIdentity;
        "User-Identifier" 3102 Grouped;
        "Service-ID" 3103 Enumerated;
        "SCS-Identity" 3104 OctetString;
        "Service-Parameters" 3105 Grouped;
        "T4-Parameters" 3106 Grouped;
        "Service-Data" 3107 Grouped;
        "T4-Data" 3108 Grouped;
        "HSS-Cause" 3109 Unsigned32;
        "SIR-Flags" 3110 Unsigned32;
        "IP-SM-GW-Realm" 3112 DiameterIdentity;
        "AESE-Communication-Pattern" 3113 Grouped;
        "Communication-Pattern-Set" 3114 Grouped;
        "Periodic-Communication-Indicator" 3115 Unsigned32;
        "Communication-Duration-Time" 3116 Unsigned32;
        "Periodic-Time" 3117 Unsigned32;
        "Scheduled-Communication-Time" 3118 Grouped;
        "Stationary-Indication" 3119 Unsigned32;
        "AESE-Communication-Pattern-Config-Status" 3120 Grouped;
        "AESE-Error-Report" 3121 Grouped;
        "Monitoring-Event-Configuration" 3122 Grouped;
        "Monitoring-Event-Report" 3123 Grouped;
        "SCEF-Reference-ID" 3124 Unsigned32;
        "SCEF-ID" 3125 DiameterIdentity;
        "SCEF-Reference-ID-for-Deletion" 3126 Unsigned32;
        "Monitoring-Type" 3127 Unsigned32;
        "Maximum-Number-of-Reports" 3128 Unsigned32;
        "UE-Reachability-Configuration" 3129 Grouped;
        "Monitoring-Duration" 3130 Time;
        "Maximum-Detection-Time" 3131 Unsigned32;
        "Reachability-Type" 3132 Unsigned32;
        "Maximum-Latency" 3133 Unsigned32;
        "Maximum-Response-Time" 3134 Unsigned32;
        "Location-Information-Configuration" 3135 Grouped;
        "MONTE-Location-Type" 3136 Unsigned32;
        "Accuracy" 3137 Unsigned32;
        "Association-Type" 3138 Unsigned32;
        "Roaming-Information" 3139 Unsigned32;
        "Reachability-Information" 3140 Unsigned32;
        "IMEI-Change" 3141 Unsigned32;
        "Monitoring-Event-Config-Status" 3142 Grouped;
        "Supported-Services" 3143 Grouped;
        "Supported-Monitoring-Events" 3144 Unsigned64;
        "CIR-Flags" 3145 Unsigned32;
    }

    vendor 10415, "TS 29.338 (S6c, SGd)", must {
        "SC-Address" 3300 OctetString;
        "SM-RP-UI" 3301 OctetString;
        "TFR-Flags" 3302 Unsigned32;
        "SM-Delivery-Failure-Cause" 3303 Grouped;
        "SM-Enumerated-Delivery-Failure-Cause" 3304 Enumerated;
        "SM-Diagnostic-Info" 3305 OctetString;
        "SM-Delivery-Timer" 3306 Unsigned32;
        "SM-Delivery-Start-Time" 3307 Time;
        "SM-RP-MTI" 3308 Enumerated values { "SM_DELIVER" = 0, "SM_STATUS_REPORT" = 1 };
        "SM-RP-SMEA" 3309 OctetString;
        "SRR-Flags" 3310 Unsigned32;
        "SM-Delivery-Not-Intended" 3311 Enumerated;
        "MWD-Status" 3312 Unsigned32;
        "MME-Absent-User-Diagnostic-SM" 3313 Unsigned32;
        "MSC-Absent-User-Diagnostic-SM" 3314 Unsigned32;
        "SGSN-Absent-User-Diagnostic-SM" 3315 Unsigned32;
        "SM-Delivery-Outcome" 3316 Grouped;
        "MME-SM-Delivery-Outcome" 3317 Grouped;
        "MSC-SM-Delivery-Outcome" 3318 Grouped;
        "SGSN-SM-Delivery-Outcome" 3319 Grouped;
        "IP-SM-GW-SM-Delivery-Outcome" 3320 Grouped;
        "SM-Delivery-Cause" 3321 Enumerated;
        "Absent-User-Diagnostic-SM" 3322 Unsigned32;
        "RDR-Flags" 3323 Unsigned32;
        "SMSMI-Correlation-ID" 3324 Grouped;
        "HSS-ID" 3325 OctetString;
        "Originating-SIP-URI" 3326 UTF8String;
        "Destination-SIP-URI" 3327 UTF8String;
        "OFR-Flags" 3328 Unsigned32;
        "Maximum-UE-Availability-Time" 3329 Time;
        "Maximum-Retransmission-Time" 3330 Time;
        "Requested-Retransmission-Time" 3331 Time;
        "SMS-GMSC-Address" 3332 OctetString;
        "SMS-GMSC-Alert-Event" 3333 Unsigned32;
    }

    vendor 13019, "ETSI TS 183 017, TS 183 059-1, TS 183 066", may {
        "Globally-Unique-Address" 300 Grouped;
        "Address-Realm" 301 OctetString;
        "Logical-Access-Id" 302 OctetString;
        "Initial-Gate-Setting" 303 Grouped;
        "QoS-Profile" 304 Grouped;
        "IP-Connectivity-Status" 305 Enumerated;
        "Access-Network-Type" 306 Grouped;
        "Aggregation-Network-Type" 307 Enumerated;
        "Maximum-Allowed-Bandwidth-UL" 308 Unsigned32;
        "Maximum-Allowed-Bandwidth-DL" 309 Unsigned32;
        "Transport-Class" 311 Unsigned32;
        "Application-Class-ID" 312 UTF8String;
        "Physical-Access-ID" 313 UTF8String;
        "Location-Information" 350 Grouped;
        "RACS-Contact-Point" 351 DiameterIdentity;
        "Terminal-Type" 352 OctetString;
        "Requested-Information" 353 Enumerated;
        "Binding-Information" 450 Grouped;
        "Binding-Input-List" 451 Grouped;
        "Binding-Output-List" 452 Grouped;
        "V6-Transport-Address" 453 Grouped;
        "V4-Transport-Address" 454 Grouped;
        "Port-Number" 455 Unsigned32;
        "Reservation-Class" 456 Unsigned32;
        "Latching-Indication" 457 Enumerated values { "LATCH" = 0, "RELATCH" = 1 };
        "Reservation-Priority" 458 Enumerated values { "DEFAULT" = 0, "PRIORITY-ONE" = 1 };
        "Service-Class" 459 UTF8String;
        // The names of these three are in doubt.
        "Overbooking-Indicator" 460 Enumerated;
        "Authorization-Package-Id" 461 UTF8String;
        "Media-Authorization-Context-Id" 462 UTF8String;
        "SIP-Authenticate" 501 Grouped;
        "SIP-Authorization" 502 Grouped;
        "SIP-Authentication-Info" 503 Grouped;
        "Digest-Realm" 504 UTF8String;
        "Digest-Nonce" 505 UTF8String;
        "Digest-Domain" 506 UTF8String;
        "Digest-Opaque" 507 UTF8String;
        "Digest-Stale" 508 UTF8String;
        "Digest-Algorithm" 509 UTF8String;
        "Digest-QoP" 510 UTF8String;
        "Digest-HA1" 511 UTF8String;
        "Digest-Auth-Param" 512 UTF8String;
        "Digest-Username" 513 UTF8String;
        "Digest-URI" 514 UTF8String;
        "Digest-Response" 515 UTF8String;
        "Digest-CNonce" 516 UTF8String;
        "Digest-Nonce-Count" 517 UTF8String;
        "Digest-Method" 518 UTF8String;
        "Digest-Entity-Body-Hash" 519 UTF8String;
        "Digest-Nextnonce" 520 UTF8String;
        "Digest-Response-Auth" 521 UTF8String;
    }
}
