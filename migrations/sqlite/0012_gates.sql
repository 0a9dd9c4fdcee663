-- Groups that want more of a gateway than may be planned, since then: one row a gate, the newest time.
CREATE TABLE gate (
    group_name TEXT    NOT NULL,
    gateway    TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    -- Most capacity that was asked for because of it; 0: none was.
    filed      INTEGER NOT NULL,
    alarmed_at INTEGER,
    ended_at   INTEGER,
    PRIMARY KEY (group_name, gateway)
) STRICT;

-- Somebody lets a group launch more than its gateways are known to carry.
CREATE TABLE gate_override (
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
    group_name  TEXT    NOT NULL,
    -- Up to and with this scale-up; null: whatever is asked of the group.
    scale_up    INTEGER
) STRICT;

-- Restore: those in force.
CREATE INDEX gate_override_open ON gate_override (id) WHERE state <> 'done';

-- When it was said that nobody has answered.
ALTER TABLE gateway_request ADD COLUMN alarmed_at INTEGER;
