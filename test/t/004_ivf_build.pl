# Building ivf indexes: progress, cancelling, memory, and samples of blocks.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('ivf_build');
$node->init;
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE TABLE items (id int, v vector(256));
    INSERT INTO items SELECT i, (SELECT array_agg(random() + 0 * i * j)::vector FROM generate_series(1, 256) j)
        FROM generate_series(1, 12000) i;
    INSERT INTO items VALUES (0, NULL);
    CREATE TABLE seen (phase text, done bigint, total bigint)});

# Sanitizers make everything several times slower, and keep what is freed.
my ($cflags) = run_command([ 'pg_config', '--cflags' ]);
my $sanitized = $cflags =~ /-fsanitize=/;

sub psql_command
{
    my (@commands) = @_;
    return ('psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'postgres', @commands);
}

# Another session writes down what the view says until the index is there.
my ($in, $out, $err) = ('', '', '');
my $watcher = IPC::Run::start([ psql_command('-c', q{
    DO $$ BEGIN
        FOR i IN 1..20000 LOOP
            PERFORM pg_stat_clear_snapshot();
            INSERT INTO seen SELECT phase, tuples_done, tuples_total FROM pg_stat_progress_create_index;
            EXIT WHEN EXISTS (SELECT FROM pg_class WHERE relname = 'watched');
            PERFORM pg_sleep(0.001);
        END LOOP;
    END $$}) ], \$in, \$out, \$err);
$node->safe_psql('postgres', q{
    SELECT pg_sleep(0.2);
    CREATE INDEX watched ON items USING ivf (v vector_l2_ops) WITH (lists = 4000)});
$watcher->finish;
is($err, '', 'progress is watched');
my $phases = $node->safe_psql('postgres', q{
    SELECT string_agg(DISTINCT phase, ', ' ORDER BY phase) FROM seen});
like($phases, qr/building index: performing k-means/, "phases: $phases");
like($phases, qr/building index: assigning tuples/, 'assigning is a phase');
is($node->safe_psql('postgres', 'SELECT count(*) FROM seen WHERE done > total AND total > 0'),
    '0', 'never more than everything is done');
cmp_ok($node->safe_psql('postgres',
        q{SELECT count(DISTINCT done) FROM seen WHERE phase LIKE '%k-means' AND total > 0}),
    '>', 2, 'k-means tells how far it is');

# Cancelled at any time, a build ends soon.
my @late;
foreach my $timeout (5, 20, 50, 100, 150, 200, 300, 400)
{
    my $output = '';
    IPC::Run::run([ psql_command() ],
        '<', \"SET statement_timeout = $timeout;\n\\timing on\nCREATE INDEX ON items USING ivf (v vector_l2_ops) WITH (lists = 4000);\n",
        '>', \$output, '2>', \$err);
    next unless $err =~ /canceling statement/ && $output =~ /Time: ([\d.]+) ms/;
    push @late, $1 - $timeout;
}
@late = sort { $a <=> $b } @late;
cmp_ok(scalar(@late), '>', 1, 'builds are cancelled');
cmp_ok($late[ @late / 2 ], '<', $sanitized ? 1000 : 100, 'soon: ' . join(' ', map { int } @late) . ' ms');

# The backend's own memory: RssAnon has not the shared buffers.
sub anonymous_memory
{
    my ($pid) = @_;
    open(my $status, '<', "/proc/$pid/status") or return;
    my ($line) = grep { /^RssAnon/ } <$status>;
    return defined $line && $line =~ /(\d+)/ ? $1 : undef;
}

SKIP:
{
    skip 'no /proc', 2 unless defined anonymous_memory($$);
    skip 'memory that is freed is kept', 2 if $sanitized;
    foreach my $megabytes (2, 16)
    {
        $out = '';
        $in = "SET maintenance_work_mem = '${megabytes}MB';\nSELECT v <-> v FROM items LIMIT 1;\n"
          . "SELECT 'pid ' || pg_backend_pid();\n";
        my $build = IPC::Run::start([ psql_command() ], \$in, \$out, \$err);
        $build->pump until $out =~ /^pid (\d+)$/m;
        my $pid = $1;
        my $before = anonymous_memory($pid);
        my $most = $before;
        $in = "CREATE INDEX ON items USING ivf (v vector_l2_ops);\n\\q\n";
        while (defined(my $now = anonymous_memory($pid)))
        {
            $most = $now if $now > $most;
            $build->pump_nb if $build->pumpable;
            usleep(1000);
        }
        $build->finish;
        # What a session has besides, catalogs for one, may grow a little, too.
        cmp_ok($most - $before, '<=', 1024 * 1.1 * $megabytes + 1024,
            "a build in $megabytes MB takes " . ($most - $before) . ' kB');
    }
}
my ($ret, $stdout, $stderr) = $node->psql('postgres', q{
    SET maintenance_work_mem = '1MB';
    CREATE INDEX ON items USING ivf (v vector_l2_ops) WITH (lists = 4000)});
like($stderr, qr/memory required is \d+ kB, maintenance_work_mem is 1024 kB.*HINT:  Increase maintenance_work_mem/s,
    'too little memory is an error');

# Few lists want few rows, which come from some of the blocks: all rows are in
# the index all the same, of a partial one over an expression, too.
$node->safe_psql('postgres', q{
    DROP INDEX watched;
    CREATE INDEX ON items USING ivf ((v::halfvec(256)) halfvec_l2_ops) WITH (lists = 5) WHERE id % 3 = 0;
    VACUUM ANALYZE items});
my $query = q{SELECT count(*), sum(id) FROM (SELECT id FROM items WHERE id % 3 = 0
    ORDER BY v::halfvec(256) <-> array_fill(0.5, ARRAY[256])::halfvec(256)) x};
like($node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; EXPLAIN $query"),
    qr/Index Scan/, 'a partial index over an expression is used');
is($node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; $query"),
    $node->safe_psql('postgres', "SET enable_indexscan = off; $query"), 'and has all rows');

$node->stop;
done_testing();
