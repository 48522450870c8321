//! AVPs of reference points that are not typed here, so that any trace reads with names: accounting and credit control,
//! policy (Gx, Rx), IMS (Cx, Sh), non-3GPP access (SWx, SWm, S6b), location, short messages, and the rest of S6a.
//!
//! These rows are for reading alone: no struct, no grammar of groups, and the M rule of a block where its specification
//! has one rule for nearly all. Where a format is in doubt it is OctetString, which shows any data.

use super::declare::rows;

rows! {
    vendor 0, "RFC 7155 (RADIUS attributes)", must {
        "User-Password" 2 OctetString;
        "NAS-IP-Address" 4 OctetString;
        "NAS-Port" 5 Unsigned32;
        "Service-Type" 6 Enumerated values {
            "Login" = 1, "Framed" = 2, "Callback Login" = 3, "Callback Framed" = 4, "Outbound" = 5,
            "Administrative" = 6, "NAS Prompt" = 7, "Authenticate Only" = 8, "Callback NAS Prompt" = 9,
            "Call Check" = 10, "Callback Administrative" = 11, "Authorize Only" = 17
        };
        "Framed-Protocol" 7 Enumerated values {
            "PPP" = 1, "SLIP" = 2, "ARAP" = 3, "Gandalf" = 4, "Xylogics" = 5, "X.75" = 6, "GPRS PDP Context" = 7
        };
        "Framed-IP-Address" 8 OctetString;
        "Framed-IP-Netmask" 9 OctetString;
        "Framed-Routing" 10 Enumerated;
        "Filter-Id" 11 UTF8String;
        "Framed-MTU" 12 Unsigned32;
        "Framed-Compression" 13 Enumerated;
        "Login-IP-Host" 14 OctetString;
        "Login-Service" 15 Enumerated;
        "Login-TCP-Port" 16 Unsigned32;
        "Reply-Message" 18 UTF8String;
        "Callback-Number" 19 UTF8String;
        "Callback-Id" 20 UTF8String;
        "Framed-Route" 22 UTF8String;
        // A number in one edition, text in another.
        "Framed-IPX-Network" 23 OctetString;
        "State" 24 OctetString;
        "Idle-Timeout" 28 Unsigned32;
        "Called-Station-Id" 30 UTF8String;
        "Calling-Station-Id" 31 UTF8String;
        "NAS-Identifier" 32 UTF8String;
        "Login-LAT-Service" 34 OctetString;
        "Login-LAT-Node" 35 OctetString;
        "Login-LAT-Group" 36 OctetString;
        "Framed-Appletalk-Link" 37 Unsigned32;
        "Framed-Appletalk-Network" 38 Unsigned32;
        "Framed-Appletalk-Zone" 39 OctetString;
        "Acct-Delay-Time" 41 Unsigned32;
        "Acct-Authentic" 45 Enumerated values { "RADIUS" = 1, "Local" = 2, "Remote" = 3, "Diameter" = 4 };
        "Acct-Session-Time" 46 Unsigned32;
        "Acct-Link-Count" 51 Unsigned32;
        "CHAP-Challenge" 60 OctetString;
        "NAS-Port-Type" 61 Enumerated values {
            "Async" = 0, "Sync" = 1, "ISDN Sync" = 2, "ISDN Async V.120" = 3, "ISDN Async V.110" = 4, "Virtual" = 5,
            "PIAFS" = 6, "HDLC Clear Channel" = 7, "X.25" = 8, "X.75" = 9, "G.3 Fax" = 10, "SDSL" = 11, "ADSL-CAP" = 12,
            "ADSL-DMT" = 13, "IDSL" = 14, "Ethernet" = 15, "xDSL" = 16, "Cable" = 17, "Wireless - Other" = 18,
            "Wireless - IEEE 802.11" = 19
        };
        "Port-Limit" 62 Unsigned32;
        "Login-LAT-Port" 63 OctetString;
        "Tunnel-Type" 64 Enumerated;
        "Tunnel-Medium-Type" 65 Enumerated;
        "Tunnel-Client-Endpoint" 66 UTF8String;
        "Tunnel-Server-Endpoint" 67 UTF8String;
        "Acct-Tunnel-Connection" 68 OctetString;
        "Tunnel-Password" 69 OctetString;
        "ARAP-Password" 70 OctetString;
        "ARAP-Features" 71 OctetString;
        "ARAP-Zone-Access" 72 Enumerated;
        "ARAP-Security" 73 Unsigned32;
        "ARAP-Security-Data" 74 OctetString;
        "Password-Retry" 75 Unsigned32;
        "Prompt" 76 Enumerated;
        "Connect-Info" 77 UTF8String;
        "Configuration-Token" 78 OctetString;
        "Tunnel-Private-Group-Id" 81 OctetString;
        "Tunnel-Assignment-Id" 82 OctetString;
        "Tunnel-Preference" 83 Unsigned32;
        "ARAP-Challenge-Response" 84 OctetString;
        "Acct-Tunnel-Packets-Lost" 86 Unsigned32;
        "NAS-Port-Id" 87 UTF8String;
        "Framed-Pool" 88 OctetString;
        "Tunnel-Client-Auth-Id" 90 UTF8String;
        "Tunnel-Server-Auth-Id" 91 UTF8String;
        "Originating-Line-Info" 94 OctetString;
        "NAS-IPv6-Address" 95 OctetString;
        "Framed-Interface-Id" 96 Unsigned64;
        "Framed-IPv6-Prefix" 97 OctetString;
        "Login-IPv6-Host" 98 OctetString;
        "Framed-IPv6-Route" 99 UTF8String;
        "Framed-IPv6-Pool" 100 OctetString;
        "EAP-Key-Name" 102 OctetString;
        "Delegated-IPv6-Prefix" 123 OctetString;
        "Accounting-Input-Packets" 365 Unsigned64;
        "Accounting-Output-Packets" 366 Unsigned64;
        "NAS-Filter-Rule" 400 IPFilterRule;
        "Tunneling" 401 Grouped;
        "CHAP-Auth" 402 Grouped;
        "CHAP-Algorithm" 403 Enumerated values { "CHAP with MD5" = 5 };
        "CHAP-Ident" 404 OctetString;
        "CHAP-Response" 405 OctetString;
        "Accounting-Auth-Method" 406 Enumerated values {
            "PAP" = 1, "CHAP" = 2, "MS-CHAP-1" = 3, "MS-CHAP-2" = 4, "EAP" = 5, "None" = 7
        };
        "QoS-Filter-Rule" 407 QoSFilterRule;
        "Origin-AAA-Protocol" 408 Enumerated values { "RADIUS" = 1 };
    }

    vendor 0, "RFC 5090 and RFC 4740 (SIP)", must {
        "Digest-Response" 103 UTF8String;
        "Digest-Realm" 104 UTF8String;
        "Digest-Nonce" 105 UTF8String;
        "Digest-Response-Auth" 106 UTF8String;
        "Digest-Nextnonce" 107 UTF8String;
        "Digest-Method" 108 UTF8String;
        "Digest-URI" 109 UTF8String;
        "Digest-Qop" 110 UTF8String;
        "Digest-Algorithm" 111 UTF8String;
        "Digest-Entity-Body-Hash" 112 UTF8String;
        "Digest-CNonce" 113 UTF8String;
        "Digest-Nonce-Count" 114 UTF8String;
        "Digest-Username" 115 UTF8String;
        "Digest-Opaque" 116 UTF8String;
        "Digest-Auth-Param" 117 UTF8String;
        "Digest-AKA-Auts" 118 UTF8String;
        "Digest-Domain" 119 UTF8String;
        "Digest-Stale" 120 UTF8String;
        "Digest-HA1" 121 UTF8String;
        "SIP-AOR" 122 UTF8String;
        "SIP-Accounting-Information" 368 Grouped;
        "SIP-Accounting-Server-URI" 369 DiameterURI;
        "SIP-Credit-Control-Server-URI" 370 DiameterURI;
        "SIP-Server-URI" 371 UTF8String;
        "SIP-Server-Capabilities" 372 Grouped;
        "SIP-Mandatory-Capability" 373 Unsigned32;
        "SIP-Optional-Capability" 374 Unsigned32;
        "SIP-Server-Assignment-Type" 375 Enumerated;
        "SIP-Auth-Data-Item" 376 Grouped;
        "SIP-Authentication-Scheme" 377 Enumerated;
        "SIP-Item-Number" 378 Unsigned32;
        "SIP-Authenticate" 379 Grouped;
        "SIP-Authorization" 380 Grouped;
        "SIP-Authentication-Info" 381 Grouped;
        "SIP-Number-Auth-Items" 382 Unsigned32;
        "SIP-Deregistration-Reason" 383 Grouped;
        "SIP-Reason-Code" 384 Enumerated;
        "SIP-Reason-Info" 385 UTF8String;
        "SIP-Visited-Network-Id" 386 UTF8String;
        "SIP-User-Authorization-Type" 387 Enumerated;
        "SIP-Supported-User-Data-Type" 388 UTF8String;
        "SIP-User-Data" 389 Grouped;
        "SIP-User-Data-Type" 390 UTF8String;
        "SIP-User-Data-Contents" 391 OctetString;
        "SIP-User-Data-Already-Available" 392 Enumerated;
        "SIP-Method" 393 UTF8String;
    }

    vendor 0, "RFC 4004, 5447, 5778, 5779 (Mobile IP)", must {
        "MIP6-Feature-Vector" 124 Unsigned64;
        "MIP6-Home-Link-Prefix" 125 OctetString;
        "MIP-FA-to-HA-SPI" 318 Unsigned32;
        "MIP-FA-to-MN-SPI" 319 Unsigned32;
        "MIP-Reg-Request" 320 OctetString;
        "MIP-Reg-Reply" 321 OctetString;
        "MIP-MN-AAA-Auth" 322 Grouped;
        "MIP-HA-to-FA-SPI" 323 Unsigned32;
        "MIP-MN-to-FA-MSA" 325 Grouped;
        "MIP-FA-to-MN-MSA" 326 Grouped;
        "MIP-FA-to-HA-MSA" 328 Grouped;
        "MIP-HA-to-FA-MSA" 329 Grouped;
        "MIP-MN-to-HA-MSA" 331 Grouped;
        "MIP-HA-to-MN-MSA" 332 Grouped;
        "MIP-Mobile-Node-Address" 333 Address;
        "MIP-Nonce" 335 OctetString;
        "MIP-Candidate-Home-Agent-Host" 336 DiameterIdentity;
        "MIP-Feature-Vector" 337 Unsigned32;
        "MIP-Auth-Input-Data-Length" 338 Unsigned32;
        "MIP-Authenticator-Length" 339 Unsigned32;
        "MIP-Authenticator-Offset" 340 Unsigned32;
        "MIP-MN-AAA-SPI" 341 Unsigned32;
        "MIP-Filter-Rule" 342 IPFilterRule;
        "MIP-Session-Key" 343 OctetString;
        "MIP-FA-Challenge" 344 OctetString;
        "MIP-Algorithm-Type" 345 Enumerated;
        "MIP-Replay-Mode" 346 Enumerated;
        "MIP-Originating-Foreign-AAA" 347 Grouped;
        "MIP-MSA-Lifetime" 367 Unsigned32;
        "MIP-Careof-Address" 487 Address;
        "MIP-Authenticator" 488 OctetString;
        "MIP-MAC-Mobility-Data" 489 OctetString;
        "MIP-Timestamp" 490 OctetString;
        "MIP-MN-HA-SPI" 491 Unsigned32;
        "MIP-MN-HA-MSA" 492 Grouped;
        "MIP6-Auth-Mode" 494 Enumerated;
        "PMIP6-DHCP-Server-Address" 504 Address;
        "PMIP6-IPv4-Home-Address" 505 Address;
        "Mobile-Node-Identifier" 506 UTF8String;
        "Service-Configuration" 507 Grouped;
        "QoS-Resources" 508 Grouped;
        "QoS-Capability" 578 Grouped;
    }

    vendor 0, "RFC 8506 (credit control)", must {
        "CC-Correlation-Id" 411 OctetString;
        "CC-Input-Octets" 412 Unsigned64;
        "CC-Money" 413 Grouped;
        "CC-Output-Octets" 414 Unsigned64;
        "CC-Request-Number" 415 Unsigned32;
        "CC-Request-Type" 416 Enumerated values {
            "INITIAL_REQUEST" = 1, "UPDATE_REQUEST" = 2, "TERMINATION_REQUEST" = 3, "EVENT_REQUEST" = 4
        };
        "CC-Service-Specific-Units" 417 Unsigned64;
        "CC-Session-Failover" 418 Enumerated values { "FAILOVER_NOT_SUPPORTED" = 0, "FAILOVER_SUPPORTED" = 1 };
        "CC-Sub-Session-Id" 419 Unsigned64;
        "CC-Time" 420 Unsigned32;
        "CC-Total-Octets" 421 Unsigned64;
        "Check-Balance-Result" 422 Enumerated values { "ENOUGH_CREDIT" = 0, "NO_CREDIT" = 1 };
        "Cost-Information" 423 Grouped;
        "Cost-Unit" 424 UTF8String;
        "Currency-Code" 425 Unsigned32;
        "Credit-Control" 426 Enumerated values { "CREDIT_AUTHORIZATION" = 0, "RE_AUTHORIZATION" = 1 };
        "Credit-Control-Failure-Handling" 427 Enumerated values {
            "TERMINATE" = 0, "CONTINUE" = 1, "RETRY_AND_TERMINATE" = 2
        };
        "Direct-Debiting-Failure-Handling" 428 Enumerated values { "TERMINATE_OR_BUFFER" = 0, "CONTINUE" = 1 };
        "Exponent" 429 Integer32;
        "Final-Unit-Indication" 430 Grouped;
        "Granted-Service-Unit" 431 Grouped;
        "Rating-Group" 432 Unsigned32;
        "Redirect-Address-Type" 433 Enumerated values {
            "IPv4 Address" = 0, "IPv6 Address" = 1, "URL" = 2, "SIP URI" = 3
        };
        "Redirect-Server" 434 Grouped;
        "Redirect-Server-Address" 435 UTF8String;
        "Requested-Action" 436 Enumerated values {
            "DIRECT_DEBITING" = 0, "REFUND_ACCOUNT" = 1, "CHECK_BALANCE" = 2, "PRICE_ENQUIRY" = 3
        };
        "Requested-Service-Unit" 437 Grouped;
        "Restriction-Filter-Rule" 438 IPFilterRule;
        "Service-Identifier" 439 Unsigned32;
        "Service-Parameter-Info" 440 Grouped;
        "Service-Parameter-Type" 441 Unsigned32;
        "Service-Parameter-Value" 442 OctetString;
        "Subscription-Id" 443 Grouped;
        "Subscription-Id-Data" 444 UTF8String;
        "Unit-Value" 445 Grouped;
        "Used-Service-Unit" 446 Grouped;
        "Value-Digits" 447 Integer64;
        "Validity-Time" 448 Unsigned32;
        "Final-Unit-Action" 449 Enumerated values { "TERMINATE" = 0, "REDIRECT" = 1, "RESTRICT_ACCESS" = 2 };
        "Subscription-Id-Type" 450 Enumerated values {
            "END_USER_E164" = 0, "END_USER_IMSI" = 1, "END_USER_SIP_URI" = 2, "END_USER_NAI" = 3,
            "END_USER_PRIVATE" = 4
        };
        "Tariff-Time-Change" 451 Time;
        "Tariff-Change-Usage" 452 Enumerated values {
            "UNIT_BEFORE_TARIFF_CHANGE" = 0, "UNIT_AFTER_TARIFF_CHANGE" = 1, "UNIT_INDETERMINATE" = 2
        };
        "G-S-U-Pool-Identifier" 453 Unsigned32;
        "CC-Unit-Type" 454 Enumerated values {
            "TIME" = 0, "MONEY" = 1, "TOTAL-OCTETS" = 2, "INPUT-OCTETS" = 3, "OUTPUT-OCTETS" = 4,
            "SERVICE-SPECIFIC-UNITS" = 5
        };
        "Multiple-Services-Indicator" 455 Enumerated values {
            "MULTIPLE_SERVICES_NOT_SUPPORTED" = 0, "MULTIPLE_SERVICES_SUPPORTED" = 1
        };
        "Multiple-Services-Credit-Control" 456 Grouped;
        "G-S-U-Pool-Reference" 457 Grouped;
        "User-Equipment-Info" 458 Grouped;
        "User-Equipment-Info-Type" 459 Enumerated values {
            "IMEISV" = 0, "MAC" = 1, "EUI64" = 2, "MODIFIED_EUI64" = 3
        };
        "User-Equipment-Info-Value" 460 OctetString;
        "Service-Context-Id" 461 UTF8String;
    }

    vendor 0, "RFC 4072 (EAP)", must {
        "EAP-Payload" 462 OctetString;
        "EAP-Reissued-Payload" 463 OctetString;
        "Accounting-EAP-Auth-Method" 465 Unsigned64;
    }

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

    vendor 10415, "TS 32.299 (charging)", must {
        "Event-Type" 823 Grouped;
        "SIP-Method" 824 UTF8String;
        "Event" 825 UTF8String;
        "Content-Type" 826 UTF8String;
        "Content-Length" 827 Unsigned32;
        "Content-Disposition" 828 UTF8String;
        "Role-Of-Node" 829 Enumerated values {
            "ORIGINATING_ROLE" = 0, "TERMINATING_ROLE" = 1, "FORWARDING_ROLE" = 2
        };
        "User-Session-Id" 830 UTF8String;
        "Calling-Party-Address" 831 UTF8String;
        "Called-Party-Address" 832 UTF8String;
        "Time-Stamps" 833 Grouped;
        "SIP-Request-Timestamp" 834 Time;
        "SIP-Response-Timestamp" 835 Time;
        "Application-Server" 836 UTF8String;
        "Application-Provided-Called-Party-Address" 837 UTF8String;
        "Inter-Operator-Identifier" 838 Grouped;
        "Originating-IOI" 839 UTF8String;
        "Terminating-IOI" 840 UTF8String;
        "IMS-Charging-Identifier" 841 UTF8String;
        "SDP-Session-Description" 842 UTF8String;
        "SDP-Media-Component" 843 Grouped;
        "SDP-Media-Name" 844 UTF8String;
        "SDP-Media-Description" 845 UTF8String;
        "CG-Address" 846 Address;
        "GGSN-Address" 847 Address;
        "Authorised-QoS" 849 UTF8String;
        "Application-Server-Information" 850 Grouped;
        "Trunk-Group-Id" 851 Grouped;
        "Incoming-Trunk-Group-Id" 852 UTF8String;
        "Outgoing-Trunk-Group-Id" 853 UTF8String;
        "Bearer-Service" 854 OctetString;
        "Service-Id" 855 UTF8String;
        "Associated-URI" 856 UTF8String;
        "Charged-Party" 857 UTF8String;
        "PoC-Controlling-Address" 858 UTF8String;
        "PoC-Group-Name" 859 UTF8String;
        "Cause" 860 Grouped;
        "Cause-Code" 861 Integer32;
        "Node-Functionality" 862 Enumerated values {
            "S-CSCF" = 0, "P-CSCF" = 1, "I-CSCF" = 2, "MRFC" = 3, "MGCF" = 4, "BGCF" = 5, "AS" = 6, "IBCF" = 7,
            "S-GW" = 8, "P-GW" = 9, "HSGW" = 10, "E-CSCF" = 11, "MME" = 12, "TRF" = 13, "TF" = 14, "ATCF" = 15
        };
        "Service-Specific-Data" 863 UTF8String;
        "Originator" 864 Enumerated values { "CALLING_PARTY" = 0, "CALLED_PARTY" = 1 };
        "PS-Furnish-Charging-Information" 865 Grouped;
        "PS-Free-Format-Data" 866 OctetString;
        "PS-Append-Free-Format-Data" 867 Enumerated values { "APPEND" = 0, "OVERWRITE" = 1 };
        "Time-Quota-Threshold" 868 Unsigned32;
        "Volume-Quota-Threshold" 869 Unsigned32;
        "Trigger-Type" 870 Enumerated values {
            "CHANGE_IN_SGSN_IP_ADDRESS" = 1, "CHANGE_IN_QOS" = 2, "CHANGE_IN_LOCATION" = 3, "CHANGE_IN_RAT" = 4,
            "CHANGE_IN_UE_TIMEZONE" = 5
        };
        "Quota-Holding-Time" 871 Unsigned32;
        "Reporting-Reason" 872 Enumerated values {
            "THRESHOLD" = 0, "QHT" = 1, "FINAL" = 2, "QUOTA_EXHAUSTED" = 3, "VALIDITY_TIME" = 4,
            "OTHER_QUOTA_TYPE" = 5, "RATING_CONDITION_CHANGE" = 6, "FORCED_REAUTHORISATION" = 7, "POOL_EXHAUSTED" = 8
        };
        "Service-Information" 873 Grouped;
        "PS-Information" 874 Grouped;
        "WLAN-Information" 875 Grouped;
        "IMS-Information" 876 Grouped;
        "MMS-Information" 877 Grouped;
        "LCS-Information" 878 Grouped;
        "PoC-Information" 879 Grouped;
        "MBMS-Information" 880 Grouped;
        "Quota-Consumption-Time" 881 Unsigned32;
        "Media-Initiator-Flag" 882 Enumerated;
        "PoC-Server-Role" 883 Enumerated;
        "PoC-Session-Type" 884 Enumerated;
        "Number-Of-Participants" 885 Unsigned32;
        "Originator-Address" 886 Grouped;
        "Participants-Involved" 887 UTF8String;
        "Expires" 888 Unsigned32;
        "Message-Body" 889 Grouped;
        "WAG-Address" 890 Address;
        "WAG-PLMN-Id" 891 OctetString;
        "WLAN-Radio-Container" 892 Grouped;
        "WLAN-Technology" 893 Unsigned32;
        "WLAN-UE-Local-IPAddress" 894 Address;
        "PDG-Address" 895 Address;
        "PDG-Charging-Id" 896 Unsigned32;
        "Address-Data" 897 UTF8String;
        "Address-Domain" 898 Grouped;
        "Address-Type" 899 Enumerated values {
            "e-mail address" = 0, "MSISDN" = 1, "IPv4 Address" = 2, "IPv6 Address" = 3, "Numeric Shortcode" = 4,
            "Alphanumeric Shortcode" = 5, "Other" = 6, "IMSI" = 7
        };
        "Domain-Name" 1200 UTF8String;
        "Recipient-Address" 1201 Grouped;
        "Submission-Time" 1202 Time;
        "MM-Content-Type" 1203 Grouped;
        "Type-Number" 1204 Enumerated;
        "Additional-Type-Information" 1205 UTF8String;
        "Content-Size" 1206 Unsigned32;
        "Additional-Content-Information" 1207 Grouped;
        "Addressee-Type" 1208 Enumerated values { "TO" = 0, "CC" = 1, "BCC" = 2 };
        "Priority" 1209 Enumerated values { "Low" = 0, "Normal" = 1, "High" = 2 };
        "Message-ID" 1210 UTF8String;
        "Message-Type" 1211 Enumerated;
        "Message-Size" 1212 Unsigned32;
        "Message-Class" 1213 Grouped;
        "Class-Identifier" 1214 Enumerated;
        "Token-Text" 1215 UTF8String;
        "Delivery-Report-Requested" 1216 Enumerated values { "No" = 0, "Yes" = 1 };
        "Adaptations" 1217 Enumerated;
        "Applic-ID" 1218 UTF8String;
        "Aux-Applic-Info" 1219 UTF8String;
        "Content-Class" 1220 Enumerated;
        "DRM-Content" 1221 Enumerated;
        "Read-Reply-Report-Requested" 1222 Enumerated;
        "Reply-Applic-ID" 1223 UTF8String;
        "File-Repair-Supported" 1224 Enumerated;
        "MBMS-User-Service-Type" 1225 Enumerated;
        "Unit-Quota-Threshold" 1226 Unsigned32;
        "PDP-Address" 1227 Address;
        "SGSN-Address" 1228 Address;
        "PoC-Session-Id" 1229 UTF8String;
        "Deferred-Location-Event-Type" 1230 UTF8String;
        "LCS-APN" 1231 UTF8String;
        "LCS-Client-Id" 1232 Grouped;
        "LCS-Client-Dialed-By-MS" 1233 UTF8String;
        "LCS-Client-External-ID" 1234 UTF8String;
        "LCS-Client-Name" 1235 Grouped;
        "LCS-Data-Coding-Scheme" 1236 UTF8String;
        "LCS-Format-Indicator" 1237 Enumerated;
        "LCS-Name-String" 1238 UTF8String;
        "LCS-Requestor-Id" 1239 Grouped;
        "LCS-Requestor-Id-String" 1240 UTF8String;
        "LCS-Client-Type" 1241 Enumerated;
        "Location-Estimate-Type" 1243 Enumerated;
        "Location-Type" 1244 Grouped;
        "Positioning-Data" 1245 UTF8String;
        "PDP-Context-Type" 1247 Enumerated values { "PRIMARY" = 0, "SECONDARY" = 1 };
        "MMBox-Storage-Requested" 1248 Enumerated;
        "Service-Specific-Info" 1249 Grouped;
        "Called-Asserted-Identity" 1250 UTF8String;
        "Requested-Party-Address" 1251 UTF8String;
        "PoC-User-Role" 1252 Grouped;
        "PoC-User-Role-IDs" 1253 UTF8String;
        "PoC-User-Role-info-Units" 1254 Enumerated;
        "Talk-Burst-Exchange" 1255 Grouped;
        "Service-Generic-Information" 1256 Grouped;
        "Service-Specific-Type" 1257 Unsigned32;
        "Event-Charging-TimeStamp" 1258 Time;
        "Participant-Access-Priority" 1259 Enumerated;
        "Participant-Group" 1260 Grouped;
        "PoC-Change-Condition" 1261 Enumerated;
        "PoC-Change-Time" 1262 Time;
        "Access-Network-Information" 1263 OctetString;
        "Trigger" 1264 Grouped;
        "Base-Time-Interval" 1265 Unsigned32;
        "Envelope" 1266 Grouped;
        "Envelope-End-Time" 1267 Time;
        "Envelope-Reporting" 1268 Enumerated;
        "Envelope-Start-Time" 1269 Time;
        "Time-Quota-Mechanism" 1270 Grouped;
        "Time-Quota-Type" 1271 Enumerated values { "DISCRETE_TIME_PERIOD" = 0, "CONTINUOUS_TIME_PERIOD" = 1 };
        "Early-Media-Description" 1272 Grouped;
        "SDP-TimeStamps" 1273 Grouped;
        "SDP-Offer-Timestamp" 1274 Time;
        "SDP-Answer-Timestamp" 1275 Time;
        "AF-Correlation-Information" 1276 Grouped;
        "PoC-Session-Initiation-Type" 1277 Enumerated;
        "Offline-Charging" 1278 Grouped;
        "User-Participating-Type" 1279 Enumerated;
        "Alternate-Charged-Party-Address" 1280 UTF8String;
        "IMS-Communication-Service-Identifier" 1281 UTF8String;
        "Number-Of-Received-Talk-Bursts" 1282 Unsigned32;
        "Number-Of-Talk-Bursts" 1283 Unsigned32;
        "Received-Talk-Burst-Time" 1284 Unsigned32;
        "Received-Talk-Burst-Volume" 1285 Unsigned32;
        "Talk-Burst-Time" 1286 Unsigned32;
        "Talk-Burst-Volume" 1287 Unsigned32;
        "Media-Initiator-Party" 1288 UTF8String;
        "SMS-Information" 2000 Grouped;
        "Data-Coding-Scheme" 2001 Integer32;
        "Destination-Interface" 2002 Grouped;
        "Interface-Id" 2003 UTF8String;
        "Interface-Port" 2004 UTF8String;
        "Interface-Text" 2005 UTF8String;
        "Interface-Type" 2006 Enumerated;
        "SM-Message-Type" 2007 Enumerated values {
            "SUBMISSION" = 0, "DELIVERY_REPORT" = 1, "SM_SERVICE_REQUEST" = 2, "T4_DEVICE_TRIGGER" = 3,
            "SM_DEVICE_TRIGGER" = 4
        };
        "Originator-SCCP-Address" 2008 Address;
        "Originator-Interface" 2009 Grouped;
        "Recipient-SCCP-Address" 2010 Address;
        "Reply-Path-Requested" 2011 Enumerated;
        "SM-Discharge-Time" 2012 Time;
        "SM-Protocol-ID" 2013 OctetString;
        "SM-Status" 2014 OctetString;
        "SM-User-Data-Header" 2015 OctetString;
        "SMS-Node" 2016 Enumerated values {
            "SMS Router" = 0, "IP-SM-GW" = 1, "SMS Router and IP-SM-GW" = 2, "SMS-SC" = 3
        };
        "SMSC-Address" 2017 Address;
        "Client-Address" 2018 Address;
        "Number-Of-Messages-Sent" 2019 Unsigned32;
        "Low-Balance-Indication" 2020 Enumerated values { "NOT-APPLICABLE" = 0, "YES" = 1 };
        "Remaining-Balance" 2021 Grouped;
        "Refund-Information" 2022 OctetString;
        "Carrier-Select-Routing-Information" 2023 UTF8String;
        "Number-Portability-Routing-Information" 2024 UTF8String;
        "PoC-Event-Type" 2025 Enumerated;
        "Recipient-Info" 2026 Grouped;
        "Originator-Received-Address" 2027 Grouped;
        "Recipient-Received-Address" 2028 Grouped;
        "SM-Service-Type" 2029 Enumerated;
        "MMTel-Information" 2030 Grouped;
        "MMTel-SService-Type" 2031 Unsigned32;
        "Service-Mode" 2032 Unsigned32;
        "Subscriber-Role" 2033 Enumerated values { "Originating" = 0, "Terminating" = 1 };
        "Number-Of-Diversions" 2034 Unsigned32;
        "Associated-Party-Address" 2035 UTF8String;
        "SDP-Type" 2036 Enumerated values { "SDP Offer" = 0, "SDP Answer" = 1 };
        "Diagnostics" 2039 Integer32;
        "Service-Data-Container" 2040 Grouped;
        "Start-Time" 2041 Time;
        "Stop-Time" 2042 Time;
        "Time-First-Usage" 2043 Time;
        "Time-Last-Usage" 2044 Time;
        "Time-Usage" 2045 Unsigned32;
        "Traffic-Data-Volumes" 2046 Grouped;
        "Serving-Node-Type" 2047 Enumerated values {
            "SGSN" = 0, "PMIPSGW" = 1, "GTPSGW" = 2, "ePDG" = 3, "hSGW" = 4, "MME" = 5, "TWAN" = 6
        };
        "Supplementary-Service" 2048 Grouped;
        "Participant-Action-Type" 2049 Enumerated;
        "PDN-Connection-Charging-ID" 2050 Unsigned32;
        "Dynamic-Address-Flag" 2051 Enumerated values { "Static" = 0, "Dynamic" = 1 };
        "Accumulated-Cost" 2052 Grouped;
        "AoC-Cost-Information" 2053 Grouped;
        "AoC-Information" 2054 Grouped;
        "AoC-Request-Type" 2055 Enumerated;
        "Current-Tariff" 2056 Grouped;
        "Next-Tariff" 2057 Grouped;
        "Rate-Element" 2058 Grouped;
        "Scale-Factor" 2059 Grouped;
        "Tariff-Information" 2060 Grouped;
        "Unit-Cost" 2061 Grouped;
        "Incremental-Cost" 2062 Grouped;
        "Node-Id" 2064 UTF8String;
        "SGW-Change" 2065 Enumerated values { "ACR_Start_NOT_due_to_SGW_Change" = 0, "ACR_Start_due_to_SGW_Change" = 1 };
        "Charging-Characteristics-Selection-Mode" 2066 Enumerated values {
            "Serving-Node-Supplied" = 0, "Subscription-specific" = 1, "APN-specific" = 2, "Home-Default" = 3,
            "Roaming-Default" = 4, "Visiting-Default" = 5
        };
        "SGW-Address" 2067 Address;
        "Dynamic-Address-Flag-Extension" 2068 Enumerated values { "Static" = 0, "Dynamic" = 1 };
        "Charge-Reason-Code" 2118 Enumerated;
        "SIP-Request-Timestamp-Fraction" 2301 Unsigned32;
        "SIP-Response-Timestamp-Fraction" 2302 Unsigned32;
        "Online-Charging-Flag" 2303 Enumerated;
        "CUG-Information" 2304 OctetString;
        "Real-Time-Tariff-Information" 2305 Grouped;
        "Tariff-XML" 2306 UTF8String;
        "MBMS-GW-Address" 2307 Address;
        "IMSI-Unauthenticated-Flag" 2308 Enumerated;
        "Account-Expiration" 2309 Time;
        "AoC-Format" 2310 Enumerated;
        "AoC-Service" 2311 Grouped;
        "AoC-Service-Obligatory-Type" 2312 Enumerated;
        "AoC-Service-Type" 2313 Enumerated;
        "AoC-Subscription-Information" 2314 Grouped;
        "Preferred-AoC-Currency" 2315 Unsigned32;
        "CSG-Access-Mode" 2317 Enumerated values { "Closed mode" = 0, "Hybrid Mode" = 1 };
        "CSG-Membership-Indication" 2318 Enumerated values { "Not CSG member" = 0, "CSG Member" = 1 };
        "User-CSG-Information" 2319 Grouped;
        "Outgoing-Session-Id" 2320 UTF8String;
        "Initial-IMS-Charging-Identifier" 2321 UTF8String;
        "IMS-Emergency-Indicator" 2322 Enumerated;
        "MBMS-Charged-Party" 2323 Enumerated;
        "IMS-Visited-Network-Identifier" 2713 UTF8String;
        "Reason-Header" 3401 UTF8String;
        "Instance-Id" 3402 UTF8String;
        "Route-Header-Received" 3403 UTF8String;
        "Route-Header-Transmitted" 3404 UTF8String;
        "SM-Device-Trigger-Information" 3405 Grouped;
        "MTC-IWF-Address" 3406 Address;
        "SM-Device-Trigger-Indicator" 3407 Enumerated;
        "SM-Sequence-Number" 3408 Unsigned32;
        "SMS-Result" 3409 Unsigned32;
        "VCS-Information" 3410 Grouped;
        "Basic-Service-Code" 3411 Grouped;
        "Bearer-Capability" 3412 OctetString;
        "Teleservice" 3413 OctetString;
        "ISUP-Location-Number" 3414 OctetString;
        "Forwarding-Pending" 3415 Enumerated;
        "ISUP-Cause" 3416 Grouped;
        "MSC-Address" 3417 OctetString;
        "Network-Call-Reference-Number" 3418 OctetString;
        "Start-of-Charging" 3419 Time;
        "VLR-Number" 3420 OctetString;
        "CN-Operator-Selection-Entity" 3421 Enumerated;
        "ISUP-Cause-Diagnostics" 3422 OctetString;
        "ISUP-Cause-Location" 3423 Unsigned32;
        "ISUP-Cause-Value" 3424 Unsigned32;
        "ePDG-Address" 3425 Address;
    }

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
