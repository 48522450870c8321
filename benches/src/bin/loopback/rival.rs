//! The crate `diameter` on both ends. It has no peer machine: no capabilities exchange, no watchdog, no duplicates.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use diameter::avp::AvpValue;
use diameter::dictionary::Dictionary;
use diameter::transport::client::{DiameterClient, DiameterClientConfig};
use diameter::transport::server::{DiameterServer, DiameterServerConfig};
use proselink_benches::{rival_b, rival_b_answer};
use tokio::sync::Mutex;

use crate::{Error, Round, Until, dictionary};

/// Listens; what it returns serves.
pub async fn serve(address: &str) -> Result<impl Future<Output = ()> + Send + use<>, Error> {
    let dictionary = dictionary();
    let mut server = DiameterServer::new(address, DiameterServerConfig { native_tls: None }).await?;
    Ok(async move {
        let ours = Arc::clone(&dictionary);
        let answer = move |request: diameter::DiameterMessage| {
            let dictionary = Arc::clone(&ours);
            async move { Ok(rival_b_answer(&dictionary, request.get_hop_by_hop_id(), request.get_end_to_end_id())) }
        };
        let _ = server.listen(answer, dictionary).await;
    })
}

/// A connected client.
pub struct Client {
    client: Mutex<DiameterClient>,
    dictionary: Arc<Dictionary>,
}

/// Connects.
pub async fn connect(address: &str) -> Result<Client, Error> {
    let dictionary = dictionary();
    let mut client = DiameterClient::new(address, DiameterClientConfig { use_tls: false, verify_cert: false });
    let mut handler = client.connect().await?;
    let shared = Arc::clone(&dictionary);
    tokio::spawn(async move { DiameterClient::handle(&mut handler, shared).await });
    Ok(Client { client: Mutex::new(client), dictionary })
}

/// One round. The server answers in order, so the oldest request is waited for: the cheapest way to keep so many outstanding.
pub async fn round(client: &Client, outstanding: usize, until: Until) -> Result<Round, Error> {
    let dictionary = &client.dictionary;
    let mut client = client.client.lock().await;
    let mut waiting = VecDeque::with_capacity(outstanding);
    let begun = Instant::now();
    let mut round = Round { latencies: Vec::with_capacity(1 << 20), ..Round::default() };
    let mut sent = 0;
    loop {
        while waiting.len() < outstanding && !until.is_over(begun, sent) {
            let number = client.get_next_seq_num();
            let at = Instant::now();
            waiting.push_back((at, client.send_message(rival_b(dictionary, number, number)).await?));
            sent += 1;
        }
        let Some((at, answer)) = waiting.pop_front() else { break };
        let answer = answer.await?;
        let code = answer.get_avp(268).map(|avp| avp.get_value());
        if !matches!(code, Some(AvpValue::Unsigned32(code)) if code.value() == 2001) {
            return Err("an answer without success".into());
        }
        round.latencies.push(at.elapsed().as_nanos().min(u128::from(u32::MAX)) as u32);
        round.transactions += 1;
    }
    round.elapsed = begun.elapsed();
    Ok(round)
}
