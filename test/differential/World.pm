# World: tables of a random shape, their indexes, and what changes them.
#
#   t         what is searched: one table, partitions, or children that inherit
#   o         a dozen rows to join with and to search by
#   plain     a view of t; careful, the same with a security_barrier
#   reader    a role that sees the rows of t that a policy lets it see
package World;

use strict;
use warnings FATAL => 'all';

use Chance;
use Column;

my %metrics = (
    vector => [qw(l2 ip cosine l1)], halfvec => [qw(l2 ip cosine l1)],
    int8vec => [qw(l2 ip cosine l1)], sparsevec => [qw(l2 ip cosine l1)],
    bit => [qw(hamming jaccard)],
);
my %operators = (l2 => '<->', ip => '<#>', cosine => '<=>', l1 => '<+>', hamming => '<~>', jaccard => '<%>');

# What rows a policy, or the barrier, lets through; of a table that %1$s names.
my @policies = ('%1$s.tenant < 3', "%1\$s.txt IN ('a', 'b', 'ab')", '%1$s.num < 4', "%1\$s.tags && '{1,2,3}'",
    '%1$s.id %% 2 = 0', "%1\$s.mood = 'ok'", '%1$s.tenant IN (SELECT tenant FROM o WHERE id < 4)',
    '%1$s.small IS NOT NULL AND %1$s.flag', '%1$s.dt < \'2026-01-12\'');

# A world of a seed.  %can: filters, the types that indexes take as columns to
# filter by; folds, whether there is ICU.
sub new
{
    my ($class, $seed, %can) = @_;
    seed($seed);
    my $w = bless { seed => $seed, can => \%can, id => 0, dead => 0, pool => [] }, $class;

    $w->{type} = pairs(10 => 'vector', 3 => 'halfvec', 2 => 'int8vec', 2 => 'sparsevec', 3 => 'bit');
    $w->{large} = chance(0.2);
    $w->{dim} = $w->{large} ? number(8, 16) : pick(8, 8, 12, 17, 32, 64);
    $w->{rows} = $w->{large} ? number(1500, 3500) : pairs(8 => number(150, 450), 1 => number(0, 12));
    $w->{kind} = pairs(5 => 'table', 2 => 'partitioned', 1 => 'inherited');
    $w->{toast} = !$w->{large} && chance(0.2);
    $w->{policy} = pick(@policies);
    $w->{guarded} = chance(0.3);
    $w->{centres} = [ map { [ map { real(-1, 1) } 1 .. $w->{dim} ] } 1 .. pick(1, 4, 12) ];
    $w->{nulls} = pick(0, 0.05, 0.3);
    $w->make_targets;
    # What conditions are mostly about is what is indexed.
    $w->{preferred} = [ some(number(1, 4), columns()) ];
    return $w;
}

# What is searched: an expression over a vector, with a metric, that may be
# indexed.  %s stands for the column as well as for what it is compared with.
sub make_targets
{
    my ($w) = @_;
    my ($type, $dim) = @$w{qw(type dim)};
    my @forms = ([ '%s', $type ]);

    push @forms, [ "(%s::halfvec($dim))", 'halfvec' ], [ "(binary_quantize(%s)::bit($dim))", 'bit' ],
      [ '(subvector(%s, 1, 6)::vector(6))', 'vector' ]
      if $type eq 'vector' && chance(0.3);
    foreach my $form (@forms)
    {
        push @{ $w->{targets} }, map {
            { form => $form->[0], type => $form->[1], metric => $_, operator => $operators{$_} }
        } some(@forms > 1 ? 1 : number(1, 2), @{ $metrics{ $form->[1] } });
    }
    return;
}

# ---- vectors ----

sub components
{
    my ($w) = @_;
    my $centre = pick(@{ $w->{centres} });
    return map { $_ + real(-0.4, 0.4) } @$centre;
}

