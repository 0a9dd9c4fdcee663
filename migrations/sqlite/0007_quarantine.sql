-- Broken instances that are kept for people to look at instead of being ended, and those that were.
CREATE TABLE quarantine (
    id         TEXT    NOT NULL PRIMARY KEY,
    group_name TEXT    NOT NULL,
    -- Its place in the books, as in instance; null for a member that muster did not bring into service.
    slot       INTEGER,
    attempt    INTEGER,
    launch     INTEGER,
    address    TEXT,
    zone       TEXT,
    -- The phase in which it broke.
    broke_in   TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    how        TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    until_at   INTEGER NOT NULL,
    -- Its group let it go; its tags are set.
    kept_at    INTEGER,
    tagged_at  INTEGER,
    ended_at   INTEGER,
    ending     TEXT,
    ended_by   TEXT,
    error      TEXT
) STRICT;

-- Restore: those that are not over.
CREATE INDEX quarantine_open ON quarantine (id) WHERE state <> 'done';
