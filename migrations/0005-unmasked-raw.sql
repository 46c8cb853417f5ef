-- Raw texts of rows that were set aside are masked before they are kept; those kept before that are not.
UPDATE quarantine SET raw = NULL;
