# Damaged ivf indexes: vecdb_index_check() finds what was put into their files,
# and searching, inserting and vacuum end in an error or not, but do end, and
# take nobody else with them.
#
# VECDB_DAMAGE says how many indexes get random damage besides (60), and
# VECDB_DAMAGE_SEED which.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $random = $ENV{VECDB_DAMAGE} || 60;
my $seed = $ENV{VECDB_DAMAGE_SEED} || int(rand(1e9));
my $size = 8192;
my $none = 0xffffffff;
my ($meta, $lead, $rows, $tids, $floats, $state) = (1 .. 6);

# ---- pages ----

# Where things are on the pages of 40 dimensions and an int4, see ivf_format.h.
my $contents = 24;
my %list = (blocks => $contents + 64, stride => 896, block => 576, lanes => 256);
my $tids_per_page = int(($size - 24 - 8 - 8) / 10);
my %directory = (blocks => $contents + 64, stride => 1536, block => 576, lanes => 160);

sub next_of { return unpack('V', substr($_[0], $size - 8, 4)) }
sub kind_of { return unpack('v', substr($_[0], $size - 4, 2)) }
sub u16 { return unpack('v', substr($_[0], $contents + $_[1], 2)) }
sub u32 { return unpack('V', substr($_[0], $contents + $_[1], 4)) }
sub set { substr($_[0], $_[1], length($_[2])) = $_[2]; return }
sub set_u16 { set($_[0], $contents + $_[1], pack('v', $_[2])); return }
sub set_u32 { set($_[0], $contents + $_[1], pack('V', $_[2])); return }
sub set_next { set($_[0], $size - 8, pack('V', $_[1])); return }

# The place of a lane's row id, its filter column, its factors, and what the
# directory knows.
sub tid_at
{
    my ($shape, $lane) = @_;
    return $shape->{blocks} + int($lane / 32) * $shape->{stride} + $shape->{block} + $lane % 32 * 6;
}
sub codes_at
{
    my ($lane) = @_;
    return $list{blocks} + int($lane / 32) * $list{stride} + $list{block} + 32 * 6 + $lane % 32 * 4;
}
sub factor_at
{
    my ($shape, $lane) = @_;
    return $shape->{blocks} + int($lane / 32) * $shape->{stride} + $lane % 32 * 4;
}
sub info_at
{
    my ($lane) = @_;
    return $directory{blocks} + int($lane / 32) * $directory{stride} + $directory{block}
      + 32 * 6 + $lane % 32 * 24;
}

# An index's file, and its pages by what they are.
sub look
{
    my ($file) = @_;
    my $bytes = slurp_file($file);
    my %index = (pages => [ map { substr($bytes, $_ * $size, $size) } 0 .. length($bytes) / $size - 1 ]);
    my $pages = $index{pages};
    ($index{state}, $index{directory}, $index{origin}, $index{zeros}, $index{nulls}) =
      map { u32($pages->[0], 32 + 4 * $_) } 0 .. 4;
    # the list with the most on its second page, and another one
    my @blocks;
    for my $lane (0 .. u16($pages->[ $index{directory} ], 0) - 1)
    {
        my ($high, $low) = unpack('vv', substr($pages->[ $index{directory} ], tid_at(\%directory, $lane), 4));
        push @blocks, $high << 16 | $low;
    }
    my ($long) = sort { u16($pages->[ next_of($pages->[$b]) ], 0) <=> u16($pages->[ next_of($pages->[$a]) ], 0) }
      grep { next_of($pages->[$_]) != $none } @blocks;
    $index{head} = $long;
    $index{second} = next_of($pages->[$long]);
    ($index{other}) = grep { $_ != $long } @blocks;
    ($index{lane}) = grep { $blocks[$_] == $long } 0 .. $#blocks;
    return \%index;
}

sub write_back
{
    my ($file, $index) = @_;
    open(my $to, '+<:raw', $file) or die "$file: $!";
    print $to join('', @{ $index->{pages} });
    truncate($to, $size * @{ $index->{pages} });
    close($to) or die "$file: $!";
    return;
}

# ---- faults ----

