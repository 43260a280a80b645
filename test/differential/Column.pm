# Column: the columns beside a vector, values for them, and conditions on them.
package Column;

use strict;
use warnings FATAL => 'all';

use Chance;
use Exporter 'import';
our @EXPORT = qw(columns column value declared);

# Few different values, so that conditions find rows, and the ends of each type.
my @words = ("''", "'a'", "'A'", "'b'", "'ab'", "'aB'", "'B '", "'b'", "'straße'", "'Ärger'",
    "'ärger'", "repeat('long', 90)", "'zz'", "'%'", "E'\\\\'");
my @uuids = ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
    map { sprintf "'%08x-0000-4000-8000-%012x'", $_ * 37 % 11, $_ % 5 } 1 .. 14);

# ops: what is there beside = and <>: o, an order; a, array; j, jsonb; t, text.
# twins: other types whose values the column is compared with.
my %column = (
    tenant => { type => 'int', ops => 'o', twins => [qw(bigint smallint numeric float8)],
        value => sub { chance(0.04) ? pick("'-2147483648'", 2147483647, -7, 32768) : int(rand(3) * rand(3)) } },
    small => { type => 'smallint', ops => 'o', twins => [qw(int bigint)],
        value => sub { chance(0.05) ? pick("'-32768'", 32767) : number(-3, 3) } },
    big => { type => 'bigint', ops => 'o', twins => [qw(int smallint numeric)],
        value => sub { chance(0.1) ? pick("'-9223372036854775808'", 9223372036854775807, 2147483648, -2147483649, 9007199254740993)
              : number(0, 15) } },
    r => { type => 'real', ops => 'o', twins => ['float8'],
        value => sub { pick("'NaN'", "'Infinity'", "'-Infinity'", "'-0'", 0, 0.1, 1.5, -2.25, 3e38, 1e-40, -1e-40, map { $_ / 4 } 1 .. 12) } },
    d8 => { type => 'float8', ops => 'o', twins => ['real'],
        value => sub { pick("'NaN'", "'Infinity'", "'-Infinity'", "'-0'", 0, 0.1, 1.5, 1e300, 5e-324, -1e-310, map { $_ / 4 } 1 .. 12) } },
    num => { type => 'numeric', ops => 'o', twins => [qw(int bigint)],
        value => sub { pick("'NaN'", "'Infinity'", "'-Infinity'", "'1e400'", "'-1e400'", "'1e-400'", 0, '0.1', '0.10', '0.10000000000000000001',
                '12345678901234567890', '12345678901234567891', map { $_ / 2 } 1 .. 12) } },
    txt => { type => 'text', ops => 'ot', twins => [qw(varchar bpchar)], value => sub { pick(@words) } },
    folded => { type => 'text', ops => 'o', twins => [], value => sub { pick(@words) } },
    vc => { type => 'varchar(400)', ops => 'ot', twins => [qw(text)], value => sub { pick(@words) } },
    bp => { type => 'char(8)', ops => 'o', twins => [], value => sub { pick("'a'", "'a '", "'b'", "'B'", "''", "'abc'") } },
    u => { type => 'uuid', ops => 'o', twins => [], value => sub { pick(@uuids) } },
    dt => { type => 'date', ops => 'o', twins => [qw(timestamp timestamptz)],
        value => sub { chance(0.05) ? pick("'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'") : sprintf "'2026-01-%02d'", number(1, 20) } },
    ts => { type => 'timestamptz', ops => 'o', twins => [qw(date timestamp)],
        value => sub { chance(0.05) ? pick("'infinity'", "'-infinity'") : sprintf "'2026-01-%02d %02d:00:00+00'", number(1, 10), pick(0, 0, 12) } },
    tm => { type => 'time', ops => 'o', twins => [], value => sub { pick("'00:00'", "'24:00'", "'12:00'", "'12:00:00.000001'", sprintf("'%02d:30'", number(0, 5))) } },
    tz => { type => 'timetz', ops => 'o', twins => [], value => sub { pick("'12:00+00'", "'13:00+01'", "'12:00-05'", "'00:00+00'") } },
    span => { type => 'interval', ops => 'o', twins => [], value => sub { pick("'1 month'", "'30 days'", "'720 hours'", "'0'", "'-1 day'", "'100 years'") } },
    nm => { type => 'name', ops => 'o', twins => ['text'], value => sub { pick(grep { !/long/ } @words) } },
    ch => { type => '"char"', ops => 'o', twins => [], value => sub { pick("''", "'a'", "'b'", "'Z'", "E'\\\\377'") } },
    oo => { type => 'oid', ops => 'o', twins => [], value => sub { pick(0, 1, 2, 3, "'4294967295'", "'2147483648'") } },
    grade => { type => 'grade', ops => 'o', twins => [qw(int bigint)], value => sub { number(0, 6) } },
    flag => { type => 'bool', ops => 'b', twins => [], value => sub { pick(qw(true false)) } },
    mood => { type => 'mood', ops => 'o', twins => [], value => sub { pick("'sad'", "'ok'", "'ok'", "'happy'") } },
    ip => { type => 'inet', ops => 'o', twins => [], value => sub { pick("'10.0.0.1'", "'10.0.0.1/8'", "'::1'", "'10.0.0.0/8'") } },
    raw => { type => 'bytea', ops => 'o', twins => [], value => sub { pick("'\\x'", "'\\x00'", "'\\x0001'", "'\\xff'") } },
    tags => { type => 'int[]', ops => 'a', twins => [], value => sub { chance(0.04) ? "'{{1,2},{3,4}}'" : elements(number(0, 3), 'NULL', 1 .. 9) } },
    labels => { type => 'text[]', ops => 'a', twins => [], value => sub { elements(number(0, 2), 'NULL', 'a', 'b', 'B', '"x y"', '""') } },
    nums => { type => 'numeric[]', ops => 'a', twins => [], value => sub { elements(number(0, 2), 'NULL', '0.1', '0.10', '1e400', 'NaN', 1 .. 3) } },
    fs => { type => 'float8[]', ops => 'a', twins => [], value => sub { elements(number(0, 2), 'NULL', '0', '-0', 'NaN', 1.5, 2) } },
    doc => { type => 'jsonb', ops => 'j', twins => [],
        value => sub { pick("'{}'", "'null'", "'[1,2]'", map { sprintf q('{"a": %d, "b": {"c": [%d]}}'), $_ % 4, $_ % 3 } 1 .. 12) } },
);
my @names = qw(tenant small big r d8 num txt folded vc bp u dt ts tm tz span nm ch oo grade flag mood ip raw tags labels nums fs doc);

