use super::packet::{add, fold};
use super::*;
use std::process::Command;

/// A watchdog request of `length` octets: header, Origin-Host and Origin-Realm, and padding in a Product-Name.
fn message(length: usize) -> Vec<u8> {
    let mut bytes = vec![1, 0, 0, 0, 0x80, 0, 1, 24, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    for (code, text) in [(264u32, "a.example"), (296, "example")] {
        bytes.extend_from_slice(&code.to_be_bytes());
        bytes.extend_from_slice(&((text.len() as u32 + 8) | 0x4000_0000).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    let rest = length - bytes.len();
    bytes.extend_from_slice(&269u32.to_be_bytes());
    bytes.extend_from_slice(&(rest as u32).to_be_bytes());
    bytes.resize(length, b'x');
    bytes[1..4].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
    bytes
}

fn tshark(file: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("tshark")
        .args(["-r"])
        .arg(file)
        .args(["-o", "sctp.checksum:CRC-32C", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"])
        .args(["-o", "ip.check_checksum:TRUE"])
        .args(arguments)
        .output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            eprintln!("skipped: tshark cannot be run here ({error})");
            None
        }
    }
}

fn addresses(v6: bool) -> (SocketAddr, SocketAddr) {
    let text = if v6 { ("[::1]:40000", "[::2]:3868") } else { ("127.0.0.1:40000", "127.0.0.2:3868") };
    (text.0.parse().unwrap(), text.1.parse().unwrap())
}

#[test]
fn tshark_reads_whole_conversations_without_a_complaint() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("made-up.pcapng");
    let (small, large) = (message(88), message(60_000));
    let messages = [
        Message { direction: Direction::ToServer, bytes: &small, ppid: 46, stream: 0, comment: Some("a watchdog") },
        Message { direction: Direction::ToClient, bytes: &large, ppid: 46, stream: 3, comment: None },
        Message { direction: Direction::ToServer, bytes: &large, ppid: 0, stream: 0, comment: None },
    ];
    let mut writer = CaptureWriter::new(std::fs::File::create(&file).unwrap(), "made up").unwrap();
    let mut time = 1_700_000_000_123_456_789;
    time = synthesize_association(&mut writer, addresses(false), Some((9899, 9899)), (time, 1000), &messages).unwrap();
    time = synthesize_association(&mut writer, addresses(true), Some((9899, 9899)), (time, 1000), &messages).unwrap();
    time = synthesize_association(&mut writer, addresses(false), None, (time, 1000), &messages).unwrap();
    time = synthesize_connection(&mut writer, addresses(false), (time, 1000), &messages).unwrap();
    synthesize_connection(&mut writer, addresses(true), (time, 1000), &messages).unwrap();
    let packets = writer.packets();
    writer.finish().unwrap();

    let Some(frames) = tshark(&file, &["-T", "fields", "-e", "frame.number"]) else { return };
    assert_eq!(frames.lines().count() as u64, packets);
    let faults = tshark(
        &file,
        &["-Y", "_ws.malformed || _ws.expert.severity >= \"Warning\" || sctp.checksum.status == \"Bad\"", "-V"],
    );
    assert_eq!(faults.unwrap(), "");
    let good = tshark(&file, &["-Y", "sctp.checksum.status == \"Good\"", "-T", "fields", "-e", "frame.number"]);
    let sctp = tshark(&file, &["-Y", "sctp", "-T", "fields", "-e", "frame.number"]);
    assert!(good == sctp && !good.unwrap().is_empty());
    let lengths = tshark(&file, &["-Y", "diameter", "-T", "fields", "-e", "diameter.length"]).unwrap();
    let lengths: Vec<&str> = lengths.lines().collect();
    assert_eq!(lengths, ["88", "60000", "60000"].repeat(5));
    let first = tshark(&file, &["-c", "5", "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.comment"]).unwrap();
    assert!(first.starts_with("1700000000.123456789\t\n"), "{first}");
    assert!(first.contains("a watchdog"), "{first}");
}

#[test]
fn a_packet_between_families_or_beyond_the_length_field_is_refused() {
    let (v4, v6) = (addresses(false).0, addresses(true).0);
    let error = udp_packet(&mut Vec::new(), v4, v6, &[]).unwrap_err();
    assert!(error.to_string().contains("one is IPv4, the other IPv6"));
    assert!(matches!(udp_packet(&mut Vec::new(), v4, v4, &[0; 65_508]), Err(WriteError::TooLong { .. })));
    udp_packet(&mut Vec::new(), v4, v4, &[0; 65_507]).unwrap();
}

#[test]
fn odd_octets_count_in_the_checksum() {
    // RFC 1071's example and its sum.
    assert_eq!(fold(add(0, &[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])), 0xddf2);
    assert_eq!(fold(add(0, &[0x12])), 0x1200);
}

#[test]
fn long_comments_are_cut_between_characters() {
    assert_eq!(shorten("short"), "short");
    let long = "ü".repeat(2000);
    assert!(shorten(&long).len() <= 1001 && long.starts_with(shorten(&long)));
}
