# Damaged hnsw indexes: vecdb_index_check() finds what was put into their files,
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
my ($meta, $state, $nodes, $entries, $floats) = (1 .. 5);
my ($free, $node, $dead, $bucket) = (0 .. 3);

# ---- pages ----

# Where things are on the pages of 40 dimensions with m = 8, see hnsw_format.h: with
# so many bytes of codes, and room for so many neighbours.
my $contents = 24;
my %lanes = (block => 576, stride => 576 + 128);
my ($row_at, $slot_size, $per_page, $bucket_codes, %field);

sub layout
{
    my ($codes, $neighbours) = @_;
    my $list_at = 16 + 4 * int(($codes + 3) / 4);
    $row_at = $list_at + $neighbours * 4;
    $slot_size = $row_at + 52;
    $per_page = int(($size - 24 - 8 - 4) / $slot_size);
    $bucket_codes = 16 + 6 * int(($slot_size - 16) / (6 + $codes));
    %field = (state => 0, count => 1, tid => 2, more => 8, codes => 16, list => $list_at, row => $row_at);
    return;
}

sub next_of { return unpack('V', substr($_[0], $size - 8, 4)) }
sub kind_of { return unpack('v', substr($_[0], $size - 4, 2)) }
sub u8 { return unpack('C', substr($_[0], $contents + $_[1], 1)) }
sub u16 { return unpack('v', substr($_[0], $contents + $_[1], 2)) }
sub u32 { return unpack('V', substr($_[0], $contents + $_[1], 4)) }
sub set { substr($_[0], $_[1], length($_[2])) = $_[2]; return }
sub set_u8 { set($_[0], $contents + $_[1], pack('C', $_[2])); return }
sub set_u16 { set($_[0], $contents + $_[1], pack('v', $_[2])); return }
sub set_u32 { set($_[0], $contents + $_[1], pack('V', $_[2])); return }
sub set_next { set($_[0], $size - 8, pack('V', $_[1])); return }

# The place of a slot, by its number, of a field of it, and of a lane's node.
sub slot_at { return 4 + $_[0] % $per_page * $slot_size }
sub block_of { return int($_[0] / $per_page) }
sub lane_at { return int($_[0] / 32) * $lanes{stride} + $lanes{block} + $_[0] % 32 * 4 }
sub factor_at { return int($_[0] / 32) * $lanes{stride} + $_[0] % 32 * 4 }

# Of an index $i: its page with a slot, and what is there.
sub page_of { return $_[0]{pages}[ block_of($_[1]) ] }
sub get { return u32(page_of($_[0], $_[1]), slot_at($_[1]) + $_[2]) }
sub get8 { return u8(page_of($_[0], $_[1]), slot_at($_[1]) + $_[2]) }
sub put { set_u32($_[0]{pages}[ block_of($_[1]) ], slot_at($_[1]) + $_[2], $_[3]); return }
sub put8 { set_u8($_[0]{pages}[ block_of($_[1]) ], slot_at($_[1]) + $_[2], $_[3]); return }
sub put_tid { set($_[0]{pages}[ block_of($_[1]) ], $contents + slot_at($_[1]) + $_[2], pack('vvv', @{ $_[3] })); return }

