# Random queries, answered by indexes and by the table alone: there must be no
# difference.  test/differential has the parts: a world is some tables with
# indexes, in which some queries are run, with changes in between.
#
# VECDB_DIFFERENTIAL_QUERIES says how many queries; VECDB_DIFFERENTIAL_SEED, what
# the worlds are made of: the seed of a world is one more than that of the one
# before.  A difference tells the seed of its world, and is written to a file of
# SQL that runs the query again.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../differential";

use Chance;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Query;
use Test::More;
use World;

my $queries = $ENV{VECDB_DIFFERENTIAL_QUERIES} || 1500;
my $seed = $ENV{VECDB_DIFFERENTIAL_SEED} || 20261;
my $of_a_world = 150;
my $between_changes = 12;
note "VECDB_DIFFERENTIAL_SEED=$seed";

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = PostgreSQL::Test::Cluster->new('differential');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
    autovacuum = off
    fsync = off
    jit = off
    log_statement = none
    log_min_messages = fatal
    log_min_error_statement = panic
    shared_buffers = 64MB
});
$node->start;

# What there is, which a file of SQL that shows a difference begins with.
my $begin = slurp_file("$FindBin::Bin/../differential/compare.sql");
my %can = (folds => $node->safe_psql('postgres', "SELECT count(*) > 0 FROM pg_collation WHERE collprovider = 'i'") eq 't');
$begin .= "CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level1', deterministic = false);\n" if $can{folds};
$node->safe_psql('postgres', $begin);
$can{filtered_scan} = $node->safe_psql('postgres',
    "LOAD 'vecdb'; SELECT count(*) FROM pg_settings WHERE name = 'vecdb.enable_filtered_scan'");
$can{filters} = { map { $_ => 1 } split /\n/, $node->safe_psql('postgres', q{
    SELECT format_type(t.oid, NULL)
    FROM pg_type t, pg_opclass c JOIN pg_am a ON a.oid = opcmethod
    WHERE amname = 'hnsw' AND opcdefault AND (opcintype = t.oid
        OR opcintype = 'anyenum'::regtype AND typtype = 'e' OR opcintype = 'anyarray'::regtype AND typcategory = 'A'
        OR opcintype = 'text'::regtype AND t.oid = 'varchar'::regtype)}) };
# as they are declared here
my %names = (int => 'integer', float8 => 'double precision', bool => 'boolean', varchar => 'character varying',
    char => 'character', grade => 'integer', timetz => 'time with time zone', 'float8[]' => 'double precision[]',
    timestamptz => 'timestamp with time zone', time => 'time without time zone', 'int[]' => 'integer[]');
$can{filters}{$_} = $can{filters}{ $names{$_} } foreach keys %names;

my %count = map { $_ => 0 } qw(all index custom cond exact approximate part failed different rows near);
my %failures;

# Reads what compare() said: the numbers of queries that differ with what was
# said of them, and the lines that are of none, by the number 0.
sub read_lines
{
    my ($out) = @_;
    my %different;
    my $number;

    foreach my $line (split /\n/, $out)
    {
        if (defined $number)
        {
            $different{$number} .= "$line\n";
            undef $number if $line eq '.';
            next;
        }
        if ($line !~ /^\d+\|/)
        {
            $different{0} .= "$line\n" if $line ne '';
            next;
        }
        my ($n, $kind, $how, $mode, $index, $custom, $cond, $rows, $near, $failed, $same) = split /\|/, $line;
        $count{all}++;
        $count{$mode}++;
        $count{$_}++ foreach grep { exists $count{$_} } $index, $custom, $cond;
        @count{qw(rows near)} = ($count{rows} + $rows, $count{near} + $near) if $mode eq 'approximate' && $kind =~ /top|groups/;
        if ($failed ne '-')
        {
            $count{failed}++;
            $failures{$failed} //= "in world $seed, query $n";
        }
        next if $same eq 'same';
        $count{different}++;
        $different{ $number = $n } = "$kind, $how, $mode\n";
    }
    return %different;
}

sub write_sql
{
    my ($file, @statements) = @_;
    open my $out, '>', $file or die "$file: $!";
    print $out @statements;
    close $out;
    return $file;
}

# A file that shows a difference again.
sub write_again
{
    my ($world, $n, @statements) = @_;
    return write_sql("$PostgreSQL::Test::Utils::log_path/differential-$world->{seed}-$n.sql",
        "-- For psql -XAt, in a new database.\n", $begin,
        grep { !/^SELECT compare\((\d+)/ || $1 == $n } @statements);
}

for (my $done = 0; $done < $queries; $done += $of_a_world)
{
    my $world = World->new($seed, %can);
    my @statements = ("DROP SCHEMA IF EXISTS world CASCADE;\nCREATE SCHEMA world;\nSET search_path = world, public;\n"
          . "SET client_min_messages = warning;\nGRANT USAGE ON SCHEMA world TO reader;\n", $world->setup_sql);
    foreach my $n (1 .. $of_a_world)
    {
        push @statements, $world->change_sql if $n % $between_changes == 0;
        push @statements, Query->new($world)->compare_sql($n);
    }
    push @statements, "SELECT relname, c.* FROM pg_class p JOIN pg_am a ON a.oid = relam, vecdb_index_check(p.oid, true) c"
      . " WHERE relkind = 'i' AND amname IN ('hnsw', 'ivf', 'ivfflat');\n";
    my ($out, $err) = ('', '');
    my $script = write_sql("$dir/world-$seed.sql", @statements);
    my $ret = $node->psql('postgres', "\\i $script", stdout => \$out, stderr => \$err, on_error_die => 0);
    my %different = read_lines($out);
    my $last = () = $out =~ /^\d+\|/mg;
    is("$ret, $last", "0, $of_a_world", "world $world->{seed}: all queries were run") or do
    {
        diag substr($err, 0, 2000);
        diag 'see ' . write_again($world, $last + 1, @statements);
        $node->poll_query_until('postgres', 'SELECT 1', '1') or die 'no server';
    };
    is(delete $different{0} // '', '', "world $world->{seed}: its indexes are sound");
    is(join("\n", $err =~ /(WARNING: .*)/g), '', "world $world->{seed}: nothing was left behind");
    foreach my $n (sort { $a <=> $b } keys %different)
    {
        fail("world $world->{seed}: query $n");
        my ($statement) = grep { /^SELECT compare\($n,/ } @statements;
        diag "VECDB_DIFFERENTIAL_SEED=$world->{seed}, query $n:\n$statement$different{$n}see "
          . write_again($world, $n, @statements);
    }
    unlink $script;
    $seed++;
}

note join ', ', map { "$_: $count{$_}" } sort keys %count;
note "failed $failures{$_}: $_" foreach sort keys %failures;
is($count{different}, 0, "no difference in $count{all} queries");
cmp_ok($count{index}, '>', 0.4 * $count{all}, 'indexes of vectors were used');
cmp_ok($count{exact}, '>', 0.4 * $count{all}, 'most searches were exhaustive');
cmp_ok($count{failed}, '<', 0.03 * $count{all}, 'few queries fail');
cmp_ok($count{near}, '>=', 0.8 * $count{rows}, 'what is found where a search is not exhaustive is mostly the nearest');
cmp_ok($count{custom}, '>', 0, 'filtered scans were used') if $can{filtered_scan};
cmp_ok($count{cond}, '>', 0, 'columns to filter by were used') if $can{filters}{int};
unlike(slurp_file($node->logfile), qr/PANIC:|TRAP:|signal 11/, 'no server process crashed');
$node->stop;
done_testing();
