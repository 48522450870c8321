//! One declaration a command, and all that follows from it: the struct, both directions, its row in the list of its
//! interface, and an arm in the interface's enum.
//!
//! ```text
//! ProseNotifyRequest = "ProSe-Notify-Request" "PNR" 8388666 request proxiable, "TS 29.344 6.2.7" {
//!     session_id: fixed SessionId, ..., user_name: ? UserName, ...
//! }
//! ```
//!
//! Multiplicities are those of `avp::dictionary::declare`. Every command of the base protocol and of 3GPP ends
//! in `*[AVP]`: what the grammar does not name rides in `extra`.

use crate::avp::dictionary::declare::member;
use crate::avp::dictionary::{Declared, Member};
use crate::avp::{Avps, Fault};

use super::check;
use super::header::{CommandFlags, HEADER_LENGTH, Header, VERSION};

/// All that is known of a command.
#[derive(Clone, Copy, Debug)]
pub struct CommandDefinition {
    /// Name as its specification prints it, `-Request` or `-Answer` included.
    pub name: &'static str,
    /// Abbreviation; not unique (PIR means two things), so never shown without its application.
    pub abbreviation: &'static str,
    /// Command code.
    pub code: u32,
    /// True for a request.
    pub request: bool,
    /// True when the P bit is set.
    pub proxiable: bool,
    /// Where it is defined.
    pub clause: &'static str,
    /// The grammar, in its order.
    pub members: &'static [Member],
}

impl CommandDefinition {
    /// The name without `-Request` or `-Answer`, which stands for both.
    #[must_use]
    pub fn stem(&self) -> &'static str {
        self.name.strip_suffix("-Request").or_else(|| self.name.strip_suffix("-Answer")).unwrap_or(self.name)
    }

    /// The command flags of a message that is neither an error nor sent again.
    #[must_use]
    pub const fn flags(&self) -> CommandFlags {
        let request = if self.request { CommandFlags::REQUEST } else { 0 };
        let proxiable = if self.proxiable { CommandFlags::PROXIABLE } else { 0 };
        CommandFlags(request | proxiable)
    }
}

/// The answer to a request that met a protocol error, whatever its command. RFC 6733 section 7.2.
pub const ERROR_ANSWER: &[Member] = &[
    member!(?SessionId),
    member!(1 OriginHost),
    member!(1 OriginRealm),
    member!(1 ResultCode),
    member!(?OriginStateId),
    member!(?ErrorMessage),
    member!(?ErrorReportingHost),
    member!(?FailedAvp),
    member!(?ExperimentalResult),
    member!(*ProxyInfo),
];

/// The fields of a header that a command does not fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Application-Id.
    pub application: u32,
    /// Hop-by-Hop Identifier.
    pub hop_by_hop: u32,
    /// End-to-End Identifier.
    pub end_to_end: u32,
}

impl Envelope {
    /// The envelope of the answer to a request: the same three numbers.
    #[must_use]
    pub const fn answering(request: &Header) -> Self {
        Self { application: request.application, hop_by_hop: request.hop_by_hop, end_to_end: request.end_to_end }
    }
}

/// A command as a type.
pub trait Command<'a>: Sized {
    /// The row of the tables.
    const DEFINITION: &'static CommandDefinition;
    /// Reads the AVPs; `None` at the first that does not fit.
    fn read(walk: Avps<'a>) -> Option<Self>;
    /// Appends the AVPs.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads a whole message. The header's command is not compared: the caller dispatched by it.
    ///
    /// # Errors
    /// All faults of the message, in the order met, as a receiver answers them; never none. An answer with the E bit is
    /// judged by this command's grammar too: a caller who expects errors looks at that bit before.
    #[inline]
    fn decode(message: &'a [u8]) -> Result<Self, Vec<Fault>> {
        match message.get(HEADER_LENGTH..).and_then(|body| Self::read(Avps::new(body))) {
            Some(command) => Ok(command),
            None => Err(check::refusal(message, Self::DEFINITION)),
        }
    }

    /// Appends the whole message with the command's usual flags.
    #[inline]
    fn encode(&self, envelope: Envelope, out: &mut Vec<u8>) {
        self.encode_with(envelope, Self::DEFINITION.flags(), Self::DEFINITION.code, out);
    }

    /// Appends the whole message with other flags (E, T) or another code (a command with two).
    #[inline]
    fn encode_with(&self, envelope: Envelope, flags: CommandFlags, code: u32, out: &mut Vec<u8>) {
        let start = out.len();
        let header = Header {
            version: VERSION,
            length: 0,
            flags,
            code,
            application: envelope.application,
            hop_by_hop: envelope.hop_by_hop,
            end_to_end: envelope.end_to_end,
        };
        out.extend_from_slice(&header.to_bytes());
        self.write(out);
        finish_message(start, out);
    }

    /// The whole message in a buffer of its own.
    fn to_bytes(&self, envelope: Envelope) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        self.encode(envelope, &mut out);
        out
    }
}

