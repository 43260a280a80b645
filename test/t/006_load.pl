# Eight sessions that insert, delete, update, search and vacuum, all at once:
# each search finds as many rows as it asks for, none twice, nearer ones first;
# and then an index scan of everything finds what a sequential scan finds, the
# check of the index finds nothing, and searches find as much as in a new index.
#
# VECDB_LOAD_SECONDS says for how long with each access method, and
# VECDB_LOAD_METHODS which: "ivf hnsw".
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{VECDB_LOAD_SECONDS} || 15;
my @methods = split ' ', $ENV{VECDB_LOAD_METHODS} || 'ivf hnsw';
my %indexes = (
    ivf => [ 'ivf (v vector_l2_ops)', 'ivfflat (v vector_cosine_ops)' ],
    hnsw => [ 'hnsw (v vector_l2_ops, note)', 'hnsw (v vector_cosine_ops) WITH (quantizer = none)' ],
);
my $dir = PostgreSQL::Test::Utils::tempdir();

my $node = PostgreSQL::Test::Cluster->new('load');
$node->init;
$node->append_conf('postgresql.conf', q{
    autovacuum = off
    log_statement = none
    log_min_messages = error
    max_wal_size = 1GB
    shared_buffers = 256MB
});
$node->start;

# Rows of a place in time, which moves on.
$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
        $$SELECT array_agg(sin(seed / 500 * 12.9898::float8 + i * 78.233::float8)
              + 0.3 * sin(seed * 12.9898::float8 + seed * i * 0.37::float8))::vector
          FROM generate_series(1, 24) i$$;
    CREATE SEQUENCE ids;
    -- The nearest, one by one, by either index.
    CREATE FUNCTION search(seed int, n int) RETURNS void LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_sort = off AS $$
    DECLARE
        r record;
        found int := 0;
        seen int[] := '{}';
        before float8 := '-Infinity';
    BEGIN
        PERFORM set_config('ivfflat.probes', CASE WHEN seed % 4 = 1 THEN '32768' ELSE '1' END, true);
        PERFORM set_config('hnsw.iterative_scan', CASE WHEN seed % 4 = 1 THEN 'strict_order'
            ELSE 'relaxed_order' END, true);
        FOR r IN EXECUTE 'SELECT id, v ' || CASE WHEN seed % 2 = 0 THEN '<->' ELSE '<=>' END
            || ' $1 AS d FROM items ORDER BY v ' || CASE WHEN seed % 2 = 0 THEN '<->' ELSE '<=>' END
            || ' $1 LIMIT $2' USING made(seed), n
        LOOP
            found := found + 1;
            IF r.id = ANY (seen) THEN
                RAISE 'row % came twice', r.id;
            END IF;
            seen := seen || r.id;
            -- exact where nothing is coded, and nothing found late is returned
            IF r.d < before - 1e-5 AND seed % 4 = 1 THEN
                RAISE 'distance % after %', r.d, before;
            END IF;
            before := greatest(before, r.d);
        END LOOP;
        IF found <> n THEN
            RAISE '% rows of %', found, n;
        END IF;
    END $$;
});

# pgbench's scripts, and how often each.
my %scripts = (
    insert => [ 40, q{INSERT INTO items SELECT i, 0, made(i) FROM (SELECT nextval('ids')::int i
        FROM generate_series(1, 5)) x;} ],
    delete => [ 12, q{DELETE FROM items WHERE id IN (SELECT id FROM items ORDER BY id LIMIT 20)
        AND (SELECT count(*) > 3000 FROM items);} ],
    note => [ 10, q{UPDATE items SET note = note + 1 WHERE id = (SELECT last_value FROM ids) - :r % 2000;} ],
    move => [ 10, q{UPDATE items SET v = made(id + 1000000) WHERE id = (SELECT last_value FROM ids) - :r % 2000;} ],
    search => [ 25, q{SELECT search((SELECT last_value FROM ids)::int - :r % 4000, 10);} ],
    long => [ 2, q{SELECT search((SELECT last_value FROM ids)::int - :r % 4000, 600);} ],
    undone => [ 3, q{BEGIN; INSERT INTO items SELECT -i, 0, made(:r + i) FROM generate_series(1, 40) i; ROLLBACK;} ],
    vacuum => [ 1, 'VACUUM (TRUNCATE off) items;' ],
);
my @files;
foreach my $name (sort keys %scripts)
{
    append_to_file("$dir/$name.sql", "\\set r random(0, 1000000)\n$scripts{$name}[1]\n");
    push @files, '-f', "$dir/$name.sql\@$scripts{$name}[0]";
}
my $settings = 'SET enable_seqscan = off; SET enable_sort = off;';

# What part of the nearest is found through either index.
sub recalls
{
    return map { $node->safe_psql('postgres', "SELECT vecdb_recall('items_$_', 200)") }
      qw(coded plain);
}

sub load
{
    my ($method) = @_;
    my ($coded, $plain) = @{ $indexes{$method} };

    $node->safe_psql('postgres', qq{
        CREATE TABLE items (id int, note int, v vector(24));
        CREATE INDEX items_id ON items (id);
        CREATE INDEX items_coded ON items USING $coded;
        CREATE INDEX items_plain ON items USING $plain;
        INSERT INTO items SELECT i, 0, made(i) FROM generate_series(1, 2000) i;
        SELECT setval('ids', 2000);
    });
    my ($out, $err) = run_command([ 'pgbench', '-n', '-c', '8', '-j', '2', '-T', $seconds,
            @files, '-h', $node->host, '-p', $node->port, 'postgres' ]);
    note $out;
    unlike($err, qr/abort|ERROR|error:/, "$method: no session failed");
    diag $err if $err =~ /abort|ERROR|error:/;

    foreach my $op ('<->', '<=>')
    {
        my $query = "SELECT count(*), count(DISTINCT id), sum(hashint4(id)::bigint)"
          . " FROM (SELECT id FROM items ORDER BY v $op made(77)) x";
        like($node->safe_psql('postgres', "$settings EXPLAIN $query"),
            qr/Index Scan using items_/, "$method $op: the index is used");
        foreach my $what ('after the load', 'after a vacuum')
        {
            is($node->safe_psql('postgres', "$settings $query"),
                $node->safe_psql('postgres', "SET enable_indexscan = off; $query"),
                "$method $op: all rows, $what");
            $node->safe_psql('postgres', 'VACUUM items');
        }
    }
    foreach my $index (qw(coded plain))
    {
        is($node->safe_psql('postgres', "SELECT * FROM vecdb_index_check('items_$index', true)"),
            '', "$method $index: sound");
    }
    my @before = recalls();
    note $node->safe_psql('postgres', q{
        SELECT (SELECT last_value FROM ids), (SELECT count(*) FROM items),
            pg_relation_size('items') / 8192, pg_relation_size('items_coded') / 8192,
            pg_relation_size('items_plain') / 8192});
    $node->safe_psql('postgres', 'REINDEX TABLE items');
    note 'built anew: ', $node->safe_psql('postgres', q{
        SELECT pg_relation_size('items_coded') / 8192, pg_relation_size('items_plain') / 8192});
    my @after = recalls();
    # of 200 rows drawn anew each time, and through one list of an ivfflat index
    my @less = (0.05, $method eq 'ivf' ? 0.12 : 0.05);
    cmp_ok($before[$_], '>', $after[$_] - $less[$_], "$method: recall is as of an index made anew")
      for 0 .. 1;
    note "recall: @before, made anew @after";
    $node->safe_psql('postgres', 'DROP TABLE items');
}

load($_) for @methods;
$node->stop;
done_testing();
