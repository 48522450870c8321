//! Export and import: a store as lines of text and back. The lines stand in [`portable`](super::super::portable).

use super::super::encoding::users as user_encoding;
use super::super::engine::users::{lead_keys, record_key};
use super::super::portable::{Context, Counts, Deletion, FORMAT, Header, Line, LineFault, User, Value, parsed};
use super::super::tables::Map;
use super::super::{ID1_BLOCKS, RecordFault, StoreError, encoding, engine};
use super::EmbeddedReader;
use super::file::{fault, make};
use super::schema::SCHEMA;
use super::tables::definition;
use crate::registration::identifiers::Imsi;
use redb::{Database, WriteTransaction};
use std::collections::HashSet;
use std::io::{self, BufRead, Write};
use std::path::Path;

/// Why a store was not exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("writing the export failed: {0}")]
    Write(io::Error),
    #[error("reading the export failed: {0}")]
    Read(io::Error),
    #[error("line {line}: {fault}")]
    Line { line: u64, fault: LineFault },
    #[error("line {line}: {what}")]
    Content { line: u64, what: String },
    #[error("line 1 does not say that this is an export of a store, {{\"proselink_store\":{FORMAT},...}}")]
    NoHeader,
    #[error("the export is of format {found}, this proselink reads {FORMAT}: import it with a newer one")]
    NewerFormat { found: u64 },
    #[error("the export ends after line {lines} without its last line: it was cut short, take another")]
    CutShort { lines: u64 },
    #[error("the export holds {found:?} and should hold {expected:?}: lines are missing, take another")]
    Incomplete { found: Counts, expected: Counts },
}

/// The longest line that is read: a context with a few thousand users.
const MOST_LINE_OCTETS: u64 = 4 << 20;
/// Records made durable at once by an import.
const TOGETHER: u64 = 16_384;

/// Writes all of a store as of one moment, while its writer goes on. `out` should be buffered.
///
/// # Errors
/// The store cannot be read, or `out` not be written.
pub fn export(reader: &EmbeddedReader, out: &mut impl Write) -> Result<Counts, TransferError> {
    let snapshot = reader.snapshot()?;
    let mut line = |line: &Line| {
        let text = line.text().map_err(|fault| TransferError::Line { line: 0, fault })?;
        writeln!(out, "{text}").map_err(TransferError::Write)
    };
    line(&Line::Header(Header {
        proselink_store: FORMAT,
        schema: SCHEMA,
        cursor: snapshot.system(engine::SEQUENCE)?,
        horizon: snapshot.system(engine::HORIZON)?,
    }))?;
    let mut counts = Counts::default();
    snapshot.each(Map::Contexts, |_, record| {
        counts.contexts += 1;
        let stored = encoding::decode(record).map_err(StoreError::Record)?;
        line(&Line::Context { context: Box::new(Context::of(&stored)) })
    })?;
    snapshot.each(Map::Users, |_, record| {
        counts.users += 1;
        let stored = user_encoding::decode(record).map_err(StoreError::Record)?;
        line(&Line::User { user: Box::new(User::of(&stored)) })
    })?;
    snapshot.each(Map::Values, |key, octets| {
        counts.values += 1;
        let key = std::str::from_utf8(key).map_err(|_| RecordFault::Value { what: "the key of a value" });
        let key = key.map_err(StoreError::Record)?.to_owned();
        line(&Line::Value { value: Value::new(key, octets) })
    })?;
    snapshot.each(Map::Deleted, |key, value| {
        counts.deletions += 1;
        let (cursor, imsi) = engine::deletion(key, value)?;
        line(&Line::Deleted { deleted: Deletion { cursor, imsi: imsi.reveal() } })
    })?;
    line(&Line::End { end: counts })?;
    out.flush().map_err(TransferError::Write)?;
    Ok(counts)
}

/// What an import has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub counts: Counts,
    /// The numbers of the allocators of ID1s, and the blocks they go on with.
    pub id1_blocks: Vec<(String, u64)>,
}

/// Blocks of ID1s that an import passes over unless told otherwise: of the 262,144 that an allocator has, enough for 268
/// million ID1s, or 4,096 restarts, between the export and the loss of the store.
pub const SKIPPED_BLOCKS: u64 = 4096;

