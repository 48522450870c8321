//! The kinds of faults: in one message, in the order of messages, in packets.

use proselink::avp::dictionary;
use proselink::avp::{AvpFlags, Avps, Key, Kind};
use proselink::interfaces::pc4;

use crate::scene::{
    End, Inject, Injected, Scene, Sent, answer_of, change, change_if, is_answer, is_application, key, list, open_from,
    other, put, raw, result, succeeds, watchdog, whole,
};

/// What can be wrong: kind, checks that tell it, beginning of the clause, and how it is put in.
pub type Kinds = &'static [(&'static str, &'static [&'static str], &'static str, Inject)];

/// The first AVP of a key with other flags.
fn flag(message: &mut Sent, of: Key, change: impl Fn(u8) -> u8) -> bool {
    let Some(place) = message.place(|avp| avp.key == of) else { return false };
    let flags = change(message.bytes[place + 4]);
    std::mem::replace(&mut message.bytes[place + 4], flags) != flags
}

/// An AVP of the IETF with the V flag and the Vendor-Id 0.
fn with_vendor(key: Key, flags: AvpFlags, data: &[u8]) -> Vec<u8> {
    let mut out = raw(key, AvpFlags(flags.0 | AvpFlags::VENDOR), data);
    put(&mut out, 8, &[0; 4]);
    out
}

