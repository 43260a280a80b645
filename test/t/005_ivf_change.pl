# Lists of ivf indexes that are made anew, over crashes, cancelled statements,
# on a standby, and over its promotion: an index scan of everything finds what
# a sequential scan finds, in the same order.
#
# VECDB_CHANGE_ROUNDS says how many crashes; in turn the server is stopped at
# once, the postmaster is killed, and a backend is.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{VECDB_CHANGE_ROUNDS} || 9;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $seed = $ENV{VECDB_CHANGE_SEED} || time;
srand($seed);
note "VECDB_CHANGE_SEED=$seed";

my $node = PostgreSQL::Test::Cluster->new('change');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
    autovacuum = off
    log_statement = none
    restart_after_crash = on
    maintenance_work_mem = 4MB
    max_wal_size = 256MB
    wal_consistency_checking = 'all'
    wal_keep_size = 4GB
});
$node->start;

$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
        $$SELECT array_agg(sin(seed / 500 * 12.9898::float8 + i * 78.233::float8)
              + 0.3 * sin(seed * 12.9898::float8 + seed * i * 0.37::float8))::vector
          FROM generate_series(1, 24) i$$;
    CREATE TABLE items (id int, v vector(24));
    CREATE INDEX items_coded ON items USING ivf (v vector_l2_ops, id);
    CREATE INDEX items_plain ON items USING ivfflat (v vector_cosine_ops, (id % 7), id);
});

my $settings = 'SET enable_seqscan = off; SET enable_sort = off;'
  . ' SET ivf.probes = 32768; SET ivfflat.probes = 32768;';
my %operators = (items_coded => '<->', items_plain => '<=>');

# What a query says of the rows of a table as they come: how many, how many of
# them different, which; and how many come after one that is further away.
sub all_rows
{
    my ($op, $q) = @_;
    return "SELECT count(*), count(DISTINCT id), sum(hashint4(id)::bigint),"
      . " count(*) FILTER (WHERE d < before - 1e-5) FROM (SELECT id, d,"
      . " max(d) OVER (ROWS UNBOUNDED PRECEDING) before FROM (SELECT id, v $op made($q) AS d"
      . " FROM items ORDER BY v $op made($q)) x) x";
}

# The oracle.  Codes put rows in order with some probability only.
my $has_check;

sub sound
{
    my ($server, $what) = @_;
    $has_check //= $server->safe_psql('postgres',
        "SELECT count(*) FROM pg_proc WHERE proname = 'vecdb_index_check' AND pronargs = 2");
    foreach my $index (sort keys %operators)
    {
        my $q = int(rand(1000000));
        my $query = all_rows($operators{$index}, $q);
        my $out = $server->safe_psql('postgres',
            "$settings EXPLAIN (COSTS off) $query; $query");
        my ($found, $late) = $out =~ /^(\d+\|\d+\|-?\d*)\|(\d+)$/m;
        my ($rows, $truth) = $server->safe_psql('postgres',
            "SET enable_indexscan = off; $query") =~ /^((\d+)\|\d+\|-?\d*)/ ? ($2, $1) : ();
        like($out, qr/Index Scan using $index/, "$what: $index is used");
        is($found, $truth, "$what: $index has all rows, q = $q");
        cmp_ok($late, '<=', $index eq 'items_plain' ? 0 : $rows / 20,
            "$what: $index has them in order, q = $q");
        next unless $has_check;
        is($server->safe_psql('postgres', "SELECT * FROM vecdb_index_check('$index', true)"),
            '', "$what: $index passes its check");
    }
    return;
}

# Runs SQL in a session of its own, in the background.
sub session
{
    my ($server, $name, $sql, @options) = @_;
    my %s = (out => "$dir/$name.out", err => "$dir/$name.err");
    open my $file, '>', "$dir/$name.sql" or die;
    print $file $sql;
    close $file;
    $s{run} = IPC::Run::start(
        [ 'psql', '-XAtq', '-d', $server->connstr('postgres'), @options, '-f', "$dir/$name.sql" ],
        '<', '/dev/null', '>', $s{out}, '2>', $s{err});
    return \%s;
}

