-- Groups that want more of a gateway than may be planned, since then: one row a gate, the newest time.
CREATE TABLE gate (
    group_name TEXT   NOT NULL,
    gateway    TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    -- Most capacity that was asked for because of it; 0: none was.
    filed      BIGINT NOT NULL,
    alarmed_at BIGINT,
    ended_at   BIGINT,
    PRIMARY KEY (group_name, gateway)
);

-- Somebody lets a group launch more than its gateways are known to carry.
CREATE TABLE gate_override (
    id          TEXT   NOT NULL PRIMARY KEY,
    owner       TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    asked_at    BIGINT NOT NULL,
    until_at    BIGINT NOT NULL,
    state       TEXT   NOT NULL,
    in_force_at BIGINT,
    ended_at    BIGINT,
    ending      TEXT,
    ended_by    TEXT,
    done_at     BIGINT,
    group_name  TEXT   NOT NULL,
    -- Up to and with this scale-up; null: whatever is asked of the group.
    scale_up    BIGINT
);

-- Restore: those in force.
CREATE INDEX gate_override_open ON gate_override (id) WHERE state <> 'done';

-- When it was said that nobody has answered.
ALTER TABLE gateway_request ADD COLUMN alarmed_at BIGINT;
