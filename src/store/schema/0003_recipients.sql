-- This file has been shipped: never edit it, add the next number instead.

-- The number a request was addressed to. A status that names another one tells what Meta made of it.
ALTER TABLE request ADD COLUMN recipient TEXT;