sub columns { return @names; }
sub column { return $column{ $_[0] }; }

sub elements
{
    my ($n, @from) = @_;
    return "'{" . join(',', map { pick(@from) } 1 .. $n) . "}'";
}

# A value as it stands in VALUES.
sub value
{
    my ($name, $nulls) = @_;
    return 'NULL' if chance($nulls);
    return $column{$name}{value}->();
}

# A value with its type, for conditions.
sub typed
{
    my ($name) = @_;
    return value($name, 0.01) . '::' . ($column{$name}{type} =~ s/\(\d+\)//r);
}

# How columns are declared, where folded has a collation of its own.
sub declared
{
    my ($collation) = @_;
    return map { "$_ $column{$_}{type}" . ($_ eq 'folded' ? " COLLATE $collation" : '') } @names;
}

# A value of another type that the column is compared with: what fits into both,
# and what only the other one has.
sub twin
{
    my ($name) = @_;
    my $type = $column{$name}{type};
    my $twin = pick(@{ $column{$name}{twins} });
    my $value;

    if ($twin =~ /int/)
    {
        $value = pick(number(-3, 9), number(-3, 9), $twin eq 'smallint' ? "'-32768'" : "'-32769'");
        $value = pick(40000, 2147483648, "'9223372036854775807'") if $twin eq 'bigint' && chance(0.3);
    }
    elsif ($type =~ /int|numeric/)
    {
        $value = pick(number(0, 9), '2.0', '2.5', '-1e30', "'NaN'", 9007199254740993);
    }
    elsif ($twin =~ /real|float8/)
    {
        $value = pick(0.1, 1.5, "'NaN'", "'-0'", "'Infinity'", $twin eq 'float8' ? (1e300, -1e300, 1e-300, 3.4028234e38) : ());
    }
    elsif ($type =~ /date|time/)
    {
        $value = pick("'infinity'", "'-infinity'", "'0044-03-15 BC'", map { sprintf "'2026-01-%02d%s'", number(1, 12), $twin eq 'date' ? '' : pick('', ' 12:00') } 1 .. 8);
    }
    else
    {
        $value = pick(@words);
    }
    return "$value\::$twin";
}

# A value to compare a column with: of another type now and then, from a
# parameter, from a subquery, or from the other table of a join.  %$at says
# what there is: params and outer.
sub operand
{
    my ($name, $at) = @_;
    my $c = $column{$name};
    my ($text, $other) = (typed($name), typed($name));

    $text = $other = twin($name) if @{ $c->{twins} } && chance(0.2);
    return "$at->{outer}.$name" if $at->{outer} && chance(0.25);
    return $at->{param}->($text, $other) if $at->{param} && chance(0.6);
    return "(SELECT $text)" if chance(0.08);
    return "(SELECT max($name) FROM o WHERE id < 5)"
      if $c->{ops} =~ /o/ && $name !~ /^(u|ip|raw|folded|nm|ch)$/ && chance(0.03);
    return $text;
}

# Conditions on a column, by what it is.
sub scalar_condition
{
    my ($col, $name, $at) = @_;
    my $op = pick('=', '=', '=', '<', '<=', '>', '>=', '<>');
    my $type = $column{$name}{type} =~ s/\(\d+\)//r;

    return pairs(
        10 => sub { "$col $op " . operand($name, $at) },
        1 => sub { operand($name, $at) . " $op $col" },
        3 => sub { "$col BETWEEN " . operand($name, $at) . ' AND ' . operand($name, $at) },
        3 => sub { "$col IN (" . join(', ', map { typed($name) } 1 .. number(1, 4)) . ')' },
        1 => sub { "$col NOT IN (" . join(', ', map { typed($name) } 1 .. number(1, 3)) . ')' },
        1 => sub { "$col = ANY (ARRAY[" . join(', ', map { value($name, 0.2) } 0 .. number(-1, 3)) . "]::$type\[])" },
        0.5 => sub {
            return "$col IN (" . join(', ', map { operand($name, {}) } 1 .. 3) . ')' unless @{ $column{$name}{twins} };
            my @list = map { twin($name) } 1 .. 3;
            my ($twin) = $list[0] =~ /::(\w+)$/;
            return "$col = ANY (ARRAY[" . join(', ', grep { /::$twin$/ } @list) . '])';
        },
        0.5 => sub { "$col " . pick('<', '>=', '<>') . ' ' . pick('ANY', 'ALL') . ' (ARRAY[' . join(', ', map { value($name, 0.1) } 1 .. 2) . "]::$type\[])" },
        0.5 => sub { "$col IS " . pick('', 'NOT ') . 'DISTINCT FROM ' . operand($name, $at) },
        0.5 => sub { "$col IN (SELECT $name FROM o WHERE id " . pick('<', '>') . ' 6)' },
        0.3 => sub { "coalesce($col, " . typed($name) . ") $op " . operand($name, $at) },
        1.5 => sub { "$col IS " . pick('', 'NOT ') . 'NULL' },
    )->();
}

sub bool_condition
{
    my ($col, $name, $at) = @_;
    return pick($col, "NOT $col", "$col = " . operand($name, $at), "$col IS TRUE", "$col IS NOT TRUE",
        "$col IS FALSE", "$col IS UNKNOWN", "$col <> true", "$col < true", "$col IN (true, false)");
}

sub text_condition
{
    my ($col) = @_;
    return pick("$col LIKE 'a%'", "$col LIKE '%b'", "$col ILIKE 'A%'", "lower($col) = 'ab'", "length($col) > 2",
        "$col ~ '^[ab]'", "starts_with($col, 'a')", "$col COLLATE \"C\" < 'b'");
}

sub array_condition
{
    my ($col, $name, $at) = @_;
    my $element = $name eq 'tags' ? number(1, 9) : $name eq 'labels' ? pick("'a'", "'b'") : pick('0', '0.10', "'NaN'", 2);
    return pairs(
        4 => sub { "$col && " . operand($name, $at) },
        4 => sub { "$col @> " . operand($name, $at) },
        1 => sub { operand($name, $at) . " <@ $col" },
        1 => sub { "$col <@ " . operand($name, $at) },
        1 => sub { "$col = " . operand($name, $at) },
        1 => sub { "$element = ANY ($col)" },
        1 => sub { "cardinality($col) > 1" },
        1 => sub { "$col IS " . pick('', 'NOT ') . 'NULL' },
    )->();
}

sub json_condition
{
    my ($col) = @_;
    return pick(
        sprintf(q(%s @> '{"a": %d}'), $col, number(0, 4)), sprintf(q(%s @> '{"b": {"c": [%d]}}'), $col, number(0, 2)),
        "$col ? 'a'", "$col ?| '{a,z}'", sprintf("$col ->> 'a' = '%d'", number(0, 4)),
        sprintf(q($col @@ '$.a == %d'), number(0, 4)) =~ s/\$col/$col/r, "$col = '{}'", "$col IS NULL");
}

# What concerns no single column, or computes.
sub mixed_condition
{
    my ($t) = @_;
    my $n = number(0, 6);
    return pick("$t.tenant % 5 = $n", "$t.tenant = $t.small", "$t.tenant + 0 = $n", "($t.tenant, $t.big) < ($n, 7)",
        "$t.id % 7 " . pick('=', '<>', '<') . " $n", "$t.id < " . number(1, 500), "$t.id BETWEEN " . number(1, 100) . ' AND ' . number(90, 600),
        "upper($t.txt) = 'AB'", "EXISTS (SELECT FROM o WHERE o.tenant = $t.tenant AND o.id < $n)",
        "NOT EXISTS (SELECT FROM o WHERE o.small = $t.small AND o.id > $n)",
        pick('true', 'false', 'NULL::bool'), "$t.v IS NOT NULL", "$t.v IS NULL");
}

sub condition
{
    my ($t, $at, @preferred) = @_;
    return mixed_condition($t) if chance(0.1);
    my $name = @preferred && chance(0.6) ? pick(@preferred) : pick(@names);
    my $ops = $column{$name}{ops};
    my $col = "$t.$name";

    return array_condition($col, $name, $at) if $ops =~ /a/;
    return json_condition($col) if $ops =~ /j/;
    return bool_condition($col, $name, $at) if $ops =~ /b/;
    return text_condition($col) if $ops =~ /t/ && chance(0.25);
    return scalar_condition($col, $name, $at);
}

1;
