# Query: a random query of a world, and how its answers are to be compared.
package Query;

use strict;
use warnings FATAL => 'all';

use Chance;
use Column;

my %functions = (l2 => 'l2_distance', cosine => 'cosine_distance', l1 => 'l1_distance',
    hamming => 'hamming_distance', jaccard => 'jaccard_distance');

# Orders that distances (%s) are wrapped in; near ones first, so far as they say.
my @wrapped = ([ '-(%s)', 'DESC' ], [ '(%s) * -1', 'DESC' ], [ '1 - (%s)', 'DESC' ], [ '1 + (%s)', '' ],
    [ '(%s) * 2', 'ASC' ], [ '(%s) / 3 - 1', '' ], [ '1 - (%s) / 2', 'DESC NULLS LAST' ], [ '1 - (%s)', 'DESC NULLS LAST' ],
    [ '-(%s)', 'DESC NULLS LAST' ], [ '(%s)', 'NULLS FIRST' ], [ '(%s)', 'DESC' ], [ '-(%s)', '' ], [ '1 / (1 + (%s))', 'DESC NULLS LAST' ],
    [ '0 * (%s)', '' ], [ '(%s) - (%s)', '' ], [ '1 - (%s)', '' ], [ 'sqrt(abs(%s))', '' ], [ "'2.5'::float8 - (%s)", 'DESC NULLS LAST' ]);

sub new
{
    my ($class, $world) = @_;
    my $q = bless { world => $world, types => [], arguments => [ [], [] ] }, $class;
    my $target = $q->{target} = pick(@{ $world->{targets} });

    $q->{how} = pairs(10 => 'loop', 3 => 'wrap', 3 => 'prepared', 1.5 => 'cursor', 0.7 => 'scroll');
    $q->{at} = $q->{how} eq 'prepared' ? { param => sub { $q->parameter(@_) } } : {};
    $q->{from} = '';
    $q->{from} = pairs(10 => 't', 1 => 'plain t', 2 => 'careful t', 1 => "(SELECT * FROM t WHERE " . $q->where('t', 1) . ') t');
    $q->{reader} = $q->{from} eq 'careful t' || $world->{guarded} && chance(0.8);
    $q->shape;
    return $q;
}

# ---- parts ----

