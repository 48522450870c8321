//! A capture of a case.

use std::collections::HashMap;
use std::io;

use super::report::CaseReport;
use crate::capture::write::{CaptureWriter, Direction, Message, SctpConversation, TcpConversation, WriteError};
use crate::conform::Said;

enum Kind {
    Sctp(SctpConversation),
    Tcp(TcpConversation),
}

/// Writes what was said as packets of made-up connections: the messages are those of the wire, the packets are not. Gives the
/// frame in which each message begins.
///
/// # Errors
/// When the file cannot be written.
pub fn write(report: &CaseReport, sctp: bool, to: impl io::Write) -> Result<Vec<u64>, WriteError> {
    let mut writer = CaptureWriter::new(to, "proselink")?;
    let (mut frame, mut frames) = (0, Vec::new());
    let mut lines: HashMap<&str, (Kind, bool)> = HashMap::new();
    let mut last = 0;
    for spoken in &report.spoken {
        let at = u64::try_from((report.began + spoken.at).as_nanos()).unwrap_or(u64::MAX);
        let next = frame + 1;
        let mut emit = |packet: &[u8], comment: Option<&str>| {
            last = at.max(last + 1);
            frame += 1;
            writer.write_packet(last, packet, comment)
        };
        match &spoken.what {
            Said::Up { we_called, local, remote } => {
                let (client, server) = if *we_called { (*local, *remote) } else { (*remote, *local) };
                let seed = spoken.at.as_nanos() as u64;
                let mut kind = match sctp {
                    true => Kind::Sctp(SctpConversation::new(client, server, None, seed)),
                    false => Kind::Tcp(TcpConversation::new(client, server, seed)),
                };
                match &mut kind {
                    Kind::Sctp(line) => line.open(&mut emit)?,
                    Kind::Tcp(line) => line.open(&mut emit)?,
                }
                lines.insert(&spoken.party, (kind, *we_called));
            }
            Said::Message(ours, bytes, stream, ppid) => {
                frames.push(next);
                let Some((kind, we_called)) = lines.get_mut(spoken.party.as_str()) else { continue };
                let direction = if ours == we_called { Direction::ToServer } else { Direction::ToClient };
                let message = Message { direction, bytes, ppid: *ppid, stream: *stream, comment: None };
                match kind {
                    Kind::Sctp(line) => line.message(&message, &mut emit)?,
                    Kind::Tcp(line) => line.message(&message, &mut emit)?,
                }
            }
            Said::Down(ours, why) => {
                let Some((mut kind, we_called)) = lines.remove(spoken.party.as_str()) else { continue };
                let direction = if *ours == we_called { Direction::ToServer } else { Direction::ToClient };
                match (&mut kind, why.is_some()) {
                    (Kind::Sctp(line), false) => line.close(direction, &mut emit)?,
                    (Kind::Tcp(line), false) => line.close(direction, &mut emit)?,
                    (Kind::Sctp(line), true) => line.abort(direction, &mut emit)?,
                    (Kind::Tcp(line), true) => line.abort(direction, &mut emit)?,
                }
            }
        }
    }
    writer.finish()?;
    Ok(frames)
}
