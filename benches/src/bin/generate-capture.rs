//! Writes a synthetic capture for measurements: S6a Update-Location requests (message b, 380 octets) and their answers, on
//! SCTP over IP, as MMEs and an HSS exchange them.
//!
//! `generate-capture FILE [MESSAGES] [ASSOCIATIONS]`: 1,000,000 messages on 1,000 associations unless told otherwise. The
//! same arguments give the same octets.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use proselink::capture::write::{CaptureWriter, Direction, Emit, Message, SctpConversation, WriteError};
use proselink_benches::{message_b, message_b_answer};

/// 2026-11-02 09:00 UTC, in nanoseconds.
const START: u64 = 1_793_610_000_000_000_000;
/// Between two packets.
const STEP: u64 = 10_000;
const PPID: u32 = 46;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else { return usage("the FILE to write is missing") };
    let (Some(messages), Some(associations)) =
        (number(arguments.next(), 1_000_000), number(arguments.next(), 1_000).filter(|number| *number <= 60_000))
    else {
        return usage("MESSAGES is a number, and ASSOCIATIONS one up to 60,000");
    };
    match File::create(&path).map_err(WriteError::from).and_then(|file| write(file, messages, associations)) {
        Ok(packets) => {
            println!("{path}: {messages} messages on {associations} associations in {packets} packets");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("generate-capture: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage(what: &str) -> ExitCode {
    eprintln!("generate-capture: {what}\nusage: generate-capture FILE [MESSAGES] [ASSOCIATIONS]");
    ExitCode::from(2)
}

fn number(text: Option<String>, otherwise: u64) -> Option<u64> {
    text.map_or(Some(otherwise), |text| text.parse().ok()).filter(|number| *number > 0)
}

/// Pairs of request and answer go round the associations, so that neighbours in the file belong to different ones.
fn write(file: File, messages: u64, associations: u64) -> Result<u64, WriteError> {
    let mut writer = CaptureWriter::new(BufWriter::with_capacity(1 << 20, file), "synthetic")?;
    let hss = SocketAddr::from((Ipv4Addr::new(10, 255, 0, 1), 3868));
    let mut conversations: Vec<_> = (0..associations)
        .map(|number| {
            let mme = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 1).to_bits() + number as u32);
            SctpConversation::new(SocketAddr::from((mme, 40_000)), hss, None, number)
        })
        .collect();
    let mut time = START;
    let mut emit = |packet: &[u8], comment: Option<&str>| {
        time += STEP;
        writer.write_packet(time, packet, comment)
    };
    let emit: &mut Emit<'_> = &mut emit;
    for conversation in &mut conversations {
        conversation.open(emit)?;
    }
    let (mut request, mut answer) = (message_b(), message_b_answer());
    for number in 0..messages {
        let pair = number / 2;
        let Some(conversation) = conversations.get_mut((pair % associations) as usize) else { break };
        let (direction, bytes) =
            if number % 2 == 0 { (Direction::ToServer, &mut request) } else { (Direction::ToClient, &mut answer) };
        for ids in [12..16, 16..20] {
            bytes[ids].copy_from_slice(&(pair as u32 + 1).to_be_bytes());
        }
        let stream = (pair / associations % 16) as u16;
        conversation.message(&Message { direction, bytes, ppid: PPID, stream, comment: None }, emit)?;
    }
    for conversation in &mut conversations {
        conversation.close(Direction::ToServer, emit)?;
    }
    let packets = writer.packets();
    writer.finish()?.flush()?;
    Ok(packets)
}