# A parameter in place of a text that ends with its type; another execution has
# another text, if there is one.
sub parameter
{
    my ($q, $text, $other) = @_;
    my ($type) = $text =~ /::([\w\[\]"]+(?:\(\d+\))?)$/ or return $text;
    push @{ $q->{types} }, $type;
    push @{ $q->{arguments}[0] }, $text;
    push @{ $q->{arguments}[1] }, $other // $text;
    return '$' . @{ $q->{types} };
}

# What the target is compared with.
sub wanted
{
    my ($q) = @_;
    my ($world, $form) = ($q->{world}, $q->{target}{form});
    my $cast = "::$world->{type}($world->{dim})";

    return sprintf($form, "(SELECT v FROM o WHERE id = " . number(1, 13) . ')') if chance(0.1);
    return sprintf($form, "NULL$cast") if chance(0.01);
    my $text = $world->vector . $cast;
    if ($q->{at}{param} && chance(0.8))
    {
        my $name = $q->parameter($text, $world->vector . $cast);
        return sprintf($form, $form eq '%s' ? $name : "$name$cast");
    }
    return sprintf($form, $text);
}

sub distance
{
    my ($q, $t, $wanted) = @_;
    my $target = $q->{target};
    my $v = sprintf($target->{form}, "$t.v");
    # (Distances of sparse vectors are the same from either side but for the last bit.)
    my ($left, $right) = chance(0.1) && $target->{type} ne 'sparsevec' ? ($wanted, $v) : ($v, $wanted);

    return "$functions{$target->{metric}}($left, $right)" if $functions{ $target->{metric} } && chance(0.04);
    return "$left $target->{operator} $right";
}

# A distance that some rows have.
sub threshold
{
    my ($q) = @_;
    my $metric = $q->{target}{metric};
    my $dim = $q->{target}{form} =~ /subvector/ ? 6 : $q->{world}{dim};
    my $scale = $q->{target}{type} eq 'int8vec' ? 70 : 1;
    my $r = $metric eq 'l2' ? $scale * sqrt($dim) * real(0.1, 1.4)
      : $metric eq 'ip' ? $scale ** 2 * $dim * real(-0.5, 0.3)
      : $metric eq 'cosine' ? real(0, 1.4)
      : $metric eq 'l1' ? $scale * $dim * real(0.1, 1.1)
      : $metric eq 'hamming' ? int($dim * real(0, 0.7)) : real(0, 1.05);
    my $text = chance(0.05) ? pick("'NaN'::float8", "'Infinity'::float8", '0::float8', '-1::float8', 'NULL::float8') : sprintf('%.3f::float8', $r);
    return $q->{at}{param}->($text) if $q->{at}{param} && chance(0.5);
    return "(SELECT $text)" if chance(0.1);
    return $text;
}

sub near
{
    my ($q, $distance) = @_;
    my $r = $q->threshold;
    $q->{radius} = 1;
    return pairs(
        6 => "$distance < $r", 4 => "$distance <= $r", 1 => "$r > $distance", 1 => "NOT ($distance > $r)",
        1 => "$distance BETWEEN " . pick('0', '-5', $q->threshold) . " AND $r", 1 => "1 - ($distance) > 1 - ($r)", 1 => "-($distance) >= -($r)",
        1 => "$distance > $r", 0.5 => "1 / (1 + ($distance)) > 1 / (2 + abs($r))", 0.5 => "($distance) * -1 > $r",
        0.3 => "$distance = $r", 0.3 => "$distance IS NOT NULL");
}

# A tree of conditions.
sub tree
{
    my ($q, $t, $depth) = @_;
    return Column::condition($t, $q->{at}, @{ $q->{world}{preferred} }) if $depth <= 0 || chance(0.6);
    my ($one, $two) = map { $q->tree($t, $depth - 1) } 1 .. 2;
    return pairs(4 => "$one AND $two", 3 => "($one OR $two)", 1 => "NOT ($one)", 0.3 => "($one) IS NOT TRUE");
}

sub where
{
    my ($q, $t, $least) = @_;
    my @all = map { $q->tree($t, 2) } 1 .. pairs(2 => $least || 0, 5 => 1, 3 => 2, 1 => 3);
    push @all, sprintf($q->{target}{partial}, $t) if $q->{target}{partial} && chance(0.85);
    # (Through a view that is its owner's, all rows are seen.)
    push @all, 'peek(' . sprintf($q->{world}{policy}, $t) . ')' if $q->{reader} && $q->{from} ne 'plain t' && chance(0.3);
    return join(' AND ', @all ? @all : 'true');
}

# WHERE, with a distance in it now and then.
sub where_near
{
    my ($q, $t, $distance, $share) = @_;
    my $where = $q->where($t);
    $where .= ' AND ' . $q->near($distance) if chance($share);
    return $where;
}

sub limit
{
    my ($q) = @_;
    my $limit = ' LIMIT ' . pairs(3 => 1, 3 => number(2, 6), 4 => 10, 3 => number(11, 60), 1 => 1000, 0.2 => 0);
    $limit .= ' OFFSET ' . pick(1, 5, 30, 2000) if chance(0.12);
    return $limit;
}

# What is ordered by, and how.
sub order
{
    my ($q, $distance) = @_;
    return ($distance, '') if chance(0.8);
    my ($form, $direction) = @{ pick(@wrapped) };
    return ($form =~ s/%s/$distance/gr, $direction);
}

# ---- shapes ----

sub set
{
    my ($q, $kind, $sql, $every) = @_;
    @$q{qw(kind sql every)} = ($kind, $sql, $every // '');
    return;
}

# The nearest.
sub top
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my ($key, $direction) = $q->order($distance);
    my $body = "SELECT ''::text g, $key d, t.id::text r FROM $q->{from} WHERE " . $q->where_near('t', $distance, 0.15);
    my $lock = $q->{how} =~ /loop|prepared/ && chance(0.05) ? ' FOR UPDATE OF t' : '';
    return $q->set('top', "$body ORDER BY $key $direction" . $q->limit . $lock, $body);
}

# All of them, in order.
sub all
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my ($key, $direction) = $q->order($distance);
    return $q->set('ordered', "SELECT ''::text g, $key d, t.id::text r FROM $q->{from} WHERE "
          . $q->where_near('t', $distance, 0.4) . " ORDER BY $key $direction");
}

# Those within a distance.
sub within
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    return $q->set('rows', "SELECT ''::text g, $distance d, t.id::text r FROM $q->{from} WHERE " . $q->near($distance) . ' AND ' . $q->where('t'));
}

