-- Requests that a gateway be scaled ahead of time, and those that were.
CREATE TABLE gateway_request (
    id           TEXT    NOT NULL PRIMARY KEY,
    gateway      TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    -- As configured when it was asked for.
    resource     TEXT    NOT NULL,
    unit         TEXT    NOT NULL,
    -- The whole capacity that it is to have, in that unit.
    wanted       INTEGER NOT NULL,
    needed_by    INTEGER,
    until_at     INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    owner        TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    since        INTEGER NOT NULL,
    asked_at     INTEGER NOT NULL,
    submitted_at INTEGER,
    -- What was reserved before ours, 0 for nothing; null: nobody has looked yet.
    units_before INTEGER,
    in_effect    INTEGER NOT NULL,
    confirmed_by TEXT,
    calls        INTEGER NOT NULL,
    -- When the last call was sent whose answer never came.
    unanswered   INTEGER,
    reminders    INTEGER NOT NULL,
    reminded_at  INTEGER,
    -- 1 where it was not there by the time that it was needed.
    late         INTEGER NOT NULL,
    ended_at     INTEGER,
    ending       TEXT,
    ended_by     TEXT,
    note         TEXT
) STRICT;

-- Restore: those that are not over.
CREATE INDEX gateway_request_open ON gateway_request (id) WHERE state NOT IN ('refused', 'expired', 'released');

-- History of one request.
ALTER TABLE journal ADD COLUMN gateway TEXT;
CREATE INDEX journal_gateway ON journal (gateway, seq) WHERE gateway IS NOT NULL;