sub write_vector
{
    my ($w, @x) = @_;
    my $type = $w->{type};

    return "'" . join('', map { $_ > 0 ? 1 : 0 } @x) . "'" if $type eq 'bit';
    return "'[" . join(',', map { int(70 * $_) } @x) . "]'" if $type eq 'int8vec';
    return "'[" . join(',', map { sprintf '%.2f', $_ } @x) . "]'" if $type ne 'sparsevec';
    my @set = grep { abs($x[$_]) > 0.4 && sprintf('%.2f', $x[$_]) != 0 } 0 .. $#x;
    return "'{" . join(',', map { sprintf '%d:%.2f', $_ + 1, $x[$_] } @set) . "}/$w->{dim}'";
}

# A vector: one that was there before, zeroes, or another one.
sub vector
{
    my ($w) = @_;
    return pick(@{ $w->{pool} }) if @{ $w->{pool} } && chance(0.2);
    my $made = $w->write_vector(chance(0.03) ? (0) x $w->{dim} : $w->components);
    push @{ $w->{pool} }, $made;
    return $made;
}

# ---- tables ----

sub declared_vector
{
    my ($w) = @_;
    return "v $w->{type}($w->{dim})";
}

# Partitions have their columns in other places than their parent.
sub partition_sql
{
    my ($w, $name, $bounds, @columns) = @_;
    return "CREATE TABLE $name PARTITION OF t $bounds;\n" if chance(0.5);
    return "CREATE TABLE $name (gone text, " . join(', ', some(scalar @columns, @columns)) . ");\n"
      . "ALTER TABLE $name DROP COLUMN gone;\nALTER TABLE t ATTACH PARTITION $name $bounds;\n";
}

