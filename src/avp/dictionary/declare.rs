//! The one declaration of an AVP, and all that follows from it.
//!
//! ```text
//! ProsePermission = "ProSe-Permission" 3702 Unsigned32 must, "TS 29.344 6.3.3" bits { PROSE_DIRECT_DISCOVERY = 1 };
//! ^ Rust name       ^ name on paper    ^code ^format    ^M rule ^ clause         ^ named values or bits
//! ```
//!
//! A Grouped AVP goes on with its members: `open { ... }` where the grammar ends in `*[AVP]`, `closed { ... }` where it
//! does not. A member is `field: MULTIPLICITY Avp`, the multiplicity being `1` (required), `+` (required, repeatable),
//! `?` (optional) or `*` (optional, repeatable); in commands also `fixed` (required, first).
//!
//! From a line follow: a marker type with `KEY`, `DEFINITION` and a constant for each named value; for Grouped AVPs a
//! struct of the same name in `group`; the row in the look-up tables; name, format and values in text and JSON; the
//! sample that a Failed-AVP carries.

/// Declares the AVPs of one vendor. See the module's words.
macro_rules! avps {
    (
        vendor $vendor:literal;
        $(
            $(#[$meta:meta])*
            $ident:ident = $name:literal $code:literal $kind:ident $rule:ident, $clause:literal
            $( values { $($value:ident = $number:literal),* $(,)? } )?
            $( bits { $($bit:ident = $mask:literal),* $(,)? } )?
            $( open { $($member:ident : $many:tt $avp:ident),* $(,)? } )?
            $( closed { $($cmember:ident : $cmany:tt $cavp:ident),* $(,)? } )?
            ;
        )*
    ) => {
        $(
            $(#[$meta])*
            #[doc = concat!("`", $name, "`, AVP ", stringify!($code), ", ", stringify!($kind), ". ", $clause, ".")]
            #[derive(Clone, Copy, Debug)]
            pub struct $ident;

            impl $ident {
                /// Vendor and code.
                pub const KEY: u64 = $crate::avp::Key::new($vendor, $code).0;
                $($(
                    #[doc = concat!("`", stringify!($value), "`, ", stringify!($number), ".")]
                    pub const $value: <$crate::avp::format::$kind as $crate::avp::format::Format>::Value<'static> =
                        $number;
                )*)?
                $($(
                    #[doc = concat!("`", stringify!($bit), "`, the bit ", stringify!($mask), ".")]
                    pub const $bit: <$crate::avp::format::$kind as $crate::avp::format::Format>::Value<'static> =
                        $mask;
                )*)?
            }

            impl $crate::avp::dictionary::Declared for $ident {
                const DEFINITION: &'static $crate::avp::dictionary::Definition =
                    &$crate::avp::dictionary::Definition {
                        name: $name,
                        rust_name: stringify!($ident),
                        key: $crate::avp::Key(Self::KEY),
                        kind: $crate::avp::format::Kind::$kind,
                        mandatory: $crate::avp::dictionary::declare::rule!($rule),
                        clause: $clause,
                        values: &[
                            $($( (stringify!($value), $number as i64), )*)?
                            $($( (stringify!($bit), $mask as i64), )*)?
                        ],
                        bits: $crate::avp::dictionary::declare::bits!($( bits $($mask)* )?),
                        members: &[
                            $($( $crate::avp::dictionary::declare::member!($many $avp), )*)?
                            $($( $crate::avp::dictionary::declare::member!($cmany $cavp), )*)?
                        ],
                        open: $crate::avp::dictionary::declare::open!($( closed $($cavp)* )?),
                    };
                $crate::avp::dictionary::declare::value!($kind $ident);
            }
        )*

        /// The rows of this table, in its order.
        pub const TABLE: &[&$crate::avp::dictionary::Definition] =
            &[$(<$ident as $crate::avp::dictionary::Declared>::DEFINITION),*];

        /// The Grouped AVPs of this table as structs.
        pub mod group {
            $(
                $( $crate::avp::dictionary::declare::members! {
                    #[doc = concat!("The members of `", $name, "`. ", $clause, ".")]
                    $ident { $($member : $many $avp,)* }
                } )?
                $( $crate::avp::dictionary::declare::members! {
                    #[doc = concat!("The members of `", $name, "`. ", $clause, ".")]
                    $ident closed { $($cmember : $cmany $cavp,)* }
                } )?
            )*
        }
    };
}

/// Declares AVPs for look-up alone: rows without marker types, groups without grammar. A block names the vendor, the
/// clause and the M rule that its rows share:
///
/// ```text
/// vendor 10415, "TS 29.212 (Gx)", may { "Online" 1009 Enumerated values { "DISABLE_ONLINE" = 0 }; }
/// ```
macro_rules! rows {
    ($(
        vendor $vendor:literal, $clause:literal, $rule:ident {
            $( $name:literal $code:literal $kind:ident $( values { $($value:literal = $number:literal),* } )?; )*
        }
    )*) => {
        /// The rows of this table, in its order.
        pub const TABLE: &[&$crate::avp::dictionary::Definition] = &[$($(
            &$crate::avp::dictionary::Definition {
                name: $name,
                rust_name: "",
                key: $crate::avp::Key::new($vendor, $code),
                kind: $crate::avp::format::Kind::$kind,
                mandatory: $crate::avp::dictionary::declare::rule!($rule),
                clause: $clause,
                values: &[$($( ($value, $number as i64), )*)?],
                bits: false,
                members: &[],
                open: true,
            },
        )*)*];
    };
}

/// The M flag's rule from its word in the tables.
macro_rules! rule {
    (must) => {
        $crate::avp::dictionary::Rule::Must
    };
    (may) => {
        $crate::avp::dictionary::Rule::May
    };
    (mustnot) => {
        $crate::avp::dictionary::Rule::MustNot
    };
}

/// A group is open unless it was declared closed.
macro_rules! open {
    () => {
        true
    };
    (closed $($rest:tt)*) => {
        false
    };
}

/// Values are numbers unless they were declared as bits.
macro_rules! bits {
    () => {
        false
    };
    (bits $($rest:tt)*) => {
        true
    };
}

/// One row of a grammar.
macro_rules! member {
    (fixed $avp:ident) => {
        $crate::avp::dictionary::declare::member!(@ $avp, 1, 1, true)
    };
    (1 $avp:ident) => {
        $crate::avp::dictionary::declare::member!(@ $avp, 1, 1, false)
    };
    (+ $avp:ident) => {
        $crate::avp::dictionary::declare::member!(@ $avp, 1, u32::MAX, false)
    };
    (? $avp:ident) => {
        $crate::avp::dictionary::declare::member!(@ $avp, 0, 1, false)
    };
    (* $avp:ident) => {
        $crate::avp::dictionary::declare::member!(@ $avp, 0, u32::MAX, false)
    };
    (@ $avp:ident, $least:expr, $most:expr, $fixed:literal) => {
        $crate::avp::dictionary::Member {
            key: $crate::avp::Key($crate::avp::dictionary::$avp::KEY),
            definition: <$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::DEFINITION,
            least: $least,
            most: $most,
            fixed: $fixed,
        }
    };
}

/// The value of an AVP: that of its format, or the struct of a group.
macro_rules! value {
    (Grouped $ident:ident) => {
        type Value<'a> = group::$ident<'a>;
        #[inline]
        fn read(data: &[u8]) -> Option<Self::Value<'_>> {
            group::$ident::read_members($crate::avp::Avps::new(data))
        }
        #[inline]
        fn write(value: &Self::Value<'_>, out: &mut Vec<u8>) {
            value.write_members(out);
        }
    };
    (Address $ident:ident) => {
        type Value<'a> = $crate::avp::format::Address<'a>;
        $crate::avp::dictionary::declare::value!(@ Address);
    };
    ($kind:ident $ident:ident) => {
        type Value<'a> = <$crate::avp::format::$kind as $crate::avp::format::Format>::Value<'a>;
        $crate::avp::dictionary::declare::value!(@ $kind);
    };
    (@ $kind:ident) => {
        #[inline]
        fn read(data: &[u8]) -> Option<Self::Value<'_>> {
            <$crate::avp::format::$kind as $crate::avp::format::Format>::read(data)
        }
        #[inline]
        fn write(value: &Self::Value<'_>, out: &mut Vec<u8>) {
            <$crate::avp::format::$kind as $crate::avp::format::Format>::write(value, out);
        }
    };
}