sub finish
{
    my ($s) = @_;
    $s->{run}->finish;
    $s->{text} = slurp_file($s->{out});
    $s->{errors} = slurp_file($s->{err});
    return $s->{text};
}

# Inserts that say what has been committed; rows are in clusters that come one
# after the other, as data that drifts does.
my $next_id = 1;

sub inserts
{
    my ($server, $name, $statements, $rows) = @_;
    my $sql = '';
    for (1 .. $statements)
    {
        my $to = $next_id + $rows - 1;
        $sql .= "INSERT INTO items SELECT i, made(i) FROM generate_series($next_id, $to) i"
          . " RETURNING id;\n";
        $next_id += $rows;
    }
    return session($server, $name, $sql);
}

# What goes on besides, until the crash.
my @others = (
    ['VACUUM after deletes', join('', map { "DELETE FROM items WHERE id % 3 = 0 AND id % 7 = "
              . $_ % 7 . ";\nVACUUM items;\n" } 0 .. 40)],
    ['CREATE INDEX CONCURRENTLY', "CREATE INDEX CONCURRENTLY extra ON items USING ivf (v vector_ip_ops);\n"
          . "DROP INDEX CONCURRENTLY extra;\n"],
    ['REINDEX CONCURRENTLY', "REINDEX TABLE CONCURRENTLY items;\n" x 10],
    ['cancelled statements', join('', map { "SET statement_timeout = " . (1 + $_ % 50) . ";\n"
              . "INSERT INTO items SELECT -3 * i, made(-3 * i) FROM generate_series(1, 900) i;\n" } 1 .. 60)],
    ['CREATE INDEX', "CREATE INDEX extra ON items USING ivfflat (v vector_ip_ops); DROP INDEX extra;\n" x 10],
);

my %acknowledged;
my @sizes;

# The processes that one has started.
sub children
{
    my ($parent) = @_;
    my @found;
    foreach my $stat (glob '/proc/[0-9]*/stat')
    {
        open my $file, '<', $stat or next;
        my $line = <$file> // next;
        push @found, $1 if $line =~ /^(\d+) \(.*\) \S (\d+)/ && $2 == $parent;
    }
    return @found;
}

sub crash
{
    my ($round) = @_;
    my $way = $round % 3;
    if ($way == 0)
    {
        $node->stop('immediate');
        $node->start;
    }
    elsif ($way == 1)
    {
        my @children = children($node->safe_psql('postgres',
            q{SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)}));
        $node->kill9;
        # They end when they notice; until then there can be no new one.
        for (1 .. 600)
        {
            last unless grep { kill 0, $_ } @children;
            sleep 0.1;
        }
        $node->start;
    }
    else
    {
        my ($pid) = $node->safe_psql('postgres', q{
            SELECT pid FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            ORDER BY random() LIMIT 1});
        kill 'KILL', $pid if $pid;
        sleep 0.2;
        $node->poll_query_until('postgres', 'SELECT 1', '1') or die 'no restart';
    }
    return;
}

