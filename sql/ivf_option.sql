-- Options and settings of ivf and ivfflat: what is taken and what is not.

CREATE TABLE ivf_option (v vector(3), any_v vector, any_h halfvec, any_i int8vec, b bit(64000), too_long bit(64001), var bit varying);

-- lists
CREATE INDEX ON ivf_option USING ivfflat (v) WITH (lists = -1);
CREATE INDEX ON ivf_option USING ivfflat (v) WITH (lists = 1000001);
CREATE INDEX ON ivf_option USING ivf (v) WITH (lists = 99999999999999999999);
CREATE INDEX ON ivf_option USING ivf (v) WITH (lists = many);
CREATE INDEX ON ivf_option USING ivf (v) WITH (lists = '');
CREATE INDEX ON ivf_option USING ivf (v) WITH (lists);
CREATE INDEX ON ivf_option USING ivf (v) WITH (lists = 10, lists = 20);

-- quantizer
CREATE INDEX ON ivf_option USING ivf (v) WITH (quantizer = best);
CREATE INDEX ON ivf_option USING ivf (v) WITH (quantizer = '');
CREATE INDEX ON ivf_option USING ivf (v vector_l1_ops) WITH (quantizer = rabitq);
CREATE INDEX ON ivf_option USING ivf (v vector_l1_ops) WITH (quantizer = sq8);
CREATE INDEX ON ivf_option USING ivf (v vector_l1_ops) WITH (quantizer = pq);
CREATE INDEX ON ivf_option USING ivf (b bit_hamming_ops) WITH (quantizer = rabitq);
CREATE INDEX ON ivf_option USING ivf (b bit_jaccard_ops) WITH (quantizer = sq8);
CREATE INDEX ON ivf_option USING ivf (b bit_jaccard_ops) WITH (quantizer = pq);

-- bits
CREATE INDEX ON ivf_option USING ivf (v) WITH (bits = -1);
CREATE INDEX ON ivf_option USING ivf (v) WITH (bits = 9);
CREATE INDEX ON ivf_option USING ivf (v) WITH (bits = 3);
CREATE INDEX ON ivf_option USING ivf (v) WITH (bits = few);
CREATE INDEX ON ivf_option USING ivf (v) WITH (quantizer = none, bits = 8);
CREATE INDEX ON ivf_option USING ivf (v) WITH (quantizer = sq8, bits = 8);
CREATE INDEX ON ivf_option USING ivf (v vector_l1_ops) WITH (bits = 8);
CREATE INDEX ON ivf_option USING ivfflat (v) WITH (bits = 8);
CREATE INDEX ON ivf_option USING ivf (b bit_hamming_ops) WITH (bits = 8);
CREATE INDEX ivf_option_bits ON ivf_option USING ivf (v) WITH (bits = 4);
ALTER INDEX ivf_option_bits SET (quantizer = none);
ALTER INDEX ivf_option_bits SET (bits = 5);
ALTER INDEX ivf_option_bits SET (quantizer = rabitq, bits = 2);
SELECT pg_get_indexdef('ivf_option_bits'::regclass);
ALTER INDEX ivf_option_bits SET (bits = 1);
REINDEX INDEX ivf_option_bits;
SELECT quantizer FROM vecdb_index_info('ivf_option_bits');
ALTER INDEX ivf_option_bits RESET (bits);
DROP INDEX ivf_option_bits;

-- of other methods
CREATE INDEX ON ivf_option USING ivf (v) WITH (m = 16);
CREATE INDEX ON ivf_option USING ivf (v) WITH (fillfactor = 50);
CREATE INDEX ON ivf_option USING btree (v) WITH (lists = 100);

-- dimensions are needed, and not too many
CREATE INDEX ON ivf_option USING ivf (any_v);
DO $$BEGIN
    CREATE INDEX ON ivf_option USING ivfflat (any_v);
EXCEPTION WHEN invalid_parameter_value THEN RAISE NOTICE 'invalid_parameter_value'; END$$;
CREATE INDEX ON ivf_option USING ivf (any_h);
CREATE INDEX ON ivf_option USING ivf (any_i);
CREATE INDEX ON ivf_option USING ivf (var bit_hamming_ops);
CREATE INDEX ON ivf_option USING ivf ((any_v::halfvec));
CREATE INDEX ON ivf_option USING ivf (too_long bit_hamming_ops);
CREATE INDEX ON ivf_option USING ivfflat (too_long bit_jaccard_ops);
DROP TABLE ivf_option;

-- settings
LOAD 'vecdb';
SELECT name, vartype, context, boot_val, min_val, max_val, enumvals, short_desc, extra_desc FROM pg_settings WHERE name ~ '^ivf(flat)?\.' ORDER BY name;
SET ivf.probes = 1000000;
SET ivf.probes = 1000001;
SET ivf.probes = -1;
SET ivf.probes = 'all';
SHOW ivf.probes;
SET ivf.recall = 1;
SET ivf.recall = 0.49;
SET ivf.recall = 1.01;
SHOW ivf.recall;
SET ivfflat.probes = 32768;
SET ivfflat.probes = 32769;
SET ivfflat.probes = 0;
SHOW ivfflat.probes;
SET ivfflat.iterative_scan = off;
SET ivfflat.iterative_scan = relaxed_order;
SET ivfflat.iterative_scan = strict_order;
SHOW ivfflat.iterative_scan;
SET ivfflat.max_probes = 1;
SET ivfflat.max_probes = 0;
SET ivfflat.max_probes = 32769;
SHOW ivfflat.max_probes;
SET ivf.no_such_setting = 1;
SET ivfflat.no_such_setting = 1;

-- before the library is loaded a setting is kept for it
\c -
SET ivfflat.probes = 10;
SET ivf.recall = 0.9;
LOAD 'vecdb';
SHOW ivfflat.probes;
SHOW ivf.recall;

-- anyone may set them
CREATE ROLE regress_vecdb_user;
SET ROLE regress_vecdb_user;
SET ivf.probes = 5;
SET LOCAL ivf.recall = 0.8;
BEGIN;
SET LOCAL ivfflat.probes = 3;
SHOW ivfflat.probes;
ROLLBACK;
SHOW ivfflat.probes;
RESET ROLE;
DROP ROLE regress_vecdb_user;
