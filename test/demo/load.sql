-- What the demo database holds.  Run by test/demo/demo, which sets the
-- variables packages and questions to the files of test/data.
CREATE EXTENSION vecdb;

-- The files have one signed byte per dimension.
CREATE TEMP TABLE loaded (
    name text, section text, summary text, description text,
    installed_size integer, embedding int8vec(384));
COPY loaded FROM :'packages' (FORMAT binary);

-- Debian packages; installed_size is in kB.  The same embedding twice, as
-- floats of unit length and as bytes, to compare.
CREATE TABLE packages (
    name text PRIMARY KEY, section text, summary text, description text,
    installed_size integer, embedding vector(384), embedding8 int8vec(384));
-- Rows of this length go to TOAST in part, and reading every vector back from
-- there takes longer than comparing it: keep the vectors in the rows.
ALTER TABLE packages ALTER embedding SET STORAGE plain,
                     ALTER embedding8 SET STORAGE plain;
INSERT INTO packages
SELECT name, section, summary, description, installed_size,
       l2_normalize(embedding::vector(384)), embedding
FROM loaded;

-- Questions with their embeddings, so that asking them needs no model.
CREATE TEMP TABLE loaded_questions (
    id integer, question text, embedding int8vec(384));
COPY loaded_questions FROM :'questions' (FORMAT binary);

CREATE TABLE questions (
    id integer PRIMARY KEY, question text, embedding vector(384),
    embedding8 int8vec(384));
INSERT INTO questions
SELECT id, question, l2_normalize(embedding::vector(384)), embedding
FROM loaded_questions;

ANALYZE packages, questions;