foreach my $round (1 .. $rounds)
{
    my $other = $others[$round % @others];
    my $what = "crash $round, $other->[0]";
    my @streams = map { inserts($node, "insert$_", 200, 15) } 1 .. 2;
    my $beside = session($node, 'beside', $other->[1]);
    sleep 0.3 + rand(1.0);
    crash($round);
    foreach my $stream (@streams)
    {
        $acknowledged{$_} = 1 foreach grep { /^\d+$/ } split /\n/, finish($stream);
        unlike($stream->{errors}, qr/is damaged|wrong order/, "$what: inserts");
    }
    finish($beside);
    unlike($beside->{errors}, qr/is damaged|wrong order/, "$what: the other");

    my %there = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT id FROM items');
    my @lost = grep { $_ % 3 != 0 && !$there{$_} } keys %acknowledged;
    is("@lost", '', "$what: what was acknowledged is there, of " . keys %acknowledged);
    $node->safe_psql('postgres', q{
        SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
        WHERE indrelid = 'items'::regclass
          AND (NOT indisvalid OR indexrelid::regclass::text = 'extra') \gexec
        });
    sound($node, $what);

    # Life goes on: as many rows as before, more or less.
    my $keep = $next_id - 5000;
    $node->safe_psql('postgres', "DELETE FROM items WHERE id < $keep");
    delete $acknowledged{$_} foreach grep { $_ < $keep } keys %acknowledged;
    $node->safe_psql('postgres', 'VACUUM items');
    my $more = inserts($node, 'more', 20, 15);
    finish($more);
    $acknowledged{$_} = 1 foreach grep { /^\d+$/ } split /\n/, $more->{text};
    is($more->{errors}, '', "$what: inserts go on");
    $node->safe_psql('postgres', 'VACUUM items');
    sound($node, "$what, then vacuum");
    push @sizes, $node->safe_psql('postgres',
        "SELECT pg_relation_size('items_coded') + pg_relation_size('items_plain')") / 8192;
}

# Pages that crashes lost the use of are used again.
note "pages after each crash: @sizes";
my $third = int($rounds / 3) || 1;
my ($early) = sort { $b <=> $a } @sizes[0 .. 2 * $third - 1];
my ($late) = sort { $b <=> $a } @sizes[2 * $third .. $#sizes], 0;
cmp_ok($late, '<', 2 * $early + 600, 'the files do not grow');

# ---- a first insert that fails half way ----

$node->safe_psql('postgres', q{
    CREATE FUNCTION long(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
        'SELECT array_fill(i, ARRAY[6000])::vector'});
my $half = 0;
for (my $try = 1; $try <= 40 && $half < 3; $try++)
{
    my $ms = 1 + $try % 6;
    $node->psql('postgres', qq{
        DROP TABLE IF EXISTS first;
        CREATE TABLE first (id int, v vector(6000));
        CREATE INDEX first_v ON first USING ivf (v vector_l2_ops);
        SET statement_timeout = '${ms}ms';
        INSERT INTO first VALUES (0, long(1))}, stderr => \my $ignored);
    next unless $node->safe_psql('postgres', q{
        SELECT count(*) = 0 AND pg_relation_size('first_v') > 5 * 8192 FROM first}) eq 't';
    $half++;
    is($node->safe_psql('postgres', q{
        INSERT INTO first SELECT i, long(i) FROM generate_series(1, 3) i;
        DELETE FROM first WHERE id = 3;
        VACUUM first;
        INSERT INTO first SELECT i, long(i) FROM generate_series(4, 60) i;
        SET enable_seqscan = off; SET enable_sort = off;
        SELECT count(*) FROM (SELECT id FROM first ORDER BY v <-> long(1)) x}), 59,
        "all rows are found after a first insert that was cancelled, try $try");
}
$node->safe_psql('postgres', 'DROP TABLE IF EXISTS first');

# ---- a standby ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('change_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', q{
    hot_standby_feedback = off
    max_standby_streaming_delay = -1
});
$standby->start;

# A long scan, a part at a time; then the same rows without the index.
sub long_scan
{
    my ($server, $name, $pause, $parts) = @_;
    my $q = int(rand(1000000));
    my $op = (sort values %operators)[rand 2];
    my $sql = "$settings BEGIN ISOLATION LEVEL REPEATABLE READ;\n"
      . "DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v $op made($q);\n";
    $sql .= "FETCH 150 FROM c;\nSELECT pg_sleep($pause) \\g /dev/null\n" for 1 .. $parts;
    $sql .= "FETCH ALL FROM c;\n\\echo table\nSET enable_indexscan = off;\n"
      . "SELECT id FROM items ORDER BY v $op made($q);\n";
    return session($server, $name, $sql, '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose');
}

