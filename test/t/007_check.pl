# vecdb_index_check(), vecdb_index_info() and vecdb_recall() beside sessions that
# insert, delete and vacuum, on a standby, and after a crash: no false alarms.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('check');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
    autovacuum = off
    fsync = off
    wal_keep_size = 1GB
});
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('check_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql AS
        $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8
              + seed * i * 0.37::float8))::vector
          FROM generate_series(1, 40) i$$;
    CREATE TABLE items (id int, v vector(40));
    INSERT INTO items SELECT i, made(i) FROM generate_series(1, 500) i;
    CREATE INDEX items_coded ON items USING ivf (v vector_l2_ops, id) WITH (lists = 4);
    -- they are larger than they should be, for vacuum to split
    ALTER INDEX items_coded RESET (lists);
    CREATE INDEX items_plain ON items USING ivfflat (v vector_cosine_ops) WITH (lists = 4);
    CREATE INDEX items_graph ON items USING hnsw (v vector_ip_ops) WITH (m = 8, ef_construction = 32);
    CREATE TABLE late (id int, v vector(2500));
    CREATE INDEX late_wide ON late USING ivf (v vector_ip_ops, id);
});

my @indexes = ('items_coded', 'items_plain', 'items_graph', 'late_wide');

sub wrong
{
    my ($server, $deep) = @_;
    return $server->safe_psql('postgres',
        join(' UNION ALL ', map { "SELECT '$_', x.* FROM vecdb_index_check('$_', $deep) x" } @indexes));
}

# Four sessions write, and one vacuums now and then, while this one looks.
my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/write.sql", q{
    \set id random(10000, 1000000)
    INSERT INTO items SELECT :id + i, CASE WHEN i = 5 THEN NULL ELSE made(:id + i) END FROM generate_series(1, 20) i;
    DELETE FROM items WHERE id BETWEEN :id + 7 AND :id + 10;
    INSERT INTO late SELECT :id, array_fill(:id, ARRAY[2500])::vector WHERE :id % 10 = 0;
});
append_to_file("$folder/vacuum.sql", "VACUUM items, late;\n");
my @pgbench = ('pgbench', '-n', '-c', '4', '-T', '10', '-f', "$folder/write.sql\@60", '-f',
    "$folder/vacuum.sql\@1", '-h', $node->host, '-p', $node->port, 'postgres');
my $bench = IPC::Run::start(\@pgbench, '>', \my $out, '2>', \my $err);
my ($rounds, $found, $begun) = (0, '', time);
while (time < $begun + 9)
{
    $found .= wrong($node, 'false');
    $node->safe_psql('postgres',
        'SELECT ' . join(', ', map { "vecdb_index_info('$_')" } @indexes) . ", vecdb_recall('items_coded', 5)");
    # which inserts wait for
    $found .= wrong($node, 'true') if ++$rounds % 3 == 0;
    $node->safe_psql('postgres', 'VACUUM items') if $rounds % 5 == 1;
}
ok($bench->finish, 'writing went on') or diag($err);
is($found, '', "no false alarms in $rounds rounds");
is(wrong($node, 'true'), '', 'all is sound in the end');
cmp_ok($node->safe_psql('postgres', "SELECT version FROM vecdb_index_info('items_coded')"), '>', 0,
    'lists were made anew meanwhile');

$node->wait_for_catchup($standby);
is(wrong($standby, 'false') . wrong($standby, 'true'), '', 'sound on the standby');
like($standby->safe_psql('postgres', "SELECT rows, vecdb_recall('items_coded', 10) FROM vecdb_index_info('items_coded')"),
    qr/^\d+\|\d/, 'information on the standby');
my (undef, undef, $calibrating) = $standby->psql('postgres', "SELECT vecdb_calibrate('items_coded')");
like($calibrating, qr/cannot execute vecdb_calibrate\(\) during recovery/, 'no calibrating there');
is($node->safe_psql('postgres', "SELECT count(*) FROM vecdb_calibrate('items_coded')"), 8, 'calibrated');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT probes_95, probes_99 FROM vecdb_index_info('items_coded')"),
    $node->safe_psql('postgres', "SELECT probes_95, probes_99 FROM vecdb_index_info('items_coded')"),
    'which the standby gets');

# A crash in the middle of it all.
$bench = IPC::Run::start(\@pgbench, '>', \$out, '2>', \$err);
sleep 3;
$node->stop('immediate');
$bench->finish;
$node->start;
is(wrong($node, 'true'), '', 'sound after a crash');
$node->safe_psql('postgres', 'INSERT INTO items SELECT i, made(i) FROM generate_series(1, 500) i');
$node->safe_psql('postgres', 'VACUUM items, late');
is(wrong($node, 'true'), '', 'and after what comes next');

$standby->stop;
$node->stop;
done_testing();
