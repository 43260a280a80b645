// sqlx and lib/pq with pgvector-go: vectors in text, in prepared statements.
package main

import (
	"errors"

	. "clients/common"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pgvector/pgvector-go"
)

type Item struct {
	ID        int64
	Name      string
	Section   string
	Size      int32
	Embedding pgvector.Vector
}

type Sample struct {
	ID        int64
	Embedding pgvector.Vector
	Half      pgvector.HalfVector
	Bits      string
	Sparse    pgvector.SparseVector
	Missing   *pgvector.Vector
}

const plain = "SELECT id FROM items ORDER BY embedding <=> $1 LIMIT 10"

func load(db *sqlx.DB, packages []Package) {
	db.MustExec("CREATE TABLE items (id bigint PRIMARY KEY, name text, section text, size int," +
		" embedding vector(384))")
	db.MustExec("CREATE INDEX nearest ON items USING hnsw (embedding vector_cosine_ops)")
	// Half of them by COPY.
	tx := db.MustBegin()
	copied := Must(tx.Prepare(pq.CopyIn("items", "id", "name", "section", "size", "embedding")))
	for _, p := range packages[:500] {
		Must(copied.Exec(p.ID, p.Name, p.Section, p.Size, pgvector.NewVector(p.Embedding)))
	}
	Must(copied.Exec())
	Check(copied.Close())
	Check(tx.Commit())
	var items []Item
	for _, p := range packages[500:] {
		items = append(items, Item{p.ID, p.Name, p.Section, p.Size, pgvector.NewVector(p.Embedding)})
	}
	Must(db.NamedExec("INSERT INTO items (id, name, section, size, embedding)"+
		" VALUES (:id, :name, :section, :size, :embedding)", items))
	db.MustExec("ANALYZE items")
}

func search(db *sqlx.DB, questions []Question) {
	nearest := Must(db.Preparex(plain))
	var all, some Recall
	for _, q := range questions {
		v := pgvector.NewVector(q.Embedding)
		var ids []int64
		Check(nearest.Select(&ids, v))
		all.Add(ids, q.Nearest)
		var filtered []int64
		Check(db.Select(&filtered, "SELECT id FROM items WHERE section = $1 AND size < $2"+
			" ORDER BY embedding <=> $3 LIMIT 10", q.Section, q.Below, v))
		some.Add(filtered, q.NearestFiltered)
	}
	all.Check()
	some.Check()

	tx := db.MustBegin()
	defer tx.Rollback()
	tx.MustExec("SET LOCAL enable_seqscan = off")
	var plan []string
	Check(tx.Select(&plan, "EXPLAIN "+plain, pgvector.NewVector(questions[0].Embedding)))
	ExpectIndex(plan, "nearest")
}

func samples(db *sqlx.DB) {
	db.MustExec("CREATE TABLE samples (id bigserial PRIMARY KEY, embedding vector(3)," +
		" half halfvec(3), bits bit(3), sparse sparsevec(5), missing vector(3))")
	vectors := [][]float32{{1, 1, 1}, {2, 2, 2}, {1, 1, 2}}
	var made []Sample
	for i, v := range vectors {
		made = append(made, Sample{
			int64(i + 1), pgvector.NewVector(v), pgvector.NewHalfVector(v),
			[]string{"000", "101", "111"}[i],
			pgvector.NewSparseVector([]float32{0, v[0], 0, v[1], v[2]}), nil,
		})
	}
	Must(db.NamedExec("INSERT INTO samples (embedding, half, bits, sparse, missing)"+
		" VALUES (:embedding, :half, :bits, :sparse, :missing)", made))
	var found []Sample
	Check(db.Select(&found, "SELECT * FROM samples ORDER BY embedding <-> $1",
		pgvector.NewVector(vectors[0])))
	Expect("rows", found, []Sample{made[0], made[2], made[1]})

	_, err := db.Exec("UPDATE samples SET embedding = $1", pgvector.NewVector([]float32{1}))
	var failed *pq.Error
	Expect("error of the server", errors.As(err, &failed), true)
	Expect("message", failed.Message, "expected 3 dimensions, not 1")
}

func main() {
	db := sqlx.MustConnect("postgres", "sslmode=disable")
	defer db.Close()
	db.MustExec("CREATE EXTENSION IF NOT EXISTS vector")
	load(db, Packages())
	search(db, Questions())
	samples(db)
	Done("CopyIn, NamedExec, Select, prepared statements", "github.com/jmoiron/sqlx",
		"github.com/lib/pq", "github.com/pgvector/pgvector-go")
}
