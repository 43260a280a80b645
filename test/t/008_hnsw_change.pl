# hnsw indexes whose rows come and go, over vacuums, crashes, cancelled
# statements, on a standby, and over its promotion: an index scan of everything
# finds what a sequential scan finds, vecdb_index_check() finds nothing, and
# searches find as much as in an index made anew.
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

# Vectors of random data; one of many rows, others of two rows each, and NULLs.
# The check compares the filter columns of two of the indexes with the table's.
$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
        $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8)
              + sin(seed * i * 0.7310::float8 + seed % 17 * i))::vector
          FROM generate_series(1, 24) i$$;
    CREATE FUNCTION row_vector(id int) RETURNS vector LANGUAGE sql IMMUTABLE AS
        $$SELECT CASE WHEN id % 40 = 3 THEN NULL WHEN id % 12 = 7 THEN made(1)
              WHEN id % 5 = 0 THEN made(id - 1) ELSE made(id) END$$;
    CREATE TABLE items (id int, v vector(24), turn int DEFAULT 0);
    CREATE INDEX items_coded ON items USING hnsw (v vector_l2_ops, id, turn) WITH (m = 8);
    CREATE INDEX items_plain ON items USING hnsw (v vector_cosine_ops, (id::text)) WITH (quantizer = none);
    CREATE INDEX items_taxi ON items USING hnsw (v vector_l1_ops) WITH (m = 4);
});

my $settings = 'SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 100;';
my %operators = (items_coded => '<->', items_plain => '<=>', items_taxi => '<+>');

# What a query says of the rows of a table: how many, how many of them
# different, and which.
sub all_rows
{
    my ($op, $q) = @_;
    return "SELECT count(*), count(DISTINCT id), sum(hashint4(id)::bigint)"
      . " FROM (SELECT id FROM items ORDER BY v $op made($q)) x";
}

