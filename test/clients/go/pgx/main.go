// pgx with pgvector-go: binary COPY, batches, and every way to run a query.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	. "clients/common"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pgvector/pgvector-go"
	pgxvec "github.com/pgvector/pgvector-go/pgx"
)

const (
	plain    = "SELECT id FROM packages ORDER BY embedding <=> $1 LIMIT 10"
	filtered = "SELECT id FROM packages WHERE section = $2 AND size < $3" +
		" ORDER BY embedding <=> $1 LIMIT 10"
)

var ctx = context.Background()

// open makes a pool, once the extension is there for its connections.
func open() *pgxpool.Pool {
	conn := Must(pgx.Connect(ctx, ""))
	Must(conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS vector"))
	Check(conn.Close(ctx))
	config := Must(pgxpool.ParseConfig(""))
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		return pgxvec.RegisterTypes(ctx, conn)
	}
	return Must(pgxpool.NewWithConfig(ctx, config))
}

func ids(rows pgx.Rows, err error) []int64 {
	Check(err)
	return Must(pgx.CollectRows(rows, pgx.RowTo[int64]))
}

// explain says how a query is run when the table is not scanned.
func explain(conn *pgxpool.Conn, query string, args ...any) []string {
	tx := Must(conn.Begin(ctx))
	defer tx.Rollback(ctx)
	Must(tx.Exec(ctx, "SET LOCAL enable_seqscan = off"))
	rows := Must(tx.Query(ctx, "EXPLAIN "+query, args...))
	return Must(pgx.CollectRows(rows, pgx.RowTo[string]))
}

func load(pool *pgxpool.Pool, packages []Package) {
	Must(pool.Exec(ctx, "CREATE TABLE packages (id bigint PRIMARY KEY, name text, section text,"+
		" size int, embedding vector(384))"))
	copied := packages[:800]
	n := Must(pool.CopyFrom(ctx, pgx.Identifier{"packages"},
		[]string{"id", "name", "section", "size", "embedding"},
		pgx.CopyFromSlice(len(copied), func(i int) ([]any, error) {
			p := copied[i]
			return []any{p.ID, p.Name, p.Section, p.Size, pgvector.NewVector(p.Embedding)}, nil
		})))
	Expect("copied", n, int64(800))
	Must(pool.Exec(ctx, "CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops)"+
		" WITH (m = 16, ef_construction = 64)"))
	var batch pgx.Batch
	for _, p := range packages[800:] {
		batch.Queue("INSERT INTO packages VALUES ($1, $2, $3, $4, $5)",
			p.ID, p.Name, p.Section, p.Size, pgvector.NewVector(p.Embedding))
	}
	Check(pool.SendBatch(ctx, &batch).Close())
	Must(pool.Exec(ctx, "ANALYZE packages"))
}

func search(conn *pgxpool.Conn, questions []Question) {
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe,
		pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		var all, some Recall
		for _, q := range questions {
			v := pgvector.NewVector(q.Embedding)
			all.Add(ids(conn.Query(ctx, plain, mode, v)), q.Nearest)
			some.Add(ids(conn.Query(ctx, filtered, mode, v, q.Section, q.Below)),
				q.NearestFiltered)
		}
		all.Check()
		some.Check()
	}
	ExpectIndex(explain(conn, plain, pgvector.NewVector(questions[0].Embedding)), "nearest")
}

// prepare prepares a search, and runs it until PostgreSQL plans it once for all.
func prepare(conn *pgxpool.Conn, questions []Question) {
	Must(conn.Exec(ctx, "SET enable_seqscan = off"))
	Must(conn.Conn().Prepare(ctx, "search", plain))
	var recall Recall
	for _, q := range questions {
		recall.Add(ids(conn.Query(ctx, "search", pgvector.NewVector(q.Embedding))), q.Nearest)
	}
	recall.Check()
	var generic bool
	Check(conn.QueryRow(ctx, "SELECT generic_plans > 0 FROM pg_prepared_statements"+
		" WHERE name = 'search'").Scan(&generic))
	Expect("generic plan", generic, true)
	rows := Must(conn.Query(ctx, "EXPLAIN EXECUTE search('"+
		pgvector.NewVector(questions[0].Embedding).String()+"')"))
	ExpectIndex(Must(pgx.CollectRows(rows, pgx.RowTo[string])), "nearest")
	Must(conn.Exec(ctx, "RESET enable_seqscan"))
}