# Whether a scan was exactly right (1), or failed with a conflict (0).
sub judge
{
    my ($scan, $what) = @_;
    my ($by_index, $by_table) = split /^table\n/m, finish($scan);
    if ($scan->{errors} ne '')
    {
        like($scan->{errors}, qr/ERROR:  40001/, "$what: a conflict");
        return 0;
    }
    my ($index, $table) = map { [ sort split /\n/, $_ ] } $by_index, $by_table;
    is(scalar @$index, scalar @$table, "$what: as many rows as there are");
    is_deeply($index, $table, "$what: exactly the rows");
    return 1;
}

my %outcome = (0 => 0, 1 => 0);
foreach my $round (1 .. ($rounds + 2) / 3)
{
    # Without deletes, whose replay would wait for the scans.
    my @streams = map { inserts($node, "insert$_", 300, 15) } 1 .. 2;
    my @scans;
    push @scans, long_scan($standby, "scan$_", 0.05 * $_, 8) for 0 .. 5;
    finish($_) foreach @streams;
    $outcome{ judge($scans[$_], "standby, scan $round.$_") }++ foreach 0 .. $#scans;

    # With them; scans are short, one after the other.
    my $vacuum = session($node, 'vacuum', join('', map {
        "DELETE FROM items WHERE id % 11 = $_;\nVACUUM items;\n" } 0 .. 3));
    for my $i (0 .. 3)
    {
        $outcome{ judge(long_scan($standby, 'scan', 0, 1), "standby, vacuum $round.$i") }++;
    }
    finish($vacuum);
    is($vacuum->{errors}, '', "standby, vacuum $round");
    $node->safe_psql('postgres', 'VACUUM items');
    $node->wait_for_catchup($standby);
    sound($standby, "standby $round");
}
note "scans on the standby: $outcome{1} right, $outcome{0} conflicts";
cmp_ok($outcome{1}, '>', 0, 'some scans on the standby see all rows');

# Page by page the same.
my %files = map { $_ => $node->safe_psql('postgres', "SELECT pg_relation_filepath('$_')") }
  sort keys %operators;
$node->stop;
$standby->stop;
foreach my $index (sort keys %files)
{
    my @pages = map { [ unpack '(a8192)*', slurp_file($_->data_dir . "/$files{$index}") ] }
      ($node, $standby);
    my $zeroes = "\0" x 8192;
    my $n = @{ $pages[0] } > @{ $pages[1] } ? @{ $pages[0] } : @{ $pages[1] };
    my @different = grep { ($pages[0][$_] // $zeroes) ne ($pages[1][$_] // $zeroes) } 0 .. $n - 1;
    is("@different", '', "$index: $n pages are the same on the standby");
}
$node->start;
$standby->start;

# Promotion in the middle of inserts, and of a scan.
my @streams = map { inserts($node, "insert$_", 100, 15) } 1 .. 2;
my $scan = long_scan($standby, 'scan', 0.3, 8);
sleep 0.5 + rand(0.5);
$standby->promote;
judge($scan, 'promotion, scan');
finish($_) foreach @streams;
$node->stop('immediate');
sound($standby, 'promoted');
my $more = inserts($standby, 'more', 60, 15);
finish($more);
is($more->{errors}, '', 'promoted: inserts go on');
$standby->safe_psql('postgres', 'DELETE FROM items WHERE id % 5 < 4; VACUUM items; VACUUM items');
sound($standby, 'promoted, vacuum');

# A backend may say so when the postmaster dies at its commit.
my $panic = qr/PANIC:  (?!cannot abort transaction)|TRAP:|signal 11/;
unlike(join('', grep { /$panic/ } split /^/, slurp_file($_->logfile)), $panic, 'log: no ' . $_->name . ' crashed')
  foreach ($node, $standby);
$standby->stop;
done_testing();