/// Transport, framing, grammar, transactions and the life of a connection.
#[rustfmt::skip]
pub const KINDS: Kinds = &[
    ("another version", &["version"], "RFC 6733", |m, at| change(m, at, |s| { s.bytes[0] = 2; true })),
    ("message length too long", &["message-length"], "RFC 6733", |m, at| change(m, at, |s| {
        let length = s.bytes.len() as u32 + 8; put(&mut s.bytes, 0, &((1 << 24) | length).to_be_bytes()); true
    })),
    ("reserved command flag", &["command-flags-reserved"], "RFC 6733", |m, at| change(m, at, |s| { s.bytes[4] |= 2; true })),
    ("request with E", &["command-flags"], "RFC 6733", |m, at| change_if(m, at, |s| !is_answer(s), |s| { s.bytes[4] |= 0x20; true })),
    ("answer with T", &["command-flags"], "RFC 6733", |m, at| change_if(m, at, is_answer, |s| { s.bytes[4] |= 0x10; true })),
    ("request with the wrong P", &["command-flags"], "RFC 6733", |m, at| change_if(m, at, |s| !is_answer(s), |s| { s.bytes[4] ^= 0x40; true })),
    ("AVP length past the end", &["avp-length"], "", |m, at| change(m, at, |s| {
        let Some(last) = s.avps().len().checked_sub(1) else { return false };
        let mut count = 0;
        let Some(place) = s.place(|_| { count += 1; count == last + 1 }) else { return false };
        s.bytes[place + 5] = 1; true
    })),
    ("AVP length below its header", &["avp-length"], "", |m, at| change(m, at, |s| {
        let Some(place) = s.place(|_| true) else { return false };
        put(&mut s.bytes, place + 5, &[0, 0, 4]); true
    })),
    ("number with octets too many", &["avp-data-length"], "", |m, at| change(m, at, |s| {
        let mut done = false;
        s.change(|avp| {
            let number = dictionary::lookup(avp.key).is_some_and(|d| matches!(d.kind, Kind::Unsigned32 | Kind::Enumerated));
            if !number || std::mem::replace(&mut done, true) { return vec![avp.whole.to_vec()]; }
            vec![raw(avp.key, avp.flags, &[avp.data, &[0; 4]].concat())]
        })
    })),
    ("host name with a blank", &["avp-data"], "", |m, at| change(m, at, |s| s.with(key::<dictionary::OriginHost>(), |host| {
        let mut host = host.to_vec(); host[1] = b' '; host
    }))),
    ("text that is no UTF-8", &["avp-data"], "", |m, at| change(m, at, |s| s.with(key::<dictionary::UserName>(), |name| {
        let mut name = name.to_vec(); name[1] = 0xff; name
    }))),
    ("unknown AVP with M", &["avp-unknown"], "", |m, at| change(m, at, |s| s.and(raw(Key::new(0, 65_000), AvpFlags(0x40), &[0; 4])))),
    ("required AVP missing", &["avp-missing"], "", |m, at| change(m, at, |s| s.without(key::<dictionary::OriginRealm>()))),
    ("AVP twice", &["avp-too-many"], "", |m, at| change(m, at, |s| s.change(|avp| {
        let twice = avp.key == key::<dictionary::OriginRealm>();
        vec![avp.whole.to_vec(); if twice { 2 } else { 1 }]
    }))),
    ("AVP that a group does not allow", &["avp-not-allowed"], "", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::VendorSpecificApplicationId>(), |data| {
            [data, &raw(key::<dictionary::OriginStateId>(), AvpFlags(0x40), &[0; 4])].concat()
        })
    })),
    ("required AVP missing in a group", &["avp-missing"], "", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::VendorSpecificApplicationId>(), |data| {
            Avps::new(data).flatten().filter(|avp| avp.key != key::<dictionary::VendorId>()).flat_map(|avp| avp.whole.to_vec()).collect()
        })
    })),
    ("Session-Id not first", &["session-first"], "RFC 6733 section 8.8", |m, at| change_if(m, at, is_application, |s| {
        let mut avps: Vec<Vec<u8>> = s.avps().iter().map(|avp| avp.whole.to_vec()).collect();
        avps.swap(0, 1);
        s.find(key::<dictionary::SessionId>()).is_some() && s.assemble(avps)
    })),
    ("reserved AVP flag", &["avp-flags-reserved"], "RFC 6733 section 4.1", |m, at| change(m, at, |s| {
        let Some(place) = s.place(|avp| avp.key == key::<dictionary::OriginHost>()) else { return false };
        s.bytes[place + 4] |= 4; true
    })),
    ("padding that is not zero", &["avp-padding"], "RFC 6733 section 4.1", |m, at| change(m, at, |s| {
        let mut length = 0;
        let Some(place) = s.place(|avp| { length = avp.length(); !avp.padding().is_empty() }) else { return false };
        s.bytes[place + length] = 7; true
    })),
    ("M flag of an AVP that must not have it", &["avp-mandatory-flag"], "RFC 6733", |m, at| change(m, at, |s| flag(s, key::<dictionary::ProductName>(), |flags| flags | 0x40))),
    ("no M flag of an AVP that must have it", &["avp-mandatory-flag"], "RFC 6733", |m, at| change(m, at, |s| flag(s, key::<dictionary::OriginRealm>(), |flags| flags & !0x40))),
    ("V flag of an AVP of the IETF", &["avp-vendor-flag"], "RFC 6733 section 4.1.1", |m, at| change(m, at, |s| s.change(|avp| {
        let host = avp.key == key::<dictionary::OriginHost>();
        vec![if host { with_vendor(avp.key, avp.flags, avp.data) } else { avp.whole.to_vec() }]
    }))),
    ("reserved AVP flag in a group", &["avp-flags-reserved"], "RFC 6733 section 4.1", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::VendorSpecificApplicationId>(), |data| { let mut data = data.to_vec(); data[4] |= 1; data })
    })),
    ("padding that is not zero in a group", &["avp-padding"], "RFC 6733 section 4.1", |m, at| change(m, at, |s| {
        let member = |data: &[u8]| Avps::new(data).flatten().scan(0, |at, avp| {
            let from = *at;
            *at += avp.whole.len();
            Some((from + avp.length(), avp.padding().len()))
        }).find(|(_, padding)| *padding > 0).map(|(end, _)| end);
        s.change(|avp| {
            let is_group = dictionary::lookup(avp.key).is_some_and(|d| d.kind == Kind::Grouped) && avp.key != key::<dictionary::FailedAvp>();
            let Some(end) = member(avp.data).filter(|_| is_group) else { return vec![avp.whole.to_vec()] };
            let mut data = avp.data.to_vec();
            data[end] = 9;
            vec![raw(avp.key, avp.flags, &data)]
        })
    })),
    ("value that an Enumerated does not name", &["avp-value"], "", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::AuthSessionState>(), |_| 77_u32.to_be_bytes().to_vec())
    })),
    ("IMSI with a letter", &["imsi"], "TS 23.003", |m, at| change_if(m, at, |s| s.header().application == pc4::hss::APPLICATION, |s| {
        s.with(key::<dictionary::UserName>(), |name| { let mut name = name.to_vec(); name[7] = b'a'; name })
    })),
    ("IMSI of 16 digits", &["imsi"], "TS 23.003", |m, at| change_if(m, at, |s| s.header().application == pc4::hss::APPLICATION, |s| {
        s.with(key::<dictionary::UserName>(), |_| b"0010112345678901".to_vec())
    })),
    ("MSISDN with a filler in the middle", &["msisdn"], "TS 29.329", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::Msisdn>(), |digits| { let mut digits = digits.to_vec(); digits[0] |= 0xf0; digits })
    })),
    ("network with a nibble that is no digit", &["plmn"], "TS 29.272", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::VisitedPlmnId>(), |plmn| { let mut plmn = plmn.to_vec(); plmn[0] |= 0x0f; plmn })
    })),
    ("ID1 of no network", &["id1"], "TS 23.003", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::Pduid>(), |id1| { let mut id1 = id1.to_vec(); id1[0] = 0xff; id1 })
    })),
    ("answer lost", &["unanswered", "watchdog-unanswered"], "RFC", |m, at| {
        let answer = answer_of(m, at)?;
        let mut m = m.to_vec(); m.remove(answer);
        list(&m, at)
    }),
    ("answer twice", &["answered-twice"], "RFC 6733", |m, at| {
        if !is_answer(&m[at]) || !is_application(&m[at]) { return None; }
        let mut m = m.to_vec(); m.insert(at + 1, m[at].clone());
        list(&m, at + 1)
    }),
    ("request lost", &["answer-without-request"], "RFC 6733", |m, at| {
        let answer = answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec(); m.remove(at);
        list(&m, answer - 1)
    }),
    ("answer under another Hop-by-Hop id", &["answer-without-request"], "RFC 6733", |m, at| {
        change_if(m, at, is_answer, |s| { put(&mut s.bytes, 12, &[0xee; 4]); true })
    }),
    ("answer under another End-to-End id", &["answer-differs"], "RFC 6733", |m, at| {
        change_if(m, at, is_answer, |s| { put(&mut s.bytes, 16, &[0xee; 4]); true })
    }),
    ("answer of another application", &["answer-differs"], "RFC 6733", |m, at| {
        change_if(m, at, |s| is_answer(s) && is_application(s), |s| { put(&mut s.bytes, 8, &[0, 0, 0, 1]); true })
    }),
    ("answer of another command", &["answer-differs"], "RFC 6733", |m, at| {
        change_if(m, at, |s| is_answer(s) && is_application(s), |s| { put(&mut s.bytes, 5, &[0, 9, 9]); true })
    }),
    ("answer with another P", &["answer-differs"], "RFC 6733", |m, at| change_if(m, at, is_answer, |s| { s.bytes[4] ^= 0x40; true })),
    ("answer of another session", &["session-differs"], "RFC 6733 section 8.8", |m, at| {
        change_if(m, at, is_answer, |s| s.with(key::<dictionary::SessionId>(), other))
    }),
    ("Hop-by-Hop id of an open request", &["hop-by-hop-reused"], "RFC 6733 section 3", |m, at| {
        answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec(); let mut again = m[at].clone();
        put(&mut again.bytes, 16, &[0xee; 4]);
        m.insert(at + 1, again);
        list(&m, at + 1)
    }),
    ("End-to-End id used again", &["end-to-end-reused"], "RFC 6733 section 3", |m, at| {
        let answer = answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec();
        let (mut asked, mut answered) = (m[at].clone(), m[answer].clone());
        put(&mut asked.bytes, 12, &[0xee; 4]);
        put(&mut answered.bytes, 12, &[0xee; 4]);
        m.splice(answer + 1..answer + 1, [asked, answered]);
        list(&m, answer + 1)
    }),
    ("answer that is late", &["answer-late"], "RFC", |m, at| change_if(m, at, is_answer, |s| { s.silence = 12; true })),
    ("Proxy-Info not brought back", &["proxy-info"], "RFC 6733 section 6.2", |m, at| {
        let answer = answer_of(m, at).filter(|answer| is_application(&m[at]) && m[*answer].bytes[4] & 0x20 == 0)?;
        let mut m = m.to_vec();
        let members = [
            raw(key::<dictionary::ProxyHost>(), AvpFlags(0x40), b"relay.example.net"),
            raw(key::<dictionary::ProxyState>(), AvpFlags(0x40), b"abcd"),
        ].concat();
        m[at].and(raw(key::<dictionary::ProxyInfo>(), AvpFlags(0x40), &members));
        list(&m, answer)
    }),
    ("no result", &["result", "avp-missing"], "", |m, at| change_if(m, at, succeeds, |s| s.without(key::<dictionary::ResultCode>()))),
    ("two results", &["result"], "RFC 6733 section 7.1", |m, at| change_if(m, at, |s| succeeds(s) && is_application(s), |s| {
        let members = [
            raw(key::<dictionary::VendorId>(), AvpFlags(0x40), &10415_u32.to_be_bytes()),
            raw(key::<dictionary::ExperimentalResultCode>(), AvpFlags(0x40), &5001_u32.to_be_bytes()),
        ].concat();
        s.and(raw(key::<dictionary::ExperimentalResult>(), AvpFlags(0x40), &members))
    })),
    ("result of no class", &["result-class"], "RFC 6733 section 7.1", |m, at| change_if(m, at, succeeds, |s| result(s, 6001))),
    ("protocol error without E", &["error-flag"], "RFC 6733 section 7.2", |m, at| change_if(m, at, succeeds, |s| result(s, 3002))),
    ("success with E", &["error-flag"], "RFC 6733 section 7.2", |m, at| change_if(m, at, succeeds, |s| { s.bytes[4] |= 0x20; true })),
    ("error without Failed-AVP", &["failed-avp"], "RFC 6733 section 7.1.5", |m, at| change_if(m, at, succeeds, |s| result(s, 5001))),
    ("no capabilities exchange", &["capabilities-first"], "RFC 6733 section 5.3", |m, at| {
        if !m[at].is(257, true) { return None; }
        let association = m[at].association;
        let first = m.iter().filter(|s| s.header().code != 257 || s.association != association).position(|s| s.association == association)?;
        let m: Vec<_> = m.iter().filter(|s| s.header().code != 257 || s.association != association).cloned().collect();
        list(&m, first)
    }),
    ("capabilities asked for by the side that was called", &["capabilities-side"], "RFC 6733 section 5.6", |m, at| {
        // The called side asks first; the scene opens from the side that asked in truth.
        let answer = answer_of(m, at).filter(|_| m[at].is(257, true))?;
        let mut m = m.to_vec();
        let (caller, called) = (m[at].source, m[at].destination);
        (m[at].source, m[at].destination) = (called, caller);
        (m[answer].source, m[answer].destination) = (caller, called);
        let mut opening = m[at].clone();
        (opening.source, opening.destination) = (caller, called);
        let scene = open_from(&m, m[at].association, caller, called);
        let at = vec![scene.of[at]];
        Some(Injected { scene, at })
    }),
    ("message before CEA", &["capabilities-unanswered"], "RFC 6733 section 5.3", |m, at| {
        let answer = answer_of(m, at).filter(|_| m[at].is(257, true))?;
        let next = (answer + 1..m.len()).find(|n| m[*n].association == m[at].association && m[*n].source == m[at].source)?;
        let mut m = m.to_vec();
        let moved = m.remove(next);
        m.insert(answer, moved);
        list(&m, answer)
    }),
    ("message after refused capabilities", &["capabilities-refused"], "RFC 6733 section 5.3", |m, at| {
        if !m[at].is(257, false) { return None; }
        let next = (at + 1..m.len()).find(|n| m[*n].association == m[at].association)?;
        let mut m = m.to_vec();
        result(&mut m[at], 5010);
        list(&m, next)
    }),
    ("capabilities a second time", &["capabilities-again"], "RFC 6733 section 5.6", |m, at| {
        let answer = answer_of(m, at).filter(|_| m[at].is(257, true))?;
        let mut m = m.to_vec();
        let (mut asked, mut answered) = (m[at].clone(), m[answer].clone());
        for message in [&mut asked, &mut answered] { put(&mut message.bytes, 12, &[0xee; 8]); }
        m.splice(answer + 1..answer + 1, [asked, answered]);
        list(&m, answer + 1)
    }),
    ("application that was not offered", &["application-not-offered"], "RFC 6733 section 5.3", |m, at| {
        if !m[at].is(257, true) { return None; }
        let next = (at + 1..m.len()).find(|n| m[*n].association == m[at].association && is_application(&m[*n]))?;
        let mut m = m.to_vec();
        let other_one = 16_777_999_u32.to_be_bytes();
        let (auth, group) = (key::<dictionary::AuthApplicationId>(), key::<dictionary::VendorSpecificApplicationId>());
        m[at].change(|avp| {
            if avp.key == auth { return vec![raw(avp.key, avp.flags, &other_one)]; }
            if avp.key != group { return vec![avp.whole.to_vec()]; }
            let members: Vec<u8> = avp.members().flatten().flat_map(|member| {
                if member.key == auth { raw(member.key, member.flags, &other_one) } else { member.whole.to_vec() }
            }).collect();
            vec![raw(avp.key, avp.flags, &members)]
        });
        list(&m, next)
    }),
    ("another Origin-Host in DPR", &["origin-changed"], "RFC 6733 section 5.3", |m, at| {
        change_if(m, at, |s| s.is(282, true), |s| s.with(key::<dictionary::OriginHost>(), other))
    }),
    ("Origin-State-Id that goes back", &["origin-state"], "RFC 6733 section 8.16", |m, at| {
        answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec();
        watchdog(&mut m, at, 1, Some(4), true);
        watchdog(&mut m, at, 2, Some(9), true);
        m[at + 2].silence = 5;
        list(&m, at + 2)
    }),
    ("watchdog without answer", &["watchdog-unanswered"], "RFC 3539", |m, at| {
        answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec();
        watchdog(&mut m, at, 1, None, false);
        list(&m, at)
    }),
    ("watchdogs too soon after one another", &["watchdog-early"], "RFC 3539", |m, at| {
        answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec();
        watchdog(&mut m, at, 1, None, true);
        watchdog(&mut m, at, 2, None, true);
        list(&m, at + 2)
    }),
    ("request after DPR", &["after-disconnect"], "RFC 6733 section 5.4", |m, at| {
        answer_of(m, at).filter(|_| m[at].is(282, true))?;
        let mut m = m.to_vec();
        watchdog(&mut m, at, 1, None, true);
        // The watchdog of the side that says goodbye comes behind its goodbye.
        m[at..at + 3].rotate_right(1);
        list(&m, at + 1)
    }),
    ("message after DPA", &["after-disconnect"], "RFC 6733 section 5.4", |m, at| {
        if !m[at].is(282, false) { return None; }
        let mut m = m.to_vec();
        let asked = m[at].clone();
        m.insert(at + 1, asked);
        watchdog(&mut m, at + 1, 1, None, true);
        m.remove(at + 3);
        list(&m, at + 1)
    }),
    ("closed without DPR", &["closed-without-disconnect"], "RFC 6733 section 5.4", |m, at| {
        if !m[at].is(282, true) { return None; }
        let association = m[at].association;
        let m: Vec<_> = m.iter().filter(|s| s.association != association || s.header().code != 282).cloned().collect();
        let scene = whole(&m);
        let at = vec![*scene.closing.get(&association)?];
        Some(Injected { scene, at })
    }),
    ("ended by ABORT", &["abort"], "RFC 9260 section 9.1", |m, at| {
        if !m[at].is(282, true) { return None; }
        let association = m[at].association;
        let scene = Scene::of(m, |this| if this == association { End::Aborted } else { End::Closed });
        let at = vec![*scene.closing.get(&association)?];
        Some(Injected { scene, at })
    }),
    ("wrong CRC32c", &["crc32c"], "RFC 9260 section 6.8", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        scene.sctp(at)[8] ^= 0x55;
        Some(Injected { scene, at: vec![at] })
    }),
    ("PPID of another protocol", &["ppid"], "RFC 6733 section 2.1", |m, at| change(m, at, |s| { s.ppid = 18; true })),
    ("no PPID", &["ppid-zero"], "RFC 6733 section 2.1", |m, at| change(m, at, |s| { s.ppid = 0; true })),
    ("stream that was not agreed on", &["stream"], "RFC 9260 section 5.1.1", |m, at| change(m, at, |s| { s.stream = 77; true })),
    ("stream sequence number passed over", &["stream-sequence"], "RFC 9260 section 6.6", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        if scene.sctp(at)[13] & 2 == 0 { return None; }
        scene.mend(at, |packet| packet[22] ^= 0x40);
        Some(Injected { scene, at: vec![at] })
    }),
    ("TSN passed over", &["tsn-gap"], "RFC 9260 section 6.2", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        for index in scene.later(at) {
            scene.mend(index, |packet| {
                let tsn = u32::from_be_bytes([packet[16], packet[17], packet[18], packet[19]]).wrapping_add(1);
                put(packet, 16, &tsn.to_be_bytes());
            });
        }
        Some(Injected { scene, at: vec![at] })
    }),
    ("TSN used twice", &["tsn-reused"], "RFC 9260 section 6.2", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        let later = scene.later(at);
        let next = *later.get(1)?;
        let tsn = scene.sctp(at)[16..20].to_vec();
        scene.mend(next, |packet| put(packet, 16, &tsn));
        for index in later.into_iter().skip(2) {
            scene.mend(index, |packet| {
                let tsn = u32::from_be_bytes([packet[16], packet[17], packet[18], packet[19]]).wrapping_sub(1);
                put(packet, 16, &tsn.to_be_bytes());
            });
        }
        Some(Injected { scene, at: vec![next] })
    }),
    ("packet sent again", &["retransmission"], "RFC 9260 section 6.3", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        let again = scene.packets[at].clone();
        scene.packets.insert(at + 1, again);
        Some(Injected { scene, at: vec![at + 1] })
    }),
    ("another verification tag", &["verification-tag"], "RFC 9260 section 8.5", |m, at| {
        if !is_application(&m[at]) { return None; }
        let mut scene = whole(m);
        let at = scene.of[at];
        scene.mend(at, |packet| packet[5] ^= 0x55);
        Some(Injected { scene, at: vec![at] })
    }),
    ("chunk longer than its packet", &["chunk-length"], "RFC 9260 section 3.2", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        scene.mend(at, |packet| packet[14] = packet[14].wrapping_add(16));
        Some(Injected { scene, at: vec![at] })
    }),
];
