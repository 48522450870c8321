//! `demo --failures`: each row of the procedure's failure table on the wire, one after the other, in one capture.
//!
//! Each row is a network of its own: started, played and stopped, so that its associations stand whole in the capture and
//! no row leans on another. What came is read from the capture alone, and nothing may cross that the row does not name.

mod judge;
mod messages;
mod rows;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::watch;

use self::judge::Judged;
use self::messages::Known;
use self::rows::{Act, BEYOND, ROWS, Row};
use super::ladder::Ladder;
use super::network::{self, APP_SERVER, FUNCTION_2, MME, Network, NetworkError, Plan, Scene, UE};
use super::{DemoArgs, Early, Folder, annotate, exit, say};
use crate::net::{Net, Recorder};
use crate::node::{Handle, Observation, Observer};
use crate::registration::credential::Credential;
use crate::registration::ue::Phase;
use crate::registration::{Action, Element, Token};
use crate::verify;

/// How long a row may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers that came to each party.
type Answered = [u64; 6];

/// A row that was played: its frames, and what kept it from its end.
struct Played {
    row: &'static Row,
    /// Its first frame and the one behind its last.
    frames: (u64, u64),
    trouble: Option<String>,
}

/// Plays the rows and judges the capture.
pub(super) async fn conduct(args: &DemoArgs, colour: bool) -> Result<u8, Early> {
    let wanted = args.row.as_deref();
    let beyond = BEYOND.iter().filter(|_| wanted.is_some());
    let rows: Vec<_> = ROWS
        .iter()
        .chain(beyond)
        .enumerate()
        .filter(|(_, row)| wanted.is_none_or(|wanted| wanted == row.name))
        .collect();
    if rows.is_empty() {
        let names = ROWS.iter().chain(BEYOND).map(|row| row.name).collect::<Vec<_>>().join(", ");
        return Err(Early::Usage(format!("there is no row {}; the rows are {names}", wanted.unwrap_or_default())));
    }
    let folder = Folder::open(args.store.as_deref()).map_err(Early::Environment)?;
    let in_file = |error: &dyn std::fmt::Display| Early::Environment(format!("{}: {error}", args.write.display()));
    let recorder = Recorder::create(&args.write, Some(Box::new(annotate))).map_err(|error| in_file(&error))?;
    let net = network::transports(args.port, true, Some(recorder.clone()));
    let mut played = Vec::with_capacity(rows.len());
    for (number, row) in rows {
        let before = recorder.packets();
        let trouble = tokio::select! {
            trouble = play(number, row, &folder.path, &net) => trouble?,
            _ = tokio::signal::ctrl_c() => {
                let _ = recorder.finish();
                return Err(Early::Interrupted);
            }
        };
        played.push(Played { row, frames: (before + 1, recorder.packets() + 1), trouble });
    }
    let packets = recorder.finish().map_err(|error| in_file(&error))?;
    let told = judge::read(&args.write).map_err(|error| in_file(&error))?;
    let verdict = verify::verify_file(&args.write).map_err(|error| in_file(&error))?;
    let judged: Vec<_> = played.into_iter().map(|played| Judged::new(played, &told, &verdict.findings)).collect();
    // What verify finds outside of every row would be nobody's.
    let claimed: usize = judged.iter().map(|judged| judged.findings.len()).sum();
    let good = judged.iter().all(Judged::is_good) && claimed == verdict.findings.len();
    if args.json {
        let rows: Vec<_> = judged.iter().map(Judged::json).collect();
        say(&summary(args, &rows, &verdict, packets, good).to_string());
    } else {
        let ladder = Ladder { colour };
        judged.iter().for_each(|judged| judged.print(ladder));
        report(args, &judged, &verdict, packets, claimed);
    }
    Ok(if good { exit::GOOD } else { exit::DIFFERS })
}

fn summary(args: &DemoArgs, rows: &[Value], verdict: &verify::Report, packets: u64, good: bool) -> Value {
    json!({
        "v": 1,
        "good": good,
        "rows": rows,
        "capture": {
            "file": args.write.display().to_string(),
            "packets": packets,
            "messages": verdict.messages,
            "associations": verdict.associations,
            "requests": verdict.requests,
            "answered": verdict.answered,
            "findings": verdict.findings.len(),
        },
    })
}

fn report(args: &DemoArgs, judged: &[Judged], verdict: &verify::Report, packets: u64, claimed: usize) {
    let well = judged.iter().filter(|judged| judged.is_good()).count();
    say(&format!("{well} of {} rows went as the failure table says.", judged.len()));
    say(&format!(
        "{}: {packets} packets, {} messages, {} associations, {} of {} requests answered",
        args.write.display(),
        verdict.messages,
        verdict.associations,
        verdict.answered,
        verdict.requests,
    ));
    let all = verdict.findings.len();
    if well == judged.len() && claimed == all {
        say(&format!("verified: {all} findings, each of them what a row broke on purpose, and no other"));
    } else {
        say(&format!("not verified: {} of {all} findings belong to no row", all - claimed));
    }
}