# Equal ones by their number.
sub tied
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my ($key, $direction) = $q->order($distance);
    my $body = "SELECT ''::text g, $key d, t.id::text r FROM $q->{from} WHERE " . $q->where_near('t', $distance, 0.15);
    return $q->set('top', "$body ORDER BY $key $direction, id" . pick('', ' DESC') . $q->limit, $body);
}

# The other table, for each of whose rows something is searched.
sub outer
{
    my ($q) = @_;
    return 'o WHERE o.id ' . pick('< 4', '= 3', '> 6', 'IN (1, 5)');
}

sub lateral
{
    my ($q) = @_;
    $q->{at}{outer} = 'o';
    my $wanted = chance(0.8) ? sprintf($q->{target}{form}, 'o.v') : $q->wanted;
    my $distance = $q->distance('t', $wanted);
    my $where = $q->where_near('t', $distance, 0.15);
    my ($from, $rest) = split / (?=WHERE)/, $q->outer, 2;
    my $inner = "SELECT $distance d, t.id FROM $q->{from} WHERE $where";
    my $join = pick("$from CROSS JOIN LATERAL (%s) x", "$from LEFT JOIN LATERAL (%s) x ON true", "$from, LATERAL (%s) x");
    my $sql = "SELECT o.id::text g, x.d, x.id::text r FROM $join $rest";
    return $q->set('groups', sprintf($sql =~ s/%(?!s)/%%/gr, $inner . " ORDER BY $distance" . $q->limit), sprintf($sql =~ s/%(?!s)/%%/gr, $inner));
}

# Pairs that are near to each other.
sub pairs_within
{
    my ($q) = @_;
    my $distance = $q->distance('t', sprintf($q->{target}{form}, 'o.v'));
    my $near = $q->near($distance);
    $q->{at}{outer} = 'o';
    return $q->set('rows', "SELECT o.id::text g, $distance d, t.id::text r FROM $q->{from}, " . $q->outer . " AND $near AND " . $q->where('t'));
}

# The nearest of a join.
sub join_top
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my $on = pick(qw(tenant small dt txt mood u flag));
    my $body = "SELECT ''::text g, $distance d, t.id || ' ' || o.id r FROM $q->{from} "
      . pick("JOIN o ON t.$on = o.$on WHERE ", "LEFT JOIN o ON t.$on = o.$on AND o.id < 5 WHERE ", ", o WHERE t.tags && o.tags AND ")
      . Column::condition('o', $q->{at}) . ' AND ' . $q->where_near('t', $distance, 0.1);
    return $q->set('top', "$body ORDER BY $distance" . $q->limit, $body);
}

# What is known of the nearest without knowing which they are.
sub summary
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my ($key, $direction) = $q->order($distance);
    my $inner = "SELECT $key d, t.id FROM $q->{from} WHERE " . $q->where_near('t', $distance, 0.15) . " ORDER BY $key $direction" . $q->limit;
    return $q->set('summary', pick(
        "SELECT ''::text g, max(d) d, count(*)::text r FROM ($inner) x",
        "WITH x AS (" . $inner . ") SELECT ''::text g, max(d) d, count(*) || ' ' || count(d) r FROM x",
        "WITH x AS MATERIALIZED ($inner) SELECT ''::text g, (SELECT max(d) FROM x) d, (SELECT count(*) FROM x)::text r",
        "SELECT ''::text g, max(d) d, count(*)::text r FROM (SELECT d FROM ($inner) y ORDER BY d OFFSET 0) x",
        "SELECT ''::text g, max(x.d) d, count(*)::text r FROM ($inner) x LEFT JOIN t USING (id) LEFT JOIN o ON false"));
}