# An index's file, and what is where.
sub look
{
    my ($file) = @_;
    my $bytes = slurp_file($file);
    my %index = (pages => [ map { substr($bytes, $_ * $size, $size) } 0 .. length($bytes) / $size - 1 ]);
    my $pages = $index{pages};
    ($index{entries}, $index{room}, $index{nulls}) = map { u32($pages->[1], $_) } 0, 8, 12;
    $index{origin} = u32($pages->[0], 32);
    $index{blocks} = [ grep { kind_of($pages->[$_]) == $nodes } 0 .. $#$pages ];
    my @all = map { my $b = $_; map { $b * $per_page + $_ } 0 .. $per_page - 1 } @{ $index{blocks} };
    foreach my $what ($free, $node, $bucket)
    {
        $index{$what} = [ grep { get8(\%index, $_, 0) == $what } @all ];
    }
    # nodes with buckets and without, but with neighbours; lanes that are used and not
    ($index{owner}) = grep { get(\%index, $_, $field{more}) != $none } @{ $index{$node} };
    $index{plain} = [ grep { get(\%index, $_, $field{more}) == $none && get8(\%index, $_, $field{count}) > 2 } @{ $index{$node} } ];
    my $page = $pages->[ $index{entries} ];
    my @lanes = 0 .. int(($size - 32) / $lanes{stride}) * 32 - 1;
    $index{used} = [ grep { u32($page, lane_at($_)) != $none } @lanes ];
    $index{unused} = [ grep { u32($page, lane_at($_)) == $none } @lanes ];
    my %entry = map { u32($page, lane_at($_)) => 1 } @{ $index{used} };
    $index{inner} = [ grep { !$entry{$_} } @{ $index{plain} } ];
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

# Takes the edges to some nodes away.
sub cut
{
    my ($i, @gone) = @_;
    my %gone = map { $_ => 1 } @gone;
    foreach my $n (grep { !$gone{$_} } @{ $i->{$node} })
    {
        my @list = map { get($i, $n, $field{list} + 4 * $_) } 0 .. get8($i, $n, $field{count}) - 1;
        my @kept = grep { !$gone{$_} } @list;
        put8($i, $n, $field{count}, scalar @kept);
        put($i, $n, $field{list} + 4 * $_, $kept[$_]) foreach 0 .. $#kept;
    }
    return;
}

# ---- faults ----

# name => [what the check says, what is done to the index]; $p are its pages.
my %faults = (
    meta_magic => [ qr/metapage is not of this/, sub { my ($i, $p) = @_; set_u32($p->[0], 0, 4711) } ],
    meta_version => [ qr/another version of vecdb/, sub { my ($i, $p) = @_; set_u32($p->[0], 4, 99) } ],
    meta_dim => [ qr/impossible values/, sub { my ($i, $p) = @_; set_u32($p->[0], 8, 70000) } ],
    meta_other_dim => [ qr/impossible values/, sub { my ($i, $p) = @_; set_u32($p->[0], 8, 41) } ],
    meta_metric => [ qr/impossible values/, sub { my ($i, $p) = @_; set_u8($p->[0], 13, 1) } ],
    meta_m => [ qr/impossible values/, sub { my ($i, $p) = @_; set_u8($p->[0], 19, 0) } ],
    meta_codes => [ qr/impossible values/, sub { my ($i, $p) = @_; set_u32($p->[0], 40, 70000) } ],
    meta_more_codes => [ qr/it has other filter columns/, sub { my ($i, $p) = @_; set_u32($p->[0], 40, 4) } ],
    meta_mark => [ qr/it has other filter columns/, sub { my ($i, $p) = @_; set_u32($p->[0], 44, 4711) } ],
    meta_zeroed => [ qr/it is all zeroes/, sub { my ($i, $p) = @_; $p->[0] = "\0" x $size } ],
    meta_origin => [ qr/beyond the end of the file/, sub { my ($i, $p) = @_; set_u32($p->[0], 32, 1_000_000) } ],
    state_zeroed => [ qr/it is all zeroes/, sub { my ($i, $p) = @_; $p->[1] = "\0" x $size } ],
    state_kind => [ qr/its kind is 3 where 2 belongs/, sub { my ($i, $p) = @_; set($p->[1], $size - 4, pack('v', $nodes)) } ],

    entries_beyond => [ qr/beyond the end of the file/, sub { my ($i, $p) = @_; set_u32($p->[1], 0, 1_000_000) } ],
    entries_cycle => [ qr/something else leads to/, sub { my ($i, $p) = @_; set_next($p->[ $i->{entries} ], $i->{entries}) } ],
    entries_kind => [ qr/its kind is 3 where 4 belongs/, sub { my ($i, $p) = @_; set_u32($p->[1], 0, $i->{blocks}[0]) } ],
    entries_lost => [ qr/nothing leads to it/, sub { my ($i, $p) = @_; set_u32($p->[1], 0, $none) } ],
    entry_beyond => [ qr/beyond the end of the file/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{entries} ], lane_at($i->{used}[0]), 1_000_000) } ],
    entry_nowhere => [ qr/which has no nodes/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{entries} ], lane_at($i->{used}[0]), $i->{entries} * $per_page) } ],
    entry_bucket => [ qr/which is no node/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{entries} ], lane_at($i->{used}[0]), $i->{$bucket}[0]) } ],
    entry_twice => [ qr/lead to the same node/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{entries} ], lane_at($i->{used}[0]), u32($p->[ $i->{entries} ], lane_at($i->{used}[1]))) } ],
    entry_other => [ qr/has another place than its node/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{entries} ], lane_at($i->{used}[0]), $i->{inner}[0]) } ],
    entry_impossible => [ qr/impossible factors/,
        sub { my ($i, $p) = @_; set_u32($p->[ $i->{entries} ], factor_at($i->{used}[0]), 0x7fc00001) } ],
    entry_missing => [ qr/is missing in its block/,
        sub { my ($i, $p) = @_; set($p->[ $i->{entries} ], $contents + factor_at($i->{used}[0]) + $_->[0], pack('f<', $_->[1]))
              for [ 0, 9**9**9 ], [ 128, 0 ], [ 256, 0 ] } ],
    entry_unused => [ qr/its block has something there/,
        sub { my ($i, $p) = @_; set($p->[ $i->{entries} ], $contents + factor_at($i->{unused}[-1]), pack('f<', 1)) } ],

    nfree => [ qr/free slots, not \d+ as it says/,
        sub { my ($i, $p) = @_; my $b = $i->{blocks}[1]; set_u16($p->[$b], 0, u16($p->[$b], 0) + 1) } ],
    nfree_huge => [ qr/free slots, not 65535 as it says/,
        sub { my ($i, $p) = @_; set_u16($p->[ $i->{blocks}[1] ], 0, 65535) } ],
    room_beyond => [ qr/with room leads beyond the end/, sub { my ($i, $p) = @_; set_u32($p->[1], 8, 1_000_000) } ],
    room_cycle => [ qr/with room leads back/, sub { my ($i, $p) = @_; set_next($p->[ $i->{room} ], $i->{room}) } ],
    room_kind => [ qr/with room leads to one without nodes/, sub { my ($i, $p) = @_; set_u32($p->[1], 8, $i->{entries}) } ],
    room_unmarked => [ qr/leads to one that is not marked/, sub { my ($i, $p) = @_; set_u16($p->[ $i->{room} ], 2, 0) } ],
    room_lost => [ qr/not in the chain of pages with room/, sub { my ($i, $p) = @_; set_u32($p->[1], 8, $none) } ],
    room_mark => [ qr/marked in an impossible way/, sub { my ($i, $p) = @_; set_u16($p->[ $i->{room} ], 2, 77) } ],

    impossible_state => [ qr/an impossible state/, sub { my ($i, $p) = @_; put8($i, $i->{plain}[3], 0, 9) } ],
    node_freed => [ qr/of the table is missing/, sub { my ($i, $p) = @_; put8($i, $i->{plain}[3], 0, $free) } ],
    node_dead => [ qr/is a dead node with rows/, sub { my ($i, $p) = @_; put8($i, $i->{plain}[3], 0, $dead) } ],
    node_bucket => [ qr/nothing leads to the row ids/, sub { my ($i, $p) = @_; put8($i, $i->{plain}[3], 0, $bucket) } ],
    no_rows => [ qr/a node without rows/, sub { my ($i, $p) = @_; put_tid($i, $i->{plain}[3], 2, [ 0, 0, 0 ]) } ],
    impossible_tid => [ qr/impossible row id/, sub { my ($i, $p) = @_; put_tid($i, $i->{plain}[3], 2, [ 0xffff, 0xffff, 1 ]) } ],
    no_such_row => [ qr/which the table does not have/, sub { my ($i, $p) = @_; put_tid($i, $i->{plain}[3], 2, [ 0, 2, 2000 ]) } ],
    no_such_block => [ qr/which the table does not have/, sub { my ($i, $p) = @_; put_tid($i, $i->{plain}[3], 2, [ 10, 2, 2 ]) } ],
    duplicate => [ qr/there twice/,
        sub { my ($i, $p) = @_; put_tid($i, $i->{plain}[3], 2,
            [ unpack('vvv', substr(page_of($i, $i->{plain}[4]), $contents + slot_at($i->{plain}[4]) + 2, 6)) ]) } ],
    impossible_row => [ qr/vector of impossible numbers/, sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $row_at + 44, 0x7fc00001) } ],
    other_vector => [ qr/has another vector than row/,
        sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $row_at + 4 * $_, 0x80ff00ff ^ get($i, $i->{plain}[3], $row_at + 4 * $_)) for 0 .. 3 } ],

    neighbours => [ qr/cannot have 200 neighbours/, sub { my ($i, $p) = @_; put8($i, $i->{plain}[3], 1, 200) } ],
    edge_self => [ qr/itself as a neighbour/, sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $field{list}, $i->{plain}[3]) } ],
    edge_twice => [ qr/neighbour \d+ twice/, sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $field{list}, get($i, $i->{plain}[3], $field{list} + 4)) } ],
    edge_beyond => [ qr/beyond the end of the file/, sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $field{list}, 1_000_000) } ],
    edge_nobody => [ qr/beyond the end of the file/, sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $field{list}, $none) } ],
    edge_elsewhere => [ qr/which has no nodes/, sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $field{list}, $i->{entries} * $per_page) } ],
    unreachable => [ qr/no edges lead to slot/, sub { my ($i, $p) = @_; cut($i, $i->{inner}[5]) } ],
    island => [ qr/no edges lead to slot.*no edges lead to slot.*no edges lead to slot/s,
        sub { my ($i, $p) = @_; my @them = @{ $i->{inner} }[5, 6, 7]; cut($i, @them);
            put8($i, $_, 1, 2) foreach @them;
            for my $j (0 .. 2) { put($i, $them[$j], $field{list}, $them[($j + 1) % 3]); put($i, $them[$j], $field{list} + 4, $them[($j + 2) % 3]) } } ],

    bucket_beyond => [ qr/beyond the end of the file/, sub { my ($i, $p) = @_; put($i, $i->{owner}, 8, 1_000_000) } ],
    bucket_node => [ qr/leads to slot \d+ of block \d+, which has none/, sub { my ($i, $p) = @_; put($i, $i->{owner}, 8, $i->{plain}[0]) } ],
    bucket_shared => [ qr/which another one leads to, too/,
        sub { my ($i, $p) = @_; put($i, $i->{plain}[3], 8, get($i, $i->{owner}, 8)) } ],
    bucket_cycle => [ qr/which another one leads to, too/,
        sub { my ($i, $p) = @_; my $b = get($i, $i->{owner}, 8); put($i, $b, 8, $b) } ],
    bucket_lost => [ qr/nothing leads to the row ids of slot/, sub { my ($i, $p) = @_; put($i, $i->{owner}, 8, $none) } ],
    bucket_count => [ qr/cannot have 200 row ids/, sub { my ($i, $p) = @_; put8($i, get($i, $i->{owner}, 8), 1, 200) } ],
    bucket_row => [ qr/of the table is missing/,
        sub { my ($i, $p) = @_; my $b = get($i, $i->{owner}, 8); put8($i, $b, 1, get8($i, $b, 1) - 1) } ],
    bucket_tid => [ qr/impossible row id/, sub { my ($i, $p) = @_; put_tid($i, get($i, $i->{owner}, 8), 16, [ 0, 0, 0 ]) } ],
    nulls_lost => [ qr/nothing leads to the row ids of slot/, sub { my ($i, $p) = @_; set_u32($p->[1], 12, $none) } ],
    nulls_twice => [ qr/which another one leads to, too/, sub { my ($i, $p) = @_; set_u32($p->[1], 16, $i->{nulls}) } ],
    nulls_zeros => [ qr/is with the zero vectors, but belongs to those without/,
        sub { my ($i, $p) = @_; set_u32($p->[1], 16, $i->{nulls}); set_u32($p->[1], 12, $none) } ],
    nulls_node => [ qr/is with a node, but belongs to those without/,
        sub { my ($i, $p) = @_; put($i, $i->{plain}[3], 8, $i->{nulls}); set_u32($p->[1], 12, $none) } ],

    column_code => [ qr/slot \d+ has other filter columns than row/,
        sub { my ($i, $p) = @_; put8($i, $i->{plain}[3], $field{codes} + 3, 1 ^ get8($i, $i->{plain}[3], $field{codes} + 3)) } ],
    column_bucket => [ qr/slot \d+ has other filter columns than row/,
        sub { my ($i, $p) = @_; my $b = get($i, $i->{owner}, 8); put8($i, $b, $bucket_codes, 1 ^ get8($i, $b, $bucket_codes)) } ],
    column_nulls => [ qr/slot \d+ has other filter columns than row/,
        sub { my ($i, $p) = @_; put8($i, $i->{nulls}, $bucket_codes, 1 ^ get8($i, $i->{nulls}, $bucket_codes)) } ],
    column_moved => [ qr/other filter columns than row.*other filter columns than row/s,
        sub { my ($i, $p) = @_; my $b = get($i, $i->{owner}, 8);
            my @tids = map { [ unpack('vvv', substr(page_of($i, $b), $contents + slot_at($b) + 16 + 6 * $_, 6)) ] } 0, 1;
            put_tid($i, $b, 16, $tids[1]); put_tid($i, $b, 22, $tids[0]) } ],
    column_edge => [ qr/itself as a neighbour/, sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $field{list}, $i->{plain}[3]) } ],
    column_other => [ qr/has another vector than row/,
        sub { my ($i, $p) = @_; put($i, $i->{plain}[3], $row_at + 4 * $_, 0x80ff00ff ^ get($i, $i->{plain}[3], $row_at + 4 * $_)) for 0 .. 3 } ],
    column_count => [ qr/cannot have 20 row ids/, sub { my ($i, $p) = @_; put8($i, get($i, $i->{owner}, 8), 1, 20) } ],

    magic => [ qr/no page of this index/, sub { my ($i, $p) = @_; set($p->[ $i->{blocks}[1] ], $size - 2, 'xx') } ],
    kind => [ qr/nothing leads to it/, sub { my ($i, $p) = @_; set($p->[ $i->{blocks}[1] ], $size - 4, pack('v', $entries)) } ],
    unknown_kind => [ qr/its kind is 77, which there is not/, sub { my ($i, $p) = @_; set($p->[ $i->{blocks}[1] ], $size - 4, pack('v', 77)) } ],
    free => [ qr/which has no nodes/, sub { my ($i, $p) = @_; set($p->[ $i->{blocks}[1] ], $size - 4, pack('v', 0)) } ],
    zeroed => [ qr/which has no nodes/, sub { my ($i, $p) = @_; $p->[ $i->{blocks}[1] ] = "\0" x $size } ],
    garbage => [ qr/cannot be read: invalid page/,
        sub { my ($i, $p) = @_; $p->[ $i->{blocks}[1] ] = join('', map { chr($_ * 7 % 251 + 1) } 1 .. $size) } ],
    truncated => [ qr/beyond the end of the file/, sub { my ($i, $p) = @_; $#$p = $#$p / 2 } ],
    small_page => [ qr/its size is/, sub { my ($i, $p) = @_; set($p->[ $i->{blocks}[1] ], 12, pack('v', 200)) } ],
    small_entries => [ qr/its size is/, sub { my ($i, $p) = @_; set($p->[ $i->{entries} ], 12, pack('v', 200)) } ],
    origin => [ qr/the origin is no vector/, sub { my ($i, $p) = @_; set_u32($p->[ $i->{origin} ], 8, 0x7fc00000) } ],
);

# Some bits of some pages, mostly where there are numbers that matter.
sub flip
{
    my ($index, $pages) = @_;
    for (0 .. int(rand(3)))
    {
        my $block = int(rand(@$pages));
        my $where = rand(4);
        my $at = $where < 1 ? int(rand($size)) : $where < 2 ? int(rand(256))
          : $where < 3 ? $contents + slot_at(int(rand($per_page))) + int(rand($row_at)) : $size - 1 - int(rand(8));
        my $byte = ord(substr($pages->[$block], $at, 1));
        set($pages->[$block], $at, chr($byte ^ 1 << int(rand(8))));
    }
    return;
}

# ---- the server ----

my $server = PostgreSQL::Test::Cluster->new('damage');
$server->init;
# Since 18 they are on unless one says otherwise, and would find all this.
system_log('pg_checksums', '--disable', '-D', $server->data_dir);
$server->append_conf('postgresql.conf', q{
    autovacuum = off
    fsync = off
    max_wal_size = 4GB
    restart_after_crash = off
});
$server->start;
note("VECDB_DAMAGE_SEED=$seed");
srand($seed);

# Every fault has a table of its own, so that one restart does for all.
my @names = ((sort keys %faults), map { ($_ % 2 ? 'random_' : 'column_random_') . $_ } 1 .. $random);
sub has_column { return $_[0] =~ /^column_/ }
$server->safe_psql('postgres', q{
    CREATE EXTENSION vecdb;
    CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql AS
        $$SELECT array_agg(sin(seed * 12.9898::float8 + i * 78.233::float8)
              + sin(seed * i * 0.7310::float8 + seed % 17 * i))::vector
          FROM generate_series(1, 40) i$$;
    CREATE TABLE source AS SELECT i AS id, made(CASE WHEN i % 10 = 0 THEN 1 ELSE i END)::vector(40) AS v
        FROM generate_series(1, 900) i;
    UPDATE source SET v = NULL WHERE id % 100 = 3;
    CREATE PROCEDURE make(name text, columns text) LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('CREATE TABLE %1$I (id int, v vector(40));
                INSERT INTO %1$I SELECT * FROM source WHERE id <= 600 ORDER BY id;
                CREATE INDEX %2$I ON %1$I USING hnsw (v vector_l2_ops %3$s) WITH (m = 8)',
                name, name || '_v', columns);
        END$$;
} . join('', map { "CALL make('$_', '" . (has_column($_) ? ', id' : '') . "');" } @names));
is($server->safe_psql('postgres', join('UNION ALL ', map { "SELECT '$_', x.* FROM vecdb_index_check('${_}_v', true) x " } @names)),
    '', 'all are sound at first');
my %file = map { split /\|/ } split /\n/,
  $server->safe_psql('postgres', join('UNION ALL ', map { "SELECT '$_', pg_relation_filepath('${_}_v') " } @names));
$server->stop;
foreach my $name (@names)
{
    layout(has_column($name) ? (4, 15) : (0, 16));
    my $index = look($server->data_dir . "/$file{$name}");
    ($faults{$name} ? $faults{$name}[1] : \&flip)->($index, $index->{pages});
    write_back($server->data_dir . "/$file{$name}", $index);
}
$server->start;

# ---- what happens ----

# Statements; returns what they say, and the codes of their errors.
sub try
{
    my (@statements) = @_;
    my ($out, $err, $timed_out) = ('', '', 0);
    my $ret = $server->psql('postgres', join(";\n", "SET statement_timeout = '30s'", @statements),
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
        "INSERT INTO $name SELECT * FROM source WHERE id > 600",
        "INSERT INTO $name SELECT 1, NULL",
        "DELETE FROM $name WHERE id % 3 = 0",
        "VACUUM $name",
        "INSERT INTO $name SELECT * FROM source WHERE id > 600",
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
    use_it($name, $name =~ /^meta_(version|more_codes|mark)$/ ? qr/^0A000$/ : $damage);
    check($name, ' later on');
}
foreach my $name (grep { /random_/ } @names)
{
    check($name, '');
    use_it($name, qr/^(XX...|58...|0A000|22...)$/);
    check($name, ' later on');
}

# REINDEX mends all of them.
is($server->safe_psql('postgres', "SET client_min_messages = warning; "
          . join('', map { "REINDEX INDEX ${_}_v; " } @names)
          . join('UNION ALL ', map { "SELECT '$_', x.* FROM vecdb_index_check('${_}_v', true) x " } @names)),
    '', 'all are sound again');
unlike(slurp_file($server->logfile), qr/PANIC|TRAP|terminated by signal/, 'no crash');
$server->stop;
done_testing();
