-- The picture that requests are held against: what AWS told of the account, one number a row.
CREATE TABLE fact (
    subject    TEXT    NOT NULL PRIMARY KEY,
    value      BIGINT  NOT NULL,
    -- How many of our instances (of a quota of vCPUs: of our vCPUs) the value counts already.
    ours       BIGINT  NOT NULL,
    as_of      BIGINT  NOT NULL,
    seen_at    BIGINT  NOT NULL,
    -- 1 where it is AWS's default and not the account's own value.
    is_default BIGINT  NOT NULL
);

-- What a scale-up was told when it was accepted.
CREATE TABLE preflight (
    scale_up BIGINT  NOT NULL PRIMARY KEY,
    -- JSON.
    verdict  TEXT    NOT NULL
);
