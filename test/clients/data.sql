-- Writes what the clients load and ask, as JSON Lines, to the folder :to; see
-- README.md.  What is right comes from sequential scans.
CREATE EXTENSION vecdb;
CREATE TABLE loaded (name text, section text, summary text, description text,
    installed_size integer, embedding int8vec(384));
CREATE TABLE asked (id integer, question text, embedding int8vec(384));
\set packages :from '/packages.copy'
\set questions :from '/questions.copy'
COPY loaded FROM :'packages' (FORMAT binary);
COPY asked FROM :'questions' (FORMAT binary);

CREATE TABLE package AS
SELECT row_number() OVER (ORDER BY name) AS id, name, section, summary,
    installed_size AS size, l2_normalize(embedding::vector(384)) AS embedding
FROM (SELECT *, row_number() OVER (ORDER BY name) AS n FROM loaded) AS l WHERE n % 4 = 0;
CREATE TABLE question AS
SELECT id, question, l2_normalize(embedding::vector(384)) AS embedding FROM asked;
-- Each question's filter: the section that has most of the packages near it.
ALTER TABLE question ADD section text;
UPDATE question AS q SET section = (
    SELECT mode() WITHIN GROUP (ORDER BY section) FROM (
        SELECT section FROM package AS p ORDER BY p.embedding <=> q.embedding LIMIT 100) AS near);

\set to_packages :to '/packages.jsonl'
\set to_questions :to '/questions.jsonl'
\o :to_packages
\pset tuples_only on
\pset format unaligned
SELECT json_build_object('id', id, 'name', name, 'section', section, 'summary', summary,
    'size', size, 'embedding', embedding::real[]) FROM package ORDER BY id;
\o :to_questions
SELECT json_build_object('id', id, 'question', question, 'section', section,
    'below', 5000, 'embedding', embedding::real[],
    'nearest', ARRAY(SELECT p.id FROM package AS p
        ORDER BY p.embedding <=> q.embedding LIMIT 10),
    'nearest_filtered', ARRAY(SELECT p.id FROM package AS p
        WHERE p.section = q.section AND p.size < 5000
        ORDER BY p.embedding <=> q.embedding LIMIT 10))
FROM question AS q ORDER BY id;
\o
