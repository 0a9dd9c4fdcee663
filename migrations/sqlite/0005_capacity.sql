-- What is ordered of a zone's share of new launches: of one group, or of all of them ('').
CREATE TABLE zone_weight (
    group_name TEXT    NOT NULL,
    zone       TEXT    NOT NULL,
    -- Percent of what is configured; none: nothing is ordered any more.
    percent    INTEGER,
    reason     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (group_name, zone)
) STRICT, WITHOUT ROWID;
