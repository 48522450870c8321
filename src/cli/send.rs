//! `proselink send`: requests from a file to one peer, and its answers.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use clap::Args;

use super::call::draft::{self, Draft};
use super::call::{CallArgs, Caller, Dialogue, Early, Heard, session_id};
use super::decode::{self, Found};
use super::output::{self, Output};
use super::{Globals, exit};
use crate::avp::Avps;
use crate::avp::dictionary::{ExperimentalResult, ResultCode};
use crate::capture::{CapturedMessage, Timestamp, Transport};
use crate::interfaces;
use crate::message::check::{Strictness, check};
use crate::message::text::{self, Palette};
use crate::message::{HEADER_LENGTH, Header, find};
use crate::net::{Backend, Info, Options, Outgoing};
use crate::peer::requests::{set_end_to_end, set_hop_by_hop};

/// The arguments of `send`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SendArgs {
    /// Requests in JSON (as `decode --json` prints them) or YAML, one or several; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    call: CallArgs,
    /// Send the request as it stands, with nothing filled in but its identifiers
    #[arg(long)]
    bare: bool,
    /// Print the requests too, as they were sent
    #[arg(long)]
    echo: bool,
    /// One JSON object a line for each answer, as `decode --json`; the default when standard output is no terminal
    #[arg(long, conflicts_with = "tree")]
    json: bool,
    /// The whole tree; the default on a terminal
    #[arg(short = 'V', long)]
    tree: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink send --peer 'aaa://hss.example:3868;transport=tcp' examples/ulr.json
      one Update-Location-Request; the answer as a tree, or as JSON into a pipe
  proselink send --peer tcp:127.0.0.1:3868 --identity mme.example --realm example -w ulr.pcapng requests.yaml
      as whom, and with a capture of the exchange
  echo '{\"command\": \"Device-Watchdog-Request\"}' | proselink send --peer 127.0.0.13 -
      over SCTP, which is the default
  proselink send --peer aaas://hss.example --certificate me.pem --key me.key --ca ca.pem ulr.json
      over TLS; both sides show a certificate
  proselink send --peer tcp:127.0.0.1 --cer wrong-cer.json request.json
      what does the peer say to another CER? e.g. {\"avps\": [{\"name\": \"Host-IP-Address\", \"value\": \"192.0.2.1\"}]}

A request needs a command and its own AVPs, by name:
  {\"command\": \"Update-Location-Request\", \"avps\": [{\"name\": \"User-Name\", \"value\": \"001010000000001\"}, ...]}
Session-Id, origin and destination are filled in where they are left out.

Exit codes: 0 each answer says success, 1 one does not, 2 the request or the command line cannot be used,
3 no connection, refused, or no answer.";

/// Runs the verb; the result is the exit code.
pub fn run(args: SendArgs, globals: &Globals) -> u8 {
    let mut output = Output::new();
    output.live = true;
    let result = perform(args, globals, &mut output);
    if let Err(error) = output.flush() {
        return exit::of_output(&error);
    }
    result.unwrap_or_else(|early| {
        eprintln!("proselink send: {}", early.words);
        early.code
    })
}

fn perform(args: SendArgs, globals: &Globals, output: &mut Output) -> Result<u8, Early> {
    let documents = draft::read(&args.file).map_err(Early::usage)?;
    let drafts = documents.iter().map(draft::Document::draft).collect::<Result<Vec<_>, _>>().map_err(Early::usage)?;
    let caller = args.call.settle(drafts.iter(), Options::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Early::environment(format!("the system gives no event loop: {error}")))?;
    let mut sending = Sending {
        file: args.file.display().to_string(),
        tree: args.tree || !args.json && io::stdout().is_terminal(),
        bare: args.bare,
        echo: args.echo,
        palette: output::palette(globals),
        output,
        code: exit::GOOD,
    };
    let result = runtime.block_on(async {
        let interrupted = async {
            // Without a handler the signal ends the process by itself.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            result = sending.exchange(&caller, &drafts) => result,
            () = interrupted => Ok(exit::INTERRUPTED),
        }
    });
    caller.finish()?;
    result
}

struct Sending<'o> {
    file: String,
    tree: bool,
    bare: bool,
    echo: bool,
    palette: Palette,
    output: &'o mut Output,
    code: u8,
}

impl Sending<'_> {
    async fn exchange(&mut self, caller: &Caller, drafts: &[Draft]) -> Result<u8, Early> {
        let mut dialogue = caller.call(None).await?;
        tracing::info!(peer = %dialogue.peer().identity, product = %dialogue.peer().product, "connected");
        for (at, draft) in drafts.iter().enumerate() {
            if let Err(early) = self.one(caller, &mut dialogue, at as u64 + 1, draft).await {
                // What was answered before stays; the rest has no connection to go by.
                dialogue.close().await;
                return Err(early);
            }
        }
        dialogue.close().await;
        Ok(self.code)
    }

    /// Sends one request and prints its answer.
    async fn one(&mut self, caller: &Caller, dialogue: &mut Dialogue, number: u64, draft: &Draft) -> Result<(), Early> {
        let mut request = if self.bare {
            draft.as_is()
        } else {
            draft.complete(dialogue.local(), dialogue.peer(), &session_id(&dialogue.local().identity, number))
        };
        let identifier = dialogue.next_identifier();
        set_hop_by_hop(&mut request, identifier);
        if draft.header().end_to_end == 0 {
            set_end_to_end(&mut request, identifier);
        }
        let request = Bytes::from(request);
        let sent = Instant::now();
        let sender = dialogue.sender();
        let sent_off = sender.send(Outgoing::new(request.clone())).await;
        sent_off.map_err(|error| Early::environment(format!("the request was not sent: {error}")))?;
        if self.echo {
            self.print(&request, number, dialogue.info(), true, None)?;
        }
        let waiting = async {
            loop {
                match dialogue.hear().await {
                    Heard::Answer(header, answer) if header.hop_by_hop == identifier => return Ok(answer),
                    Heard::Answer(header, _) => {
                        let name = header.hop_by_hop;
                        tracing::warn!("an answer that nobody asked for, with Hop-by-Hop Identifier {name:#010x}");
                    }
                    Heard::End(words) => return Err(words),
                }
            }
        };
        let answer = match tokio::time::timeout(caller.timeout, waiting).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(words)) => {
                return Err(Early::environment(format!("request {number} was not answered: {words}")));
            }
            Err(_) => {
                let words = format!("request {number} was not answered within {:?}", caller.timeout);
                return Err(Early::environment(words));
            }
        };
        self.print(&answer, number, dialogue.info(), false, Some(sent.elapsed()))?;
        if !is_success(&answer) {
            self.code = exit::DIFFERS;
        }
        Ok(())
    }

    fn print(
        &mut self,
        message: &[u8],
        number: u64,
        info: &Info,
        ours: bool,
        took: Option<Duration>,
    ) -> Result<(), Early> {
        let Some(header) = Header::parse(message) else { return Ok(()) };
        let tcp = matches!(info.backend, Backend::Tcp | Backend::Tls);
        let (source, destination) = if ours { (info.local, info.remote) } else { (info.remote, info.local) };
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let captured = CapturedMessage {
            direction: 0,
            frame: number,
            index: 0,
            time: Timestamp::from_nanoseconds(i64::try_from(unix.as_nanos()).unwrap_or(i64::MAX)),
            transport: if tcp { Transport::Tcp } else { Transport::Sctp },
            source,
            destination,
            ppid: None,
            stream: None,
            association: 0,
            bytes: message,
        };
        let found = Found { file: &self.file, bytes: message, frame: number, index: 0, captured: Some(&captured) };
        let out = &mut self.output.text;
        if self.tree {
            let what = if ours { "request" } else { "answer" };
            let _ = write!(out, "{}{what} {number}  {} {source} > {destination}", self.palette.detail.on, info.backend);
            if let Some(took) = took {
                let _ = write!(out, "  {:.3} ms", took.as_secs_f64() * 1000.0);
            }
            let _ = writeln!(out, "{}", self.palette.detail.off);
            let faults = check(message, interfaces::command_of(&header), Strictness { unknown_mandatory: false });
            text::write_message(message, &faults, &self.palette, out);
            out.push('\n');
        } else {
            decode::write_json(&found, &header, out);
            if let Some(took) = took {
                out.truncate(out.len().saturating_sub(2));
                let _ = writeln!(out, r#","took":{:.6}}}"#, took.as_secs_f64());
            }
        }
        self.output
            .message_done()
            .map_err(|error| Early { words: format!("standard output: {error}"), code: exit::of_output(&error) })
    }
}

/// Whether an answer says that all went well, by Result-Code or Experimental-Result.
fn is_success(answer: &[u8]) -> bool {
    let body = Avps::new(answer.get(HEADER_LENGTH..).unwrap_or_default());
    let code = find::<ResultCode>(body)
        .or_else(|| find::<ExperimentalResult>(body).map(|result| result.experimental_result_code));
    code.is_some_and(|code| code / 1000 == 2)
}
