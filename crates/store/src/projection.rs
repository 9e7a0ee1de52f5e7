//! Stored projections: documents folded from the log, in generations. One generation is live, one may be
//! building, and the one before is kept until something is redacted.

use domain::{Audience, Position, Tokens};

use crate::{read::ReadError, store::Store};

/// What a generation of a projection is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is being folded from the start of the log and is not read yet.
    Building,
    /// It is read.
    Live,
    /// It was read before the live one.
    Previous,
}

impl Stage {
    /// Its name in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Stage::Building => "building",
            Stage::Live => "live",
            Stage::Previous => "previous",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Stage::Building, Stage::Live, Stage::Previous].into_iter().find(|stage| stage.name() == name)
    }
}

/// One generation of a projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Counts up with every rebuild.
    pub number: u32,
    /// Which version of the code folds it.
    pub version: u32,
    /// Everything up to here is folded.
    pub position: Position,
    /// How many events that took.
    pub events: u64,
    /// What it is there for.
    pub stage: Stage,
}

/// Documents of a live generation, from one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocPage {
    /// Where the generation stands.
    pub position: Position,
    /// Keys and documents, in order of the keys.
    pub docs: Vec<(String, String)>,
}

/// What a document is found by, beside its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findable {
    /// Its words.
    pub text: String,
    /// Who may find it.
    pub audience: Audience,
}

/// A generation's step along the log: what becomes of its documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projected {
    /// Which projection.
    pub name: String,
    /// Which generation.
    pub number: u32,
    /// Where it stands; nothing is written if it stands somewhere else.
    pub from: Position,
    /// Where it will stand.
    pub to: Position,
    /// How many events were folded.
    pub events: u64,
    /// The documents that have changed, as JSON; nothing where one is gone.
    pub docs: Vec<(String, Option<String>)>,
    /// Of those, what has changed about how they are found; nothing where one is not found any more.
    pub found_by: Vec<(String, Option<Findable>)>,
    /// The last of the events that has redacted others: then what was overwritten is taken out of the file,
    /// and generations are dropped that are not folded any more and have not come that far.
    pub redacted: Option<Position>,
}

/// Stored projections.
impl Store {
    /// The generations of a stored projection, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn generations(&self, projection: &str) -> Result<Vec<Generation>, ReadError> {
        self.reader.generations(projection).await
    }

    /// Begins a generation of a projection, in place of one that was building.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn begin_generation(&self, projection: &str, version: u32) -> Result<(), ReadError> {
        self.reader.begin_generation(projection, version).await
    }

    /// Writes what a generation has come to, in one transaction. `false` if it does not stand where the step
    /// begins: then nothing is written.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn project(&self, step: &Projected) -> Result<bool, ReadError> {
        self.reader.project(step).await
    }

    /// From now on the generation that was building is read, and the one before is kept.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn switch_generation(&self, projection: &str) -> Result<(), ReadError> {
        self.reader.switch_generation(projection).await
    }

    /// Some documents of a generation by their keys, those that exist.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn docs(
        &self,
        projection: &str,
        number: u32,
        keys: &[String],
    ) -> Result<Vec<(String, String)>, ReadError> {
        self.reader.docs(projection, number, keys).await
    }

    /// A document of the live generation, and where that stands, from one look. Nothing if no generation is
    /// live yet.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn doc(
        &self,
        projection: &str,
        key: &str,
    ) -> Result<Option<(Position, Option<String>)>, ReadError> {
        self.reader.doc(projection, key).await
    }

    /// Documents of the live generation with keys from `from` on and before `before`, at most `max`, in order
    /// of their keys, and where that generation stands, from one look.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn doc_range(
        &self,
        projection: &str,
        from: &str,
        before: &str,
        max: usize,
    ) -> Result<Option<DocPage>, ReadError> {
        self.reader.doc_range(projection, from, before, max).await
    }
    /// Documents of the live generation that have every word of `query`, or words that begin so, and that a
    /// holder of `tokens` may find, at most `max`, the best first; and where that generation stands, from one
    /// look. A query without a word finds nothing.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn search(
        &self,
        projection: &str,
        query: &str,
        tokens: &Tokens,
        max: usize,
    ) -> Result<Option<DocPage>, ReadError> {
        self.reader.search(projection, query, tokens, max).await
    }
}
