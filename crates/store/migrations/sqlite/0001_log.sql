-- The log and what is written in one transaction with it.

-- "Hubb": so that another program's database is not taken for ours.
PRAGMA application_id = 0x48756262;

-- epoch: which life of the log this is. redacted: position of the last event that redacted others.
-- probe: written to find out whether writing works.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    pos            INTEGER PRIMARY KEY,
    event_id       BLOB    NOT NULL UNIQUE,
    stream_id      TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    type           TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    subject        TEXT    NOT NULL,
    topic          TEXT    NOT NULL,   -- the subject's first two tokens
    recorded_at    INTEGER NOT NULL,   -- milliseconds since 1970
    correlation_id BLOB    NOT NULL,
    causation_id   BLOB    NOT NULL,
    hop            INTEGER NOT NULL,
    traceparent    TEXT,
    actor          TEXT    NOT NULL,
    audience       TEXT    NOT NULL,   -- tokens, space-separated
    data           TEXT    NOT NULL    -- JSON
) STRICT;

-- Every index of this table ends in pos by itself, because pos is the row id.
CREATE UNIQUE INDEX events_by_stream ON events (stream_id, version);
CREATE INDEX events_by_topic ON events (topic);
CREATE INDEX events_by_type ON events (type);
CREATE INDEX events_by_correlation ON events (correlation_id);

-- Whom the events are for, for readers who hold few tokens.
CREATE TABLE event_audience (
    token TEXT    NOT NULL,
    pos   INTEGER NOT NULL,
    PRIMARY KEY (token, pos)
) STRICT, WITHOUT ROWID;

-- The positions that are being redacted. Empty outside of a redacting transaction.
CREATE TABLE redacting (
    pos INTEGER PRIMARY KEY
) STRICT;

CREATE TRIGGER events_have_no_gaps BEFORE INSERT ON events
WHEN new.pos IS NOT (SELECT coalesce(max(pos), 0) + 1 FROM events)
BEGIN
    SELECT raise(ABORT, 'an event can only be recorded right after the last one');
END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
    SELECT raise(ABORT, 'a recorded event is never deleted');
END;

CREATE TRIGGER events_never_change BEFORE UPDATE OF
    pos, event_id, stream_id, version, type, schema_version, subject, topic, recorded_at, correlation_id,
    causation_id, hop, traceparent, actor, audience
ON events
BEGIN
    SELECT raise(ABORT, 'a recorded event never changes');
END;

CREATE TRIGGER events_are_only_redacted BEFORE UPDATE OF data ON events
WHEN NOT EXISTS (SELECT 1 FROM redacting WHERE pos = old.pos)
BEGIN
    SELECT raise(ABORT, 'a recorded event never changes, but for being redacted');
END;

-- Accepted commands: the same one again gets the same receipt. body_hash is empty once an event of the
-- command has been redacted, so that nobody can check a guess against it. pos is the last position of the
-- command's unit; only the unit's first command has the receipt.
CREATE TABLE commands (
    actor      TEXT    NOT NULL,
    command_id BLOB    NOT NULL,
    body_hash  BLOB    NOT NULL,
    pos        INTEGER NOT NULL,
    receipt    TEXT,
    PRIMARY KEY (actor, command_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX commands_by_pos ON commands (pos);

CREATE TABLE credentials (
    user_id       BLOB PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    session_id BLOB    PRIMARY KEY,
    user_id    BLOB    NOT NULL,
    token_hash BLOB    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires_at);
