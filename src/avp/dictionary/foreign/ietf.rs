//! AVPs of the IETF: RADIUS, SIP, Mobile IP, credit control, EAP.

use crate::avp::dictionary::declare::rows;

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
}
