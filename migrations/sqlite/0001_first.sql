-- Integers are 64 bits; times are milliseconds since the Unix epoch in muster's own time; enums are
-- their fixed names. Every index serves a read that is named beside it.

-- "mstr": tells muster's databases from other SQLite files.
PRAGMA application_id = 0x6d737472;

CREATE TABLE owner (
    name   TEXT    NOT NULL PRIMARY KEY,
    epoch  INTEGER NOT NULL,
    holder TEXT    NOT NULL,
    since  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scale_up (
    seq             INTEGER NOT NULL PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    group_name      TEXT    NOT NULL,
    wanted          INTEGER NOT NULL,
    planned         INTEGER NOT NULL,
    due_at          INTEGER,
    reason          TEXT    NOT NULL,
    idempotency_key TEXT,
    state           TEXT    NOT NULL,
    accepted_at     INTEGER NOT NULL,
    done_at         INTEGER,
    in_service      INTEGER NOT NULL,
    withdrawn       INTEGER NOT NULL,
    eta_ms          INTEGER NOT NULL,
    cancel_reason   TEXT
) STRICT;

-- One key, one scale-up. A key that has been forgotten (its scale-up is done, and older than keys
-- are remembered) may be used again; while a scale-up is open its key is nobody else's.
CREATE UNIQUE INDEX scale_up_key ON scale_up (idempotency_key)
    WHERE idempotency_key IS NOT NULL AND state <> 'done';
-- Restore: the unfinished ones, and the keys that are still remembered.
CREATE INDEX scale_up_unfinished ON scale_up (seq) WHERE state <> 'done';
CREATE INDEX scale_up_remembered ON scale_up (accepted_at) WHERE idempotency_key IS NOT NULL;

CREATE TABLE launch (
    seq         INTEGER NOT NULL PRIMARY KEY,
    group_name  TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    -- Two launches with one token would be one launch to EC2.
    token       TEXT    NOT NULL UNIQUE,
    body        TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    sends       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,
    settled_at  INTEGER,
    launched    INTEGER NOT NULL,
    error_class TEXT,
    error       TEXT
) STRICT;

-- Restore: the launches that are to be sent again.
CREATE INDEX launch_unsettled ON launch (seq) WHERE state = 'unsettled';

-- Clustered by slot, which is scale-up * 2^32 + ordinal: a scale-up's instances are one range.
CREATE TABLE instance (
    slot       INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    group_name TEXT    NOT NULL,
    phase      TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    -- Intent before effect: no instance without the launch that was to make it.
    launch     INTEGER REFERENCES launch (seq),
    id         TEXT,
    address    TEXT,
    zone       TEXT,
    reason     TEXT,
    PRIMARY KEY (slot, attempt)
) STRICT, WITHOUT ROWID;

-- Restore: what counts against a group's maximum.
CREATE INDEX instance_kept ON instance (slot, attempt)
    WHERE phase IN ('in_service', 'broken', 'terminating');

CREATE TABLE version (
    group_name TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    proven_at  INTEGER,
    open_until INTEGER,
    opened     INTEGER NOT NULL,
    PRIMARY KEY (group_name, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget (
    name       TEXT    NOT NULL PRIMARY KEY,
    full_at_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    seq      INTEGER NOT NULL PRIMARY KEY,
    at       INTEGER NOT NULL,
    scale_up INTEGER,
    slot     INTEGER,
    attempt  INTEGER,
    kind     TEXT    NOT NULL,
    text     TEXT    NOT NULL
) STRICT;

-- History of one scale-up, and of one slot.
CREATE INDEX journal_scale_up ON journal (scale_up, seq) WHERE scale_up IS NOT NULL;
CREATE INDEX journal_slot ON journal (slot, seq) WHERE slot IS NOT NULL;
