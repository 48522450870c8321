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
