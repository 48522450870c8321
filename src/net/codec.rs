//! Diameter messages over a byte stream: the tokio-util codec over the pure [framing].

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::message::framing::{self, DEFAULT_MESSAGE_LIMIT, Frame, FramingError};

/// Cuts a byte stream into messages; each item is one whole message, header included, sharing the read buffer.
#[derive(Clone, Debug)]
pub struct MessageCodec {
    limit: usize,
    /// Octets consumed so far, so that an error can say where in the stream it is.
    offset: u64,
}

/// Why the stream ended: the transport's error, or octets that are no message.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The transport failed, or ended inside a message.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The octets are not Diameter, or a message is over the limit.
    #[error(transparent)]
    Framing(#[from] FramingError),
}

impl MessageCodec {
    /// A codec that refuses messages longer than `limit` octets.
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Self { limit, offset: 0 }
    }

    /// Octets of the stream that are already cut into messages.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl Default for MessageCodec {
    fn default() -> Self {
        Self::with_limit(DEFAULT_MESSAGE_LIMIT)
    }
}

impl Decoder for MessageCodec {
    type Item = Bytes;
    type Error = CodecError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, CodecError> {
        match framing::examine(buffer, self.offset, self.limit)? {
            Frame::Message(length) => {
                self.offset += length as u64;
                Ok(Some(buffer.split_to(length).freeze()))
            }
            Frame::Need(more) => {
                // Room for the whole message at once; the length was judged against the limit.
                buffer.reserve(more);
                Ok(None)
            }
        }
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, CodecError> {
        match self.decode(buffer)? {
            Some(message) => Ok(Some(message)),
            None if buffer.is_empty() => Ok(None),
            None => Err(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                format!("the stream ended {} octets into the message at octet {}", buffer.len(), self.offset),
            )
            .into()),
        }
    }
}

impl Encoder<Bytes> for MessageCodec {
    type Error = CodecError;

    /// Appends one message. What the other side would refuse as framing is refused here.
    fn encode(&mut self, message: Bytes, buffer: &mut BytesMut) -> Result<(), CodecError> {
        match framing::examine(&message, 0, self.limit)? {
            Frame::Message(length) if length == message.len() => {
                buffer.extend_from_slice(&message);
                Ok(())
            }
            _ => Err(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                format!("{} octets handed over are not exactly one message", message.len()),
            )
            .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn message(length: usize, fill: u8) -> Bytes {
        let mut bytes = vec![fill; length];
        bytes[0] = 1;
        bytes[1..4].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
        bytes.into()
    }

    #[test]
    fn past_the_limit_the_error_names_offset_length_and_limit() {
        let mut codec = MessageCodec::with_limit(40);
        let mut buffer = BytesMut::from(&message(40, 0)[..]);
        buffer.extend_from_slice(&message(44, 0));
        assert_eq!(codec.decode(&mut buffer).unwrap().unwrap().len(), 40);
        let error = codec.decode(&mut buffer).unwrap_err().to_string();
        assert_eq!(error, "the message at octet 40 states a length of 44, more than the limit of 40 octets");
    }

    #[test]
    fn a_stream_that_ends_inside_a_message_says_so() {
        let mut codec = MessageCodec::default();
        let mut buffer = BytesMut::from(&message(40, 0)[..30]);
        let error = codec.decode_eof(&mut buffer).unwrap_err().to_string();
        assert_eq!(error, "the stream ended 30 octets into the message at octet 0");
        assert!(MessageCodec::default().decode_eof(&mut BytesMut::new()).unwrap().is_none());
    }

    #[test]
    fn half_a_message_is_not_sent() {
        let mut buffer = BytesMut::new();
        assert!(MessageCodec::default().encode(message(40, 0).slice(..36), &mut buffer).is_err());
        assert!(buffer.is_empty());
    }

    proptest! {
        /// However the network cuts the stream, the same messages come out.
        #[test]
        fn any_split_gives_the_same_messages(
            lengths in proptest::collection::vec(5usize..60, 1..20),
            cuts in proptest::collection::vec(1usize..50, 1..60),
        ) {
            let messages: Vec<Bytes> = lengths.iter().enumerate().map(|(i, words)| message(words * 4, i as u8)).collect();
            let mut stream = BytesMut::new();
            let mut encoder = MessageCodec::default();
            for each in &messages {
                encoder.encode(each.clone(), &mut stream).unwrap();
            }
            let (mut codec, mut buffer, mut got) = (MessageCodec::default(), BytesMut::new(), Vec::new());
            let mut cuts = cuts.iter().cycle();
            while !stream.is_empty() {
                let cut = (*cuts.next().unwrap()).min(stream.len());
                buffer.extend_from_slice(&stream.split_to(cut));
                while let Some(each) = codec.decode(&mut buffer).unwrap() {
                    got.push(each);
                }
            }
            prop_assert_eq!(got, messages);
            prop_assert!(codec.decode_eof(&mut buffer).unwrap().is_none());
        }
    }
}
