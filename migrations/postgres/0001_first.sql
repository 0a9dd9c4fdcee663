-- Integers are 64 bits; times are milliseconds since the Unix epoch in muster's own time; enums are
-- their fixed names. Every index serves a read that is named beside it.

CREATE TABLE owner (
    name   TEXT    NOT NULL PRIMARY KEY,
    epoch  BIGINT  NOT NULL,
    holder TEXT    NOT NULL,
    since  BIGINT  NOT NULL
);

CREATE TABLE scale_up (
    seq             BIGINT  NOT NULL PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    group_name      TEXT    NOT NULL,
    wanted          BIGINT  NOT NULL,
    planned         BIGINT  NOT NULL,
    due_at          BIGINT,
    reason          TEXT    NOT NULL,
    idempotency_key TEXT,
    state           TEXT    NOT NULL,
    accepted_at     BIGINT  NOT NULL,
    done_at         BIGINT,
    in_service      BIGINT  NOT NULL,
    withdrawn       BIGINT  NOT NULL,
    eta_ms          BIGINT  NOT NULL,
    cancel_reason   TEXT
);

-- One key, one scale-up. A key that has been forgotten (its scale-up is done, and older than keys
-- are remembered) may be used again; while a scale-up is open its key is nobody else's.
CREATE UNIQUE INDEX scale_up_key ON scale_up (idempotency_key)
    WHERE idempotency_key IS NOT NULL AND state <> 'done';
-- Restore: the unfinished ones, and the keys that are still remembered.
CREATE INDEX scale_up_unfinished ON scale_up (seq) WHERE state <> 'done';
CREATE INDEX scale_up_remembered ON scale_up (accepted_at) WHERE idempotency_key IS NOT NULL;

CREATE TABLE launch (
    seq         BIGINT  NOT NULL PRIMARY KEY,
    group_name  TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    -- Two launches with one token would be one launch to EC2.
    token       TEXT    NOT NULL UNIQUE,
    body        TEXT    NOT NULL,
    count       BIGINT  NOT NULL,
    state       TEXT    NOT NULL,
    sends       BIGINT  NOT NULL,
    created_at  BIGINT  NOT NULL,
    not_before  BIGINT  NOT NULL,
    settled_at  BIGINT,
    launched    BIGINT  NOT NULL,
    error_class TEXT,
    error       TEXT
);

-- Restore: the launches that are to be sent again.
CREATE INDEX launch_unsettled ON launch (seq) WHERE state = 'unsettled';

-- slot is scale-up * 2^32 + ordinal: a scale-up's instances are one range of the key.
CREATE TABLE instance (
    slot       BIGINT  NOT NULL,
    attempt    BIGINT  NOT NULL,
    group_name TEXT    NOT NULL,
    phase      TEXT    NOT NULL,
    since      BIGINT  NOT NULL,
    -- Intent before effect: no instance without the launch that was to make it.
    launch     BIGINT REFERENCES launch (seq),
    id         TEXT,
    address    TEXT,
    zone       TEXT,
    reason     TEXT,
    PRIMARY KEY (slot, attempt)
);

-- Restore: what counts against a group's maximum.
CREATE INDEX instance_kept ON instance (slot, attempt)
    WHERE phase IN ('in_service', 'broken', 'terminating');

CREATE TABLE version (
    group_name TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    proven_at  BIGINT,
    open_until BIGINT,
    opened     BIGINT  NOT NULL,
    PRIMARY KEY (group_name, version)
);

CREATE TABLE budget (
    name       TEXT    NOT NULL PRIMARY KEY,
    full_at_ns BIGINT  NOT NULL
);

CREATE TABLE journal (
    seq      BIGINT  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       BIGINT  NOT NULL,
    scale_up BIGINT,
    slot     BIGINT,
    attempt  BIGINT,
    kind     TEXT    NOT NULL,
    text     TEXT    NOT NULL
);

-- History of one scale-up, and of one slot.
CREATE INDEX journal_scale_up ON journal (scale_up, seq) WHERE scale_up IS NOT NULL;
CREATE INDEX journal_slot ON journal (slot, seq) WHERE slot IS NOT NULL;
