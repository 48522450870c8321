//! AVPs of 3GPP around IMS: Gi, GBA, Rx, Cx, Sh.

use crate::avp::dictionary::declare::rows;

rows! {
    vendor 10415, "TS 29.061 16.4.7", may {
        "3GPP-IMSI" 1 UTF8String;
        // A number in TS 29.061, octets where TS 32.299 takes it over; four octets either way.
        "3GPP-Charging-Id" 2 OctetString;
        "3GPP-PDP-Type" 3 Enumerated values {
            "IPv4" = 0, "PPP" = 1, "IPv6" = 2, "IPv4v6" = 3, "Non-IP" = 4, "Unstructured" = 5, "Ethernet" = 6
        };
        "3GPP-CG-Address" 4 OctetString;
        "3GPP-GPRS-Negotiated-QoS-Profile" 5 UTF8String;
        "3GPP-SGSN-Address" 6 OctetString;
        "3GPP-GGSN-Address" 7 OctetString;
        "3GPP-IMSI-MCC-MNC" 8 UTF8String;
        "3GPP-GGSN-MCC-MNC" 9 UTF8String;
        // One octet or one digit: both are met.
        "3GPP-NSAPI" 10 OctetString;
        "3GPP-Session-Stop-Indicator" 11 OctetString;
        "3GPP-Selection-Mode" 12 UTF8String;
        "3GPP-CG-IPv6-Address" 14 OctetString;
        "3GPP-SGSN-IPv6-Address" 15 OctetString;
        "3GPP-GGSN-IPv6-Address" 16 OctetString;
        "3GPP-IPv6-DNS-Servers" 17 OctetString;
        "3GPP-SGSN-MCC-MNC" 18 UTF8String;
        "3GPP-Teardown-Indicator" 19 OctetString;
        "3GPP-IMEISV" 20 OctetString;
        "3GPP-RAT-Type" 21 OctetString;
        "3GPP-MS-TimeZone" 23 OctetString;
        "3GPP-CAMEL-Charging-Info" 24 OctetString;
        "3GPP-Packet-Filter" 25 OctetString;
        "3GPP-Negotiated-DSCP" 26 OctetString;
        "3GPP-Allocate-IP-Type" 27 OctetString;
        "TWAN-Identifier" 29 OctetString;
        "TMGI" 900 OctetString;
        "Required-MBMS-Bearer-Capabilities" 901 UTF8String;
        "MBMS-StartStop-Indication" 902 Enumerated values { "START" = 0, "STOP" = 1, "UPDATE" = 2 };
        "MBMS-Service-Area" 903 OctetString;
        "MBMS-Session-Duration" 904 OctetString;
        "Alternative-APN" 905 UTF8String;
        "MBMS-Service-Type" 906 Enumerated values { "MULTICAST" = 0, "BROADCAST" = 1 };
        "MBMS-2G-3G-Indicator" 907 Enumerated;
        "MBMS-Session-Identity" 908 OctetString;
        "RAI" 909 UTF8String;
        "Additional-MBMS-Trace-Info" 910 OctetString;
        "MBMS-Time-To-Data-Transfer" 911 OctetString;
        "MBMS-Session-Repetition-Number" 912 OctetString;
        "MBMS-Required-QoS" 913 UTF8String;
        "MBMS-Counting-Information" 914 Enumerated;
        "MBMS-User-Data-Mode-Indication" 915 Enumerated;
        "MBMS-GGSN-Address" 916 OctetString;
        "MBMS-GGSN-IPv6-Address" 917 OctetString;
        "MBMS-BMSC-SSM-IP-Address" 918 OctetString;
        "MBMS-BMSC-SSM-IPv6-Address" 919 OctetString;
    }

    vendor 10415, "TS 29.109 (GBA)", must {
        "GBA-UserSecSettings" 400 OctetString;
        "Transaction-Identifier" 401 OctetString;
        "NAF-Id" 402 OctetString;
        "GAA-Service-Identifier" 403 OctetString;
        "Key-ExpiryTime" 404 Time;
        "ME-Key-Material" 405 OctetString;
        "UICC-Key-Material" 406 OctetString;
        "GBA_U-Awareness-Indicator" 407 Enumerated values { "NO" = 0, "YES" = 1 };
        "BootstrapInfoCreationTime" 408 Time;
        "GUSS-Timestamp" 409 Time;
        "GBA-Type" 410 Enumerated;
        "UE-Id" 411 OctetString;
        "UE-Id-Type" 412 Enumerated;
        "UICC-App-Label" 413 OctetString;
        "UICC-ME" 414 Enumerated;
        "Requested-Key-Lifetime" 415 Time;
        "Private-Identity-Request" 416 Enumerated;
        "GBA-Push-Info" 417 OctetString;
        "NAF-SA-Identifier" 418 OctetString;
        "Security-Feature-Request" 419 OctetString;
        "Security-Feature-Response" 420 OctetString;
    }

    vendor 10415, "TS 29.214 (Rx)", must {
        "Abort-Cause" 500 Enumerated values {
            "BEARER_RELEASED" = 0, "INSUFFICIENT_SERVER_RESOURCES" = 1, "INSUFFICIENT_BEARER_RESOURCES" = 2,
            "PS_TO_CS_HANDOVER" = 3, "SPONSORED_DATA_CONNECTIVITY_DISALLOWED" = 4
        };
        "Access-Network-Charging-Address" 501 Address;
        "Access-Network-Charging-Identifier" 502 Grouped;
        "Access-Network-Charging-Identifier-Value" 503 OctetString;
        "AF-Application-Identifier" 504 OctetString;
        "AF-Charging-Identifier" 505 OctetString;
        "Authorization-Token" 506 OctetString;
        "Flow-Description" 507 IPFilterRule;
        "Flow-Grouping" 508 Grouped;
        "Flow-Number" 509 Unsigned32;
        "Flows" 510 Grouped;
        "Flow-Status" 511 Enumerated values {
            "ENABLED-UPLINK" = 0, "ENABLED-DOWNLINK" = 1, "ENABLED" = 2, "DISABLED" = 3, "REMOVED" = 4
        };
        "Flow-Usage" 512 Enumerated values { "NO_INFORMATION" = 0, "RTCP" = 1, "AF_SIGNALLING" = 2 };
        "Specific-Action" 513 Enumerated values {
            "SERVICE_INFORMATION_REQUEST" = 0, "CHARGING_CORRELATION_EXCHANGE" = 1,
            "INDICATION_OF_LOSS_OF_BEARER" = 2, "INDICATION_OF_RECOVERY_OF_BEARER" = 3,
            "INDICATION_OF_RELEASE_OF_BEARER" = 4, "INDICATION_OF_ESTABLISHMENT_OF_BEARER" = 5, "IP-CAN_CHANGE" = 6,
            "INDICATION_OF_OUT_OF_CREDIT" = 7, "INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION" = 8,
            "INDICATION_OF_FAILED_RESOURCES_ALLOCATION" = 9, "INDICATION_OF_LIMITED_PCC_DEPLOYMENT" = 10,
            "USAGE_REPORT" = 11, "ACCESS_NETWORK_INFO_REPORT" = 12,
            "INDICATION_OF_RECOVERY_FROM_LIMITED_PCC_DEPLOYMENT" = 13,
            "INDICATION_OF_ACCESS_NETWORK_INFO_REPORTING_FAILURE" = 14, "INDICATION_OF_TRANSFER_POLICY_EXPIRED" = 15,
            "PLMN_CHANGE" = 16
        };
        "Media-Component-Description" 517 Grouped;
        "Media-Component-Number" 518 Unsigned32;
        "Media-Sub-Component" 519 Grouped;
        "Media-Type" 520 Enumerated values {
            "AUDIO" = 0, "VIDEO" = 1, "DATA" = 2, "APPLICATION" = 3, "CONTROL" = 4, "TEXT" = 5, "MESSAGE" = 6,
            "OTHER" = -1
        };
        "RR-Bandwidth" 521 Unsigned32;
        "RS-Bandwidth" 522 Unsigned32;
        "SIP-Forking-Indication" 523 Enumerated values { "SINGLE_DIALOGUE" = 0, "SEVERAL_DIALOGUES" = 1 };
        "Codec-Data" 524 OctetString;
        "Service-URN" 525 OctetString;
        "Acceptable-Service-Info" 526 Grouped;
        "Service-Info-Status" 527 Enumerated values {
            "FINAL_SERVICE_INFORMATION" = 0, "PRELIMINARY_SERVICE_INFORMATION" = 1
        };
    }

    vendor 10415, "TS 29.214 (Rx)", mustnot {
        "MPS-Identifier" 528 OctetString;
        "AF-Signalling-Protocol" 529 Enumerated values { "NO_INFORMATION" = 0, "SIP" = 1 };
        "Sponsored-Connectivity-Data" 530 Grouped;
        "Sponsor-Identity" 531 UTF8String;
        "Application-Service-Provider-Identity" 532 UTF8String;
        "Rx-Request-Type" 533 Enumerated values {
            "INITIAL_REQUEST" = 0, "UPDATE_REQUEST" = 1, "PCSCF_RESTORATION" = 2
        };
        "Min-Requested-Bandwidth-DL" 534 Unsigned32;
        "Min-Requested-Bandwidth-UL" 535 Unsigned32;
        "Required-Access-Info" 536 Enumerated values { "USER_LOCATION" = 0, "MS_TIME_ZONE" = 1 };
        "IP-Domain-Id" 537 OctetString;
        "GCS-Identifier" 538 OctetString;
        "Sharing-Key-DL" 539 Unsigned32;
        "Sharing-Key-UL" 540 Unsigned32;
        "Retry-Interval" 541 Unsigned32;
        "Sponsoring-Action" 542 Enumerated;
        "Max-Supported-Bandwidth-DL" 543 Unsigned32;
        "Max-Supported-Bandwidth-UL" 544 Unsigned32;
        "Min-Desired-Bandwidth-DL" 545 Unsigned32;
        "Min-Desired-Bandwidth-UL" 546 Unsigned32;
        "MCPTT-Identifier" 547 OctetString;
        "Service-Authorization-Info" 548 Unsigned32;
        "Media-Component-Status" 549 Unsigned32;
        "Priority-Sharing-Indicator" 550 Enumerated;
        "AF-Requested-Data" 551 Unsigned32;
        "Content-Version" 552 Unsigned64;
        "Pre-emption-Control-Info" 553 Unsigned32;
        "Extended-Max-Requested-BW-DL" 554 Unsigned32;
        "Extended-Max-Requested-BW-UL" 555 Unsigned32;
        "Extended-Max-Supported-BW-DL" 556 Unsigned32;
        "Extended-Max-Supported-BW-UL" 557 Unsigned32;
        "Extended-Min-Desired-BW-DL" 558 Unsigned32;
        "Extended-Min-Desired-BW-UL" 559 Unsigned32;
        "Extended-Min-Requested-BW-DL" 560 Unsigned32;
        "Extended-Min-Requested-BW-UL" 561 Unsigned32;
        "MCVideo-Identifier" 562 OctetString;
        "IMS-Content-Identifier" 563 OctetString;
        "IMS-Content-Type" 564 Enumerated;
        "Callee-Information" 565 Grouped;
        "FLUS-Identifier" 566 OctetString;
        "Desired-Max-Latency" 567 Float32;
        "Desired-Max-Loss" 568 Float32;
    }

    vendor 10415, "TS 29.229 (Cx)", must {
        "Server-Name" 602 UTF8String;
        "Server-Capabilities" 603 Grouped;
        "Mandatory-Capability" 604 Unsigned32;
        "Optional-Capability" 605 Unsigned32;
        "User-Data" 606 OctetString;
        "SIP-Number-Auth-Items" 607 Unsigned32;
        "SIP-Authentication-Scheme" 608 UTF8String;
        "SIP-Authenticate" 609 OctetString;
        "SIP-Authorization" 610 OctetString;
        "SIP-Authentication-Context" 611 OctetString;
        "SIP-Auth-Data-Item" 612 Grouped;
        "SIP-Item-Number" 613 Unsigned32;
        "Server-Assignment-Type" 614 Enumerated values {
            "NO_ASSIGNMENT" = 0, "REGISTRATION" = 1, "RE_REGISTRATION" = 2, "UNREGISTERED_USER" = 3,
            "TIMEOUT_DEREGISTRATION" = 4, "USER_DEREGISTRATION" = 5, "TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME" = 6,
            "USER_DEREGISTRATION_STORE_SERVER_NAME" = 7, "ADMINISTRATIVE_DEREGISTRATION" = 8,
            "AUTHENTICATION_FAILURE" = 9, "AUTHENTICATION_TIMEOUT" = 10, "DEREGISTRATION_TOO_MUCH_DATA" = 11,
            "AAA_USER_DATA_REQUEST" = 12, "PGW_UPDATE" = 13, "RESTORATION" = 14
        };
        "Deregistration-Reason" 615 Grouped;
        "Reason-Code" 616 Enumerated values {
            "PERMANENT_TERMINATION" = 0, "NEW_SERVER_ASSIGNED" = 1, "SERVER_CHANGE" = 2, "REMOVE_S-CSCF" = 3
        };
        "Reason-Info" 617 UTF8String;
        "Charging-Information" 618 Grouped;
        "Primary-Event-Charging-Function-Name" 619 DiameterURI;
        "Secondary-Event-Charging-Function-Name" 620 DiameterURI;
        "Primary-Charging-Collection-Function-Name" 621 DiameterURI;
        "Secondary-Charging-Collection-Function-Name" 622 DiameterURI;
        "User-Authorization-Type" 623 Enumerated values {
            "REGISTRATION" = 0, "DE_REGISTRATION" = 1, "REGISTRATION_AND_CAPABILITIES" = 2
        };
        "User-Data-Already-Available" 624 Enumerated values {
            "USER_DATA_NOT_AVAILABLE" = 0, "USER_DATA_ALREADY_AVAILABLE" = 1
        };
        "User-Data-Request-Type" 627 Enumerated;
    }

    vendor 10415, "TS 29.229 (Cx)", mustnot {
        "Supported-Applications" 631 Grouped;
        "Associated-Identities" 632 Grouped;
        "Originating-Request" 633 Enumerated values { "ORIGINATING" = 0 };
        "Wildcarded-Public-Identity" 634 UTF8String;
        "SIP-Digest-Authenticate" 635 Grouped;
        "Wildcarded-IMPU" 636 UTF8String;
        "UAR-Flags" 637 Unsigned32;
        "Loose-Route-Indication" 638 Enumerated values {
            "LOOSE_ROUTE_NOT_REQUIRED" = 0, "LOOSE_ROUTE_REQUIRED" = 1
        };
        "SCSCF-Restoration-Info" 639 Grouped;
        "Path" 640 OctetString;
        "Contact" 641 OctetString;
        "Subscription-Info" 642 Grouped;
        "Call-ID-SIP-Header" 643 OctetString;
        "From-SIP-Header" 644 OctetString;
        "To-SIP-Header" 645 OctetString;
        "Record-Route" 646 OctetString;
        "Associated-Registered-Groups" 647 Grouped;
        "Multiple-Registration-Indication" 648 Enumerated values {
            "NOT_MULTIPLE_REGISTRATION" = 0, "MULTIPLE_REGISTRATION" = 1
        };
        "Restoration-Info" 649 Grouped;
        "Session-Priority" 650 Enumerated;
        "Identity-with-Emergency-Registration" 651 Grouped;
        "Priviledged-Sender-Indication" 652 Enumerated values {
            "NOT_PRIVILEDGED_SENDER" = 0, "PRIVILEDGED_SENDER" = 1
        };
        "LIA-Flags" 653 Unsigned32;
        "Initial-CSeq-Sequence-Number" 654 Unsigned32;
        "SAR-Flags" 655 Unsigned32;
        "Allowed-WAF-WWSF-Identities" 656 Grouped;
        "WebRTC-Authentication-Function-Name" 657 UTF8String;
        "WebRTC-Web-Server-Function-Name" 658 UTF8String;
    }

    vendor 10415, "TS 29.329 (Sh)", must {
        "User-Data" 702 OctetString;
        "Data-Reference" 703 Enumerated values {
            "RepositoryData" = 0, "IMSPublicIdentity" = 10, "IMSUserState" = 11, "S-CSCFName" = 12,
            "InitialFilterCriteria" = 13, "LocationInformation" = 14, "UserState" = 15, "ChargingInformation" = 16,
            "MSISDN" = 17, "PSIActivation" = 18, "DSAI" = 19, "ServiceLevelTraceInfo" = 21,
            "IPAddressSecureBindingInformation" = 22, "ServicePriorityLevel" = 23, "SMSRegistrationInfo" = 24,
            "UEReachabilityForIP" = 25, "TADSinformation" = 26, "STN-SR" = 27, "UE-SRVCC-Capability" = 28,
            "ExtendedPriority" = 29, "CSRN" = 30, "ReferenceLocationInformation" = 31, "IMSI" = 32,
            "IMSPrivateUserIdentity" = 33
        };
        "Service-Indication" 704 OctetString;
        "Subs-Req-Type" 705 Enumerated values { "Subscribe" = 0, "Unsubscribe" = 1 };
        "Requested-Domain" 706 Enumerated values { "CS-Domain" = 0, "PS-Domain" = 1 };
        "Current-Location" 707 Enumerated values {
            "DoNotNeedInitiateActiveLocationRetrieval" = 0, "InitiateActiveLocationRetrieval" = 1
        };
        "Identity-Set" 708 Enumerated values {
            "ALL_IDENTITIES" = 0, "REGISTERED_IDENTITIES" = 1, "IMPLICIT_IDENTITIES" = 2, "ALIAS_IDENTITIES" = 3
        };
    }

    vendor 10415, "TS 29.329 (Sh)", mustnot {
        "Expiry-Time" 709 Time;
        "Send-Data-Indication" 710 Enumerated values { "USER_DATA_NOT_REQUESTED" = 0, "USER_DATA_REQUESTED" = 1 };
        "DSAI-Tag" 711 OctetString;
        "One-Time-Notification" 712 Enumerated values { "ONE_TIME_NOTIFICATION_REQUESTED" = 0 };
        "Requested-Nodes" 713 Unsigned32;
        "Serving-Node-Indication" 714 Enumerated;
        "Repository-Data-ID" 715 Grouped;
        "Sequence-Number" 716 Unsigned32;
        "Pre-paging-Supported" 717 Enumerated;
        "Local-Time-Zone-Indication" 718 Enumerated;
        "UDR-Flags" 719 Unsigned32;
        "Call-Reference-Info" 720 Grouped;
        "Call-Reference-Number" 721 OctetString;
        "AS-Number" 722 OctetString;
    }
}
