# What is dumped and restored, and what is copied out and in as text or
# binary, is what was there, to the bit.
use strict;
use warnings;

use File::Compare;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->start;
my $dir = $node->basedir;

sub sql
{
    my ($db, $query) = @_;
    return $node->safe_psql($db, $query);
}

$node->safe_psql('postgres', 'CREATE DATABASE source');
sql('source', q{
    CREATE EXTENSION vecdb;
    CREATE SCHEMA app;
    CREATE DOMAIN app.unit AS vector(3)
        CHECK (abs(vector_norm(VALUE) - 1) < 0.001);
    CREATE TABLE app.items (
        id int PRIMARY KEY,
        v vector,
        v3 vector(3) NOT NULL DEFAULT '[1,2.5,-3]',
        h halfvec,
        h3 halfvec(3) DEFAULT '[1,2.5,-3]',
        s sparsevec,
        s9 sparsevec(9) DEFAULT '{1:1,9:-2.5}/9',
        i int8vec,
        i3 int8vec(3) DEFAULT '[-128,0,127]',
        b bit(12) DEFAULT B'101010101010',
        many vector[],
        u app.unit,
        norm float8 GENERATED ALWAYS AS (vector_norm(v3)) STORED,
        CHECK (vector_dims(v) > 0)
    );
    CREATE INDEX items_v3 ON app.items (v3);
    CREATE INDEX items_far ON app.items ((v3 <-> '[1,1,1]'), id)
        WHERE v3 <#> '[1,1,1]' < 0;
    CREATE INDEX items_pq ON app.items USING ivf (i3 int8vec_l2_ops)
        WITH (quantizer = pq, bits = 4, lists = 5);
    CREATE INDEX items_sq8 ON app.items USING ivf (i3 int8vec_cosine_ops)
        WITH (quantizer = sq8);
    CREATE INDEX items_filter ON app.items
        USING hnsw (v3 vector_l2_ops, id, (id % 10), norm float8_ops);
    CREATE VIEW app.near AS
        SELECT id, v3 <-> '[1,1,1]' AS l2, v3 <=> '[1,1,1]'::vector AS cosine,
               v3::halfvec(3) AS half, h3 <#> '[1,1,1]' AS ip,
               b <~> B'111111111111' AS hamming
        FROM app.items ORDER BY v3 <-> '[1,1,1]' LIMIT 5;
    CREATE MATERIALIZED VIEW app.centre AS
        SELECT id % 3 AS part, avg(v3) AS v FROM app.items GROUP BY 1;

    -- The defaults, the nulls and the extremes, then a thousand others.
    INSERT INTO app.items (id) VALUES (1);
    INSERT INTO app.items VALUES
        (2, NULL, '[0,0,0]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (3, '[3.4028235e38,-1.1754944e-38,1e-45,-0,0.1]', '[1,0,0]',
         '[65504,-6.1e-5,6e-8,-0,0.1]', '[0,0,0]',
         '{}/5', '{9:1e-45}/9', '[-128,127,0,1]', '[0,0,0]', B'000000000000',
         ARRAY['[1]', NULL, '[1,2]']::vector[], '[0,1,0]'),
        (4, array_fill(0.1, ARRAY[16000])::vector, '[1,0,0]',
         array_fill(0.1, ARRAY[16000])::halfvec, '[0,0,0]',
         '{1000000000:2}/1000000000', '{1:1,2:2,3:3}/9',
         array_fill(-7, ARRAY[16000])::int8vec, '[1,2,3]', B'111111111111',
         '{}', '[0.6,0.8,0]');
    SELECT setseed(0.25);
    INSERT INTO app.items (id, v, v3, h, s, i)
        SELECT n, a::vector, a[1:3]::vector, a::halfvec, a::vector::sparsevec,
               ARRAY(SELECT round(x * 12)::int FROM unnest(a) x)::int8vec
        FROM (SELECT n, ARRAY(SELECT (random() - 0.5) * 20
                              FROM generate_series(1, 3 + n % 200)) AS a
              FROM generate_series(5, 1000) n) made;
    REFRESH MATERIALIZED VIEW app.centre;
    ANALYZE;
});

