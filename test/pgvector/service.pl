# While a database with pgvector becomes one with vecdb, it answers, and takes
# changes.  VECDB_TAKE_OVER_ROWS=300000 (default 4000) rows of 384 dimensions: Debian
# packages, each as often as it takes, with some noise.
use strict;
use warnings;

use IPC::Run qw(start finish);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $rows = $ENV{VECDB_TAKE_OVER_ROWS} || 4000;
my $node = PostgreSQL::Test::Cluster->new('service');
$node->init;
$node->append_conf('postgresql.conf', "shared_buffers = 1GB\nmaintenance_work_mem = 1GB\n"
      . "max_wal_size = 8GB\nautovacuum = off");
$node->start;
my $base = $node->basedir;

sub sql
{
    my ($query) = @_;
    return $node->safe_psql('app', $query, timeout => 3600);
}

# ---- what pgvector has ----

# The files have a type that pgvector does not know.
$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('postgres', qq{
    CREATE EXTENSION vecdb;
    CREATE TABLE loaded (name text, section text, summary text, description text,
        installed_size int, embedding int8vec(384));
    \\copy loaded FROM '$ENV{VDB_WORK}/tree/test/data/packages.copy' (FORMAT binary)
    \\copy (SELECT l2_normalize(embedding::vector(384)) FROM loaded) TO '$base/vectors'
});
sql(qq{
    CREATE EXTENSION vector;
    CREATE TABLE base (n serial, v vector(384));
    \\copy base (v) FROM '$base/vectors'
    CREATE TABLE items (id int PRIMARY KEY, v vector(384));
    ALTER TABLE items ALTER v SET STORAGE plain;
    SELECT setseed(0.5);
    INSERT INTO items SELECT i, v + noise
    FROM generate_series(1, $rows) i JOIN base ON n = 1 + i % 4000, LATERAL (
        SELECT array_agg(random() * 0.1 - 0.05)::vector AS noise
        FROM generate_series(1, 384) WHERE i > 0) x;
    CREATE INDEX items_v ON items USING hnsw (v vector_cosine_ops);
    CREATE SEQUENCE next START 10000001;
    CREATE TABLE running (go int);
    INSERT INTO running VALUES (1);
    VACUUM ANALYZE;
});

is(sql('SELECT count(*) FROM items'), $rows, 'all rows are there');
diag "$rows rows, pgvector's index has " . sql(q{SELECT pg_size_pretty(pg_relation_size('items_v'))});

# ---- who uses it ----

# A division by zero is how a client ends: when it is told to, or when it does
# not get ten rows.
my $read = "$base/read.sql";
append_to_file($read, q{SELECT 1 / go FROM running;
\set n random(1, 4000)
SELECT count(*) / 10 AS whole FROM (
    SELECT id FROM items ORDER BY v <=> (SELECT v FROM base WHERE n = :n) LIMIT 10) x \gset
SELECT 1 / :whole;
});
my $write = "$base/write.sql";
append_to_file($write, q{SELECT 1 / go FROM running;
\set n random(1, 4000)
INSERT INTO items SELECT nextval('next'), v FROM base WHERE n = :n RETURNING id \gset
DELETE FROM items WHERE id = :id - 5;
\sleep 20 ms
});
sql('CREATE INDEX ON base (n)');

# Searches by index, so that the test is about them also where rows are few.
$ENV{PGOPTIONS} = '-c enable_seqscan=off';
my %client;
for my $kind ([ 'read', $read, 2 ], [ 'write', $write, 1 ])
{
    my ($name, $script, $clients) = @$kind;
    my ($out, $err) = ('', '');
    my $run = start [ 'pgbench', '-n', '-M', 'prepared', '-c', $clients, '-T', 36000, '-f', $script, '-l',
        '--log-prefix', "$base/$name", '-h', $node->host, '-p', $node->port, 'app' ],
      '<', '/dev/null', '>', \$out, '2>', \$err;
    $client{$name} = { run => $run, err => \$err };
}
delete $ENV{PGOPTIONS};

# ---- the take-over, step by step, in the time of each ----

my @steps;

sub step
{
    my ($name, $todo) = @_;
    my $from = time;
    $todo->();
    push @steps, [ $name, $from, time ];
    return;
}

step('before', sub { sleep 3 });
step('take over', sub { sql(q{CREATE EXTENSION vecdb VERSION 'pgvector'}) });
step('by the old index', sub { sleep 3 });
step('replace', sub { sql('SELECT vecdb_replace_pgvector(true) \gexec') });
step('drop', sub { sql('DROP EXTENSION vector') });
step('after', sub { sleep 3 });
sql('UPDATE running SET go = 0');

for my $name (sort keys %client)
{
    finish $client{$name}{run};
    my @said = grep { /^pgbench: error:/ && !/division by zero/ && !/Run was aborted/ } split /\n/,
        ${ $client{$name}{err} };
    is(join("\n", @said), '', "$name: nothing but what is meant to end it");
    my @done = map { [ (split)[ 2, 4, 5 ] ] } map { split /\n/, slurp_file($_) } glob "$base/$name.*";
    for my $step (@steps)
    {
        my ($what, $from, $to) = @$step;
        # Those that went on at any time of this step.
        my @took = sort { $a <=> $b } map { $_->[0] / 1000 }
          grep { my $end = $_->[1] + $_->[2] / 1e6; $end >= $from && $end - $_->[0] / 1e6 <= $to } @done;
        cmp_ok(scalar @took, '>', 0, "$name, $what: goes on");
        diag sprintf('%s, %s: %.3f s, %d transactions, median %.1f ms, longest %.1f ms',
            $name, $what, $to - $from, scalar @took, $took[ @took / 2 ], $took[-1]);
    }
}
my ($took) = map { $_->[2] - $_->[1] } grep { $_->[0] eq 'take over' } @steps;
cmp_ok($took, '<', 1, 'the take-over takes less than a second');
is(sql(q{SELECT count(*) FROM vecdb_index_check('items_v', true)}), '0', 'the index is sound');
is(sql(q{SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname = 'items_v'}),
    'hnsw', 'and of vecdb');
$node->stop;
done_testing();
