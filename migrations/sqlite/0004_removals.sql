-- Instances in service that are taken out of it, with the evidence; the newest removal of each.
CREATE TABLE removal (
    id         TEXT    NOT NULL PRIMARY KEY,
    group_name TEXT    NOT NULL,
    slot       INTEGER,
    attempt    INTEGER,
    cause      TEXT    NOT NULL,
    scale_in   TEXT,
    scale_up   INTEGER,
    evidence   TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    decided_at INTEGER NOT NULL,
    done_at    INTEGER
) STRICT;
-- Restore: those that are not over.
CREATE INDEX removal_open ON removal (id) WHERE state IN ('waits', 'replaced', 'leaving');

-- Accepted scale-ins. What was refused is in the journal.
CREATE TABLE scale_in (
    id              TEXT    NOT NULL PRIMARY KEY,
    group_name      TEXT    NOT NULL,
    wanted          INTEGER NOT NULL,
    removed         INTEGER NOT NULL,
    reason          TEXT    NOT NULL,
    idempotency_key TEXT,
    state           TEXT    NOT NULL,
    asked_at        INTEGER NOT NULL,
    done_at         INTEGER,
    note            TEXT
) STRICT;
-- Restore: the open ones, and those whose keys are still remembered.
CREATE INDEX scale_in_open ON scale_in (id) WHERE state = 'open';
CREATE INDEX scale_in_remembered ON scale_in (asked_at);

-- Auto Scaling groups in which muster suspended ReplaceUnhealthy, so that it is resumed there and nowhere else.
CREATE TABLE health_care (
    group_name   TEXT    NOT NULL PRIMARY KEY,
    asg          TEXT    NOT NULL,
    suspended_at INTEGER NOT NULL,
    resumed_at   INTEGER
) STRICT;
