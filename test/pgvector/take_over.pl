# A database with pgvector becomes one with vecdb: everything in it stays what
# and where it was, pgvector's indexes serve until they are replaced, and the
# catalogs are then those of a database that vecdb was created in.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('take_over');
$node->init;
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
my $space = $node->basedir . '/space';
mkdir $space or die;

sub sql
{
    my ($db, $query) = @_;
    return $node->safe_psql($db, $query);
}

# A query that has to fail, and how.
sub fails
{
    my ($db, $query, $pattern, $what) = @_;
    my ($status, $out, $err) = $node->psql($db, $query);
    ok($status != 0, "$what: fails");
    like($err, $pattern, "$what: says why");
    return;
}

my $by_index = 'SET enable_seqscan = off; SET enable_sort = off;';
my $take_over = q{CREATE EXTENSION vecdb VERSION 'pgvector';};

# ---- a database that uses all of pgvector ----

$node->safe_psql('postgres', "CREATE TABLESPACE other LOCATION '$space'");
$node->safe_psql('postgres', 'CREATE DATABASE app');
my $version = sql('app', q{
    CREATE EXTENSION vector;
    SELECT extversion FROM pg_extension WHERE extname = 'vector'});
note "pgvector $version";
sql('app', q{
    CREATE FUNCTION made(seed int, n int DEFAULT 8) RETURNS vector LANGUAGE sql IMMUTABLE AS
        $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8) + 0.01 * i)::public.vector
          FROM generate_series(1, n) i$$;
    CREATE DOMAIN unit AS vector(8) CHECK (vector_norm(VALUE) < 100);
    CREATE TABLE items (
        id int PRIMARY KEY, tag int, v vector(8), h halfvec(8) DEFAULT '[1,2,3,4,5,6,7,8]',
        s sparsevec(8), b bit(8), many vector[], u unit,
        n float8 GENERATED ALWAYS AS (vector_norm(v)) STORED,
        CHECK (vector_dims(v) = 8));
    INSERT INTO items SELECT i, i % 10, made(i), made(i + 1)::halfvec, made(i)::sparsevec,
        binary_quantize(made(i))::bit(8), ARRAY[made(i)], made(i)
        FROM generate_series(1, 2000) i;
    INSERT INTO items (id, tag) VALUES (2001, 1);
    CREATE INDEX items_l2 ON items USING hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 40);
    CREATE INDEX items_flat ON items USING ivfflat (v vector_cosine_ops) WITH (lists = 20)
        TABLESPACE other;
    CREATE INDEX items_half ON items USING hnsw ((v::halfvec(8)) halfvec_ip_ops) WHERE tag < 5;
    CREATE INDEX items_bits ON items USING hnsw ((binary_quantize(v)::bit(8)) bit_hamming_ops);
    CREATE INDEX items_sparse ON items USING hnsw (s sparsevec_l1_ops);
    CREATE INDEX "Items h" ON items USING hnsw (h halfvec_cosine_ops);
    ALTER INDEX items_half ALTER COLUMN 1 SET STATISTICS 7;
    COMMENT ON INDEX "Items h" IS 'it''s a comment';
    CREATE INDEX items_tree ON items (v);
    CREATE INDEX items_norm ON items (l1_distance(v, '[1,1,1,1,1,1,1,1]'));
    CREATE VIEW seen AS SELECT id, v <-> '[1,1,1,1,1,1,1,1]' AS d, v::halfvec AS h FROM items;
    CREATE MATERIALIZED VIEW kept AS SELECT tag, avg(v) AS a, sum(h) AS s FROM items GROUP BY tag;
    CREATE FUNCTION near(q vector, k int) RETURNS SETOF int LANGUAGE sql AS
        $$SELECT id FROM public.items ORDER BY v <-> q LIMIT k$$;
    CREATE TABLE parts (id int, v vector(8)) PARTITION BY RANGE (id);
    CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (100);
    CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (100) TO (300) PARTITION BY RANGE (id);
    CREATE TABLE parts_c PARTITION OF parts_b FOR VALUES FROM (100) TO (200);
    CREATE INDEX parts_v ON parts USING hnsw (v vector_l2_ops);
    INSERT INTO parts SELECT i, made(i) FROM generate_series(0, 199) i;
    CREATE ROLE reader;
    GRANT SELECT ON items TO reader;
    ALTER TABLE items ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON items TO reader USING (v <-> '[0,0,0,0,0,0,0,0]' < 2);
});