# name => [what the check says, what is done to the index]; $p are its pages.
my %faults = (
    other_list => [ qr/of list \d+, but in the chain of list/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{second} ], 16, u32($p->[ $i->{other} ], 16)) } ],
    unknown_list => [ qr/of list 4711, but in the chain/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{head} ], 16, 4711) } ],
    lost_rows => [ qr/entries have no row page 0/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{head} ], 52, $none) } ],
    others_rows => [ qr/something else leads to/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{head} ], 52, u32($p->[ $i->{other} ], 52)) } ],
    rows_at_itself => [ qr/something else leads to/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{second} ], 52, $i->{second}) } ],
    rows_at_another => [ qr/something else leads to|its kind is/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{second} ], 52, $i->{other}) } ],
    rows_of_another => [ qr/it has rows of list/,
        sub { my ($i, $p) = @_; set_next($p->[ u32($p->[ $i->{head} ], 52) ], 4711) } ],
    rows_short => [ qr/it ends before its rows/,
        sub { my ($i, $p) = @_; set($p->[ u32($p->[ $i->{head} ], 52) ], 12, pack('v', 100)) } ],
    duplicate => [ qr/there twice/,
        sub { my ($i, $p) = @_; my $page = $p->[ $i->{head} ];
            set($p->[ $i->{head} ], tid_at(\%list, 0), substr($page, tid_at(\%list, 1), 6)) } ],
    impossible_tid => [ qr/impossible row id/,
        sub { my ($i, $p) = @_; set($p->[ $i->{head} ], tid_at(\%list, 3), pack('vvv', 0xffff, 0xffff, 1)) } ],
    no_such_row => [ qr/which the table does not have/,
        sub { my ($i, $p) = @_; set($p->[ $i->{head} ], tid_at(\%list, 3), pack('vvv', 0, 2, 2000)) } ],
    no_such_block => [ qr/which the table does not have/,
        sub { my ($i, $p) = @_; set($p->[ $i->{head} ], tid_at(\%list, 3), pack('vvv', 10, 2, 2)) } ],
    other_codes => [ qr/lane 5 has other filter columns than row/,
        sub { my ($i, $p) = @_; set($p->[ $i->{second} ], codes_at(5), pack('V', 4711)) } ],
    other_null_codes => [ qr/lane 2 has other filter columns than row/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{nulls} ], 8 + 6 * $tids_per_page + 2 * 4, 4711) } ],
    lost_entry => [ qr/of the table is missing/,
        sub { my ($i, $p) = @_; set($p->[ $i->{head} ], tid_at(\%list, 3), pack('vvv', 0, 0, 0));
            set($p->[ $i->{head} ], factor_at(\%list, 3) + $_->[0], pack('f<', $_->[1]))
              for [ 0, 9**9**9 ], [ 128, 0 ], [ 256, 0 ];
            set_u16($p->[ $i->{head} ], 0, u16($p->[ $i->{head} ], 0) - 1) } ],
    live => [ qr/entries, not \d+ as it says/,
        sub { my ($i, $p) = @_; set_u16($p->[ $i->{second} ], 0, u16($p->[ $i->{second} ], 0) + 1) } ],
    live_huge => [ qr/entries, not 65535 as it says/,
        sub { my ($i, $p) = @_; set_u16($p->[ $i->{head} ], 0, 65535) } ],
    live_none => [ qr/entries, not 0 as it says/,
        sub { my ($i, $p) = @_; set_u16($p->[ $i->{second} ], 0, 0) } ],
    broken_chain => [ qr/nothing leads to it/,
        sub { my ($i, $p) = @_; set_next($p->[ $i->{head} ], $none) } ],
    cycle => [ qr/something else leads to/,
        sub { my ($i, $p) = @_; set_next($p->[ $i->{second} ], $i->{head}) } ],
    cycle_of_one => [ qr/something else leads to/,
        sub { my ($i, $p) = @_; set_next($p->[ $i->{second} ], $i->{second}) } ],
    chain_beyond => [ qr/beyond the end of the file/,
        sub { my ($i, $p) = @_; set_next($p->[ $i->{second} ], 1_000_000) } ],
    directory_cycle => [ qr/something else leads to/,
        sub { my ($i, $p) = @_; set_next($p->[ $i->{directory} ], $i->{directory}) } ],
    lost_list => [ qr/it has 2 lists where 3 belong/,
        sub { my ($i, $p) = @_; set($p->[ $i->{directory} ], tid_at(\%directory, 0), pack('vvv', 0, 0, 0)) } ],
    twice_list => [ qr/is there twice/,
        sub { my ($i, $p) = @_; set($p->[ $i->{directory} ], info_at(0), pack('V', 1)) } ],
    future_list => [ qr/of version 77, which is not yet/,
        sub { my ($i, $p) = @_; set($p->[ $i->{directory} ], info_at(1) + 4, pack('V', 77)) } ],
    head_elsewhere => [ qr/of list \d+, but in the chain|something else leads to/,
        sub { my ($i, $p) = @_; my $page = $p->[ $i->{directory} ];
            set($p->[ $i->{directory} ], tid_at(\%directory, 0), substr($page, tid_at(\%directory, 1), 6)) } ],
    head_beyond => [ qr/beyond the end of the file/,
        sub { my ($i, $p) = @_; set($p->[ $i->{directory} ], tid_at(\%directory, 0), pack('vvv', 100, 0, 1)) } ],
    square => [ qr/has a squared length of/,
        sub { my ($i, $p) = @_; set($p->[ $i->{directory} ], info_at(0) + 20, pack('f<', 17)) } ],
    centre => [ qr/has a squared length of/,
        sub { my ($i, $p) = @_; set_u32($p->[ u32($p->[ $i->{directory} ], 52) ], 8, 0x7e007e00) } ],
    loose_empty => [ qr/waiting for its block, but empty/,
        sub { my ($i, $p) = @_; my $last = $i->{second};
            # the last page: an earlier one may be full
            while ((my $next = unpack('V', substr($p->[$last], 8184, 4))) != $none) { $last = $next }
            set_u32($p->[$last], 20 + 28, 0x80000000) } ],
    loose_used => [ qr/is not in its block, but that has something/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{head} ], 20, 4) } ],
    empty_code => [ qr/is missing in its block/,
        sub { my ($i, $p) = @_; set($p->[ $i->{head} ], factor_at(\%list, 9), pack('f<', 9**9**9)) } ],
    impossible_code => [ qr/impossible factors/,
        sub { my ($i, $p) = @_; set($p->[ $i->{head} ], factor_at(\%list, 9), pack('V', 0x7fc00001)) } ],
    impossible_row => [ qr/impossible factors/,
        sub { my ($i, $p) = @_; set_u32($p->[ u32($p->[ $i->{head} ], 52) ], 48, 0x7fc00001) } ],
    other_vector => [ qr/has another vector than row/,
        sub { my ($i, $p) = @_; set_u32($p->[ u32($p->[ $i->{head} ], 52) ], 52 * 5 + 8, 0xf0000000 ^ u32($p->[ u32($p->[ $i->{head} ], 52) ], 52 * 5 + 8)) } ],
    target => [ qr/inserts begin at block \d+, which is not/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{head} ], 12, $i->{other}) } ],
    pages => [ qr/its chain has \d+ pages, not 99/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{head} ], 4, 99) } ],
    closed => [ qr/takes no entries/,
        sub { my ($i, $p) = @_; set_u16($p->[ $i->{head} ], 2, 1) } ],
    magic => [ qr/no page of this index/,
        sub { my ($i, $p) = @_; set($p->[ $i->{second} ], $size - 2, 'xx') } ],
    kind => [ qr/its kind is 3 where 2 belongs/,
        sub { my ($i, $p) = @_; set($p->[ $i->{second} ], $size - 4, pack('v', $rows)) } ],
    free => [ qr/its kind is 0 where 3 belongs/,
        sub { my ($i, $p) = @_; set($p->[ u32($p->[ $i->{second} ], 52) ], $size - 4, pack('v', 0)) } ],
    zeroed => [ qr/it is all zeroes/,
        sub { my ($i, $p) = @_; $p->[ $i->{head} ] = "\0" x $size } ],
    zeroed_rows => [ qr/it is all zeroes/,
        sub { my ($i, $p) = @_; $p->[ u32($p->[ $i->{head} ], 52) ] = "\0" x $size } ],
    garbage => [ qr/cannot be read: invalid page/,
        sub { my ($i, $p) = @_; $p->[ $i->{second} ] = join('', map { chr($_ * 7 % 251 + 1) } 1 .. $size) } ],
    truncated => [ qr/beyond the end of the file/,
        sub { my ($i, $p) = @_; $#$p = $#$p / 2 } ],
    small_page => [ qr/its size is/,
        sub { my ($i, $p) = @_; set($p->[ $i->{second} ], 12, pack('v', 200)) } ],
    # the first page, which is full: the second may have one block only
    cut_page => [ qr/is beyond its blocks/,
        sub { my ($i, $p) = @_; set($p->[ $i->{head} ], 12, pack('v', $list{blocks} + $list{stride})) } ],
    meta_magic => [ qr/metapage is not of this/,
        sub { my ($i, $p) = @_; set_u32($p->[0], 0, 4711) } ],
    meta_version => [ qr/another version of vecdb/,
        sub { my ($i, $p) = @_; set_u32($p->[0], 4, 99) } ],
    meta_dim => [ qr/impossible values/,
        sub { my ($i, $p) = @_; set_u32($p->[0], 8, 70000) } ],
    meta_other_dim => [ qr/impossible values/,
        sub { my ($i, $p) = @_; set_u32($p->[0], 8, 41) } ],
    meta_metric => [ qr/impossible values/,
        sub { my ($i, $p) = @_; set($p->[0], $contents + 13, pack('C', 1)) } ],
    meta_codes => [ qr/impossible values/,
        sub { my ($i, $p) = @_; set_u32($p->[0], 64, 200) } ],
    meta_columns => [ qr/it has other filter columns/,
        sub { my ($i, $p) = @_; set_u32($p->[0], 68, 4711) } ],
    meta_zeroed => [ qr/it is all zeroes/,
        sub { my ($i, $p) = @_; $p->[0] = "\0" x $size } ],
    meta_state => [ qr/something else leads to/,
        sub { my ($i, $p) = @_; set_u32($p->[0], 32, $i->{origin}) } ],
    state => [ qr/impossible values/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{state} ], 8, 0) } ],
    state_version => [ qr/lists where \d+ belong|impossible/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{state} ], 0, $none) } ],
    origin => [ qr/the origin is no vector/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{origin} ], 8, 0x7fc00000) } ],
    nulls_cycle => [ qr/something else leads to/,
        sub { my ($i, $p) = @_; set_next($p->[ $i->{nulls} ], $i->{nulls}) } ],
    nulls_count => [ qr/it cannot have \d+ row ids/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{nulls} ], 0, 100_000) } ],
    nulls_tail => [ qr/which it says has room/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{nulls} ], 4, $i->{zeros}) } ],
    nulls_lost => [ qr/of the table is missing/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{nulls} ], 0, u32($p->[ $i->{nulls} ], 0) - 1) } ],
    null_in_list => [ qr/is with a list, but belongs to those without/,
        sub { my ($i, $p) = @_; my $tid = substr($p->[ $i->{nulls} ], $contents + 8, 6);
            set($p->[ $i->{nulls} ], $contents + 8, substr($p->[ $i->{head} ], tid_at(\%list, 0), 6));
            set($p->[ $i->{head} ], tid_at(\%list, 0), $tid) } ],
);

