-- Holds: nobody ends an instance until then. The same person who asks again moves until_at.
CREATE TABLE instance_hold (
    id          TEXT    NOT NULL PRIMARY KEY,
    owner       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    until_at    INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    in_force_at INTEGER,
    ended_at    INTEGER,
    ending      TEXT,
    ended_by    TEXT,
    done_at     INTEGER,
    instance    TEXT    NOT NULL,
    group_name  TEXT    NOT NULL,
    way         TEXT    NOT NULL
) STRICT;

-- Freezes: no scale-in until then; of all groups if group_name is null.
CREATE TABLE scale_in_freeze (
    id          TEXT    NOT NULL PRIMARY KEY,
    owner       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    until_at    INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    in_force_at INTEGER,
    ended_at    INTEGER,
    ending      TEXT,
    ended_by    TEXT,
    done_at     INTEGER,
    group_name  TEXT
) STRICT;

-- What is marked at AWS for holds and freezes, and what was so before: set once, however many want it, and
-- restored after the last. was_set is null until it is known.
CREATE TABLE kept_mark (
    subject TEXT    NOT NULL,
    marking TEXT    NOT NULL,
    asg     TEXT,
    was_set INTEGER,
    state   TEXT    NOT NULL,
    since   INTEGER NOT NULL,
    error   TEXT,
    PRIMARY KEY (subject, marking)
) STRICT;

-- Restore: those that are not over.
CREATE INDEX instance_hold_open ON instance_hold (id) WHERE state <> 'done';
CREATE INDEX scale_in_freeze_open ON scale_in_freeze (id) WHERE state <> 'done';
CREATE INDEX kept_mark_open ON kept_mark (subject, marking) WHERE state <> 'restored';
