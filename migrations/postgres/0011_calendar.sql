-- Gateway requests that are made by the calendar.
CREATE TABLE gateway_schedule (
    id            TEXT   NOT NULL PRIMARY KEY,
    -- Unique among those that are not removed.
    name          TEXT   NOT NULL,
    gateway       TEXT   NOT NULL,
    capacity      BIGINT NOT NULL,
    cron          TEXT   NOT NULL,
    zone          TEXT   NOT NULL,
    -- Dates in that zone on which there is no peak, with commas between.
    except_dates  TEXT   NOT NULL,
    lead_ms       BIGINT NOT NULL,
    release_ms    BIGINT NOT NULL,
    missed_rule   TEXT   NOT NULL,
    owner         TEXT   NOT NULL,
    reason        TEXT   NOT NULL,
    added_at      BIGINT NOT NULL,
    -- Every peak up to then was dealt with, but for the one that waits.
    through_at    BIGINT NOT NULL,
    waiting_at    BIGINT,
    -- The last peak that was dealt with, and its request; null: it was missed.
    last_at       BIGINT,
    request       TEXT,
    asked         BIGINT NOT NULL,
    passed        BIGINT NOT NULL,
    note          TEXT,
    removed_at    BIGINT,
    removed_by    TEXT
);

-- Restore: those that are not removed.
CREATE INDEX gateway_schedule_open ON gateway_schedule (id) WHERE removed_at IS NULL;
