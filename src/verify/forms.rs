//! The forms of messages that were found good: which AVPs stand in which order, flags and groups included.
//!
//! Grammar, flags and lengths of a message follow from its form alone, and a peer sends few forms. So a message of a form that
//! was judged once is read against it: the headers are compared, formats and padding looked at, and what other rooms ask
//! about is taken on the way. Anything else goes the long way, and a message that comes out of it without a word leaves its
//! form here.
//!
//! The forms are a tree of AVP headers. It is bounded, and begins anew when it is full.

use crate::avp::dictionary::{
    self, Definition, ExperimentalResult, ExperimentalResultCode, FailedAvp, OriginHost, OriginStateId, ProxyInfo,
    ResultCode, SessionId, SubscriptionData, UserName,
};
use crate::avp::format::{Kind, Verdict, is_identity, is_text};
use crate::avp::{Avp, AvpFlags, Avps, Key};
use crate::message::check::NESTING_LIMIT;
use crate::message::{HEADER_LENGTH, Header};

use super::survey::{Survey, number};
use super::values::Content;

/// AVPs in all forms together.
const NODES: usize = 1 << 14;
/// AVPs that are known to follow one place; beyond it the long way is as good.
const SIBLINGS: usize = 16;
/// The V flag in the first eight octets of an AVP.
const VENDOR: u64 = (AvpFlags::VENDOR as u64) << 24;
/// No such node.
const NONE: u32 = u32::MAX;
/// The message may end here.
const WHOLE: u32 = u32::MAX - 1;

/// What is asked of the data of an AVP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    /// Any octets will do.
    Any,
    Four,
    Eight,
    Text,
    Identity,
    /// What [`Kind::judge`] says, then [`Content::fits`].
    Judged,
    /// Digits of an IMSI.
    Imsi,
    Group,
    /// AVPs whose headers alone must be sound: those of Failed-AVP are there because they do not fit.
    Headers,
}

/// What other rooms take from an AVP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    Session,
    OriginHost,
    UserName,
    Result,
    Experimental,
    ExperimentalCode,
    Failed,
    OriginState,
    Proxy,
    Subscription,
}

/// An AVP behind those before it.
struct Node {
    /// Code and flags as the first eight octets of the AVP have them, without its length.
    head: u64,
    vendor: u32,
    data: Data,
    role: Role,
    /// For [`Data::Judged`].
    content: Content,
    definition: Option<&'static Definition>,
    /// The first AVP that may come next: the first member, where this is a group.
    next: u32,
    /// Another AVP that may stand here.
    other: u32,
    /// What comes where the group, or the message, ends behind this: a node without AVP, or [`WHOLE`].
    end: u32,
}

impl Node {
    const fn of(key: Key, flags: u8, data: Data, role: Role) -> Self {
        let head = (key.code() as u64) << 32 | (flags as u64) << 24;
        let content = Content::Any;
        Self { head, vendor: key.vendor(), data, role, content, definition: None, next: NONE, other: NONE, end: NONE }
    }

    /// A place without AVP: the beginning of a message, or the end of a group.
    const fn place() -> Self {
        Self::of(Key(0), 0, Data::Any, Role::None)
    }
}

/// All forms of a capture.
#[derive(Default)]
pub(super) struct Forms {
    nodes: Vec<Node>,
}

impl Forms {
    /// The beginning of the forms of a command; `None` when there is no room for more.
    pub fn root(&mut self) -> Option<u32> {
        self.add(Node::place())
    }

    /// True when it is time to forget all of them.
    pub fn is_full(&self) -> bool {
        self.nodes.len() >= NODES
    }

