-- Who asked for a scale-up: a caller, or an Auto Scaling group by launching instances itself.
ALTER TABLE scale_up ADD COLUMN origin TEXT NOT NULL DEFAULT 'asked';

-- Lifecycle actions of Auto Scaling groups. The group's own name is asg, ours is group_name.
CREATE TABLE lifecycle_action (
    seq         BIGINT  NOT NULL PRIMARY KEY,
    group_name  TEXT    NOT NULL,
    asg         TEXT    NOT NULL,
    hook        TEXT    NOT NULL,
    token       TEXT,
    transition  TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    origin      TEXT,
    destination TEXT,
    slot        BIGINT,
    attempt     BIGINT,
    state       TEXT    NOT NULL,
    result      TEXT,
    noticed_at  BIGINT  NOT NULL,
    expires_at  BIGINT  NOT NULL,
    ends_at     BIGINT  NOT NULL,
    completions BIGINT  NOT NULL,
    heartbeats  BIGINT  NOT NULL,
    done_at     BIGINT,
    error       TEXT
);

-- One action, one row while it is open. A notification that somebody redrives days later, when its
-- action is forgotten, is taken up anew: one old message must not stop the rest.
CREATE UNIQUE INDEX lifecycle_action_token ON lifecycle_action (asg, token)
    WHERE token IS NOT NULL AND state = 'open';
-- Restore: the open ones, and those that ended and are still remembered.
CREATE INDEX lifecycle_action_open ON lifecycle_action (seq) WHERE state = 'open';
CREATE INDEX lifecycle_action_remembered ON lifecycle_action (done_at) WHERE state <> 'open';