# Some bits of some pages, mostly where there are numbers that matter.
sub flip
{
    my ($index, $pages) = @_;
    for (0 .. int(rand(3)))
    {
        my $block = int(rand(@$pages));
        my $where = rand(3);
        my $at = $where < 1 ? int(rand($size)) : $where < 2 ? int(rand(256)) : $size - 1 - int(rand(8));
        my $byte = ord(substr($pages->[$block], $at, 1));
        set($pages->[$block], $at, chr($byte ^ 1 << int(rand(8))));
    }
    return;
}

# ---- the server ----

my $node = PostgreSQL::Test::Cluster->new('damage');
$node->init;
# Since 18 they are on unless one says otherwise, and would find all this.
system_log('pg_checksums', '--disable', '-D', $node->data_dir);
$node->append_conf('postgresql.conf', q{
    autovacuum = off
    fsync = off
    max_wal_size = 4GB
    restart_after_crash = off
});
$node->start;
note("VECDB_DAMAGE_SEED=$seed");
srand($seed);

# Every fault has a table of its own, so that one restart does for all.
my @names = ((sort keys %faults), map { "random_$_" } 1 .. $random);
$node->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql AS
        $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8
              + seed * i * 0.37::float8))::vector
          FROM generate_series(1, 40) i$$;
    CREATE TABLE source AS SELECT i AS id, made(i)::vector(40) AS v FROM generate_series(1, 1400) i;
    UPDATE source SET v = NULL WHERE id % 100 = 0;
    CREATE PROCEDURE make(name text) LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('CREATE TABLE %1$I (id int, v vector(40));
                INSERT INTO %1$I SELECT * FROM source WHERE id <= 900 ORDER BY id;
                CREATE INDEX %2$I ON %1$I USING ivf (v vector_l2_ops, id) WITH (lists = 3)',
                name, name || '_v');
        END$$;
} . join('', map { "CALL make('$_');" } @names));
is($node->safe_psql('postgres', join('UNION ALL ', map { "SELECT '$_', x.* FROM vecdb_index_check('${_}_v', true) x " } @names)),
    '', 'all are sound at first');
