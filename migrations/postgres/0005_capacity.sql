-- What is ordered of a zone's share of new launches: of one group, or of all of them ('').
CREATE TABLE zone_weight (
    group_name TEXT    NOT NULL,
    zone       TEXT    NOT NULL,
    -- Percent of what is configured; none: nothing is ordered any more.
    percent    BIGINT ,
    reason     TEXT    NOT NULL,
    at         BIGINT  NOT NULL,
    PRIMARY KEY (group_name, zone)
);