# What must not change: rows, OIDs, files, definitions.  Indexes that pgvector
# has to read are named otherwise until they are replaced.
sub state_of
{
    my ($db) = @_;
    return sql($db, q{
        SELECT 'row', md5(string_agg(items::text, ' ' ORDER BY id)) FROM items;
        SELECT 'view', md5(string_agg(seen::text, ' ' ORDER BY id)) FROM seen;
        SELECT 'kept', md5(string_agg(kept::text, ' ' ORDER BY tag)) FROM kept;
        SELECT 'policy', polname, pg_get_expr(polqual, polrelid) FROM pg_policy;
        SELECT 'type', oid, typname FROM pg_type WHERE typname IN ('vector', 'halfvec', 'sparsevec',
            '_vector', 'unit') ORDER BY oid;
        SELECT 'function', f::oid, f FROM unnest(ARRAY['l2_distance(vector,vector)', 'made(int,int)',
            'vector_in(cstring,oid,int)', 'near(vector,int)']::regprocedure[]) f;
        SELECT 'operator', oid, oprname FROM pg_operator WHERE oprleft IN ('vector'::regtype,
            'halfvec'::regtype, 'sparsevec'::regtype) ORDER BY oid;
        SELECT 'table', oid, relname, pg_relation_filenode(oid) FROM pg_class
            WHERE relname ~ '^(items|parts|kept|seen)' AND relkind IN ('r', 'm', 'v', 'p')
            ORDER BY oid;
        SELECT 'tree', pg_relation_filenode('items_tree'), pg_relation_filenode('items_norm');
        SELECT 'index', indexrelid::regclass, replace(pg_get_indexdef(indexrelid), 'pgvector_', ''),
            obj_description(indexrelid, 'pg_class'),
            (SELECT spcname FROM pg_tablespace t WHERE t.oid = c.reltablespace),
            (SELECT attstattarget FROM pg_attribute WHERE attrelid = indexrelid AND attnum = 1)
            FROM pg_index JOIN pg_class c ON c.oid = indexrelid
            WHERE c.relname ~* '^(items|parts)' ORDER BY c.relname;
        SELECT 'inherits', inhrelid::regclass, inhparent::regclass FROM pg_inherits ORDER BY 2, 3;
    });
}

# Says only what is not the same.
sub same_state
{
    my ($now, $then, $what) = @_;
    my %now = map { $_ => 1 } split /\n/, $now;
    my %then = map { $_ => 1 } split /\n/, $then;
    is(join("\n", sort grep { !$then{$_} } keys %now), '', "$what: nothing is new");
    is(join("\n", sort grep { !$now{$_} } keys %then), '', "$what: nothing is gone");
    return;
}

