-- Instances are kept out of service for another purpose too: verified, and in reserve.
ALTER TABLE quarantine ADD COLUMN purpose TEXT NOT NULL DEFAULT 'broken';