func batch(conn *pgxpool.Conn, questions []Question) {
	var recall Recall
	var batch pgx.Batch
	for _, q := range questions {
		batch.Queue(plain, pgvector.NewVector(q.Embedding)).Query(func(rows pgx.Rows) error {
			recall.Add(ids(rows, nil), q.Nearest)
			return nil
		})
	}
	Check(conn.SendBatch(ctx, &batch).Close())
	recall.Check()
}

// otherTypes searches the same as halfvec, sparsevec and bit, with their indexes.
func otherTypes(conn *pgxpool.Conn, packages []Package, questions []Question) {
	Must(conn.Exec(ctx, "CREATE TABLE others (id bigint, half halfvec(384),"+
		" sparse sparsevec(384), bits bit(384))"))
	Must(conn.CopyFrom(ctx, pgx.Identifier{"others"}, []string{"id", "half", "sparse", "bits"},
		pgx.CopyFromSlice(len(packages), func(i int) ([]any, error) {
			e := packages[i].Embedding
			return []any{packages[i].ID, pgvector.NewHalfVector(e), pgvector.NewSparseVector(e),
				signs(e)}, nil
		})))
	Must(conn.Exec(ctx, "CREATE INDEX half ON others USING ivfflat (half halfvec_cosine_ops)"+
		" WITH (lists = 10)"))
	Must(conn.Exec(ctx, "CREATE INDEX sparse ON others USING hnsw (sparse sparsevec_cosine_ops)"))
	Must(conn.Exec(ctx, "CREATE INDEX bits ON others USING hnsw (bits bit_hamming_ops)"))
	Must(conn.Exec(ctx, "ANALYZE others"))
	const (
		byHalf   = "SELECT id FROM others ORDER BY half <=> $1 LIMIT 10"
		bySparse = "SELECT id FROM others ORDER BY sparse <=> $1 LIMIT 10"
		byBits   = "SELECT (bits <~> $1)::int FROM others ORDER BY bits <~> $1 LIMIT 10"
	)
	Must(conn.Exec(ctx, "SET ivfflat.probes = 10"))
	var half, sparse Recall
	var asNear, asked int
	for _, q := range questions {
		half.Add(ids(conn.Query(ctx, byHalf, pgvector.NewHalfVector(q.Embedding))), q.Nearest)
		sparse.Add(ids(conn.Query(ctx, bySparse, pgvector.NewSparseVector(q.Embedding))), q.Nearest)
		rows := Must(conn.Query(ctx, byBits, signs(q.Embedding)))
		got := Must(pgx.CollectRows(rows, pgx.RowTo[int32]))
		var right []int32
		for _, p := range packages {
			right = append(right, different(signs(p.Embedding), signs(q.Embedding)))
		}
		slices.Sort(right)
		Expect("rows", len(got), 10)
		for _, d := range got {
			asked++
			if d <= right[9] {
				asNear++
			}
		}
	}
	half.Check()
	sparse.Check()
	Expect(fmt.Sprintf("%d of %d by Hamming", asNear, asked), asNear*20 >= asked*19, true)
	q := questions[0].Embedding
	ExpectIndex(explain(conn, byHalf, pgvector.NewHalfVector(q)), "half")
	ExpectIndex(explain(conn, bySparse, pgvector.NewSparseVector(q)), "sparse")
	ExpectIndex(explain(conn, byBits, signs(q)), "bits")
}

// signs is what binary_quantize() gives.
func signs(v []float32) pgtype.Bits {
	bits := pgtype.Bits{Bytes: make([]byte, (len(v)+7)/8), Len: int32(len(v)), Valid: true}
	for i, x := range v {
		if x > 0 {
			bits.Bytes[i/8] |= 128 >> (i % 8)
		}
	}
	return bits
}

func different(a, b pgtype.Bits) (n int32) {
	for i := range a.Bytes {
		for x := a.Bytes[i] ^ b.Bytes[i]; x != 0; x &= x - 1 {
			n++
		}
	}
	return n
}