# The nearest of each group.
sub distinct
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my $by = pick(qw(t.tenant t.small t.mood t.flag), "(t.dt < '2026-01-09')");
    my $body = "CAST($by AS text) g, $distance d, t.id::text r FROM $q->{from} WHERE " . $q->where_near('t', $distance, 0.15);
    return $q->set('groups', "SELECT DISTINCT ON ($by) $body ORDER BY $by, $distance", "SELECT $body");
}

# For each group that the other table names.
sub each_group
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my $by = pick(qw(tenant small mood dt));
    my $where = "t.$by = x.$by AND " . $q->where('t');
    my $sql = "SELECT CAST(x.$by AS text) g, y.d, y.id::text r FROM (SELECT DISTINCT $by FROM o WHERE id < 8) x CROSS JOIN LATERAL (SELECT $distance d, t.id FROM $q->{from} WHERE $where";
    return $q->set('groups', "$sql ORDER BY $distance" . $q->limit . ') y', "$sql) y");
}

sub ranked
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my ($key, $direction) = $q->order($distance);
    return $q->set('ranked', "SELECT ''::text g, $key d, t.id || ' ' || rank() OVER (ORDER BY $key $direction) r FROM $q->{from} WHERE " . $q->where_near('t', $distance, 0.3));
}

# Two searches, or one over two.
sub united
{
    my ($q) = @_;
    my $distance = $q->distance('t', $q->wanted);
    my ($one, $two) = map { "SELECT '$_'::text g, $distance d, t.id::text r FROM $q->{from} WHERE " . $q->where('t', 1) } 1 .. 2;
    my $by = " ORDER BY $distance" . $q->limit;
    return $q->set('groups', "($one$by) UNION ALL ($two$by)", "$one UNION ALL $two") if chance(0.5);
    return $q->set('top', "SELECT ''::text g, d, r FROM ($one UNION ALL $two) x ORDER BY d" . $q->limit, "SELECT ''::text g, d, r FROM ($one UNION ALL $two) x");
}

# One number for each row of the other table.
sub correlated
{
    my ($q) = @_;
    $q->{at}{outer} = 'o';
    my $distance = $q->distance('t', sprintf($q->{target}{form}, 'o.v'));
    my $where = $q->where('t');
    my $from = $q->outer;
    return $q->set('summary', "SELECT o.id::text g, (SELECT $distance FROM $q->{from} WHERE $where ORDER BY $distance LIMIT 1) d, ''::text r FROM $from");
}

# Rows that are found and changed.
sub changing
{
    my ($q) = @_;
    ($q->{from}, $q->{reader}) = ('t', $q->{world}{guarded} && $q->{reader});
    my $distance = $q->distance('t', $q->wanted);
    my $near = $q->where_near('t', $distance, 0.7);
    $q->{how} = 'loop' if $q->{how} ne 'prepared';
    # What was deleted is not found again.
    pop @{ $q->{arguments} };
    my $verb = pick('DELETE FROM t', 'UPDATE t SET small = 7');
    return $q->set('rows', "$verb WHERE $near RETURNING ''::text g, $distance d, t.id::text r") if chance(0.5);
    return $q->set('top', "$verb WHERE id = ANY (ARRAY(SELECT id FROM t WHERE $near ORDER BY $distance" . $q->limit . ")) RETURNING ''::text g, 0::float8 d, ''::text r",
        "SELECT ''::text g, 0::float8 d, ''::text r FROM t");
}

