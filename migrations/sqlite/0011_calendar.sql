-- Gateway requests that are made by the calendar.
CREATE TABLE gateway_schedule (
    id            TEXT    NOT NULL PRIMARY KEY,
    -- Unique among those that are not removed.
    name          TEXT    NOT NULL,
    gateway       TEXT    NOT NULL,
    capacity      INTEGER NOT NULL,
    cron          TEXT    NOT NULL,
    zone          TEXT    NOT NULL,
    -- Dates in that zone on which there is no peak, with commas between.
    except_dates  TEXT    NOT NULL,
    lead_ms       INTEGER NOT NULL,
    release_ms    INTEGER NOT NULL,
    missed_rule   TEXT    NOT NULL,
    owner         TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    added_at      INTEGER NOT NULL,
    -- Every peak up to then was dealt with, but for the one that waits.
    through_at    INTEGER NOT NULL,
    waiting_at    INTEGER,
    -- The last peak that was dealt with, and its request; null: it was missed.
    last_at       INTEGER,
    request       TEXT,
    asked         INTEGER NOT NULL,
    passed        INTEGER NOT NULL,
    note          TEXT,
    removed_at    INTEGER,
    removed_by    TEXT
) STRICT;

-- Restore: those that are not removed.
CREATE INDEX gateway_schedule_open ON gateway_schedule (id) WHERE removed_at IS NULL;