/// A struct with a field for each named member, and `extra` for all others in order. Commands and groups share it.
macro_rules! members {
    (
        $(#[$meta:meta])*
        $ident:ident $($closed:ident)? { $($member:ident : $many:tt $avp:ident,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $ident<'a> {
            $(
                #[doc = concat!("`", stringify!($avp), "`.")]
                pub $member: $crate::avp::dictionary::declare::field!($many $avp),
            )*
            /// Members that the grammar allows without naming them, in the order they came.
            pub extra: Vec<$crate::avp::Avp<'a>>,
        }

        impl<'a> $ident<'a> {
            /// Reads the members; `None` at the first that does not fit the grammar. The checks in
            /// [`crate::message::check`] then say what it was: good messages do not pay for the words.
            #[allow(unused_mut)]
            #[inline]
            pub(crate) fn read_members(walk: $crate::avp::Avps<'a>) -> Option<Self> {
                $( let mut $member = $crate::avp::dictionary::declare::slot!($many $avp); )*
                let mut extra = Vec::new();
                for avp in walk {
                    let avp = avp.ok()?;
                    match avp.key.0 {
                        $( $crate::avp::dictionary::$avp::KEY => $crate::avp::dictionary::declare::fill!($many $avp $member avp.data), )*
                        _ => $crate::avp::dictionary::declare::extra!($ident $($closed)? avp, extra)?,
                    }
                }
                Some(Self { $( $member: $crate::avp::dictionary::declare::take!($many $member), )* extra })
            }

            /// Appends the members in the grammar's order, then those of `extra`.
            #[inline]
            pub(crate) fn write_members(&self, out: &mut Vec<u8>) {
                $( $crate::avp::dictionary::declare::put!($many $avp self.$member, out); )*
                for avp in &self.extra {
                    $crate::avp::dictionary::write_whole(avp, out);
                }
            }
        }
    };
}

/// Takes a member that the grammar does not name.
macro_rules! extra {
    (FailedAvp $avp:ident, $extra:ident) => {
        $crate::avp::dictionary::take_failed($avp, &mut $extra)
    };
    ($ident:ident closed $avp:ident, $extra:ident) => {
        $crate::avp::dictionary::take_unknown($avp, &mut $extra)
    };
    ($ident:ident $avp:ident, $extra:ident) => {
        $crate::avp::dictionary::take_extra($avp, &mut $extra)
    };
}

/// The type of a field by its multiplicity.
macro_rules! field {
    (fixed $avp:ident) => { <$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::Value<'a> };
    (1 $avp:ident) => { <$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::Value<'a> };
    (? $avp:ident) => { Option<<$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::Value<'a>> };
    (+ $avp:ident) => { Vec<<$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::Value<'a>> };
    (* $avp:ident) => { Vec<<$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::Value<'a>> };
}

/// Where a member's value waits during the walk.
macro_rules! slot {
    (+ $avp:ident) => {
        Vec::new()
    };
    (* $avp:ident) => {
        Vec::new()
    };
    ($many:tt $avp:ident) => {
        None
    };
}

/// Puts a value in its slot; leaves the walk when the value does not fit or the slot is taken.
macro_rules! fill {
    (+ $avp:ident $slot:ident $data:expr) => {
        $slot.push(<$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::read($data)?)
    };
    (* $avp:ident $slot:ident $data:expr) => {
        $slot.push(<$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::read($data)?)
    };
    ($many:tt $avp:ident $slot:ident $data:expr) => {{
        if $slot.is_some() {
            return None;
        }
        $slot = Some(<$crate::avp::dictionary::$avp as $crate::avp::dictionary::Declared>::read($data)?);
    }};
}

/// Empties a slot at the end of the walk; leaves when a required member is missing.
macro_rules! take {
    (+ $slot:ident) => {
        if $slot.is_empty() { return None } else { $slot }
    };
    (* $slot:ident) => {
        $slot
    };
    (? $slot:ident) => {
        $slot
    };
    ($many:tt $slot:ident) => {
        $slot?
    };
}

/// Appends a member.
macro_rules! put {
    (? $avp:ident $value:expr, $out:ident) => {
        if let Some(value) = &$value {
            $crate::avp::dictionary::write_avp::<$crate::avp::dictionary::$avp>(value, $out);
        }
    };
    (+ $avp:ident $value:expr, $out:ident) => {
        for value in &$value {
            $crate::avp::dictionary::write_avp::<$crate::avp::dictionary::$avp>(value, $out);
        }
    };
    (* $avp:ident $value:expr, $out:ident) => {
        for value in &$value {
            $crate::avp::dictionary::write_avp::<$crate::avp::dictionary::$avp>(value, $out);
        }
    };
    ($many:tt $avp:ident $value:expr, $out:ident) => {
        $crate::avp::dictionary::write_avp::<$crate::avp::dictionary::$avp>(&$value, $out);
    };
}

pub(crate) use {avps, bits, extra, field, fill, member, members, open, put, rows, rule, slot, take, value};
