-- Broken instances that are kept for people to look at instead of being ended, and those that were.
CREATE TABLE quarantine (
    id         TEXT    NOT NULL PRIMARY KEY,
    group_name TEXT    NOT NULL,
    -- Its place in the books, as in instance; null for a member that muster did not bring into service.
    slot       BIGINT,
    attempt    BIGINT,
    launch     BIGINT,
    address    TEXT,
    zone       TEXT,
    -- The phase in which it broke.
    broke_in   TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    how        TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    since      BIGINT  NOT NULL,
    until_at   BIGINT  NOT NULL,
    -- Its group let it go; its tags are set.
    kept_at    BIGINT,
    tagged_at  BIGINT,
    ended_at   BIGINT,
    ending     TEXT,
    ended_by   TEXT,
    error      TEXT
);

-- Restore: those that are not over.
CREATE INDEX quarantine_open ON quarantine (id) WHERE state <> 'done';