/// Writes the length of the message that begins at `start`.
#[inline]
pub(crate) fn finish_message(start: usize, out: &mut [u8]) {
    let length = (out.len() - start) as u32 & 0xff_ffff;
    if let Some(field) = out.get_mut(start..start + 4) {
        field.copy_from_slice(&((u32::from(VERSION) << 24) | length).to_be_bytes());
    }
}

/// Reads one AVP by its type from a message's body, without a struct: the first that fits.
#[must_use]
#[inline]
pub fn find<A: Declared>(body: Avps<'_>) -> Option<A::Value<'_>> {
    let key = A::DEFINITION.key;
    body.map_while(Result::ok).find(|avp| avp.key == key).and_then(|avp| A::read(avp.data))
}

/// Declares the commands of one interface. See the module's words.
macro_rules! commands {
    (
        $(#[$enum_meta:meta])*
        enum $enum:ident $( also $(#[$seen_meta:meta])* $seen_name:ident = $seen:literal as $known:literal )?;
        $(
            $(#[$meta:meta])*
            $ident:ident = $name:literal $abbreviation:literal $code:literal $direction:ident $proxy:ident,
                $clause:literal
            { $($member:ident : $many:tt $avp:ident),* $(,)? }
        )*
    ) => {
        $(
            $crate::avp::dictionary::declare::members! {
                $(#[$meta])*
                #[doc = concat!("\n\n`", $name, "` (", $abbreviation, "), command ", stringify!($code), ".")]
                $ident { $($member : $many $avp,)* }
            }

            impl<'a> $crate::message::Command<'a> for $ident<'a> {
                const DEFINITION: &'static $crate::message::CommandDefinition =
                    &$crate::message::CommandDefinition {
                        name: $name,
                        abbreviation: $abbreviation,
                        code: $code,
                        request: $crate::message::declare::word!($direction),
                        proxiable: $crate::message::declare::word!($proxy),
                        clause: $clause,
                        members: &[$( $crate::avp::dictionary::declare::member!($many $avp), )*],
                    };
                #[inline]
                fn read(walk: $crate::avp::Avps<'a>) -> Option<Self> {
                    Self::read_members(walk)
                }
                #[inline]
                fn write(&self, out: &mut Vec<u8>) {
                    self.write_members(out);
                }
            }
        )*

        /// The commands of this interface, in the order of its specification.
        pub const COMMANDS: &[&$crate::message::CommandDefinition] =
            &[$( <$ident<'static> as $crate::message::Command<'static>>::DEFINITION, )*];

        $(
            $(#[$seen_meta])*
            pub const $seen_name: u32 = $seen;
        )?

        /// Other codes under which a command is accepted: (code seen, code in [`COMMANDS`]).
        pub const OTHER_CODES: &[(u32, u32)] = &[$( ($seen, $known) )?];

        $(#[$enum_meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "a message is decoded in place and matched at once")]
        pub enum $enum<'a> {
            $(
                #[doc = concat!("`", $name, "`.")]
                $ident($ident<'a>),
            )*
        }

        impl<'a> $enum<'a> {
            /// The row of the tables.
            #[must_use]
            pub const fn definition(&self) -> &'static $crate::message::CommandDefinition {
                match self {
                    $( Self::$ident(_) => <$ident<'static> as $crate::message::Command<'static>>::DEFINITION, )*
                }
            }

            /// Appends the whole message with the command's usual flags.
            pub fn encode(&self, envelope: $crate::message::Envelope, out: &mut Vec<u8>) {
                match self {
                    $( Self::$ident(command) => $crate::message::Command::encode(command, envelope, out), )*
                }
            }

            /// Reads a message of this interface by code and R bit, a second code of a command included. The application is
            /// not compared: a code means one thing within an interface.
            ///
            /// # Errors
            /// All faults of the message; a code this interface lacks is `UnknownCommand`.
            pub fn decode(message: &'a [u8]) -> Result<Self, Vec<$crate::avp::Fault>> {
                let Some(header) = $crate::message::Header::parse(message) else {
                    return Err($crate::message::check::check(
                        message,
                        None,
                        $crate::message::check::Strictness { unknown_mandatory: true },
                    ));
                };
                let code = match header.code {
                    $( $seen => $known, )?
                    code => code,
                };
                match (code, header.is_request()) {
                    $(
                        ($code, $crate::message::declare::word!($direction)) => {
                            <$ident<'a> as $crate::message::Command<'a>>::decode(message).map(Self::$ident)
                        }
                    )*
                    _ => Err(vec![$crate::avp::Fault::of_header(
                        $crate::avp::FaultKind::UnknownCommand(header.code),
                    )]),
                }
            }
        }
    };
}

/// The words of a declaration as truth values.
macro_rules! word {
    (request) => {
        true
    };
    (answer) => {
        false
    };
    (proxiable) => {
        true
    };
    (local) => {
        false
    };
}

pub(crate) use {commands, word};
