-- The picture that requests are held against: what AWS told of the account, one number a row.
CREATE TABLE fact (
    subject    TEXT    NOT NULL PRIMARY KEY,
    value      INTEGER NOT NULL,
    -- How many of our instances (of a quota of vCPUs: of our vCPUs) the value counts already.
    ours       INTEGER NOT NULL,
    as_of      INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    -- 1 where it is AWS's default and not the account's own value.
    is_default INTEGER NOT NULL
) STRICT;

-- What a scale-up was told when it was accepted.
CREATE TABLE preflight (
    scale_up INTEGER NOT NULL PRIMARY KEY,
    -- JSON.
    verdict  TEXT    NOT NULL
) STRICT;
