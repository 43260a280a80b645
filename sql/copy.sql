-- COPY, text and binary, there and back: what comes back has the same bits.

CREATE TABLE copied (id int, v vector, h halfvec, s sparsevec, b bit(9));
INSERT INTO copied VALUES
    (1, '[1,-2.5,0,-0,1e-45,3.4028235e38,0.1,16777217]', '[1,-2.5,0,-0,5.9604645e-8,65504,0.1]', '{1:1,3:-2.5,1000000000:1e-45}/1000000000', B'101010101'),
    (2, '[0]', '[0]', '{}/1', B'000000000'),
    (3, NULL, NULL, NULL, NULL);
-- every kind of float and half: random bits with exponents from the smallest up
INSERT INTO copied SELECT 3 + n, array_agg(x ORDER BY i), array_agg(x / 1e34 ORDER BY i), array_agg(CASE WHEN i % 3 = 0 THEN x ELSE 0 END ORDER BY i), NULL
FROM (SELECT n, i, ((n * 7919 + i * 104729) % 20011 - 10005)::float8 * 2 ^ ((n * 31 + i * 17) % 240 - 140) AS x
      FROM generate_series(1, 50) AS n, generate_series(1, 200) AS i) AS t GROUP BY n;
INSERT INTO copied SELECT 100, array_fill(1.5, ARRAY[16000]), array_fill(1.5, ARRAY[16000]), array_fill(1.5, ARRAY[16000]), NULL;

-- the files are in the server's folder for such things
SELECT current_setting('data_directory') || '/pg_stat_tmp/vecdb_copy' AS file \gset
\set text :file .text
\set csv :file .csv
\set binary :file .binary
COPY copied TO :'text';
COPY copied TO :'csv' (FORMAT csv, HEADER);
COPY copied TO :'binary' (FORMAT binary);
CREATE TABLE again (format text, id int, v vector, h halfvec, s sparsevec, b bit(9));
ALTER TABLE again ALTER format SET DEFAULT 'text';
COPY again (id, v, h, s, b) FROM :'text';
ALTER TABLE again ALTER format SET DEFAULT 'csv';
COPY again (id, v, h, s, b) FROM :'csv' (FORMAT csv, HEADER);
ALTER TABLE again ALTER format SET DEFAULT 'binary';
COPY again (id, v, h, s, b) FROM :'binary' (FORMAT binary);
SELECT format, count(*) AS rows, count(a.v) AS not_null,
       count(*) FILTER (WHERE vector_send(a.v) = vector_send(c.v)) AS v,
       count(*) FILTER (WHERE halfvec_send(a.h) = halfvec_send(c.h)) AS h,
       count(*) FILTER (WHERE sparsevec_send(a.s) = sparsevec_send(c.s)) AS s,
       count(*) FILTER (WHERE a.b IS NOT DISTINCT FROM c.b) AS b
FROM again AS a JOIN copied AS c USING (id) GROUP BY format ORDER BY format;
SELECT sum(length(vector_send(v))) = sum(4 + 4 * vector_dims(v)) AS v, sum(length(halfvec_send(h))) = sum(4 + 2 * vector_dims(h)) AS h FROM copied;
COPY (SELECT) TO PROGRAM 'cat >/dev/null; rm pg_stat_tmp/vecdb_copy.text pg_stat_tmp/vecdb_copy.csv pg_stat_tmp/vecdb_copy.binary';

-- from the client, with errors that say where
COPY again (id, v, h) FROM stdin;
1001	[1,2]	\N
1002	[1.5]	[2]
\.
SELECT id, v, h FROM again WHERE id > 1000 ORDER BY id;
COPY again (id, v) FROM stdin;
1003	[1,2]
1004	[1,x]
\.
COPY again (id, s) FROM stdin (FORMAT csv);
1005,"{1:1,2:2}/3"
1006,{1:1/3
\.
SELECT count(*) FROM again WHERE id > 1002;
COPY (SELECT v, h, s, b FROM copied WHERE id < 4 ORDER BY id) TO stdout;
COPY (SELECT v, h, s FROM copied WHERE id = 2) TO stdout (FORMAT csv, FORCE_QUOTE *);
DROP TABLE copied, again;