    fn add(&mut self, node: Node) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        self.nodes.push(node);
        Some((self.nodes.len() - 1) as u32)
    }

    /// Reads the AVPs of a message by the forms that begin at `root`, and takes from them what is in the survey.
    /// A message that is read so is good; false tells nothing.
    #[inline]
    pub fn read<'a>(&self, root: u32, message: &'a [u8], survey: &mut Survey<'a>) -> bool {
        self.walk(root, message, survey).is_some()
    }

    #[inline]
    fn walk<'a>(&self, root: u32, message: &'a [u8], survey: &mut Survey<'a>) -> Option<()> {
        let mut node = self.nodes.get(root as usize)?;
        let (mut ends, mut depth) = ([0; NESTING_LIMIT], 0);
        let (mut at, mut end) = (HEADER_LENGTH, message.len());
        loop {
            if at == end {
                if depth == 0 {
                    return (node.end == WHOLE).then_some(());
                }
                node = self.nodes.get(node.end as usize)?;
                depth -= 1;
                end = *ends.get(depth)?;
                continue;
            }
            let rest = message.get(at..end)?;
            let word = u64::from_be_bytes(*rest.first_chunk::<8>()?);
            let (head, stated) = (word & !0xff_ffff, (word & 0xff_ffff) as usize);
            let (vendor, header) = if word & VENDOR == 0 {
                (0, 8)
            } else {
                let [.., a, b, c, d] = rest.first_chunk::<12>()?;
                (u32::from_be_bytes([*a, *b, *c, *d]), 12)
            };
            let mut next = node.next;
            node = loop {
                let node = self.nodes.get(next as usize)?;
                if node.head == head && node.vendor == vendor {
                    break node;
                }
                next = node.other;
            };
            let data = rest.get(header..stated)?;
            let padded = stated.next_multiple_of(4);
            if padded != stated {
                let last = rest.get(..padded)?.last_chunk::<4>()?;
                if u32::from_be_bytes(*last) << (8 * (stated & 3)) != 0 {
                    return None;
                }
            }
            let fits = match node.data {
                Data::Any => true,
                Data::Four => data.len() == 4,
                Data::Eight => data.len() == 8,
                Data::Text => is_text(data),
                Data::Identity => is_identity(data),
                Data::Imsi => Content::is_imsi(data),
                Data::Judged => node.definition.is_some_and(|definition| {
                    definition.kind.judge(data) == Verdict::Good && node.content.fits(definition, data)
                }),
                Data::Group => padded == stated,
                Data::Headers => Avps::new(data).all(|avp| avp.is_ok()),
            };
            if !fits {
                return None;
            }
            match node.role {
                Role::None => {}
                Role::Session => survey.session = Some(data),
                Role::OriginHost => survey.origin_host = Some(data),
                Role::UserName => survey.user_name = Some(data),
                Role::Result => survey.result = number(data),
                Role::Experimental => survey.experimental = Some(0),
                Role::ExperimentalCode => survey.experimental = number(data),
                Role::Failed => survey.failed = true,
                Role::OriginState => survey.origin_state = number(data),
                Role::Proxy => survey.proxy(data),
                Role::Subscription => survey.subscription = true,
            }
            if node.data == Data::Group {
                *ends.get_mut(depth)? = end;
                depth += 1;
                end = at + stated;
                at += header;
            } else {
                at += padded;
            }
        }
    }

    /// Keeps the form of a message that was judged and in which nothing was found.
    #[cold]
    pub fn keep(&mut self, root: u32, header: &Header, message: &[u8]) {
        let body = message.get(HEADER_LENGTH..).unwrap_or_default();
        if let Some(last) = self.members(root, body, (header, None), 0)
            && let Some(node) = self.nodes.get_mut(last as usize)
        {
            node.end = WHOLE;
        }
    }

    /// The last of the neighbours in `bytes`, which follow `from`.
    fn members(&mut self, from: u32, bytes: &[u8], within: (&Header, Option<Key>), depth: usize) -> Option<u32> {
        let (header, group) = within;
        let (mut last, mut session) = (from, false);
        for avp in Avps::new(bytes) {
            let avp = avp.ok()?;
            let definition = dictionary::lookup(avp.key);
            let content = definition.map_or(Content::Any, |definition| Content::of(definition, header));
            let data = data_of(&avp, definition, content);
            let mut role = role_of(avp.key, group, depth);
            if role == Role::Session && std::mem::replace(&mut session, true) {
                role = Role::None;
            }
            let node = Node { content, definition, ..Node::of(avp.key, avp.flags.0, data, role) };
            last = self.child(last, node)?;
            if data == Data::Group {
                if depth + 1 >= NESTING_LIMIT {
                    return None;
                }
                let member = self.members(last, avp.data, (header, Some(avp.key)), depth + 1)?;
                last = match self.nodes.get(member as usize)?.end {
                    NONE => {
                        let place = self.add(Node::place())?;
                        self.nodes.get_mut(member as usize)?.end = place;
                        place
                    }
                    place => place,
                };
            }
        }
        Some(last)
    }

    /// The node of an AVP behind another one.
    fn child(&mut self, parent: u32, node: Node) -> Option<u32> {
        let mut at = self.nodes.get(parent as usize)?.next;
        for _ in 0..SIBLINGS {
            let Some(known) = self.nodes.get(at as usize) else {
                let first = self.nodes.get(parent as usize)?.next;
                let new = self.add(Node { other: first, ..node })?;
                self.nodes.get_mut(parent as usize)?.next = new;
                return Some(new);
            };
            if (known.head, known.vendor) == (node.head, node.vendor) {
                return Some(at);
            }
            at = known.other;
        }
        None
    }
}

fn data_of(avp: &Avp<'_>, definition: Option<&Definition>, content: Content) -> Data {
    let Some(definition) = definition else { return Data::Any };
    match definition.kind {
        _ if content == Content::Imsi => Data::Imsi,
        _ if content != Content::Any => Data::Judged,
        Kind::Grouped if avp.key.0 == FailedAvp::KEY => Data::Headers,
        Kind::Grouped => Data::Group,
        Kind::OctetString => Data::Any,
        Kind::UTF8String => Data::Text,
        Kind::DiameterIdentity => Data::Identity,
        kind => match kind.fixed_length() {
            Some(4) => Data::Four,
            Some(_) => Data::Eight,
            None => Data::Judged,
        },
    }
}

fn role_of(key: Key, group: Option<Key>, depth: usize) -> Role {
    match (key.0, depth) {
        (SessionId::KEY, 0) => Role::Session,
        (OriginHost::KEY, 0) => Role::OriginHost,
        (UserName::KEY, 0) => Role::UserName,
        (ResultCode::KEY, 0) => Role::Result,
        (ExperimentalResult::KEY, 0) => Role::Experimental,
        (ExperimentalResultCode::KEY, 1) if group == Some(Key(ExperimentalResult::KEY)) => Role::ExperimentalCode,
        (FailedAvp::KEY, 0) => Role::Failed,
        (OriginStateId::KEY, 0) => Role::OriginState,
        (ProxyInfo::KEY, 0) => Role::Proxy,
        (SubscriptionData::KEY, 0) => Role::Subscription,
        _ => Role::None,
    }
}
