# ivf indexes over crashes, on a standby, and under concurrent inserts: an
# index scan of everything finds what a sequential scan finds.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('ivf');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
    autovacuum = off
    wal_consistency_checking = 'all'
    wal_keep_size = 1GB
});
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('ivf_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql AS
        $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8
              + seed * i * 0.37::float8))::vector
          FROM generate_series(1, 40) i$$;
    CREATE TABLE items (id int, v vector(40));
    INSERT INTO items SELECT i, made(i) FROM generate_series(1, 1000) i;
    INSERT INTO items VALUES (0, NULL), (-1, array_fill(0, ARRAY[40])::vector);
    CREATE INDEX items_coded ON items USING ivf (v vector_l2_ops) WITH (lists = 4);
    CREATE INDEX items_plain ON items USING ivfflat (v vector_cosine_ops) WITH (lists = 4);
    CREATE UNLOGGED TABLE fleeting (LIKE items);
    CREATE INDEX ON fleeting USING ivf (v vector_l2_ops, id);
    INSERT INTO fleeting SELECT * FROM items;
});

# All rows by either index are those of the table.
sub sound
{
    my ($server, $table, $what) = @_;
    foreach my $op ('<->', '<=>')
    {
        next if $table eq 'fleeting' && $op eq '<=>';
        my $query = "SELECT count(*), count(DISTINCT id), sum(hashint4(id)::bigint)"
          . " FROM (SELECT id FROM $table ORDER BY v $op array_fill(0.5, ARRAY[40])::vector) x";
        my $index = 'SET enable_seqscan = off; SET enable_sort = off; ';
        like($server->safe_psql('postgres', "$index EXPLAIN $query"),
            qr/Index Scan/, "$what: $op uses the index");
        is($server->safe_psql('postgres', "$index $query"),
            $server->safe_psql('postgres',
                "SET enable_indexscan = off; $query"),
            "$what: $op finds all rows");
    }
}

sub sound_everywhere
{
    my ($what) = @_;
    sound($node, 'items', $what);
    $node->wait_for_catchup($standby);
    sound($standby, 'items', "$what, standby");
}

sound_everywhere('built');
$node->safe_psql('postgres', q{
    INSERT INTO items SELECT i, made(i) FROM generate_series(1001, 1500) i;
    UPDATE items SET v = made(id + 9000) WHERE id % 5 = 0;
    DELETE FROM items WHERE id % 3 = 0});
sound_everywhere('changed');
$node->safe_psql('postgres', 'VACUUM items');
sound_everywhere('vacuumed');
$node->safe_psql('postgres',
    'INSERT INTO items SELECT i, made(i) FROM generate_series(2001, 2500) i');
sound_everywhere('room used again');
$node->safe_psql('postgres', 'REINDEX TABLE CONCURRENTLY items');
sound_everywhere('reindexed');

# A crash: what was committed is there, and unlogged tables are empty.
sound($node, 'fleeting', 'unlogged');
$node->safe_psql('postgres',
    'INSERT INTO items SELECT i, made(i) FROM generate_series(3001, 3200) i');
$node->stop('immediate');
$node->start;
sound_everywhere('crashed');
sound($node, 'fleeting', 'unlogged, crashed');
$node->safe_psql('postgres',
    'INSERT INTO fleeting SELECT i, made(i) FROM generate_series(1, 300) i');
sound($node, 'fleeting', 'unlogged, filled again');
is($node->safe_psql('postgres', 'SELECT count(*) FROM fleeting'), 300,
    'unlogged, filled again: the new rows only');

# Four sessions that insert into the same lists, while two vacuum.
my $script = PostgreSQL::Test::Utils::tempdir() . '/insert.sql';
append_to_file($script, q{
    \set id random(10000, 1000000)
    INSERT INTO items VALUES (:id, made(:id));
    DELETE FROM items WHERE id = :id - 7;
});
my $vacuum = $script . '.vacuum';
append_to_file($vacuum, "VACUUM items;\n");
$node->command_ok(
    [ 'pgbench', '-n', '-c', '4', '-t', '200', '-f', "$script\@40", '-f',
        "$vacuum\@1", '-h', $node->host, '-p', $node->port, 'postgres' ],
    'inserts at the same time');
sound_everywhere('after concurrent inserts');
$node->safe_psql('postgres', 'VACUUM items');
sound_everywhere('and a vacuum');

# A build is cancelled at once.
my ($ret, $out, $err) = $node->psql('postgres', q{
    CREATE TABLE large AS SELECT i AS id, made(i)::vector(40) AS v FROM generate_series(1, 20000) i;
    SET statement_timeout = 20;
    CREATE INDEX ON large USING ivf (v vector_l2_ops) WITH (lists = 1000)});
like($err, qr/canceling statement/, 'a build is cancelled');

$standby->stop;
$node->stop;
done_testing();