sub partitions_sql
{
    my ($w, @columns) = @_;
    my ($key, @bounds) = @{
        pick(
            [ 'LIST (tenant)', 'FOR VALUES IN (0)', 'FOR VALUES IN (1, 2)', 'DEFAULT' ],
            [ 'RANGE (dt)', "FOR VALUES FROM (MINVALUE) TO ('2026-01-07')", "FOR VALUES FROM ('2026-01-07') TO ('2026-01-15')", 'DEFAULT' ],
            [ 'HASH (id)', map { "FOR VALUES WITH (MODULUS 3, REMAINDER $_)" } 0 .. 2 ]) };
    $w->{parts} = [ map { "t_$_" } 0 .. $#bounds ];
    return 'CREATE TABLE t (' . join(', ', @columns) . ") PARTITION BY $key;\n"
      . join('', map { $w->partition_sql("t_$_", $bounds[$_], @columns) } 0 .. $#bounds);
}

sub tables_sql
{
    my ($w) = @_;
    my @columns = ('id int', declared($w->{can}{folds} ? 'folding' : '"C"'), $w->declared_vector);
    my $list = join(', ', @columns);
    my $sql = "CREATE TABLE o ($list);\n";

    if ($w->{kind} eq 'partitioned')
    {
        $sql .= $w->partitions_sql(@columns);
    }
    else
    {
        $w->{parts} = ['t'];
        $sql .= 'CREATE ' . pick('', '', 'UNLOGGED ') . "TABLE t ($list);\n";
        if ($w->{kind} eq 'inherited')
        {
            push @{ $w->{parts} }, 't_1', 't_2';
            $sql .= "CREATE TABLE t_1 (more int) INHERITS (t);\nCREATE TABLE t_2 () INHERITS (t_1);\n";
        }
    }
    # Over many pages, so that a bitmap is lossy where there is little memory.
    $sql .= join('', map { "ALTER TABLE $_ SET (fillfactor = 10);\n" } @{ $w->{parts} }) if $w->{large} && chance(0.5);
    foreach my $part ($w->{toast} ? @{ $w->{parts} } : ())
    {
        $sql .= "ALTER TABLE $part SET (toast_tuple_target = 128);\nALTER TABLE $part ALTER v SET STORAGE EXTERNAL;\n";
    }
    return $sql;
}

# Rows for one table, as INSERT.
sub rows_sql
{
    my ($w, $table, $n) = @_;
    my @rows;

    for (1 .. $n)
    {
        my $v = chance(0.03) ? 'NULL' : $w->vector;
        push @rows, '(' . join(', ', ++$w->{id}, (map { value($_, $w->{nulls}) } columns()), $v) . ')';
    }
    return @rows ? "INSERT INTO $table (" . join(', ', 'id', columns(), 'v') . ") VALUES\n" . join(",\n", @rows) . ";\n" : '';
}

# Rows for t, wherever they go.
sub more_sql
{
    my ($w, $n) = @_;
    return $w->rows_sql('t', $n) unless $w->{kind} eq 'inherited';
    return join('', map { $w->rows_sql($_, int($n / 3) + 1) } @{ $w->{parts} });
}

sub views_sql
{
    my ($w) = @_;
    my $visible = sprintf($w->{policy}, 't');
    my $sql = "CREATE VIEW plain AS SELECT * FROM t WHERE small > -3 OR small IS NULL;\n"
      . "CREATE VIEW careful WITH (security_barrier) AS SELECT * FROM t WHERE $visible;\n"
      . "GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA world TO reader;\n";
    if ($w->{guarded})
    {
        $sql .= "CREATE POLICY mine ON t USING ($visible);\n";
        $sql .= "CREATE POLICY besides ON t AS RESTRICTIVE USING (id > 3);\n" if chance(0.3);
        $sql .= "ALTER TABLE t ENABLE ROW LEVEL SECURITY;\n";
    }
    return $sql;
}

# ---- indexes ----

# The columns that an index on vectors has besides.
sub filter_columns
{
    my ($w) = @_;
    my $types = $w->{can}{filters};
    my @able = grep { $types->{ column($_)->{type} =~ s/\(\d+\)//r } } columns();
    return unless @able && chance(0.75);
    my %preferred = map { $_ => 1 } @{ $w->{preferred} };
    my @chosen = some(number(1, 4), chance(0.8) ? grep { $preferred{$_} } @able : @able);
    push @chosen, some(1, '(tenant % 5)', '(lower(txt))', '(coalesce(tenant, 0))') if chance(0.2);
    return @chosen;
}

sub options
{
    my ($w, $method, $target) = @_;
    my @options;
    my $coded = $target->{metric} =~ /^(l2|ip|cosine)$/;

    push @options, 'quantizer = ' . ($coded ? pick(qw(none none sq8 rabitq), $method eq 'hnsw' ? () : 'pq') : 'none') if chance(0.6);
    push @options, 'm = ' . number(4, 20), 'ef_construction = ' . number(40, 100) if $method eq 'hnsw' && chance(0.4);
    push @options, 'lists = ' . number(1, 20) if $method ne 'hnsw' && chance(0.5);
    return @options ? ' WITH (' . join(', ', @options) . ')' : '';
}

sub vector_index_sql
{
    my ($w, $target) = @_;
    my $method = pick(qw(hnsw hnsw ivf ivfflat));
    my @columns = (sprintf($target->{form}, 'v') . " $target->{type}_$target->{metric}_ops", $w->filter_columns);
    my $options = $w->options($method, $target);
    my $where = '';

    if (chance(0.15))
    {
        $target->{partial} = pick('%s.tenant < 2', '%s.flag', '%s.v IS NOT NULL', "%s.mood IN ('ok', 'sad')");
        $where = ' WHERE ' . sprintf($target->{partial}, 't') =~ s/t\.//gr;
    }
    # Of the tables that t is of, some may have no index.
    my @on = $w->{kind} eq 'partitioned' ? (chance(0.25) ? some(2, @{ $w->{parts} }) : 't')
      : $w->{kind} eq 'inherited' && chance(0.3) ? some(2, @{ $w->{parts} }) : @{ $w->{parts} };
    return join('', map { "CREATE INDEX ON $_ USING $method (" . join(', ', @columns) . ")$options$where;\n" } @on);
}

sub other_indexes_sql
{
    my ($w) = @_;
    my $sql = '';
    my @able = grep { column($_)->{ops} !~ /[aj]/ } columns();
    my @wanted = chance(0.7) ? grep { column($_)->{ops} !~ /[aj]/ } @{ $w->{preferred} } : @able;

    foreach my $part (@{ $w->{parts} })
    {
        $sql .= "CREATE INDEX ON $part (" . join(', ', some(number(1, 2), @wanted ? @wanted : @able)) . ");\n" if chance(0.7);
        $sql .= "CREATE INDEX ON $part (" . pick(@able) . ");\n" if chance(0.6);
        $sql .= "CREATE INDEX ON $part USING gin (" . pick('tags', 'labels', 'doc', 'doc jsonb_path_ops', 'tags, labels') . ");\n" if chance(0.5);
        $sql .= "CREATE INDEX ON $part USING brin (" . pick('tenant', 'ts', 'dt, small', 'id') . ") WITH (pages_per_range = 1);\n" if chance(0.3);
        $sql .= "CREATE INDEX ON $part USING hash (" . pick('u', 'txt', 'tenant') . ");\n" if chance(0.2);
        $sql .= "CREATE INDEX ON $part (id) WHERE " . pick('flag', 'tenant = 1') . ";\n" if chance(0.2);
    }
    return $sql;
}

# All there is at first.
sub setup_sql
{
    my ($w) = @_;
    my $sql = "SET TimeZone = '" . pick('UTC', 'America/New_York', 'Asia/Kolkata') . "';\n" . $w->tables_sql . $w->rows_sql('o', 12);
    my $indexes = join('', map { $w->vector_index_sql($_) } @{ $w->{targets} }) . $w->other_indexes_sql;
    my $rows = $w->more_sql($w->{rows});

    # A query's vector may be a row's.
    $sql .= chance(0.3) ? $indexes . $rows : $rows . $indexes;
    $sql .= "UPDATE o SET v = (SELECT v FROM t WHERE t.v IS NOT NULL ORDER BY id LIMIT 1 OFFSET o.id) WHERE id % 3 = 0;\n";
    $sql .= $w->views_sql;
    $sql .= "ANALYZE;\n" unless chance(0.2);
    return $sql . "SELECT note_indexes();\n";
}

# ---- changes ----

sub any_change
{
    my ($w) = @_;
    my $few = int($w->{rows} / 12) + 1;
    my ($divisor, $rest) = (number(7, 15), number(0, 6));
    my $name = pick(grep { $_ ne 'folded' } columns());

    return pairs(
        4 => sub { $w->more_sql(number(1, $few)) },
        3 => sub { $w->{dead} += $few; "DELETE FROM t WHERE id % $divisor = $rest;\n" },
        3 => sub { $w->{dead} += $few; "UPDATE t SET $name = " . value($name, 0.2) . " WHERE id % $divisor = $rest;\n" },
        2 => sub { $w->{dead} += $few; "UPDATE t SET v = " . $w->vector . " WHERE id % " . number(20, 60) . " = $rest;\n" },
        1 => sub { $w->{dead} += $few; "UPDATE t SET v = (SELECT v FROM o WHERE o.id = 1 + t.id % 12) WHERE id % $divisor = $rest;\n" },
        1 => sub { $w->{dead} += $few; "BEGIN;\n" . $w->more_sql($few) . "ROLLBACK;\n" },
        3 => sub { $w->{dead} = 0; pick('VACUUM t', 'VACUUM ANALYZE t', 'VACUUM FREEZE t') . ";\n" },
        0.5 => sub { $w->{dead} = 0; "VACUUM FULL t;\n" },
        0.5 => sub { "REINDEX TABLE t;\n" },
        1 => sub { "ANALYZE t;\n" },
    )->();
}

# Something happens to t.  Dead rows are nodes of a graph, too, whose number
# decides whether a search can be exact; so they do not become many.
sub change_sql
{
    my ($w) = @_;
    my $sql = $w->any_change;
    if ($w->{dead} > 250)
    {
        $w->{dead} = 0;
        $sql .= "VACUUM t;\n";
    }
    return $sql . "SELECT note_indexes();\n";
}

1;
