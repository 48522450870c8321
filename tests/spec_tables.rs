//! Our tables against the project's protocol facts, row by row. Every deliberate difference is named here.
//!
//! The facts live beside the project (`../shared/spec`, or `$PROSELINK_SHARED/spec`); without them the test is skipped.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use proselink::avp::Key;
use proselink::avp::dictionary::{self, Definition, Member, Rule};
use proselink::interfaces::{self, INTERFACES};

/// Values whose name cannot be a constant's, because it begins with a digit.
const RENAMED_VALUES: &[(&str, &str)] = &[
    ("50_M", "RANGE_50_M"),
    ("100_M", "RANGE_100_M"),
    ("200_M", "RANGE_200_M"),
    ("500_M", "RANGE_500_M"),
    ("1000_M", "RANGE_1000_M"),
    ("3GPP", "TGPP"),
];

/// Members that are declared otherwise on purpose: (group, member, why).
const OTHER_MEMBERS: &[(&str, &str, &str)] = &[
    ("Discovery-Auth-Request", "ProSe-Query-Code", "no source gives it a code"),
    ("Discovery-Auth-Request", "ProSe-Response-Code", "no source gives it a code"),
    ("Discovery-Auth-Response", "ProSe-Query-Code", "no source gives it a code"),
    ("Discovery-Auth-Response", "ProSe-Response-Code", "no source gives it a code"),
    ("WiFi-P2P-Assistance-Info", "WLAN-Link-Layer-Id-List", "printed twice, so it may repeat"),
];

/// Groups of which the facts list but one member, and we the grammar of their specification.
const FULLER_GROUPS: &[&str] = &["Subscription-Data"];

fn spec(name: &str) -> Option<Vec<HashMap<String, String>>> {
    let shared = std::env::var_os("PROSELINK_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = shared.join("spec").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    let mut lines = text.lines();
    let heads = fields(lines.next()?);
    Some(lines.map(|line| heads.iter().cloned().zip(fields(line)).collect()).collect())
}

/// One line of CSV; quotes hold commas together, and none of the files has a quote within a field.
fn fields(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            letter => out.last_mut().expect("there is always a field").push(letter),
        }
    }
    out
}

/// A grammar as text, in the notation of the specifications.
fn notation(member: &Member, in_command: bool) -> String {
    let name = member.definition.name;
    let braces = match (member.fixed && in_command, member.least) {
        (true, _) => format!("<{name}>"),
        (_, 0) => format!("[{name}]"),
        _ => format!("{{{name}}}"),
    };
    match (member.least, member.most) {
        (0, u32::MAX) => format!("*{braces}"),
        (1, u32::MAX) => format!("1*{braces}"),
        _ => braces,
    }
}

