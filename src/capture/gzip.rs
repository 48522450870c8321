//! Gzip, RFC 1952: what is before a damaged place comes out to the last octet, however the input arrives. (The decoders
//! of flate2 that implement `Read` drop what they made of a block in the moment its damage shows.)

use std::io::{self, ErrorKind, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Octets read at a time.
const INPUT: usize = 32 << 10;
/// At least the window of deflate, so that inflating never holds back what it has.
const OUTPUT: usize = 64 << 10;

/// The members of a gzip file, one after another, as one stream.
pub(super) struct Gunzip<R> {
    inner: R,
    input: Box<[u8]>,
    /// What of `input` is read and not consumed.
    pending: std::ops::Range<usize>,
    output: Box<[u8]>,
    /// What of `output` is inflated and not handed out.
    ready: std::ops::Range<usize>,
    inflate: Decompress,
    sum: Crc,
    state: State,
}

enum State {
    /// Before a member; true for the first.
    Header(bool),
    Body,
    Trailer,
    /// Handed out after what is ready.
    Failed(Option<io::Error>),
    Ended,
}

fn damage(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

impl<R: Read> Gunzip<R> {
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            input: vec![0; INPUT].into_boxed_slice(),
            pending: 0..0,
            output: vec![0; OUTPUT].into_boxed_slice(),
            ready: 0..0,
            inflate: Decompress::new(false),
            sum: Crc::new(),
            state: State::Header(true),
        }
    }

    /// Octets that are not consumed; none at the end of the file.
    fn pending(&mut self) -> io::Result<&[u8]> {
        while self.pending.is_empty() {
            match self.inner.read(&mut self.input) {
                Ok(0) => break,
                Ok(n) => self.pending = 0..n.min(INPUT),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.input.get(self.pending.clone()).unwrap_or_default())
    }

    fn octet(&mut self) -> io::Result<u8> {
        let octet = self.pending()?.first().copied();
        self.pending.start += usize::from(octet.is_some());
        octet.ok_or_else(|| io::Error::new(ErrorKind::UnexpectedEof, "it ends within a header or trailer"))
    }

    fn octets<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut out = [0; N];
        for octet in &mut out {
            *octet = self.octet()?;
        }
        Ok(out)
    }

    /// Reads the header of a member; false when the file ends before it.
    fn header(&mut self, first: bool) -> io::Result<bool> {
        if !first && self.pending()?.is_empty() {
            return Ok(false);
        }
        let [one, two, method, flags, ..] = self.octets::<10>()?;
        if (one, two) != (0x1f, 0x8b) {
            return Err(damage("no header where a member should begin"));
        }
        if method != 8 {
            return Err(damage("a compression method other than deflate"));
        }
        if flags & 4 != 0 {
            for _ in 0..u16::from_le_bytes(self.octets()?) {
                self.octet()?;
            }
        }
        // A name, and a comment, each to its zero.
        for bit in [8, 16] {
            while flags & bit != 0 && self.octet()? != 0 {}
        }
        if flags & 2 != 0 {
            self.octets::<2>()?;
        }
        self.inflate.reset(false);
        self.sum.reset();
        Ok(true)
    }

    /// Inflates once; what was made is ready whether or not the input goes on.
    fn body(&mut self) -> io::Result<State> {
        self.pending()?;
        let input = self.input.get(self.pending.clone()).unwrap_or_default();
        let at_end = input.is_empty();
        let (consumed, made) = (self.inflate.total_in(), self.inflate.total_out());
        let result = self.inflate.decompress(input, &mut self.output, FlushDecompress::None);
        let consumed = (self.inflate.total_in() - consumed) as usize;
        let made = (self.inflate.total_out() - made) as usize;
        self.pending.start = (self.pending.start + consumed).min(self.pending.end);
        self.ready = 0..made.min(OUTPUT);
        self.sum.update(self.output.get(self.ready.clone()).unwrap_or_default());
        match result {
            Ok(Status::StreamEnd) => Ok(State::Trailer),
            Ok(_) if made == 0 && at_end => Err(io::Error::new(ErrorKind::UnexpectedEof, "it ends within its data")),
            // Neither input taken nor output made: it would never go on.
            Ok(_) if made == 0 && consumed == 0 => Err(damage("deflate data that lead nowhere")),
            Ok(_) => Ok(State::Body),
            Err(_) => Err(damage("corrupt deflate data")),
        }
    }

    fn trailer(&mut self) -> io::Result<State> {
        let sum = u32::from_le_bytes(self.octets()?);
        let length = u32::from_le_bytes(self.octets()?);
        if (sum, length) == (self.sum.sum(), self.sum.amount()) {
            Ok(State::Header(false))
        } else {
            Err(damage("a wrong checksum or length at the end of a member"))
        }
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.ready.is_empty() {
                let n = self.ready.len().min(out.len());
                if let (Some(to), Some(from)) = (out.get_mut(..n), self.output.get(self.ready.start..)) {
                    to.copy_from_slice(from.get(..n).unwrap_or_default());
                }
                self.ready.start += n;
                return Ok(n);
            }
            let next = match &mut self.state {
                State::Header(first) => {
                    let first = *first;
                    self.header(first).map(|more| if more { State::Body } else { State::Ended })
                }
                State::Body => self.body(),
                State::Trailer => self.trailer(),
                State::Failed(error) => {
                    let error = error.take();
                    self.state = State::Ended;
                    return error.map_or(Ok(0), Err);
                }
                State::Ended => return Ok(0),
            };
            self.state = next.unwrap_or_else(|error| State::Failed(Some(error)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;
    use flate2::{Compression, GzBuilder};

    use super::*;

    fn packed(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// Hands out `.1` octets at a time.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(out.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn unpack(packed: &[u8], piece: usize) -> (Vec<u8>, Option<String>) {
        let mut out = Vec::new();
        let error = Gunzip::new(Pieces(packed, piece)).read_to_end(&mut out).err();
        (out, error.map(|error| error.to_string()))
    }

    /// Text that deflates to several blocks.
    fn plain() -> Vec<u8> {
        (0..40_000_u32).flat_map(|n| format!("{} ", n.wrapping_mul(2_654_435_761) % 1000).into_bytes()).collect()
    }

    #[test]
    fn members_follow_one_another() {
        let plain = plain();
        let named = GzBuilder::new().filename("a").comment("b").extra(vec![1, 2, 3]);
        let mut encoder = named.write(packed(&plain), Compression::best());
        encoder.write_all(b"the end").unwrap();
        let file = encoder.finish().unwrap();
        for piece in [1, 7, 1 << 20] {
            let (out, error) = unpack(&file, piece);
            assert_eq!(error, None);
            assert!(out.strip_suffix(b"the end") == Some(&plain[..]));
        }
    }

    #[test]
    fn what_is_before_the_damage_comes_out_however_it_arrives() {
        let plain = plain();
        let whole = packed(&plain);
        for at in (10..whole.len()).step_by(997) {
            for file in [whole[..at].to_vec(), [&whole[..at], &[whole[at] ^ 0x55], &whole[at + 1..]].concat()] {
                let at_once = unpack(&file, 1 << 20);
                assert!(at_once.1.is_some());
                assert_eq!(unpack(&file, 61), at_once);
            }
        }
        let (out, error) = unpack(&whole[..whole.len() / 2], 1 << 20);
        assert!(plain.starts_with(&out) && out.len() > plain.len() / 3, "{} of {}", out.len(), plain.len());
        assert_eq!(error.as_deref(), Some("it ends within its data"));
    }

    #[test]
    fn each_damage_has_its_sentence() {
        let whole = packed(b"some text");
        let changed = |at: usize| {
            let mut file = whole.clone();
            file[at] ^= 0xff;
            unpack(&file, 4).1.unwrap()
        };
        assert_eq!(changed(2), "a compression method other than deflate");
        assert_eq!(changed(whole.len() - 1), "a wrong checksum or length at the end of a member");
        assert_eq!(changed(whole.len() - 8), "a wrong checksum or length at the end of a member");
        let trailing = [&whole[..], b"more than ten octets"].concat();
        assert_eq!(unpack(&trailing, 4), (b"some text".to_vec(), Some("no header where a member should begin".into())));
    }
}
