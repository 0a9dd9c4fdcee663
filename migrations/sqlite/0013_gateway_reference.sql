-- What AWS calls that which a gateway request follows: of a quota, the id of its increase.
ALTER TABLE gateway_request ADD COLUMN reference TEXT;
