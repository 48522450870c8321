//! AVPs of charging. TS 32.299.

use crate::avp::dictionary::declare::rows;

rows! {
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
}