// roundTrips stores one row of each type and one of nulls, and reads them back in
// binary and in text.
func roundTrips(conn *pgxpool.Conn) {
	type row struct {
		Vector *pgvector.Vector
		Half   *pgvector.HalfVector
		Sparse *pgvector.SparseVector
		Bits   pgtype.Bits
		Many   []pgvector.Vector
		Halves []pgvector.HalfVector
	}
	vector := pgvector.NewVector([]float32{1, -2.5, math.MaxFloat32})
	half := pgvector.NewHalfVector([]float32{1, -0.5, 65504})
	sparse := pgvector.NewSparseVectorFromMap(map[int32]float32{0: 1.5, 30521: -2}, 30522)
	stored := row{&vector, &half, &sparse, signs([]float32{1, 0, 1}),
		[]pgvector.Vector{vector, pgvector.NewVector([]float32{0, 0, 0})},
		[]pgvector.HalfVector{half}}
	Must(conn.Exec(ctx, "CREATE TABLE types (vector vector(3), half halfvec(3),"+
		" sparse sparsevec(30522), bits bit(3), many vector(3)[], halves halfvec[])"))
	// Once by COPY, once by INSERT.
	Must(conn.CopyFrom(ctx, pgx.Identifier{"types"},
		[]string{"vector", "half", "sparse", "bits", "many", "halves"},
		pgx.CopyFromRows([][]any{{vector, half, sparse, stored.Bits, stored.Many, stored.Halves}})))
	Must(conn.Exec(ctx, "INSERT INTO types VALUES ($1, $2, $3, $4, $5, $6)",
		vector, half, sparse, stored.Bits, stored.Many, stored.Halves))
	Must(conn.Exec(ctx, "INSERT INTO types VALUES ($1, $2, $3, $4, $5, $6)",
		nil, nil, nil, nil, nil, nil))
	for _, format := range []int16{pgx.BinaryFormatCode, pgx.TextFormatCode} {
		rows := Must(conn.Query(ctx, "SELECT * FROM types ORDER BY vector NULLS LAST",
			pgx.QueryResultFormats{format, format, format, format, format, format}))
		got := Must(pgx.CollectRows(rows, pgx.RowToStructByPos[row]))
		Expect("rows", len(got), 3)
		for _, r := range got[:2] {
			Expect("vector", r.Vector.Slice(), vector.Slice())
			Expect("halfvec", r.Half.Slice(), half.Slice())
			Expect("dimensions", r.Sparse.Dimensions(), int32(30522))
			Expect("indices", r.Sparse.Indices(), sparse.Indices())
			Expect("values", r.Sparse.Values(), sparse.Values())
			Expect("bit", r.Bits, stored.Bits)
			Expect("vector[]", r.Many, stored.Many)
			Expect("halfvec[]", r.Halves, stored.Halves)
		}
		Expect("nulls", got[2], row{})
	}

	// Functions: two vectors in, an aggregate, a cast and a distance out.
	var sum, average pgvector.Vector
	var cast pgvector.HalfVector
	var distance float64
	Check(conn.QueryRow(ctx, "SELECT $1::vector + $2, (SELECT avg(x) FROM unnest($3::vector[]) x),"+
		" $1::vector::halfvec, $1::vector <-> $2", pgvector.NewVector([]float32{1, 2}),
		pgvector.NewVector([]float32{4, 6}), []pgvector.Vector{
			pgvector.NewVector([]float32{1, 2}), pgvector.NewVector([]float32{3, 5})},
	).Scan(&sum, &average, &cast, &distance))
	Expect("sum", sum.Slice(), []float32{5, 8})
	Expect("average", average.Slice(), []float32{2, 3.5})
	Expect("cast", cast.Slice(), []float32{1, 2})
	Expect("distance", distance, 5.0)
}

// mistakes are errors of the client's.
func mistakes(conn *pgxpool.Conn) {
	for _, wrong := range []struct {
		value         []float32
		code, message string
	}{
		{[]float32{1, 2}, "22000", "expected 3 dimensions, not 2"},
		{[]float32{1, 2, float32(math.NaN())}, "22000", "NaN not allowed in vector"},
		{[]float32{1, 2, float32(math.Inf(1))}, "22000", "infinite value not allowed in vector"},
	} {
		_, err := conn.Exec(ctx, "INSERT INTO types (vector) VALUES ($1)",
			pgvector.NewVector(wrong.value))
		var failed *pgconn.PgError
		Expect("error of the server", errors.As(err, &failed), true)
		Expect("code", failed.Code, wrong.code)
		Expect("message", failed.Message, wrong.message)
	}
}

func main() {
	packages, questions := Packages(), Questions()
	pool := open()
	defer pool.Close()
	load(pool, packages)
	conn := Must(pool.Acquire(ctx))
	defer conn.Release()
	search(conn, questions)
	prepare(conn, questions)
	batch(conn, questions)
	otherTypes(conn, packages, questions)
	roundTrips(conn)
	mistakes(conn)
	Done("binary COPY, batches, prepared statements, all query modes, hnsw and ivfflat,"+
		" vector, halfvec, sparsevec, bit, arrays",
		"github.com/jackc/pgx/v5", "github.com/pgvector/pgvector-go")
}
