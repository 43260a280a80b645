# An exact search over a table of some size runs in parallel without any
# setting, and its answers are those of the serial plan.  So do aggregates.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('parallel');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    SELECT setseed(0.5);
    CREATE TABLE items AS
        SELECT i AS id,
               ARRAY(SELECT random() FROM generate_series(1, 128)
                     WHERE i > 0)::vector(128) AS v,
               ARRAY[i % 7, -(i % 5), i % 3]::vector(3) AS small
        FROM generate_series(1, 60000) i;
    ANALYZE items;
});
is($node->safe_psql('postgres', 'SELECT count(DISTINCT v) FROM items'),
    60000, 'every row has a vector of its own');

# The plan of a query and its rows, parallel and serial.
sub plan_of
{
    my ($query, $settings) = @_;
    return $node->safe_psql('postgres',
        "$settings EXPLAIN (COSTS OFF) $query");
}

my $serial = 'SET max_parallel_workers_per_gather = 0;';

sub same_answers
{
    my ($query, $what, $settings) = @_;
    my $rows = $node->safe_psql('postgres', "$settings $query");
    isnt($rows, '', "$what: there are rows");
    is($rows, $node->safe_psql('postgres', "$serial $query"),
        "$what: the serial plan gives the same rows");
    return $rows;
}

foreach my $op ('<->', '<#>', '<=>', '<+>')
{
    my $q = '(SELECT v FROM items WHERE id = 77)';
    # An expression that is known at planning time, as a client's would be.
    my $value = $node->safe_psql('postgres', "SELECT $q");
    my $query = "SELECT id, v $op '$value' AS distance FROM items"
      . " ORDER BY v $op '$value' LIMIT 10";
    my $plan = plan_of($query, '');

    like($plan, qr/Gather Merge/, "$op: the sorts are merged");
    like($plan, qr/Parallel Seq Scan on items/, "$op: the scan is parallel");
    unlike(plan_of($query, $serial), qr/Gather/, "$op: the other plan is not");
    my $rows = same_answers($query, $op, '');
    is(scalar(split /\n/, $rows), 10, "$op: all ten rows");
    like($rows, qr/^77\|/, "$op: the vector itself comes first")
      unless $op eq '<#>';
}

# Cheap functions over few rows: the planner needs some persuading.
my $eager = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;';

# Whole numbers, so that the order of adding makes no difference.
foreach my $agg ('sum', 'avg')
{
    my $query = "SELECT $agg(small) FROM items";
    like(plan_of($query, $eager), qr/Partial Aggregate/,
        "$agg: aggregated in parallel");
    same_answers($query, $agg, $eager);
}
is($node->safe_psql('postgres', 'SELECT sum(small) FROM items'),
    $node->safe_psql('postgres', q{
        SELECT format('[%s,%s,%s]', sum(id % 7), -sum(id % 5), sum(id % 3))
        FROM items}),
    'the sum is that of the numbers');

$node->stop;
done_testing();
