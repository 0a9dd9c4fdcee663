-- Auto Scaling groups that launch nothing by themselves while their launch version's breaker is open.
-- One row a group: the newest halt.
CREATE TABLE halt (
    group_name   TEXT    NOT NULL PRIMARY KEY,
    asg          TEXT    NOT NULL,
    since        INTEGER NOT NULL,
    -- 1 while AWS has said that Launch is suspended and nobody has set out to resume it.
    suspended    INTEGER NOT NULL,
    -- So much of the desired capacity is put off until the breaker closes.
    put_off      INTEGER NOT NULL,
    -- The desired capacity is being set from this to that.
    setting_from INTEGER,
    setting_to   INTEGER,
    ended_at     INTEGER
) STRICT;
