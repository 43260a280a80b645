# The extension "vector" of make install-vector: clients that create it find
# vecdb, whether that is in the database or not, and what pg_dump writes can be
# restored.
use strict;
use warnings;

use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $make = "make --no-print-directory -s PG_CONFIG=$ENV{PG_CONFIG}";
my $control = `$ENV{VDB_BIN}/pg_config --sharedir` =~ s/\n//r . '/extension/vector.control';
like($control, qr/^\Q$ENV{VDB_WORK}\E/, 'a copy of PostgreSQL') or BAIL_OUT($control);

# Of a pgvector that is in this copy nothing may be missing afterwards.
my $aside = PostgreSQL::Test::Utils::tempdir();
my ($folder) = $control =~ m{(.*)/};
system("cp -p $folder/vector* $aside/ 2>/dev/null");

END
{
    my $status = $?;
    if ($aside)
    {
        system("rm -f $folder/vector.control $folder/vector--*.sql; cp -p $aside/vector* $folder/ 2>/dev/null");
    }
    $? = $status;
}

# ---- installing it ----

sub make_it
{
    my ($what, $to) = @_;
    my $out = `$make $what DESTDIR=$to 2>&1`;
    return ($?, $out);
}

# In a folder of its own, with and without something of pgvector's.
my $other = PostgreSQL::Test::Utils::tempdir();
my $there = $other . (`$ENV{PG_CONFIG} --sharedir` =~ s/\n//r) . '/extension';
make_path($there);
append_to_file("$there/vector.control", "comment = 'vector data type'\n");
append_to_file("$there/vector--0.8.0.sql", "SELECT 1;\n");
my ($status, $out) = make_it('install-vector', $other);
isnt($status, 0, 'refused where pgvector is');
like($out, qr/pgvector is installed in .*REPLACE=yes/s, 'and says why');
ok(-e "$there/vector--0.8.0.sql", 'pgvector is still there');
($status, $out) = make_it('uninstall-vector', $other);
isnt($status, 0, 'pgvector is not removed');
like($out, qr/not of vecdb/, 'and says why');
($status, $out) = make_it('install-vector REPLACE=yes', $other);
is($status, 0, 'replaced when told to') or diag $out;
ok(!-e "$there/vector--0.8.0.sql", 'and pgvector is gone');
($status) = make_it('install-vector', $other);
is($status, 0, 'once more, without being told');
($status) = make_it('uninstall-vector', $other);
is($status, 0, 'removed');
is(join(' ', glob "$there/vector*"), '', 'and all of it is');

($status, $out) = make_it('install-vector REPLACE=yes', "$ENV{VDB_WORK}/pg");
is($status, 0, 'installed') or diag $out;

# ---- using it ----

my $node = PostgreSQL::Test::Cluster->new('vector');
$node->init;
$node->start;

sub sql
{
    my ($db, $query) = @_;
    return $node->safe_psql($db, $query);
}

sub create
{
    my ($db, @commands) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    sql($db, $_) foreach @commands;
    return;
}

# What clients ask before they do anything.
my $asked = q{SELECT extname, extversion >= '0.5.0' FROM pg_extension WHERE extname = 'vector'};
my $client = q{
    CREATE EXTENSION IF NOT EXISTS vector;
    CREATE TABLE items (id int, v vector(3), h halfvec(3) DEFAULT '[1,2,3]');
    INSERT INTO items SELECT i, ARRAY[i, i % 7, 1]::vector FROM generate_series(1, 500) i;
    CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (m = 8);
    CREATE INDEX items_h ON items USING ivfflat ((h::vector(3)) vector_cosine_ops) WITH (lists = 4);
};
my $search = 'SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> \'[40.1,5,1]\' LIMIT 1';

create('alone', $client);
create('first', 'CREATE EXTENSION vecdb', $client);
create('schema', 'CREATE SCHEMA s; CREATE EXTENSION vector SCHEMA s');
foreach my $db (qw(alone first))
{
    is(sql($db, $asked), 'vector|t', "$db: clients find their extension");
    is(sql($db, $search), '40', "$db: and its indexes");
    sql($db, 'CREATE EXTENSION IF NOT EXISTS vector');
}
my $members = q{SELECT count(*) FROM pg_depend WHERE deptype = 'e' AND refobjid =
    (SELECT oid FROM pg_extension WHERE extname = '%s')};
is(sql('first', sprintf($members, 'vector')), '0', 'first: vector is empty');
is(sql('alone', sprintf($members, 'vector')), sql('first', sprintf($members, 'vecdb')),
    'alone: vector is all of vecdb');
is(sql('schema', q{SELECT '[1,2]'::s.vector OPERATOR(s.<->) '[1,3]'}), '1', 'in a schema');
my (undef, undef, $err) = $node->psql('first', 'DROP EXTENSION vecdb');
like($err, qr/extension vector depends on extension vecdb/, 'first: vector needs vecdb');
(undef, undef, $err) = $node->psql('alone', 'DROP EXTENSION vector');
like($err, qr/column v of table items depends on/, 'alone: columns need vector');
(undef, undef, $err) = $node->psql('alone', 'CREATE EXTENSION vecdb');
like($err, qr/already exists/, 'alone: vecdb has to be told that it is there');
sql('schema', 'DROP EXTENSION vector');

# ---- by an ordinary role ----

sub sql_as
{
    my ($db, $query) = @_;
    return $node->psql($db, $query, extra_params => [ '-U', 'owner' ]);
}

# It may create extensions in its own database only, and not take over.
sql('postgres', 'CREATE ROLE owner LOGIN');
for my $extension (qw(vector vecdb))
{
    my $db = "owned_$extension";
    sql('postgres', "CREATE DATABASE $db OWNER owner");
    my ($result, undef, $said) = sql_as($db, "CREATE EXTENSION $extension; CREATE TABLE items (v vector(3));");
    is($result, 0, "$db: made by an ordinary role") or diag $said;
    is(sql($db, q{SELECT count(*) FROM pg_proc JOIN pg_depend ON objid = pg_proc.oid
        WHERE deptype = 'e' AND (prosecdef OR pg_get_userbyid(proowner) = 'owner')}), '0',
        "$db: whose rights the functions do not have");
}
(undef, undef, $err) = sql_as('owned_vector', q{CREATE EXTENSION vecdb VERSION 'pgvector'});
like($err, qr/permission denied to create extension/, 'an ordinary role does not take over');
sql('postgres', 'CREATE DATABASE foreign_to_owner');
(undef, undef, $err) = sql_as('foreign_to_owner', 'CREATE EXTENSION vecdb');
like($err, qr/permission denied/, 'nor create it in a database of others');

# ---- dumps ----

sub restored
{
    my ($from, $to, @commands) = @_;
    my $dump = $node->basedir . "/$from.sql";
    $node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr($from) ], "$from: dumped");
    create($to, @commands);
    $node->command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d',
        $node->connstr($to) ], "$from: restored");
    is(sql($to, $search), '40', "$from: searched");
    return slurp_file($dump);
}

