-- This file has been shipped: never edit it, add the next number instead.

-- A template in the editor that was not handed in: one row for each of its fields.
CREATE TABLE unfinished_template (
    account  INTEGER NOT NULL REFERENCES account (id),
    -- What is being made: new, like or change; the last two of the template of this name and language.
    made     TEXT NOT NULL,
    name     TEXT NOT NULL,
    language TEXT NOT NULL,
    field    TEXT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (account, made, name, language, field)
) STRICT, WITHOUT ROWID;
