//! A keyed permutation of sequences of symbols: an alternating Feistel network over mixed alphabets.

/// A keyed hash: a pseudorandom function such as HMAC-SHA-256, with its key inside.
pub trait Keyed {
    /// The hash of `input`.
    fn hash(&self, input: &[u8]) -> [u8; 32];
}

/// Rounds; NIST SP 800-38G takes ten for FF1.
const ROUNDS: u8 = 10;

pub(super) struct Cipher<'k> {
    keyed: &'k dyn Keyed,
}

/// One symbol: its number, and how many its alphabet has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    pub value: u16,
    pub of: u16,
}

impl<'k> Cipher<'k> {
    pub const fn new(keyed: &'k dyn Keyed) -> Self {
        Self { keyed }
    }

    /// Permutes the sequences of one shape (the alphabets, in order) under `label`. No two sequences become the same one.
    pub fn permute(&self, label: &str, symbols: &mut [Symbol]) {
        let shape: Vec<u16> = symbols.iter().map(|symbol| symbol.of).collect();
        let (left, right) = symbols.split_at_mut(symbols.len() / 2);
        if left.is_empty() {
            // A single symbol has no other half: it is moved on by a step that is never none.
            for symbol in right.iter_mut().filter(|symbol| symbol.of > 1) {
                let step = self.stream(label, u8::MAX, &shape, &[], 1).first().copied().unwrap_or_default();
                let step = 1 + step % u32::from(symbol.of - 1);
                symbol.value = ((u32::from(symbol.value) + step) % u32::from(symbol.of)) as u16;
            }
            return;
        }
        for round in 0..ROUNDS {
            let (from, to) = if round % 2 == 0 { (&*right, &mut *left) } else { (&*left, &mut *right) };
            let values: Vec<u16> = from.iter().map(|symbol| symbol.value).collect();
            let steps = self.stream(label, round, &shape, &values, to.len());
            for (symbol, step) in to.iter_mut().zip(steps) {
                let of = u32::from(symbol.of.max(1));
                symbol.value = ((u32::from(symbol.value) + step % of) % of) as u16;
            }
        }
    }

    /// Octets that follow from `content` alone: what secrets become.
    pub fn octets(&self, label: &str, content: &[u8], count: usize) -> Vec<u8> {
        let shape: Vec<u16> = content.iter().map(|octet| u16::from(*octet)).collect();
        self.stream(label, u8::MAX - 1, &shape, &[], count.div_ceil(4))
            .into_iter()
            .flat_map(u32::to_be_bytes)
            .take(count)
            .collect()
    }

    fn stream(&self, label: &str, round: u8, shape: &[u16], values: &[u16], count: usize) -> Vec<u32> {
        let mut input = Vec::with_capacity(32 + label.len() + 2 * (shape.len() + values.len()));
        // Each part tells its length, so that no two inputs are the same octets.
        input.extend_from_slice(b"proselink anonymize 1\0");
        for part in [label.len(), shape.len(), values.len()] {
            input.extend_from_slice(&(part as u64).to_be_bytes());
        }
        input.extend_from_slice(label.as_bytes());
        shape.iter().chain(values).for_each(|value| input.extend_from_slice(&value.to_be_bytes()));
        input.push(round);
        let end = input.len();
        let mut words = Vec::with_capacity(count.next_multiple_of(8));
        let mut block = 0_u32;
        while words.len() < count {
            input.truncate(end);
            input.extend_from_slice(&block.to_be_bytes());
            let hash = self.keyed.hash(&input);
            words.extend(
                hash.chunks_exact(4).filter_map(|word| word.first_chunk()).map(|word| u32::from_be_bytes(*word)),
            );
            block = block.wrapping_add(1);
        }
        words.truncate(count);
        words
    }
}
