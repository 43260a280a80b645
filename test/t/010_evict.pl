# Searches of a graph that does not fit into shared buffers, while others read
# and write: pages leave their buffers while they are looked at without a pin.
# What is found is as near as when everything is in memory.
#
# VECDB_LOAD_SECONDS says for how long.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{VECDB_LOAD_SECONDS} || 5;
my $dir = PostgreSQL::Test::Utils::tempdir();

my $node = PostgreSQL::Test::Cluster->new('evict');
$node->init;
$node->append_conf('postgresql.conf', q{
    autovacuum = off
    log_statement = none
    max_wal_size = 1GB
    shared_buffers = 128MB
});
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
        $$SELECT array_agg(sin(seed / 100 * 12.9898::float8 + i * 78.233::float8)
              + 0.5 * sin(seed * 12.9898::float8 + seed * i * 0.37::float8))::vector
          FROM generate_series(1, 96) i$$;
    CREATE TABLE items (id int, note int, v vector(96));
    INSERT INTO items SELECT i, 0, made(i) FROM generate_series(1, 8000) i;
    CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
    -- What is nearest to a hundred vectors.
    CREATE TABLE queries (q int, v vector, ids int[]);
    SET enable_indexscan = off;
    INSERT INTO queries SELECT q, made(q), (SELECT array_agg(id) FROM
            (SELECT id FROM items ORDER BY v <-> made(q) LIMIT 10) x)
        FROM generate_series(20, 8000, 80) q;
    CREATE TABLE found (n int);
    CREATE FUNCTION search(n int) RETURNS void LANGUAGE plpgsql
    SET enable_seqscan = off SET hnsw.ef_search = 60 AS $$
    DECLARE
        one queries;
        ids int[];
    BEGIN
        SELECT * INTO one FROM queries OFFSET n LIMIT 1;
        ids := ARRAY(SELECT id FROM items ORDER BY v <-> one.v LIMIT 10);
        IF cardinality(ids) <> 10 THEN
            RAISE '% rows', cardinality(ids);
        END IF;
        INSERT INTO found SELECT count(*) FROM unnest(ids) id WHERE id = ANY (one.ids);
    END $$;
});

# What part of the nearest was found.
sub recall
{
    return $node->safe_psql('postgres', 'SELECT avg(n) / 10 FROM found');
}

sub run_load
{
    my (@scripts) = @_;
    my @files;

    foreach my $name (@scripts)
    {
        push @files, '-f', "$dir/$name.sql";
    }
    my ($out, $err) = run_command([ 'pgbench', '-n', '-c', '6', '-j', '2', '-T', $seconds, @files,
            '-h', $node->host, '-p', $node->port, 'postgres' ]);
    unlike($err, qr/abort|ERROR|error:/, "no session failed: @scripts");
    diag $err if $err =~ /abort|ERROR|error:/;
}

my %scripts = (
    search => 'SELECT search(:r % 100);',
    note => 'UPDATE items SET note = note + 1 WHERE id = 1 + :r % 8000;',
    read => 'SELECT count(*) FROM items WHERE note < 0;',
);
append_to_file("$dir/$_.sql", "\\set r random(0, 1000000)\n$scripts{$_}\n") for keys %scripts;
$node->safe_psql('postgres', 'CREATE INDEX ON items (id)');
run_load('search');
my $before = recall();
cmp_ok($before, '>', 0.85, 'in memory, the nearest are found');

# 200 pages, of which sessions have some pinned
$node->append_conf('postgresql.conf', 'shared_buffers = 1600kB');
$node->restart;
$node->safe_psql('postgres', 'TRUNCATE found');
run_load('search', 'read', 'note');
my $after = recall();
note "recall $before, beside others in little memory $after";
cmp_ok($after, '>', $before - 0.02, 'in little memory, too');
is($node->safe_psql('postgres', "SELECT * FROM vecdb_index_check('items_v', true)"), '',
    'the index is sound');
$node->stop;
done_testing();