unlike(restored('alone', 'again'), qr/EXTENSION IF NOT EXISTS vecdb/, 'alone: the dump wants vector only');
like(restored('first', 'first_again'), qr/EXTENSION.* vecdb.*EXTENSION.* vector/s,
    'first: the dump has both, vecdb first');
# A dump that wants vector only, where vecdb is already.
restored('again', 'into_vecdb', 'CREATE EXTENSION vecdb');

# ---- vecdb takes over what is its own ----

my $oids = q{SELECT 'vector'::regtype::oid, 'items_v'::regclass::oid};
my $before = sql('alone', $oids);
sql('alone', q{CREATE EXTENSION vecdb VERSION 'pgvector'});
is(sql('alone', $oids), $before, 'taken over: in place');
is(sql('alone', sprintf($members, 'vector')), '0', 'taken over: vector is empty');
is(sql('alone', q{SELECT extversion FROM pg_extension WHERE extname = 'vecdb'}), '0.1.0',
    'taken over: an ordinary vecdb');
is(sql('alone', $search), '40', 'taken over: searched');
is(sql('alone', 'SELECT count(*) FROM vecdb_replace_pgvector()'), '0', 'taken over: no index to replace');
sql('alone', 'DROP EXTENSION vector');

$node->stop;
done_testing();