fn names_of(words: &str) -> Vec<String> {
    words.split([';', ' ']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn inner(word: &str) -> &str {
    word.trim_start_matches(|c: char| c == '*' || c.is_ascii_digit()).trim_matches(['[', ']', '{', '}', '<', '>'])
}

/// `*[AVP]` or `1*{AVP}`: the end of an open grammar.
fn is_any(word: &str) -> bool {
    inner(word) == "AVP"
}

fn compare_values(row: &HashMap<String, String>, ours: &Definition) {
    let listed: Vec<(String, i64)> = row["enum_values"]
        .split(';')
        .filter(|value| !value.is_empty())
        .map(|value| {
            let (name, number) = value.rsplit_once('=').expect("NAME=number");
            let name = name.split("(bit").next().expect("split gives one part").to_owned();
            let renamed = RENAMED_VALUES.iter().find(|(theirs, _)| *theirs == name);
            let number = match number.strip_prefix("0x") {
                Some(hex) => i64::from_str_radix(hex, 16).expect("hexadecimal"),
                None => number.parse().expect("a number"),
            };
            (renamed.map_or(name, |(_, ours)| (*ours).to_owned()), number)
        })
        .collect();
    let declared: Vec<(String, i64)> = ours.values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    if !listed.is_empty() {
        assert_eq!(listed, declared, "values of {}", ours.name);
    }
    let bits = row["enum_values"].contains("(bit") || row["enum_values"].contains("0x");
    assert!(listed.is_empty() || bits == ours.bits, "{} is a mask in one list and no mask in the other", ours.name);
}

#[test]
fn every_avp_of_the_facts_is_declared_as_they_say() {
    let Some(rows) = spec("dictionary.csv") else { return };
    let mut differences = HashSet::new();
    for row in &rows {
        let key = Key::new(row["vendor_id"].parse().expect("vendor"), row["code"].parse().expect("code"));
        let ours = dictionary::lookup(key).unwrap_or_else(|| panic!("{} is not declared", row["name"]));
        assert_eq!(ours.name, row["name"]);
        assert_eq!(ours.kind.name(), row["type"], "{}", ours.name);
        let rule = match ours.mandatory {
            Rule::Must => "must",
            Rule::May => "may",
            Rule::MustNot => "mustnot",
        };
        assert_eq!(rule, row["m_flag"], "{}", ours.name);
        if !FULLER_GROUPS.contains(&ours.name) {
            assert_eq!(ours.clause, row["spec"], "{}", ours.name);
        }
        compare_values(row, ours);

        let words = names_of(&row["grouped_members"]);
        if words.is_empty() {
            continue;
        }
        assert_eq!(ours.open, words.iter().any(|word| is_any(word)), "*[AVP] of {}", ours.name);
        let differs = |member: &str| {
            OTHER_MEMBERS.iter().find(|(group, name, _)| *group == ours.name && *name == member).copied()
        };
        let mut theirs = Vec::new();
        for word in words.iter().filter(|word| !is_any(word)) {
            match differs(inner(word)) {
                Some(known) => {
                    differences.insert(known);
                }
                // In a group `<X>` fixes nothing: the order of members is free.
                None => theirs.push(word.replace('<', "{").replace('>', "}")),
            }
        }
        let declared: Vec<_> = ours
            .members
            .iter()
            .filter(|member| differs(member.definition.name).is_none())
            .map(|member| notation(member, false))
            .collect();
        if FULLER_GROUPS.contains(&ours.name) {
            assert!(theirs.iter().all(|member| declared.contains(member)), "{}", ours.name);
        } else {
            assert_eq!(declared, theirs, "members of {}", ours.name);
        }
    }
    assert_eq!(differences.len(), OTHER_MEMBERS.len(), "a difference is listed that no longer is one");
    println!("{} AVPs compared", rows.len());
}

#[test]
fn every_command_of_the_facts_is_declared_as_they_say() {
    let Some(rows) = spec("commands.csv") else { return };
    let mut compared = HashSet::new();
    for row in &rows {
        let code: u32 = row["code"].parse().expect("code");
        let request = row["kind"] == "request";
        for application in row["application_id"].split(';') {
            let application: u32 = application.parse().expect("application");
            let ours = interfaces::command(application, code, request)
                .unwrap_or_else(|| panic!("{} is not declared for application {application}", row["name"]));
            assert_eq!(ours.name, row["name"]);
            assert_eq!(ours.abbreviation, row["abbrev"], "{}", ours.name);
            assert_eq!(ours.code, code, "{}", ours.name);
            assert_eq!(ours.clause, row["spec"], "{}", ours.name);
            let flags: Vec<_> = row["header_flags"].split(',').collect();
            assert_eq!(ours.flags().is_request(), flags.contains(&"R"), "{}", ours.name);
            assert_eq!(ours.proxiable, flags.contains(&"P"), "{}", ours.name);
            let words = names_of(&row["grammar"]);
            assert!(words.iter().any(|word| is_any(word)), "{} is closed, ours are all open", ours.name);
            let theirs: Vec<_> = words.iter().filter(|word| !is_any(word)).cloned().collect();
            let declared: Vec<_> = ours.members.iter().map(|member| notation(member, true)).collect();
            assert_eq!(declared, theirs, "grammar of {}", ours.name);
            compared.insert((ours.name, code));
        }
    }
    // Those that no row lists are S6a's, whose grammars the facts do not hold, and our own.
    for interface in INTERFACES.iter().filter(|interface| !matches!(interface.name, "S6a")) {
        for command in interface.commands {
            let private = interface.vendor == dictionary::private::VENDOR;
            assert!(private || compared.contains(&(command.name, command.code)), "{} stands in no list", command.name);
        }
    }
    println!("{} commands compared", rows.len());
}