/// Makes the store `path` from an export: whole, or not at all.
///
/// `skipped_blocks` is how far the allocators of ID1s go on behind where the export left them: what they gave out after
/// the export is not in it, and none of it may be given out again. Zero makes the very same store, and is right only when
/// the function did not run since the export.
///
/// # Errors
/// There is a file at `path`, the export is damaged or of a newer format, or the disk fails.
pub fn import(path: &Path, input: &mut impl BufRead, skipped_blocks: u64) -> Result<Imported, TransferError> {
    let mut result = Err(TransferError::NoHeader);
    let made = make(path, super::Options::default().cache_octets, |database| {
        result = Import::new(database, path, skipped_blocks).and_then(|mut import| {
            let counts = import.all(input)?;
            Ok(Imported { counts, id1_blocks: import.id1_blocks })
        });
        // Nothing is linked into place after a fault; which one it was is told below.
        if result.is_ok() { Ok(()) } else { Err(StoreError::Closed) }
    });
    match (made, result) {
        (Err(StoreError::Closed), Err(fault)) => Err(fault),
        (Err(error), _) => Err(error.into()),
        (Ok(()), result) => result,
    }
}

struct Import<'a> {
    database: &'a Database,
    path: &'a Path,
    transaction: Option<WriteTransaction>,
    counts: Counts,
    lines: u64,
    imsis: HashSet<u64>,
    id1s: HashSet<u64>,
    /// Versions of contexts and users, and cursors of deletions.
    cursors: HashSet<u64>,
    skipped_blocks: u64,
    id1_blocks: Vec<(String, u64)>,
}

impl<'a> Import<'a> {
    fn new(database: &'a Database, path: &'a Path, skipped_blocks: u64) -> Result<Self, TransferError> {
        let mut import = Import {
            database,
            path,
            transaction: None,
            counts: Counts::default(),
            lines: 0,
            imsis: HashSet::new(),
            id1s: HashSet::new(),
            cursors: HashSet::new(),
            skipped_blocks,
            id1_blocks: Vec::new(),
        };
        import.begin()?;
        Ok(import)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(|error| self.failed(error))?;
        transaction.set_two_phase_commit(true);
        self.transaction = Some(transaction);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        match self.transaction.take() {
            Some(transaction) => transaction.commit().map_err(|error| self.failed(error)),
            None => Ok(()),
        }
    }

    fn failed(&self, error: impl Into<redb::Error>) -> StoreError {
        fault(self.path, "importing the store", error.into())
    }

    /// Whether the key is a new one.
    fn put(&self, map: Map, key: &[u8], value: &[u8]) -> Result<bool, StoreError> {
        let transaction = self.transaction.as_ref().ok_or(StoreError::Closed)?;
        let mut table = transaction.open_table(definition(map)).map_err(|error| self.failed(error))?;
        table.insert(key, value).map(|before| before.is_none()).map_err(|error| self.failed(error))
    }

    fn put_new(&self, map: Map, key: &[u8], value: &[u8], what: &'static str) -> Result<(), TransferError> {
        if self.put(map, key, value)? { Ok(()) } else { Err(self.content(format!("{what} was in a line before"))) }
    }

    fn line(&mut self, input: &mut impl BufRead) -> Result<Option<Line>, TransferError> {
        let mut text = String::new();
        let read = io::Read::take(&mut *input, MOST_LINE_OCTETS).read_line(&mut text).map_err(TransferError::Read)?;
        if read == 0 {
            return Ok(None);
        }
        self.lines += 1;
        let line = self.lines;
        if read as u64 == MOST_LINE_OCTETS {
            return Err(self.content(format!("it is longer than {MOST_LINE_OCTETS} octets")));
        }
        Line::parse(text.trim_end()).map(Some).map_err(|fault| TransferError::Line { line, fault })
    }

    fn content(&self, what: impl Into<String>) -> TransferError {
        TransferError::Content { line: self.lines, what: what.into() }
    }

