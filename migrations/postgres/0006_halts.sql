-- Auto Scaling groups that launch nothing by themselves while their launch version's breaker is open.
-- One row a group: the newest halt.
CREATE TABLE halt (
    group_name   TEXT    NOT NULL PRIMARY KEY,
    asg          TEXT    NOT NULL,
    since        BIGINT  NOT NULL,
    -- 1 while AWS has said that Launch is suspended and nobody has set out to resume it.
    suspended    BIGINT  NOT NULL,
    -- So much of the desired capacity is put off until the breaker closes.
    put_off      BIGINT  NOT NULL,
    -- The desired capacity is being set from this to that.
    setting_from BIGINT,
    setting_to   BIGINT,
    ended_at     BIGINT
);
