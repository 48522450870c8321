//! What an operator sees of a running function: its UEs, one of them, and the moves under way. Values to be printed or sent
//! as JSON; subscribers are masked, ID1 and ID2 are not.

use serde::Serialize;

/// A page of the UEs that have a context here, in the order of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UePage {
    /// How many there are in all.
    pub total: u64,
    /// Those of this page.
    pub ues: Vec<UeLine>,
    /// Where the next page begins, given back as it is; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A UE in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UeLine {
    /// Masked.
    pub imsi: String,
    /// Sixteen hexadecimal digits.
    pub id1: String,
    /// Seconds for which ID1 is still good; 0 once it has expired or was revoked.
    pub valid_for: u64,
    /// `registered`, `moving` or `moved`.
    pub state: &'static str,
    /// How many users are bound to it.
    pub bindings: usize,
}

/// All of one UE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UeView {
    /// Masked.
    pub imsi: String,
    /// Masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msisdn: Option<String>,
    /// Sixteen hexadecimal digits.
    pub id1: String,
    /// Seconds for which ID1 is still good; 0 once it has expired or was revoked.
    pub valid_for: u64,
    /// ID1s it held before and that are still honoured.
    pub previous_id1: Vec<String>,
    /// `registered`, `moving` or `moved`.
    pub state: &'static str,
    /// The function it moves or has moved to, ID5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The bits of ProSe-Permission.
    pub permission: u32,
    /// Seconds until the context is forgotten, unless it is renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forgotten_in: Option<u64>,
    /// The user at each application.
    pub bindings: Vec<BindingView>,
    /// The move that brought it here, while that is not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival: Option<MoveView>,
    /// Requests about it that wait for the one under way.
    pub waiting: usize,
}

/// A user bound to a UE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BindingView {
    /// ProSe Application ID.
    pub application: String,
    /// Origin-Host of the app server.
    pub app_server: String,
    /// ID2.
    pub id2: String,
    /// Unix seconds.
    pub bound_at: u64,
}

/// What is still to be told to somebody: the moves that are not finished, and UEs that have gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moves {
    /// Those of this page.
    pub moves: Vec<MoveView>,
    /// The app servers that did not answer last time, and those that have something under way.
    pub app_servers: Vec<AppServerView>,
    /// Where the next page begins, given back as it is; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A UE that came from another function, or has gone, and who has yet to learn it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MoveView {
    /// `move`, `farewell`, or `purge` when the HSS has yet to hear that a UE has gone.
    pub kind: &'static str,
    /// Masked.
    pub imsi: String,
    /// ID4, the ID1 it has here; of a UE that has gone the one it had.
    pub id1: String,
    /// The ID1 it had before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_id1: Option<String>,
    /// The function it came from, the old ID3; absent once nobody has to hear of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whether the old function has confirmed that it let the UE go (CRA), or the HSS its purge (PNA); absent when it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Delivery>,
    /// Each app server of the UE.
    pub app_servers: Vec<Delivery>,
}

/// How far one message is on its way to one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Origin-Host of the node.
    pub host: String,
    /// The application whose user is concerned; empty for a function.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub application: String,
    /// `queued` (for its turn), `sent` (its answer is awaited), `waiting` (for the next try) or `told`.
    pub state: &'static str,
    /// Tries that went wrong so far.
    pub attempts: u32,
    /// Seconds until the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_in: Option<u64>,
    /// What went wrong the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_cause: Option<String>,
}

/// An app server as the function finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppServerView {
    /// Its Origin-Host.
    pub host: String,
    /// `up` or `down`: whether it answered last time.
    pub state: &'static str,
    /// Messages whose answer is awaited.
    pub sent: usize,
    /// Messages that wait for a place, or for the next try.
    pub queued: usize,
    /// Tries in vain since it last answered.
    pub attempts: u32,
    /// Seconds until the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_in: Option<u64>,
    /// What went wrong the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_cause: Option<String>,
}
