-- Random vectors of int8, always the same: text and binary there and back, arithmetic and distances against the same in double precision, worked out in SQL from the elements.

SELECT setseed(0.25);
-- n dimensions, elements of a common scale; a tenth of them zero
CREATE TABLE arrays AS SELECT id, n, array_agg(x ORDER BY i) AS x, array_agg(y ORDER BY i) AS y,
       array_agg(round(hx::numeric) ORDER BY i)::float8[] AS ix, array_agg(round(hy::numeric) ORDER BY i)::float8[] AS iy, array_agg(hx ORDER BY i) AS hx, array_agg(hy ORDER BY i) AS hy
FROM (SELECT id, n, i, CASE WHEN random() < 0.1 THEN 0 ELSE (random() * 2 - 1) * scale END::real::float8 AS x,
             CASE WHEN random() < 0.1 THEN 0 ELSE (random() * 2 - 1) * scale END::real::float8 AS y,
             CASE WHEN random() < 0.1 THEN 0 ELSE random() * 255 - 127.9 END AS hx,
             CASE WHEN random() < 0.1 THEN 0 ELSE random() * 255 - 127.9 END AS hy
      FROM (SELECT id, 1 + (id * 7919 % 97) AS n, 10.0::float8 ^ (id % 31 - 15) AS scale FROM generate_series(1, 1500) AS id) AS sizes,
           generate_series(1, n) AS i OFFSET 0) AS r
GROUP BY id, n;

-- What the answers are to be: those of the elements as stored, in double.
CREATE FUNCTION expected(a float8[], b float8[], OUT l2 float8, OUT ip float8, OUT cosine float8, OUT l1 float8, OUT norm float8, OUT size float8) LANGUAGE sql IMMUTABLE AS $$
    SELECT sqrt(sum((x - y) ^ 2)), -sum(x * y),
           CASE WHEN sum(x * x) = 0 OR sum(y * y) = 0 THEN 'NaN' ELSE 1 - sum(x * y) / sqrt(sum(x * x) * sum(y * y)) END,
           sum(abs(x - y)), sqrt(sum(x * x)), sqrt(sum(x * x) * sum(y * y))
    FROM unnest(a, b) AS e(x, y)
$$;
-- Near enough?  The sums are exact, the rest is rounding in double.
CREATE FUNCTION near(a float8, b float8, size float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$SELECT a = b OR abs(a - b) <= 1e-12 * size$$;

CREATE TABLE pairs AS SELECT id, n, ix::vector::int8vec AS a, iy::vector::int8vec AS b, ix, iy FROM arrays;
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE int8vec_send(a::text::int8vec) = int8vec_send(a)) AS text,
       count(*) FILTER (WHERE a::int[]::int8vec = a AND a::vector::int8vec = a AND a::real[] = ix::real[] AND a::int[] = ix::int[]) AS casts,
       count(*) FILTER (WHERE near(a <-> b, l2, l2)) AS l2,
       count(*) FILTER (WHERE a <#> b = ip) AS ip,
       count(*) FILTER (WHERE near(a <=> b, cosine, 1)) AS cosine,
       count(*) FILTER (WHERE a <+> b = l1) AS l1,
       count(*) FILTER (WHERE near(l2_norm(a), norm, norm)) AS norm,
       count(*) FILTER (WHERE int8vec_cmp(a, b) = vector_cmp(ix::vector, iy::vector)) AS cmp,
       count(*) FILTER (WHERE l2_normalize(a) = l2_normalize(ix::vector)) AS normalize,
       count(*) FILTER (WHERE binary_quantize(a) = binary_quantize(ix::vector)) AS quantize
FROM pairs, expected(ix, iy);
-- arithmetic that stays within the range
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE c + d = (c::vector + d::vector)::int8vec) AS add,
       count(*) FILTER (WHERE c - d = (c::vector - d::vector)::int8vec) AS sub,
       count(*) FILTER (WHERE s * t = (s::vector * t::vector)::int8vec) AS mul,
       count(*) FILTER (WHERE (c || d)::int[] = c::int[] || d::int[]) AS concat,
       count(*) FILTER (WHERE subvector(c, 1 + n / 3, n / 2 + 1)::int[] = (c::int[])[1 + n / 3 : n / 3 + n / 2 + 1]) AS subvector
FROM (SELECT n, array_agg(trunc(ex / 2) ORDER BY i)::vector::int8vec AS c, array_agg(trunc(ey / 2.1) ORDER BY i)::vector::int8vec AS d,
             array_agg(trunc(ex / 12) ORDER BY i)::vector::int8vec AS s, array_agg(trunc(ey / 12) ORDER BY i)::vector::int8vec AS t
      FROM arrays, unnest(ix, iy) WITH ORDINALITY AS e(ex, ey, i) GROUP BY id, n) AS v;
SELECT count(*) AS groups, count(*) FILTER (WHERE s = sums AND m = avgs) AS same
FROM (SELECT n, sum(ix::vector::int8vec)::real[] AS s, avg(ix::vector::int8vec)::real[] AS m FROM arrays GROUP BY n) AS got
JOIN (SELECT n, array_agg(s ORDER BY i) AS sums, array_agg(m ORDER BY i) AS avgs
      FROM (SELECT n, i, sum(e)::real AS s, (sum(e) / count(*))::real AS m FROM arrays, unnest(ix) WITH ORDINALITY AS e(e, i) GROUP BY n, i) AS g GROUP BY n) AS expected USING (n);
DROP FUNCTION near, expected;
DROP TABLE pairs, arrays;
