-- What the reactors keep beside the log, written in one transaction with the events of their commands.

-- Up to where a reactor has handled the log.
CREATE TABLE checkpoints (
    reactor TEXT    PRIMARY KEY,
    pos     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a reactor remembers, for example one saga for each order.
CREATE TABLE states (
    reactor TEXT NOT NULL,
    key     TEXT NOT NULL,
    doc     TEXT NOT NULL,   -- JSON
    PRIMARY KEY (reactor, key)
) STRICT, WITHOUT ROWID;

-- What is handled already, after the checkpoint, where several events are handled at once.
CREATE TABLE handled (
    reactor TEXT    NOT NULL,
    pos     INTEGER NOT NULL,
    PRIMARY KEY (reactor, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    reactor   TEXT    NOT NULL,
    pos       INTEGER NOT NULL,
    seq_key   TEXT    NOT NULL,
    error     TEXT    NOT NULL,
    attempts  INTEGER NOT NULL,
    status    TEXT    NOT NULL CHECK (status IN ('parked', 'redriving', 'done', 'discarded')),
    parked_at INTEGER NOT NULL,
    PRIMARY KEY (reactor, pos)
) STRICT, WITHOUT ROWID;

-- Those that somebody has to look after are few; the others are history.
CREATE INDEX dead_letters_open ON dead_letters (reactor, seq_key, pos) WHERE status IN ('parked', 'redriving');

CREATE TABLE timers (
    key     TEXT    PRIMARY KEY,
    due_at  INTEGER NOT NULL,
    command TEXT    NOT NULL   -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX timers_by_due ON timers (due_at);

-- What came in from outside, so that the same event twice is one.
CREATE TABLE ingested (
    source TEXT    NOT NULL,
    id     TEXT    NOT NULL,
    pos    INTEGER NOT NULL,
    PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