sub shape
{
    my ($q) = @_;
    my $shape = pairs(9 => 'top', 2 => 'all', 2 => 'within', 1 => 'tied', 2 => 'lateral', 0.5 => 'pairs_within', 1.5 => 'join_top',
        1.5 => 'summary', 0.5 => 'distinct', 1 => 'each_group', 0.5 => 'ranked', 1 => 'united', 0.5 => 'correlated', 0.5 => 'changing');
    $q->$shape;
    return;
}

# ---- settings ----

# Exhaustive, or not; with one way to the rows forced, or as the planner wants.
sub index_settings
{
    my ($q) = @_;
    my $search = $q->{search} = pairs(6 => 'exact', 3 => 'approximate', 0.5 => 'part');
    my @settings = ('hnsw.ef_search=' . ($search eq 'exact' ? 1000 : pick(1, 5, 40, 'auto')),
        $search eq 'exact' ? ('ivf.probes=100000', 'ivfflat.probes=32768') : ('ivf.probes=' . pick(0, 1, 3), 'ivfflat.probes=' . pick(1, 2)));

    push @settings, 'hnsw.iterative_scan=' . pick('off', 'strict_order'), 'ivfflat.iterative_scan=' . pick('off', 'relaxed_order') if $search eq 'part';
    push @settings, 'enable_seqscan=off', 'enable_sort=off' unless chance(0.15);
    push @settings, 'enable_bitmapscan=off' if chance(0.3);
    push @settings, 'enable_indexonlyscan=off' if chance(0.5);
    push @settings, 'enable_hashjoin=off', 'enable_mergejoin=off' if chance(0.3);
    push @settings, 'enable_material=off', 'enable_memoize=off' if chance(0.3);
    push @settings, chance(0.1) ? 'vecdb.enable_filtered_scan=off' : 'vecdb.filtered_scan_strategy=' . pick(qw(auto exact search))
      if $q->{world}{can}{filtered_scan};
    push @settings, 'work_mem=' . pick('64kB', '256kB') if chance(0.3);
    push @settings, 'random_page_cost=1' if chance(0.3);
    push @settings, 'parallel_setup_cost=0', 'parallel_tuple_cost=0', 'min_parallel_table_scan_size=0', 'min_parallel_index_scan_size=0'
      if $q->{how} eq 'wrap' && chance(0.3);
    return @settings;
}

# ---- to SQL ----

sub quoted
{
    my ($text) = @_;
    return '$x$' . $text . '$x$';
}

# A list of settings, as an array.
sub listed
{
    return 'ARRAY[' . join(', ', map { quoted($_) } @_) . ']::text[]';
}

# What happens between one row and the next.
sub between
{
    my ($q) = @_;
    my @changes = ('DELETE FROM t WHERE id % 3 = 0', 'UPDATE t SET small = 9 WHERE id % 5 < 3', 'UPDATE t SET v = NULL WHERE id % 2 = 0');
    push @changes, 'INSERT INTO t SELECT * FROM t WHERE id % 4 = 1' unless $q->{reader};
    return pick('', @changes);
}

# The call of compare() for this query, as the number'th.
sub compare_sql
{
    my ($q, $number) = @_;
    my $prepared = $q->{how} eq 'prepared' && @{ $q->{types} };
    my @role = $q->{reader} ? ('role=reader') : ();
    my @index = (@role, 'statement_timeout=120000', $q->index_settings);
    my @table = (@role, qw(enable_indexscan=off enable_bitmapscan=off enable_indexonlyscan=off max_parallel_workers_per_gather=0),
        $q->{world}{can}{filtered_scan} ? 'vecdb.enable_filtered_scan=off' : ());

    return "SELECT compare($number, '$q->{kind}', '$q->{how}', " . quoted($q->{sql}) . ', ' . quoted($q->{every}) . ', '
      . "'$q->{search}', " . ($q->{radius} ? 'true' : 'false') . ",\n    "
      . join(",\n    ", listed(@index), listed(@table),
        quoted($prepared ? '(' . join(', ', @{ $q->{types} }) . ')' : ''),
        $prepared ? listed(map { '(' . join(', ', @$_) . ')' } @{ $q->{arguments} }) : listed(''), quoted($q->between)) . ");\n";
}

1;