# The oracle.
sub sound
{
    my ($server, $what) = @_;
    foreach my $index (sort keys %operators)
    {
        my $q = int(rand(1000000));
        my $query = all_rows($operators{$index}, $q);
        my $out = $server->safe_psql('postgres', "$settings EXPLAIN (COSTS off) $query; $query");
        my ($found) = $out =~ /^(\d+\|\d+\|-?\d*)$/m;
        like($out, qr/Index Scan using $index/, "$what: $index is used");
        is($found, $server->safe_psql('postgres', "SET enable_indexscan = off; $query"),
            "$what: $index has all rows, q = $q");
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

# Inserts that say what has been committed.
my $next_id = 1;

sub inserts
{
    my ($server, $name, $statements, $rows) = @_;
    my $sql = '';
    for (1 .. $statements)
    {
        my $to = $next_id + $rows - 1;
        $sql .= "INSERT INTO items SELECT i, row_vector(i) FROM generate_series($next_id, $to) i"
          . " RETURNING id;\n";
        $next_id += $rows;
    }
    return session($server, $name, $sql);
}

# What goes on besides, until the crash.
my @others = (
    ['VACUUM after deletes', join('', map { "DELETE FROM items WHERE id % 3 = 0 AND id % 7 = "
              . $_ % 7 . ";\nVACUUM items;\n" } 0 .. 40)],
    ['VACUUM after updates', join('', map { "UPDATE items SET v = row_vector(id + $_) WHERE id % 3 = 0 AND id % 11 = "
              . $_ % 11 . ";\nVACUUM items;\n" } 1 .. 40)],
    ['UPDATE of filter columns', join('', map { "UPDATE items SET turn = $_ WHERE id % 3 = 0 AND id % 5 = "
              . $_ % 5 . ";\n" . ($_ % 4 ? '' : "VACUUM items;\n") } 1 .. 60)],
    ['VACUUM cancelled', join('', map { "RESET statement_timeout; DELETE FROM items WHERE id % 3 = 0 AND id % 7 = "
              . $_ % 7 . ";\nSET statement_timeout = " . (2 + $_ * 7 % 60) . ";\nVACUUM items;\n" } 0 .. 40)],
    ['REINDEX CONCURRENTLY', "REINDEX TABLE CONCURRENTLY items;\n" x 10],
    ['cancelled statements', join('', map { "SET statement_timeout = " . (1 + $_ % 50) . ";\n"
              . "INSERT INTO items SELECT -3 * i, row_vector(3 * i) FROM generate_series(1, 900) i;\n" } 1 .. 60)],
    ['checks', "SELECT * FROM vecdb_index_check('items_coded');\nSELECT * FROM vecdb_index_check('items_plain');\nVACUUM items;\n" x 40],
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
    is(join('', grep { /\|/ } split /^/, finish($beside)), '', "$what: checks beside it");
    unlike($beside->{errors}, qr/is damaged|wrong order/, "$what: the other");

    my %there = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT id FROM items');
    my @lost = grep { $_ % 3 != 0 && !$there{$_} } keys %acknowledged;
    is("@lost", '', "$what: what was acknowledged is there, of " . keys %acknowledged);
    $node->safe_psql('postgres', q{
        SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
        WHERE indrelid = 'items'::regclass AND NOT indisvalid \gexec
        });
    sound($node, $what);

    # Life goes on: as many rows as before, more or less.
    my $keep = $next_id - 5000;
    $node->safe_psql('postgres', "DELETE FROM items WHERE id < $keep");
    delete $acknowledged{$_} foreach grep { $_ < $keep } keys %acknowledged;
    $node->safe_psql('postgres', 'VACUUM items');
    is($node->safe_psql('postgres', join(' UNION ALL ', map {
        "SELECT dead_nodes, unreachable FROM vecdb_index_info('$_')" } sort keys %operators)),
        join("\n", ('0|0') x keys %operators), "$what: vacuum comes to its end");
    my $more = inserts($node, 'more', 20, 15);
    finish($more);
    $acknowledged{$_} = 1 foreach grep { /^\d+$/ } split /\n/, $more->{text};
    is($more->{errors}, '', "$what: inserts go on");
    $node->safe_psql('postgres', 'VACUUM items');
    sound($node, "$what, then vacuum");
    push @sizes, $node->safe_psql('postgres',
        join(' + ', map { "pg_relation_size('$_')" } sort keys %operators) =~ s/^/SELECT /r) / 8192;
}

# Slots and pages are used again.
note "pages after each crash: @sizes";
my $third = int($rounds / 3) || 1;
my ($early) = sort { $b <=> $a } @sizes[0 .. 2 * $third - 1];
my ($late) = sort { $b <=> $a } @sizes[2 * $third .. $#sizes], 0;
cmp_ok($late, '<', 2 * $early + 600, 'the files do not grow');

# Half of the rows are new again and again, ten times over; then searches find
# as much as they do in an index that is made anew.
sub recalls
{
    return split /\|/, $node->safe_psql('postgres', 'SET hnsw.ef_search = 20; SELECT '
          . join(', ', map { "vecdb_recall('$_', 400)" } sort keys %operators));
}
for my $i (0 .. 9)
{
    my ($first, $last) = ($next_id, $next_id + 2499);
    $node->safe_psql('postgres', "DELETE FROM items WHERE id % 2 = $i % 2; VACUUM items;"
          . " INSERT INTO items SELECT i, made(i) FROM generate_series($first, $last) i");
    $next_id += 2500;
}
$node->safe_psql('postgres', 'VACUUM items');
sound($node, 'half of it new, ten times');
my @old = recalls();
$node->safe_psql('postgres', 'REINDEX TABLE items');
my @new = recalls();
note "recall after changes: @old; of indexes made anew: @new";
cmp_ok($old[$_], '>', $new[$_] - 0.05, (sort keys %operators)[$_] . ': recall') foreach 0 .. $#old;
sound($node, 'made anew');

# All but a few go: what is left is found.
$node->safe_psql('postgres', 'DELETE FROM items WHERE id % 97 > 0; VACUUM items');
sound($node, 'a few are left');
cmp_ok($_, '>', 0.9, 'a few are left: recall') foreach recalls();
$node->safe_psql('postgres', 'DELETE FROM items; VACUUM items');
sound($node, 'none is left');
my $again = inserts($node, 'again', 100, 15);
finish($again);
is($again->{errors}, '', 'inserts into what is empty again');
sound($node, 'rows again');

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
    my $op = (sort values %operators)[rand 3];
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
        like($scan->{errors}, qr/(ERROR|FATAL):  40001/, "$what: a conflict");
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
    # Deletes that are replayed wait for the scans on the standby, but those of
    # the index itself do not: slots are used again while they look.
    my @streams = map { inserts($node, "insert$_", 300, 15) } 1 .. 2;
    my @scans = map { long_scan($standby, "scan$_", 0.05 * $_, 8) } 0 .. 3;
    my @here = map { long_scan($node, "here$_", 0.05 * $_, 8) } 0 .. 3;
    my $vacuum = session($node, 'vacuum', join('', map {
        "DELETE FROM items WHERE id % 11 = $_;\nVACUUM items;\n" } 0 .. 10));
    finish($_) foreach @streams;
    finish($vacuum);
    is($vacuum->{errors}, '', "standby, vacuum $round");
    judge($here[$_], "primary, scan $round.$_") foreach 0 .. $#here;
    $outcome{ judge($scans[$_], "standby, scan $round.$_") }++ foreach 0 .. $#scans;
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