my %file = map { split /\|/ } split /\n/,
  $node->safe_psql('postgres', join('UNION ALL ', map { "SELECT '$_', pg_relation_filepath('${_}_v') " } @names));
$node->stop;
foreach my $name (@names)
{
    my $index = look($node->data_dir . "/$file{$name}");
    ($faults{$name} ? $faults{$name}[1] : \&flip)->($index, $index->{pages});
    write_back($node->data_dir . "/$file{$name}", $index);
}
$node->start;

# ---- what happens ----

# Statements; returns what they say, and the codes of their errors.
sub try
{
    my (@statements) = @_;
    my ($out, $err, $timed_out) = ('', '', 0);
    my $ret = $node->psql('postgres', join(";\n", "SET statement_timeout = '30s'", @statements),
        stdout => \$out, stderr => \$err, on_error_stop => 0,
        extra_params => [ '-v', 'VERBOSITY=verbose' ], timeout => 180, timed_out => \$timed_out);
    my @codes = $err =~ /(?:ERROR|FATAL|PANIC):  ([0-9A-Z]{5})/g;
    push @codes, 'a hang' if $timed_out;
    push @codes, 'no server' if $ret != 0 || $err =~ /connection|server closed/;
    return ($out, $err, @codes);
}

# What may come of damage: an error that says so, and nothing else.
sub ends
{
    my ($name, $allowed, @statements) = @_;
    my ($out, $err, @codes) = try(@statements);
    my @bad = grep { $_ !~ $allowed } @codes;
    is("@bad", '', "$name: errors, if at all, are those of damaged data") or diag($err);
    return;
}