/// Plays one row, from the first association to the last; answers what kept it from its end.
async fn play(number: usize, row: &Row, folder: &Path, net: &Net) -> Result<Option<String>, Early> {
    let store = folder.join(row.name);
    std::fs::create_dir_all(&store).map_err(|error| Early::Environment(format!("{}: {error}", store.display())))?;
    let port = net.options().udp_port;
    let scene = Scene { ues: 2, first: number, deny: false, port, store, network_key: network::seed()? };
    let mut plan = Plan::new(&scene)?;
    plan.links = row.links.to_vec();
    (row.stage)(&mut plan, number);
    let Some(credential) = plan.ue.devices.first().map(|device| device.credential.clone()) else { return Ok(None) };
    let (answered, count) = watch::channel(Answered::default());
    let observer: Observer = Arc::new(move |who, observation| {
        if let (Observation::Answered { .. }, Some(party)) = (observation, network::party(who)) {
            answered.send_modify(|answered| answered[party] += 1);
        }
    });
    let mut network = Network::raise(plan, net, observer).await?;
    let acts = async {
        for act in row.acts {
            if let Some(trouble) = perform(&mut network, *act, number, &credential, &count).await? {
                return Ok(Some(trouble));
            }
        }
        Ok::<_, NetworkError>(None)
    };
    let trouble = match tokio::time::timeout(PATIENCE, acts).await {
        Ok(trouble) => trouble?,
        Err(_) => Some(format!("not over after {} s", PATIENCE.as_secs())),
    };
    network.stop().await?;
    Ok(trouble)
}

async fn perform(
    network: &mut Network,
    act: Act,
    place: usize,
    credential: &Credential,
    answered: &watch::Receiver<Answered>,
) -> Result<Option<String>, NetworkError> {
    match act {
        Act::Attach => {
            network.ue.call(|ue, _, actions| ue.allocate(0, actions)).await?;
            let refused = network.ue.follow(|ue, _, _| ue.is_idle(0).then(|| ue.refused(0).cloned())).await?;
            return Ok(refused.map(|refused| format!("the UE has no ID1: {}", refused.text)));
        }
        Act::Register => register(network, 0).await?,
        Act::RegisterOther => register(network, 1).await?,
        Act::Send(from, to, write) => {
            let credential = credential.clone();
            let known = network.ue.call(move |ue, _, _| known(ue, place, credential)).await?;
            let message = write(&known);
            let mut count = answered.clone();
            let before = count.borrow_and_update()[from];
            match from {
                UE => dispatch(&network.ue, to, message).await?,
                MME => dispatch(&network.mme, to, message).await?,
                APP_SERVER => dispatch(&network.app_server, to, message).await?,
                FUNCTION_2 => dispatch(&network.function_2, to, message).await?,
                _ => return Ok(Some("nobody here sends for that party".to_owned())),
            }
            let _ = count.wait_for(|count| count[from] > before).await;
        }
        Act::Stop => network.stop_function().await?,
        Act::Hang => {
            if let Some(function) = &network.function {
                function.call(|function, _, _| function.fall_silent()).await?;
            }
        }
        Act::Expire => {
            let until = network.ue.call(|ue, _, _| ue.attachment(0).map(|held| held.valid_until.0)).await?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let left = Duration::from_secs(until.unwrap_or_default()).saturating_sub(now);
            tokio::time::sleep(left).await;
        }
    }
    Ok(None)
}

async fn register(network: &Network, device: usize) -> Result<(), NetworkError> {
    network.ue.call(move |ue, now, actions| ue.register(now, device, actions)).await?;
    Ok(network.ue.follow(move |ue, _, _| ue.is_idle(device).then_some(())).await?)
}

/// What there is to know of the first UE.
fn known(ue: &crate::registration::Ue, place: usize, credential: Credential) -> Known {
    let id2 = match ue.phase(0) {
        Some(Phase::Registered { id2 }) => Some(id2.clone()),
        _ => None,
    };
    Known { place, id1: ue.attachment(0).map(|held| held.id1), id2, credential }
}

/// Has an element's node send a message that the element itself would not.
async fn dispatch<E: Element + Send + 'static>(
    node: &Handle<E>,
    to: usize,
    message: Vec<u8>,
) -> Result<(), NetworkError> {
    // No element waits for this token, so the answer is nobody's but the capture's.
    let token = Token(u64::MAX);
    let destination = network::destination(to);
    node.call(move |_, _, actions| actions.push(Action::Send { token, destination, message })).await?;
    Ok(())
}