# The nearest by each index, which has to be used; either may be content with
# another as near.
my %searches = (
    items_l2 => q{SELECT id FROM items ORDER BY v <-> made(7) LIMIT 1},
    items_flat => q{SELECT id FROM items ORDER BY v <=> made(7) LIMIT 1},
    items_half => q{SELECT round((v::halfvec(8) <#> '[9,1,1,1,1,1,1,1]')::numeric, 2) FROM items WHERE tag < 5
        ORDER BY v::halfvec(8) <#> '[9,1,1,1,1,1,1,1]' LIMIT 1},
    items_bits => q{SELECT min(d) FROM (SELECT binary_quantize(v)::bit(8) <~> binary_quantize(made(7))::bit(8) AS d
        FROM items ORDER BY binary_quantize(v)::bit(8) <~> binary_quantize(made(7))::bit(8) LIMIT 3) x},
    items_sparse => q{SELECT id FROM items ORDER BY s <+> made(9)::sparsevec LIMIT 1},
    'Items h' => q{SELECT round((h <=> made(8)::halfvec)::numeric, 3) FROM items
        ORDER BY h <=> made(8)::halfvec LIMIT 1},
    parts_c_v_idx => q{SELECT id FROM parts ORDER BY v <-> made(150) LIMIT 1},
);

sub searches
{
    my ($what, $found, $db) = @_;
    $db //= 'app';
    foreach my $index (sort keys %searches)
    {
        my $query = $searches{$index};
        like(sql($db, "$by_index EXPLAIN (COSTS off) $query"), qr/Scan using "?\Q$index\E/,
            "$what: $index is used");
        is(sql($db, "$by_index $query"), $found->{$index}, "$what: $index finds the same");
    }
    return;
}

my $before = state_of('app');
my %found = map { $_ => sql('app', "$by_index $searches{$_}") } keys %searches;

# ---- it fails, and nothing has happened ----

$node->safe_psql('postgres', 'CREATE DATABASE none');
fails('none', $take_over, qr/there is no extension "vector"/, 'without pgvector');
$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
sql('elsewhere', 'CREATE SCHEMA "My vectors"; CREATE EXTENSION vector SCHEMA "My vectors"');
fails('elsewhere', $take_over, qr/is in schema My vectors.*SCHEMA "My vectors"/s, 'another schema');
fails('app', 'CREATE EXTENSION vecdb', qr/"vector" already exists/, 'without VERSION');
fails('app', "SET ROLE reader; $take_over", qr/permission denied/, 'an ordinary role');
sql('app', "BEGIN; $take_over " . q{
    SELECT id FROM items ORDER BY v <-> made(7) LIMIT 3;
    INSERT INTO items (id, v) VALUES (9999, made(9999)); ROLLBACK});
same_state(state_of('app'), $before, 'rolled back');
searches('rolled back', \%found);
is(sql('app', q{SELECT extname FROM pg_extension WHERE extname ~ 'vec'}), 'vector',
    'rolled back: pgvector is there');

# ---- a session that is open since before ----

my $old = $node->background_psql('app', on_error_stop => 0);
$old->query($by_index);
$old->query("PREPARE p AS $searches{items_l2}");
is($old->query('EXECUTE p'), $found{items_l2}, 'before: an open session');
# and one that knows of nothing yet
my $idle = $node->background_psql('app', on_error_stop => 0);

sql('app', $take_over);
same_state(state_of('app'), $before, 'taken over');
searches('taken over', \%found);
is($old->query('EXECUTE p'), $found{items_l2}, 'taken over: an open session goes on');
is($idle->query("$by_index $searches{items_half}"), $found{items_half},
    'taken over: so does one that loads the libraries now');
sql('app', q{SET hnsw.ef_search = 100; SET ivfflat.probes = 3;
    INSERT INTO items (id, tag, v) SELECT i, 1, made(i) FROM generate_series(3001, 3050) i;
    UPDATE items SET v = made(id) WHERE id % 50 = 0; DELETE FROM items WHERE id > 3000;});
sql('app', 'VACUUM items');
$before = state_of('app');
fails('app', 'DROP EXTENSION vector', qr/index items_l2 depends on/, 'indexes of pgvector');
# ---- its indexes, one by one ----

sub replace_all
{
    my ($db, $how) = @_;
    my @statements = split /\n/, sql($db, "SELECT * FROM vecdb_replace_pgvector($how)");
    cmp_ok(scalar @statements, '>', 10, 'there is something to do');
    sql($db, join(";\n", @statements));
    return;
}

# One attempt that stops half-way, with an index that is not valid.
sql('app', 'CREATE INDEX vecdb_' . sql('app', q{SELECT 'items_l2'::regclass::oid}) . ' ON items (id)');
replace_all('app', 'true');
same_state(state_of('app'), $before, 'replaced');
is(sql('app', q{
    SELECT count(*) FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE amname ~ '^pgvector'}),
    '0', 'replaced: none is left');
is(sql('app', 'SELECT count(*) FROM vecdb_replace_pgvector()'), '0', 'replaced: nothing to do');
sql('app', 'DROP EXTENSION vector');
searches('replaced', \%found);
is($old->query('EXECUTE p'), $found{items_l2}, 'replaced: an open session goes on');
$old->quit;
$idle->quit;
is(sql('app', qq{SELECT count(*) FROM vecdb_index_check('$_', true)}), '0', "$_ is sound")
  foreach qw(items_l2 items_flat items_half items_bits items_sparse parts_c_v_idx);

# ---- the other way: all in one transaction ----

sql('elsewhere', q{
    SET search_path = "My vectors", public;
    CREATE TABLE t (v vector(3));
    INSERT INTO t SELECT ARRAY[i, 1, 2]::vector FROM generate_series(1, 500) i;
    CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)});
$node->safe_psql('elsewhere', q{
    BEGIN;
    CREATE EXTENSION vecdb SCHEMA "My vectors" VERSION 'pgvector';
    SELECT "My vectors".vecdb_replace_pgvector() \gexec
    DROP EXTENSION vector;
    COMMIT;
});
is(sql('elsewhere', q{SET search_path = "My vectors"; SET enable_seqscan = off;
    SELECT v FROM t ORDER BY v <-> '[70.2,1,2]' LIMIT 1}), '[70,1,2]', 'in one transaction');

# ---- and then it is a database of vecdb's ----

# The catalogs, all but OIDs, of what belongs to the extension.
sub catalogs
{
    my ($db) = @_;
    return sql($db, q{
        CREATE TEMP VIEW member AS SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
            AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vecdb');
        SELECT 'object ' || pg_describe_object(classid, objid, 0) FROM member ORDER BY 1;
        SELECT 'type', typname, typinput, typoutput, typreceive, typsend, typmodin, typmodout,
            typanalyze, typsubscript, typalign, typstorage, typlen, typdelim, typcategory,
            typispreferred FROM pg_type JOIN member ON objid = oid AND classid = 'pg_type'::regclass
            WHERE typtype = 'b' ORDER BY typname;
        SELECT oid::regprocedure, probin, prosrc, provolatile, proisstrict, proparallel, procost,
            prosupport, prosecdef, proleakproof, prokind, pronargdefaults, proargnames,
            prorettype::regtype, proretset, proacl, proconfig
            FROM pg_proc JOIN member ON objid = oid AND classid = 'pg_proc'::regclass ORDER BY 1::text;
        SELECT aggfnoid::regprocedure, aggtransfn, aggfinalfn, aggcombinefn, aggserialfn,
            aggtranstype::regtype, agginitval, aggkind FROM pg_aggregate
            JOIN member ON objid = aggfnoid AND classid = 'pg_proc'::regclass ORDER BY 1::text;
        SELECT oid::regoperator, oprcode, oprcom::regoperator, oprnegate::regoperator, oprrest,
            oprjoin, oprcanmerge, oprcanhash
            FROM pg_operator JOIN member ON objid = oid AND classid = 'pg_operator'::regclass
            ORDER BY 1::text;
        SELECT castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext,
            castmethod FROM pg_cast JOIN member ON objid = oid AND classid = 'pg_cast'::regclass
            ORDER BY 1::text, 2::text;
        SELECT amname, amhandler, amtype FROM pg_am JOIN member ON objid = oid AND
            classid = 'pg_am'::regclass ORDER BY 1;
        SELECT amname, opfname, amoplefttype::regtype, amoprighttype::regtype, amopstrategy,
            amopopr::regoperator, amoppurpose FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily
            JOIN pg_am a ON a.oid = opfmethod
            JOIN member ON objid = f.oid AND classid = 'pg_opfamily'::regclass
            ORDER BY 1, 2, 3::text, 4::text, 5;
        SELECT amname, opfname, amproclefttype::regtype, amprocrighttype::regtype, amprocnum, amproc
            FROM pg_amproc JOIN pg_opfamily f ON f.oid = amprocfamily
            JOIN pg_am a ON a.oid = opfmethod
            JOIN member ON objid = f.oid AND classid = 'pg_opfamily'::regclass
            ORDER BY 1, 2, 3::text, 4::text, 5;
        SELECT amname, opcname, opcintype::regtype, opcdefault FROM pg_opclass o
            JOIN pg_am a ON a.oid = opcmethod
            JOIN member ON objid = o.oid AND classid = 'pg_opclass'::regclass ORDER BY 1, 2;
        SELECT extname, extversion FROM pg_extension ORDER BY 1;
    });
}
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
sql('fresh', 'CREATE EXTENSION vecdb');
my ($mine, $fresh) = map { [ split /\n/, catalogs($_) ] } 'app', 'fresh';
cmp_ok(scalar @$fresh, '>', 1000, 'the catalogs have much');
my %mine = map { $_ => 1 } @$mine;
my %fresh = map { $_ => 1 } @$fresh;
is(join("\n", grep { !$fresh{$_} } @$mine), '', 'taken over: nothing that a new one has not');
is(join("\n", grep { !$mine{$_} } @$fresh), '', 'taken over: everything that a new one has');

# What it dumps is restored where only vecdb is.
my $dump = $node->basedir . '/app.sql';
$node->run_log([ 'pg_dump', '-f', $dump, '-d', $node->connstr('app') ]) or die 'pg_dump';
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $dump,
    '-d', $node->connstr('restored') ], 'what it dumps can be restored');
is(sql('restored', "$by_index $searches{items_l2}"), $found{items_l2}, 'and is the same');

# And as doc/pgvector.md tells, where only pgvector is.
my $archive = $node->basedir . '/app.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $archive, '-d', $node->connstr('app') ], 'dumped to go back');
$node->safe_psql('postgres', 'CREATE DATABASE back');
sql('back', 'CREATE EXTENSION vector');
is(system("pg_restore -l $archive | grep -v 'EXTENSION.* vecdb' >$archive.list"), 0, 'a list');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-L', "$archive.list", '-d', $node->connstr('back'),
    $archive ], 'restored with pgvector');
is(sql('back', q{SELECT extname, extversion FROM pg_extension WHERE extname ~ 'vec'}),
    "vector|$version", 'where no vecdb is');
searches('back', \%found, 'back');

unlike(slurp_file($node->logfile), qr/PANIC:|TRAP:|signal 11|WARNING:.* leak/, 'the log is clean');
$node->stop;
done_testing();