# Everything there is, as one checksum.
my $checksum = q{
    SELECT md5(string_agg(i::text, E'\n' ORDER BY id)) FROM app.items i
    UNION ALL SELECT md5(string_agg(n::text, E'\n' ORDER BY id)) FROM app.near n
    UNION ALL SELECT md5(string_agg(c::text, E'\n' ORDER BY part))
        FROM app.centre c};
my $before = sql('source', $checksum);
like($before, qr/^[0-9a-f]{32}\n[0-9a-f]{32}\n[0-9a-f]{32}$/, 'there is data');

# A dump in each format, restored in a database of its own.
my $port = $node->port;
my $host = $node->host;
my @to = ('--host', $host, '--port', $port, '--no-sync');

foreach my $format ('plain', 'custom')
{
    my $file = "$dir/$format.dump";

    $node->safe_psql('postgres', "CREATE DATABASE $format");
    $node->command_ok(
        [ 'pg_dump', @to, '--format', $format, '--file', $file, 'source' ],
        "$format: dumped");
    my @restore =
      $format eq 'plain'
      ? ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file)
      : ('pg_restore', '--exit-on-error', $file);
    $node->command_ok(
        [ @restore, '--host', $host, '--port', $port, '--dbname', $format ],
        "$format: restored");
    is(sql($format, $checksum), $before, "$format: the same rows");

    # A dump of the copy says the same as one of the original.
    my @text = map {
        my ($out) = run_command([
            'pg_dump', '--host', $host, '--port', $port, $_ ]);
        # Recent versions put a random key here.
        $out =~ s/^\\(un)?restrict .*$//mg;
        $out
    } ('source', $format);
    cmp_ok(length $text[0], '>', 100_000, "$format: the dump has the data");
    ok($text[1] eq $text[0], "$format: dumped again, it is the same");
    like($text[1], qr/DEFAULT '\[-128,0,127\]'::public\.int8vec/,
        "$format: the default is there");
    like($text[1], qr/WITH \(quantizer=pq, bits='4', lists='5'\)/,
        "$format: the index's options are there");
}

# The restored index is used, and right.
my $point = q{SELECT count(*), min(id) FROM app.items WHERE v3 = '[1,2.5,-3]'};
my $by_index = "SET enable_seqscan = off; ";
like(sql('custom', "$by_index EXPLAIN $point"), qr/items_v3/,
    'the restored index is used');
is(sql('custom', "$by_index $point"), '1|1', 'it finds the row');
my $near = q{SELECT id FROM app.items WHERE id % 10 = 7 AND norm < 30
    ORDER BY v3 <-> '[1,1,1]' LIMIT 1};
like(sql('custom', "$by_index EXPLAIN $near"), qr/items_filter.*Index Cond/s,
    'so is the one with filter columns');
is(sql('custom', "$by_index $near"), sql('source', "SET enable_indexscan = off; $near"),
    'and it finds the row');

# COPY: text and binary, each read back and written again as binary.
my $columns = 'id, v, v3, h, h3, s, s9, i, i3, b, many, u';
sub copy_to
{
    my ($table, $file, $format) = @_;
    sql('source', "COPY (SELECT $columns FROM $table ORDER BY id)"
          . " TO '$file' (FORMAT $format)");
}

copy_to('app.items', "$dir/first.bin", 'binary');
foreach my $format ('text', 'csv', 'binary')
{
    my ($data, $again) = ("$dir/$format.data", "$dir/$format.bin");

    copy_to('app.items', $data, $format);
    sql('source', qq{
        CREATE TABLE app.$format (LIKE app.items);
        COPY app.$format ($columns) FROM '$data' (FORMAT $format)});
    copy_to("app.$format", $again, 'binary');
    is(sql('source', "SELECT count(*) FROM app.$format"),
        1000, "COPY $format: all rows");
    is(compare("$dir/first.bin", $again), 0,
        "COPY $format: out and in again, bit for bit");
}

$node->stop;
done_testing();
