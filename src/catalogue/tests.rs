use super::*;

fn no_files(name: &str) -> Result<String, String> {
    Err(format!("no {name}"))
}

fn one(text: &str) -> Catalogue {
    parse(text, &mut no_files).unwrap().1
}

const ACME: &str = r#"<vendor vendor-id="ACME" code="65000" name="Acme"/>
<application id="42" name="Acme test">
  <command name="Acme-Test" code="9000" vendor-id="ACME"/>
  <avp name="Acme-Level" code="1" mandatory="must" vendor-id="ACME"><type type-name="Unsigned32"/>
    <enum name="LOW" code="0"/></avp>
  <avp name="Acme-Group" code="2" vendor-id="ACME"><grouped><gavp name="Acme-Level"/></grouped></avp>
</application>"#;

#[test]
fn our_own_tables_have_no_conflict() {
    let catalogue = Catalogue::built_in();
    let wrong: Vec<_> =
        lint(&catalogue, &Catalogue::default()).into_iter().filter(|it| it.severity == Severity::Error).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_format_gives_back_what_was_written() {
    let ours = Catalogue::proximity_services();
    assert_eq!(one(&json::write(&ours)), ours);
    for text in [freediameter::write(&ours), wireshark::write(&ours)] {
        let theirs = one(&text);
        assert_eq!(theirs.avps.len(), ours.avps.len());
        for (a, b) in theirs.avps.iter().zip(&ours.avps) {
            assert_eq!((a.key(), &a.name, a.kind, a.mandatory), (b.key(), &b.name, b.kind, b.mandatory));
            let names = |entry: &Entry| entry.members.iter().map(|it| (it.vendor, it.avp.clone())).collect::<Vec<_>>();
            if a.kind == Kind::Grouped {
                assert_eq!(names(a).len(), names(b).len(), "{}", a.name);
            }
        }
        let commands: Vec<_> = ours.commands_by_code().into_iter().map(|it| (it.code, it.name)).collect();
        assert_eq!(theirs.commands.into_iter().map(|it| (it.code, it.name)).collect::<Vec<_>>(), commands);
        assert!(merge(&ours, &one(&text)).conflicts() == 0);
    }
}

#[test]
fn a_fragment_of_wireshark_is_read() {
    let catalogue = one(ACME);
    assert_eq!(catalogue.vendors, [Vendor { id: 65000, name: "Acme".to_owned() }]);
    let [level, group] = catalogue.avps.as_slice() else { panic!("{catalogue:?}") };
    assert_eq!((level.key(), level.kind, level.mandatory), (Key::new(65000, 1), Kind::Unsigned32, Rule::Must));
    assert_eq!((group.kind, group.members.len(), group.members[0].vendor), (Kind::Grouped, 1, 65000));
    assert_eq!((catalogue.commands[0].code, catalogue.commands[0].application), (9000, Some(42)));
    let merged = merge(&Catalogue::built_in(), &catalogue);
    assert_eq!((merged.conflicts(), merged.added.avps.len()), (0, 2));
}

#[test]
fn files_are_included_once_and_from_the_same_folder_only() {
    let whole = |file: &str, uses: &str| {
        format!(
            "<!DOCTYPE dictionary [<!-- <!ENTITY no SYSTEM \"no.xml\"> --><!ENTITY a SYSTEM \"{file}\">]><dictionary>{uses}</dictionary>"
        )
    };
    let mut asked = Vec::new();
    let mut give = |name: &str| {
        asked.push(name.to_owned());
        Ok(ACME.to_owned())
    };
    assert_eq!(parse(&whole("acme.xml", "&a;"), &mut give).unwrap().1.avps.len(), 2);
    assert_eq!(asked, ["acme.xml"]);
    for (file, uses) in
        [("../a.xml", "&a;"), ("/etc/passwd", "&a;"), ("a.xml", "&a;&a;"), ("a.xml", "&no;"), ("a.xml", "&b;")]
    {
        let result = parse(&whole(file, uses), &mut |_| Ok(String::new()));
        assert!(matches!(result, Err(CatalogueError::Include { .. })), "{file} {uses}: {result:?}");
    }
    // A bomb: entities that are texts are never expanded, whether they stand in text or in a name.
    let bomb = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><dictionary>";
    assert!(parse(&format!("{bomb}&b;</dictionary>"), &mut no_files).is_err());
    assert!(parse(&format!("{bomb}<vendor vendor-id=\"&b;\" code=\"1\"/></dictionary>"), &mut no_files).is_err());
    // A file that includes itself.
    let mut own = |_: &str| Ok(whole("a.xml", "&a;"));
    assert!(parse(&whole("a.xml", "&a;"), &mut own).is_err());
}

#[test]
fn bad_texts_are_refused_with_a_place() {
    for (text, words) in [
        ("", "neither the XML"),
        ("{", "line 1"),
        ("{\"Frobs\":[]}", "no section"),
        ("{\"AVPs\":[{\"Code\":-1,\"Name\":\"A\",\"Type\":\"Time\"}]}", "AVPs[0].Code"),
        ("{\"AVPs\":[{\"Code\":1,\"Name\":\"A\",\"Type\":\"Tmie\"}]}", "AVPs[0].Type"),
        ("{\"proselink_dictionary\":2}", "version 2"),
        ("{\"proselink_dictionary\":1,\"avp\":[]}", "avp"),
        ("<dictionary>\n<avp code=\"1\"/></dictionary>", "line 2: <avp> lacks `name`"),
        ("<dictionary><avp name=\"A\" code=\"x\"/></dictionary>", "expected a number"),
        ("<dictionary><avp name=\"A\" code=\"1\" vendor-id=\"Nobody\"/></dictionary>", "`Nobody` is defined nowhere"),
        ("<avp name=\"A\" code=\"1\"><type type-name=\"T\"/></avp>", "type `T`"),
        ("<dictionary><avp", "line 1"),
        ("<avp name=\"A&#10;\u{1b}B\" code=\"1\"/>", "control characters"),
    ] {
        let error = parse(text, &mut no_files).expect_err(text).to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn conflicts_are_told_and_the_first_stays() {
    let base = Catalogue::built_in();
    let avp = |more: &str| format!("{{\"proselink_dictionary\":1,\"avps\":[{{{more}}}]}}");
    let conflict = |more: &str| -> Vec<(&'static str, Severity)> {
        merge(&base, &one(&avp(more))).findings.iter().map(|it| (it.id, it.severity)).collect()
    };
    let of = |more: &str| conflict(&format!("\"vendor\":10415,{more}"));
    use Severity::{Error, Note};
    assert_eq!(of(r#""code":3604,"name":"PDUID","type":"OctetString""#), []);
    assert_eq!(of(r#""code":3604,"name":"Frob","type":"OctetString""#), [("code", Error)]);
    assert_eq!(of(r#""code":9999,"name":"PDUID","type":"OctetString""#), [("name", Error)]);
    assert_eq!(of(r#""code":3604,"name":"PDUID","type":"Unsigned32""#), [("format", Error)]);
    assert_eq!(of(r#""code":3604,"name":"PDUID","type":"UTF8String""#), [("format", Note)]);
    assert_eq!(of(r#""code":3604,"name":"PDUID","type":"OctetString","mandatory":"must""#), [("flags", Note)]);
    let request = r#""code":3603,"name":"ProSe-Request-Type","type":"Unsigned32","values"#;
    assert_eq!(of(&format!("{request}\":[{{\"name\":\"PROSE_MAP_REQUEST\",\"value\":99}}]")), [("value", Error)]);
    assert_eq!(of(&format!("{request}\":[{{\"name\":\"FROB\",\"value\":1}}]")), [("value", Note)]);
    let twice = "\"name\":\"A\",\"code\":1,\"vendor\":5,\"type\":\"Time\"},{\"name\":\"A\",\"code\":1,\"vendor\":5,\"type\":\"Time\"";
    assert_eq!(lint(&one(&avp(twice)), &base).iter().map(|it| it.id).collect::<Vec<_>>(), ["code"]);
}

#[test]
fn the_export_in_c_closes_every_table_and_escapes_names() {
    let mut catalogue = Catalogue::proximity_services();
    catalogue.vendors[0].name = "a\"b\\c??/\u{e4}".to_owned();
    let text = freediameter_c::write(&catalogue);
    assert!(text.contains(r#""a\"b\\c\?\?/\303\244""#), "{text}");
    assert!(text.matches("};\n").count() >= 6);
}

/// The shape that freeDiameter's `dict_json` validates a file against before it loads anything, and what its loader needs
/// beyond: a vendor, an application, an AVP stands before what refers to it, and nothing of libfdcore's own is there again.
#[test]
fn freediameter_json_has_the_shape_that_its_extension_takes() {
    const TYPES: [&str; 15] = [
        "Address",
        "DiameterIdentity",
        "DiameterURI",
        "Enumerated",
        "Float32",
        "Float64",
        "Grouped",
        "Integer32",
        "Integer64",
        "IPFilterRule",
        "OctetString",
        "Time",
        "UTF8String",
        "Unsigned32",
        "Unsigned64",
    ];
    /// Sections, what each row must have, what it may have.
    const ROWS: [(&str, &[&str], &[&str]); 6] = [
        ("Vendors", &["Code", "Name"], &[]),
        ("Applications", &["Code", "Name"], &[]),
        ("AVPs", &["Code", "Name", "Type"], &["Vendor", "Flags", "EnumValues"]),
        ("Commands", &["Code", "Name"], &["Application", "Flags"]),
        ("CommandRules", &["Command", "Content"], &[]),
        ("AVPRules", &["AVP", "Content"], &["Vendor"]),
    ];
    let all = Catalogue::built_in();
    for catalogue in [all.clone().with_distinct_names(), Catalogue::proximity_services().with_members_from(&all)] {
        let whole: serde_json::Value = serde_json::from_str(&freediameter::write(&catalogue)).unwrap();
        let rows = |name: &str| whole[name].as_array().cloned().unwrap_or_default();
        assert!(whole.as_object().unwrap().keys().all(|key| ROWS.iter().any(|(name, ..)| name == key)));
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        for (section, must, may) in ROWS {
            for row in rows(section) {
                let keys = row.as_object().unwrap();
                assert!(must.iter().all(|key| keys.contains_key(*key)), "{section}: {row}");
                assert!(keys.keys().all(|key| [must, may].concat().contains(&key.as_str())), "{section}: {row}");
                for key in ["Code", "Vendor"] {
                    assert!(keys.get(key).is_none_or(|code| code.as_u64().is_some_and(|it| it <= u32::MAX.into())));
                }
                for key in ["Name", "Application", "AVP", "Command"] {
                    let printable = |name: &str| !name.is_empty() && name.bytes().all(|it| (b' '..=b'~').contains(&it));
                    assert!(keys.get(key).is_none_or(|name| name.as_str().is_some_and(printable)), "{section}: {row}");
                }
                let letters = if section == "Commands" { "RPET" } else { "VMP" };
                for flags in keys.get("Flags").and_then(|flags| flags.as_object()).into_iter().flatten() {
                    assert!(matches!(flags.0.as_str(), "Must" | "MustNot"), "{row}");
                    assert!(flags.1.as_str().unwrap().chars().all(|it| letters.contains(it)), "{row}");
                }
            }
        }
        let names = |section: &str| rows(section).iter().map(|row| text(row, "Name")).collect::<Vec<_>>();
        for section in ["Vendors", "Applications", "Commands"] {
            let mut once = names(section);
            once.sort();
            once.dedup();
            assert_eq!(once.len(), rows(section).len(), "a name stands twice in {section}");
        }
        let vendors: HashSet<u64> = rows("Vendors").iter().filter_map(|row| row["Code"].as_u64()).collect();
        let mut avps: HashSet<(u64, String)> =
            all.avps.iter().filter(|avp| freediameter::is_core(avp)).map(|avp| (0, avp.name.clone())).collect();
        for avp in rows("AVPs") {
            let vendor = avp["Vendor"].as_u64().unwrap_or(0);
            assert!(vendor == 0 || vendors.contains(&vendor), "{avp}");
            assert!(TYPES.contains(&text(&avp, "Type").as_str()), "{avp}");
            assert!(avps.insert((vendor, text(&avp, "Name"))), "libfdcore has {avp}");
            for value in avp["EnumValues"].as_array().into_iter().flatten() {
                assert!(value["Code"].is_i64() && value["Name"].is_string(), "{avp}");
            }
        }
        for application in rows("Applications") {
            assert!(![0, 3, u64::from(u32::MAX)].contains(&application["Code"].as_u64().unwrap()), "{application}");
        }
        let (applications, commands) = (names("Applications"), names("Commands"));
        for command in rows("Commands") {
            assert!(command["Application"].is_null() || applications.contains(&text(&command, "Application")));
            assert!(![257, 258, 271, 274, 275, 280, 282].contains(&command["Code"].as_u64().unwrap()), "{command}");
        }
        for rule in rows("CommandRules") {
            assert!(commands.contains(&text(&rule, "Command")), "{rule}");
        }
        for rule in rows("AVPRules") {
            assert!(avps.contains(&(rule["Vendor"].as_u64().unwrap_or(0), text(&rule, "AVP"))), "{rule}");
        }
        for rule in rows("CommandRules").iter().chain(&rows("AVPRules")) {
            for member in rule["Content"].as_array().unwrap() {
                let keys = member.as_object().unwrap();
                assert!(keys.keys().all(|key| ["AVP", "Vendor", "First", "Min", "Max"].contains(&key.as_str())));
                assert!(avps.contains(&(member["Vendor"].as_u64().unwrap_or(0), text(member, "AVP"))), "{member}");
                assert!(keys.get("Max").is_none_or(|most| most.is_u64()), "{member}");
            }
        }
    }
}