    fn all(&mut self, input: &mut impl BufRead) -> Result<Counts, TransferError> {
        let header = match self.line(input) {
            Ok(Some(Line::Header(header))) => header,
            Err(error @ TransferError::Read(_)) => return Err(error),
            _ => return Err(TransferError::NoHeader),
        };
        if header.proselink_store != FORMAT {
            return Err(TransferError::NewerFormat { found: header.proselink_store });
        }
        self.put(Map::System, engine::SEQUENCE, &header.cursor.to_be_bytes())?;
        self.put(Map::System, engine::HORIZON, &header.horizon.to_be_bytes())?;
        loop {
            match self.line(input)? {
                None => return Err(TransferError::CutShort { lines: self.lines }),
                Some(Line::End { end }) if end == self.counts => break,
                Some(Line::End { end }) => {
                    return Err(TransferError::Incomplete { found: self.counts, expected: end });
                }
                Some(line) => self.record(line, &header)?,
            }
            if self.lines.is_multiple_of(TOGETHER) {
                self.commit()?;
                self.begin()?;
            }
        }
        if self.line(input)?.is_some() {
            return Err(self.content("it follows the last line"));
        }
        self.commit()?;
        Ok(self.counts)
    }

    fn record(&mut self, line: Line, header: &Header) -> Result<(), TransferError> {
        let number = self.lines;
        let at = |fault| TransferError::Line { line: number, fault };
        match line {
            Line::Header(_) => Err(self.content("a second header")),
            Line::End { .. } => Err(self.content("a second end")),
            Line::Context { context } => {
                let stored = context.stored().map_err(at)?;
                let imsi = stored.context.imsi.packed();
                self.cursor(stored.version.0, header)?;
                for grant in stored.context.grants() {
                    if !self.id1s.insert(grant.id1.into()) {
                        return Err(self.content(format!("ID1 {} was in a line before", grant.id1)));
                    }
                }
                if !self.imsis.insert(imsi) {
                    return Err(self.content("its IMSI was in a line before"));
                }
                let version = stored.version.0.to_be_bytes();
                self.put_new(Map::Contexts, &version, &encoding::encode(&stored), "its version")?;
                self.counts.contexts += 1;
                Ok(())
            }
            Line::User { user } => {
                let stored = user.stored().map_err(at)?;
                let registration = &stored.registration;
                self.cursor(stored.version.0, header)?;
                let key = record_key(&registration.application, &registration.id2);
                self.put_new(Map::Users, &key, &user_encoding::encode(&stored), "its ID2")?;
                for key in lead_keys(registration) {
                    let id2 = registration.id2.as_str().as_bytes();
                    self.put_new(Map::UserKeys, &key, id2, "its user or one of its UEs")?;
                }
                self.counts.users += 1;
                Ok(())
            }
            Line::Value { value } => {
                let mut octets = value.octets().map_err(at)?;
                if let Some(allocator) = value.key.strip_prefix(ID1_BLOCKS) {
                    let block = octets.as_slice().try_into().map(u64::from_be_bytes);
                    let block = block.map_err(|_| self.content("the block number of an ID1 allocator has 8 octets"))?;
                    let block = block.saturating_add(self.skipped_blocks);
                    octets = block.to_be_bytes().to_vec();
                    self.id1_blocks.push((allocator.to_owned(), block));
                }
                self.put_new(Map::Values, value.key.as_bytes(), &octets, "its key")?;
                self.counts.values += 1;
                Ok(())
            }
            Line::Deleted { deleted } => {
                let imsi: Imsi = parsed(&deleted.imsi, "an IMSI").map_err(at)?;
                self.cursor(deleted.cursor, header)?;
                self.put(Map::Deleted, &deleted.cursor.to_be_bytes(), &imsi.packed().to_be_bytes())?;
                self.counts.deletions += 1;
                Ok(())
            }
        }
    }

    fn cursor(&mut self, cursor: u64, header: &Header) -> Result<(), TransferError> {
        if cursor > header.cursor {
            return Err(self.content(format!("{cursor} is beyond the cursor of the store, {}", header.cursor)));
        }
        if self.cursors.insert(cursor) { Ok(()) } else { Err(self.content(format!("{cursor} was in a line before"))) }
    }
}