# What is wrong with an index; the check itself does not fail.
sub check
{
    my ($name, $when) = @_;
    my ($out, $err, @codes) = try("SELECT block, problem FROM vecdb_index_check('${name}_v', true)");
    is("@codes", '', "$name: the check does not fail$when") or diag($err);
    return $out;
}

sub use_it
{
    my ($name, $allowed) = @_;
    ends($name, $allowed,
        'SET enable_seqscan = off',
        'SET enable_sort = off',
        "SELECT id FROM $name ORDER BY v <-> made(5) LIMIT 10",
        "SELECT count(id) FROM (SELECT id FROM $name ORDER BY v <-> made(7) OFFSET 0) x",
        "INSERT INTO $name SELECT * FROM source WHERE id > 900",
        "INSERT INTO $name SELECT 1, NULL",
        "DELETE FROM $name WHERE id % 3 = 0",
        "VACUUM $name",
        "INSERT INTO $name SELECT * FROM source WHERE id > 900",
        "DELETE FROM $name WHERE id % 4 <> 0",
        "VACUUM $name",
        "SELECT count(id) FROM (SELECT id FROM $name ORDER BY v <-> made(7) OFFSET 0) x",
        "SELECT vecdb_index_info('${name}_v')",
        "SELECT vecdb_recall('${name}_v', 10)");
    return;
}

# XX: damaged data or index; 58: a file that ends too early.
my $damage = qr/^(XX00[012]|58...)$/;
foreach my $name (sort keys %faults)
{
    like(check($name, ''), $faults{$name}[0], "$name: the check finds it");
    use_it($name, $name =~ /^meta_(version|columns)$/ ? qr/^0A000$/ : $damage);
    check($name, ' later on');
}
foreach my $name (map { "random_$_" } 1 .. $random)
{
    check($name, '');
    use_it($name, qr/^(XX...|58...|0A000|22...)$/);
    check($name, ' later on');
}

# REINDEX mends all of them.
is($node->safe_psql('postgres', "SET client_min_messages = warning; "
          . join('', map { "REINDEX INDEX ${_}_v; " } @names)
          . join('UNION ALL ', map { "SELECT '$_', x.* FROM vecdb_index_check('${_}_v', true) x " } @names)),
    '', 'all are sound again');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'no crash');
$node->stop;
done_testing();
