-- Where the support case of a gateway request stands, in AWS's words; or the code of the error for which there is none.
ALTER TABLE gateway_request ADD COLUMN reference_state TEXT;
